"""Machines that share a database: copies of models, vectors of their own, and damages."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_server.cli.doctor import examine
from mcp_server.errors import BackendError, RecsysError
from tests.conftest import SHOP
from tests.names import FILTER, ITEM, LIKE, SEARCH
from tests.preparation.machines import KITE, TABLES_OF_A_CATALOGUE, Machine, ask


async def test_a_replica_with_an_empty_folder_answers_the_same(machine: Machine) -> None:
    expected = await machine.answers()
    replica = machine.elsewhere("replica")
    assert await replica.answers() == expected
    assert replica.copies == {machine.manifest.model}
    shutil.rmtree(machine.folder)  # the machine that has prepared is gone
    shutil.rmtree(machine.dataset)
    again = replace(machine.elsewhere("another"), dataset=SHOP)
    assert await again.answers() == expected


async def test_replicas_share_item_sets(machine: Machine) -> None:
    other = machine.elsewhere("other")
    async with machine.served() as one, machine.served() as beside, other.served() as elsewhere:
        services = [one, beside, elsewhere]
        handles = [(await service.call(FILTER, {"materials": ["wood"]}))["item_set"] for service in services]
        assert len(set(handles)) == 1
        made = (await elsewhere.call(FILTER, {"department": ["Toys"]}))["item_set"]
        expected = await elsewhere.read(f"itemset://{made}")
        assert json.loads(expected.text)["items"][0].startswith("TOY")
        for service in services:
            assert await service.read(f"itemset://{made}") == expected
        likes = [await service.call(LIKE, {"item_set": made}) for service in services]
        assert likes[1:] == likes[:-1]
    async with machine.elsewhere("later").served() as later:
        assert await later.read(f"itemset://{made}") == expected


def corrupt(machine: Machine) -> None:
    """Change the last byte of every file of the copy of the model."""
    (part,) = machine.folder.glob("parts/model-*")
    for file in part.rglob("*"):
        if file.is_file() and file.stat().st_size:
            content = bytearray(file.read_bytes())
            content[-1] ^= 0xFF
            file.write_bytes(content)


def empty(machine: Machine) -> None:
    """Empty all files of the copy of the model."""
    (part,) = machine.folder.glob("parts/model-*")
    for file in part.rglob("*"):
        if file.is_file():
            file.write_bytes(b"")


def remove(machine: Machine) -> None:
    (part,) = machine.folder.glob("parts/model-*")
    shutil.rmtree(part)
    part.mkdir()


@pytest.mark.parametrize("damage", [corrupt, empty, remove])
async def test_a_damaged_copy_is_fetched_again(machine: Machine, damage: Callable[[Machine], None]) -> None:
    replica = machine.elsewhere("replica")
    expected = await replica.answers()
    damage(replica)
    assert await replica.answers() == expected
    damage(replica)
    assert replica.prepare().made == []
    assert await replica.answers() == expected


CHANGED = "UPDATE recsys_files SET content = 'nonsense' WHERE part LIKE 'model-%%'"
ONE_LOST = "DELETE FROM recsys_files WHERE part LIKE 'model-%%' LIMIT 1"
ALL_LOST = "DELETE FROM recsys_files WHERE part LIKE 'model-%%'"


@pytest.mark.parametrize("damage", [CHANGED, ONE_LOST, ALL_LOST], ids=["changed", "one lost", "all lost"])
async def test_a_damaged_model_in_the_database_is_told_of_and_made_again(machine: Machine, damage: str) -> None:
    expected = await machine.answers()
    machine.query(damage)
    async with machine.elsewhere("replica").served() as service:
        with pytest.raises(RecsysError, match=r"run `recsys-mcp prepare`") as caught:
            await ask(service)
        assert len(str(caught.value).splitlines()) == 1
    assert machine.prepare().made == ["model"]
    assert await machine.elsewhere("fresh").answers() == expected


# Vectors without a Qdrant server


async def test_vectors_stay_on_the_machine_that_has_made_them(searching: Machine) -> None:
    before, other = await searching.answers(), searching.elsewhere("other")
    said = (
        rf"^the vectors that search needs are not in {other.folder}: run `recsys-mcp prepare` on this machine, or, for "
        "all machines that share the database, set RECSYS_QDRANT_URL to a Qdrant server and run it once$"
    )
    async with other.served() as service:
        with pytest.raises(BackendError, match=said):
            await service.call(SEARCH, {"query": "something to play with"})
        assert (await service.readiness())["vectors"].startswith("the vectors that search needs are not in")
        assert (await service.call(ITEM, KITE))["items"][0]["title"] == "Kite"
    (vectors,) = [finding for finding in await asyncio.to_thread(examine, other.settings) if finding.check == "vectors"]
    assert vectors.status == "error"
    assert re.match(said, vectors.text)
    assert other.prepare().made == ["vectors"]
    assert await other.answers() == before
    assert await searching.answers() == before
    assert searching.prepare().made == []


async def test_vectors_that_an_earlier_version_kept_in_the_database_are_made_again(searching: Machine) -> None:
    expected, vectors = await searching.answers(), searching.manifest.vectors
    listed = json.dumps({"store/segment": [70_000, 1, 12345, 2**20]})
    searching.query("INSERT INTO recsys_parts (name, made_at, files) VALUES (%s, 1, %s)", vectors, listed)
    searching.query(
        "INSERT INTO recsys_files (part, path, piece, content) VALUES (%s, 'store/segment', 0, 'x')", vectors
    )
    other = searching.elsewhere("other")
    async with other.served() as service:
        with pytest.raises(BackendError, match="run `recsys-mcp prepare` on this machine"):
            await service.call(SEARCH, {"query": "something to play with"})
    assert other.prepare().made == ["vectors"]
    assert await other.answers() == expected
    assert searching.leftovers(searching.manifest) == []


# The catalogue and item sets


@pytest.mark.parametrize("table", sorted(TABLES_OF_A_CATALOGUE))
async def test_a_missing_table_is_made_again(machine: Machine, table: str) -> None:
    expected = await machine.answers()
    name = f"recsys_{machine.manifest.catalog.removeprefix('catalog-')}_{table}"
    with machine.server.connect(machine.database) as connection, connection.cursor() as cursor:
        cursor.execute("SET foreign_key_checks = 0")
        cursor.execute(f"DROP TABLE {name}")
    async with machine.served() as service:
        with pytest.raises(BackendError, match=r"/recsys_test_\w+ lacks a table: run `recsys-mcp prepare`$"):
            await ask(service)
    assert machine.prepare().made == ["catalog"]
    assert await machine.answers() == expected
    assert machine.leftovers(machine.manifest) == []


async def test_a_table_of_item_sets_that_is_missing_is_made_again(machine: Machine) -> None:
    machine.query("DROP TABLE recsys_item_sets_3")
    async with machine.served() as service:
        with pytest.raises(BackendError, match=r"lacks a table: run `recsys-mcp prepare`$"):
            await service.call(FILTER, {"materials": ["wood"]})
        assert machine.prepare().made == []
        assert (await service.call(FILTER, {"materials": ["wood"]}))["item_set"]


def test_an_emptied_database_is_filled_again_without_training(searching: Machine, embedded: list[str]) -> None:
    """The model that this machine has is only sent."""
    manifest = searching.manifest
    searching.server.drop_database(searching.database)
    searching.server.create_database(searching.database)
    assert searching.prepare().made == ["catalog", "model"]
    assert embedded == []
    assert searching.manifest.model_copy(update={"read_at": manifest.read_at}) == manifest
    assert searching.leftovers(manifest) == []


def test_a_command_answers_from_the_database(machine: Machine, tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("RECSYS_")}
    env["RECSYS_DATABASE_URL"] = machine.server.url(machine.database)
    command = [sys.executable, "-m", "mcp_server", "call", ITEM, "items=TOY-02", "get=price", "--json"]
    command += ["--state", str(tmp_path / "empty")]
    done = subprocess.run(
        command, env=env, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=120, check=True
    )
    assert json.loads(done.stdout)["items"] == [{"item_id": "TOY-02", "title": "Kite", "price": 15}]
