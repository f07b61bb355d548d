"""The embedded database: what runs beside the event loop, and where its file is."""

import asyncio
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

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
