"""What the server refuses before it looks at a call: counted, and told to the log without filling it."""

import logging
import time
from collections.abc import Callable
from typing import Literal, get_args

logger = logging.getLogger(__name__)

Reason = Literal["bad_request", "connections", "head", "host", "pipelined", "sessions", "slow", "streams"]
"""bad_request: not HTTP. connections: too many are open. head: a request's target or
headers are longer than allowed. host: another host or web page than those accepted. pipelined: too many requests in
one go. sessions, streams: the owner, or everybody, has too many open. slow: a request did not come, or an answer was
not read, in time."""

REASONS: tuple[Reason, ...] = get_args(Reason)

QUIET_SECONDS = 1.0
"""After a line of one kind, so long none of this kind follows."""


class Refusals:
    """Args:
    record: Is told the reason of each.
    """

    def __init__(self, record: Callable[[Reason], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._record, self._clock = record, clock
        self._told_at: dict[Reason, float] = {}
        self._untold: dict[Reason, int] = {}

    def count(self, reason: Reason, text: str) -> None:
        self._record(reason)
        now = self._clock()
        if now - self._told_at.get(reason, -QUIET_SECONDS) < QUIET_SECONDS:
            self._untold[reason] = self._untold.get(reason, 0) + 1
            return
        self._told_at[reason] = now
        untold = self._untold.pop(reason, 0)
        more = f" ({untold:,} more of this kind before it)" if untold else ""
        logger.warning("refused: %s%s", text, more, extra={"fields": {"reason": reason, "untold": untold}})
