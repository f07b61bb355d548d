"""The file that conversations are kept in: only the newest state of each, and compressed.

LangGraph saves a whole conversation at every step of every answer, to go back to any of them; nobody does so here.
"""

import sqlite3
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiosqlite
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

_SCRIPT = Path(__file__).with_name("checkpoints.sql").read_text("utf-8")


class _Compression:
    """Compression, where LangGraph's serializer takes a cipher. What earlier versions have saved, it reads as it is."""

    def encrypt(self, plaintext: bytes) -> tuple[str, bytes]:
        return "zlib", zlib.compress(plaintext, 1)

    def decrypt(self, ciphername: str, ciphertext: bytes) -> bytes:
        return zlib.decompress(ciphertext)


@asynccontextmanager
async def newest_in(file: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """A saver that keeps one checkpoint of each thread in a file. Files of earlier versions are made smaller."""
    async with aiosqlite.connect(file) as connection:
        saver = AsyncSqliteSaver(connection, serde=EncryptedSerializer(_Compression()))
        await saver.setup()
        await connection.executescript(_SCRIPT)
        if connection.total_changes:
            with suppress(sqlite3.OperationalError):  # another program is using the file
                await connection.execute("VACUUM")
        yield saver
