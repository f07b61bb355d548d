"""Stdin and stdout as the channel of one client, in the form that the SDK's stdio transport takes.

The SDK's own form waits for a line in a way that cannot be given up, and ends all calls when stdin does. Here
a thread reads, so that a server that is asked to stop need not wait for its client; and what was asked before the
end of stdin is still answered. A line that is no message is answered here (see ``messages``).
"""

import asyncio
import contextlib
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import BinaryIO

import anyio
import anyio.to_thread

from mcp_server.protocol.message_checks import NoMessageError, read_message

LONGEST_LINE = 2**24
"""Bytes. More than any client has to say, and little enough to be kept."""


class InputLines:
    """The lines of stdin that are messages, to iterate over.

    Args:
        stream: Read by a thread of its own.
        answer: Writes a line to the client who has sent what is no message.
        at_end: Awaited before the last line's successor, the end, is given.
    """

    def __init__(
        self, stream: BinaryIO, answer: Callable[[str], Awaitable[None]], at_end: Callable[[], Awaitable[None]]
    ) -> None:
        self._stream, self._answer, self._at_end = stream, answer, at_end
        self._lines: asyncio.Queue[bytes] = asyncio.Queue(maxsize=1)
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, daemon=True, name="stdin").start()

    def _read(self) -> None:
        with contextlib.suppress(RuntimeError):  # the event loop has been closed
            while True:
                line = self._stream.readline(LONGEST_LINE)
                rest = line
                while len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):  # what is too long is not kept
                    rest = self._stream.readline(LONGEST_LINE)
                asyncio.run_coroutine_threadsafe(self._lines.put(line), self._loop).result()
                if not line:
                    return

    def __aiter__(self) -> "InputLines":
        return self

    async def __anext__(self) -> str:
        while line := await self._lines.get():
            if line.isspace():
                continue
            try:
                read_message(line)
            except NoMessageError as error:
                await self._answer(json.dumps(error.answer) + "\n")
            else:
                return line.decode()
        await self._at_end()
        raise StopAsyncIteration


class OutputLines:
    """Stdout, to write lines to."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._turn = stream, anyio.Lock()
        self.writing = False

    async def write(self, text: str) -> None:
        async with self._turn:  # answers come from the SDK, and from whoever reads the lines
            self.writing = True
            try:
                await anyio.to_thread.run_sync(self._write, text.encode("utf-8"))
            finally:
                self.writing = False

    def _write(self, line: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # the client has left, and the end of stdin will say so
            self._stream.write(line)
            self._stream.flush()

    async def flush(self) -> None:
        """Nothing: each line is flushed as it is written."""


def claim_stdio() -> tuple[BinaryIO, BinaryIO]:
    """Take stdin and stdout for the protocol. Whatever else reads finds nothing there, and whatever else prints
    goes to stderr.
    """
    stdin, stdout = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout.flush()
    os.dup2(2, 1)
    return stdin, stdout
