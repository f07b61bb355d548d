"""A state and a database that version 0.1 has made: served as they are, and brought up to date without training."""

import asyncio
import contextlib
import lzma
import shutil
import sqlite3
import tarfile
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from rich.console import Console

from mcp_server.cli.doctor import examine
from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.dataset.spec import load_spec
from mcp_server.errors import BackendError, NotPreparedError
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.state.folder import CATALOG_FILE, StateFolder
from mcp_server.state.manifest import Manifest
from mcp_server.state.open_state import OpenState
from tests.conftest import SHOP
from tests.mariadb import Server
from tests.names import FILTER, HISTORY, ITEM, POPULAR, RECOMMEND, SEARCH, USER

SAMPLE = Path(__file__).parent / "0.1"

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


def test_it_is_served_as_it_is(settings: Settings) -> None:
    """A database of 0.1 has vectors, too, which are not read any more."""
    recommended, item, user, history, popular, filtered, within = answers(
        settings, has_vectors=settings.database_url is None
    )
    bought = history_of("")
    assert {entry["item_id"] for entry in recommended["items"]} == bought - history_of("anna")
    assert item["items"][0]["price"] == 15
    assert user["fields"] == {"tier": "gold"}
    assert {entry["item_id"] for entry in history["items"]} == history_of("ben")
    assert popular["items"]
    assert filtered["item_set"] == HANDLE
    toys = {entry["item_id"] for entry in filtered["items"]}
    assert {entry["item_id"] for entry in within["items"]} == (toys & bought) - history_of("anna")


def history_of(customer: str) -> set[str]:
    """Purchases according to the file; those of everybody where no name is given."""
    lines = (SAMPLE / "dataset" / "purchases.csv").read_text("utf-8").splitlines()[1:]
    return {line.split(",")[1] for line in lines if line.startswith(f"{customer}," if customer else "")}


def test_preparing_keeps_all_parts_and_adds_what_is_missing(folder: Settings, embedded: list[str]) -> None:
    before, parts = answers(folder), manifest_of(folder).parts
    assert prepare(folder) == ["digests"]
    manifest = manifest_of(folder)
    assert manifest.parts == parts
    assert set(manifest.digests) == set(parts)
    assert embedded == []
    assert answers(folder) == before
    assert prepare(folder) == []


def test_preparing_keeps_all_parts_of_a_database_but_vectors(
    database: Settings, database_url: str, database_server: Server, tmp_path: Path
) -> None:
    before, former = answers(database, has_vectors=False), manifest_of(database)
    assert prepare(database) == ["vectors"]
    manifest = manifest_of(database)
    assert manifest.parts == former.parts
    assert set(manifest.digests) == {manifest.catalog, manifest.model}
    assert answers(database) == before
    assert prepare(database) == []
    left = database_server.query("SELECT DISTINCT part FROM recsys_files", database=database_url.rsplit("/", 1)[1])
    assert list(left) == [(manifest.model,)]
    elsewhere = database.model_copy(update={"state": tmp_path / "elsewhere"})  # it fetches the model that 0.1 has kept
    assert answers(elsewhere, has_vectors=False) == before


def test_the_doctor_says_what_to_do_and_then_that_all_is_well(settings: Settings) -> None:
    before = findings(settings)
    assert before["digests"] == "warning"
    errors = [check for check, status in before.items() if status == "error"]
    assert errors == ([] if settings.database_url is None else ["vectors"])
    prepare(settings)
    after = findings(settings)
    assert "digests" not in after
    assert "error" not in after.values()


def test_a_part_that_is_damaged_is_made_anew(folder: Settings) -> None:
    before = answers(folder)
    current = StateFolder(folder.state_folder).manifest()
    with sqlite3.connect(folder.state_folder / "parts" / current.catalog / CATALOG_FILE) as connection:
        connection.execute("DELETE FROM interactions WHERE interaction = 1")
    connection.close()
    assert prepare(folder) == ["catalog"]
    assert StateFolder(folder.state_folder).manifest().digests.keys() == set(current.parts)
    assert answers(folder) == before


def test_a_change_of_the_data_keeps_what_does_not_depend_on_it(
    folder: Settings, tmp_path: Path, embedded: list[str]
) -> None:
    shutil.copytree(SAMPLE / "dataset", tmp_path / "dataset")
    products = tmp_path / "dataset" / "products.csv"
    products.write_text(
        products.read_text("utf-8").replace("plastic|cotton,15,", "plastic|cotton,19.5,"), encoding="utf-8"
    )
    changed = Settings(dataset=str(tmp_path / "dataset"), state=folder.state_folder)
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
    answers(folder)
    assert file.read_bytes()[18:20] == b"\x01\x01"
    assert not file.with_name("item_sets.sqlite-wal").exists()


def test_a_state_of_a_later_version_is_refused_with_what_to_do(folder: Settings) -> None:
    file = StateFolder(folder.state_folder).manifest_file
    file.write_text(file.read_text("utf-8").replace('{"format": 1,', '{"format": 2,'), encoding="utf-8")
    with pytest.raises(NotPreparedError, match=r"later version.*update recsys-mcp.*recsys-mcp prepare"):
        Service(folder, prepare_if_needed=False)
