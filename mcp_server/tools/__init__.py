"""The tools of the server, a module each, and the list of them for a dataset."""

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
    built = (build(facts) for build in BUILDERS)
    return {tool.name: tool for tool in built if tool.needs in facts.features}
