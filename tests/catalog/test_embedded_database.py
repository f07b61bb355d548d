"""The embedded database: what runs beside the event loop."""

import asyncio
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from mcp_server.catalog.embedded_database import EmbeddedDatabase

FOR_EVER = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")


async def test_a_scan_stops_when_nobody_waits_for_it_any_more(tmp_path: Path) -> None:
    database = EmbeddedDatabase(tmp_path / "some.sqlite", "the catalogue", read_only=False)
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
