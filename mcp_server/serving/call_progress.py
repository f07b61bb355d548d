"""How far a call is, said to whoever waits for it. Whatever works on a call may report; where nobody listens, nothing
happens.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar

Report = Callable[[float, float | None, str], Awaitable[None]]
"""Takes what is done, of how much in all (None where that is not known), and what is being done in words."""

_listener: ContextVar[Report | None] = ContextVar("listener", default=None)


@contextlib.contextmanager
def reporting_to(listener: Report) -> Iterator[None]:
    """While open, the reports of this call go there, as long as what is done rises: the protocol asks for that."""
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
    """Say how far the present call is."""
    listener = _listener.get()
    if listener is not None:
        await listener(done, total, text)
