"""A client that speaks the protocol's JSON over stdio with its own hands, in the words of either generation: for tests
of what is on the wire, whichever line of the SDK the server runs on.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

from mcp_server.settings import Settings
from tests.running_servers import PATIENCE_SECONDS, own_environment

Generation = Literal["2025-06-18", "2025-11-25", "2026-07-28"]

WITH_GREETING: tuple[Generation, ...] = ("2025-06-18", "2025-11-25")

LONGEST_LINE = 2**24

Answer = Callable[[str, dict[str, Any]], dict[str, Any]]
"""Takes the method and the parameters of what a server asks; gives the result."""


class WireError(Exception):
    """An error of the protocol."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(error["message"])
        self.code, self.data = error["code"], error.get("data")


class WireClient:
    """One connection."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        generation: Generation,
        capabilities: Mapping[str, Any],
        answer: Answer | None,
    ) -> None:
        self._process, self.generation = process, generation
        self._capabilities, self._answer = capabilities, answer
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._number = 0
        self.greeting: dict[str, Any] = {}
        """The server's answer to the greeting."""
        self.notifications: list[dict[str, Any]] = []
        self.notified = asyncio.Event()
        """Set when a notification has come."""
        self.questions: list[dict[str, Any]] = []
        """Questions that the server has asked."""
        self._reader = asyncio.create_task(self._read())

    async def greet(self) -> dict[str, Any]:
        """The server's answer to the greeting."""
        if self.generation not in WITH_GREETING:
            return await self.ask("server/discover")
        client = {"name": "wire", "version": "1"}
        version = {"protocolVersion": self.generation}
        said = await self.ask("initialize", **version, capabilities=dict(self._capabilities), clientInfo=client)
        await self.tell("notifications/initialized")
        return said

    async def ask(self, method: str, meta: Mapping[str, Any] | None = None, **params: Any) -> dict[str, Any]:
        """Send a request and wait for its result.

        Raises:
            WireError: It was answered with an error.
        """
        return await self.result(await self.begin(method, meta, **params))

    async def begin(self, method: str, meta: Mapping[str, Any] | None = None, **params: Any) -> int:
        """Send a request; its number."""
        self._number += 1
        self._waiting[self._number] = asyncio.get_running_loop().create_future()
        await self._send({"id": self._number, "method": method, "params": self._with_meta(params, meta)})
        return self._number

    async def result(self, number: int) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            message = await self._waiting[number]
        if "error" in message:
            raise WireError(message["error"])
        result: dict[str, Any] = message["result"]
        return result

    async def tell(self, method: str, **params: Any) -> None:
        await self._send({"method": method, "params": self._with_meta(params, None)})

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return await self.ask("tools/call", name=tool, arguments=arguments)

    def _with_meta(self, params: dict[str, Any], meta: Mapping[str, Any] | None) -> dict[str, Any]:
        said = dict(meta or {})
        if self.generation not in WITH_GREETING:
            prefix = "io.modelcontextprotocol/"
            said[f"{prefix}protocolVersion"] = self.generation
            said[f"{prefix}clientInfo"] = {"name": "wire", "version": "1"}
            said[f"{prefix}clientCapabilities"] = dict(self._capabilities)
        return {**params, "_meta": said} if said else params

    async def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        await self._process.stdin.drain()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            message = json.loads(line)
            if "method" not in message:
                waiting = self._waiting[message["id"]]
                if not waiting.done():  # else nobody waits any more
                    waiting.set_result(message)
            elif "id" in message:
                self.questions.append(message)
                assert self._answer is not None, message
                result = self._answer(message["method"], message["params"])
                await self._send({"id": message["id"], "result": result})
            else:
                self.notifications.append(message)
                self.notified.set()

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._process.wait()
        await self._reader


@asynccontextmanager
async def wire_client(
    settings: Settings,
    generation: Generation = "2025-11-25",
    capabilities: Mapping[str, Any] | None = None,
    answer: Answer | None = None,
    **variables: str,
) -> AsyncIterator[WireClient]:
    """A server of a state, and a client that has greeted it."""
    place = ["--dataset", settings.dataset, "--state", str(settings.state_folder)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mcp_server", "serve", *place),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=None,
        limit=LONGEST_LINE,
        env=own_environment(variables),
    )
    client = WireClient(process, generation, capabilities or {}, answer)
    try:
        client.greeting = await client.greet()
        yield client
    finally:
        await client.close()
