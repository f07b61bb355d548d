"""Refusals before any call: each is counted, and the log gets at most one line of a kind per second."""

import logging
import time
from collections.abc import Callable
from typing import Literal, get_args

logger = logging.getLogger(__name__)

Reason = Literal["bad_request", "connections", "head", "host", "pipelined", "sessions", "slow", "streams"]
"""Reason of a refusal.

bad_request: not HTTP. connections: too many are open. head: a request's target or headers are longer than allowed.
host: a host or web page that is not accepted. pipelined: too many requests in one go. sessions, streams: the owner, or
everybody, has too many open. slow: a request did not come, or an answer was not read, in time."""

REASONS: tuple[Reason, ...] = get_args(Reason)

QUIET_SECONDS = 1.0
"""Shortest interval between two log lines of one kind."""


class Refusals:
    """The counter of refusals.

    Args:
        record: Called with the reason of each refusal.
    """

    def __init__(self, record: Callable[[Reason], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._record, self._clock = record, clock
        self._logged_at: dict[Reason, float] = {}
        self._unlogged: dict[Reason, int] = {}

    def count(self, reason: Reason, text: str) -> None:
        self._record(reason)
        now = self._clock()
        if now - self._logged_at.get(reason, -QUIET_SECONDS) < QUIET_SECONDS:
            self._unlogged[reason] = self._unlogged.get(reason, 0) + 1
            return
        self._logged_at[reason] = now
        unlogged = self._unlogged.pop(reason, 0)
        more = f" ({unlogged:,} more of this kind before it)" if unlogged else ""
        logger.warning("refused: %s%s", text, more, extra={"fields": {"reason": reason, "untold": unlogged}})
