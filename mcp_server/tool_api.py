"""The stable surface of the server, for tools of your own.

Everything else in this package may move between versions; what is listed here stays, or its change is announced.
Importing this module is cheap, so that a host's list of tools does not wait for NumPy or SQLAlchemy: import those
inside your tool's function. docs/your-own-tools.md takes you from an empty file to a tool in a host.
"""

from typing import TYPE_CHECKING, Any

from mcp_server.dataset.facts import DatasetFacts, Feature, When
from mcp_server.dataset.ids import ItemId, UserId
from mcp_server.errors import InvalidInputError, RecsysError
from mcp_server.serving.call_progress import report
from mcp_server.tools.arguments import Arguments, Detail, ItemsArguments, K, OneOrMore, candidate_items
from mcp_server.tools.results import ListedItem, Result, count_of, list_items
from mcp_server.tools.tool import Tool, make_tool

if TYPE_CHECKING:
    from mcp_server.catalog.catalog import Catalog
    from mcp_server.catalog.statistics import Statistics
    from mcp_server.recommender.ranker import Ranker
    from mcp_server.serving.backends import Backends
    from mcp_server.types import IntArray
    from mcp_server.vectors.search import TextSearch
else:
    # Names for annotations: the modules that define them are heavy, and are loaded by the time a tool runs.
    Backends = Catalog = IntArray = Ranker = Statistics = TextSearch = Any

__all__ = [
    "Arguments",
    "Backends",
    "Catalog",
    "DatasetFacts",
    "Detail",
    "Feature",
    "IntArray",
    "InvalidInputError",
    "ItemId",
    "ItemsArguments",
    "K",
    "ListedItem",
    "OneOrMore",
    "Ranker",
    "RecsysError",
    "Result",
    "Statistics",
    "TextSearch",
    "Tool",
    "UserId",
    "When",
    "candidate_items",
    "count_of",
    "list_items",
    "make_tool",
    "report",
]
