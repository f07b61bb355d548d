"""The tools, one module each, and the list of them for a dataset."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mcp_server.tools import (
    interacted_items,
    item_filter,
    item_metadata,
    like_percentage,
    popular_items,
    top_k_recommendations,
    user_metadata,
    vector_store_search,
)
from mcp_server.tools.base import Facts, Tool

if TYPE_CHECKING:
    from mcp_server.serving.plugins import Plugins

logger = logging.getLogger(__name__)

BUILDERS = (
    top_k_recommendations.build,
    item_filter.build,
    vector_store_search.build,
    like_percentage.build,
    popular_items.build,
    user_metadata.build,
    item_metadata.build,
    interacted_items.build,
)


def build_tools(facts: Facts, plugins: Plugins | None = None) -> dict[str, Tool]:
    """The tools that a dataset can have, by name; those of plug-ins last. What is wrong with these is logged."""
    built = (build(facts) for build in BUILDERS)
    tools = {tool.name: tool for tool in built if tool is not None}
    if plugins is None:
        return tools
    added = plugins.build(facts, taken=tools)
    for problem in added.problems:
        logger.log(logging.ERROR if problem.status == "error" else logging.WARNING, "tools of your own: %s", problem)
    return tools | added.tools
