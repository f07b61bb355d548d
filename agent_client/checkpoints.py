"""The file that conversations are kept in: only the newest state of each, and compressed.

LangGraph saves a whole conversation at every step of every answer, to go back to any of them; nobody does so here.
"""

import sqlite3
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

_DELETE_OLDER = """
DELETE FROM {table} WHERE checkpoint_id < (
    SELECT max(checkpoint_id) FROM checkpoints AS kept
    WHERE kept.thread_id = {table}.thread_id AND kept.checkpoint_ns = {table}.checkpoint_ns
)
"""


class _Compression:
    """Compression, where LangGraph's serializer takes a cipher. What earlier versions have saved, it reads as it is."""

    def encrypt(self, plaintext: bytes) -> tuple[str, bytes]:
        return "zlib", zlib.compress(plaintext, 1)

    def decrypt(self, ciphername: str, ciphertext: bytes) -> bytes:
        return zlib.decompress(ciphertext)


class NewestCheckpoints(AsyncSqliteSaver):
    """A saver that keeps one checkpoint of each thread, and the writes that have come since."""

    async def aput(self, config: RunnableConfig, *checkpoint: Any) -> RunnableConfig:
        saved = await super().aput(config, *checkpoint)
        await self.delete_older()
        return saved

    async def delete_older(self) -> int:
        """Delete the older checkpoints; returns how many there were."""
        async with self.lock:
            await self.conn.execute(_DELETE_OLDER.format(table="writes"))
            deleted = await self.conn.execute(_DELETE_OLDER.format(table="checkpoints"))
            await self.conn.commit()
        return deleted.rowcount


@asynccontextmanager
async def newest_in(file: Path) -> AsyncIterator[NewestCheckpoints]:
    """The saver of a file. Files of earlier versions are made smaller."""
    async with aiosqlite.connect(file) as connection:
        saver = NewestCheckpoints(connection, serde=EncryptedSerializer(_Compression()))
        await saver.setup()
        # Pages: else SQLite's log is larger than all the rest.
        await connection.execute("PRAGMA wal_autocheckpoint=200")
        if await saver.delete_older():
            with suppress(sqlite3.OperationalError):  # another program is using the file
                await connection.execute("VACUUM")
        yield saver
