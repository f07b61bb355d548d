"""What every vector store must do; today there is one, Qdrant Edge."""

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from mcp_server.errors import BackendError
from mcp_server.vectors.qdrant_edge_store import Bm25Indexer, QdrantEdgeStore, write_store
from mcp_server.vectors.store import RRF_K, HybridQuery, Point, VectorStore, Words

DIMENSION = 4


def _unit(*numbers: float) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    vector = np.array(numbers, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def _query(*numbers: float, words: Words | None = None) -> HybridQuery:
    vector = _unit(*numbers).tolist()
    return HybridQuery(vector, [vector], words or Words([], []))


def _points() -> list[Point]:
    """Forty items at odd positions, with one to three sentences and some of ten words."""
    random = np.random.default_rng(3)
    points = []
    for item in range(1, 81, 2):
        sentences = np.stack([_unit(*random.normal(size=4)) for _ in range(random.integers(1, 4))])
        indices = sorted(random.choice(10, size=random.integers(1, 5), replace=False).tolist())
        words = Words(indices, random.uniform(0.2, 2, size=len(indices)).tolist())
        points.append(Point(item, _unit(*random.normal(size=4)), sentences, words, [f"digest {item}"]))
    return points


POINTS = _points()
ITEMS = [point.item for point in POINTS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vectors") / "store"
    write_store(folder, POINTS, DIMENSION)
    return folder


@pytest.fixture
def store(folder: Path) -> Iterator[VectorStore]:
    store = QdrantEdgeStore(folder)
    yield store
    store.close()


def _fused(query: HybridQuery, allowed: Sequence[int]) -> dict[int, float]:
    """By item, the reciprocal rank fusion of three rankings, each made by a loop over all points."""
    n_with = {word: sum(word in point.words.indices for point in POINTS) for word in range(10)}
    asked = dict(zip(query.words.indices, query.words.values, strict=True))

    def by_words(point: Point) -> float:
        return sum(
            value * asked[word] * math.log(1 + (len(POINTS) - n_with[word] + 0.5) / (n_with[word] + 0.5))
            for word, value in zip(point.words.indices, point.words.values, strict=True)
            if word in asked
        )

    def by_text(point: Point) -> float:
        return float(point.text @ np.array(query.text))

    def by_sentences(point: Point) -> float:
        return sum(float((point.sentences @ np.array(sentence)).max()) for sentence in query.sentences)

    scores: dict[int, float] = {}
    candidates = [point for point in POINTS if point.item in allowed]
    for similarity in (by_text, by_sentences, by_words):
        found = [point for point in candidates if similarity is not by_words or set(asked) & set(point.words.indices)]
        for place, point in enumerate(sorted(found, key=similarity, reverse=True)):
            scores[point.item] = scores.get(point.item, 0) + 1 / (RRF_K + place)
    return scores


QUERIES = [
    _query(1, 0, 0, 0),
    _query(-1, 2, 0.5, 1, words=Words([3], [1.0])),
    _query(0.1, 0, -3, 1, words=Words([0, 4, 9], [1.0, 2.0, 0.5])),
    HybridQuery(_unit(1, 1, 0, 0).tolist(), [_unit(0, 1, 0, 1).tolist(), _unit(1, 0, 0, 0).tolist()], Words([2], [1])),
]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize(
    ("only", "leave_out"), [(None, []), (ITEMS[5:25], []), (None, ITEMS[:30]), (ITEMS[5:25], ITEMS[:15])]
)
@pytest.mark.parametrize("limit", [1, 7, 100])
def test_hits_are_ranked_by_the_fusion_of_texts_sentences_and_words(
    store: VectorStore, query: HybridQuery, only: list[int] | None, leave_out: list[int], limit: int
) -> None:
    allowed = [item for item in (ITEMS if only is None else only) if item not in leave_out]
    expected = _fused(query, allowed)
    hits = store.search(query, limit, only, leave_out)
    assert len({hit.item for hit in hits}) == len(hits) == min(limit, len(expected))
    assert {hit.item for hit in hits} <= set(allowed)
    np.testing.assert_allclose([hit.score for hit in hits], [expected[hit.item] for hit in hits], rtol=1e-5)
    best = sorted(expected.values(), reverse=True)[:limit]  # items may tie, so scores are compared
    np.testing.assert_allclose([hit.score for hit in hits], best, rtol=1e-5)


def test_a_hit_brings_the_digests_of_its_texts(store: VectorStore) -> None:
    for hit in store.search(QUERIES[0], 5, None, []):
        assert list(hit.digests) == [f"digest {hit.item}"]


def test_nothing_to_choose_from_gives_nothing(store: VectorStore) -> None:
    assert store.search(QUERIES[1], 5, [], []) == []
    assert store.search(QUERIES[1], 5, ITEMS[:3], ITEMS[:3]) == []


def test_items_that_are_not_in_the_store_are_ignored(store: VectorStore) -> None:
    hits = store.search(QUERIES[1], 5, [ITEMS[0], 0, 10**9], [2, 10**9])
    assert [hit.item for hit in hits] == [ITEMS[0]]


def test_a_store_gives_back_what_it_holds_of_an_item(store: VectorStore) -> None:
    for point in POINTS[::7]:
        stored = store.stored(point.item)
        assert stored is not None
        np.testing.assert_allclose(stored.text, point.text, atol=1e-6)
        np.testing.assert_allclose(stored.sentences, point.sentences, atol=1e-6)
        words = dict(zip(stored.words.indices, stored.words.values, strict=True))
        assert words == pytest.approx(dict(zip(point.words.indices, point.words.values, strict=True)))


def test_an_item_that_is_not_in_the_store_has_nothing_stored(store: VectorStore) -> None:
    assert store.stored(0) is None
    assert store.stored(10**9) is None


def test_what_is_stored_of_an_item_finds_that_item_first(store: VectorStore) -> None:
    for item in ITEMS[::9]:
        stored = store.stored(item)
        assert stored is not None
        assert store.search(stored, 1, None, [])[0].item == item
        assert item not in [hit.item for hit in store.search(stored, 100, None, [item])]


def test_all_points_are_counted_as_they_are_written(tmp_path: Path) -> None:
    points = [
        Point(item, _unit(1, item, 0, 0), np.stack([_unit(1, 0, 0, item)]), Words([1], [1]), []) for item in range(600)
    ]
    written: list[int] = []
    write_store(tmp_path / "new" / "store", points, DIMENSION, written.append)
    assert sum(written) == 600
    store = QdrantEdgeStore(tmp_path / "new" / "store")
    assert store.count() == 600
    store.close()


READER = """
import sys
from pathlib import Path
from mcp_server.vectors.qdrant_edge_store import QdrantEdgeStore
from mcp_server.vectors.store import HybridQuery, Words

store = QdrantEdgeStore(Path(sys.argv[1]))
hits = store.search(HybridQuery([1, 0, 0, 0], [[1, 0, 0, 0]], Words([], [])), 5, None, [])
print(store.count(), *(hit.item for hit in hits), flush=True)
sys.stdin.read()
store.close()
"""


def test_several_processes_may_have_one_store_open(store: VectorStore, folder: Path) -> None:
    command = [sys.executable, "-c", READER, str(folder)]
    readers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    expected = [hit.item for hit in store.search(QUERIES[0], 5, None, [])]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline().split() == [str(number) for number in [len(POINTS), *expected]]
    assert [hit.item for hit in store.search(QUERIES[0], 5, None, [])] == expected  # while all are open
    for reader in readers:
        reader.communicate()
        assert reader.returncode == 0
    again = QdrantEdgeStore(folder)
    assert [hit.item for hit in again.search(QUERIES[0], 5, None, [])] == expected
    again.close()


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
def test_what_is_no_store_is_refused_with_what_to_do(tmp_path: Path, make: Callable[[Path], None]) -> None:
    folder = tmp_path / "store"
    make(folder)
    with pytest.raises(BackendError, match="recsys-mcp prepare") as refused:
        QdrantEdgeStore(folder).search(QUERIES[0], 5, None, [])
    assert str(folder) in str(refused.value)


# Cuts each file of a store short in turn, in a process of its own, for a cut file may end it.
CUTTER = """
import json, os, shutil, sys
from pathlib import Path
import numpy as np
from mcp_server.errors import BackendError
from mcp_server.vectors.qdrant_edge_store import QdrantEdgeStore, write_store
from mcp_server.vectors.store import HybridQuery, Point, Words

def points():
    for item in range(5):
        vector = np.eye(1, 4, item % 4, dtype=np.float32)
        yield Point(item, vector[0], vector, Words([item], [1.0]), [])

def names(folder):
    # The folder of a part of the store has a random name.
    return {"/".join(p.relative_to(folder).parts[2:] or [p.name]): p for p in folder.rglob("*") if p.is_file()}

root = Path(sys.argv[1])
write_store(root / "intact", points(), 4)
for number, name in enumerate(sorted(names(root / "intact"))):
    folder = root / str(number)
    write_store(folder, points(), 4)
    path = names(folder)[name]
    os.truncate(path, path.stat().st_size // 2)
    print(json.dumps(name), flush=True)
    try:
        store = QdrantEdgeStore(folder)
        store.search(HybridQuery([1, 0, 0, 0], [[1, 0, 0, 0]], Words([1], [1.0])), 5, None, [])
        store.stored(1)
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


# Words


def _shared(indexer: Bm25Indexer, text: str, query: str) -> float:
    document, asked = indexer.document(text), indexer.query(query)
    weights = dict(zip(document.indices, document.values, strict=True))
    pairs = zip(asked.indices, asked.values, strict=True)
    return sum(value * weights.get(index, 0.0) for index, value in pairs)


def test_words_are_the_same_but_for_case_ending_and_accents() -> None:
    indexer = Bm25Indexer("english")
    for query in ("shark", "SHARKS", "a café", "cafe", "hunted"):
        assert _shared(indexer, "Sharks hunt near the Café.", query) > 0
    assert _shared(indexer, "Sharks hunt near the Café.", "whale") == 0


def test_words_that_say_nothing_are_not_indexed() -> None:
    indexer = Bm25Indexer("english")
    assert list(indexer.document("the of and").indices) == []
    assert list(indexer.query("the of and").indices) == []


def test_a_word_weighs_more_the_more_often_a_text_has_it() -> None:
    indexer = Bm25Indexer("english")
    assert _shared(indexer, "shark shark boat", "shark") > _shared(indexer, "shark boat boat", "shark")


def test_a_language_without_an_index_is_refused_by_name() -> None:
    with pytest.raises(BackendError, match="klingon"):
        Bm25Indexer("klingon")
