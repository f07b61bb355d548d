"""Calls: so many at once, each for so long, and what is said of each afterwards."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable

import anyio
import pytest

from mcp_server.errors import ArtifactError, BackendError, InvalidInputError, NotPreparedError
from mcp_server.http.metrics import Metrics
from mcp_server.logs import JsonLines
from mcp_server.serving.call_runner import (
    Calls,
    CallTimeoutError,
    FinishedCall,
    Outcome,
    ServerBusyError,
    ServerStoppingError,
    log_call,
)

LONG = 30.0

Work = Callable[[], Awaitable[str]]


class Recorded(list[FinishedCall]):
    """Finished calls, in the order of their ends."""

    @property
    def outcomes(self) -> list[Outcome]:
        return [call.outcome for call in self]


class Gate:
    """Work that goes on until it is let go; counts how many are at it at once."""

    def __init__(self) -> None:
        self._entered = asyncio.Condition()
        self._open = asyncio.Event()
        self.inside = self.most_inside = 0

    async def work(self) -> str:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            async with self._entered:
                self._entered.notify_all()
            await self._open.wait()
        finally:
            self.inside -= 1
        return "done"

    def let_go(self) -> None:
        self._open.set()

    async def entered_by(self, number: int) -> None:
        async with self._entered:
            await self._entered.wait_for(lambda: self.inside == number)


async def done() -> str:
    return "done"


def raising(error: BaseException) -> Work:
    async def work() -> str:
        raise error

    return work


async def test_a_call_gives_what_its_work_gives() -> None:
    recorded = Recorded()
    calls = Calls(1, LONG, [recorded.append])
    assert await calls.run("tool", done) == "done"
    (call,) = recorded
    assert (call.tool, call.outcome) == ("tool", "ok")
    assert 0 <= call.seconds < LONG
    assert (calls.running, calls.waiting) == (0, 0)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (InvalidInputError("user 5000 is not there"), "refused"),
        (BackendError("the database does not answer"), "unavailable"),
        (NotPreparedError("being prepared"), "unavailable"),
        (ArtifactError("damaged"), "unavailable"),
        (ZeroDivisionError(), "failed"),
        (TimeoutError(), "failed"),
    ],
)
async def test_what_went_wrong_is_told_apart_and_handed_on(error: Exception, outcome: Outcome) -> None:
    recorded = Recorded()
    calls = Calls(1, LONG, [recorded.append])
    with pytest.raises(type(error)) as raised:
        await calls.run("tool", raising(error))
    assert raised.value is error
    assert recorded.outcomes == [outcome]
    assert (calls.running, calls.waiting) == (0, 0)


async def test_no_more_run_at_once_than_are_allowed_and_all_are_answered() -> None:
    gate, recorded = Gate(), Recorded()
    calls = Calls(3, LONG, [recorded.append])
    asked = [asyncio.create_task(calls.run("tool", gate.work)) for _ in range(10)]
    await gate.entered_by(3)
    assert (calls.running, calls.waiting) == (3, 7)
    gate.let_go()
    assert await asyncio.gather(*asked) == ["done"] * 10
    assert gate.most_inside == 3
    assert recorded.outcomes == ["ok"] * 10


async def test_calls_have_their_turn_in_the_order_in_which_they_came() -> None:
    calls, order = Calls(1, LONG, []), []

    async def work(number: int) -> None:
        await asyncio.sleep(0)
        order.append(number)

    await asyncio.gather(*(calls.run("tool", lambda number=number: work(number)) for number in range(20)))
    assert order == list(range(20))


async def test_a_call_that_takes_too_long_is_given_up() -> None:
    gate, recorded = Gate(), Recorded()
    calls = Calls(1, 0.01, [recorded.append])
    with pytest.raises(CallTimeoutError, match=r"took longer than 0\.01 s and was given up"):
        await calls.run("tool", gate.work)
    assert gate.inside == 0
    assert recorded.outcomes == ["timeout"]
    gate.let_go()
    assert await calls.run("tool", gate.work) == "done"


async def test_a_call_that_waits_too_long_is_told_that_the_server_is_busy() -> None:
    gate, recorded = Gate(), Recorded()
    calls = Calls(1, 0.1, [recorded.append])
    first, *others = (asyncio.create_task(calls.run("tool", gate.work)) for _ in range(3))
    with pytest.raises(CallTimeoutError):
        await first
    for other in others:
        with pytest.raises(ServerBusyError, match="the server is busy"):
            await other
    assert gate.most_inside == 1
    assert sorted(recorded.outcomes) == ["busy", "busy", "timeout"]


async def test_a_client_that_gives_up_frees_its_turn() -> None:
    gate, recorded = Gate(), Recorded()
    calls = Calls(1, LONG, [recorded.append])
    first, second = (asyncio.create_task(calls.run("tool", gate.work)) for _ in range(2))
    await gate.entered_by(1)
    for task in (second, first):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (calls.running, calls.waiting) == (0, 0)
    assert recorded.outcomes == ["cancelled", "cancelled"]
    assert await calls.run("tool", done) == "done"


async def test_when_stopping_what_has_come_goes_on_and_what_comes_is_refused() -> None:
    gate, recorded = Gate(), Recorded()
    calls = Calls(1, LONG, [recorded.append])
    asked = [asyncio.create_task(calls.run("tool", gate.work)) for _ in range(2)]
    await gate.entered_by(1)
    calls.stop()
    with pytest.raises(ServerStoppingError, match="stopping"):
        await calls.run("tool", done)
    assert not await calls.drained(0.01)
    gate.let_go()
    assert await calls.drained(LONG)
    assert await asyncio.gather(*asked) == ["done"] * 2
    assert recorded.outcomes == ["stopping", "ok", "ok"]


async def test_with_no_calls_there_is_nothing_to_wait_for() -> None:
    calls = Calls(1, LONG, [])
    assert await calls.drained(0)
    with anyio.fail_after(1):
        assert await calls.drained(LONG)


# What is said of them


def logged(record: logging.LogRecord) -> dict[str, object]:
    line: dict[str, object] = json.loads(JsonLines().format(record))
    return line


def test_the_access_log_has_a_line_a_call(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "mcp_server.access"):
        log_call(FinishedCall("a_tool", "refused", 0.01234))
    (record,) = caplog.records
    assert record.name == "mcp_server.access"
    assert record.getMessage() == "tool=a_tool outcome=refused duration_ms=12.3"
    line = logged(record)
    assert (line["tool"], line["outcome"], line["duration_ms"]) == ("a_tool", "refused", 12.3)
    assert (line["level"], line["logger"]) == ("INFO", "mcp_server.access")


def test_a_traceback_is_part_of_its_json_line(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        logging.getLogger("mcp_server.test").exception("it %s", "failed")
    (record,) = caplog.records
    assert "\n" not in JsonLines().format(record)
    line = logged(record)
    assert line["message"] == "it failed"
    assert "ValueError: first\nsecond" in str(line["exception"])


def values(page: bytes) -> dict[str, float]:
    lines = [line for line in page.decode().splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_metrics_count_calls_by_tool_and_outcome() -> None:
    metrics, gate = Metrics(["a_tool", "other_tool"]), Gate()
    calls = Calls(1, LONG, [metrics.record])
    metrics.watch(calls)
    before = values(metrics.page("")[0])
    assert before['recsys_calls_total{outcome="ok",tool="a_tool"}'] == 0
    asked = [asyncio.create_task(calls.run("a_tool", gate.work)) for _ in range(3)]
    gate.let_go()
    with pytest.raises(InvalidInputError):
        await calls.run("other_tool", raising(InvalidInputError("no")))
    await asyncio.gather(*asked)
    after = values(metrics.page("")[0])
    assert after['recsys_calls_total{outcome="ok",tool="a_tool"}'] == 3
    assert after['recsys_calls_total{outcome="refused",tool="other_tool"}'] == 1
    assert after['recsys_call_duration_seconds_count{tool="a_tool"}'] == 3
    assert after['recsys_call_duration_seconds_bucket{le="+Inf",tool="other_tool"}'] == 1


async def test_metrics_show_what_runs_and_what_waits() -> None:
    metrics, gate = Metrics(), Gate()
    calls = Calls(2, LONG, [metrics.record])
    metrics.watch(calls)
    asked = [asyncio.create_task(calls.run("a_tool", gate.work)) for _ in range(5)]
    await gate.entered_by(2)
    during = values(metrics.page("")[0])
    assert (during["recsys_calls_running"], during["recsys_calls_waiting"]) == (2, 3)
    gate.let_go()
    await asyncio.gather(*asked)
    after = values(metrics.page("")[0])
    assert (after["recsys_calls_running"], after["recsys_calls_waiting"]) == (0, 0)


def test_prometheus_gets_the_format_that_it_asks_for() -> None:
    plain, of_plain = Metrics().page("")
    open_metrics, of_open_metrics = Metrics().page("application/openmetrics-text; version=1.0.0")
    assert of_plain.startswith("text/plain")
    assert of_open_metrics.startswith("application/openmetrics-text")
    assert open_metrics.endswith(b"# EOF\n")
    assert b"process_resident_memory_bytes" in plain
