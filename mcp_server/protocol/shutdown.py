"""How a server process is asked to stop, and how it ends: the first SIGTERM or SIGINT lets it finish, a second one
ends it at once.
"""

import asyncio
import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from mcp_server.serving.call_runner import Calls

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)

UNWINDING_SECONDS = 10.0
"""How long a server may take to close what it has open, after its calls have ended or been given up."""

TURNS = 100
"""Turns of the event loop in which an answer gets from the call to the transport; about a tenth are needed."""


@contextlib.contextmanager
def stop_signals(on_stop: Callable[[], None], shutdown_timeout: float) -> Iterator[None]:
    """While open, the first signal calls ``on_stop`` in the event loop.

    From then on the process lives ``shutdown_timeout`` and `UNWINDING_SECONDS` at most: a thread that waits for a
    database or for a client that does not read cannot be interrupted in another way.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are another's
        return
    loop = asyncio.get_running_loop()

    def stop() -> None:
        last_resort = threading.Timer(shutdown_timeout + UNWINDING_SECONDS, _end)
        last_resort.daemon = True
        last_resort.start()
        on_stop()

    def handle(_: int, __: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        loop.call_soon_threadsafe(stop)

    before = {each: signal.signal(each, handle) for each in SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _end() -> None:
    logger.warning("something did not end in time; it is given up")
    os._exit(0)


async def finish(calls: Calls, writing: Callable[[], bool], seconds: float) -> bool:
    """Let calls end and their answers get out to the clients.

    Args:
        writing: Whether the transport is writing an answer.
        seconds: After which calls that still run, and clients that do not read, are given up.

    Returns:
        Whether nothing had to be given up.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    settled = await _settle(writing, until)  # what has been read may not have become a call yet
    drained = await calls.drained(max(0.0, until - clock()))
    return await _settle(writing, until) and settled and drained


async def _settle(writing: Callable[[], bool], until: float) -> bool:
    while True:
        for _ in range(TURNS):
            await asyncio.sleep(0)
        if not writing():
            return True
        if asyncio.get_running_loop().time() > until:
            return False
        await asyncio.sleep(0.01)
