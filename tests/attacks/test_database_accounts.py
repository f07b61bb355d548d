"""The two accounts that docker/mysql-accounts.sh makes: each does its work, and a server that has been taken over can
write nothing but item sets.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pymysql
import pytest
from pydantic import SecretStr
from rich.console import Console

from mcp_server.catalog.item_sets import _sets
from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from tests.conftest import SHOP
from tests.mariadb import MISSING, PrivateServer, Server, installed
from tests.names import FILTER, ITEM

SCRIPT = Path(__file__).parents[2] / "docker" / "mysql-accounts.sh"
CLIENT = shutil.which("mysql")

pytestmark = [
    pytest.mark.skipif(not installed(), reason=MISSING),
    pytest.mark.skipif(CLIENT is None, reason="no client of MySQL or MariaDB"),
]

PRODUCTS = SHOP / "products.csv"
PASSWORDS = {"recsys_prepare_password": "a-1", "recsys_serve_password": "b-2", "mysql_root_password": "c-3"}


@dataclass(frozen=True)
class Setup:
    """A server whose root has a password, and what the script finds in its container."""

    server: PrivateServer
    folder: Path

    def run(self, **passwords: str) -> "subprocess.CompletedProcess[str]":
        """The script, with secrets of these words."""
        for name, word in {**PASSWORDS, **passwords}.items():
            (self.folder / name).write_text(f"{word}\n", encoding="ascii")
        client = self.folder / "mysql"
        client.write_text(f'#!/bin/sh\nexec {CLIENT} --no-defaults --socket="{self.server.socket}" "$@"\n')
        client.chmod(0o755)
        variables = {"PATH": f"{self.folder}:{os.environ['PATH']}", "SECRETS": str(self.folder)}
        return subprocess.run(["sh", SCRIPT], env=variables, capture_output=True, text=True, check=False)

    def account(self, user: str, password: str) -> Server:
        return Server(self.server.host, self.server.port, user, password)


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    with PrivateServer() as server:
        root = Server(server.host, server.port, "root", "")
        root.query("CREATE DATABASE recsys CHARACTER SET utf8mb4")  # as MySQL's image does before it runs the script
        root.query("ALTER USER root@localhost IDENTIFIED BY 'c-3'")
        made = Setup(server, tmp_path_factory.mktemp("run-secrets"))
        done = made.run()
        assert done.returncode == 0, done.stderr
        yield made


@pytest.fixture(scope="module")
def prepared(setup: Setup, shop_settings: Settings) -> Settings:
    """The corner shop, loaded by the account of the preparation."""
    url = setup.account("recsys_prepare", "a-1").url("recsys")
    values = {**shop_settings.model_dump(exclude_unset=True), "database_url": SecretStr(url)}
    settings = Settings(**values)
    prepare_with_progress(settings, Console(stderr=True))
    return settings


async def test_a_server_answers_and_keeps_item_sets_with_its_own_account(setup: Setup, prepared: Settings) -> None:
    url = SecretStr(setup.account("recsys_serve", "b-2").url("recsys"))
    service = Service(prepared.model_copy(update={"database_url": url}), prepare_if_needed=False)
    try:
        found = await service.call(FILTER, {"department": ["Kitchen"]})
        again = await service.call(ITEM, {"item_set": found["item_set"], "get": "name"})
        assert len(again["items"]) == sum("Kitchen" in line for line in PRODUCTS.read_text().splitlines()) > 0
    finally:
        await service.close()


@pytest.mark.usefixtures("prepared")
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM recsys_state",
        "UPDATE recsys_state SET content = '{}'",
        "INSERT INTO recsys_parts VALUES ('x', 1, '')",
        "DROP TABLE recsys_files",
        "DROP TABLE recsys_item_sets_3",
        "ALTER TABLE recsys_item_sets_3 ADD COLUMN more INT",
        "CREATE TABLE recsys_more (id INT)",
        "CREATE DATABASE more",
        "SELECT * FROM mysql.user",
        "CREATE USER more",
        "SELECT 1 INTO OUTFILE '/tmp/recsys-more'",
    ],
)
def test_a_server_that_was_taken_over_can_do_no_more(setup: Setup, statement: str) -> None:
    with pytest.raises(pymysql.MySQLError, match=r"(?i)denied"):
        setup.account("recsys_serve", "b-2").query(statement, database="recsys")


@pytest.mark.usefixtures("prepared")
@pytest.mark.parametrize("statement", ["SELECT * FROM mysql.user", "CREATE DATABASE more", "CREATE USER more"])
def test_the_preparation_has_its_database_and_no_other(setup: Setup, statement: str) -> None:
    with pytest.raises(pymysql.MySQLError, match=r"(?i)denied"):
        setup.account("recsys_prepare", "a-1").query(statement, database="recsys")


def test_run_again_it_changes_passwords_and_keeps_rights(setup: Setup) -> None:
    before = setup.account("recsys_serve", "b-2").query("SHOW GRANTS")
    assert setup.run(recsys_serve_password="b-3").returncode == 0
    assert not setup.account("recsys_serve", "b-2").answers()
    after = setup.account("recsys_serve", "b-3").query("SHOW GRANTS")
    assert [re.sub("'[*][0-9A-F]+'", "", str(row)) for row in after] == [
        re.sub("'[*][0-9A-F]+'", "", str(row)) for row in before
    ]
    assert setup.run().returncode == 0


@pytest.mark.parametrize("word", ["", "x'; DROP DATABASE recsys; --", "a\\b", "$(id)"])
def test_a_password_that_would_be_sql_is_refused(setup: Setup, word: str) -> None:
    done = setup.run(recsys_serve_password=word)
    assert done.returncode == 1
    assert "recsys_serve_password must be of letters" in done.stderr
    assert setup.account("recsys_serve", "b-2").answers()


def test_the_script_names_the_table_of_item_sets() -> None:
    assert f"ON recsys.{_sets.name} TO" in SCRIPT.read_text(encoding="ascii")
    deploy = (SCRIPT.parents[1] / "docs" / "deploy.md").read_text(encoding="utf-8")
    assert f"ON recsys.{_sets.name} TO" in deploy
