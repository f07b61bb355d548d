"""The server over HTTP as a process of its own, for tests that talk to it as its clients do."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import httpx

LISTENING = re.compile(r"listening on (http://\S+)/(?:mcp|sse) \(")

PATIENCE_SECONDS = 120
"""After which a process that should have done something is ended, so that a test fails rather than waits for ever."""

ACCEPT = {"Accept": "application/json, text/event-stream"}


def own_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment without the settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECSYS_")}
    return {**kept, **variables}


class Program:
    """A running program that says where it serves.

    Args:
        said_in: The stream in which it does; the other one is not read.
        serving: What it says; the group is the URL.
        variables: Of the environment, besides what is not the settings of whoever runs the tests.
    """

    def __init__(
        self,
        command: Sequence[object],
        said_in: Literal["stdout", "stderr"],
        serving: re.Pattern[str],
        variables: Mapping[str, str],
        folder: Path | None = None,
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if said_in == "stdout" else subprocess.DEVNULL,
            stderr=subprocess.PIPE if said_in == "stderr" else subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            cwd=folder,
            env=own_environment(variables),
        )
        stream = self.process.stdout if said_in == "stdout" else self.process.stderr
        assert stream is not None
        self._stream, self._serving = stream, serving
        self.log: list[str] = []
        self.base = ""
        """URL that it said; empty where it has ended instead."""
        self._serves = threading.Event()
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        assert self._serves.wait(PATIENCE_SECONDS), "nothing was said"

    def _read_log(self) -> None:
        for line in self._stream:
            self.log.append(line.rstrip("\n"))
            if not self.base and (found := self._serving.search(line)):
                self.base = found[1]
                self._serves.set()
        self._serves.set()

    def end(self, number: int = signal.SIGTERM) -> int:
        """Ask to stop; the exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait until the server has ended, and return its exit code."""
        code = self.process.wait(PATIENCE_SECONDS)
        self._reader.join(PATIENCE_SECONDS)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        self._stream.close()


class HttpServer(Program):
    """A running `recsys-mcp serve`. Its `base` is the URL before /mcp, /sse, /health and the others.

    Args:
        options: Of the command.
        variables: Settings, as environment variables.
    """

    def __init__(self, options: list[object], variables: Mapping[str, str]) -> None:
        super().__init__(["mcp_server", "serve", "--port", "0", *options], "stderr", LISTENING, variables)
        assert self.base, "\n".join(self.log)

    def client(self, token: str | None = None) -> httpx.Client:
        """An HTTP client that is no MCP client."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=f"{self.base}/", headers=headers, timeout=PATIENCE_SECONDS)


@contextlib.contextmanager
def http_server(state: Path, *options: object, transport: str = "http", **variables: str) -> Iterator[HttpServer]:
    """A server of a state, which has ended when this is left."""
    server = HttpServer(["--transport", transport, "--state", state, *options], variables)
    try:
        yield server
    finally:
        server.close()


def initialize(client: httpx.Client, path: str = "mcp", **headers: str) -> httpx.Response:
    """Open a session of streamable HTTP in the way of 2025, which all clients know."""
    return post(client, path, 1, "initialize", GREETING, **headers)


GREETING = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


def post(
    client: httpx.Client, path: str, number: int, method: str, params: Mapping[str, object], **headers: str
) -> httpx.Response:
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(path, json=message, headers={**ACCEPT, **named})
