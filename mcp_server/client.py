"""A client session with a server over stdio, for the commands that use the tools as any MCP host does.

The one module that knows the MCP SDK's client; gives and takes the protocol's own JSON, as ``server`` does.
"""

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TextIO

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

Wire = dict[str, Any]


class Session:
    """A connection to a server, after its greeting."""

    def __init__(self, session: ClientSession, greeting: Wire) -> None:
        self._session = session
        self.greeting = greeting

    async def list_tools(self) -> list[Wire]:
        tools: list[Wire] = _wire(await self._session.list_tools())["tools"]
        return tools

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Wire:
        """Call a tool; the result has "content", "isError" and, where it went well, "structuredContent"."""
        return _wire(await self._session.call_tool(name, dict(arguments)))

    async def read(self, uri: str) -> Wire:
        """Read a resource."""
        return _wire(await self._session.read_resource(uri))


def _wire(message: Any) -> Wire:
    content: Wire = message.model_dump(mode="json", by_alias=True, exclude_none=True)
    return content


@asynccontextmanager
async def stdio_session(
    arguments: list[str], env: Mapping[str, str] | None = None, errlog: TextIO = sys.stderr
) -> AsyncIterator[Session]:
    """Start ``python -m mcp_server ARGUMENTS`` and talk to it.

    Args:
        errlog: Where the server's stderr goes.
    """
    parameters = StdioServerParameters(
        command=sys.executable, args=["-m", "mcp_server", *arguments], env={**os.environ, **(env or {})}
    )
    try:
        async with (
            stdio_client(parameters, errlog=errlog) as (read, write),
            ClientSession(read, write) as session,
        ):
            yield Session(session, _wire(await session.initialize()))
    except BaseExceptionGroup as group:  # the SDK's task groups wrap whatever is raised inside
        raise _only(group) from None


def _only(error: BaseException) -> BaseException:
    """What a group of one exception wraps."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
