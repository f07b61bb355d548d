"""Readiness: whether the server could answer a call now, for load balancers and orchestrators."""

import logging
import time
from collections.abc import Awaitable, Callable

import anyio

logger = logging.getLogger(__name__)

CHECK_SECONDS = 5.0
"""Time within which the backends have to answer to be ready."""

FRESH_SECONDS = 1.0
"""Lifetime of a result. Anybody may ask, and asking should not keep the backends busy."""

Check = Callable[[], Awaitable[dict[str, str]]]
"""A check gives "ok" or a reason for each backend."""


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
            with anyio.fail_after(CHECK_SECONDS):
                return await self._check()
        except TimeoutError:
            return {"server": f"the backends did not answer in {CHECK_SECONDS:g} s"}
        except Exception as error:
            logger.exception("the backends could not be checked")
            return {"server": str(error)}
