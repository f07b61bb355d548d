"""Latency of each tool over stdio, beside no-op tools on the same connection: `python -m benchmarks.latency`.

One no-op answers one word; the other answers the same five items each time, which is what the SDK needs to send,
parse and validate a recommendation. Calls are mixed in random order, in two parts: SQL and ranking, then search,
each with no-op calls of its own, because the embedding model's threads disturb whatever runs beside them. Every
call has other arguments, and the client validates each result against its schema, as the SDK's client does.
"""

import itertools
import json
import random
import time
from collections.abc import Iterator
from typing import Any

import anyio

from benchmarks.common import FOLDER, prepared_state, print_table, quantile, spawned, wire

CALLS = 300
"""Number of calls of each tool."""

WARM_UP = 20

NOOP, NOOP_LIST = "no-op", "no-op, five items"

Line = tuple[str, Iterator[dict[str, Any]]]
"""A tool, and an endless supply of arguments."""


def workloads(rng: random.Random, item_sets: list[str]) -> list[dict[str, Line]]:
    """The parts of the benchmark, each with its lines."""
    queries = [json.loads(line)["query"] for line in (FOLDER / "plot_descriptions.jsonl").open(encoding="utf-8")]
    words = [query.split() for query in queries]
    genres = [
        "Comedy",
        "Drama",
        "Action",
        "Thriller",
        "Romance",
        "Crime",
        "War",
        "Horror",
        "Sci-Fi",
        "Western",
    ]

    def user() -> int:
        return rng.randint(1, 943)

    def items(n: int) -> list[int]:
        return rng.sample(range(1, 1683), n)

    def short_query() -> str:
        return " ".join(rng.choice(words)[:8]) + f" {rng.randint(1, 10**6)}"  # never the same: no cache helps

    def long_query() -> str:
        return " ".join(rng.choice(words)) + f" {rng.randint(1, 10**6)}"

    def repeat(make: Any) -> Iterator[dict[str, Any]]:
        return (make() for _ in itertools.count())

    noops: dict[str, Line] = {NOOP: ("noop", repeat(dict)), NOOP_LIST: ("noop_list", repeat(dict))}
    sql: dict[str, Line] = {
        "recommend to a user": ("get_top_k_recommendations_tool", repeat(lambda: {"user": user()})),
        "recommend within a set": (
            "get_top_k_recommendations_tool",
            repeat(lambda: {"user": user(), "item_set": rng.choice(item_sets)}),
        ),
        "filter, asked before": (
            "item_filter_tool",
            repeat(lambda: {"genres": [rng.choice(genres)], "release_year": {"gt": 1990}}),
        ),
        "filter, new set written": (
            "item_filter_tool",
            repeat(lambda: {"genres": [rng.choice(genres)], "imdb_votes": {"gt": rng.randint(1, 10**6)}}),
        ),
        "like percentage, 10 films": ("get_like_percentage_tool", repeat(lambda: {"items": items(10)})),
        "popular in a group": (
            "get_popular_items_tool",
            repeat(lambda: {"k": 5, "user_group": [rng.choice(["teenager", "adult", "female"])]}),
        ),
        "user metadata": (
            "get_user_metadata_tool",
            repeat(lambda: {"user": user(), "get": ["age_category"]}),
        ),
        "item metadata, 3 films": (
            "get_item_metadata_tool",
            repeat(lambda: {"items": items(3), "get": ["genres", "duration"]}),
        ),
        "history, 5 films": ("get_interacted_items_tool", repeat(lambda: {"user": user(), "k": 5})),
    }
    search: dict[str, Line] = {
        "search, 8 words": ("vector_store_search_tool", repeat(lambda: {"query": short_query()})),
        "search, a sentence": ("vector_store_search_tool", repeat(lambda: {"query": long_query()})),
        "search, similar to a film": (
            "vector_store_search_tool",
            repeat(lambda: {"similar_to": rng.choice([1, 50, 9, 98, 181])}),
        ),
    }
    return [{**noops, **sql}, {**noops, **search}]


async def measure(session: Any, lines: dict[str, Line], rng: random.Random) -> list[list[str]]:
    """Rows of the table."""
    times: dict[str, list[float]] = {name: [] for name in lines}
    order = [name for name in lines for _ in range(CALLS + WARM_UP)]
    rng.shuffle(order)
    for name in order:
        tool, arguments = lines[name]
        chosen = next(arguments)
        started = time.perf_counter()
        result = await session.call_tool(tool, chosen)
        times[name].append(time.perf_counter() - started)
        assert not wire(result).get("isError"), (tool, chosen, result)
    spread = {
        name: (quantile(values[WARM_UP:], 0.5), quantile(values[WARM_UP:], 0.95)) for name, values in times.items()
    }
    return [
        [name, f"{1e3 * p50:.2f}", f"{1e3 * p95:.2f}"]
        + [f"{value / spread[noop][at]:.2f}" for noop in (NOOP, NOOP_LIST) for at, value in enumerate((p50, p95))]
        for name, (p50, p95) in spread.items()
    ]


async def main() -> None:
    rng = random.Random(7)
    rows = []
    async with spawned("-m", "benchmarks.instrumented_server", str(prepared_state().folder)) as session:
        await session.initialize()
        await session.list_tools()
        item_sets = []
        for genre in ("Comedy", "Drama", "Action"):
            found = wire(await session.call_tool("item_filter_tool", {"genres": [genre]}))
            item_sets.append(found["structuredContent"]["item_set"])
        for part in workloads(rng, item_sets):
            rows += await measure(session, part, rng)
    print_table(
        f"Latency over stdio, {CALLS} calls of each; ratios to the no-op and to the no-op of five items",
        ["", "p50 ms", "p95 ms", "p50 / no-op", "p95 / no-op", "p50 / five", "p95 / five"],
        rows,
    )


if __name__ == "__main__":
    anyio.run(main)
