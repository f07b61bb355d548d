"""Many MCP sessions at once: `python -m benchmarks.load --sessions 64 --seconds 300`.

Each session calls a tool, waits for its answer, and calls the next: recommendations, filters, searches and lookups in
a mix as a conversation has them, with other arguments every time. A server with a tool that does nothing, of the same
SDK, stands under the same load on each transport; its line is what the others are compared with. All answers go
through the SDK's client, which runs on the same machine and takes its share of it.

The database of RECSYS_DATABASE_URL is measured too, where it is set, and with it the vectors of RECSYS_QDRANT_URL.
"""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import anyio
import mcp
import psutil
import typer
from mcp import StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from rich.console import Console
from rich.progress import Progress, TimeRemainingColumn

from benchmarks.common import prepared_state, print_table, quantile, wire
from benchmarks.mix import Mix

TRANSPORTS = {
    "http": "streamable HTTP",
    "http-sessions": "streamable HTTP with sessions",
    "sse": "SSE",
    "stdio": "stdio",
}
"""Transports by name. "http" has no sessions, as in the newest revision; "http-sessions" uses the earlier handshake."""

NOOP, EMBEDDED, SERVER = "no-op", "embedded", "database server"

MEMORY_WINDOW = 0.1
"""Share of the measured time over which memory is averaged, at the start and at the end."""


@dataclass
class Run:
    """Measurements of one server under load."""

    transport: str
    server: str
    sessions: int
    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    """Latencies of the calls answered after the warm-up, in seconds."""
    errors: Counter[str] = field(default_factory=Counter)
    memory: list[float] = field(default_factory=list)
    """Memory of the server's processes in MB, at regular intervals after the warm-up."""
    cpu: list[float] = field(default_factory=list)
    """CPU seconds used by the server's processes at the same times."""

    @property
    def calls_per_second(self) -> float:
        return len(self.times) / self.seconds

    def memory_at(self, *, end: bool) -> float:
        share = max(1, int(MEMORY_WINDOW * len(self.memory)))
        values = self.memory[-share:] if end else self.memory[:share]
        return sum(values) / len(values)

    def report(self, baseline: "Run | None") -> dict[str, Any]:
        start, end = self.memory_at(end=False), self.memory_at(end=True)
        return {
            "transport": self.transport,
            "server": self.server,
            "sessions": self.sessions,
            "seconds": round(self.seconds, 1),
            "calls_per_second": round(self.calls_per_second, 1),
            "to_noop": None if baseline is None else round(self.calls_per_second / baseline.calls_per_second, 2),
            **{f"p{share}_ms": round(1e3 * quantile(self.times, share / 100), 1) for share in (50, 95, 99)},
            "cpu_ms_per_call": round(1e3 * (self.cpu[-1] - self.cpu[0]) / len(self.times), 2),
            "errors": sum(self.errors.values()),
            "memory_start_mb": round(start, 1),
            "memory_end_mb": round(end, 1),
            "memory_growth_percent": round(100 * (end / start - 1), 1),
        }


@contextmanager
def network_server(server: str, transport: str) -> Iterator[tuple[str, list[int]]]:
    """Start a server, and yield its URL and its process."""
    if server == NOOP:
        command = ["-m", "benchmarks.noop_server", "http"]
    else:
        command = ["-m", "mcp_server", "serve", "--transport", "http", "--port", "0", "--state", state_folder()]
    process = subprocess.Popen([sys.executable, *command], stderr=subprocess.PIPE, text=True, env=environment(server))
    assert process.stderr is not None
    try:
        port = None
        for line in process.stderr:
            if found := re.search(r"(?:http://127\.0\.0\.1:|^)(\d+)", line):
                port = found[1]
                break
        if port is None:
            sys.exit(f"the server {server} did not start")
        threading.Thread(target=drain, args=(process.stderr,), daemon=True).start()
        yield f"http://127.0.0.1:{port}/{'sse' if transport == 'sse' else 'mcp'}", [process.pid]
    finally:
        process.terminate()
        process.wait()


def drain(stream: Any) -> None:
    """Read a server's log, so that the server never waits for a reader."""
    for _ in stream:
        pass


def state_folder() -> str:
    return str(prepared_state().folder)


def environment(server: str) -> dict[str, str]:
    """Settings of a server, with the database only where that is measured."""
    variables = {**os.environ, "RECSYS_LOG_LEVEL": "WARNING"}
    if server != SERVER:
        for name in [name for name in variables if name.startswith(("RECSYS_DATABASE", "RECSYS_QDRANT"))]:
            del variables[name]
    return variables


@asynccontextmanager
async def connected(transport: str, server: str, url: str) -> AsyncIterator[Any]:
    """One session."""
    if transport == "stdio":
        serve = ["mcp_server", "serve", "--state", state_folder()]
        module = ["benchmarks.noop_server"] if server == NOOP else serve
        parameters = StdioServerParameters(command=sys.executable, args=["-m", *module], env=environment(server))
        way: Any = stdio_client(parameters, errlog=open(os.devnull, "w"))  # noqa: SIM115, PTH123, ASYNC230
    elif transport == "sse":
        way = sse_client(url)
    else:
        way = streamable_http_client(url)
    if not hasattr(mcp, "Client"):  # the SDK's line 1.x
        async with way as (read, write, *_), mcp.ClientSession(read, write) as session:
            await session.initialize()
            yield session
        return
    async with mcp.Client(way, mode="legacy" if transport == "http-sessions" else "auto") as client:
        yield client


async def converse(run: Run, url: str, seed: int, until: float, measured_from: float) -> None:
    """Make one session's calls until the time is up."""
    mix = Mix(seed)
    async with connected(run.transport, run.server, url) as session:
        await session.list_tools()
        while (started := time.perf_counter()) < until:
            tool, arguments = ("noop", {}) if run.server == NOOP else mix.next()
            try:
                result = wire(await session.call_tool(tool, arguments))
            except Exception as error:
                run.errors[type(error).__name__] += 1
                continue
            if result.get("isError"):
                run.errors[result["content"][0]["text"][:80]] += 1
                continue
            mix.see(result)
            if started >= measured_from:
                run.times.append(time.perf_counter() - started)


async def watch(run: Run, pids: list[int], measured_from: float) -> None:
    """Sample the memory and CPU time of the server's processes."""
    while True:
        await anyio.sleep(0.5)
        if time.perf_counter() < measured_from:
            continue
        processes = [psutil.Process(pid) for pid in pids] if pids else psutil.Process().children()
        run.memory.append(sum(process.memory_info().rss for process in processes) / 1e6)
        run.cpu.append(sum(sum(process.cpu_times()[:2]) for process in processes))


async def measure(run: Run, url: str, pids: list[int], seconds: float, warm_up: float, progress: Progress) -> None:
    """Put a server under load."""
    bar = progress.add_task(f"{TRANSPORTS[run.transport]}, {run.server}", total=seconds + warm_up)
    measured_from = time.perf_counter() + warm_up
    until = measured_from + seconds
    async with anyio.create_task_group() as watching:
        watching.start_soon(watch, run, pids, measured_from)

        async def show() -> None:
            while True:
                await anyio.sleep(1)
                progress.advance(bar)

        watching.start_soon(show)
        async with anyio.create_task_group() as sessions:
            for seed in range(run.sessions):
                sessions.start_soon(converse, run, url, seed, until, measured_from)
        watching.cancel_scope.cancel()
    run.seconds = seconds
    progress.remove_task(bar)


def main(
    sessions: Annotated[int, typer.Option(help="Sessions at once over a network.")] = 64,
    stdio_sessions: Annotated[int, typer.Option(help="The same over stdio, where each has a server process.")] = 4,
    seconds: Annotated[float, typer.Option(help="Time measured, for each server and transport.")] = 60,
    warm_up: Annotated[float, typer.Option(help="Time before it that does not count.")] = 20,
    transports: Annotated[str, typer.Option(help=f"Of {', '.join(TRANSPORTS)}.")] = ",".join(TRANSPORTS),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Put servers under load, and print calls per second, latency, errors and memory."""
    servers = [NOOP, EMBEDDED, *([SERVER] if os.environ.get("RECSYS_DATABASE_URL") else [])]
    reports = []
    with Progress(*Progress.get_default_columns(), TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        for transport in transports.split(","):
            baseline = None
            for server in servers:
                run = Run(transport, server, stdio_sessions if transport == "stdio" else sessions)
                if transport == "stdio":
                    anyio.run(measure, run, "", [], seconds, warm_up, progress)
                else:
                    with network_server(server, transport) as (url, pids):
                        anyio.run(measure, run, url, pids, seconds, warm_up, progress)
                if server == NOOP:
                    baseline = run
                reports.append(run.report(baseline))
                for error, number in run.errors.most_common(5):
                    progress.console.print(f"{TRANSPORTS[transport]}, {server}: {number} x {error}", markup=False)
    if as_json:
        print(json.dumps(reports, indent=1))
        return
    header = ["", "server", "sessions", "calls/s", "to no-op", "p50 ms", "p95 ms", "p99 ms"]
    header += ["CPU ms/call", "errors", "MB", "growth %"]
    rows = [
        [
            TRANSPORTS[r["transport"]],
            r["server"],
            str(r["sessions"]),
            f"{r['calls_per_second']:.0f}",
            f"{r['to_noop']:.2f}",
            *(f"{r[name]:.0f}" for name in ("p50_ms", "p95_ms", "p99_ms")),
            f"{r['cpu_ms_per_call']:.2f}",
            str(r["errors"]),
            f"{r['memory_end_mb']:.0f}",
            f"{r['memory_growth_percent']:.1f}",
        ]
        for r in reports
    ]
    print_table(f"Load, {seconds:g} s each after {warm_up:g} s of warm-up", header, rows)


if __name__ == "__main__":
    typer.run(main)
