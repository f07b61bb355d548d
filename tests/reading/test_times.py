"""Dates and times: forms that are read, forms that must be declared, and what is neither."""

import datetime
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reading.shelf import interactions_of, refusal, triples, values_of


def date(folder: Path, text: str, **field: Any) -> str | None:
    [found] = values_of(folder, [text], kind="date", **field)
    return found  # type: ignore[no-any-return]


CLEAR = {
    "2024-01-31": "2024-01-31",
    "2024-1-5": "2024-01-05",
    "2024/1/5": "2024-01-05",
    "2024": "2024",
    "1995.0": "1995",
    "2024-01": "2024-01",
    "2024-01-31 10:00": "2024-01-31T10:00:00Z",
    "2024-01-31T10:00Z": "2024-01-31T10:00:00Z",
    "2024-01-31 10:00:00 UTC": "2024-01-31T10:00:00Z",
    "2024-01-31T10:00:00+02:00": "2024-01-31T08:00:00Z",
    "2024-01-31 10:00:00 +0530": "2024-01-31T04:30:00Z",
    "2024-01-31T23:00:00-05": "2024-02-01T04:00:00Z",
    "2024-01-31T10:00:00.123456789Z": "2024-01-31T10:00:00Z",
    "2024-01-31 24:00:00": "2024-02-01",
    "20240131T100000Z": "2024-01-31T10:00:00Z",
    "0001-01-01": "0001-01-01",
    "9999-12-31": "9999-12-31",
    "Jan 5, 2024": "2024-01-05",
    "January 5, 2024": "2024-01-05",
    "5 January 2024": "2024-01-05",
    "05-Jan-1995": "1995-01-05",
    "05.01.2024": "2024-01-05",
    "Wed, 31 Jan 2024 10:00:00 GMT": "2024-01-31T10:00:00Z",
    "Wed Jan 31 10:00:00 +0200 2024": "2024-01-31T08:00:00Z",
    "1700000000": "2023-11-14T22:13:20Z",
    "1700000000000": "2023-11-14T22:13:20Z",
    "1700000000000000": "2023-11-14T22:13:20Z",
    "1700000000000000000": "2023-11-14T22:13:20Z",
    "1700000000.75": "2023-11-14T22:13:20Z",
    "1.7E+12": "2023-11-14T22:13:20Z",
    "-1700000000": "1916-02-18T01:46:40Z",
    "0000-00-00": None,
    "unknown": None,
    "NaT": None,
}


def test_forms_that_can_be_read_in_one_way_only(tmp_path: Path) -> None:
    for text, expected in CLEAR.items():
        assert (text, date(tmp_path, text)) == (text, expected)


@pytest.mark.parametrize(
    "text",
    ["2024-02-30", "2024-13-01", "2024-00-10", "2023-02-29", "2024-W05-3", "2024-031", "10:30", "Monday", "soon",
     "2024-01-31T10", "2024-01-31T25:00:00", "2024-01-31T10:00:00 PM", "2016-12-31T23:59:60Z", "5th January 2024",
     "31 janvier 2024", "2024年1月31日", "Q1 2024", "-0044-03-15", "1995-Nov", "99999999999999999999999"],
)  # fmt: skip
def test_what_is_no_date_is_told_by_its_place(tmp_path: Path, text: str) -> None:
    said = refusal(date, tmp_path, text)
    assert f"items.csv, line 1: v '{text}' is not a date like 1995, 1995-11 or 1995-11-22" in said


@pytest.mark.parametrize(
    ("texts", "forms"),
    [
        (["05/01/2024"], ["%d/%m/%Y", "%m/%d/%Y"]),
        (["05/01/2024", "25/12/2024"], ["%d/%m/%Y"]),
        (["05/01/2024", "12/25/2024"], ["%m/%d/%Y"]),
        (["5-1-2024"], ["%d-%m-%Y", "%m-%d-%Y"]),
        (["5/1/24"], ["%d/%m/%y", "%m/%d/%y"]),
        (["05-JAN-95"], ["%d-%b-%y"]),
        (["Jan 2024"], ["%b %Y"]),
        (["11/1995"], ["%m/%Y"]),
        (["01/31/2024 10:00 PM"], ["%m/%d/%Y %I:%M %p"]),
        (["31/01/2024 10:00:05", "2024-01-31"], ["%d/%m/%Y %H:%M:%S"]),
        (["20240131", "20231201"], ["%Y%m%d"]),
        (["202401"], ["%Y%m"]),
    ],
)
def test_other_forms_must_be_declared_and_those_that_fit_are_named(
    tmp_path: Path, texts: list[str], forms: list[str]
) -> None:
    said = refusal(values_of, tmp_path, texts, kind="date")
    for form in forms:
        assert f"format: '{form}'" in said
        assert all(values_of(tmp_path, texts[:1], kind="date", format=form))
    assert said.count("format: '") == len(forms)


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("25/12/2024", "%d/%m/%Y", "2024-12-25"),
        ("12/25/2024 9:05 PM", "%m/%d/%Y %I:%M %p", "2024-12-25T21:05:00Z"),
        ("31/01/2024 10:00 +0200", "%d/%m/%Y %H:%M %z", "2024-01-31T08:00:00Z"),
        ("11/1995", "%m/%Y", "1995-11"),
        ("95", "%y", "1995"),
        ("20240131", "%Y%m%d", "2024-01-31"),
        ("95", "s", "1970-01-01T00:01:35Z"),
        ("-1", "ms", "1969-12-31T23:59:59Z"),
        ("1700000000", "us", "1970-01-01T00:28:20Z"),
    ],
)
def test_a_declared_form_decides_with_its_precision(tmp_path: Path, text: str, form: str, expected: str) -> None:
    assert date(tmp_path, text, format=form) == expected


def test_a_value_of_another_form_than_the_declared_one_is_refused(tmp_path: Path) -> None:
    said = refusal(values_of, tmp_path, ["05/01/2024", "12/25/2024"], kind="date", format="%d/%m/%Y")
    assert "line 2: v '12/25/2024' is not a date of the form %d/%m/%Y" in said


@pytest.mark.parametrize("form", ["%Q", "DD/MM/YYYY", "%d/%m", "h", "%", "%d %"])
def test_what_is_no_form_of_a_date_is_refused_by_its_key(tmp_path: Path, form: str) -> None:
    said = refusal(date, tmp_path, "95", format=form)
    assert "items.fields.1.format" in said
    assert f"{form!r} is not the form of a date" in said


@pytest.mark.parametrize("text", ["45321", "95", "0", "-86400"])
def test_numbers_close_to_1970_must_be_declared(tmp_path: Path, text: str) -> None:
    assert f"if {text} is in seconds since 1970, it is a time close to 1970: declare format: s" in refusal(
        date, tmp_path, text
    )


def test_numbers_of_several_units_are_refused(tmp_path: Path) -> None:
    said = refusal(values_of, tmp_path, ["1700000000", "1700000000000"], kind="date")
    assert "v holds times of several units since 1970 (s, ms)" in said


def test_parts_of_dates_are_known_as_far_as_the_date_is(tmp_path: Path) -> None:
    texts = ["1995-11-22", "1995-11", "1995", "22.03.1996", ""]
    assert values_of(tmp_path, texts, kind="number", part="year") == [1995, 1995, 1995, 1996, None]
    assert values_of(tmp_path, texts, kind="number", part="month") == [11, 11, None, 3, None]


@settings(max_examples=20, deadline=None)
@given(
    moments=st.lists(
        st.datetimes(datetime.datetime(1000, 1, 1), datetime.datetime(2999, 1, 1)).map(
            lambda moment: moment.replace(microsecond=0)
        ),
        min_size=1,
        max_size=5,
    ),
    zone=st.integers(-14 * 60, 14 * 60),
)
def test_python_s_iso_times_are_read_back(moments: list[datetime.datetime], zone: int) -> None:
    written = [moment.replace(tzinfo=datetime.timezone(datetime.timedelta(minutes=zone))) for moment in moments]
    utc = [moment.astimezone(datetime.UTC) for moment in written]
    expected = [
        moment.strftime("%Y-%m-%d" if moment.time() == datetime.time() else "%Y-%m-%dT%H:%M:%SZ").rjust(10, "0")
        for moment in utc
    ]
    with tempfile.TemporaryDirectory() as folder:
        assert values_of(Path(folder), [moment.isoformat() for moment in written], kind="date") == expected


# Times of interactions


def seconds(folder: Path, *texts: object, **declared: Any) -> list[int | None]:
    rows = "".join(f"u,{'abcd'[number]},{text}\n" for number, text in enumerate(texts))
    dataset = interactions_of(folder, f"user,item,t\n{rows}", timestamp="t", **declared)
    return [time for _, _, _, time in triples(dataset)]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((1700000000, "1700000001.9"), [1700000000, 1700000001]),
        ((1700000000000, 1700000001500), [1700000000, 1700000001]),
        ((1700000000000000,), [1700000000]),
        (("1700000000000000123",), [1700000000]),
        (("1.7e9", 1700000001), [1700000000, 1700000001]),
        (("2024-01-01T10:00:00Z", "2024-01-01 11:00", "2024-01-02", ""), [1704103200, 1704106800, 1704153600, None]),
        (("2024-01", "2024-02-01"), [1704067200, 1706745600]),
        (("2024-01-01", 1700000000), [1704067200, 1700000000]),
        (("5 Jan 2024",), [1704412800]),
        ((-100, -200), [-100, -200]),
        (("", 1700000000, "NaN", "0000-00-00"), [None, 1700000000, None, None]),
    ],
)
def test_times_of_interactions(tmp_path: Path, texts: tuple[object, ...], expected: list[int | None]) -> None:
    assert seconds(tmp_path, *texts) == expected


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ((1700000000, "soon"), "inter.csv, line 3: t 'soon' is not a time: ISO 8601, or s, ms or us since 1970"),
        ((1700000000, 1700000000000), "t holds times of several units since 1970 (s, ms)"),
        ((1700000000000, 1700000000, 1700000000000), "t holds times of several units since 1970 (s, ms)"),
        (("03/04/2020", "25/12/2020"), "declare timestamp_format: '%d/%m/%Y'"),
        (("03/04/2020",), "timestamp_format: '%d/%m/%Y' or timestamp_format: '%m/%d/%Y'"),
        (("20240131",), "declare timestamp_format: '%Y%m%d' or timestamp_format: s"),
        ((2020, 2021), "t may hold years, or seconds since 1970: declare timestamp_format: '%Y'"),
        (("99999999999999999999",), "line 2: t '99999999999999999999' is not a time"),
    ],
)
def test_times_that_could_be_misread_are_refused(tmp_path: Path, texts: tuple[object, ...], said: str) -> None:
    assert said in refusal(seconds, tmp_path, *texts)


def test_a_time_of_another_unit_far_down_is_found(tmp_path: Path) -> None:
    rows = "u,a,1700000000000\n" * 10_001 + "u,b,1700000000\n"
    assert "several units" in refusal(interactions_of, tmp_path, "user,item,t\n" + rows, timestamp="t")


def test_declared_forms_of_times(tmp_path: Path) -> None:
    assert seconds(tmp_path, "03/04/2020", timestamp_format="%d/%m/%Y") == [1585872000]
    assert seconds(tmp_path, 2020, timestamp_format="%Y") == [1577836800]
    assert seconds(tmp_path, 2020, 5000, timestamp_format="s") == [2020, 5000]
    assert seconds(tmp_path, 1700000000, timestamp_format="ms") == [1700000]
    assert "line 2: t '1700000000000' is not a time of the form s" in refusal(
        seconds, tmp_path, 1700000000000, timestamp_format="s"
    )
