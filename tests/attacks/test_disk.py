"""Disks that are full, read-only, or another user's: what is served goes on, and what cannot be done says so."""

import asyncio
import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mcp_server.catalog.item_sets import ItemSets, create_item_sets
from mcp_server.cli.doctor import examine
from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.errors import NotPreparedError, UnwritableError
from mcp_server.serving.service import Service
from mcp_server.sql.sqlite import SqliteDatabase
from mcp_server.state.folder import StateFolder
from mcp_server.vectors.qdrant_edge_store import QdrantEdgeStore
from tests.attacks.prepared import Shop, searchable_shop
from tests.conftest import SHOP
from tests.mounts import enlarge, fill, read_only, small
from tests.names import FILTER, HISTORY, ITEM, POPULAR, RECOMMEND, SEARCH

__all__ = ["searchable_shop"]

QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    (RECOMMEND, {"user": "anna", "k": 20, "reasons": True}),
    (SEARCH, {"query": "something to play with", "k": 20}),
    (SEARCH, {"similar_to": "TOY-02"}),
    (ITEM, {"items": ["TOY-02", "KIT-01"], "get": ["materials", "price"]}),
    (HISTORY, {"user": "ben"}),
    (POPULAR, {}),
]
TOYS = {"department": ["Toys"]}

# Asks in a process of its own, for a full disk may end it. Fills the state's disk first, when it is told to.
ASKER = """
import asyncio, json, sys
from pathlib import Path
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from tests.attacks.test_disk import QUESTIONS, TOYS, FILTER
from tests.mounts import fill

async def main(dataset, state, when):
    service = Service(Settings(dataset=dataset, state=Path(state)), prepare_if_needed=False)
    if when == "while serving":
        for name, arguments in QUESTIONS[1:2]:
            await service.call(name, arguments)
        fill(Path(state))
    answers = [await service.call(name, arguments) for name, arguments in QUESTIONS]
    answers.append(await service.call(FILTER, TOYS))
    answers.append(await service.readiness())
    await service.close()
    print(json.dumps(answers))

asyncio.run(main(*sys.argv[1:]))
"""


def ask_apart(shop: Shop, when: str = "", login: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Answers to all questions, of the filter, and whether the server is ready."""
    command = [*login, sys.executable, "-c", ASKER, str(shop.dataset), str(shop.state), when]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


@pytest.fixture(scope="module")
def right(searchable_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The answers from a folder that can be written."""
    answers = ask_apart(searchable_shop.copy(tmp_path_factory.mktemp("writable") / "state"))
    assert answers[-2]["item_set"].startswith("set_")
    assert set(answers[-1].values()) == {"ok"}
    return answers


def assert_all_but_item_sets(answers: list[dict[str, Any]], right: list[dict[str, Any]], reason: str) -> None:
    filtered = answers[-2]
    for answer, expected in zip(answers, right, strict=True):
        same = {name: value for name, value in expected.items() if name not in ("message", "item_set")}
        assert {name: value for name, value in answer.items() if name not in ("message", "item_set")} == same
        if "item_set" in expected and answer is not filtered:
            assert answer.get("item_set", expected["item_set"]) == expected["item_set"]  # it may have been kept before
        elif "item_set" in expected:
            assert "item_set" not in answer
            assert answer["message"].startswith(f"{expected['message']} There is no item_set of them: ")
            assert reason in answer["message"]
        else:
            assert answer.get("message") == expected.get("message")


# Served from where nothing can be written


@pytest.fixture
def read_only_shop(searchable_shop: Shop, tmp_path: Path) -> Iterator[Shop]:
    shop = searchable_shop.copy(tmp_path / "state")
    with read_only(shop.state):
        yield shop


async def test_a_read_only_state_is_served_but_for_item_sets(
    read_only_shop: Shop, right: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    service = Service(read_only_shop.settings, prepare_if_needed=True)
    answers = [await service.call(name, arguments) for name, arguments in QUESTIONS]
    answers += [await service.call(FILTER, TOYS), await service.readiness()]
    assert_all_but_item_sets(answers, right, str(read_only_shop.state))
    assert list((tmp_path / "temporary").iterdir()) == []  # even if this process is killed now
    with pytest.raises(UnwritableError, match=r"item_sets\.sqlite.*read-only"):
        await service.call(RECOMMEND, {"user": "anna", "item_set": "set_ffexro"})
    await service.close()


async def test_item_sets_made_before_can_be_used_from_a_read_only_state(searchable_shop: Shop, tmp_path: Path) -> None:
    shop = searchable_shop.copy(tmp_path / "state")
    before = Service(shop.settings, prepare_if_needed=False)
    handle = (await before.call(FILTER, TOYS))["item_set"]
    within = {"user": "anna", "item_set": handle, "k": 20}
    expected = await before.call(RECOMMEND, within)
    await before.close()
    with read_only(shop.state):
        service = Service(shop.settings, prepare_if_needed=False)
        assert await service.call(RECOMMEND, within) == expected
        await service.close()


def test_the_doctor_takes_a_read_only_state_for_one_that_can_be_served(read_only_shop: Shop) -> None:
    findings = {finding.check: finding for finding in examine(read_only_shop.settings)}
    assert {name: f.text for name, f in findings.items() if f.status == "error"} == {}
    assert findings["vectors"].status == "ok"
    assert findings["item sets"].status == "warning"
    assert str(read_only_shop.state) in findings["item sets"].text


def test_the_state_of_another_user_is_served_but_for_item_sets(
    searchable_shop: Shop, right: list[dict[str, Any]], tmp_path: Path
) -> None:
    shop = searchable_shop.copy(tmp_path / "state")
    for path in [shop.state, *shop.state.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    with belonging_to_another(shop.state) as login:
        answers = ask_apart(shop, login=login)
    assert_all_but_item_sets(answers, right, str(shop.state))


@contextlib.contextmanager
def belonging_to_another(folder: Path) -> Iterator[list[str]]:
    """A folder of another user; gives the beginning of commands that are run without root's right to write it all the
    same.
    """
    if os.name != "posix" or os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root, to give a folder away, and setpriv, to have no more rights than others then")
    subprocess.run(["chown", "-R", "65534:65534", str(folder)], check=True)
    yield ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"]


def test_a_store_that_can_be_neither_written_nor_copied_says_what_to_do(
    read_only_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (store,) = read_only_shop.state.glob("parts/vectors-*/store")
    with small(tmp_path / "temporary", "64k") as temporary:
        monkeypatch.setattr(tempfile, "tempdir", str(temporary))
        with pytest.raises(UnwritableError, match=r"MiB free.*TMPDIR") as refused:
            QdrantEdgeStore(store)
        assert str(store) in str(refused.value)
        assert list(temporary.iterdir()) == []


# Served from a full disk


@pytest.mark.parametrize("when", ["before", "while serving"])
def test_a_server_outlives_a_full_disk(
    searchable_shop: Shop, right: list[dict[str, Any]], tmp_path: Path, when: str
) -> None:
    with small(tmp_path / "disk", "24m") as disk:
        shop = searchable_shop.copy(disk / "state")
        if when == "before":
            fill(disk)
        assert_all_but_item_sets(ask_apart(shop, when), right, "not enough room")


def test_item_sets_of_version_0_1_on_a_full_disk_end_no_server(
    searchable_shop: Shop, right: list[dict[str, Any]], tmp_path: Path
) -> None:
    """They are in the mode of SQLite that maps a file into memory."""
    with small(tmp_path / "disk", "24m") as disk:
        shop = searchable_shop.copy(disk / "state")
        connection = sqlite3.connect(shop.state / "item_sets.sqlite")
        assert connection.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)
        connection.execute("CREATE TABLE other (number INTEGER)")
        connection.close()
        fill(disk)
        assert_all_but_item_sets(ask_apart(shop), right, "not enough room")


async def test_a_database_that_version_0_1_has_open_is_shared_with_it(tmp_path: Path) -> None:
    """Its mode is changed when nobody else uses it."""
    path = tmp_path / "item_sets.sqlite"
    earlier = sqlite3.connect(path)
    earlier.execute("PRAGMA journal_mode=WAL")
    earlier.execute("CREATE TABLE other (number INTEGER)")
    earlier.commit()
    for expected in ("wal", "delete"):
        database = SqliteDatabase(path, "the database of item sets", read_only=False)
        await database.write(create_item_sets)
        sets = ItemSets(database, 7)
        assert await sets.get(await sets.put([1, 2, 3])) == (1, 2, 3)
        await database.close()
        earlier.close()
        with sqlite3.connect(path) as look:
            assert look.execute("PRAGMA journal_mode").fetchone() == (expected,)
        look.close()


# Prepared where there is no room


def prepare_apart(shop: Shop) -> str:
    """What a preparation that cannot be done says: one line after its progress."""
    done = subprocess.run(shop.command("prepare"), capture_output=True, text=True, check=False)
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    *progress, last = done.stderr.strip().splitlines()
    assert last.startswith("recsys-mcp: ")
    assert not [line for line in progress if line.startswith("recsys-mcp: ")]
    return last


def assert_nothing_half_made(state: Path) -> None:
    with pytest.raises(NotPreparedError):
        StateFolder(state).manifest()
    assert not (state / "preparing.json").exists()
    assert not list(state.glob(".*.json*"))


def test_a_preparation_without_room_is_one_line_and_goes_on_when_there_is(
    searchable_shop: Shop, tmp_path: Path
) -> None:
    with small(tmp_path / "disk", "16k") as disk:
        shop = Shop(searchable_shop.dataset, disk / "state")
        for size in ("16k", "140k", "4m"):
            enlarge(disk, size)
            said = prepare_apart(shop)
            assert f"not enough room in {disk}" in said
            assert "MiB free" in said
            assert_nothing_half_made(shop.state)
        enlarge(disk, "64m")
        outcome = prepare_with_progress(shop.settings, Console(stderr=True))
        assert {part.name for part in (shop.state / "parts").iterdir()} == set(outcome.manifest.parts)


def test_training_without_room_says_so(tmp_path: Path) -> None:
    """It is a process of its own, and may come to the end of the disk after all that is before it."""
    shutil.copytree(SHOP, tmp_path / "shop")
    with (tmp_path / "shop" / "dataset.yaml").open("a", encoding="utf-8") as stream:
        stream.write("model: {name: EASE}\n")
    with small(tmp_path / "disk", "140k") as disk:
        said = prepare_apart(Shop(tmp_path / "shop", disk / "state"))
        assert "training EASE needs more space than there is on the disk of the state folder" in said
        assert list(disk.glob("state/parts/catalog-*")) != []
        assert_nothing_half_made(disk / "state")


def test_what_is_served_stays_when_there_is_no_room_for_the_next(
    searchable_shop: Shop, right: list[dict[str, Any]], tmp_path: Path
) -> None:
    with small(tmp_path / "disk", "24m") as disk:
        served = searchable_shop.copy(disk / "state")
        changed = tmp_path / "changed"
        subprocess.run(["cp", "-r", searchable_shop.dataset, changed], check=True)
        with (changed / "products.csv").open("a", encoding="utf-8") as stream:
            stream.write("AAA-01,Rocking horse,Toys,wood,90,1\n")
        before = (served.state / "current.json").read_bytes()
        fill(disk)
        assert "not enough room" in prepare_apart(Shop(changed, served.state))
        assert (served.state / "current.json").read_bytes() == before
        (disk / "filling").unlink()
        assert ask_apart(served) == right


@pytest.mark.parametrize("present", [True, False])
def test_a_preparation_in_a_read_only_place_is_one_line(searchable_shop: Shop, tmp_path: Path, present: bool) -> None:
    with read_only(tmp_path / "place") as place:
        state = place if present else place / "state"
        said = prepare_apart(Shop(searchable_shop.dataset, state))
    assert str(place) in said
    assert "is read-only for this user" in said
    assert "--state" in said


async def test_a_server_with_nothing_prepared_in_a_read_only_place_says_so(
    searchable_shop: Shop, tmp_path: Path
) -> None:
    with read_only(tmp_path / "place") as place:
        service = Service(Shop(searchable_shop.dataset, place).settings, prepare_if_needed=True)
        service.start()
        with pytest.raises(NotPreparedError, match=f"preparing corner-shop failed: .*{place}.* read-only"):
            await service.call(RECOMMEND, {"user": "anna"})
        await service.close()


async def test_item_sets_are_written_by_several_processes_at_once(tmp_path: Path) -> None:
    """Without the write-ahead log, readers and writers wait for one another."""
    path = tmp_path / "item_sets.sqlite"
    databases = [SqliteDatabase(path, "the database of item sets", read_only=False) for _ in range(4)]

    async def write(number: int, database: SqliteDatabase) -> None:
        await database.write(create_item_sets)
        sets = ItemSets(database, 7)
        for start in range(25):
            items = tuple(range(start, start + number + 1))
            assert await ItemSets(database, 7).get(await sets.put(items)) == items

    await asyncio.gather(*(write(number, database) for number, database in enumerate(databases)))
    for database in databases:
        await database.close()
