"""Collections of a Qdrant server: when a part counts as complete, what is removed, and what is refused."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from mcp_server.errors import BackendError
from mcp_server.vectors import qdrant_collections, qdrant_points
from mcp_server.vectors.qdrant_collections import QdrantCollections
from mcp_server.vectors.qdrant_server import QdrantServer
from mcp_server.vectors.store import DIGESTS, PROFILE, SENTENCES, TEXT, WORDS, Point, Words
from tests.vectors.points import DIMENSION, ITEMS, POINTS, unit
from tests.vectors.qdrant_over_http import QdrantOverHttp
from tests.vectors.servers import MODEL, NAME, OTHER, check_points, write_points


def _names(client: QdrantClient, collections: QdrantCollections) -> list[str]:
    """Of the collections that begin with the prefix, without it."""
    prefix = collections.alias("")
    names = [found.name for found in client.get_collections().collections]
    return sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix))


def _aliases(client: QdrantClient, collections: QdrantCollections) -> dict[str, str]:
    """By alias, its collection; "" is the alias of the published part."""
    prefix = collections.alias("")
    found = {f"{alias.alias_name}-": alias.collection_name for alias in client.get_aliases().aliases}
    return {
        alias.removeprefix(prefix).removesuffix("-"): collection.removeprefix(prefix)
        for alias, collection in found.items()
        if alias.startswith(prefix)
    }


# Making a part


class Killed(BaseException):
    """Ends a preparation where nobody expects it."""


def test_a_part_exists_when_all_of_it_is_there(collections: QdrantCollections) -> None:
    seen: list[bool] = []
    assert not collections.exists(NAME)
    collections.write(NAME, POINTS, DIMENSION, MODEL, len(POINTS), lambda count: seen.append(collections.exists(NAME)))
    assert seen == [False]
    assert collections.exists(NAME)
    assert not collections.exists(OTHER)
    check_points(collections)


def test_what_a_killed_preparation_has_left_is_not_a_part_and_is_made_afresh(
    collections: QdrantCollections, client: QdrantClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qdrant_points, "BATCH_POINTS", 5)

    def points() -> Iterator[Point]:
        yield from POINTS[:20]
        raise Killed

    with pytest.raises(Killed):
        collections.write(NAME, points(), DIMENSION, MODEL, len(POINTS))
    assert client.count(f"{collections.alias(NAME)}-points").count in (15, 20)
    assert not collections.exists(NAME)
    with pytest.raises(BackendError, match="recsys-mcp prepare"):
        check_points(collections)
    write_points(collections, points=POINTS[30:])
    assert client.count(collections.alias(NAME)).count == len(POINTS[30:])


WRITER = """
import os, sys
import numpy as np
from mcp_server.vectors import qdrant_collections, qdrant_points
from mcp_server.vectors.qdrant_server import QdrantServer
from mcp_server.vectors.store import Point, Words

qdrant_points.BATCH_POINTS = 10
vector = np.ones((1, 4), dtype=np.float32)
points = [Point(item, vector[0], vector, vector[0], Words([1], [1.0]), []) for item in range(40)]
collections = qdrant_collections.QdrantCollections(QdrantServer(sys.argv[1]), "recsys")
done = []

def advance(count):
    done.append(count)
    if len(sys.argv) > 2 and len(done) == 3:
        os._exit(9)

collections.write("vectors-0123456789abcdef", points, 4, "a-model", 40, advance)
"""


def test_a_part_is_seen_by_other_processes_once_its_maker_has_lived_to_the_end(memory: QdrantOverHttp) -> None:
    collections = QdrantCollections(QdrantServer(memory.url), "recsys")
    killed = subprocess.run([sys.executable, "-c", WRITER, memory.url, "killed"])
    assert killed.returncode == 9
    assert memory.client.count(f"recsys-{NAME}-points").count == 30
    assert not collections.exists(NAME)
    subprocess.run([sys.executable, "-c", WRITER, memory.url], check=True)
    collections.check(NAME, 40, 4, "a-model")
    collections.close()


def test_a_part_with_fewer_points_than_there_should_be_is_not_complete(collections: QdrantCollections) -> None:
    with pytest.raises(BackendError, match=r"40 of 41 points.*prepare"):
        collections.write(NAME, POINTS, DIMENSION, MODEL, len(POINTS) + 1)
    assert not collections.exists(NAME)


def test_a_part_that_is_written_again_holds_only_what_is_new(
    collections: QdrantCollections, client: QdrantClient
) -> None:
    write_points(collections)
    write_points(collections, points=POINTS[:3])
    assert client.count(collections.alias(NAME)).count == 3


def test_long_texts_go_in_small_batches(collections: QdrantCollections, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qdrant_points, "BATCH_NUMBERS", 100)
    sizes = [1, 1, 30, 1, 24, 1, 1, 1]  # sentences of four numbers, text and profile of four: the third is too large
    points = [
        Point(item, unit(1, item, 0, 0), np.tile(unit(1, item, 0, 0), (size, 1)), unit(1, 0, 0, 0), Words([1], [1]), [])
        for item, size in enumerate(sizes)
    ]
    written: list[int] = []
    collections.write(NAME, points, DIMENSION, MODEL, len(points), written.append)
    assert written == [2, 1, 1, 1, 3]
    collections.check(NAME, len(points), DIMENSION, MODEL)


def test_a_collection_tells_an_operator_what_it_was_made_of(
    collections: QdrantCollections, client: QdrantClient
) -> None:
    write_points(collections)
    assert client.get_collection(collections.alias(NAME)).config.metadata == {"embedding_model": MODEL, "n_points": 40}
    wanted = models.FieldCondition(key=DIGESTS, match=models.MatchValue(value=f"digest {ITEMS[7]}"))
    found = client.query_points(collections.alias(NAME), query_filter=models.Filter(must=[wanted]))
    assert [point.id for point in found.points] == [ITEMS[7]]


@pytest.mark.parametrize("refusals", [[503], [429, 500, 502]])
def test_a_batch_that_is_refused_for_the_moment_is_sent_again(
    memory: QdrantOverHttp, monkeypatch: pytest.MonkeyPatch, refusals: list[int]
) -> None:
    monkeypatch.setattr(qdrant_collections, "PAUSES", (0.0, 0.0, 0.0))
    collections = QdrantCollections(QdrantServer(memory.url), "recsys")
    memory.refusals = refusals
    write_points(collections)
    check_points(collections)
    collections.close()


@pytest.mark.parametrize(("refusals", "left"), [([503] * 5, [503]), ([400, 400], [400])])
def test_a_batch_that_is_refused_for_good_ends_the_preparation(
    memory: QdrantOverHttp, monkeypatch: pytest.MonkeyPatch, refusals: list[int], left: list[int]
) -> None:
    monkeypatch.setattr(qdrant_collections, "PAUSES", (0.0, 0.0, 0.0))
    collections = QdrantCollections(QdrantServer(memory.url), "recsys")
    memory.refusals = refusals
    with pytest.raises(BackendError, match=f"{refusals[0]}.*not now"):
        write_points(collections)
    assert memory.refusals == left
    assert not collections.exists(NAME)
    collections.close()


# Publishing and removing


def test_the_published_part_has_the_prefix_as_its_alias(collections: QdrantCollections, client: QdrantClient) -> None:
    for name in (NAME, OTHER, NAME, NAME):
        if not collections.exists(name):
            write_points(collections, name)
        collections.publish(name)
        assert _aliases(client, collections)[""] == f"{name}-points"
    assert collections.exists(OTHER)


def test_a_part_that_is_not_there_cannot_be_published(collections: QdrantCollections, client: QdrantClient) -> None:
    write_points(collections)
    collections.publish(NAME)
    with pytest.raises(BackendError, match=f"no collection .*{OTHER}.*recsys-mcp prepare"):
        collections.publish(OTHER)
    assert _aliases(client, collections)[""] == f"{NAME}-points"


def test_a_collection_of_someone_else_with_the_name_of_the_alias_is_told_of(
    collections: QdrantCollections, client: QdrantClient
) -> None:
    prefix = collections.alias("").removesuffix("-")
    client.create_collection(prefix, vectors_config=models.VectorParams(size=2, distance=models.Distance.DOT))
    try:
        write_points(collections)
        with pytest.raises(BackendError, match=f"has a collection {prefix}.*RECSYS_QDRANT_COLLECTION"):
            collections.publish(NAME)
        assert prefix in [found.name for found in client.get_collections().collections]
    finally:
        client.delete_collection(prefix)


def test_a_part_that_is_discarded_is_gone_with_its_aliases(
    collections: QdrantCollections, client: QdrantClient
) -> None:
    write_points(collections)
    write_points(collections, OTHER)
    collections.publish(NAME)
    collections.discard(NAME)
    assert not collections.exists(NAME)
    assert _names(client, collections) == [f"{OTHER}-points"]
    assert _aliases(client, collections) == {OTHER: f"{OTHER}-points"}
    collections.discard(NAME)  # nothing is there any more
    check_points(collections, OTHER)


def test_only_the_parts_of_one_prefix_are_removed(collections: QdrantCollections, client: QdrantClient) -> None:
    third = "vectors-00000000000000aa"
    beside = QdrantCollections(collections.server, collections.alias("test"))  # begins with the same prefix
    for name in (NAME, OTHER):
        write_points(collections, name)
        write_points(beside, name)
    with pytest.raises(BackendError):
        collections.write(third, POINTS, DIMENSION, MODEL, 1)  # half-made: it has no alias
    others = [f"{NAME}", f"{NAME}-points-copy", "vectors-0123-points", f"x{NAME}-points", "test"]
    foreign = [collections.alias(f"mine-{other}") for other in others]
    foreign += [collections.alias("vectors-0123-points"), collections.alias(f"{NAME}-points-copy")]
    try:
        for name in foreign:
            client.create_collection(name, vectors_config=models.VectorParams(size=2, distance=models.Distance.DOT))
        collections.keep_only([NAME])
        assert [collections.exists(name) for name in (NAME, OTHER)] == [True, False]
        left = [f"{NAME}-points", *(f"test-{name}-points" for name in (NAME, OTHER))]
        assert _names(client, collections) == sorted([*left, *(n.removeprefix(collections.alias("")) for n in foreign)])
        check_points(beside, OTHER)
        collections.keep_only([])
        assert not collections.exists(NAME)
        check_points(beside, NAME)
    finally:
        beside.keep_only([])
        beside.close()
        for name in foreign:
            client.delete_collection(name)


# What a part should be


def test_a_part_that_is_missing_is_told_of_with_what_to_do(collections: QdrantCollections) -> None:
    with pytest.raises(BackendError, match=f"Qdrant at http.* no collection .*{NAME}: run `recsys-mcp prepare`"):
        check_points(collections)


def test_a_part_that_has_lost_points_is_refused(collections: QdrantCollections, client: QdrantClient) -> None:
    write_points(collections)
    client.delete(collections.alias(NAME), models.PointIdsList(points=ITEMS[:2]))
    with pytest.raises(BackendError, match=f"{NAME} of Qdrant at http.*38 points instead of 40.*recsys-mcp prepare"):
        check_points(collections)


def test_a_part_of_another_embedding_model_is_refused(collections: QdrantCollections) -> None:
    write_points(collections)
    with pytest.raises(BackendError, match=r"made with a-model instead of another-model.*recsys-mcp prepare"):
        collections.check(NAME, len(POINTS), DIMENSION, "another-model")


def test_a_part_of_another_dimension_is_refused(collections: QdrantCollections) -> None:
    write_points(collections)
    with pytest.raises(BackendError, match=r"other vectors.*recsys-mcp prepare"):
        collections.check(NAME, len(POINTS), DIMENSION + 1, MODEL)


def _cosine(**changes: Any) -> models.VectorParams:
    return models.VectorParams(**{"size": DIMENSION, "distance": models.Distance.COSINE, **changes})


BEST_MATCH = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
RIGHT: dict[str, Any] = {
    "vectors_config": {TEXT: _cosine(), SENTENCES: _cosine(multivector_config=BEST_MATCH), PROFILE: _cosine()},
    "sparse_vectors_config": {WORDS: models.SparseVectorParams(modifier=models.Modifier.IDF)},
    "metadata": {"embedding_model": MODEL},
}


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({}, "0 points instead of 40"),
        ({"vectors_config": _cosine()}, "other vectors"),
        ({"vectors_config": {TEXT: _cosine()}}, "other vectors"),
        ({"vectors_config": {TEXT: _cosine(), SENTENCES: _cosine(multivector_config=BEST_MATCH)}}, "other vectors"),
        ({"vectors_config": {TEXT: _cosine(), SENTENCES: _cosine(), PROFILE: _cosine()}}, "other vectors"),
        (
            {
                "vectors_config": {
                    TEXT: _cosine(distance=models.Distance.DOT),
                    SENTENCES: _cosine(multivector_config=BEST_MATCH),
                    PROFILE: _cosine(),
                }
            },
            "other vectors",
        ),
        ({"sparse_vectors_config": {WORDS: models.SparseVectorParams()}}, "other vectors"),
        ({"sparse_vectors_config": None}, "other vectors"),
        ({"metadata": None}, "an unknown model"),
    ],
)
def test_a_collection_that_someone_else_has_made_is_refused(
    collections: QdrantCollections, client: QdrantClient, changes: dict[str, Any], refusal: str
) -> None:
    name = f"{collections.alias(NAME)}-points"
    client.create_collection(name, **{**RIGHT, **changes})
    alias = models.CreateAlias(collection_name=name, alias_name=collections.alias(NAME))
    client.update_collection_aliases([models.CreateAliasOperation(create_alias=alias)])
    with pytest.raises(BackendError, match=f"{refusal}.*recsys-mcp prepare"):
        check_points(collections)


@pytest.mark.parametrize(
    ("version", "accepted"),
    [
        ("1.16.0", True),
        ("1.20.3", True),
        ("2.0.0-dev", True),
        ("1.15.5", False),
        ("1.9.0", False),
        ("0.11.0", False),
        ("unknown", False),
    ],
)
def test_a_server_that_is_too_old_is_told_of_before_anything_is_made(version: str, accepted: bool) -> None:
    with QdrantOverHttp(version=version) as memory:
        collections = QdrantCollections(QdrantServer(memory.url), "recsys")
        assert collections.version() == version
        if accepted:
            collections.check_version()
        else:
            for act in (
                collections.check_version,
                lambda: write_points(collections),
                lambda: check_points(collections),
            ):
                with pytest.raises(BackendError, match=f"Qdrant at {memory.url} has version {version}.*1.16 or newer"):
                    act()
            assert memory.client.get_collections().collections == []
        collections.close()
