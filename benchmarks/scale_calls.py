"""Calls of all tools but search, for a server of a made-up catalogue, and how long its answers take."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import psutil

from benchmarks.common import quantile, resident_mb, spawned, wire
from benchmarks.made_up_catalogue import Shape
from benchmarks.made_up_words import GENRES

CALLS = 200
"""Number of calls of each kind."""

WARM_UP = 10

SMALL_SET = 100
"""Items of the sets within which tools are measured, at most."""

GROUPS = (["kid"], ["young_adult"], ["male"], ["female", "teenager"], ["male", "senior", "adult"])
"""Groups that are asked for once, so that nothing is known of them."""

FIRST_TIME = "popular, in a group for the first time"


@dataclass(frozen=True)
class Latency:
    """Answers of one kind of call, in ms."""

    name: str
    p50: float
    p95: float
    slowest: float
    cpu: float
    """Mean of the server's processor time, which tells more than the others where a machine does other work, too."""


@dataclass
class Serving:
    """Measurements of a server of the prepared state."""

    first_answer_seconds: float = 0.0
    """From the start of the process to its first recommendation."""
    resident_mb: float = 0.0
    """After all calls."""
    latencies: list[Latency] = field(default_factory=list)


Call = tuple[str, dict[str, Any]]


class Calls:
    """An endless supply of calls of each kind."""

    def __init__(self, shape: Shape, catalogue: Path, seed: int) -> None:
        self._shape, self._rng = shape, random.Random(seed)
        with duckdb.connect() as connection:
            found = connection.execute(
                f"SELECT maker FROM '{catalogue / 'items.parquet'}' GROUP BY maker HAVING count(*) <= {SMALL_SET}"
            ).fetchall()
        self._makers = [maker for (maker,) in found]
        self.item_sets: list[str] = []
        """Handles of small sets."""
        self.genre_sets: list[str] = []
        """Handles of large ones."""

    def user(self) -> int:
        return self._rng.randint(1, self._shape.n_users)

    def items(self, n: int) -> list[int]:
        return self._rng.sample(range(1, self._shape.n_items + 1), n)

    def maker(self) -> dict[str, Any]:
        return {"maker": [self._rng.choice(self._makers)]}

    def genre(self) -> dict[str, Any]:
        return {"genres": [self._rng.choice(GENRES)], "year": {"gte": self._rng.randint(1955, 2020)}}

    def group(self) -> list[str]:
        return [self._rng.choice(["teenager", "adult", "senior", "female"])]

    def of_each_kind(self) -> dict[str, Iterator[Call]]:
        recommend, popular = "get_top_k_recommendations_tool", "get_popular_items_tool"
        few, many = self.item_sets, self.genre_sets
        pick = self._rng.choice

        def repeat(tool: str, make: Any) -> Iterator[Call]:
            while True:
                yield tool, make()

        return {
            "recommend, among all": repeat(recommend, lambda: {"user": self.user()}),
            "recommend, in a set": repeat(recommend, lambda: {"user": self.user(), "item_set": pick(few)}),
            "recommend, liked items": repeat(recommend, lambda: {"liked_items": self.items(3)}),
            "recommend, in a large set": repeat(recommend, lambda: {"user": self.user(), "item_set": pick(many)}),
            "filter, few": repeat("item_filter_tool", self.maker),
            "filter, many": repeat("item_filter_tool", self.genre),
            "popular, among all": repeat(popular, lambda: {"k": self._rng.randint(3, 20)}),
            "popular, in a group": repeat(popular, lambda: {"k": 5, "user_group": self.group()}),
            "popular, in a set": repeat(popular, lambda: {"k": 5, "item_set": pick(few)}),
            "like percentage, 10 items": repeat("get_like_percentage_tool", lambda: {"items": self.items(10)}),
            "like percentage, a set": repeat("get_like_percentage_tool", lambda: {"item_set": pick(few)}),
            "history": repeat("get_interacted_items_tool", lambda: {"user": self.user(), "k": 5}),
            "item metadata": repeat(
                "get_item_metadata_tool", lambda: {"items": self.items(3), "get": ["genres", "year"]}
            ),
            "user metadata": repeat(
                "get_user_metadata_tool", lambda: {"user": self.user(), "get": ["age_category", "gender"]}
            ),
        }


async def measure_serving(program: list[str], state: Path, calls: Calls, seed: int) -> Serving:
    """Call the tools of a server of a prepared state.

    Args:
        program: Arguments of Python that run the program's commands.
    """
    found, started = Serving(), time.perf_counter()
    async with spawned(*program, "serve", "--state", str(state), RECSYS_LOG_LEVEL="WARNING") as session:
        await session.initialize()
        await session.list_tools()
        (server,) = psutil.Process().children()
        taken: dict[str, list[tuple[float, float]]] = {}

        async def answer(name: str, call: Call) -> dict[str, Any]:
            begun, used = time.perf_counter(), sum(server.cpu_times()[:2])
            result = wire(await session.call_tool(*call))
            taken.setdefault(name, []).append((time.perf_counter() - begun, sum(server.cpu_times()[:2]) - used))
            assert not result.get("isError"), (call, result)
            content: dict[str, Any] = result["structuredContent"]
            return content

        await answer("", ("get_top_k_recommendations_tool", {"user": calls.user()}))
        found.first_answer_seconds = time.perf_counter() - started
        for sets, make in ((calls.item_sets, calls.maker), (calls.genre_sets, calls.genre)):
            sets += [(await answer("", ("item_filter_tool", make())))["item_set"] for _ in range(10)]
        for groups in GROUPS:
            await answer(FIRST_TIME, ("get_popular_items_tool", {"k": 5, "user_group": groups}))
        kinds = calls.of_each_kind()
        order = [name for name in kinds for _ in range(CALLS + WARM_UP)]
        random.Random(seed).shuffle(order)
        for name in order:
            await answer(name, next(kinds[name]))
        found.resident_mb = resident_mb()
    found.latencies = [_latency(name, taken[name][WARM_UP:]) for name in kinds]
    found.latencies.append(_latency(FIRST_TIME, taken[FIRST_TIME]))
    return found


def _latency(name: str, taken: list[tuple[float, float]]) -> Latency:
    seconds, cpu = zip(*taken, strict=True)
    in_ms = [1e3 * value for value in (quantile(seconds, 0.5), quantile(seconds, 0.95), max(seconds))]
    return Latency(name, *in_ms, 1e3 * sum(cpu) / len(cpu))
