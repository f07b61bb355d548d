"""Whether the server could answer a call now, for whoever sends requests its way or keeps them away."""

import logging
import time
from collections.abc import Awaitable, Callable

import anyio

logger = logging.getLogger(__name__)

FRESH_SECONDS = 1.0
"""So long a finding is given again. Anybody may ask, and asking should not keep the backends busy."""

Check = Callable[[], Awaitable[dict[str, str]]]
"""Gives "ok" or a reason for each backend, in a time that it limits itself."""


class Readiness:
    """What can be told about the backends: to anybody that they serve or not, and why not to the log."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._lock = anyio.Lock()
        self._found: dict[str, str] = {}
        self._found_at = -FRESH_SECONDS

    async def checks(self) -> dict[str, str]:
        """ "ok" or "unavailable" by backend."""
        async with self._lock:
            if time.monotonic() - self._found_at >= FRESH_SECONDS:
                found = await self._look()
                for name, reason in found.items():
                    if reason != self._found.get(name, "ok"):
                        logger.warning("%s: %s", name, reason)
                self._found, self._found_at = found, time.monotonic()
            return {name: "ok" if reason == "ok" else "unavailable" for name, reason in self._found.items()}

    async def _look(self) -> dict[str, str]:
        try:
            return await self._check()
        except Exception as error:
            logger.exception("the backends could not be checked")
            return {"server": str(error)}
