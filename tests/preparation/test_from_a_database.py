"""A shop whose rows come from a database: prepared, served, and prepared again."""

import csv
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mcp_server.dataset.spec import load_spec
from mcp_server.settings import Settings
from tests.conftest import SHOP
from tests.preparation.shops import Prepared, answers

TABLES = ("products", "customers", "purchases")


@pytest.fixture
def stored(prepared: Prepared, tmp_path: Path) -> Prepared:
    """The searchable shop, whose files have become tables."""
    database = tmp_path / "shop.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        for table in TABLES:
            with (SHOP / f"{table}.csv").open(encoding="utf-8", newline="") as stream:
                header, *rows = csv.reader(stream)
            connection.execute(f"CREATE TABLE {table} ({', '.join(header)})")
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(header))})", rows)
    folder = tmp_path / "from-a-database"
    folder.mkdir()
    declared = (prepared.dataset / "dataset.yaml").read_text(encoding="utf-8")
    for table in TABLES:
        assert f"{{file: {table}.csv, format: delimited}}" in declared
        declared = declared.replace(
            f"{{file: {table}.csv, format: delimited}}", f'{{from: shop, query: "SELECT * FROM {table}"}}'
        )
    (folder / "dataset.yaml").write_text(declared, encoding="utf-8")
    shutil.copytree(prepared.settings.state_folder, tmp_path / "state")
    return Prepared(
        folder, Settings(dataset=str(folder), state=tmp_path / "state", sources={"shop": f"sqlite:///{database}"})
    )


async def test_rows_of_a_database_are_served_like_those_of_files(prepared: Prepared, stored: Prepared) -> None:
    stored.prepare()
    assert await answers(stored) == await answers(prepared)


def test_nothing_is_made_again_for_a_database_that_has_not_changed(stored: Prepared) -> None:
    stored.prepare()
    assert stored.prepare().made == []


def test_a_manifest_keeps_what_a_dataset_declares_and_no_address(stored: Prepared) -> None:
    stored.prepare()
    assert stored.state.manifest().spec == load_spec(stored.dataset / "dataset.yaml")
    assert "sqlite://" not in stored.state.manifest_file.read_text(encoding="utf-8")
