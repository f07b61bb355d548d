"""Machines that share a database, for tests of preparing there."""

import contextlib
import multiprocessing
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pymysql
from rich.console import Console

from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.dataset.spec import ModelSpec
from mcp_server.preparation.prepare import Outcome, Wish
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.sql.mysql_address import MysqlAddress
from mcp_server.state.database import StateDatabase
from mcp_server.state.folder import StateFolder
from mcp_server.state.manifest import Manifest
from tests.mariadb import Server
from tests.names import FILTER, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, SEARCH

WAIT_SECONDS = 60
"""Time in which something must happen. A test that waits so long has failed."""

TABLES_OF_A_STATE = {"recsys_state", "recsys_parts", "recsys_files", "recsys_item_sets_3"}

TABLES_OF_A_CATALOGUE = {"items", "terms", "item_terms", "users", "interactions", "segments", "arrays"}

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
        """Values of the settings."""
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
        """Change the price of the kite, for which only the catalogue is made again."""
        path = self.dataset / "products.csv"
        changed = re.sub(r"^(TOY-02,.*),\d+,3$", rf"\g<1>,{price},3", path.read_text("utf-8"), flags=re.MULTILINE)
        path.write_text(changed, encoding="utf-8")

    def set_name(self, name: str) -> None:
        """Change the name of the kite, for which catalogue and vectors are made again."""
        path = self.dataset / "products.csv"
        changed = re.sub(r"^TOY-02,[^,]*,", f"TOY-02,{name},", path.read_text("utf-8"), flags=re.MULTILINE)
        path.write_text(changed, encoding="utf-8")

    def prepare(self, model: ModelSpec | None = None) -> Outcome:
        """Prepare to the end, in this process."""
        return prepare_with_progress(self.settings, Console(stderr=True), Wish(model))

    @contextlib.contextmanager
    def store(self) -> Iterator[StateDatabase]:
        opened = StateDatabase(MysqlAddress.from_settings(self.settings), StateFolder(self.folder))
        yield opened
        opened.close()

    @property
    def manifest(self) -> Manifest:
        with self.store() as store:
            return store.manifest()

    @property
    def version(self) -> int | None:
        with self.store() as store:
            return store.version()

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
        """The answers of a newly started service."""
        async with self.served() as service:
            return await ask(service)

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

    def leftovers(self, *states: Manifest) -> list[str]:
        """Things in the database and in the folder that are not parts of these states, and parts that are missing."""
        catalogs, files = {state.catalog for state in states}, {state.model for state in states}
        local = {state.vectors for state in states if state.vectors}
        tables = TABLES_OF_A_STATE | {
            f"recsys_{catalog.removeprefix('catalog-')}_{table}"
            for catalog in catalogs
            for table in TABLES_OF_A_CATALOGUE
        }
        found = {
            "table": (self.tables, tables),
            "part": ({name for (name,) in self.query("SELECT name FROM recsys_parts")}, catalogs | files),
            "files": ({name for (name,) in self.query("SELECT DISTINCT part FROM recsys_files")}, files),
            "copy": (self.copies, (self.copies & files) | local),
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
    """Ask every backend something."""
    found = [
        await service.call(RECOMMEND, {"user": "anna", "k": 20, "reasons": True, "detail": "full"}),
        await service.call(ITEM, {"items": ["TOY-02", "KIT-01"], "get": ["materials", "price", "stock"]}),
        await service.call(FILTER, {"materials": ["wood", "steel"], "match": "any"}),
        await service.call(HISTORY, {"user": "ben"}),
        await service.call(LIKE, {"items": ["TOY-01", "KIT-01"]}),
        await service.call(POPULAR, {"user_group": ["gold"]}),
    ]
    if SEARCH in service.tools:
        found.append(await service.call(SEARCH, {"query": "something to play with", "k": 20}))
    return found


async def price_of_kite(service: Service) -> float:
    return float((await service.call(ITEM, KITE))["items"][0]["price"])
