"""Results of queries as files: every value is read again as it was."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_server.errors import DatasetError
from mcp_server.reading import query_results
from mcp_server.reading.query_results import ResultFile

TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)


def written(names: Sequence[str], *rows: Sequence[Any]) -> str:
    stream = io.BytesIO()
    ResultFile(stream, names, "the query of shop").add(rows)
    return stream.getvalue().decode()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
def test_texts_come_back(rows: list[tuple[str, str]]) -> None:
    assert list(csv.reader(io.StringIO(written(["a", "b"], *rows), newline=""))) == [["a", "b"], *map(list, rows)]


def test_an_unknown_value_is_no_empty_text() -> None:
    assert written(["a", "b"], [None, ""]) == '"a","b"\n,""\n'
    assert written(["a"], [None], ["x"]) == '"a"\n""\n"x"\n'


def test_values_have_one_form() -> None:
    row = [2**63, -0.5, 1e-7, True, False, b"caf\xc3\xa9", ["a", None, 'b"']]
    assert written([*"abcdefg"], row).splitlines()[1] == (
        '9223372036854775808,-0.5,1e-07,true,false,"café","[""a"", null, ""b\\""""]"'
    )


def test_bytes_that_are_no_text_are_refused_with_the_column() -> None:
    with pytest.raises(DatasetError, match="row 2: the column 'photo' holds bytes that are not text in UTF-8: leave"):
        written(["id", "photo"], [1, b"x"], [2, b"\xff\xd8"])


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(DatasetError, match="the query of shop finds two columns named 'id': name one of them with AS"):
        written(["id", "name", "id"])


def test_a_row_that_cannot_be_read_again_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_results, "LONGEST_ROW", 20)
    assert len(written(["a"], ["é" * 8]).encode()) == 23
    with pytest.raises(DatasetError, match="row 1 is longer than 20 bytes"):
        written(["a"], ["é" * 9])


def test_a_result_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(query_results, "LARGEST_RESULT", 1000)
    with (tmp_path / "result.csv").open("wb") as stream:
        file = ResultFile(stream, ["n"], "the query of shop")
        with pytest.raises(DatasetError, match="its result is larger than 1,000 bytes"):
            for n in range(1000):
                file.add([[n]])
    assert (tmp_path / "result.csv").stat().st_size < 1100
