"""Arrays in pieces, whole and by ranges, against the arrays that were written."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from mcp_server.catalog import arrays as module
from mcp_server.catalog.arrays import Arrays, StoredArray, column, ends_of, write_array
from mcp_server.catalog.schema import CatalogTables
from mcp_server.errors import DamagedPartError
from mcp_server.sql.sqlite import SqliteDatabase
from tests.tools.small_catalogues import Catalogue

NUMBERS, DATES, NOTHING = StoredArray("numbers", "<i4"), column("made", "S20"), StoredArray("nothing", "<f8")
WRITTEN = np.arange(100, dtype=np.int32) * 7
NAMES = np.array([f"{year}-01" for year in range(1900, 2000)], dtype="S20")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteDatabase]:
    """Three arrays in pieces of ten numbers or two dates."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIECE_BYTES", 40)
        path: Path = tmp_path_factory.mktemp("arrays") / "arrays.sqlite"
        made, table = SqliteDatabase(path, "the arrays", read_only=False), tables().arrays
        made.change(table.create)
        for array, values in ((NUMBERS, WRITTEN), (DATES, NAMES), (NOTHING, np.empty(0))):
            made.change(lambda connection, array=array, values=values: write_array(connection, table, array, values))
        yield made
        made.dispose()


def tables() -> CatalogTables:
    return CatalogTables(Catalogue("ab", []).spec)


def test_an_array_comes_back_whole(database: SqliteDatabase) -> None:
    arrays = Arrays(database, tables().arrays)
    for array, values in ((NUMBERS, WRITTEN), (DATES, NAMES), (NOTHING, np.empty(0))):
        assert asyncio.run(arrays.whole(array)).tolist() == values.tolist()


RANGES = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)).map(sorted))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(RANGES)
def test_ranges_are_slices_one_after_the_other(database: SqliteDatabase, ranges: list[list[int]]) -> None:
    begins, ends = np.array(ranges, dtype=np.int64).reshape(-1, 2).T
    numbers, names = asyncio.run(Arrays(database, tables().arrays).ranges([NUMBERS, DATES], begins, ends))
    assert numbers.tolist() == [number for begin, end in ranges for number in WRITTEN[begin:end].tolist()]
    assert names.tolist() == [name for begin, end in ranges for name in NAMES[begin:end].tolist()]


def test_a_lost_piece_and_a_lost_array_are_told(database: SqliteDatabase, tmp_path: Path) -> None:
    table = tables().arrays
    damaged = SqliteDatabase(tmp_path / "arrays.sqlite", "the arrays", read_only=False)
    damaged.change(table.create)
    damaged.change(lambda connection: write_array(connection, table, NUMBERS, WRITTEN))
    damaged.change(lambda connection: connection.execute(delete(table).where(table.c.piece == 3)))
    arrays = Arrays(damaged, table)
    (found,) = asyncio.run(arrays.ranges([NUMBERS], np.array([0]), np.array([30])))
    assert found.tolist() == WRITTEN[:30].tolist()
    with pytest.raises(DamagedPartError, match="lacks parts of the array numbers: run `recsys-mcp prepare`"):
        asyncio.run(arrays.ranges([NUMBERS], np.array([0]), np.array([31])))
    with pytest.raises(DamagedPartError, match="lacks the array nothing: run `recsys-mcp prepare`"):
        asyncio.run(arrays.whole(NOTHING))
    damaged.dispose()


def test_ends_begin_with_nothing() -> None:
    assert ends_of(np.array([2, 0, 3])).tolist() == [0, 2, 2, 5]
