"""docs/security.md: each row that says what stops an attacker names tests, and those tests exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("|") and not line.startswith(("|---", "| who |"))
]
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


@cache
def functions_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions) and node.name[:5] == "test_")


def test_rows_say_who_what_and_what_stops_them_and_name_a_test() -> None:
    assert len(ROWS) > 30
    assert ROWS[0][0], "the first row has nobody to go on from"
    for row in ROWS:
        assert len(row) == 4, row
        assert row[1], row
        assert row[2], row
        assert re.fullmatch(r"`tests/[\w/]+\.py::\w+`(?:, `tests/[\w/]+\.py::\w+`)*", row[3]), row


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_the_tests_that_are_named_exist(file: str) -> None:
    assert (ROOT / file).is_file()
    missing = {name for named, name in NAMED if named == file} - functions_in(file)
    assert missing == set()


def test_places_and_policies_that_the_pages_refer_to_exist() -> None:
    for page in ("docs/security.md", "SECURITY.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        for link in re.findall(r"\]\(((?!https?:)[^)#]+)", text):
            assert ((ROOT / page).parent / link).exists(), (page, link)
