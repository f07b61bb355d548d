"""`doctor`: what it finds in a state that is well, damaged, foreign or out of reach."""

import contextlib
import json
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_server.cli.doctor import run_doctor
from mcp_server.state.folder import StateFolder
from tests.cli.shop_on_servers import Commands, check_secrets, new_place, place_of
from tests.cli.terminal import Terminal, shop_options
from tests.commands import Ended
from tests.e2e.test_several_processes import Shop
from tests.mariadb import PrivateServer, Server
from tests.vectors.qdrant_over_http import QdrantOverHttp

# A state in a folder


def test_the_doctor_finds_prepared_films_well(terminal: Terminal, films_state: list[object]) -> None:
    findings = {finding["check"]: finding for finding in terminal.run("doctor", "--json", *films_state).json}
    assert {"dataset", "embedder", "state", "catalogue", "model", "vectors", "item sets"} <= findings.keys()
    assert "error" not in {finding["status"] for finding in findings.values()}
    assert "1,682 films, 943 viewers" in findings["catalogue"]["text"]


def test_the_doctor_says_that_nothing_has_been_prepared(terminal: Terminal, tmp_path: Path) -> None:
    ended = terminal.run("doctor", *shop_options(tmp_path / "state"))
    assert ended.code == 1
    assert "Traceback" not in ended.err
    (line,) = [line for line in ended.out.splitlines() if line.startswith("error")]
    assert re.match(r"error +state +nothing has been prepared in .*: run `recsys-mcp prepare`", line)


def test_the_doctor_finds_that_the_state_is_of_another_dataset(terminal: Terminal, shop_state: Path) -> None:
    ended = terminal.run("doctor", "--json", "--dataset", "ml-100k", "--state", shop_state)
    assert ended.code == 1
    errors = [finding["text"] for finding in json.loads(ended.out) if finding["status"] == "error"]
    assert any("corner-shop" in text and "ml-100k" in text for text in errors)


def flip_last_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 0xFF
    path.write_bytes(content)


def test_the_doctor_finds_a_corrupt_model(terminal: Terminal, shop_state: Path) -> None:
    state = StateFolder(shop_state)
    flip_last_byte(state.part(state.manifest().model) / "artifact.safetensors")
    ended = terminal.run("doctor", "--json", *shop_options(shop_state))
    assert ended.code == 1
    errors = [finding for finding in json.loads(ended.out) if finding["status"] == "error"]
    assert [finding["check"] for finding in errors] == ["model"]
    assert "artifact.safetensors has changed" in errors[0]["text"]


# A state in a database and in Qdrant


ALL_WELL = {
    "versions",
    "dataset",
    "disk",
    "embedder",
    "qdrant",
    "state",
    "catalogue",
    "model",
    "age",
    "vectors",
    "item sets",
    "sources",
    "products",
    "customers",
    "purchases",
    "reading",
    "language",
    "cost",
}


def test_the_doctor_finds_everything_well(commands: Commands, remote_shop: Shop) -> None:
    findings = {finding["check"]: finding for finding in commands.run("doctor", "--json").json}
    assert set(findings) == ALL_WELL
    assert [name for name, finding in findings.items() if finding["status"] == "error"] == []
    assert f"database at {place_of(remote_shop)}" in findings["state"]["text"]
    assert remote_shop.variables["RECSYS_QDRANT_URL"] in findings["qdrant"]["text"]
    assert "version 1.16.0" in findings["qdrant"]["text"]
    assert "12 products, 8 customers" in findings["catalogue"]["text"]
    assert re.fullmatch(
        r"data read \d+ min ago; model trained \d+ min ago on (\d+) of \1 purchases", findings["age"]["text"]
    )
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


def closed_port() -> int:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def test_the_doctor_finds_what_is_away_or_refuses_or_is_empty(
    remote_shop: Shop,
    preparations: list[Ended],
    examine: Examine,
    private_server: PrivateServer,
    qdrant: QdrantOverHttp,
) -> None:
    nowhere = f"http://127.0.0.1:{closed_port()}"
    found = errors(examine(remote_shop, RECSYS_QDRANT_URL=nowhere))
    assert set(found) == {"qdrant", "vectors"}
    assert all(f"Qdrant at {nowhere} cannot be reached" in text for text in found.values())
    for key, said in (("", "wants an API key"), ("another-key", "refuses the API key")):
        found = errors(examine(remote_shop, RECSYS_QDRANT_API_KEY=key))
        assert set(found) == {"qdrant", "vectors"}  # though its version a Qdrant tells everyone
        assert all(said in text for text in found.values())
        assert not any("another-key" in text for text in found.values())
    found = errors(examine(remote_shop, RECSYS_DATABASE_PASSWORD="wrong-word"))
    assert set(found) == {"state"}
    assert f"the database at {place_of(remote_shop)} refuses the user or the password" in found["state"]
    found = errors(examine(remote_shop, RECSYS_DATABASE_URL="postgresql://horatio:wrong-word@127.0.0.1/recsys_shop"))
    assert set(found) == {"settings"}
    assert "MySQL and MariaDB are supported" in found["settings"]
    found = errors(examine(remote_shop, **new_place(private_server, qdrant)))
    assert set(found) == {"state"}
    assert re.match(r"nothing has been prepared in the database at 127.*: run `recsys-mcp prepare`$", found["state"])
    private_server.stop()
    try:
        found = errors(examine(remote_shop))
    finally:
        private_server.start()
    assert set(found) == {"state"}
    assert f"the database at {place_of(remote_shop)} cannot be reached" in found["state"]
    assert errors(examine(remote_shop)) == {}


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
    own: Shop, examine: Examine, private_server: PrivateServer, qdrant: QdrantOverHttp
) -> None:
    """What is said to be wrong leads to what has to be made again."""
    client = qdrant.client
    prefix = own.variables["RECSYS_QDRANT_COLLECTION"]
    (collection,) = (each.name for each in client.get_collections().collections if each.name.startswith(prefix))

    def drop(ending: str) -> Callable[[], None]:
        return lambda: statement(own, private_server, f"DROP TABLE `{table(own, private_server, ending)}`")

    def lose_a_product() -> None:
        statement(own, private_server, f"DELETE FROM `{table(own, private_server, '_items')}` LIMIT 1")

    def name_another_model() -> None:
        client.update_collection(collection, metadata={"embedding_model": "another-model"})

    for damage, check, said, made in (
        (drop("_items"), "catalogue", "lacks a table: run `recsys-mcp prepare`", ["catalog"]),
        (lose_a_product, "catalogue", "has lost items: run `recsys-mcp prepare`", ["catalog"]),
        (drop("recsys_item_sets_3"), "item sets", "lacks a table: run `recsys-mcp prepare`", []),
        (lambda: client.delete(collection, [0, 1]), "vectors", "holds 10 points instead of 12", ["vectors"]),
        (name_another_model, "vectors", "was made with another-model instead of bundled-minilm", ["vectors"]),
        (lambda: client.delete_collection(collection), "vectors", "run `recsys-mcp prepare`", ["vectors"]),
    ):
        damage()
        found = errors(examine(own))
        assert {check} <= set(found) <= {check, "vectors"}  # search needs the catalogue, too
        assert said in found[check]
        assert own.prepare() == made
    assert errors(examine(own)) == {}
