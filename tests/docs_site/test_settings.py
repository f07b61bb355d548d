"""The reference of the settings against the settings that a process has."""

import re
from typing import Any

import pytest

from docs_site.settings import settings_page
from mcp_server.settings import HARMLESS, Settings

ROWS = {
    cells[0].strip("`"): cells[1:]
    for line in settings_page().splitlines()
    if len(cells := [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]) == 5 and cells[0].startswith("`")
}


def test_every_setting_has_a_row() -> None:
    assert list(ROWS) == [f"RECSYS_{name.upper()}" for name in Settings.model_fields]


def test_settings_of_a_found_file_are_marked() -> None:
    assert {name for name, cells in ROWS.items() if cells[3]} == {f"RECSYS_{name.upper()}" for name in HARMLESS}


@pytest.mark.parametrize("name", ["port", "call_timeout", "stateless", "dataset", "log_format"])
def test_the_default_that_is_told_means_what_happens_without(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without: Any = getattr(Settings(), name)
    monkeypatch.setenv(f"RECSYS_{name.upper()}", ROWS[f"RECSYS_{name.upper()}"][1].strip("`"))
    assert getattr(Settings(), name) == without


def test_settings_without_a_default_have_none() -> None:
    assert {name for name, cells in ROWS.items() if not cells[1]} == {
        f"RECSYS_{name.upper()}" for name, value in Settings().model_dump().items() if value in (None, "", [])
    }
