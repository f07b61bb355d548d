"""The stop of a server process: the first SIGTERM or SIGINT lets it finish, a second one ends it at once."""

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
"""Time for a server to close its connections and files, after its calls have ended or been given up."""

TURNS = 100
"""Event-loop turns allowed for an answer to reach the transport; about ten are needed."""


@contextlib.contextmanager
def stop_signals(on_stop: Callable[[], None], shutdown_timeout: float) -> Iterator[None]:
    """Call ``on_stop`` in the event loop at the first signal, while this is open.

    From then on the process lives for at most ``shutdown_timeout`` plus `UNWINDING_SECONDS`: a thread that waits for a
    database, or for a client that does not read, cannot be interrupted in another way.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
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
    """Let calls end and their answers reach the clients.

    Args:
        writing: Whether the transport is writing an answer.
        seconds: Time after which calls that still run, and clients that do not read, are given up.

    Returns:
        Whether nothing had to be given up.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    settled = await _settle(writing, until)  # a message that has been read may not be a call yet
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
