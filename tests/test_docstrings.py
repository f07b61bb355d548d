"""Docstrings open with a sentence about the thing that they describe."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FRAGMENTS = ("Of ", "What ", "That ", "Args:", "Raises:", "Returns:", "Yields:")
"""Openings of docstrings that have no subject."""

PACKAGES = (
    "agent_client",
    "benchmarks",
    "docs_site",
    "examples",
    "mcp_server",
    "recsys_grounding",
    "recsys_shared",
    "runner",
)

FILES = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and text of each docstring, those of attributes included."""
    for node in ast.walk(tree):
        for statement in getattr(node, "body", None) or [] if not isinstance(node, ast.Lambda | ast.IfExp) else []:
            match statement:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield statement.lineno, text.strip()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_no_docstring_opens_with_a_fragment(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert [found for found in docstrings(tree) if found[1].startswith(FRAGMENTS)] == []


def test_fragments_are_found() -> None:
    tree = ast.parse('"""Sizes."""\nSIZE = 1\n"""Of a page."""\ndef f():\n    """Args:\n    x: A number.\n    """\n')
    assert [line for line, text in docstrings(tree) if text.startswith(FRAGMENTS)] == [3, 5]
