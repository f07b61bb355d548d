"""The agent stays thin: its graph is one file that is read in a minute, and the package is small."""

import ast
from pathlib import Path

import agent_client

PACKAGE = Path(agent_client.__file__).parent

LARGEST_GRAPH = 150
"""Lines."""

LARGEST_PACKAGE = 4_150
"""Lines of code: without docstrings, comments and empty lines."""


def lines_of_code(file: Path) -> int:
    source = file.read_text(encoding="utf-8")
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            docstrings.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(source.splitlines(), start=1)
    return sum(1 for number, line in lines if line.strip() and line.strip()[0] != "#" and number not in docstrings)


def test_the_graph_is_one_short_file() -> None:
    assert len((PACKAGE / "agent.py").read_text(encoding="utf-8").splitlines()) <= LARGEST_GRAPH


def test_the_package_is_small() -> None:
    assert sum(map(lines_of_code, PACKAGE.rglob("*.py"))) < LARGEST_PACKAGE
