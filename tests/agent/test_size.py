"""The agent stays thin: its graph is one file that is read in a minute, and the package is small. So does the check of
answers beside it.
"""

import ast
from pathlib import Path
from types import ModuleType

import pytest

import agent_client
import recsys_grounding

LARGEST_GRAPH = 150
"""Lines."""

MOST_LINES = {agent_client: 3_250, recsys_grounding: 1_075}
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
    graph = Path(agent_client.__file__).with_name("agent.py")
    assert len(graph.read_text(encoding="utf-8").splitlines()) <= LARGEST_GRAPH


@pytest.mark.parametrize("package", MOST_LINES, ids=lambda package: package.__name__)
def test_the_package_is_small(package: ModuleType) -> None:
    files = Path(str(package.__file__)).parent.rglob("*.py")
    assert sum(map(lines_of_code, files)) < MOST_LINES[package]
