"""Preparing again in a database, after changes of the dataset."""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_server.errors import NotPreparedError, RecsysError
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from tests.conftest import SHOP
from tests.names import HISTORY, RECOMMEND, SEARCH
from tests.preparation.machines import Machine, ask


async def test_the_first_run_makes_what_is_not_in_the_folder(
    bare_searching: Machine, rated_shop: Path, embedded: list[str]
) -> None:
    assert bare_searching.prepare().made == ["catalog", "model"]
    assert embedded == []
    assert bare_searching.leftovers(bare_searching.manifest) == []
    folder = Settings(_env_file=None, dataset=str(rated_shop / "dataset"), state=rated_shop / "state")
    service = Service(folder, prepare_if_needed=False)
    expected = await ask(service)
    await service.close()
    assert await bare_searching.answers() == expected


def test_a_second_run_makes_nothing(searching: Machine, embedded: list[str]) -> None:
    def rows() -> list[Any]:
        return [searching.query(f"SELECT * FROM {table}") for table in ("recsys_state", "recsys_parts", "recsys_files")]

    def made() -> list[Any]:
        return searching.server.query(
            "SELECT table_name, create_time FROM information_schema.tables WHERE table_schema = %s", searching.database
        )

    before = rows(), made(), searching.copies
    assert searching.prepare().made == []
    assert embedded == []
    assert (rows(), made(), searching.copies) == before


def test_another_machine_finds_everything_made(machine: Machine) -> None:
    version = machine.version
    assert machine.elsewhere("other").prepare().made == []
    assert machine.version == version


def test_another_machine_makes_only_what_a_change_needs(machine: Machine, embedded: list[str]) -> None:
    other = machine.elsewhere("other")
    other.set_price(20)
    assert other.prepare().made == ["catalog"]
    assert embedded == []


async def test_a_changed_rating_is_learned(machine: Machine, embedded: list[str]) -> None:
    machine.change("purchases.csv", "anna,KIT-01,1", "anna,KIT-01,5")
    assert machine.prepare().made == ["catalog", "model"]
    assert embedded == []
    async with machine.served() as service:
        history = await service.call(HISTORY, {"user": "anna"})
    assert {item["item_id"]: item["rating"] for item in history["items"]}["KIT-01"] == 5


async def test_a_changed_name_embeds_only_that(searching: Machine, embedded: list[str]) -> None:
    model = searching.manifest.model
    searching.set_name("Paper dragon on a string")
    assert searching.prepare().made == ["catalog", "vectors"]
    assert set(embedded) == {"Paper dragon on a string", "Toys product. plastic, cotton. Paper dragon on a string"}
    assert searching.manifest.model == model
    async with searching.served() as service:
        found = await service.call(SEARCH, {"query": "a dragon made of paper", "k": 1})
    assert [item["item_id"] for item in found["items"]] == ["TOY-02"]


async def test_a_new_purchase_trains_and_loads(machine: Machine) -> None:
    machine.add("purchases.csv", "newcomer,TOY-04,5")
    machine.add("dataset.yaml", "model: {name: CKNN}")
    assert machine.prepare().made == ["catalog", "model"]
    async with machine.elsewhere("other").served() as service:
        recommended = await service.call(RECOMMEND, {"user": "newcomer", "k": 20})
    products = {line.split(",")[0] for line in (SHOP / "products.csv").read_text("utf-8").splitlines()[1:]}
    assert {item["item_id"] for item in recommended["items"]} == products - {"TOY-04"}


def test_former_parts_stay_until_the_next_state(searching: Machine) -> None:
    first = searching.manifest
    searching.set_name("Box kite")
    searching.prepare()
    second = searching.manifest
    assert searching.leftovers(first, second) == []
    searching.set_name("Stunt kite")
    searching.prepare()
    third = searching.manifest
    assert searching.leftovers(second, third) == []
    assert len({first.catalog, second.catalog, third.catalog, first.vectors, second.vectors, third.vectors}) == 6


async def test_a_former_state_can_come_back(machine: Machine, embedded: list[str]) -> None:
    first, before = machine.manifest, await machine.answers()
    machine.set_price(20)
    machine.prepare()
    machine.set_price(15)
    assert machine.prepare().made == []
    assert machine.manifest.model_copy(update={"read_at": first.read_at}) == first
    assert await machine.answers() == before


def break_yaml(machine: Machine) -> None:
    machine.add("dataset.yaml", "model: {name: EASE")


def spoil_price(machine: Machine) -> None:
    machine.change("products.csv", "wood,24.5,12", "wood,cheap,12")


def make_a_name_too_long(machine: Machine) -> None:
    machine.add("products.csv", f"{'X' * 256},Something,Toys,wood,90,1")


@pytest.mark.parametrize("spoil", [break_yaml, spoil_price, make_a_name_too_long])
async def test_a_failing_preparation_leaves_what_is_served(machine: Machine, spoil: Callable[[Machine], None]) -> None:
    version, before = machine.version, await machine.answers()
    async with machine.served() as service:
        spoil(machine)
        with pytest.raises(RecsysError) as caught:
            machine.prepare()
        assert len(str(caught.value).splitlines()) == 1
        assert await ask(service) == before
    assert machine.version == version
    assert await machine.answers() == before


# The database's other tables and datasets


def checksums(machine: Machine, tables: Sequence[str]) -> list[Any]:
    listed = ", ".join(f"`{table}`" for table in tables)
    created = "SELECT table_name, create_time FROM information_schema.tables WHERE table_schema = %s"
    times = {str(name): made for name, made, *_ in machine.server.query(created, machine.database)}
    return [machine.query(f"CHECKSUM TABLE {listed}"), [times[table] for table in tables]]


def test_other_tables_of_the_database_are_never_touched(bare: Machine) -> None:
    others = [
        "items",
        "users",
        "interactions",
        "recsys",
        "recsys_notes",
        "recsysx_state",
        "RECSYS_STATES",
        "recsys_0_items",
    ]
    others += ["recsys__items", "recsys-parts", "parts"]
    for name in others:
        bare.query(f"CREATE TABLE `{name}` (word VARCHAR(20)) ENGINE=InnoDB")
        bare.query(f"INSERT INTO `{name}` VALUES ('mine'), ('too')")
    before = checksums(bare, others)
    for price in (15, 16, 17, 18):
        bare.set_price(price)
        bare.prepare()
    with bare.store() as store:
        store.discard(bare.manifest.model)
    bare.prepare()
    assert checksums(bare, others) == before


async def test_another_dataset_in_the_database_is_refused_until_it_is_prepared(machine: Machine) -> None:
    other = replace(machine, dataset=machine.dataset.with_name("other-dataset"))
    shutil.copytree(machine.dataset, other.dataset)
    other.change("dataset.yaml", "name: corner-shop", "name: other-shop")
    place = rf"the database at 127\.0\.0\.1:\d+/{machine.database}"
    remedy = "name another database in RECSYS_DATABASE_URL, or run `recsys-mcp prepare` to replace it"
    with pytest.raises(NotPreparedError, match=f"^{place} holds corner-shop, not other-shop: {remedy}$"):
        Service(other.settings, prepare_if_needed=False)
    async with machine.served() as service:
        before = await ask(service)
    other.prepare()
    with pytest.raises(NotPreparedError, match=f"^{place} holds other-shop, not corner-shop: {remedy}$"):
        Service(machine.settings, prepare_if_needed=False)
    assert await other.answers() == before
    unnamed = Settings(_env_file=None, state=machine.folder, database_url=machine.settings.database_url)
    service = Service(unnamed, prepare_if_needed=False)
    assert service.name == "other-shop"
    assert await ask(service) == before
    await service.close()


@pytest.mark.usefixtures("watchful")
async def test_a_service_keeps_its_dataset_when_another_replaces_it(machine: Machine) -> None:
    other = replace(machine, dataset=machine.dataset.with_name("other-dataset"))
    shutil.copytree(machine.dataset, other.dataset)
    other.change("dataset.yaml", "name: corner-shop", "name: other-shop")
    other.set_price(99)
    async with machine.served() as service:
        before = await ask(service)
        await asyncio.to_thread(other.prepare)
        await asyncio.sleep(1)  # several looks
        assert service.name == "corner-shop"
        assert await ask(service) == before
