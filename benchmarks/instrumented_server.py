"""The real server with two more tools: `noop`, the baseline of latency, and `loaded`, a look at sys.modules.

Both go the way of every other tool: arguments checked, a result model dumped, an output schema published.
"""

import sys
from pathlib import Path

import anyio

from mcp_server.server import serve_stdio
from mcp_server.service import Service
from mcp_server.settings import Settings
from mcp_server.tools.base import Arguments, Result, Tool

HEAVY = ("torch", "recbole", "pandas", "scipy", "sklearn")


async def _noop(_: object, __: Arguments) -> Result:
    return Result(message="done")


async def _loaded(_: object, __: Arguments) -> Result:
    return Result(message=", ".join(name for name in HEAVY if name in sys.modules) or "none")


def _tool(name: str, run: object) -> Tool:
    return Tool(
        name=name,
        title=name,
        description=name,
        arguments=Arguments,
        result=Result,
        run=run,  # type: ignore[arg-type]
        input_schema={"type": "object", "properties": {}},
        output_schema={"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]},
    )


async def main(state: str) -> None:
    service = Service(Settings(state=Path(state)), prepare_if_needed=False)
    service.tools.update(noop=_tool("noop", _noop), loaded=_tool("loaded", _loaded))
    await serve_stdio(service)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1])
