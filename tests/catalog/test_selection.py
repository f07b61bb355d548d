"""Selections by dates and booleans, on both kinds of database, against loops over the values."""

import calendar
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from mcp_server.catalog.arrays import Arrays
from mcp_server.catalog.item_columns import ItemColumns
from mcp_server.catalog.item_ids import read_item_ids
from mcp_server.catalog.layout import Layout
from mcp_server.catalog.loader import load_catalog
from mcp_server.catalog.schema import CatalogTables
from mcp_server.catalog.selection import BooleanCondition, DateCondition, Selector
from mcp_server.catalog.statistics import Statistics
from mcp_server.dataset.records import Dataset, Interactions
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.settings import Settings
from mcp_server.sql.database import Database
from mcp_server.sql.mysql import MysqlDatabase
from mcp_server.sql.mysql_address import MysqlAddress
from mcp_server.sql.sqlite import SqliteDatabase
from mcp_server.tools.limits import DateLimits
from tests.reading.records import ListedRecords

DATES = [
    *("1999", "1999-12", "1999-12-31", "1999-12-31T23:59:59Z", "2000", "2000-01", "2000-01-01", "2000-01-01T00:00:00Z"),
    *("2024-01-01T00:00:01Z", "2024", "2024-01", "2024-01-31", "2024-02", "2024-02-29", "2024-02-29T12:30:00Z"),
    *("2024-03", "2024-03-01", "2024-03-01T00:00:00Z", "2024-12", "2024-12-31", "2024-12-31T23:59:59Z", "2025-01-01"),
    *("0001-01-01", "9999", "9999-12-31", "9999-12-31T23:59:59Z"),
    None,
]
"""Dates of the items, one each: of every precision, at the ends of years and months."""

IN_PRINT = [None if place % 5 == 4 else place % 2 == 0 for place in range(len(DATES))]

SPEC = DatasetSpec.model_validate(
    {
        "name": "books",
        "title": "Books",
        "items": {
            "id": "book",
            "id_type": "integer",
            "title": "name",
            "sources": [{"file": "books.csv"}],
            "fields": [
                {"name": "name", "kind": "text", "filter": True},
                {"name": "published", "kind": "date", "filter": True},
                {"name": "in_print", "kind": "boolean", "filter": True},
            ],
        },
        "users": {"id": "reader", "id_type": "integer"},
        "interactions": {"sources": [{"file": "loans.csv"}], "user": "reader", "item": "book"},
    }
)


def _books() -> Dataset:
    records = [
        {"name": f"Book {place}", "published": date, "in_print": known}
        for place, (date, known) in enumerate(zip(DATES, IN_PRINT, strict=True))
    ]
    everything = np.arange(len(records), dtype=np.int64)
    return Dataset(
        spec=SPEC,
        items=ListedRecords(list(range(len(records))), records),
        canonical=everything,
        available=None,
        users=ListedRecords([1], [{}]),
        interactions=Interactions(np.zeros(1, np.int64), np.zeros(1, np.int64), None, None, None, np.ones(1, bool)),
        n_dropped=0,
        notes=[],
    )


@pytest_asyncio.fixture
async def selector(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Selector]:
    made: Database
    if database == "sqlite":
        made, tables = SqliteDatabase(tmp_path / "books.sqlite", "the books", read_only=False), CatalogTables(SPEC)
    else:
        server = request.getfixturevalue("database_server")
        name = server.create_database()
        address = MysqlAddress.from_settings(Settings(_env_file=None, database_url=server.url(name)))
        made, tables = MysqlDatabase(address), CatalogTables(SPEC, collation="utf8mb4_bin")
    await made.write(lambda connection: load_catalog(connection, tables, _books()))
    arrays = Arrays(made, tables.arrays)
    layout = await made.scan(lambda connection: Layout.read(connection, tables))
    columns = ItemColumns(arrays, Statistics(made, tables, arrays, layout, "likes"), SPEC)
    yield Selector(arrays, columns, await read_item_ids(arrays, "integer"), np.zeros(len(DATES)))
    await made.close()
    if database == "server":
        server.drop_database(name)


def seconds(date: str) -> tuple[int, int]:
    """The first and the last second of a date, since 1970."""
    year, month, day = (int(part) for part in (f"{date[:10]}-0-0").split("-")[:3])
    first = f"{year:04}-{month or 1:02}-{day or 1:02}"
    last = f"{year:04}-{month or 12:02}-{day or calendar.monthrange(year, month or 12)[1]:02}"
    begin, end = date[11:19] or "00:00:00", date[11:19] or "23:59:59"
    return _seconds(f"{first}T{begin}"), _seconds(f"{last}T{end}")


def _seconds(moment: str) -> int:
    return calendar.timegm(time.strptime(moment, "%Y-%m-%dT%H:%M:%S"))


def meets(date: str, limits: Mapping[str, str]) -> bool:
    """True where every second of a date is in the time that the limits name."""
    first, last = seconds(date)
    for name, limit in limits.items():
        begin, end = seconds(limit)
        if not {
            "gt": first > end,
            "gte": first >= begin,
            "lt": last < begin,
            "lte": last <= end,
            "eq": begin <= first and last <= end,
        }[name]:
            return False
    return True


async def published(selector: Selector, limits: Mapping[str, str]) -> list[str | None]:
    condition = DateCondition("published", *DateLimits.model_validate(limits).period)
    return [DATES[position] for position in (await selector.select([condition])).idx.tolist()]


async def test_dates_of_any_precision_meet_limits_of_any_precision(selector: Selector) -> None:
    known = [date for date in DATES if date is not None]
    for bound in known:
        for name in ("gt", "gte", "lt", "lte", "eq"):
            found = await published(selector, {name: bound})
            assert found == [date for date in known if meets(date, {name: bound})], (name, bound)


@pytest.mark.parametrize(
    "limits",
    [
        {"gte": "2024-01-01", "lt": "2024-03"},
        {"gt": "1999", "lte": "2024-02-29T12:30:00Z"},
        {"gte": "2024-02", "lte": "2024-02"},
        {"gt": "2024", "lt": "2025-02"},
        {"eq": "2024", "gte": "2024-02"},
        {"gt": "0001", "lt": "9999"},
    ],
    ids=str,
)
async def test_several_limits_must_all_be_met(selector: Selector, limits: dict[str, str]) -> None:
    expected = [date for date in DATES if date is not None and meets(date, limits)]
    assert await published(selector, limits) == expected


async def test_a_bound_stands_for_its_whole_period(selector: Selector) -> None:
    until = await published(selector, {"lte": "2024"})
    assert {"2024", "2024-12-31", "2024-12-31T23:59:59Z"} <= set(until)
    assert "2025-01-01" not in until
    assert await published(selector, {"gt": "2024", "lt": "9999"}) == ["2025-01-01"]
    assert "2024" in await published(selector, {"gte": "2024-01-01"})
    assert "2024" not in await published(selector, {"lt": "2024-12-31"})
    assert "2024" not in await published(selector, {"eq": "2024-01-01"})


async def test_booleans_are_true_or_false_and_unknown_ones_meet_neither(selector: Selector) -> None:
    found: dict[Any, list[int]] = {}
    for value in (True, False):
        found[value] = (await selector.select([BooleanCondition("in_print", value)])).idx.tolist()
        assert found[value] == [place for place, known in enumerate(IN_PRINT) if known is value]
    assert len(found[True]) + len(found[False]) < len(DATES)


async def test_a_date_and_a_boolean_hold_together(selector: Selector) -> None:
    conditions = [DateCondition("published", "2024", "2025"), BooleanCondition("in_print", True)]
    found = (await selector.select(conditions)).idx.tolist()
    expected = [
        place
        for place, date in enumerate(DATES)
        if IN_PRINT[place] and date is not None and meets(date, {"eq": "2024"})
    ]
    assert found == expected
    assert expected
