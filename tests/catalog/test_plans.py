"""Plans of a server for the statements of the tools over MovieLens: by keys and indexes, never through whole tables.

The statements are caught while tools are called, and explained by the server with the values they were run with.
"""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pymysql
import pytest
import pytest_asyncio
from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url

from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from tests.names import FILTER, FIND_USERS, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, SEARCH, STATISTICS, USER

Step = dict[str, Any]
"""A line of EXPLAIN. "table" is without the catalogue's prefix."""


@dataclass(frozen=True)
class Plan:
    """The plan of one statement."""

    statement: str
    steps: list[Step]

    def step(self, table: str) -> Step:
        """The reading of a table, which is read once."""
        (found,) = [step for step in self.steps if step["table"] == table]
        return found

    def reads(self, table: str) -> bool:
        return any(step["table"] == table for step in self.steps)

    @property
    def sorts(self) -> bool:
        return any("filesort" in (step["Extra"] or "") for step in self.steps)


class Plans:
    """The plans of what tools ask.

    Args:
        settings: Of a prepared catalogue on a server.
    """

    def __init__(self, service: Service, settings: Settings) -> None:
        assert settings.database_url is not None
        self._service = service
        self._url = make_url(settings.database_url.get_secret_value())

    async def of(self, tool: str, arguments: Mapping[str, Any]) -> list[Plan]:
        """The plans of all that a call reads of the catalogue."""
        caught: list[tuple[str, Sequence[Any]]] = []

        def note(_c: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:
            flat = _flat(statement)
            if flat.startswith("SELECT") and " FROM recsys_" in flat and "recsys_item_sets" not in flat:
                caught.append((flat, values))

        event.listen(Engine, "before_cursor_execute", note)
        try:
            await self._service.call(tool, arguments)
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        with self._connected() as cursor:
            return [self._explain(cursor, statement, values) for statement, values in caught]

    @contextlib.contextmanager
    def _connected(self) -> Iterator["pymysql.cursors.DictCursor"]:
        url = self._url
        assert url.host is not None
        with (
            pymysql.connect(
                host=url.host,
                port=url.port or 3306,
                user=url.username,
                password=url.password or "",
                database=url.database,
                cursorclass=pymysql.cursors.DictCursor,
            ) as connection,
            connection.cursor() as cursor,
        ):
            yield cursor

    def _explain(self, cursor: "pymysql.cursors.DictCursor", statement: str, values: Sequence[Any]) -> Plan:
        cursor.execute(f"EXPLAIN {statement}", values)
        steps = [dict(row) for row in cursor.fetchall()]
        for step in steps:
            if step["table"]:
                step["table"] = step["table"].split("_", 2)[-1]  # recsys_FINGERPRINT_items
        return Plan(statement, steps)


def _flat(statement: str) -> str:
    return " ".join(statement.split())


@pytest_asyncio.fixture
async def plans(films_on_server: Settings) -> AsyncIterator[Plans]:
    """A catalogue that remembers nothing from other calls."""
    service = Service(films_on_server, prepare_if_needed=False)
    await service.call(USER, {"user": 1, "get": ["age"]})  # opens the catalogue
    yield Plans(service, films_on_server)
    await service.close()


def only(plans: list[Plan], table: str) -> Plan:
    """The one plan that reads a table."""
    (found,) = [plan for plan in plans if plan.reads(table)]
    return found


CALLS: list[tuple[str, dict[str, Any]]] = [
    (FILTER, {"actors": ["Tom Cruise"]}),
    (FILTER, {"genres": ["Comedy"], "country": ["USA"], "director": ["Woody Allen"]}),
    (FILTER, {"title": ["Heat"], "imdb_rating": {"gt": 6}}),
    (FILTER, {"actors": ["Tom Cruise", "Tom Hanks"], "match": "any"}),
    (POPULAR, {"user_group": ["teenager"]}),
    (POPULAR, {"user_group": ["female", "senior"]}),
    (LIKE, {"items": [1, 2, 3]}),
    (LIKE, {"items": list(range(1, 300))}),
    (HISTORY, {"user": 90}),
    (RECOMMEND, {"user": 4, "reasons": True}),
    (USER, {"user": 98, "get": ["age"]}),
    (ITEM, {"items": [9, 10], "get": ["title", "genres", "actors", "imdb_rating", "storyline"]}),
    (SEARCH, {"query": "kidnapped"}),
    (FIND_USERS, {"similar_to": 9, "user_group": "female"}),
    (STATISTICS, {"group_by": ["director", "gender"], "since": "1998-04"}),
    (STATISTICS, {"group_by": "genres", "user": 655}),
]


@pytest.mark.parametrize(("tool", "arguments"), CALLS, ids=lambda value: value if isinstance(value, str) else "")
async def test_no_call_reads_all_interactions_or_all_links_to_names(
    plans: Plans, tool: str, arguments: dict[str, Any]
) -> None:
    found = await plans.of(tool, arguments)
    assert found
    for plan in found:
        for step in plan.steps:
            if step["table"] in ("interactions", "item_terms", "terms", "arrays"):
                assert step["type"] in ("const", "eq_ref", "ref", "range"), plan
                assert step["key"] is not None


async def test_a_name_is_looked_up_by_its_index(plans: Plans) -> None:
    found = await plans.of(FILTER, {"director": ["Woody Allen"]})
    step = only(found, "terms").step("terms")
    assert (step["type"], step["key"]) == ("ref", "terms_folded")
    assert int(step["rows"]) == 1


ARRAYS: list[tuple[str, dict[str, Any]]] = [
    (FILTER, {"actors": ["Tom Cruise", "Tom Hanks"], "match": "any"}),
    (FILTER, {"genres": ["Drama"], "imdb_rating": {"gte": 9.2}}),
    (POPULAR, {"user_group": ["kid", "teenager", "male"]}),
    (LIKE, {"items": list(range(50, 150))}),
]


@pytest.mark.parametrize(("tool", "arguments"), ARRAYS, ids=lambda value: value if isinstance(value, str) else "")
async def test_filters_groups_and_audiences_read_pieces_of_arrays_by_their_key(
    plans: Plans, tool: str, arguments: dict[str, Any]
) -> None:
    readings = [step for plan in await plans.of(tool, arguments) for step in plan.steps if step["table"] == "arrays"]
    assert readings
    for step in readings:
        assert (step["type"], step["key"]) in [("ref", "PRIMARY"), ("range", "PRIMARY"), ("const", "PRIMARY")]


async def test_a_user_is_looked_up_by_its_id(plans: Plans) -> None:
    (plan,) = await plans.of(USER, {"user": 98, "get": ["age"]})
    assert (plan.step("users")["type"], plan.step("users")["key"]) == ("const", "id")


@pytest.mark.parametrize("tool", [RECOMMEND, HISTORY])
async def test_a_history_is_read_in_order_without_sorting(plans: Plans, tool: str) -> None:
    plan = only(await plans.of(tool, {"user": 405}), "interactions")
    step = plan.step("interactions")
    assert (step["type"], step["key"]) == ("ref", "PRIMARY")
    assert not plan.sorts


async def test_fields_and_names_of_items_are_read_by_their_positions(plans: Plans) -> None:
    found = await plans.of(ITEM, {"items": [9, 10], "get": ["genres", "actors", "storyline"]})
    assert only(found, "item_terms").step("item_terms")["key"] == "PRIMARY"
    assert only(found, "terms").step("terms")["type"] == "eq_ref"
    (columns,) = [plan for plan in found if "storyline" in plan.statement]
    assert (columns.step("items")["type"], columns.step("items")["key"]) == ("range", "PRIMARY")
