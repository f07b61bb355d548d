"""A client of a server, for the commands that use the tools as any MCP host does. It gives and takes the protocol's own
JSON, whichever line of the SDK is installed.
"""

import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, TextIO
from urllib.parse import urlsplit

import anyio
import mcp
import mcp.client.sse
import mcp.client.streamable_http
import mcp.shared.exceptions
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import CONNECTION_CLOSED

from mcp_server import OWN_PROGRAM
from mcp_server.errors import InvalidInputError, RecsysError
from mcp_server.protocol.message_checks import JsonObject
from recsys_shared.proxies import ProxyError, client_options, through_proxy

sdk: Any = mcp
sse: Any = mcp.client.sse
streamable_http: Any = mcp.client.streamable_http
exceptions: Any = mcp.shared.exceptions
http_library: Any = vars(sse).get("httpx2") or vars(sse)["httpx"]
# Untyped, because only one line of the SDK is installed where types are checked.

protocol_error: type[Exception] = getattr(exceptions, "MCPError", None) or exceptions.McpError

LOST = (anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.EndOfStream, ConnectionError)
"""Errors of a transport whose server is gone."""


def is_lost(error: BaseException) -> bool:
    """True if an error says that the connection with the server is gone."""
    closed = isinstance(error, protocol_error) and vars(error)["error"].code == CONNECTION_CLOSED
    return closed or isinstance(error, LOST)


class Session:
    """An initialized connection to a server.

    Args:
        greeting: The server's "protocolVersion", "serverInfo" and "instructions".
    """

    def __init__(self, session: Any, greeting: JsonObject) -> None:
        self._session = session
        self.greeting = greeting

    async def list_tools(self) -> list[JsonObject]:
        tools: list[JsonObject] = _json(await self._session.list_tools())["tools"]
        return tools

    async def call(self, name: str, arguments: Mapping[str, Any]) -> JsonObject:
        """Call a tool; the result has "content", "isError" and, where it went well, "structuredContent"."""
        return _json(await self._session.call_tool(name, dict(arguments)))

    async def read(self, uri: str) -> JsonObject:
        """Read a resource."""
        return _json(await self._session.read_resource(uri))


def _json(message: Any) -> JsonObject:
    content: JsonObject = message.model_dump(mode="json", by_alias=True, exclude_none=True)
    return content


@asynccontextmanager
async def stdio_session(
    arguments: list[str], env: Mapping[str, str] | None = None, errlog: TextIO = sys.stderr
) -> AsyncIterator[Session]:
    """Start ``python -m mcp_server ARGUMENTS`` and talk to it.

    Args:
        errlog: Destination of the server's stderr.
    """
    python, *options = OWN_PROGRAM
    parameters = StdioServerParameters(command=python, args=[*options, *arguments], env={**os.environ, **(env or {})})
    try:
        async with _initialized(stdio_client(parameters, errlog=errlog)) as session:
            yield session
    except BaseExceptionGroup as group:  # the SDK's task groups wrap whatever is raised inside
        raise _cause(group) from None


@asynccontextmanager
async def http_session(url: str, token: str | None = None) -> AsyncIterator[Session]:
    """Talk to a running server: over SSE where the URL's path ends in /sse, else over streamable HTTP.

    Raises:
        RecsysError: No MCP server answers there, it does not accept the token, or it has gone away meanwhile.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InvalidInputError(f"{url!r} is not the URL of a server, such as http://127.0.0.1:8000/mcp")
    try:
        server = _RemoteServer(url, token, over_sse=parts.path.rstrip("/").endswith("/sse"))
    except ProxyError as error:
        raise RecsysError(f"{url} cannot be asked: {error}") from error
    try:
        async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
            session = await stack.enter_async_context(_initialized(await server.transport(stack)))
            server.connected = True
            tasks.start_soon(server.watch)
            yield session
            tasks.cancel_scope.cancel()
    except BaseException as error:
        cause = _cause(error)
        if isinstance(cause, RecsysError) or not server.explains(cause):
            raise cause from None
        raise RecsysError(server.explanation(cause)) from error


class _RemoteServer:
    """A server elsewhere, and the explanation of why it cannot be used."""

    def __init__(self, url: str, token: str | None, over_sse: bool) -> None:
        self._url, self._token, self._over_sse = url, token, over_sse
        self._options, self._place = client_options(url), f"{url}{through_proxy(url)}"
        self._refused = anyio.Event()
        self._status = 0
        self.connected = False

    async def transport(self, stack: AsyncExitStack) -> AbstractAsyncContextManager[Any]:
        transport: AbstractAsyncContextManager[Any]
        if self._over_sse:
            transport = sse.sse_client(self._url, httpx_client_factory=self._client)
        else:
            client = await stack.enter_async_context(self._client())
            transport = streamable_http.streamable_http_client(self._url, http_client=client)
        return transport

    def _client(self, headers: Mapping[str, str] | None = None, **options: Any) -> Any:
        """An HTTP client of the library that this line of the SDK uses: httpx or httpx2."""
        authorization = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        headers = {**(headers or {}), **authorization}
        if self._options:
            options = {"timeout": http_library.Timeout(30, read=300), **options, **self._options}  # the SDK's own times
            client = http_library.AsyncClient(headers=headers, **options)
        else:
            client = sse.create_mcp_http_client(headers=headers, **options)
        client.event_hooks = {"response": [self._note_status]}
        return client

    async def _note_status(self, response: Any) -> None:
        if response.status_code >= 400 and response.request.method != "DELETE":
            self._status = response.status_code
            if self.connected and response.request.method == "POST":
                self._refused.set()

    async def watch(self) -> None:
        """Wait until a request over SSE is refused; its call would wait for an answer for ever.

        Raises:
            RecsysError: A request has been refused.
        """
        await self._refused.wait()
        if self._over_sse:
            raise RecsysError(self.explanation(None))

    def explains(self, error: BaseException) -> bool:
        """True if an error comes from the server or the network, and not from the code that uses the session."""
        if not isinstance(error, Exception):
            return False
        is_http_error = isinstance(error, http_library.HTTPError)
        return not self.connected or is_http_error or isinstance(error, (protocol_error, *LOST))

    def explanation(self, error: BaseException | None) -> str:
        """One line that says why the server cannot be used."""
        match self._status:
            case 401 if self._token:
                return f"{self._place} does not accept this token"
            case 401:
                return f"{self._place} asks for a token: pass --token or set RECSYS_TOKEN"
            case 404 | 405 if not self.connected:
                return f"there is no MCP server at {self._place}: streamable HTTP is at /mcp as a rule, SSE at /sse"
            case 413:
                return f"{self._place} takes no request as long as this one"
            case 421:
                return f"{self._place} does not accept this name as its own: set RECSYS_ALLOWED_HOSTS where it runs"
            case 429:
                return f"{self._place} cannot open another session for you: close one, or try again in a minute"
            case status if status >= 400:
                return f"{self._place} answered with HTTP status {status}"
        said = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, http_library.ConnectError):
            return f"nothing answers at {self._place} ({said}): is the server running?"
        if isinstance(error, http_library.ProxyError):
            return f"{self._place} cannot be reached: {said}"
        if self.connected and isinstance(error, protocol_error):
            return f"{self._place} answered with an error: {said}"
        if self.connected:
            return f"the connection with {self._place} was lost: {said}"
        return f"what answers at {self._place} is no MCP server: {said}"


@asynccontextmanager
async def _initialized(transport: AbstractAsyncContextManager[Any]) -> AsyncIterator[Session]:
    """A session over a transport, in the newest revision of the protocol that both sides know."""
    if hasattr(sdk, "Client"):  # the SDK's line 2.x: discovers the server before it falls back to initialize
        async with sdk.Client(transport) as client:
            server = client.server_info
            greeting = {
                "protocolVersion": client.protocol_version,
                "capabilities": _json(client.server_capabilities),
                "serverInfo": None if server is None else _json(server),
                "instructions": client.instructions,
            }
            yield Session(client, greeting)
    else:
        async with transport as (read, write, *_), ClientSession(read, write) as session:
            yield Session(session, _json(await session.initialize()))


def _cause(error: BaseException) -> BaseException:
    """The error that explains a group: one whose text is meant for people, else the first."""
    leaves = list(_leaves(error))
    return next((leaf for leaf in leaves if isinstance(leaf, RecsysError)), leaves[0])


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error
