"""The embedded database: what runs beside the event loop, and where its file is."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from mcp_server.errors import BackendError
from mcp_server.sql.sqlite import SqliteDatabase

FOR_EVER = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")


async def test_a_scan_stops_when_nobody_waits_for_it_any_more(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "some.sqlite", "the catalogue", read_only=False)
    began, ended = threading.Event(), threading.Event()

    def endless(connection: Connection) -> None:
        began.set()
        try:
            connection.execute(FOR_EVER).all()
        finally:
            ended.set()

    scan = asyncio.create_task(database.scan(endless))
    assert await asyncio.to_thread(began.wait, 60)
    scan.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scan
    assert await asyncio.to_thread(ended.wait, 60)
    assert await database.scan(lambda connection: connection.scalar(text("SELECT 7"))) == 7
    await database.close()


@pytest.mark.parametrize("folder", ["a?mode=rwc", "a#b", "a%20b", "ä ö", "a&b=c"])
def test_a_path_is_no_address(tmp_path: Path, folder: str) -> None:
    """SQLite takes addresses of files, in which some characters of a path would have a meaning."""
    (tmp_path / folder).mkdir()
    path = tmp_path / folder / "some.sqlite"
    writable = SqliteDatabase(path, "the catalogue", read_only=False)
    writable.change(lambda connection: connection.execute(text("CREATE TABLE seven AS SELECT 7 AS n")))
    writable.dispose()
    database = SqliteDatabase(path, "the catalogue", read_only=True)
    assert database.run(lambda connection: connection.scalar(text("SELECT n FROM seven"))) == 7
    database.dispose()
    assert [entry.name for entry in tmp_path.iterdir()] == [folder]


NOTE = text("INSERT INTO notes VALUES (:number)")


def note(number: int) -> Callable[[Connection], int]:
    return lambda connection: connection.execute(NOTE, {"number": number}).rowcount


@pytest.mark.parametrize("synced", [True, False])
async def test_a_little_change_waits_for_a_lock_beside_the_event_loop(tmp_path: Path, synced: bool) -> None:
    path = tmp_path / "some.sqlite"
    database = SqliteDatabase(path, "the notes", read_only=False, synced=synced)
    database.change(lambda connection: connection.execute(text("CREATE TABLE notes (number INTEGER PRIMARY KEY)")))
    await database.write_little(note(1))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO notes VALUES (2)")
        waiting = asyncio.create_task(database.write_little(note(3)))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        other.execute("COMMIT")
        assert await waiting == 1
        await database.write_little(note(4))
        assert other.execute("SELECT number FROM notes").fetchall() == [(1,), (2,), (3,), (4,)]
    await database.close()


@pytest.mark.parametrize("synced", [True, False])
async def test_a_little_change_that_fails_is_undone_as_a_whole(tmp_path: Path, synced: bool) -> None:
    database = SqliteDatabase(tmp_path / "some.sqlite", "the notes", read_only=False, synced=synced)
    database.change(lambda connection: connection.execute(text("CREATE TABLE notes (number INTEGER PRIMARY KEY)")))
    await database.write_little(note(1))

    def two(connection: Connection) -> None:
        for number in (2, 1):
            note(number)(connection)

    with pytest.raises(BackendError, match=r"the notes .* cannot be used just now: UNIQUE"):
        await database.write_little(two)
    await database.write_little(note(3))
    assert await database.read(lambda connection: connection.scalars(text("SELECT number FROM notes")).all()) == [1, 3]
    await database.close()
