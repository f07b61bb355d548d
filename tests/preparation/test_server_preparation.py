"""Preparing in a database that several machines share: what is made anew, what is kept, who is served meanwhile, and
what is left when it is killed or the database is lost.
"""

import asyncio
import contextlib
import json
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pymysql
import pytest
from rich.console import Console
from sqlalchemy import Engine, event

from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.dataset.spec import ModelSpec
from mcp_server.errors import BackendError, NotPreparedError, RecsysError
from mcp_server.preparation.prepare import Outcome
from mcp_server.serving import service as service_module
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.sql.address import ServerAddress
from mcp_server.state.database import StateDatabase
from mcp_server.state.folder import StateFolder
from mcp_server.state.manifest import Manifest
from tests.conftest import SHOP
from tests.mariadb import PrivateServer, Server
from tests.names import FILTER, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, SEARCH

WAIT_SECONDS = 60
"""For what must happen; a test that waits so long has failed."""

OF_THE_RECORD = {"recsys_state", "recsys_parts", "recsys_files", "recsys_item_sets_2"}

OF_A_CATALOGUE = {"items", "terms", "item_terms", "users", "interactions"}

KITE = {"items": ["TOY-02"], "get": ["price"]}
"""A question whose answer changes with the name or the price of an item."""

SEARCHABLE = "search: {texts: [name]}\n"
"""The line of dataset.yaml for which there are vectors."""

multiprocessing.set_forkserver_preload(["mcp_server.cli.prepare", "tests.conftest"])


@dataclass(frozen=True)
class Machine:
    """A dataset of one's own to change, a folder for state, and a database."""

    dataset: Path
    folder: Path
    server: Server
    database: str

    @property
    def values(self) -> dict[str, Any]:
        """Of the settings."""
        url = self.server.url(self.database)
        return {"dataset": str(self.dataset), "state": self.folder, "database_url": url}

    @property
    def settings(self) -> Settings:
        return Settings(_env_file=None, **self.values)

    def elsewhere(self, name: str) -> "Machine":
        """Another machine: an empty folder, the same database."""
        return replace(self, folder=self.folder.with_name(name))

    def change(self, file: str, old: str, new: str) -> None:
        path = self.dataset / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), encoding="utf-8")

    def add(self, file: str, line: str) -> None:
        with (self.dataset / file).open("a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")

    def set_price(self, price: int) -> None:
        """Of the kite: a change for which nothing but the catalogue is made."""
        path = self.dataset / "products.csv"
        changed = re.sub(r"^(TOY-02,.*),\d+,3$", rf"\g<1>,{price},3", path.read_text("utf-8"), flags=re.MULTILINE)
        path.write_text(changed, encoding="utf-8")

    def set_name(self, name: str) -> None:
        """Of the kite: a change for which catalogue and vectors are made."""
        path = self.dataset / "products.csv"
        changed = re.sub(r"^TOY-02,[^,]*,", f"TOY-02,{name},", path.read_text("utf-8"), flags=re.MULTILINE)
        path.write_text(changed, encoding="utf-8")

    def prepare(self, model: ModelSpec | None = None) -> Outcome:
        """To the end, in this process."""
        return prepare_with_progress(self.settings, Console(stderr=True), choose_model=model)

    @contextlib.contextmanager
    def record(self) -> Iterator[StateDatabase]:
        opened = StateDatabase(ServerAddress.from_settings(self.settings), StateFolder(self.folder))
        yield opened
        opened.close()

    @property
    def current(self) -> Manifest:
        with self.record() as record:
            return record.manifest()

    @property
    def version(self) -> int | None:
        with self.record() as record:
            return record.version()

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[Service]:
        """A newly started service that follows what is published."""
        service = Service(self.settings, prepare_if_needed=False)
        service.start()
        try:
            yield service
        finally:
            await service.close()

    async def answers(self) -> list[dict[str, Any]]:
        """What a newly started service says."""
        async with self.served() as service:
            return await ask(service)

    # What is there

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return self.server.query(statement, *values, database=self.database)

    @property
    def tables(self) -> set[str]:
        return {name for (name,) in self.query("SHOW TABLES")}

    @property
    def copies(self) -> set[str]:
        """Parts in the folder, half-made ones too."""
        folder = self.folder / "parts"
        return {part.name for part in folder.iterdir()} if folder.exists() else set()

    def rests_beside(self, *states: Manifest) -> list[str]:
        """What is there, in the database and in the folder, beside the parts of these states; and what is missing."""
        catalogs = {state.catalog for state in states}
        files = {name for state in states for name in (state.model, state.vectors) if name}
        tables = OF_THE_RECORD | {
            f"recsys_{catalog.removeprefix('catalog-')}_{table}" for catalog in catalogs for table in OF_A_CATALOGUE
        }
        found = {
            "table": (self.tables, tables),
            "part": ({name for (name,) in self.query("SELECT name FROM recsys_parts")}, catalogs | files),
            "files": ({name for (name,) in self.query("SELECT DISTINCT part FROM recsys_files")}, files),
            "copy": (self.copies, self.copies & files),
        }
        problems = []
        for kind, (present, expected) in found.items():
            problems += [f"{kind} {name} is left" for name in sorted(present - expected)]
            problems += [f"{kind} {name} is missing" for name in sorted(expected - present)]
        if (self.folder / "preparing.json").exists():
            problems.append("preparing.json is left")
        return problems

    @property
    def connections(self) -> list[int]:
        listed = "SELECT id FROM information_schema.processlist WHERE db = %s"
        return [int(str(number)) for (number,) in self.server.query(listed, self.database)]

    def kill_connections(self) -> None:
        for number in self.connections:
            with contextlib.suppress(pymysql.MySQLError):  # it has gone by itself
                self.server.query(f"KILL {number}")
        until(lambda: not self.connections)


def until(true: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


async def ask(service: Service) -> list[dict[str, Any]]:
    """Something of every backend."""
    found = [
        await service.call(RECOMMEND, {"user": "anna", "k": 20, "reasons": True}),
        await service.call(ITEM, {"items": ["TOY-02", "KIT-01"], "get": ["materials", "price", "stock"]}),
        await service.call(FILTER, {"materials": ["wood", "steel"], "match": "any"}),
        await service.call(HISTORY, {"user": "ben"}),
        await service.call(LIKE, {"items": ["TOY-01", "KIT-01"]}),
        await service.call(POPULAR, {"user_group": ["gold"]}),
    ]
    if SEARCH in service.tools:
        found.append(await service.call(SEARCH, {"query": "something to play with", "k": 20}))
    return found


@pytest.fixture(scope="module")
def rated_shop(shop_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corner shop with searchable names and with ratings; its model is that of the shop, which has the same
    purchases. Prepared in a folder, so that texts need not be embedded anew.
    """
    folder = tmp_path_factory.mktemp("rated-shop")
    dataset = folder / "dataset"
    shutil.copytree(SHOP, dataset)
    with (dataset / "dataset.yaml").open("a", encoding="utf-8") as stream:
        stream.write(f"  rating: stars\n  like_threshold: 4\n{SEARCHABLE}")
    header, *lines = (dataset / "purchases.csv").read_text(encoding="utf-8").splitlines()
    rated = [f"{header},stars", *(f"{line},{number % 5 + 1}" for number, line in enumerate(lines))]
    (dataset / "purchases.csv").write_text("\n".join(rated) + "\n", encoding="utf-8")
    for part in (shop_settings.state_folder / "parts").glob("model-*"):
        shutil.copytree(part, folder / "state" / "parts" / part.name)
    settings = Settings(_env_file=None, dataset=str(dataset), state=folder / "state")
    assert prepare_with_progress(settings, Console(stderr=True)).made == ["catalog", "vectors"]
    return folder


def _bare(rated_shop: Path, folder: Path, server: Server, *, searchable: bool) -> Machine:
    """A machine with a copy of the rated shop and an empty database. Its folder has just what tests need not make
    again: model, vectors and vectors of texts.
    """
    shutil.copytree(rated_shop / "dataset", folder / "dataset")
    machine = Machine(folder / "dataset", folder / "state", server, server.create_database())
    leave_out = ["catalog-*", "current.json", *(["vectors-*"] if not searchable else [])]
    shutil.copytree(
        rated_shop / "state", machine.folder, ignore=shutil.ignore_patterns(*leave_out), copy_function=_copy_sparsely
    )
    if not searchable:
        machine.change("dataset.yaml", SEARCHABLE, "")
    return machine


def _copy_sparsely(source: str, target: str) -> None:
    """Vector stores are mostly holes, which should stay holes."""
    hole = bytes(2**20)
    with Path(source).open("rb") as reader, Path(target).open("wb") as writer:
        while block := reader.read(len(hole)):
            if block == hole:
                writer.seek(len(block), os.SEEK_CUR)
            else:
                writer.write(block)
        writer.truncate()


@pytest.fixture
def bare(rated_shop: Path, tmp_path: Path, database_server: Server) -> Iterator[Machine]:
    """A machine without search; nothing is prepared, and nothing need be trained."""
    made = _bare(rated_shop, tmp_path, database_server, searchable=False)
    yield made
    database_server.drop_database(made.database)


@pytest.fixture
def machine(bare: Machine) -> Machine:
    """The same, prepared."""
    bare.prepare()
    return bare


@pytest.fixture
def bare_searching(rated_shop: Path, tmp_path: Path, database_server: Server) -> Iterator[Machine]:
    """A machine with search; nothing is prepared, and nothing need be trained or embedded."""
    made = _bare(rated_shop, tmp_path, database_server, searchable=True)
    yield made
    database_server.drop_database(made.database)


@pytest.fixture
def searching(bare_searching: Machine) -> Machine:
    """The same, prepared."""
    bare_searching.prepare()
    return bare_searching


@pytest.fixture
def private(rated_shop: Path, tmp_path: Path, private_server: PrivateServer) -> Iterator[Machine]:
    """A prepared machine without search, whose database is on a server to stop and start."""
    made = _bare(rated_shop, tmp_path, private_server, searchable=False)
    made.prepare()
    yield made
    private_server.start()
    private_server.drop_database(made.database)


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Services look for new states often."""
    monkeypatch.setattr(service_module, "WATCH_SECONDS", 0.1)


# Again, and after changes


async def test_the_first_run_makes_what_is_not_in_the_folder(
    bare_searching: Machine, rated_shop: Path, embedded: list[str]
) -> None:
    assert bare_searching.prepare().made == ["catalog", "vectors", "model"]
    assert embedded == []
    assert bare_searching.rests_beside(bare_searching.current) == []
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


def test_another_machine_finds_everything_made(searching: Machine, embedded: list[str]) -> None:
    version = searching.version
    other = searching.elsewhere("other")
    assert other.prepare().made == []
    assert embedded == []
    assert searching.version == version


def test_another_machine_makes_only_what_a_change_needs(machine: Machine, embedded: list[str]) -> None:
    other = machine.elsewhere("other")
    other.set_price(20)
    assert other.prepare().made == ["catalog"]
    assert embedded == []


async def test_a_changed_rating_only_loads_the_catalogue(machine: Machine, embedded: list[str]) -> None:
    machine.change("purchases.csv", "anna,KIT-01,1", "anna,KIT-01,5")
    assert machine.prepare().made == ["catalog"]
    assert embedded == []
    async with machine.served() as service:
        history = await service.call(HISTORY, {"user": "anna"})
    assert {item["item_id"]: item["rating"] for item in history["items"]}["KIT-01"] == 5


async def test_a_changed_name_embeds_only_that(searching: Machine, embedded: list[str]) -> None:
    model = searching.current.model
    searching.set_name("Paper dragon on a string")
    assert searching.prepare().made == ["catalog", "vectors"]
    assert embedded == ["Paper dragon on a string"]
    assert searching.current.model == model
    async with searching.served() as service:
        found = await service.call(SEARCH, {"query": "a dragon made of paper", "k": 1})
    assert found["items"] == [{"item_id": "TOY-02", "title": "Paper dragon on a string"}]


async def test_a_new_purchase_trains_and_loads(machine: Machine) -> None:
    machine.add("purchases.csv", "newcomer,TOY-04,5")
    machine.add("dataset.yaml", "model: {name: Pop}")
    assert machine.prepare().made == ["catalog", "model"]
    async with machine.elsewhere("other").served() as service:
        recommended = await service.call(RECOMMEND, {"user": "newcomer", "k": 20})
    products = {line.split(",")[0] for line in (SHOP / "products.csv").read_text("utf-8").splitlines()[1:]}
    assert {item["item_id"] for item in recommended["items"]} == products - {"TOY-04"}


def test_former_parts_stay_until_the_next_state(searching: Machine) -> None:
    first = searching.current
    searching.set_name("Box kite")
    searching.prepare()
    second = searching.current
    assert searching.rests_beside(first, second) == []
    searching.set_name("Stunt kite")
    searching.prepare()
    third = searching.current
    assert searching.rests_beside(second, third) == []
    assert len({first.catalog, second.catalog, third.catalog, first.vectors, second.vectors, third.vectors}) == 6


async def test_a_former_state_can_come_back(machine: Machine, embedded: list[str]) -> None:
    first, before = machine.current, await machine.answers()
    machine.set_price(20)
    machine.prepare()
    machine.set_price(15)
    assert machine.prepare().made == []
    assert machine.current == first
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


# Whose database it is


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
    with bare.record() as record:
        record.discard(bare.current.model)
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


# Killed, and without the database

Moment = tuple[str, int]
"""A pattern of a statement, and which of those that match."""

CATALOGUE = r"`?recsys_[0-9a-f]{16}_"

MOMENTS: dict[str, Moment] = {
    "before the lock": ("SELECT GET_LOCK", 1),
    "at the last table": (f"CREATE TABLE {CATALOGUE}", 5),
    "with all rows but interactions": (f"INSERT INTO {CATALOGUE}interactions", 1),
    "with all rows": ("ANALYZE TABLE", 1),
    "before the catalogue counts": ("INSERT INTO recsys_parts", 1),
    "before it is published": ("UPDATE recsys_state", 1),
    "before the oldest catalogue goes": ("DELETE FROM recsys_parts", 1),
    "before its tables go": (f"DROP TABLE {CATALOGUE}", 1),
    "at the end": ("SELECT RELEASE_LOCK", 1),
}
"""Of a change for which only a catalogue is made, when there are two states already."""

MOMENTS_OF_FILES: dict[str, Moment] = {
    "between files": ("INSERT INTO recsys_files", 9),
    "before the vectors count": ("INSERT INTO recsys_parts", 2),
}
"""Of a change for which vectors are made, too."""

MOMENTS_OF_OLD_FILES: dict[str, Moment] = {
    "before the oldest vectors go": ("DELETE FROM recsys_parts", 2),
    "before their files go": ("DELETE FROM recsys_files", 2),
}
"""Of another change, two states after one for which vectors were made."""


@contextlib.contextmanager
def at(moment: Moment, act: Callable[[], None]) -> Iterator[list[str]]:
    """Do something when a statement begins; gives the list of the statement, empty until then."""
    pattern, times = moment
    left = times
    begun: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal left
        left -= re.match(pattern, statement.strip()) is not None
        if left == 0 and not begun:
            begun.append(statement)
            act()

    event.listen(Engine, "before_cursor_execute", count)
    try:
        yield begun
    finally:
        event.remove(Engine, "before_cursor_execute", count)


def _prepare_and_die(values: dict[str, Any], moment: Moment) -> None:
    with at(moment, lambda: os.kill(os.getpid(), signal.SIGKILL)):
        prepare_with_progress(Settings(_env_file=None, **values), Console(stderr=True))


def killed(machine: Machine, moment: Moment) -> bool:
    """Prepare in another process that is killed at a moment; False where it never came."""
    process = multiprocessing.get_context("forkserver").Process(target=_prepare_and_die, args=(machine.values, moment))
    process.start()
    process.join(WAIT_SECONDS)
    return process.exitcode == -signal.SIGKILL


def disconnected(machine: Machine, moment: Moment) -> bool:
    """Prepare here; at a moment all connections are closed. False where it never came."""
    with at(moment, machine.kill_connections) as begun:
        try:
            machine.prepare()
        except BackendError as error:
            assert f"/{machine.database} " in str(error)
            assert len(str(error).splitlines()) == 1
        else:
            assert moment == MOMENTS["at the end"] or not begun, "it was not noticed"
    return bool(begun)


Interruption = Callable[[Machine, Moment], bool]


@pytest.mark.parametrize("interrupted", [killed, disconnected])
async def test_interrupted_at_any_moment_it_leaves_what_is_served_and_can_be_run_again(
    machine: Machine, interrupted: Interruption
) -> None:
    machine.set_price(10)
    machine.prepare()
    missed, rests = [], {}
    for price, (name, moment) in enumerate(MOMENTS.items(), 11):
        before = machine.current
        async with machine.served() as service:
            told = await price_of_kite(service)
            machine.set_price(price)
            if not interrupted(machine, moment):
                missed.append(name)
            assert await price_of_kite(service) == told
        async with machine.elsewhere("replica").served() as replica:
            assert await price_of_kite(replica) == (told if machine.current == before else price)
        machine.prepare()
        async with machine.served() as service:
            assert await price_of_kite(service) == price
        if problems := rests_after_another_state(machine, 100 + price):
            rests[name] = problems
    assert missed == []
    assert rests == {}


@pytest.mark.parametrize("interrupted", [killed, disconnected])
async def test_interrupted_among_files_it_leaves_what_is_served_and_can_be_run_again(
    searching: Machine, interrupted: Interruption
) -> None:
    missed, rests = [], {}
    title = "Kite"
    for number, (name, moment) in enumerate((MOMENTS_OF_FILES | MOMENTS_OF_OLD_FILES).items(), 1):
        if name in MOMENTS_OF_FILES:
            searching.set_name(f"Kite number {number}")
        else:
            searching.set_name(title := f"Kite number {number}")
            searching.prepare()
            searching.set_price(number)
        before = searching.current
        if not interrupted(searching, moment):
            missed.append(name)
        assert (searching.current == before) is (name in MOMENTS_OF_FILES)
        async with searching.elsewhere(f"replica-{number}").served() as replica:
            found = await replica.call(SEARCH, {"query": f"the {title}", "k": 1})
            assert found["items"] == [{"item_id": "TOY-02", "title": title}]
        searching.prepare()
        title = f"Kite number {number}"
        if problems := rests_after_another_state(searching, 100 + number):
            rests[name] = problems
    assert missed == []
    assert rests == {}


def rests_after_another_state(machine: Machine, price: int) -> list[str]:
    """What is left two states later, which is when all older parts go; it is cleared away."""
    states = [machine.current]
    machine.set_price(price)
    states.append(machine.prepare().manifest)
    problems = machine.rests_beside(*states)
    for kind, name in re.findall(r"(table|files) (\w+(?:-\w+)?) is left", "\n".join(problems)):
        if kind == "files":
            machine.query("DELETE FROM recsys_files WHERE part = %s", name)
        else:
            with machine.server.connect(machine.database) as connection, connection.cursor() as cursor:
                cursor.execute("SET foreign_key_checks = 0")
                cursor.execute(f"DROP TABLE `{name}`")
    return problems


async def price_of_kite(service: Service) -> float:
    return float((await service.call(ITEM, KITE))["items"][0]["price"])


async def test_tables_of_a_killed_run_go_even_if_the_dataset_has_changed_since(machine: Machine) -> None:
    first = machine.current
    machine.set_price(1)
    assert killed(machine, MOMENTS["with all rows but interactions"])
    machine.set_price(2)
    machine.prepare()
    assert machine.rests_beside(first, machine.current) == []


async def test_files_of_a_killed_run_go_even_if_the_dataset_has_changed_since(searching: Machine) -> None:
    first = searching.current
    searching.set_name("Box kite")
    assert killed(searching, MOMENTS_OF_FILES["between files"])
    searching.set_name("Stunt kite")
    searching.prepare()
    assert searching.rests_beside(first, searching.current) == []


async def test_killed_in_the_first_run_it_leaves_nothing_that_is_served(bare: Machine) -> None:
    moments = [MOMENTS["at the last table"], MOMENTS["with all rows"], ("INSERT INTO recsys_files", 1)]
    for moment in moments:
        assert killed(bare, moment)
        assert bare.version is None
        with pytest.raises(NotPreparedError, match="nothing has been prepared in the database at"):
            await bare.answers()
    assert killed(bare, ("INSERT INTO recsys_state", 1))
    assert bare.version is None
    assert bare.prepare().made == []
    assert bare.rests_beside(bare.current) == []


async def test_a_database_that_stops_while_preparing_is_told_of(private: Machine) -> None:
    assert isinstance(private.server, PrivateServer)
    server, before = private.server, await private.answers()
    private.set_price(20)
    stopped = ("INSERT INTO recsys_[0-9a-f]{16}_users", 1)
    place = rf"the database at 127\.0\.0\.1:{server.port}/{private.database}"
    with at(stopped, server.kill), pytest.raises(BackendError, match=f"^{place} cannot be reached") as caught:
        private.prepare()
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(BackendError, match=f"^{place} cannot be reached"):
        private.prepare()
    server.start()
    assert await private.answers() == before
    assert private.prepare().made == ["catalog"]


# Several at once


def microseconds() -> int:
    """Now, as versions of published states count: since 1970."""
    return time.time_ns() // 1_000


def test_of_two_preparations_at_once_one_makes_and_the_other_finds_it_made(bare: Machine) -> None:
    other = bare.elsewhere("other")
    shutil.copytree(bare.folder, other.folder)
    before = microseconds()
    env = {name: value for name, value in os.environ.items() if not name.startswith("RECSYS_")}
    env["RECSYS_DATABASE_URL"] = bare.server.url(bare.database)
    runs = []
    for machine in (bare, other):
        command = [sys.executable, "-m", "mcp_server", "prepare", "--dataset", str(machine.dataset)]
        command += ["--state", str(machine.folder)]
        runs.append(subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True, encoding="utf-8"))
    reports = [run.communicate(timeout=120)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], reports
    assert sorted(re.findall(r"is ready \((.*);", "".join(reports))) == [
        "everything was up to date",
        "made: catalog, model",
    ]
    assert bare.rests_beside(bare.current) == []
    assert bare.version is not None
    assert before <= bare.version <= microseconds()


@pytest.mark.usefixtures("watchful")
async def test_a_service_answers_all_the_time_and_follows_by_itself(machine: Machine) -> None:
    """Three states follow one another, so that the tables of the first go while it is asked."""
    prices: list[float] = []
    async with machine.served() as service:
        await ask(service)
        for price in (1, 2, 3):
            machine.set_price(price)
            running = asyncio.create_task(asyncio.to_thread(machine.prepare))
            end = time.monotonic() + WAIT_SECONDS
            while not (running.done() and prices[-1] == price):
                told, _ = await asyncio.gather(price_of_kite(service), ask(service))
                prices.append(told)
                assert time.monotonic() < end
            await running
        assert await ask(service) == await machine.answers()
    assert list(dict.fromkeys(prices)) == [15, 1, 2, 3]
    after_first = prices[prices.index(1) :]
    assert after_first == sorted(after_first)


@pytest.mark.usefixtures("watchful")
async def test_a_replica_fetches_what_is_new_before_it_is_asked(searching: Machine) -> None:
    replica = searching.elsewhere("replica")
    async with replica.served() as service:
        await ask(service)
        searching.set_name("Box kite")
        await asyncio.to_thread(searching.prepare)
        vectors = searching.current.vectors
        await asyncio.to_thread(until, lambda: vectors in replica.copies)
        end = time.monotonic() + WAIT_SECONDS
        while (await service.call(ITEM, KITE))["items"][0]["title"] != "Box kite":
            assert time.monotonic() < end
            await asyncio.sleep(0.05)
        found = await service.call(SEARCH, {"query": "kites like boxes", "k": 1})
        assert found["items"] == [{"item_id": "TOY-02", "title": "Box kite"}]


async def test_a_service_that_has_not_looked_yet_can_still_answer(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its state is the former one; two publications later its tables are gone."""
    monkeypatch.setattr(service_module, "WATCH_SECONDS", 1_000.0)
    async with machine.served() as service:
        before = await ask(service)
        machine.set_name("Box kite")
        machine.prepare()
        assert await ask(service) == before


@pytest.mark.usefixtures("watchful")
async def test_a_service_follows_again_when_the_database_is_back(private: Machine) -> None:
    assert isinstance(private.server, PrivateServer)
    place = rf"the database at 127\.0\.0\.1:{private.server.port}/{private.database} cannot be reached"
    async with private.served() as service:
        before = await ask(service)
        await asyncio.to_thread(private.server.stop)
        await asyncio.sleep(0.5)  # several looks
        with pytest.raises(BackendError, match=place):
            await service.call(LIKE, {"items": ["TOY-02", "TOY-03"]})
        assert (await service.readiness())["database"].startswith("the database at")
        await asyncio.to_thread(private.server.start)
        assert await ask(service) == before
        assert set((await service.readiness()).values()) == {"ok"}
        private.set_name("Box kite")
        await asyncio.to_thread(private.prepare)
        end = time.monotonic() + WAIT_SECONDS
        while (await service.call(ITEM, KITE))["items"][0]["title"] != "Box kite":
            assert time.monotonic() < end
            await asyncio.sleep(0.05)


async def test_a_service_for_which_nothing_is_prepared_says_so_and_answers_when_it_is(bare: Machine) -> None:
    async with bare.elsewhere("replica").served() as service:
        said = rf"^nothing has been prepared in the database at .*/{bare.database}: run `recsys-mcp prepare`$"
        with pytest.raises(NotPreparedError, match=said):
            await service.call(ITEM, KITE)
        bare.prepare()
        assert (await service.call(ITEM, KITE))["items"][0]["title"] == "Kite"


async def test_a_service_prepares_where_nothing_is(bare: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECSYS_DATABASE_URL", bare.server.url(bare.database))
    before = microseconds()
    service = Service(Settings(_env_file=None, dataset=str(bare.dataset), state=bare.folder), prepare_if_needed=True)
    service.start()
    answers = await ask(service)
    await service.close()
    assert bare.version is not None
    assert before <= bare.version <= microseconds()
    assert await bare.answers() == answers


async def test_a_closed_service_has_no_connections(machine: Machine) -> None:
    machine.kill_connections()  # those of preparation, which ends with its process
    async with machine.served() as service:
        await ask(service)
        assert machine.connections
    await asyncio.to_thread(until, lambda: not machine.connections, 10)


async def test_a_service_has_no_more_connections_than_allowed(machine: Machine) -> None:
    settings = Settings(_env_file=None, **machine.values, database_pool_size=2)
    service = Service(settings, prepare_if_needed=False)
    machine.kill_connections()
    users = ["anna", "ben", "chloé", "dev", "eve", "finn", "gus"]
    calls = [service.call(HISTORY, {"user": user}) for user in users]
    calls += [service.call(FILTER, {"price": {"gt": price}}) for price in range(8)]
    await asyncio.gather(*calls)
    n_connections = len(machine.connections)  # pools keep them
    await service.close()
    assert n_connections <= 2


# Replicas


async def test_a_replica_with_an_empty_folder_answers_the_same(searching: Machine) -> None:
    expected = await searching.answers()
    replica = searching.elsewhere("replica")
    assert await replica.answers() == expected
    assert replica.copies == {searching.current.model, searching.current.vectors}
    shutil.rmtree(searching.folder)  # the machine that has prepared is gone
    shutil.rmtree(searching.dataset)
    again = replace(searching.elsewhere("another"), dataset=SHOP)
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


def with_parts_of(kind: str, request: pytest.FixtureRequest) -> Machine:
    """A prepared machine; with search only where that is what is tested, for its files are large."""
    machine: Machine = request.getfixturevalue("searching" if kind == "vectors" else "machine")
    return machine


def corrupt(machine: Machine, kind: str) -> None:
    """The last byte of every file of a part on this machine."""
    (part,) = machine.folder.glob(f"parts/{kind}-*")
    for file in part.rglob("*"):
        if file.is_file() and file.stat().st_size:
            content = bytearray(file.read_bytes())
            content[-1] ^= 0xFF
            file.write_bytes(content)


def empty(machine: Machine, kind: str) -> None:
    """All files of a part."""
    (part,) = machine.folder.glob(f"parts/{kind}-*")
    for file in part.rglob("*"):
        if file.is_file():
            file.write_bytes(b"")


def remove(machine: Machine, kind: str) -> None:
    (part,) = machine.folder.glob(f"parts/{kind}-*")
    shutil.rmtree(part)
    part.mkdir()


@pytest.mark.parametrize(
    ("damage", "kind"),
    [(corrupt, "model"), (empty, "model"), (remove, "model"), (empty, "vectors")],
)
async def test_a_damaged_copy_is_fetched_again(
    request: pytest.FixtureRequest, damage: Callable[[Machine, str], None], kind: str
) -> None:
    replica = with_parts_of(kind, request).elsewhere("replica")
    expected = await replica.answers()
    damage(replica, kind)
    assert await replica.answers() == expected
    damage(replica, kind)
    assert replica.prepare().made == []
    assert await replica.answers() == expected


CHANGED = "UPDATE recsys_files SET content = 'nonsense' WHERE part LIKE %s"
ONE_LOST = "DELETE FROM recsys_files WHERE part LIKE %s LIMIT 1"
ALL_LOST = "DELETE FROM recsys_files WHERE part LIKE %s"


@pytest.mark.parametrize(
    ("kind", "damage"),
    [("model", CHANGED), ("model", ONE_LOST), ("model", ALL_LOST), ("vectors", CHANGED), ("vectors", ONE_LOST)],
    ids=["model-changed", "model-one-lost", "model-all-lost", "vectors-changed", "vectors-one-lost"],
)
async def test_a_damaged_part_in_the_database_is_told_of_and_mended_by_prepare(
    request: pytest.FixtureRequest, kind: str, damage: str
) -> None:
    """The machine that runs it has a good copy."""
    machine = with_parts_of(kind, request)
    expected = await machine.answers()
    machine.query(damage, f"{kind}-%")
    async with machine.elsewhere("replica").served() as service:
        with pytest.raises(RecsysError, match=r"run `recsys-mcp prepare`") as caught:
            await ask(service)
        assert len(str(caught.value).splitlines()) == 1
    assert machine.prepare().made in ([], [kind])
    assert await machine.elsewhere("fresh").answers() == expected


@pytest.mark.parametrize("kind", ["model", "vectors"])
async def test_a_part_damaged_in_the_database_is_made_again_where_there_is_no_copy(
    request: pytest.FixtureRequest, kind: str
) -> None:
    machine = with_parts_of(kind, request)
    expected = await machine.answers()
    machine.query(CHANGED, f"{kind}-%")
    assert machine.elsewhere("mending").prepare().made == [kind]
    assert await machine.elsewhere("fresh").answers() == expected


@pytest.mark.parametrize("table", sorted(OF_A_CATALOGUE))
async def test_a_missing_table_is_made_again(machine: Machine, table: str) -> None:
    expected = await machine.answers()
    name = f"recsys_{machine.current.catalog.removeprefix('catalog-')}_{table}"
    with machine.server.connect(machine.database) as connection, connection.cursor() as cursor:
        cursor.execute("SET foreign_key_checks = 0")
        cursor.execute(f"DROP TABLE {name}")
    async with machine.served() as service:
        with pytest.raises(BackendError, match=r"/recsys_test_\w+ lacks a table: run `recsys-mcp prepare`$"):
            await ask(service)
    assert machine.prepare().made == ["catalog"]
    assert await machine.answers() == expected
    assert machine.rests_beside(machine.current) == []


async def test_a_table_of_item_sets_that_is_missing_is_made_again(machine: Machine) -> None:
    machine.query("DROP TABLE recsys_item_sets_2")
    async with machine.served() as service:
        with pytest.raises(BackendError, match=r"lacks a table: run `recsys-mcp prepare`$"):
            await service.call(FILTER, {"materials": ["wood"]})
        assert machine.prepare().made == []
        assert (await service.call(FILTER, {"materials": ["wood"]}))["item_set"]


def test_an_emptied_database_is_filled_again_without_training(searching: Machine, embedded: list[str]) -> None:
    """What this machine has is only sent."""
    current = searching.current
    searching.server.drop_database(searching.database)
    searching.server.create_database(searching.database)
    assert searching.prepare().made == ["catalog", "vectors", "model"]
    assert embedded == []
    assert searching.current == current
    assert searching.rests_beside(current) == []


def test_a_command_answers_from_the_database(machine: Machine, tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("RECSYS_")}
    env["RECSYS_DATABASE_URL"] = machine.server.url(machine.database)
    command = [sys.executable, "-m", "mcp_server", "call", ITEM, "items=TOY-02", "get=price", "--json"]
    command += ["--state", str(tmp_path / "empty")]
    done = subprocess.run(
        command, env=env, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=120, check=True
    )
    assert json.loads(done.stdout)["items"] == [{"item_id": "TOY-02", "title": "Kite", "price": 15}]
