"""Search quality, by queries that should find a film: `python -m benchmarks.retrieval [FILE.jsonl ...]`

Descriptions of plots should find theirs, and moods one of several that suit them. Both were written from knowledge of
the films, without looking at the catalogue's texts or at what search finds. Each line of a file is
{"item_id": ..., "query": "..."} or {"item_ids": [...], "query": "..."}. A film that the catalogue lists under two IDs
counts under either.
"""

import json
import sys
from pathlib import Path
from typing import Any

import anyio

from benchmarks.common import FOLDER, prepared_state, print_table, spawned, wire

CUTOFFS = (1, 5, 10)

QUERIES = ("plot_descriptions.jsonl", "mood_queries.jsonl")


async def ranks(session: Any, lines: list[str], canonical: dict[int, int]) -> list[int]:
    """The rank of the first right film for each query, beyond the last cutoff where none is found."""
    places = []
    for line in lines:
        wanted = json.loads(line)
        arguments = {"query": wanted["query"], "k": max(CUTOFFS)}
        result = wire(await session.call_tool("vector_store_search_tool", arguments))
        found = [canonical.get(item["item_id"], item["item_id"]) for item in result["structuredContent"]["items"]]
        right = {canonical.get(item, item) for item in wanted.get("item_ids", [wanted.get("item_id")])}
        places.append(next((place for place, item in enumerate(found, 1) if item in right), max(CUTOFFS) + 1))
    return places


def canonical_ids() -> dict[int, int]:
    """The first ID of each film that is listed twice."""
    from mcp_server.dataset.spec import find_spec_file
    from mcp_server.reading.dataset import open_dataset
    from mcp_server.reading.files import DatasetFiles

    with open_dataset(DatasetFiles.find(find_spec_file("ml-100k"), None)) as dataset:
        pairs = enumerate(dataset.canonical)
        return {dataset.items.ids[i]: dataset.items.ids[first] for i, first in pairs if i != first}  # type: ignore[misc]


async def main(files: dict[str, list[str]]) -> None:
    canonical = canonical_ids()
    rows = []
    async with spawned("-m", "mcp_server", "serve", "--state", str(prepared_state().folder)) as session:
        await session.initialize()
        for name, lines in files.items():
            places = await ranks(session, lines, canonical)
            shares = [sum(place <= cutoff for place in places) / len(places) for cutoff in CUTOFFS]
            rows.append([name, str(len(places)), *(f"{share:.3f}" for share in shares)])
    print_table(
        "Films found for queries written independently",
        ["", "queries", *(f"top {cutoff}" for cutoff in CUTOFFS)],
        rows,
    )


if __name__ == "__main__":
    named = [Path(name) for name in sys.argv[1:]] or [FOLDER / name for name in QUERIES]
    anyio.run(main, {path.name: path.read_text(encoding="utf-8").splitlines() for path in named})
