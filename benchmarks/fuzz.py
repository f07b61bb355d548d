"""Fuzzed calls over one stdio session and one HTTP session: `python -m benchmarks.fuzz --calls 20000 --seed 1`.

Valid, mutated and malformed messages go to a server over the prepared state, some of them at once. The command prints
the outcomes, and ends with exit code 1 if the server crashed, did not answer, logged a traceback, or sent anything that
the protocol or a tool's schema does not allow.
`--only NUMBER` sends one message of the seed again and prints its answer.
"""

import asyncio
import contextlib
import itertools
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Protocol

import httpx
import psutil
import typer

from benchmarks.common import prepared_state, print_table
from benchmarks.fuzz_answers import FAULTS, Judge, Tally
from benchmarks.fuzz_messages import KINDS, LISTS, Fuzzer, Message, Offers

Json = dict[str, Any]

OUTCOMES = ("ok", "tool error", "protocol error", "none", "wrong")

GREETING = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "fuzz", "version": "1"}}

ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}

MOST_BODY_KB = 65_536
"""A limit on bodies that lets all messages through to the protocol."""

LONGEST_LINE = 2**26

TRANSPORTS = ("stdio", "http")


class CrashError(Exception):
    """The server has ended, or does not answer its client."""


class Session(Protocol):
    """A client's connection with a server."""

    async def exchange(self, message: Message) -> list[Json]:
        """Send a message and wait for its answers."""


def _read(text: str | bytes) -> Json:
    """Read standard JSON, without NaN and Infinity."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    read: Json = json.loads(text, parse_constant=refuse)
    return read


class StdioSession:
    """A session over stdin and stdout."""

    def __init__(self, process: asyncio.subprocess.Process, tally: Tally) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout, self._tally = process.stdin, process.stdout, tally
        self._waiting: dict[str, asyncio.Queue[Json]] = {}
        self._given_up: set[str] = set()
        self._without_id = asyncio.Lock()
        self.reader = asyncio.create_task(self._receive())

    async def _receive(self) -> None:
        async for line in self._stdout:
            try:
                message = _read(line)
            except ValueError as error:
                self._tally.blame("wrong answer", f"{error}: {line[:300]!r}")
                continue
            if "method" in message:
                continue
            key = repr(message.get("id"))
            queue = self._waiting.get(key)
            if queue is None or (key in self._given_up and not queue.empty()):
                self._tally.blame("wrong answer", f"nobody waits any more for {line[:300]!r}")
            else:
                queue.put_nowait(message)

    async def exchange(self, message: Message) -> list[Json]:
        async with contextlib.AsyncExitStack() as stack:
            if message.answered == "null":
                await stack.enter_async_context(self._without_id)  # else nobody knows whose answer it is
            key = repr(message.id if message.answered != "null" else None)
            queue = self._waiting.setdefault(key, asyncio.Queue())
            for line in message.raw:
                self._stdin.write(line + b"\n")
                await self._stdin.drain()
            if message.answered not in ("id", "null"):
                self._given_up.add(key)  # nobody waits, but one answer may come
                return []
            answers = [await self._next(queue) for _ in message.raw]
            if queue.empty():
                del self._waiting[key]  # one more is seen as nobody's
            return answers

    async def _next(self, queue: asyncio.Queue[Json]) -> Json:
        getting = asyncio.create_task(queue.get())
        await asyncio.wait([getting, self.reader], return_when=asyncio.FIRST_COMPLETED)
        if not getting.done():
            getting.cancel()
            raise CrashError("stdout has ended")
        return getting.result()


class HttpSession:
    """A session of streamable HTTP."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def exchange(self, message: Message) -> list[Json]:
        answers = await asyncio.gather(*map(self._post, message.raw))
        return [answer for of_one in answers for answer in of_one]

    async def _post(self, body: bytes) -> list[Json]:
        response = await self._client.post("mcp", content=body)
        if "mcp-session-id" in response.headers:
            self._client.headers["mcp-session-id"] = response.headers["mcp-session-id"]
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            events = re.findall(r"^data: ?(.+?)\r?$", response.text, re.MULTILINE)
        elif response.status_code in (200, 400):
            events = [response.text] if response.content else []
        elif response.status_code == 202:
            return []
        else:
            raise CrashError(f"{response.status_code} {response.text[:200]}")
        return [message for message in map(_read, events) if "method" not in message]


async def _spawn(transport: str, state: Path) -> asyncio.subprocess.Process:
    options = ["--transport", "http", "--port", "0"] if transport == "http" else []
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECSYS_")}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mcp_server", "serve", "--state", str(state), *options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
        env={**kept, "RECSYS_MAX_BODY_KB": str(MOST_BODY_KB)},
    )


@asynccontextmanager
async def served(transport: str, state: Path, tally: Tally) -> AsyncIterator[tuple[Session, psutil.Process]]:
    """A server and an initialized session with it."""
    process = await _spawn(transport, state)
    assert process.stderr is not None
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def read_log(stream: asyncio.StreamReader) -> None:
        async for line in stream:
            tally.longest_log_line = max(tally.longest_log_line, len(line))
            if line.startswith(b"Traceback"):
                tally.blame("traceback", "in the log")
            elif tally.examples["traceback"] and not re.match(rb"\d{4}-|  ", line):  # what was raised
                tally.examples["traceback"][-1] += f" {line.decode(errors='replace').strip()[:300]}"
            if not address.done() and (found := re.search(rb"(http://\S+/)mcp ", line)):
                address.set_result(found[1].decode())

    log = asyncio.create_task(read_log(process.stderr))
    try:
        async with contextlib.AsyncExitStack() as stack:
            if transport == "stdio":
                session: Session = StdioSession(process, tally)
            else:
                limits = httpx.Limits(max_connections=100)
                client = httpx.AsyncClient(base_url=await address, headers=ACCEPT, timeout=None, limits=limits)
                session = HttpSession(await stack.enter_async_context(client))
            await _ask(session, "initialize", GREETING)
            initialized = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode()
            await session.exchange(Message("", (initialized,), "nothing", 0))
            yield session, psutil.Process(process.pid)
        if process.returncode is None and transport == "http":
            process.terminate()
        assert process.stdin is not None
        process.stdin.close()
        code = await asyncio.wait_for(process.wait(), 60)
        if code != 0:
            tally.blame("crash", f"the server ended with exit code {code}")
    finally:
        if process.returncode is None:
            process.kill()
        await log


async def _ask(session: Session, method: str, params: Json) -> Json:
    """The result of a valid request."""
    request = json.dumps({"jsonrpc": "2.0", "id": f"{method} {params}", "method": method, "params": params}).encode()
    (answer,) = await session.exchange(Message(method, (request,), "id", f"{method} {params}"))
    result: Json = answer["result"]
    return result


async def _offers(session: Session) -> Offers:
    lists: list[Json] = [await _ask(session, method, {}) for method in LISTS]
    sets = []
    for arguments in ({"genres": ["Comedy"]}, {"genres": ["Drama"]}, {"release_year": {"lt": 1950}}):
        found = await _ask(session, "tools/call", {"name": "item_filter_tool", "arguments": arguments})
        sets.append(found["structuredContent"]["item_set"])
    tools, resources, _, prompts = lists
    return Offers(
        tools={tool["name"]: tool for tool in tools["tools"]},
        prompts={prompt["name"]: prompt for prompt in prompts["prompts"]},
        addresses=[resource["uri"] for resource in resources["resources"]],
        item_sets=sets,
    )


async def fuzz(
    transport: str,
    state: Path,
    numbers: Iterable[int],
    seed: int,
    at_once: int = 16,
    patience: float = 60.0,
    tell: Callable[[int, Message, list[Json]], Awaitable[None]] | None = None,
) -> Tally:
    """Start a server and send it the messages with these numbers.

    Args:
        at_once: Number of messages that wait for their answers at the same time.
        patience: Seconds after which a message without an answer counts as a hang.
        tell: A callback that gets each message and its answers.
    """
    tally = Tally()
    async with served(transport, state, tally) as (session, server):
        offers = await _offers(session)
        fuzzer = Fuzzer(seed, offers)
        judge = Judge(tally, {name: tool["outputSchema"] for name, tool in offers.tools.items()})
        ongoing, began = iter(numbers), time.perf_counter()
        start_memory = server.memory_info().rss / 1e6

        async def work() -> None:
            for number in ongoing:
                message = fuzzer.message(number)
                started = time.perf_counter()
                try:
                    answers = await asyncio.wait_for(session.exchange(message), patience)
                except TimeoutError:
                    tally.blame("hang", f"{number} ({message.kind}): {message.raw!r}")
                    continue
                except (CrashError, httpx.HTTPError, ConnectionError, ValueError) as error:
                    tally.blame("crash", f"{number} ({message.kind}): {error!r} after {message.raw!r}")
                    if not server.is_running() or server.status() == psutil.STATUS_ZOMBIE:
                        return
                    continue
                tally.slowest = max(tally.slowest, (time.perf_counter() - started, number))
                judge.judge(number, message, answers)
                if tell is not None:
                    await tell(number, message, answers)

        await asyncio.gather(*(work() for _ in range(at_once)))
        tally.seconds = time.perf_counter() - began
        if not tally.faults["crash"]:
            await _ask(session, "tools/call", {"name": "item_filter_tool", "arguments": {"genres": ["War"]}})
            tally.memory = start_memory, server.memory_info().rss / 1e6
    return tally


def report(transport: str, tally: Tally) -> None:
    """Print the tables of one session."""
    rows = [
        [kind, *(str(tally.outcomes[kind, outcome]) for outcome in OUTCOMES)]
        for kind in KINDS
        if any(tally.outcomes[kind, outcome] for outcome in OUTCOMES)
    ]
    rows.append(["all", *(str(tally.outcome(outcome)) for outcome in OUTCOMES)])
    print_table(f"{transport}: messages by kind and answer", ["", *OUTCOMES], rows)
    facts = [[fault, str(tally.faults[fault])] for fault in FAULTS]
    facts += [
        ["longest echo of input in an error, characters", str(tally.longest_echo)],
        ["longest text of an error, characters", str(tally.longest_error)],
        ["longest line of the log, bytes", str(tally.longest_log_line)],
        ["slowest exchange, s (the number of its message)", "{:.2f} ({})".format(*tally.slowest)],
        ["memory at the start and the end, MB", "{:.0f}, {:.0f}".format(*tally.memory)],
        ["messages a second", f"{tally.calls / tally.seconds:.0f}"],
    ]
    print_table(f"{transport}: faults, of which there must be none, and measurements", ["", "count"], facts)
    for fault, examples in tally.examples.items():
        for example in examples:
            print(f"{fault}: {example}", file=sys.stderr)


def main(
    calls: Annotated[int, typer.Option(help="Messages, on each transport.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Other seeds, other messages.")] = 1,
    transports: Annotated[str, typer.Option(help=f"Of {', '.join(TRANSPORTS)}.")] = ",".join(TRANSPORTS),
    at_once: Annotated[int, typer.Option(help="Messages that wait for their answers at the same time.")] = 16,
    only: Annotated[int | None, typer.Option(help="Send this one message, and print it and its answer.")] = None,
) -> None:
    """Fuzz a server and print the outcomes."""

    async def show(_: int, message: Message, answers: list[Json]) -> None:
        print(*(raw[:2_000] for raw in message.raw), json.dumps(answers, indent=1)[:5_000], sep="\n")

    failed = False
    for transport in transports.split(","):
        numbers = itertools.islice(itertools.count(1), calls) if only is None else [only]
        tell = None if only is None else show
        tally = asyncio.run(fuzz(transport, prepared_state().folder, numbers, seed, at_once, tell=tell))
        report(transport, tally)
        failed |= any(tally.faults[fault] for fault in FAULTS)
    sys.exit(failed)


if __name__ == "__main__":
    typer.run(main)
