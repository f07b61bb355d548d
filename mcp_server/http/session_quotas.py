"""Quotas of sessions and streams: how many each owner may have open, and which are closed to make room.

A session is one of streamable HTTP, or a stream of SSE. Whoever opens one says how it is closed. An owner is a token,
or a client's address where no tokens are set.
"""

import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio
from starlette.responses import Response
from starlette.types import Scope

from mcp_server.errors import RecsysError
from mcp_server.http.connections import client_network
from mcp_server.http.middleware import problem
from mcp_server.http.refusals import Reason, Refusals

UNUSED_SECONDS = 60.0
"""Lifetime of a session that was opened and then never used."""

IDLE_SECONDS = 30 * 60.0
"""Silence after which a session is forgotten; its client is told to begin anew."""

SPARED_SECONDS = 5 * 60.0
"""Silence below which a session is not closed to make room for a new one of its owner."""

CHECK_SECONDS = 5.0
"""Interval between two searches for silent sessions."""


class NoPlaceError(RecsysError):
    """No session or stream can be opened now.

    Args:
        everybody: Whether nobody can open one; otherwise this owner alone has too many.
    """

    def __init__(self, text: str, everybody: bool = False) -> None:
        super().__init__(text)
        self.everybody = everybody


def no_place(error: NoPlaceError, reason: Reason, refusals: Refusals) -> Response:
    """The refusal to open a session or a stream, after it has been counted."""
    refusals.count(reason, str(error))
    status = 503 if error.everybody else 429
    return problem(status, f"too_many_{reason}", str(error), retry_seconds=int(UNUSED_SECONDS))


def _token_owner(scope: Scope) -> str:
    """The name of the token that came with a request; "" where no tokens are set."""
    return getattr(scope.get("user"), "username", "")


def owner_or_network(scope: Scope) -> str:
    """The owner whose quotas a request counts against."""
    return _token_owner(scope) or client_network(scope["client"][0] if scope.get("client") else "")


class Session:
    """An open session.

    Args:
        owner: See `owner_or_network`.
        close: Ends the session, so that any later request for it finds nothing.
    """

    def __init__(self, owner: str, close: Callable[[], Awaitable[None]]) -> None:
        self.owner, self.close = owner, close
        self.used = self.closed = False
        self.in_flight = 1
        """Requests in the session that are being answered; the one that opens it is the first."""
        self.since = 0.0
        """When the session became silent."""

    def belongs_to(self, scope: Scope) -> bool:
        """True if a request may use the session. Without tokens anyone may who knows its ID: addresses change."""
        return _token_owner(scope) in ("", self.owner)


class _Owned:
    """Sessions that one owner has open: `unused` and `idle` have no request in flight, and the oldest comes first."""

    def __init__(self) -> None:
        self.n_open = 0
        self.unused: dict[Session, None] = {}
        self.idle: dict[Session, None] = {}


class Sessions:
    """All open sessions of a server, counted by owner.

    Args:
        most: Upper bound on open sessions of all owners together.
        most_each: Upper bound on open sessions of each owner.
        most_streams_each: Upper bound on open streams of each owner; each holds a connection.
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
        """True if nobody can open a session."""
        return self.n_open >= self._most and not any(owned.unused for owned in self._owners.values())

    async def open(self, owner: str, close: Callable[[], Awaitable[None]]) -> Session:
        """Take a place for a session whose first request is being answered.

        Raises:
            NoPlaceError: No place is free.
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
        """One of an owner's sessions that can be closed without loss."""
        for unused in owned.unused:
            return unused
        for idle in owned.idle:
            if self._clock() - idle.since >= SPARED_SECONDS:
                return idle
            break
        return None

    def begin(self, session: Session) -> None:
        """Note that a further request in a session is being answered."""
        session.used = True
        session.in_flight += 1
        if not session.closed:
            owned = self._owners[session.owner]
            owned.unused.pop(session, None)
            owned.idle.pop(session, None)

    def finish(self, session: Session) -> None:
        """Note that a request in a session, or the one that opened it, has been answered."""
        session.in_flight -= 1
        if session.in_flight == 0 and not session.closed:
            session.since = self._clock()
            owned = self._owners[session.owner]
            (owned.idle if session.used else owned.unused)[session] = None

    def forget(self, session: Session) -> None:
        """Stop counting a session that has ended."""
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
        """Close sessions that were never used, and those that have been silent for long."""
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

        async def check() -> None:
            while True:
                await anyio.sleep(CHECK_SECONDS)
                await self.end_silent()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(check)
            yield
            tasks.cancel_scope.cancel()

    @contextmanager
    def stream(self, owner: str) -> Iterator[None]:
        """Count a stream of an owner while this is open.

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
