"""What is Qdrant Edge's own: folders of stores, and how they fail. What every store must do is in test_store."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_server.errors import BackendError
from mcp_server.vectors.qdrant_edge_store import QdrantEdgeStore, write_store
from tests.vectors.points import DIMENSION, POINTS, QUERIES

READER = """
import asyncio, sys
from pathlib import Path
from mcp_server.vectors.qdrant_edge_store import QdrantEdgeStore
from mcp_server.vectors.store import HybridQuery, Words

async def main():
    store = QdrantEdgeStore(Path(sys.argv[1]))
    one = [1, 0, 0, 0]
    hits = await store.search(HybridQuery(one, [one], one, Words([], [])), 5, None, [])
    print(await store.count(), *hits.items, flush=True)
    sys.stdin.read()
    await store.close()

asyncio.run(main())
"""


def _found(store: QdrantEdgeStore) -> list[int]:
    return [int(item) for item in asyncio.run(store.search(QUERIES[0], 5, None, [])).items]


def test_several_processes_may_have_one_store_open(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    write_store(folder, POINTS, DIMENSION)
    store = QdrantEdgeStore(folder)
    command = [sys.executable, "-c", READER, str(folder)]
    readers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    expected = _found(store)
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline().split() == [str(number) for number in [len(POINTS), *expected]]
    assert _found(store) == expected  # while all are open
    for reader in readers:
        reader.communicate()
        assert reader.returncode == 0
    again = QdrantEdgeStore(folder)
    assert _found(again) == expected
    asyncio.run(again.close())
    asyncio.run(store.close())


# Stores that cannot be used


def _missing(folder: Path) -> None:
    pass


def _a_file(folder: Path) -> None:
    folder.write_text("not a store", encoding="utf-8")


def _empty_folder(folder: Path) -> None:
    folder.mkdir()


def _without_configuration_of_its_parts(folder: Path) -> None:
    write_store(folder, POINTS, DIMENSION)
    for path in folder.rglob("segment.json"):
        path.unlink()


def _with_garbage_in_its_json(folder: Path) -> None:
    write_store(folder, POINTS, DIMENSION)
    for path in folder.rglob("*.json"):
        path.write_bytes(b"\x00garbage")


@pytest.mark.parametrize(
    "make",
    [_missing, _a_file, _empty_folder, _without_configuration_of_its_parts, _with_garbage_in_its_json],
)
async def test_what_is_no_store_is_refused_with_what_to_do(tmp_path: Path, make: Callable[[Path], None]) -> None:
    folder = tmp_path / "store"
    make(folder)
    with pytest.raises(BackendError, match="recsys-mcp prepare") as refused:
        await QdrantEdgeStore(folder).search(QUERIES[0], 5, None, [])
    assert str(folder) in str(refused.value)


def test_a_store_that_has_lost_points_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    write_store(folder, POINTS, DIMENSION)
    with pytest.raises(BackendError, match=r"40 points instead of 41.*recsys-mcp prepare"):
        QdrantEdgeStore(folder, len(POINTS) + 1)


# Cuts each file of a store short in turn, in a process of its own, for a cut file may end it.
CUTTER = """
import asyncio, json, os, shutil, sys
from pathlib import Path
import numpy as np
from mcp_server.errors import BackendError
from mcp_server.vectors.qdrant_edge_store import QdrantEdgeStore, write_store
from mcp_server.vectors.store import HybridQuery, Point, Words

def points():
    for item in range(5):
        vector = np.eye(1, 4, item % 4, dtype=np.float32)
        yield Point(item, vector[0], vector, vector[0], Words([item], [1.0]), [])

def names(folder):
    # The folder of a part of the store has a random name.
    return {"/".join(p.relative_to(folder).parts[2:] or [p.name]): p for p in folder.rglob("*") if p.is_file()}

async def use(folder):
    store = QdrantEdgeStore(folder)
    one = [1, 0, 0, 0]
    await store.search(HybridQuery(one, [one], one, Words([1], [1.0])), 5, None, [])
    await store.stored(1)

root = Path(sys.argv[1])
write_store(root / "intact", points(), 4)
for number, name in enumerate(sorted(names(root / "intact"))):
    folder = root / str(number)
    write_store(folder, points(), 4)
    path = names(folder)[name]
    os.truncate(path, path.stat().st_size // 2)
    print(json.dumps(name), flush=True)
    try:
        asyncio.run(use(folder))
        outcome = "usable"
    except BackendError:
        outcome = "explained"
    except BaseException as error:
        outcome = repr(error)
    print(json.dumps(outcome), flush=True)
    shutil.rmtree(folder)
"""


def test_a_file_that_was_cut_short_is_an_explained_failure_if_any(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", CUTTER, str(tmp_path)], capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    outcomes = dict(zip(lines[::2], lines[1::2], strict=False))
    assert len(outcomes) > 10
    assert {name: outcome for name, outcome in outcomes.items() if outcome not in ("usable", "explained")} == {}
    assert done.returncode == 0, f"ended by the cut file {lines[-1]}"
