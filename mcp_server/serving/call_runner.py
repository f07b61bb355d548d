"""Running of calls: a limit on those that run at once, a time limit for each, and a record of each outcome.

Recorders are given each finished call as a `FinishedCall`, which does not say who asked for what.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import anyio

from mcp_server.errors import InvalidInputError, RecsysError

access_log = logging.getLogger("mcp_server.access")

T = TypeVar("T")

Outcome = Literal["ok", "refused", "unavailable", "busy", "timeout", "stopping", "cancelled", "failed"]
"""Outcome of a call.

ok: answered. refused: the call asked for what cannot be done. unavailable: a database, the vectors or the model
did not serve. busy: no turn in time. timeout: took too long. stopping: came while the server was stopping.
cancelled: the client gave it up. failed: a defect of the server."""


class ServerBusyError(RecsysError):
    """A call spent its time waiting for its turn."""


class CallTimeoutError(RecsysError):
    """A call took too long."""


class ServerStoppingError(RecsysError):
    """A call came when the server had been asked to stop."""


@dataclass(frozen=True)
class FinishedCall:
    """A call that has ended.

    Args:
        tool: Name of an existing tool, or a fixed word for calls that are not tool calls.
        seconds: Duration of the call, waiting included.
    """

    tool: str
    outcome: Outcome
    seconds: float


Recorder = Callable[[FinishedCall], None]


def log_call(call: FinishedCall) -> None:
    """Write a line about a call to the access log."""
    fields = {"tool": call.tool, "outcome": call.outcome, "duration_ms": round(call.seconds * 1000, 1)}
    text = " ".join(f"{name}={value}" for name, value in fields.items())
    access_log.info("%s", text, extra={"fields": fields})


class Calls:
    """The calls of a server.

    Args:
        most_at_once: Upper bound on calls that run; further ones wait for their turn in the order in which they came.
        timeout: Seconds after which a call is given up, waiting included.
        recorders: Called with each call at its end.
    """

    def __init__(self, most_at_once: int, timeout: float, recorders: Sequence[Recorder] = (log_call,)) -> None:
        self._timeout, self._recorders = timeout, recorders
        self._slots = asyncio.Semaphore(most_at_once)
        self._none_open = asyncio.Event()
        self._none_open.set()
        self.running = 0
        """Number of calls that are being worked on."""
        self.waiting = 0
        """Number of calls that wait for their turn."""
        self.stopping = False

    async def run(self, tool: str, work: Callable[[], Awaitable[T]]) -> T:
        """Do a call's work in its turn and within its time.

        Raises:
            ServerBusyError, CallTimeoutError, ServerStoppingError: The work was not done.
            Exception: The work raised it.
        """
        started = time.perf_counter()
        outcome: Outcome = "failed"
        self.waiting += 1
        self._none_open.clear()
        try:
            result = await self._within_time(work)
            outcome = "ok"
            return result
        except BaseException as error:
            outcome = _outcome(error)
            raise
        finally:
            if not self._open:
                self._none_open.set()
            finished = FinishedCall(tool, outcome, time.perf_counter() - started)
            for record in self._recorders:
                record(finished)

    async def _within_time(self, work: Callable[[], Awaitable[T]]) -> T:
        came, had_to_wait = time.perf_counter(), self._slots.locked()
        began: float | None = None
        try:
            if self.stopping:
                raise ServerStoppingError("the server is stopping: try again in a moment")
            with anyio.move_on_after(self._timeout):
                async with self._slots:
                    began = time.perf_counter()
                    self.waiting -= 1
                    self.running += 1
                    return await work()
            if had_to_wait and (began is None or began - came > self._timeout / 2):
                raise ServerBusyError("the server is busy: too many calls came before this one; try again in a moment")
            raise CallTimeoutError(
                f"this call took longer than {self._timeout:g} s and was given up: ask for less, or try again later"
            )
        finally:
            if began is None:
                self.waiting -= 1
            else:
                self.running -= 1

    @property
    def _open(self) -> int:
        return self.running + self.waiting

    def stop(self) -> None:
        """Refuse all further calls; the open ones go on."""
        self.stopping = True

    async def drained(self, seconds: float) -> bool:
        """Wait until no call runs or waits; False where some still did when the seconds were over."""
        with anyio.move_on_after(seconds):
            while self._open:
                await self._none_open.wait()
        return not self._open


def _outcome(error: BaseException) -> Outcome:
    match error:
        case InvalidInputError():
            return "refused"
        case ServerBusyError():
            return "busy"
        case CallTimeoutError():
            return "timeout"
        case ServerStoppingError():
            return "stopping"
        case RecsysError():
            return "unavailable"
        case asyncio.CancelledError():
            return "cancelled"
        case _:
            return "failed"
