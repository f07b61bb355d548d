"""A state and a database that version 0.1 has made: refused with what to do, and brought up to date by preparing."""

import asyncio
import contextlib
import json
import lzma
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from rich.console import Console

from mcp_server.cli.doctor import examine
from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.dataset.spec import ModelSpec, load_spec
from mcp_server.errors import BackendError, NotPreparedError
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder
from mcp_server.state.manifest import FORMAT, Manifest, PublishedParts
from mcp_server.state.open_state import OpenState
from tests.conftest import SHOP
from tests.mariadb import Server
from tests.names import FILTER, HISTORY, ITEM, POPULAR, RECOMMEND, SEARCH, USER

SAMPLE = Path(__file__).parent / "0.1"

CHANGED = ["catalog", "vectors", "model"]
"""Kinds of the parts that today's versions make anew. The catalogue has other tables; and the model was trained with a
purchase that occurs twice, which counts once now.
"""

HANDLE = "set_ffexro"
"""Handle of an item set that 0.1 has made: all toys."""

QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    (RECOMMEND, {"user": "anna", "k": 20, "reasons": True}),
    (ITEM, {"items": ["TOY-02"], "get": ["materials", "price", "stock"]}),
    (USER, {"user": "anna", "get": ["tier"]}),
    (HISTORY, {"user": "ben"}),
    (POPULAR, {}),
    (FILTER, {"department": ["Toys"]}),
]

FLYING = (SEARCH, {"query": "something that flies", "k": 3})


@pytest.fixture
def folder(tmp_path: Path) -> Settings:
    """The state of 0.1 in a folder."""
    with tarfile.open(SAMPLE / "state.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    return Settings(dataset=str(SAMPLE / "dataset"), state=tmp_path / "state")


@pytest.fixture
def database(tmp_path: Path, database_url: str, database_server: Server) -> Settings:
    """The state of 0.1 in a database."""
    dump = lzma.decompress((SAMPLE / "database.sql.xz").read_bytes()).decode()
    (version,) = database_server.query("SELECT VERSION()")[0]
    if "MariaDB" not in str(version):  # has made the dump
        dump = dump.replace("utf8mb4_nopad_bin", "utf8mb4_0900_bin")
    with database_server.connect(database_url.rsplit("/", 1)[1]) as connection, connection.cursor() as cursor:
        cursor.execute("SET foreign_key_checks = 0")
        for statement in dump.split(";\n"):
            if statement.strip():
                cursor.execute(statement)
    url = SecretStr(database_url)
    return Settings(dataset=str(SAMPLE / "dataset"), state=tmp_path / "state", database_url=url)


@pytest.fixture(params=["folder", "database"])
def settings(request: pytest.FixtureRequest) -> Settings:
    found: Settings = request.getfixturevalue(request.param)
    return found


def answers(settings: Settings, *, has_vectors: bool = True) -> list[dict[str, Any]]:
    """Answers of a newly started server that is ready, or lacks nothing but its vectors."""

    async def ask() -> list[dict[str, Any]]:
        service = Service(settings, prepare_if_needed=False)
        try:
            found = [await service.call(name, arguments) for name, arguments in QUESTIONS]
            found.append(await service.call(RECOMMEND, {"user": "anna", "item_set": HANDLE, "k": 20}))
            readiness = await service.readiness()
            if has_vectors:
                assert (await service.call(*FLYING))["items"][0]["item_id"] == "TOY-02"
                assert set(readiness.values()) == {"ok"}
            else:
                with pytest.raises(BackendError, match="run `recsys-mcp prepare` on this machine"):
                    await service.call(*FLYING)
                assert {name for name, found in readiness.items() if found != "ok"} == {"vectors"}
            return found
        finally:
            await service.close()

    return asyncio.run(ask())


def prepare(settings: Settings) -> list[str]:
    return prepare_with_progress(settings, Console(stderr=True)).made


def findings(settings: Settings) -> dict[str, str]:
    return {finding.check: finding.status for finding in examine(settings)}


def manifest_of(settings: Settings) -> Manifest:
    with contextlib.closing(OpenState(settings)) as state:
        return state.manifests.manifest()


def parts_of(settings: Settings) -> PublishedParts:
    """The parts that 0.1 has published."""
    with contextlib.closing(OpenState(settings)) as state:
        parts = state.manifests.published_parts()
    assert parts is not None
    return parts


def test_it_is_refused_with_the_command_that_brings_it_up_to_date(settings: Settings) -> None:
    with pytest.raises(
        NotPreparedError, match=r"earlier version.*run `recsys-mcp prepare`, which makes only what has changed"
    ):
        Service(settings, prepare_if_needed=False)
    found = {finding.check: finding for finding in examine(settings)}
    assert found["state"].status == "error"
    assert "run `recsys-mcp prepare`" in found["state"].text


async def test_a_server_that_prepares_by_itself_brings_it_up_to_date(folder: Settings) -> None:
    service = Service(folder, prepare_if_needed=True)
    service.start()
    try:
        history = None
        while history is None:
            with contextlib.suppress(NotPreparedError):  # it takes longer than a call waits
                history = await service.call(HISTORY, {"user": "ben"})
        assert {entry["item_id"] for entry in history["items"]} == history_of("ben")
    finally:
        await service.close()
    assert manifest_of(folder).format == FORMAT


def test_prepared_again_it_answers(settings: Settings) -> None:
    prepare(settings)
    recommended, item, user, history, popular, filtered, within = answers(settings)
    products = {
        line.split(",")[0] for line in (SAMPLE / "dataset" / "products.csv").read_text("utf-8").splitlines()[1:]
    }
    assert {entry["item_id"] for entry in recommended["items"]} == products - history_of("anna")
    assert item["items"][0]["price"] == 15
    assert user["fields"] == {"tier": "gold"}
    assert {entry["item_id"] for entry in history["items"]} == history_of("ben")
    assert popular["items"]
    assert filtered["item_set"] == HANDLE
    toys = {entry["item_id"] for entry in filtered["items"]}
    assert {entry["item_id"] for entry in within["items"]} == toys - history_of("anna")


def history_of(customer: str) -> set[str]:
    """Purchases according to the file; those of everybody where no name is given."""
    lines = (SAMPLE / "dataset" / "purchases.csv").read_text("utf-8").splitlines()[1:]
    return {line.split(",")[1] for line in lines if line.startswith(f"{customer}," if customer else "")}


def test_preparing_makes_what_has_changed(folder: Settings, embedded: list[str]) -> None:
    assert prepare(folder) == CHANGED
    manifest = manifest_of(folder)
    assert set(manifest.digests) == set(manifest.parts)
    assert "Kite" in " ".join(embedded)  # by a model that gives other vectors than before
    embedded.clear()
    assert prepare(folder) == []
    assert embedded == []


def test_the_parts_of_0_1_stay_until_the_next_state_for_servers_of_0_1(folder: Settings, tmp_path: Path) -> None:
    former = StateFolder(folder.state_folder).part(parts_of(folder).catalog)
    prepare(folder)
    assert former.is_dir()
    prepare(change_price(tmp_path, folder))
    assert not former.exists()


def test_a_model_that_was_chosen_with_0_1_stays_chosen(folder: Settings) -> None:
    file = StateFolder(folder.state_folder).manifest_file
    chosen = ModelSpec(name="EASE", settings=load_spec(SAMPLE / "dataset" / "dataset.yaml").model.settings)
    content = json.loads(file.read_text("utf-8"))
    content["chosen_model"] = {"name": chosen.name, "settings": chosen.settings}
    file.write_text(json.dumps(content), encoding="utf-8")
    prepare(folder)
    assert manifest_of(folder).chosen_model == chosen


def test_preparing_a_database_moves_its_vectors_out_of_it(
    database: Settings, database_url: str, database_server: Server, tmp_path: Path
) -> None:
    former = parts_of(database)
    assert prepare(database) == ["catalog", "vectors", "model"]
    manifest = manifest_of(database)
    assert set(manifest.digests) == {manifest.catalog, manifest.model}
    assert prepare(database) == []
    left = database_server.query("SELECT DISTINCT part FROM recsys_files", database=database_url.rsplit("/", 1)[1])
    assert sorted(left) == sorted([(former.model,), (manifest.model,)])
    before = answers(database)
    elsewhere = database.model_copy(update={"state": tmp_path / "elsewhere"})  # it fetches the model
    assert answers(elsewhere, has_vectors=False) == before


def test_the_doctor_finds_nothing_wrong_after_it(settings: Settings) -> None:
    prepare(settings)
    assert "error" not in findings(settings).values()


def change_price(tmp_path: Path, folder: Settings) -> Settings:
    """The same dataset with another price."""
    shutil.copytree(SAMPLE / "dataset", tmp_path / "dataset")
    products = tmp_path / "dataset" / "products.csv"
    products.write_text(
        products.read_text("utf-8").replace("plastic|cotton,15,", "plastic|cotton,19.5,"), encoding="utf-8"
    )
    return Settings(dataset=str(tmp_path / "dataset"), state=folder.state_folder)


def test_a_change_of_the_data_keeps_what_does_not_depend_on_it(
    folder: Settings, tmp_path: Path, embedded: list[str]
) -> None:
    prepare(folder)
    embedded.clear()
    changed = change_price(tmp_path, folder)
    assert prepare(changed) == ["catalog"]
    assert embedded == []
    assert answers(changed)[1]["items"][0]["price"] == 19.5


def test_the_dataset_file_means_what_it_meant() -> None:
    spec = load_spec(SAMPLE / "dataset" / "dataset.yaml")
    today = load_spec(SHOP / "dataset.yaml")
    assert spec.model_copy(update={"search": None}) == today


def test_item_sets_are_kept_when_their_database_changes_its_mode(folder: Settings) -> None:
    file = folder.state_folder / "item_sets.sqlite"
    assert file.read_bytes()[18:20] == b"\x02\x02"  # the write-ahead log of 0.1
    prepare(folder)
    answers(folder)
    assert file.read_bytes()[18:20] == b"\x01\x01"
    assert not file.with_name("item_sets.sqlite-wal").exists()


def test_a_state_of_a_later_version_is_refused_with_what_to_do(folder: Settings) -> None:
    file = StateFolder(folder.state_folder).manifest_file
    file.write_text(file.read_text("utf-8").replace('{"format": 1,', f'{{"format": {FORMAT + 1},'), encoding="utf-8")
    with pytest.raises(NotPreparedError, match=r"later version.*update recsys-mcp.*recsys-mcp prepare"):
        Service(folder, prepare_if_needed=False)
