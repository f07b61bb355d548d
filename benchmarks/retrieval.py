"""Search quality, by plot descriptions that should find their film: `python -m benchmarks.retrieval [FILE.jsonl ...]`

The descriptions were written from knowledge of the films, without looking at the catalogue's texts. Each line of
a file is {"item_id": ..., "query": "..."}. A film that the catalogue lists under two IDs counts under either.
"""

import json
import sys
from pathlib import Path
from typing import Any

import anyio

from benchmarks.common import FOLDER, prepared_state, print_table, spawned, wire

CUTOFFS = (1, 5, 10)


async def ranks(session: Any, lines: list[str], canonical: dict[int, int]) -> list[int]:
    """The rank of the right film for each description, beyond the last cutoff where it is not found."""
    places = []
    for line in lines:
        wanted = json.loads(line)
        arguments = {"query": wanted["query"], "k": max(CUTOFFS)}
        result = wire(await session.call_tool("vector_store_search_tool", arguments))
        found = [canonical.get(item["item_id"], item["item_id"]) for item in result["structuredContent"]["items"]]
        right = canonical.get(wanted["item_id"], wanted["item_id"])
        places.append(found.index(right) + 1 if right in found else max(CUTOFFS) + 1)
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
        "Films found for plot descriptions written independently",
        ["", "descriptions", *(f"top {cutoff}" for cutoff in CUTOFFS)],
        rows,
    )


if __name__ == "__main__":
    named = [Path(name) for name in sys.argv[1:]] or [FOLDER / "plot_descriptions.jsonl"]
    anyio.run(main, {path.name: path.read_text(encoding="utf-8").splitlines() for path in named})
