"""The real server with three more tools, which are treated like all others: their arguments are checked, their results
dumped, their schemas published. `noop` answers one word; `noop_list` answers the same five items each time, as
long as a recommendation's answer; `loaded` looks into sys.modules.
"""

import sys
from pathlib import Path

import anyio

from mcp_server.dataset.groups import UserGroups
from mcp_server.dataset.spec import Nouns
from mcp_server.protocol.stdio import serve_stdio
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.tools.arguments import Arguments
from mcp_server.tools.readings.reader import Reader
from mcp_server.tools.readings.values import ValueReader
from mcp_server.tools.results import Result
from mcp_server.tools.schemas import json_schema
from mcp_server.tools.tool import Tool
from mcp_server.tools.top_k_recommendations import RecommendedItem, TopKResult

HEAVY = ("torch", "recbole", "pandas", "scipy", "sklearn", "duckdb")


async def _noop(_: object, __: Arguments) -> Result:
    return Result(message="done")


class FiveItems(TopKResult[int]):
    """An answer like that of a recommendation."""


FIVE = [RecommendedItem[int](item_id=n, title=f"The Title of a Film {n}", score=n / 7) for n in range(1, 6)]


async def _noop_list(_: object, __: Arguments) -> Result:
    return FiveItems(message="5 films for viewer 4, best first.", items=FIVE)


async def _loaded(_: object, __: Arguments) -> Result:
    return Result(message=", ".join(name for name in HEAVY if name in sys.modules) or "none")


def _tool(name: str, run: object, result: type[Result] = Result) -> Tool:
    return Tool(
        name=name,
        title=name,
        description=name,
        arguments=Arguments,
        result=result,
        run=run,  # type: ignore[arg-type]
        input_schema={"type": "object", "properties": {}},
        output_schema=json_schema(result, Nouns()),
        reader=Reader({}, ValueReader(Nouns(), UserGroups({}))),
    )


async def main(state: str) -> None:
    service = Service(Settings(state=Path(state)), prepare_if_needed=False)
    service.tools.update(
        noop=_tool("noop", _noop),
        noop_list=_tool("noop_list", _noop_list, FiveItems),
        loaded=_tool("loaded", _loaded),
    )
    await serve_stdio(service)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1])
