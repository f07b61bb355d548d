"""The MCP servers of a conversation: one lasting session with each, and what it means when one is lost."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import anyio
import httpx
from langchain_mcp_adapters.sessions import Connection, create_session
from mcp import ClientSession, McpError

from agent_client.errors import ServerError
from agent_client.server_address import ServerAddress

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

logger = logging.getLogger(__name__)

ASSISTANT_PROMPT = "assistant"
"""A prompt of this name, where a server publishes one, says how an assistant should work with it."""

OPENING_SECONDS = 60.0
CONNECTION_CLOSED = -32000
SESSION_TERMINATED = 32600
"""What the SDK makes of HTTP status 404: the server has been restarted, and knows the session no more."""

NO_SERVER = "there is no MCP server at this path: streamable HTTP is at /mcp as a rule, SSE at /sse"

LOST = (anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.EndOfStream, ConnectionError, httpx.HTTPError)
"""What a call raises when the way to its server is gone."""


class Server:
    """A session with one server, in a task of its own; it is opened again when it was lost.

    Stands in for the SDK's session where langchain-mcp-adapters wants one: `call_tool` and `list_tools`.
    """

    def __init__(self, address: ServerAddress) -> None:
        self.address = address
        self.guidance = ""
        """What the server says about working with it."""
        self._opening = asyncio.Lock()
        self._session: ClientSession | None = None
        self._task: asyncio.Task[None] | None = None
        self._end = asyncio.Event()

    async def open(self) -> ClientSession:
        """The session.

        Raises:
            ServerError: There is none to be had.
        """
        async with self._opening:
            if self._session is not None:
                return self._session
            ready: asyncio.Future[ClientSession] = asyncio.get_running_loop().create_future()
            self._end = asyncio.Event()
            self._task = asyncio.create_task(self._live(ready, self._end))
            try:
                async with asyncio.timeout(OPENING_SECONDS):
                    self._session = await ready
            except TimeoutError:
                await self._close()
                raise ServerError(f"{self.address.described} has not answered for {OPENING_SECONDS:.0f} s") from None
            return self._session

    async def _live(self, ready: "asyncio.Future[ClientSession]", end: asyncio.Event) -> None:
        """Open, say so, and close where it was opened: the SDK's sessions must be left by the task that entered."""
        try:
            async with create_session(_connection(self.address)) as session:
                self.guidance = await _guidance(session)
                ready.set_result(session)
                await end.wait()
        except BaseException as error:
            if ready.done():
                logger.debug("session with %s: %s", self.address.name, error)
            elif not ready.cancelled():
                refused = ServerError(f"{self.address.described} cannot be used: {self._why(error)}")
                ready.set_exception(error if isinstance(error, ServerError) else refused)
            if isinstance(error, asyncio.CancelledError):
                raise

    async def call_tool(self, *arguments: Any, **options: Any) -> Any:
        """Raises: ServerError: the server has gone away; the next call finds it again, or says why not."""
        return await self._request("call_tool", *arguments, **options)

    async def list_tools(self, *arguments: Any, **options: Any) -> Any:
        return await self._request("list_tools", *arguments, **options)

    async def _request(self, method: str, *arguments: Any, **options: Any) -> Any:
        session, task = await self.open(), self._task
        assert task is not None
        request = asyncio.ensure_future(getattr(session, method)(*arguments, **options))
        try:
            await asyncio.wait({request, task}, return_when=asyncio.FIRST_COMPLETED)
            if not request.done():
                raise ConnectionError("it has closed the connection")
            return request.result()
        except McpError as error:
            if error.error.code not in (CONNECTION_CLOSED, SESSION_TERMINATED):
                raise
            await self._lose(session, error)
        except LOST as error:
            await self._lose(session, error)
        finally:
            request.cancel()
            with contextlib.suppress(BaseException):
                await request

    async def _lose(self, session: ClientSession, error: Exception) -> None:
        if self._session is session:
            await self._close()
        raise ServerError(
            f"{self.address.described} was lost during this call ({self._why(error)}): call again to try once more"
        ) from error

    async def _close(self) -> None:
        self._session, task, self._task = None, self._task, None
        self._end.set()
        if task is not None:
            await asyncio.wait({task}, timeout=5)
            task.cancel()
            await asyncio.wait({task}, timeout=5)

    def _why(self, error: BaseException) -> str:
        return _why(error, self.address.connection)

    async def close(self) -> None:
        async with self._opening:
            await self._close()


def _connection(address: ServerAddress) -> "Connection":
    """As langchain-mcp-adapters takes it.

    Raises:
        ServerError: It cannot be used.
    """
    options = address.client_options()
    connection = dict(address.connection)
    if options:
        connection["httpx_client_factory"] = partial(_client, options)
    return cast("Connection", connection)


def _client(
    options: dict[str, Any],
    headers: dict[str, str] | None = None,
    timeout: httpx.Timeout | None = None,
    auth: httpx.Auth | None = None,
) -> httpx.AsyncClient:
    """As the SDK makes its clients, with these options besides."""
    return httpx.AsyncClient(headers=headers, timeout=timeout, auth=auth, follow_redirects=True, **options)


async def _guidance(session: ClientSession) -> str:
    """The server's instructions, and the prompt for assistants that it publishes."""
    greeting = await session.initialize()
    parts = [greeting.instructions or ""]
    if greeting.capabilities.prompts is not None:
        prompts = (await session.list_prompts()).prompts
        if any(prompt.name == ASSISTANT_PROMPT and not needs_arguments(prompt) for prompt in prompts):
            found = await session.get_prompt(ASSISTANT_PROMPT)
            parts += [getattr(message.content, "text", "") for message in found.messages]
    return "\n\n".join(part.strip() for part in parts if part.strip())


def needs_arguments(prompt: Any) -> bool:
    """Whether a prompt of a server cannot be had as it is."""
    return any(argument.required for argument in prompt.arguments or [])


def _why(error: BaseException, connection: Mapping[str, Any]) -> str:
    """What a failure of a connection means, in one line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    said = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, httpx.HTTPStatusError):
        status = error.response.status_code
        if status == 401:
            return "it does not accept this token" if connection["headers"] else "it asks for a token: pass --token"
        return NO_SERVER if status in (404, 405) else f"it answered with HTTP status {status}"
    if isinstance(error, httpx.ConnectError | ConnectionRefusedError):
        return "nothing answers there; is it running?"
    if isinstance(error, McpError) and said == "Session terminated":  # so the SDK calls the status 404
        return NO_SERVER
    if isinstance(error, FileNotFoundError) and "command" in connection:
        return f"there is no program {connection['command']!r}"
    return said


class Servers:
    """Sessions with all servers of a conversation."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self._servers = servers

    async def tools(self) -> "list[BaseTool]":
        """Where there are several servers, the names of tools begin with the server's.

        Raises:
            ServerError: A server does not list them.
        """
        from langchain_mcp_adapters.tools import load_mcp_tools  # and with it LangChain

        found: list[BaseTool] = []
        for server in self._servers:
            found += await load_mcp_tools(
                cast("ClientSession", server), server_name=server.address.name, tool_name_prefix=len(self._servers) > 1
            )
        return found

    @property
    def guidance(self) -> str:
        """What the servers say about working with them."""
        if len(self._servers) == 1:
            return self._servers[0].guidance
        parts = [f"# Server {server.address.name}\n\n{server.guidance}" for server in self._servers if server.guidance]
        return "\n\n".join(parts)


@asynccontextmanager
async def connected(addresses: Sequence[ServerAddress]) -> AsyncIterator[Servers]:
    """Open a session with each server. LangChain is not needed yet, so that it can be imported meanwhile.

    Raises:
        ServerError: One cannot be used.
    """
    async with AsyncExitStack() as stack:
        servers = [Server(address) for address in addresses]
        for server in servers:
            stack.push_async_callback(server.close)
        await asyncio.gather(*(server.open() for server in servers))
        yield Servers(servers)
