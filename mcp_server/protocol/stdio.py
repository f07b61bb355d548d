"""Serving one client over stdin and stdout.

The SDK's own reading of stdin cannot be cancelled, and ends all calls when stdin ends. Here a thread reads, so that a
server that is asked to stop need not wait for its client, and requests that came before the end of stdin are still
answered. An invalid message is answered here (see ``message_checks``).
"""

import asyncio
import contextlib
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any, BinaryIO

import anyio
import anyio.to_thread
from mcp.server.stdio import stdio_server

from mcp_server.protocol.message_checks import InvalidMessageError, read_message
from mcp_server.protocol.sdk_server import build_server
from mcp_server.protocol.shutdown import finish, stop_signals
from mcp_server.serving.call_runner import Calls
from mcp_server.serving.service import Service

LONGEST_LINE = 2**24
"""Upper bound on the bytes of a message: more than any client needs, and little enough for memory."""


class InputLines:
    """The lines of stdin that are valid messages, as an async iterator.

    Args:
        stream: Read by a thread of its own.
        answer: Writes the answer to an invalid message.
        at_end: Awaited at the end of input, before iteration stops.
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
                while len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):  # the rest of a line that is too long
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
            except InvalidMessageError as error:
                await self._answer(json.dumps(error.answer) + "\n")
            else:
                return line.decode()
        await self._at_end()
        raise StopAsyncIteration


class OutputLines:
    """Stdout, in the form that the SDK's stdio transport takes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._turn = stream, anyio.Lock()
        self.writing = False

    async def write(self, text: str) -> None:
        async with self._turn:  # the SDK writes answers, and so does `InputLines`
            self.writing = True
            try:
                await anyio.to_thread.run_sync(self._write, text.encode("utf-8"))
            finally:
                self.writing = False

    def _write(self, line: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # the client has left; the end of stdin will follow
            self._stream.write(line)
            self._stream.flush()

    async def flush(self) -> None:
        """Do nothing: each line is flushed as it is written."""


def claim_stdio() -> tuple[BinaryIO, BinaryIO]:
    """Take stdin and stdout for the protocol. Any other reader of stdin finds it empty, and any other output to stdout
    goes to stderr.
    """
    stdin, stdout = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout.flush()
    os.dup2(2, 1)
    return stdin, stdout


async def serve_stdio(service: Service, calls: Calls | None = None, shutdown_timeout: float = 30.0) -> None:
    """Serve one client over stdin and stdout, until stdin ends or a signal asks to stop.

    Args:
        shutdown_timeout: Seconds that running calls have to finish.
    """
    calls = calls or Calls(most_at_once=64, timeout=30.0)
    server = build_server(service, calls)
    stdin, stdout = claim_stdio()
    output = OutputLines(stdout)
    asked_to_stop = anyio.Event()

    async def let_finish() -> None:
        await finish(calls, lambda: output.writing, shutdown_timeout)

    async def serve() -> None:
        lines: Any = InputLines(stdin, output.write, at_end=let_finish)
        out: Any = output
        async with stdio_server(stdin=lines, stdout=out) as (read, write):
            await server.run(read, write, server.create_initialization_options())

    try:
        service.start()
        with stop_signals(asked_to_stop.set, shutdown_timeout):
            async with anyio.create_task_group() as tasks:

                async def stop_when_asked() -> None:
                    await asked_to_stop.wait()
                    calls.stop()
                    await let_finish()
                    tasks.cancel_scope.cancel()

                tasks.start_soon(stop_when_asked)
                await serve()
                tasks.cancel_scope.cancel()
    finally:
        await service.close()
