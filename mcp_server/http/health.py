"""Readiness: whether the server could answer a call now, for load balancers and orchestrators."""

import logging
import time
from collections.abc import Awaitable, Callable

import anyio

logger = logging.getLogger(__name__)

FRESH_SECONDS = 1.0
"""Lifetime of a result. Anybody may ask, and asking should not keep the backends busy."""

Check = Callable[[], Awaitable[dict[str, str]]]
"""A check gives "ok" or a reason for each backend, within a time that it limits itself."""


class Readiness:
    """The readiness of the backends. Everybody may know whether they serve; the reason why not is for the log alone."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._lock = anyio.Lock()
        self._found: dict[str, str] = {}
        self._found_at = -FRESH_SECONDS

    async def checks(self) -> dict[str, str]:
        """ "ok" or "unavailable" by backend."""
        async with self._lock:
            if time.monotonic() - self._found_at >= FRESH_SECONDS:
                found = await self._run_check()
                for name, reason in found.items():
                    if reason != self._found.get(name, "ok"):
                        logger.warning("%s: %s", name, reason)
                self._found, self._found_at = found, time.monotonic()
            return {name: "ok" if reason == "ok" else "unavailable" for name, reason in self._found.items()}

    async def _run_check(self) -> dict[str, str]:
        try:
            return await self._check()
        except Exception as error:
            logger.exception("the backends could not be checked")
            return {"server": str(error)}
