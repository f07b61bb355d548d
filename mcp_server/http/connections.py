"""The limit of open connections, and which of them gives way when there are too many. ``bounded_http`` says what each
connection is doing.
"""

import contextlib
import ipaddress
import logging
from typing import Protocol

logger = logging.getLogger(__name__)

OTHER_FILES = 256
"""Open files that a server needs besides connections: databases, vectors, the model, logs, refused clients."""


def affordable(wanted: int) -> int:
    """The number of connections that the limit of open files allows; the limit is raised as far as this process may."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        raised = needed if hard == resource.RLIM_INFINITY else min(hard, needed)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    most = max(1, soft - OTHER_FILES, soft // 2)
    if most < wanted:
        logger.warning("%d connections at most, because this process may open no more than %d files", most, soft)
    return min(most, wanted)


def client_network(address: str) -> str:
    """The address that stands for one client: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    return str(found.ipv4_mapped or ipaddress.IPv6Network((found.packed[:8] + bytes(8), 64)))


class Connection(Protocol):
    """A connection that can give way to another."""

    network: str
    """See `client_network`."""

    def give_way(self) -> None:
        """Close at once."""


class _InOrder:
    """Connections by network, oldest first."""

    def __init__(self) -> None:
        self._by_network: dict[str, dict[Connection, None]] = {}

    def add(self, connection: Connection) -> None:
        self._by_network.setdefault(connection.network, {})[connection] = None

    def discard(self, connection: Connection) -> None:
        found = self._by_network.get(connection.network)
        if found is not None:
            found.pop(connection, None)
            if not found:
                del self._by_network[connection.network]

    def oldest_of_most(self) -> Connection | None:
        """The oldest one of the network that has the most, so that nobody can push all others out."""
        of_most = max(self._by_network.values(), key=lambda each: len(each), default=None)
        return None if of_most is None else next(iter(of_most))


class Connections:
    """The open connections by state: silent (a request has not come yet), idle (the last request has been answered) or
    busy (a request is being answered).

    There is no limit for each address, because all clients of a reverse proxy have the same. Where all places are
    taken, a silent connection gives way to a new one, then an idle one; where all are busy, the new one is refused.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.refused = 0
        """Number of refused connections that are still open."""
        self._open: set[Connection] = set()
        self._silent, self._idle = _InOrder(), _InOrder()

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: Connection) -> bool:
        """Give a connection a place; False where there is none."""
        if len(self._open) >= self.most:
            giving_way = self._silent.oldest_of_most() or self._idle.oldest_of_most()
            if giving_way is None:
                return False
            self.leave(giving_way)
            giving_way.give_way()
        self._open.add(connection)
        self._silent.add(connection)
        return True

    def leave(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._silent.discard(connection)
        self._idle.discard(connection)

    def silent(self, connection: Connection) -> None:
        """Note that a request has begun."""
        self._move(connection, self._silent)

    def idle(self, connection: Connection) -> None:
        """Note that all requests have been answered."""
        self._move(connection, self._idle)

    def busy(self, connection: Connection) -> None:
        """Note that a request is being answered."""
        self._move(connection, None)

    def _move(self, connection: Connection, place: _InOrder | None) -> None:
        if connection not in self._open:
            return
        self._silent.discard(connection)
        self._idle.discard(connection)
        if place is not None:
            place.add(connection)
