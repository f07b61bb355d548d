"""The values that a history has beside its items: ratings, counts or weights, and dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import WithJsonSchema

from mcp_server.dataset.facts import Feature
from mcp_server.dataset.feedback import VALUE_NAMES
from mcp_server.dataset.windows import day_of
from mcp_server.tools.results import Amount, Entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_server.catalog.user_histories import History
    from mcp_server.dataset.spec import DatasetSpec


class HistoryValues(Entry):
    """Values beside an item of a history."""

    rating: Annotated[float | None, Feature.RATINGS] = None
    count: Annotated[Amount | None, Feature.COUNTS] = None
    weight: Annotated[Amount | None, Feature.EVENTS] = None
    date: Annotated[str | None, WithJsonSchema({"type": ["string", "null"]}), Feature.TIMES] = None
    """Day in UTC, YYYY-MM-DD; None where it is not known."""


def history_values(spec: DatasetSpec, history: History, places: Sequence[int]) -> dict[str, list[Any]]:
    """The values that a dataset has, as columns of a list.

    Args:
        places: Places in the history.
    """
    from mcp_server.dataset.records import NO_TIME  # with NumPy

    columns: dict[str, list[Any]] = {}
    if history.values is not None:
        columns[VALUE_NAMES[spec.interactions.kind]] = [float(history.values[place]) for place in places]
    if spec.interactions.timestamp is not None:
        times = [int(history.times[place]) for place in places]
        columns["date"] = [None if time == NO_TIME else day_of(time) for time in times]
    return columns
