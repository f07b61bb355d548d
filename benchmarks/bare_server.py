"""An MCP server of the same SDK with one tool that does nothing: the baseline of start-up and memory."""

import anyio
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

TOOL = {"name": "noop", "description": "Does nothing.", "inputSchema": {"type": "object", "properties": {}}}


def build() -> Server:
    if hasattr(Server, "list_tools"):  # SDK 1.x
        server = Server("bare")

        async def handle(_: types.ListToolsRequest) -> types.ServerResult:
            return types.ServerResult(types.ListToolsResult.model_validate({"tools": [TOOL]}))

        server.request_handlers[types.ListToolsRequest] = handle
        return server

    async def list_tools(_: object, __: object) -> dict[str, object]:
        return {"tools": [TOOL]}

    return Server("bare", on_list_tools=list_tools)


async def main() -> None:
    server = build()
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
