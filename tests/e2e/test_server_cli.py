"""The commands where the state is in a database and in Qdrant: what they make, what they find, what they say."""

import asyncio
import contextlib
import json
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from mcp_server.cli.doctor import run_doctor
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from tests.e2e.test_cli import Ended, Terminal, larger_shop, says_something
from tests.e2e.test_several_processes import Shop, open_shop
from tests.mariadb import MISSING, PASSWORD, PrivateServer, Server, installed
from tests.names import HISTORY, RECOMMEND, SEARCH
from tests.running_servers import PATIENCE_SECONDS, own_environment
from tests.vectors.qdrant_over_http import QdrantOverHttp

__all__ = ["larger_shop"]  # a fixture

pytestmark = pytest.mark.skipif(not installed(), reason=MISSING)

DATABASE_USER, KEY = "horatio", "a-key-that-nobody-guesses"

SECRETS = [DATABASE_USER, PASSWORD, quote(PASSWORD, safe=""), KEY]

ALL_WELL = {"versions", "dataset", "disk", "embedder", "qdrant", "state", "catalogue", "model", "vectors", "item sets"}


@pytest.fixture(scope="module")
def database() -> Iterator[PrivateServer]:
    with PrivateServer() as server:
        root = Server(server.host, server.port, "root", "")
        root.query(f"CREATE USER {DATABASE_USER} IDENTIFIED BY %s", PASSWORD)
        root.query(f"GRANT ALL ON `recsys%`.* TO {DATABASE_USER}")
        yield server


@pytest.fixture(scope="module")
def qdrant() -> Iterator[QdrantOverHttp]:
    with QdrantOverHttp(api_key=KEY) as server:
        yield server


def closed_port() -> int:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def new_place(database: Server, qdrant: QdrantOverHttp) -> dict[str, str]:
    """Settings that name a database with nothing in it, and collections of its own."""
    return {
        "RECSYS_DATABASE_URL": database.url(database.create_database(), user=DATABASE_USER, password=""),
        "RECSYS_DATABASE_PASSWORD": PASSWORD,
        "RECSYS_QDRANT_URL": qdrant.url,
        "RECSYS_QDRANT_API_KEY": KEY,
        "RECSYS_QDRANT_COLLECTION": f"shop-{secrets.token_hex(4)}",
    }


def place_of(shop: Shop) -> str:
    """Its database, as people are told of it."""
    return shop.variables["RECSYS_DATABASE_URL"].rpartition("@")[2]


def options(shop: Shop) -> list[object]:
    return ["--dataset", shop.dataset, "--state", shop.folder]


def check_secrets(*texts: str) -> None:
    for text in texts:
        assert not [secret for secret in SECRETS if secret in text]


class Commands:
    """Runs commands for a shop, and sees to it that they tell no secrets."""

    def __init__(self, terminal: Terminal, shop: Shop) -> None:
        self._terminal, self._shop = terminal, shop

    def run(self, *words: object, **variables: str) -> Ended:
        ended = self._terminal.run(*words, *options(self._shop), **{**self._shop.variables, **variables})
        check_secrets(ended.out, ended.err)
        assert "Traceback" not in ended.err, ended.err
        return ended

    def refused(self, *words: object, **variables: str) -> str:
        """What is said in one line on stderr, with exit code 2."""
        ended = self.run(*words, **variables)
        assert (ended.code, ended.out) == (2, "")
        (line,) = ended.err.splitlines()
        assert line.startswith("recsys-mcp: ")
        return line.removeprefix("recsys-mcp: ")


@pytest.fixture(scope="module")
def shop(
    database: PrivateServer, qdrant: QdrantOverHttp, tmp_path_factory: pytest.TempPathFactory, shop_settings: Settings
) -> Shop:
    """With nothing prepared."""
    folder = tmp_path_factory.mktemp("shop")
    return open_shop(folder, shop_settings, new_place(database, qdrant), prepared=False)


@pytest.fixture(scope="module")
def preparations(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> list[Ended]:
    """What the command says the first time, and the second."""
    commands = Commands(Terminal(tmp_path_factory.mktemp("here")), shop)
    return [commands.run("prepare"), commands.run("prepare")]


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    (tmp_path / "here").mkdir()
    return Terminal(tmp_path / "here")


@pytest.fixture
def commands(shop: Shop, preparations: list[Ended], terminal: Terminal) -> Commands:
    """For the shop, which has been prepared."""
    assert [ended.code for ended in preparations] == [0, 0]
    return Commands(terminal, shop)


@pytest.fixture
def own(database: PrivateServer, qdrant: QdrantOverHttp, tmp_path: Path, shop_settings: Settings) -> Shop:
    """A shop of the test's own, prepared."""
    return open_shop(tmp_path, shop_settings, new_place(database, qdrant))


@pytest.fixture
def plain(database: PrivateServer, qdrant: QdrantOverHttp, tmp_path: Path, shop_settings: Settings) -> Shop:
    """The same without search, which takes less time."""
    return open_shop(tmp_path, shop_settings, new_place(database, qdrant), searchable=False)


# Preparing


def test_prepare_tells_what_it_does_and_where(shop: Shop, preparations: list[Ended]) -> None:
    first, second = preparations
    assert (first.code, first.out) == (second.code, second.out) == (0, "")
    for step in ("Reading the dataset", "Loading the catalogue", "Embedding texts", "Indexing vectors"):
        assert f"{step}: done in " in first.err
        assert step not in second.err
    assert "corner-shop is ready (made: catalog, vectors, model; " in first.err
    assert "corner-shop is ready (everything was up to date; " in second.err
    for said in (first.err, second.err):
        assert "12 products, 8 customers, 23 purchases" in said
        assert f"database at {place_of(shop)}, files in {shop.folder}" in " ".join(said.split())


# Using


def test_call_answers_from_the_servers(commands: Commands, qdrant: QdrantOverHttp) -> None:
    n_requests = len(qdrant.requests)
    found = commands.run("call", SEARCH, "query=a can for watering plants", "k=1", "--json")
    assert found.json["items"] == [{"item_id": "GAR-02", "title": "Watering can"}]
    assert any(request.endswith("/points/query") for request in qdrant.requests[n_requests:])


def test_call_says_in_one_line_that_the_database_is_away(
    commands: Commands, shop: Shop, database: PrivateServer
) -> None:
    database.stop()
    try:
        refused = commands.refused("call", HISTORY, "user=anna")
    finally:
        database.start()
    assert refused.startswith(f"the database at {place_of(shop)} cannot be reached")


def test_the_demo_asks_the_servers(plain: Shop, terminal: Terminal) -> None:
    answers = Commands(terminal, plain).run("demo", "--json").json
    assert len(answers) >= 4
    assert any("customer anna" in answer["ask"] for answer in answers)
    assert all(says_something(call["result"]) for answer in answers for call in answer["calls"])


# Looking


def test_the_doctor_finds_everything_well(commands: Commands, shop: Shop) -> None:
    findings = {finding["check"]: finding for finding in commands.run("doctor", "--json").json}
    assert set(findings) == ALL_WELL
    assert [name for name, finding in findings.items() if finding["status"] == "error"] == []
    assert f"database at {place_of(shop)}" in findings["state"]["text"]
    assert shop.variables["RECSYS_QDRANT_URL"] in findings["qdrant"]["text"]
    assert "version 1.16.0" in findings["qdrant"]["text"]
    assert "12 products, 8 customers" in findings["catalogue"]["text"]
    assert "12 products can be found" in findings["vectors"]["text"]


Findings = dict[str, tuple[str, str]]
"""Status and text by check."""

Examine = Callable[..., Findings]


@pytest.fixture
def examine(capsys: pytest.CaptureFixture[str]) -> Examine:
    """What the doctor finds; run in this process."""

    def look(shop: Shop, **changes: str) -> Findings:
        settings = Shop(shop.dataset, shop.folder, {**shop.variables, **changes}).settings
        capsys.readouterr()
        well = run_doctor(settings, as_json=True)
        said = capsys.readouterr().out
        check_secrets(said)
        found = {each["check"]: (each["status"], each["text"]) for each in json.loads(said)}
        assert well == (not errors(found))
        return found

    return look


def errors(findings: Findings) -> dict[str, str]:
    """Their texts by check."""
    return {check: text for check, (status, text) in findings.items() if status == "error"}


def test_the_doctor_finds_what_is_away_or_refuses_or_is_empty(
    shop: Shop, preparations: list[Ended], examine: Examine, database: PrivateServer, qdrant: QdrantOverHttp
) -> None:
    nowhere = f"http://127.0.0.1:{closed_port()}"
    found = errors(examine(shop, RECSYS_QDRANT_URL=nowhere))
    assert set(found) == {"qdrant", "vectors"}
    assert all(f"Qdrant at {nowhere} cannot be reached" in text for text in found.values())
    for key, said in (("", "wants an API key"), ("another-key", "refuses the API key")):
        found = errors(examine(shop, RECSYS_QDRANT_API_KEY=key))
        assert set(found) == {"qdrant", "vectors"}  # though its version a Qdrant tells everyone
        assert all(said in text for text in found.values())
        assert not any("another-key" in text for text in found.values())
    found = errors(examine(shop, RECSYS_DATABASE_PASSWORD="wrong-word"))
    assert set(found) == {"state"}
    assert f"the database at {place_of(shop)} refuses the user or the password" in found["state"]
    found = errors(examine(shop, RECSYS_DATABASE_URL="postgresql://horatio:wrong-word@127.0.0.1/recsys_shop"))
    assert set(found) == {"settings"}
    assert "MySQL and MariaDB are supported" in found["settings"]
    found = errors(examine(shop, **new_place(database, qdrant)))
    assert set(found) == {"state"}
    assert re.match(r"nothing has been prepared in the database at 127.*: run `recsys-mcp prepare`$", found["state"])
    database.stop()
    try:
        found = errors(examine(shop))
    finally:
        database.start()
    assert set(found) == {"state"}
    assert f"the database at {place_of(shop)} cannot be reached" in found["state"]
    assert errors(examine(shop)) == {}


def statement(shop: Shop, database: Server, *statements: str) -> None:
    name = place_of(shop).rpartition("/")[2]
    with contextlib.closing(database.connect(name)) as connection, connection.cursor() as cursor:
        for each in ("SET SESSION foreign_key_checks = 0", *statements):
            cursor.execute(each)


def table(shop: Shop, database: Server, ending: str) -> str:
    name = place_of(shop).rpartition("/")[2]
    tables = [str(table) for (table,) in database.query("SHOW TABLES", database=name)]
    (found,) = (table for table in tables if table.endswith(ending))
    return found


def test_the_doctor_finds_damages_which_preparing_mends(
    own: Shop, examine: Examine, database: PrivateServer, qdrant: QdrantOverHttp
) -> None:
    """What is said to be wrong leads to what has to be made again."""
    client = qdrant.client
    prefix = own.variables["RECSYS_QDRANT_COLLECTION"]
    (collection,) = (each.name for each in client.get_collections().collections if each.name.startswith(prefix))

    def drop(ending: str) -> Callable[[], None]:
        return lambda: statement(own, database, f"DROP TABLE `{table(own, database, ending)}`")

    def lose_a_product() -> None:
        statement(own, database, f"DELETE FROM `{table(own, database, '_items')}` LIMIT 1")

    def name_another_model() -> None:
        client.update_collection(collection, metadata={"embedding_model": "another-model"})

    for damage, check, said, made in (
        (drop("_items"), "catalogue", "lacks a table: run `recsys-mcp prepare`", ["catalog"]),
        (lose_a_product, "catalogue", "has lost rows: run `recsys-mcp prepare`", ["catalog"]),
        (drop("recsys_item_sets_2"), "item sets", "lacks a table: run `recsys-mcp prepare`", []),
        (lambda: client.delete(collection, [0, 1]), "vectors", "holds 10 points instead of 12", ["vectors"]),
        (name_another_model, "vectors", "was made with another-model instead of bundled-minilm", ["vectors"]),
        (lambda: client.delete_collection(collection), "vectors", "run `recsys-mcp prepare`", ["vectors"]),
    ):
        damage()
        found = errors(examine(own))
        assert set(found) == {check}
        assert said in found[check]
        assert own.prepare() == made
    assert errors(examine(own)) == {}


# Training and evaluating


async def recommended(shop: Shop) -> list[dict[str, Any]]:
    service = Service(shop.settings, prepare_if_needed=False)
    try:
        items: list[dict[str, Any]] = (await service.call(RECOMMEND, {"user": "anna"}))["items"]
        return items
    finally:
        await service.close()


def test_train_serves_another_model_from_the_database(
    plain: Shop, terminal: Terminal, examine: Examine, tmp_path: Path
) -> None:
    """On other machines too; and preparing keeps it."""
    before = asyncio.run(recommended(plain))
    trained = Commands(terminal, plain).run("train", "--model", "BPR", "--set", "epochs=2", "--set", "embedding_size=8")
    assert (trained.code, trained.out) == (0, "")
    assert "made: model;" in trained.err
    assert f"database at {place_of(plain)}" in " ".join(trained.err.split())
    assert plain.prepare() == []
    elsewhere = Shop(plain.dataset, tmp_path / "elsewhere", plain.variables)
    after = asyncio.run(recommended(elsewhere))
    assert len(after) == len(before) == 5
    assert after != before
    status, text = examine(elsewhere)["model"]
    assert status == "ok"
    assert text.startswith("BPR")


def test_evaluate_changes_nothing_on_the_servers(
    plain: Shop, terminal: Terminal, database: PrivateServer, qdrant: QdrantOverHttp, larger_shop: Path, tmp_path: Path
) -> None:
    name = place_of(plain).rpartition("/")[2]
    before = database.query("CHECKSUM TABLE recsys_state, recsys_parts, recsys_files", database=name)
    n_requests = len(qdrant.requests)
    shop = Shop(larger_shop, tmp_path / "elsewhere", plain.variables)
    ended = Commands(terminal, shop).run("evaluate", "--models", "ItemKNN")
    assert ended.code == 0, ended.err
    report = json.loads((tmp_path / "elsewhere" / "evaluation.json").read_text(encoding="utf-8"))
    assert [model["model"] for model in report["models"]] == ["ItemKNN"]
    assert database.query("CHECKSUM TABLE recsys_state, recsys_parts, recsys_files", database=name) == before
    assert len(qdrant.requests) == n_requests


# Serving


def test_help_names_the_settings_of_serving(terminal: Terminal) -> None:
    ended = terminal.run("serve", "--help", COLUMNS="200", TERM="dumb")
    assert ended.code == 0
    named = set(re.findall(r"RECSYS_([A-Z_]+)", ended.out))
    assert {name.lower() for name in named} <= set(Settings.model_fields)
    assert named >= {
        "TRANSPORT",
        "HOST",
        "PORT",
        "PATH_PREFIX",
        "STATELESS",
        "ALLOW_ANONYMOUS",
        "TOKENS",
        "TOKENS_FILE",
        "ALLOWED_HOSTS",
        "DATASET",
        "STATE",
        "DATA",
    }


def refused_to_serve(shop: Shop, **variables: str) -> str:
    """What `serve` says in one line that does not start."""
    settings = {**shop.variables, "RECSYS_TRANSPORT": "http", "RECSYS_PORT": "0", **variables}
    process = subprocess.Popen(
        [sys.executable, "-m", "mcp_server", "serve", *map(str, options(shop))],
        env=own_environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stderr is not None
    said = process.stderr.readline()
    if "listening on" in said:
        process.terminate()
    out, rest = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out) == (2, ""), said
    (line,) = (said + rest).splitlines()
    assert line.startswith("recsys-mcp: ")
    check_secrets(line)
    return line


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("RECSYS_TRANSPORT", "carrier-pigeon", "RECSYS_TRANSPORT"),
        ("RECSYS_TOKENS", "too-short-a-one", "token 1 of RECSYS_TOKENS is shorter than 16 characters"),
        ("RECSYS_MAX_CALLS", "0", "RECSYS_MAX_CALLS"),
        ("RECSYS_PORT", "abc", "RECSYS_PORT"),
        ("RECSYS_CALL_TIMEOUT", "0", "RECSYS_CALL_TIMEOUT"),
        ("RECSYS_DATABASE_POOL_SIZE", "0", "RECSYS_DATABASE_POOL_SIZE"),
        ("RECSYS_DATABASE_URL", f"postgres://{DATABASE_USER}:{KEY}@127.0.0.1/shop", "RECSYS_DATABASE_URL"),
        ("RECSYS_DATABASE_CA", "/nowhere/ca.pem", "RECSYS_DATABASE_TLS"),
        ("RECSYS_QDRANT_URL", f"ftp://{KEY}@127.0.0.1", "RECSYS_QDRANT_URL"),
        ("RECSYS_QDRANT_COLLECTION", "a name", "RECSYS_QDRANT_COLLECTION"),
    ],
)
def test_what_cannot_be_served_is_refused(
    shop: Shop, preparations: list[Ended], name: str, value: str, said: str
) -> None:
    line = refused_to_serve(shop, **{name: value})
    assert said in line
    assert "too-short-a-one" not in line


def test_a_port_in_use_is_refused(shop: Shop, preparations: list[Ended]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} of 127.0.0.1 is in use" in refused_to_serve(shop, RECSYS_PORT=str(port))
