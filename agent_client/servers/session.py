"""A lasting session with one MCP server, and what its errors mean."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import anyio
import httpx
from langchain_mcp_adapters.sessions import Connection, create_session
from mcp import ClientSession, McpError, StdioServerParameters, stdio_client
from mcp.types import CONNECTION_CLOSED, Tool

from agent_client.errors import ServerError
from agent_client.servers.address import ServerAddress
from agent_client.servers.log_file import LogFile
from recsys_shared.plain_text import error_line, one_line

logger = logging.getLogger(__name__)

ASSISTANT_PROMPT = "assistant"
"""Name of the prompt by which a server says how an assistant should work with it."""

OPENING_SECONDS = 60.0
SILENT_SECONDS = 5.0
"""Time after which a person is told what is being waited for."""

SESSION_TERMINATED = 32600
"""The SDK's code for HTTP status 404: the server was restarted, and no longer knows the session."""

NO_SERVER = "there is no MCP server at this path: streamable HTTP is at /mcp as a rule, SSE at /sse"

LOST = (anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.EndOfStream, ConnectionError, httpx.HTTPError)
"""Errors of a call whose connection is gone."""

UNSENT = (anyio.ClosedResourceError, anyio.BrokenResourceError)
"""Errors of the SDK's own streams, before a request is sent."""

EXPECTED = (ServerError, McpError, OSError, ValueError, *LOST)
"""Errors that servers, networks and people cause; any other is a defect of this program. Answers that are not MCP
raise a ValueError of pydantic or json.
"""


class ServerSession:
    """A session with one server, in a task of its own; it is opened again after it was lost.

    It stands in for the SDK's session in langchain-mcp-adapters, which uses `call_tool` and `list_tools`.
    """

    def __init__(self, address: ServerAddress) -> None:
        self.address = address
        self.guidance = ""
        """The server's own words about working with it."""
        self.tools: list[Tool] = []
        self._log = LogFile(address.name)
        self._opening = asyncio.Lock()
        self._session: ClientSession | None = None
        self._task: asyncio.Task[None] | None = None
        self._end = asyncio.Event()

    async def open(self) -> ClientSession:
        """The session, opened if it is not open; a ServerError if it cannot be."""
        async with self._opening:
            if self._session is not None:
                return self._session
            ready: asyncio.Future[ClientSession] = asyncio.get_running_loop().create_future()
            self._end = asyncio.Event()
            self._task = asyncio.create_task(self._live(ready, self._end))
            notice = asyncio.get_running_loop().call_later(SILENT_SECONDS, self._say_who_is_silent)
            try:
                async with asyncio.timeout(OPENING_SECONDS):
                    self._session = await ready
            except TimeoutError as error:
                await self._close()
                raise ServerError(f"{self.address.described} cannot be used: {self._why(error)}") from None
            except asyncio.CancelledError:
                self._task.cancel()  # else a program would be left behind
                raise
            finally:
                notice.cancel()
            return self._session

    def _say_who_is_silent(self) -> None:
        if not self.address.is_program:
            print(f"waiting for {one_line(self.address.described)}", file=sys.stderr)

    async def _live(self, ready: "asyncio.Future[ClientSession]", end: asyncio.Event) -> None:
        """Open the session, say so, and close it in this same task, as the SDK's context managers require."""
        try:
            async with self._connected() as session:
                self.guidance = await _guidance(session)
                if not ready.cancelled():
                    ready.set_result(session)
                    await end.wait()
        except Exception as error:
            cause: BaseException = error
            while isinstance(cause, BaseExceptionGroup):  # of the SDK's task groups
                cause = cause.exceptions[0]
            if not isinstance(cause, EXPECTED):
                logger.error("the session with %s has failed", self.address.name, exc_info=error)
            if not ready.done():
                refused = ServerError(f"{self.address.described} cannot be used: {self._why(cause)}")
                ready.set_exception(cause if isinstance(cause, ServerError) else refused)
        finally:
            if not ready.done():
                ready.set_exception(ServerError(f"{self.address.described} cannot be used: its session was cancelled"))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[ClientSession]:
        connection, options = dict(self.address.connection), self.address.client_options()
        if not self.address.is_program:
            if options:
                connection["httpx_client_factory"] = partial(httpx.AsyncClient, follow_redirects=True, **options)
            async with create_session(cast("Connection", connection)) as session:
                yield session
            return
        parameters = StdioServerParameters.model_validate(connection)
        with self._log.opened() as log:
            async with stdio_client(parameters, log) as (reading, writing), ClientSession(reading, writing) as session:
                yield session

    async def call_tool(self, *arguments: Any, **options: Any) -> Any:
        """Call a tool; once more if the server has gone away, unless that might carry the call out twice.

        Raises:
            ServerError: The server has gone away; the next call finds it again, or says why not.
        """
        hints = [tool.annotations for tool in self.tools if tool.annotations and tool.name in arguments[:1]]
        harmless = any(hint.readOnlyHint or hint.idempotentHint for hint in hints)
        return await self._request("call_tool", harmless, *arguments, **options)

    async def list_tools(self) -> None:
        """List the server's tools, all pages of them; a ServerError if it has gone away, or lists none."""
        cursor: str | None = ""
        self.tools, found = [], []
        await self.open()  # which has its own time
        try:
            async with asyncio.timeout(OPENING_SECONDS):
                while cursor is not None:
                    page = await self._request("list_tools", True, cursor or None)
                    found += page.tools
                    cursor = page.nextCursor or None
        except (McpError, TimeoutError) as error:
            raise ServerError(f"{self.address.described} lists no tools: {self._why(error)}") from error
        if not found:
            raise ServerError(f"{self.address.described} lists no tools")
        self.tools = found

    async def _request(self, method: str, harmless: bool, *arguments: Any, **options: Any) -> Any:
        """Make a request, and make it again if the session was lost: if it certainly was not carried out, or if it is
        harmless to carry it out twice.
        """
        repeated = False
        while True:
            session, task = await self.open(), self._task
            assert task is not None
            self._log.trim()
            request = asyncio.ensure_future(getattr(session, method)(*arguments, **options))
            try:
                await asyncio.wait({request, task}, return_when=asyncio.FIRST_COMPLETED)
                if not request.done():
                    raise ConnectionError("it has closed the connection")
                return request.result()
            except (McpError, *LOST) as error:
                code = error.error.code if isinstance(error, McpError) else CONNECTION_CLOSED
                if code not in (CONNECTION_CLOSED, SESSION_TERMINATED):
                    raise
                if self._session is session:
                    await self._close()
                unsent = code == SESSION_TERMINATED or isinstance(error, UNSENT)
                if repeated or not (harmless or unsent):
                    raise ServerError(
                        f"{self.address.described} was lost during this call ({self._why(error)}): "
                        "call again to try once more"
                    ) from error
                repeated = True
            finally:
                request.cancel()
                await asyncio.gather(request, return_exceptions=True)

    async def _close(self) -> None:
        self._session, task, self._task = None, self._task, None
        self._end.set()
        if task is not None:
            await asyncio.wait({task}, timeout=5)
            task.cancel()
            await asyncio.wait({task}, timeout=5)

    async def close(self) -> None:
        async with self._opening:
            await self._close()

    def _why(self, error: BaseException) -> str:
        """The meaning of a failure of the connection, in one line; a program's log may say more."""
        connection = self.address.connection
        late = f"it has not answered for {OPENING_SECONDS:.0f} s"
        said = error_line(error) or (late if isinstance(error, TimeoutError) else type(error).__name__)
        if isinstance(error, httpx.HTTPStatusError):
            status = error.response.status_code
            if status == 401:
                return "it does not accept this token" if connection["headers"] else "it asks for a token: pass --token"
            return NO_SERVER if status in (404, 405) else f"it answered with HTTP status {status}"
        if isinstance(error, httpx.ConnectError | ConnectionRefusedError):
            return "nothing answers there; is it running?"
        if isinstance(error, McpError) and said == "Session terminated":  # the SDK's words for HTTP status 404
            return NO_SERVER
        return f"{said}; {self._log}" if self.address.is_program else said


async def _guidance(session: ClientSession) -> str:
    """The server's instructions, and the prompt for assistants that it publishes."""
    greeting = await session.initialize()
    parts = [greeting.instructions or ""]
    if greeting.capabilities.prompts is not None:
        prompts = (await session.list_prompts()).prompts
        needed = {prompt.name: [each for each in prompt.arguments or [] if each.required] for prompt in prompts}
        if needed.get(ASSISTANT_PROMPT) == []:
            found = await session.get_prompt(ASSISTANT_PROMPT)
            parts += [getattr(message.content, "text", "") for message in found.messages]
    return "\n\n".join(part.strip() for part in parts if part.strip())
