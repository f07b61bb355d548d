"""Progress of the current call. Any code that works on a call may report; without a listener nothing happens."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar

Report = Callable[[float, float | None, str], Awaitable[None]]
"""A listener takes the amount done, the total (None where it is unknown), and a text that says what is being done."""

_listener: ContextVar[Report | None] = ContextVar("listener", default=None)


@contextlib.contextmanager
def reporting_to(listener: Report) -> Iterator[None]:
    """Send the reports of the current call to a listener while this is open. Reports whose amount does not rise are
    dropped, because the protocol forbids them.
    """
    most = -1.0

    async def pass_on(done: float, total: float | None, text: str) -> None:
        nonlocal most
        if done > most:
            most = done
            await listener(done, total, text)

    token = _listener.set(pass_on)
    try:
        yield
    finally:
        _listener.reset(token)


async def report(done: float, total: float | None, text: str) -> None:
    """Report the progress of the current call."""
    listener = _listener.get()
    if listener is not None:
        await listener(done, total, text)
