"""The tools of the server, a module each, and the list of them for a dataset."""

from typing import Literal

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
from mcp_server.tools.tool import Tool

Chosen = Literal["all", "eight"]
"""The tools to publish: all, or only those of ``EIGHT``."""

EIGHT = (
    top_k_recommendations.build,
    item_filter.build,
    vector_store_search.build,
    like_percentage.build,
    popular_items.build,
    user_metadata.build,
    item_metadata.build,
    interacted_items.build,
)

ALL = (*EIGHT, find_users.build, statistics.build)


def build_tools(facts: DatasetFacts, chosen: Chosen = "all") -> dict[str, Tool]:
    """The tools that a dataset can have, by name."""
    built = (build(facts) for build in {"all": ALL, "eight": EIGHT}[chosen])
    return {tool.name: tool for tool in built if tool.needs in facts.features}
