"""The tools of the server, a module each, and the list of them for a dataset."""

from collections.abc import Sequence
from dataclasses import replace

from mcp_server.dataset.facts import DatasetFacts
from mcp_server.tools import (
    find_users,
    interacted_items,
    item_filter,
    item_metadata,
    like_percentage,
    popular_items,
    statistics,
    top_k_recommendations,
    user_metadata,
    vector_store_search,
)
from mcp_server.tools.readings.parameters import Parameter
from mcp_server.tools.tool import Tool

BUILDERS = (
    top_k_recommendations.build,
    item_filter.build,
    vector_store_search.build,
    like_percentage.build,
    popular_items.build,
    user_metadata.build,
    item_metadata.build,
    interacted_items.build,
    find_users.build,
    statistics.build,
)


def build_tools(facts: DatasetFacts) -> dict[str, Tool]:
    """The tools that a dataset can have, by name."""
    built = [tool for build in BUILDERS if (tool := build(facts)).needs in facts.features]
    return {tool.name: _knowing_the_others(tool, built) for tool in built}


def _knowing_the_others(tool: Tool, tools: Sequence[Tool]) -> Tool:
    """A tool that says of an argument which it lacks what other tool has it."""
    elsewhere: dict[str, tuple[str, Parameter]] = {}
    for other in tools:
        for name, parameter in other.reader.parameters.items():
            if name not in tool.reader.parameters:
                elsewhere.setdefault(name, (other.name, parameter))
    return replace(tool, reader=replace(tool.reader, elsewhere=elsewhere))
