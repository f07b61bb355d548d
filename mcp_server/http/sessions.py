"""The sessions that clients have open: how many each owner may have, and which are closed to make place.

A session is one of streamable HTTP, or a stream of SSE. Knows neither HTTP nor the SDK: whoever opens a session says
how it is closed.
"""

import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio

from mcp_server.errors import RecsysError

UNUSED_SECONDS = 60.0
"""A session that was opened and then never used lives so long."""

IDLE_SECONDS = 30 * 60.0
"""A session that has been silent for so long is forgotten; its client is told to begin anew."""

SPARED_SECONDS = 5 * 60.0
"""A session that has been silent for less is not closed for the sake of a new one of its owner."""


LOOK_SECONDS = 5.0
"""Between two looks for silent sessions."""


class NoPlaceError(RecsysError):
    """No session or stream can be opened now.

    Args:
        everybody: Whether by nobody; otherwise it is this owner who has too many.
    """

    def __init__(self, text: str, everybody: bool = False) -> None:
        super().__init__(text)
        self.everybody = everybody


class Session:
    """One session.

    Args:
        owner: See `Sessions`.
        close: Ends it. Whatever then still comes for it must find nothing.
    """

    def __init__(self, owner: str, close: Callable[[], Awaitable[None]]) -> None:
        self.owner, self.close = owner, close
        self.used = self.closed = False
        self.in_flight = 1
        """Requests in it that are being answered; the one that opens it is the first."""
        self.since = 0.0
        """When it became silent."""


class _Owned:
    """What one owner has open: `unused` and `idle` have no request in flight, and the oldest comes first."""

    def __init__(self) -> None:
        self.n_open = 0
        self.unused: dict[Session, None] = {}
        self.idle: dict[Session, None] = {}


class Sessions:
    """All sessions of a server. An owner is a token, or a client's address where no tokens are set.

    Args:
        most: Open sessions of all owners.
        most_each: Open sessions of each owner.
        most_streams_each: Streams of each owner that stay open; each holds a connection.
    """

    def __init__(
        self, most: int, most_each: int, most_streams_each: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._most_each, self._most_streams_each = most, most_each, most_streams_each
        self._clock = clock
        self._owners: dict[str, _Owned] = {}
        self._streams: Counter[str] = Counter()
        self.n_open = 0

    @property
    def full(self) -> bool:
        """Whether nobody can open a session."""
        return self.n_open >= self._most and not any(owned.unused for owned in self._owners.values())

    async def open(self, owner: str, close: Callable[[], Awaitable[None]]) -> Session:
        """Take a place for a session, whose first request is being answered.

        Raises:
            NoPlaceError: There is none.
        """
        owned = self._owners.get(owner)
        while owned is not None and owned.n_open >= self._most_each:
            own = self._closable(owned)
            if own is None:
                raise NoPlaceError(
                    f"{self._most_each:,} sessions of yours are open, as many as there may be: close some "
                    "(DELETE, or the stream of SSE), or wait until one has not been used for a while"
                )
            await self.end(own)
        while self.n_open >= self._most:
            of_most = max(
                (each for each in self._owners.values() if each.unused), key=lambda each: each.n_open, default=None
            )
            if of_most is None:
                raise NoPlaceError(f"{self._most:,} sessions are open, as many as there may be", everybody=True)
            await self.end(next(iter(of_most.unused)))
        session = Session(owner, close)
        self._owners.setdefault(owner, _Owned()).n_open += 1
        self.n_open += 1
        return session

    def _closable(self, owned: _Owned) -> Session | None:
        """One of an owner's sessions that nobody will miss."""
        for unused in owned.unused:
            return unused
        for idle in owned.idle:
            if self._clock() - idle.since >= SPARED_SECONDS:
                return idle
            break
        return None

    def begin(self, session: Session) -> None:
        """A further request in a session is being answered."""
        session.used = True
        session.in_flight += 1
        if not session.closed:
            owned = self._owners[session.owner]
            owned.unused.pop(session, None)
            owned.idle.pop(session, None)

    def finish(self, session: Session) -> None:
        """A request in a session, or the one that opened it, has been answered."""
        session.in_flight -= 1
        if session.in_flight == 0 and not session.closed:
            session.since = self._clock()
            owned = self._owners[session.owner]
            (owned.idle if session.used else owned.unused)[session] = None

    def forget(self, session: Session) -> None:
        """It has ended."""
        if session.closed:
            return
        session.closed = True
        owned = self._owners[session.owner]
        owned.unused.pop(session, None)
        owned.idle.pop(session, None)
        owned.n_open -= 1
        self.n_open -= 1
        if owned.n_open == 0:
            del self._owners[session.owner]

    async def end(self, session: Session) -> None:
        self.forget(session)
        await session.close()

    async def end_silent(self) -> None:
        """Close those that were never used, and those that have been silent for long."""
        now = self._clock()
        for owned in list(self._owners.values()):
            for sessions, seconds in ((owned.unused, UNUSED_SECONDS), (owned.idle, IDLE_SECONDS)):
                for session in list(sessions):
                    if now - session.since < seconds:
                        break
                    if session in sessions:  # unless it came back while another was being closed
                        await self.end(session)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """While this is open, silent sessions are closed when their time has come."""

        async def look() -> None:
            while True:
                await anyio.sleep(LOOK_SECONDS)
                await self.end_silent()

        async with anyio.create_task_group() as looking:
            looking.start_soon(look)
            yield
            looking.cancel_scope.cancel()

    @contextmanager
    def stream(self, owner: str) -> Iterator[None]:
        """While an owner has one more stream open.

        Raises:
            NoPlaceError: The owner has too many.
        """
        if self._streams[owner] >= self._most_streams_each:
            raise NoPlaceError(f"{self._most_streams_each:,} streams of yours are open, as many as there may be")
        self._streams[owner] += 1
        try:
            yield
        finally:
            self._streams[owner] -= 1
            if not self._streams[owner]:
                del self._streams[owner]
