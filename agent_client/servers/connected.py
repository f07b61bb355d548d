"""The sessions with all MCP servers of a conversation."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from agent_client.errors import ServerError
from agent_client.servers.address import ServerAddress
from agent_client.servers.session import ServerSession
from agent_client.servers.tool_names import renamed, shown_names
from recsys_shared.plain_text import error_line

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool
    from mcp import ClientSession
    from mcp.types import CallToolResult


class Servers:
    """Sessions with all servers of a conversation; it goes on without those that cannot be used."""

    def __init__(self, servers: Sequence[ServerSession]) -> None:
        self._servers = servers
        self.failures: list[ServerError] = []
        """A line for each server that cannot be used."""

    async def open(self) -> None:
        """Open the sessions that are not open, also those that have failed; a ServerError if none can be used."""

        async def failure(server: ServerSession) -> ServerError | None:
            try:
                await server.list_tools()
            except ServerError as error:
                return error
            return None

        self.failures = [error for error in await asyncio.gather(*map(failure, self._servers)) if error]
        if len(self.failures) == len(self._servers) > 0:
            raise self.failures[0]
        for error in self.failures:
            print(f"recsys-agent: {error_line(error)}", file=sys.stderr)

    def named(self) -> "zip[tuple[ServerSession, dict[str, str]]]":
        """The servers, each with the names of its tools that a model sees."""
        tools = [(server.address.name, [tool.name for tool in server.tools]) for server in self._servers]
        return zip(self._servers, shown_names(tools), strict=True)

    def tools(self) -> "list[BaseTool]":
        """The tools of all servers, by the names that a model sees."""
        from langchain_mcp_adapters.tools import convert_mcp_tool_to_langchain_tool  # brings LangChain

        found: list[BaseTool] = []
        for server, names in self.named():
            for listed in server.tools:
                tool = convert_mcp_tool_to_langchain_tool(cast("ClientSession", server), listed)
                tool.name, tool.description = names[listed.name], renamed(tool.description, names)
                tool.args_schema = renamed(tool.args_schema, names)
                found.append(tool)
        return found

    async def read(self, server: str, tool: str, arguments: dict[str, Any]) -> "CallToolResult":
        """Call a tool that changes nothing, by its server's own name for it; a ServerError if there is none."""
        for session in self._servers:
            readable = [each.name for each in session.tools if each.annotations and each.annotations.readOnlyHint]
            if session.address.name == server and tool in readable:
                result: CallToolResult = await session.call_tool(tool, arguments)
                return result
        raise ServerError(f"{server} has no tool {tool!r} that changes nothing")

    @property
    def guidance(self) -> str:
        """The servers' own words about working with them, with the names of tools that a model sees."""
        words = {server.address.name: str(renamed(server.guidance, names)) for server, names in self.named()}
        if len(self._servers) == 1:
            return "".join(words.values())
        return "\n\n".join(f"# Server {name}\n\n{said}" for name, said in words.items() if said)


@asynccontextmanager
async def connected(addresses: Sequence[ServerAddress]) -> AsyncIterator[Servers]:
    """Sessions with these servers, open until the end; a ServerError if none can be used.

    LangChain is not needed yet, so that it can be imported meanwhile.
    """
    sessions = [ServerSession(address) for address in addresses]
    async with AsyncExitStack() as stack:
        for session in sessions:
            stack.push_async_callback(session.close)
        servers = Servers(sessions)
        await servers.open()
        yield servers
