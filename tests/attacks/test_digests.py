"""Parts that are not what they were when they were made: the doctor, the next preparation and, where that is quick,
whoever opens them finds it.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import re
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr
from qdrant_client import QdrantClient, models
from rich.console import Console
from safetensors.numpy import load_file, save_file

from mcp_server.cli.doctor import examine
from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.errors import ArtifactError, BackendError, DamagedPartError
from mcp_server.files import digests
from mcp_server.files.digests import check_folder, digest_folder
from mcp_server.files.sparse_files import copy_sparsely, stored_bytes
from mcp_server.recommender.artifact import ArtifactHeader, ServedIds, load_artifact, save_artifact
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.state.folder import CATALOG_FILE, StateFolder
from tests.attacks.prepared import Shop, searchable_shop
from tests.mariadb import Server
from tests.names import ITEM, RECOMMEND, SEARCH
from tests.vectors.qdrant_over_http import QdrantOverHttp

__all__ = ["searchable_shop"]

TOOLS: dict[str, tuple[str, dict[str, Any]]] = {
    "catalogue": (ITEM, {"items": ["TOY-02"], "get": ["price"]}),
    "model": (RECOMMEND, {"user": "anna"}),
    "vectors": (SEARCH, {"query": "a kite"}),
}
"""What needs which part, by the doctor's name of it."""


@pytest.fixture
def shop(searchable_shop: Shop, tmp_path: Path) -> Shop:
    return searchable_shop.copy(tmp_path / "state")


def folder_of(shop: Shop, kind: str) -> Path:
    current = StateFolder(shop.state).manifest()
    name = {"catalogue": current.catalog, "model": current.model, "vectors": current.vectors}[kind]
    assert name is not None
    return shop.state / "parts" / name


def ask(settings: Settings, kind: str) -> dict[str, Any]:
    """By a newly started service."""

    async def call() -> dict[str, Any]:
        service = Service(settings, prepare_if_needed=False)
        try:
            tool, arguments = TOOLS[kind]
            return await service.call(tool, arguments)
        finally:
            await service.close()

    return asyncio.run(call())


def doctor(settings: Settings) -> dict[str, tuple[str, str]]:
    """Status and text by check."""
    return {finding.check: (finding.status, finding.text) for finding in examine(settings)}


def prepare(settings: Settings) -> list[str]:
    return prepare_with_progress(settings, Console(stderr=True)).made


# Damages, each of which leaves what opens and answers as if nothing were wrong


def overwrite_a_title(shop: Shop) -> None:
    with contextlib.closing(sqlite3.connect(folder_of(shop, "catalogue") / CATALOG_FILE)) as connection:
        connection.execute("UPDATE items SET name = 'Buy gold now' WHERE id = 'TOY-02'")
        connection.commit()


def add_noise(path: Path) -> None:
    """To single-precision numbers: the first ones that are not zero."""
    numbers = np.memmap(path, dtype="<f4", mode="r+")
    numbers[:384] += np.random.default_rng(1).normal(scale=0.5, size=384).astype("<f4")
    numbers.flush()


def add_noise_to_vectors(shop: Shop) -> None:
    (path,) = folder_of(shop, "vectors").rglob("vector_storage-text/vectors/chunk_0.mmap")
    add_noise(path)


def flip_a_bit_of_the_payloads(shop: Shop) -> None:
    (path,) = folder_of(shop, "vectors").rglob("payload_storage/page_0.dat")
    with path.open("r+b") as stream:
        begin = re.search(rb"[^\0]", stream.read())
        assert begin is not None
        stream.seek(begin.start() + 20)
        bits = stream.read(1)[0]
        stream.seek(begin.start() + 20)
        stream.write(bytes([bits ^ 1]))


def favour_an_item(shop: Shop) -> None:
    """And write its digest into the artifact's own header, which is all that a stranger needs to do."""
    folder = folder_of(shop, "model")
    arrays = load_file(folder / "artifact.safetensors")
    arrays["offset"][3] += 100
    header = ArtifactHeader.model_validate_json((folder / "artifact.json").read_text("utf-8"))
    save_artifact(folder, header, arrays)


def put_a_segment_in(shop: Shop) -> None:
    segments = folder_of(shop, "vectors") / "store" / "segments"
    (segments / "00000000-0000-0000-0000-000000000000.txt").write_text("another's", encoding="utf-8")


DAMAGES = [
    ("catalogue", overwrite_a_title),
    ("model", favour_an_item),
    ("vectors", add_noise_to_vectors),
    ("vectors", flip_a_bit_of_the_payloads),
    ("vectors", put_a_segment_in),
]


@pytest.mark.parametrize(("kind", "damage"), DAMAGES)
def test_what_was_changed_is_neither_served_nor_taken_for_well(
    shop: Shop, kind: str, damage: Callable[[Shop], None]
) -> None:
    expected = ask(shop.settings, kind)
    assert doctor(shop.settings)[kind][0] == "ok"
    damage(shop)
    with pytest.raises(DamagedPartError, match="recsys-mcp prepare") as refused:
        ask(shop.settings, kind)
    assert str(folder_of(shop, kind)) in str(refused.value)
    status, text = doctor(shop.settings)[kind]
    assert status == "error"
    assert str(folder_of(shop, kind)) in text
    assert prepare(shop.settings) == [{"catalogue": "catalog"}.get(kind, kind)]
    assert ask(shop.settings, kind) == expected
    assert doctor(shop.settings)[kind][0] == "ok"


def test_a_part_too_large_to_check_when_opened_is_checked_by_doctor_and_prepare(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "QUICK_BYTES", 1_000)
    overwrite_a_title(shop)
    ask(shop.settings, "catalogue")
    assert doctor(shop.settings)["catalogue"][0] == "error"
    assert prepare(shop.settings) == ["catalog"]


def test_opening_leaves_a_state_as_it_was_made(shop: Shop) -> None:
    """Qdrant Edge writes to a store when it opens it."""
    current = StateFolder(shop.state).manifest()
    for _ in range(3):
        assert {status for status, _ in doctor(shop.settings).values() if status == "error"} == set()
    for name in current.parts:
        check_folder(shop.state / "parts" / name, current.digests[name])
    assert prepare(shop.settings) == []


def test_a_store_that_another_process_opens_meanwhile_is_whole(tmp_path: Path) -> None:
    """Its files are written anew by way of hidden folders, which are there for a moment only."""
    store, ended = tmp_path / "part" / "store", threading.Event()
    store.mkdir(parents=True)
    (store / "config.json").write_text('{"size": 1}')
    made = digest_folder(store.parent)

    def write_anew() -> None:
        while not ended.is_set():
            with tempfile.TemporaryDirectory(prefix=".atomicwrite", dir=store) as scratch:
                (Path(scratch) / "file").write_text('{"size": 1}')
                (Path(scratch) / "file").replace(store / "config.json")

    with ThreadPoolExecutor() as threads:
        writers = [threads.submit(write_anew) for _ in range(2)]
        try:
            for _ in range(300):
                check_folder(store.parent, made)
        finally:
            ended.set()
    assert [writer.result() for writer in writers] == [None, None]


def test_a_part_of_an_interrupted_preparation_is_checked_too(shop: Shop) -> None:
    """It is in no record of what is published."""
    overwrite_a_title(shop)
    (shop.state / "current.json").unlink()
    assert prepare(shop.settings) == ["catalog"]


def test_digests_do_not_depend_on_how_zeros_are_kept(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
    content = bytearray(3 * 2**20)
    content[1_500_000:1_500_010] = b"0123456789"
    (one / "vectors.dat").write_bytes(content)
    copy_sparsely(one / "vectors.dat", other / "vectors.dat")
    assert (other / "vectors.dat").read_bytes() == content
    assert stored_bytes(other / "vectors.dat") <= stored_bytes(one / "vectors.dat")
    assert digest_folder(one) == digest_folder(other)
    for place in (0, 1_500_005, len(content) - 1):
        changed = bytearray(content)
        changed[place] ^= 1
        (other / "vectors.dat").write_bytes(changed)
        assert digest_folder(one) != digest_folder(other)
    (other / "vectors.dat").write_bytes(content + b"\0")
    assert digest_folder(one) != digest_folder(other)


# On servers


@pytest.fixture
def shop_in_database(searchable_shop: Shop, tmp_path: Path, database_url: str) -> Settings:
    shop = searchable_shop.copy(tmp_path / "state")
    settings = Settings(dataset=str(shop.dataset), state=shop.state, database_url=SecretStr(database_url))
    prepare(settings)
    return settings


CHANGES = [
    "UPDATE `{}items` SET name = 'Buy gold now' WHERE id = 'TOY-02'",
    "UPDATE `{}terms` SET folded = 'gold' WHERE term = 0",
    "UPDATE `{}interactions` SET rating = 5 WHERE interaction = 1",
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_value_changed_in_a_database_is_found_and_made_again(
    shop_in_database: Settings, database_server: Server, database_url: str, change: str
) -> None:
    expected = ask(shop_in_database, "catalogue")
    database = database_url.rsplit("/", 1)[1]
    assert doctor(shop_in_database)["catalogue"][0] == "ok"
    tables = [str(name) for (name,) in database_server.query("SHOW TABLES", database=database)]
    (items,) = [name for name in tables if name.endswith("_items")]
    database_server.query(change.format(items.removesuffix("items")), database=database)
    status, text = doctor(shop_in_database)["catalogue"]
    assert status == "error"
    assert "has changed" in text
    assert "recsys-mcp prepare" in text
    assert prepare(shop_in_database) == ["catalog"]
    assert ask(shop_in_database, "catalogue") == expected
    assert prepare(shop_in_database) == []


def change_a_payload(client: QdrantClient, collection: str) -> None:
    client.set_payload(collection, {"digests": ["another's"]}, points=[3])


def exchange_two_vectors(client: QdrantClient, collection: str) -> None:
    one, other = client.retrieve(collection, [3, 4], with_vectors=["text"])
    vectors = [models.PointVectors(id=3, vector=other.vector), models.PointVectors(id=4, vector=one.vector)]
    client.update_vectors(collection, vectors)


@pytest.mark.parametrize("change", [change_a_payload, exchange_two_vectors])
def test_points_changed_on_a_qdrant_server_are_found_by_the_doctor(
    searchable_shop: Shop, tmp_path: Path, change: Callable[[QdrantClient, str], None]
) -> None:
    shop = searchable_shop.copy(tmp_path / "state")
    with QdrantOverHttp() as server:
        settings = Settings(dataset=str(shop.dataset), state=shop.state, qdrant_url=server.url)
        assert prepare(settings) == ["vectors"]
        assert [doctor(settings)["vectors"][0] for _ in range(3)] == ["ok"] * 3
        (collection,) = [found.name for found in server.client.get_collections().collections]
        change(server.client, collection)
        status, text = doctor(settings)["vectors"]
        assert status == "error"
        assert "its points have changed" in text


# Artifacts of strangers, whose own digests fit

N = 4


def arrays_of(kind: str) -> dict[str, Any]:
    def numbers(*shape: int) -> Any:
        return np.random.default_rng(7).normal(size=shape).astype(np.float32)

    return {
        "item_item": {"weights": numbers(N, N), "offset": numbers(N)},
        "item_item_sparse": {
            "indptr": np.array([0, 2, 2, 3, 5], np.int64),
            "indices": np.array([1, 3, 0, 1, 2], np.int32),
            "values": numbers(5),
            "offset": numbers(N),
        },
        "factors": {"user_factors": numbers(N, 2), "item_factors": numbers(N, 2)},
        "score_table": {"scores": numbers(N, N)},
    }[kind]


def load(folder: Path, kind: str, arrays: dict[str, Any]) -> object:
    header = ArtifactHeader(
        kind=kind,
        model="Any",
        settings={},
        dataset="small",
        fingerprint="f00d",
        n_users=N,
        n_items=N,
        train_seconds=1,
    )
    save_artifact(folder, header, arrays)
    return load_artifact(folder, fingerprint="f00d", served=ServedIds(N, N, {}, lambda side: []))


STRANGE: list[tuple[str, str, Any, str]] = [
    ("item_item", "weights", np.full((N, N), np.nan, np.float32), "finite"),
    ("item_item", "offset", np.array([0, np.inf, 0, 0], np.float32), "finite"),
    ("item_item", "weights", np.zeros((N, N), np.float64), "float64"),
    ("item_item", "weights", np.zeros((N, N), np.int32), "int32"),
    ("item_item", "weights", np.zeros((N, N, 1), np.float32), r"\(4, 4, 1\)"),
    ("item_item", "offset", np.zeros((), np.float32), r"\(\)"),
    ("factors", "user_factors", np.full((N, 2), -np.inf, np.float32), "finite"),
    ("factors", "item_factors", np.zeros((N, 3), np.float32), r"\(4, 3\)"),
    ("factors", "item_factors", np.zeros(N, np.float32), r"\(4,\)"),
    ("factors", "user_factors", np.zeros((N, 2), np.uint8), "uint8"),
    ("score_table", "scores", np.full((N, N), np.nan, np.float16), "finite"),
    ("score_table", "scores", np.zeros((N, N), np.int64), "int64"),
    ("item_item_sparse", "indptr", np.array([0, 3, 2, 3, 5], np.int64), "indptr does not rise"),
    ("item_item_sparse", "indptr", np.array([0, 2, 2, 3, 4], np.int64), "indptr does not rise"),
    ("item_item_sparse", "indptr", np.array([0, 2, 2, 3, 500], np.int64), "indptr does not rise"),
    ("item_item_sparse", "indptr", np.array([-3, 2, 2, 3, 5], np.int64), "indptr does not rise"),
    ("item_item_sparse", "indptr", np.array([0, 2, 2, 3, 5], np.float32), "float32"),
    ("item_item_sparse", "indices", np.array([1, 3, 0, 1, 4], np.int32), "beyond"),
    ("item_item_sparse", "indices", np.array([1, -1, 0, 1, 2], np.int32), "beyond"),
    ("item_item_sparse", "values", np.zeros(4, np.float32), r"\(4,\), not \(5\)"),
    ("item_item_sparse", "values", np.array([0, 0, 0, 0, np.nan], np.float32), "finite"),
]


@pytest.mark.parametrize(("kind", "name", "array", "said"), STRANGE)
def test_an_artifact_that_makes_no_model_is_refused(
    tmp_path: Path, kind: str, name: str, array: Any, said: str
) -> None:
    load(tmp_path, kind, arrays_of(kind))
    with pytest.raises(ArtifactError, match=said) as refused:
        load(tmp_path, kind, {**arrays_of(kind), name: array})
    assert name in str(refused.value)
    assert "recsys-mcp prepare" in str(refused.value)


def test_the_offsets_of_no_weights_at_all_are_right(tmp_path: Path) -> None:
    empty = {
        "indptr": np.zeros(N + 1, np.int64),
        "indices": np.zeros(0, np.int32),
        "values": np.zeros(0, np.float32),
    }
    load(tmp_path, "item_item_sparse", {**arrays_of("item_item_sparse"), **empty})


def test_a_safetensors_file_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    load(tmp_path, "item_item", arrays_of("item_item"))
    save_file({"weights": np.zeros((N, N), np.float32)}, tmp_path / "artifact.safetensors")
    header = json.loads((tmp_path / "artifact.json").read_text("utf-8"))
    path = tmp_path / "artifact.safetensors"
    os.truncate(path, path.stat().st_size - 4)
    header["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "artifact.json").write_text(json.dumps(header), encoding="utf-8")
    with pytest.raises(BackendError, match="recsys-mcp prepare"):
        load_artifact(tmp_path, fingerprint="f00d", served=ServedIds(N, N, {}, lambda side: []))
