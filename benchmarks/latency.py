"""Latency of each tool over stdio, as a ratio to a no-op tool on the same connection: `python -m benchmarks.latency`.

The no-op tool takes no arguments and answers one short message. Calls of all tools are mixed in one random
order, every call has other arguments, and the client validates each result against its schema, as the SDK's
client does. Times are from before the call to after the parsed result.
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
"""Of each tool."""

WARM_UP = 20

NOOP = "no-op"


def workloads(rng: random.Random, item_sets: list[str]) -> dict[str, tuple[str, Iterator[dict[str, Any]]]]:
    """For each line of the table, a tool and its endless arguments."""
    queries = [json.loads(line)["query"] for line in (FOLDER / "plot_descriptions.jsonl").open(encoding="utf-8")]
    words = [query.split() for query in queries]
    genres = ["Comedy", "Drama", "Action", "Thriller", "Romance", "Crime", "War", "Horror", "Sci-Fi", "Western"]

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

    return {
        NOOP: ("noop", repeat(dict)),
        "recommend to a user": ("get_top_k_recommendations_tool", repeat(lambda: {"user": user()})),
        "recommend within a set": (
            "get_top_k_recommendations_tool",
            repeat(lambda: {"user": user(), "item_set": rng.choice(item_sets)}),
        ),
        "filter, repeated": ("item_filter_tool", repeat(lambda: {"genres": [rng.choice(genres)], "release_year": {"gt": 1990}})),
        "filter, new set": (
            "item_filter_tool",
            repeat(lambda: {"genres": [rng.choice(genres)], "imdb_votes": {"gt": rng.randint(1, 10**6)}}),
        ),
        "like percentage, 10 films": ("get_like_percentage_tool", repeat(lambda: {"items": items(10)})),
        "popular in a group": (
            "get_popular_items_tool",
            repeat(lambda: {"k": 5, "user_group": [rng.choice(["teenager", "adult", "female"])]}),
        ),
        "user metadata": ("get_user_metadata_tool", repeat(lambda: {"user": user(), "get": ["age_category"]})),
        "item metadata, 3 films": (
            "get_item_metadata_tool",
            repeat(lambda: {"items": items(3), "get": ["genres", "duration"]}),
        ),
        "history, 5 films": ("get_interacted_items_tool", repeat(lambda: {"user": user(), "k": 5})),
        "search, 8 words": ("vector_store_search_tool", repeat(lambda: {"query": short_query()})),
        "search, a sentence": ("vector_store_search_tool", repeat(lambda: {"query": long_query()})),
        "search, similar to a film": ("vector_store_search_tool", repeat(lambda: {"similar_to": rng.choice([1, 50, 9, 98, 181])})),
    }


async def main() -> None:
    rng = random.Random(7)
    times: dict[str, list[float]] = {}
    async with spawned("-m", "benchmarks.instrumented_server", str(prepared_state().folder)) as session:
        await session.initialize()
        await session.list_tools()
        item_sets = []
        for genre in ("Comedy", "Drama", "Action"):
            found = wire(await session.call_tool("item_filter_tool", {"genres": [genre]}))
            item_sets.append(found["structuredContent"]["item_set"])
        lines = workloads(rng, item_sets)
        order = [name for name in lines for _ in range(CALLS + WARM_UP)]
        rng.shuffle(order)
        for name in order:
            tool, arguments = lines[name]
            chosen = next(arguments)
            started = time.perf_counter()
            result = await session.call_tool(tool, chosen)
            times.setdefault(name, []).append(time.perf_counter() - started)
            assert not wire(result).get("isError"), (tool, chosen, result)
    times = {name: values[WARM_UP:] for name, values in times.items()}
    p50, p95 = (quantile(times[NOOP], share) for share in (0.5, 0.95))
    rows = []
    for name in lines:
        middle, high = quantile(times[name], 0.5), quantile(times[name], 0.95)
        rows.append(
            [name, f"{1e3 * middle:.2f}", f"{1e3 * high:.2f}", f"{middle / p50:.2f}", f"{high / p95:.2f}"]
        )
    print_table(
        f"Latency over stdio, {CALLS} calls each in random order",
        ["", "p50 ms", "p95 ms", "p50 / no-op", "p95 / no-op"],
        rows,
    )


if __name__ == "__main__":
    anyio.run(main)
