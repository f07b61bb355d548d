"""The sessions with all MCP servers of a conversation."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, cast

from agent_client.servers.address import ServerAddress
from agent_client.servers.session import ServerSession

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool
    from mcp import ClientSession


class Servers:
    """Sessions with all servers of a conversation."""

    def __init__(self, servers: Sequence[ServerSession]) -> None:
        self._servers = servers

    async def tools(self) -> "list[BaseTool]":
        """The tools of all servers; their names begin with the server's where there are several.

        Raises:
            ServerError: A server does not list its tools.
        """
        from langchain_mcp_adapters.tools import load_mcp_tools  # brings LangChain

        found: list[BaseTool] = []
        for server in self._servers:
            found += await load_mcp_tools(
                cast("ClientSession", server), server_name=server.address.name, tool_name_prefix=len(self._servers) > 1
            )
        return found

    @property
    def guidance(self) -> str:
        """The servers' own words about working with them."""
        if len(self._servers) == 1:
            return self._servers[0].guidance
        parts = [f"# Server {server.address.name}\n\n{server.guidance}" for server in self._servers if server.guidance]
        return "\n\n".join(parts)


@asynccontextmanager
async def connected(addresses: Sequence[ServerAddress]) -> AsyncIterator[Servers]:
    """Sessions with these servers, open until the end. LangChain is not needed yet, so it can be imported meanwhile.

    Raises:
        ServerError: A server cannot be used.
    """
    async with AsyncExitStack() as stack:
        servers = [ServerSession(address) for address in addresses]
        for server in servers:
            stack.push_async_callback(server.close)
        await asyncio.gather(*(server.open() for server in servers))
        yield Servers(servers)
