"""Databases as sources: results arrive exactly, nothing is written, and errors say what to do without a secret."""

import csv
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mcp_server.dataset.records import NO_TIME
from mcp_server.errors import DatasetError, UnwritableError
from mcp_server.reading import databases
from mcp_server.reading.databases import Databases
from mcp_server.reading.files import DatasetFiles
from tests.mariadb import Server
from tests.postgresql import PrivatePostgres
from tests.reading.records import as_dicts, read_dataset

COLUMNS = "information_schema.columns"
"""A view that every server has, with some thousand rows."""

BACKENDS = ("mysql", "postgresql", "sqlite")


@dataclass
class Source:
    """A database of a test, as its owner sees it."""

    url: str
    execute: Any

    def table(self, name: str, columns: str, rows: Sequence[Sequence[object]]) -> None:
        self.execute(f"CREATE TABLE {name} ({columns})")
        for row in rows:
            values = ", ".join("NULL" if value is None else "'" + str(value).replace("'", "''") + "'" for value in row)
            self.execute(f"INSERT INTO {name} VALUES ({values})")


@pytest.fixture(params=BACKENDS)
def source(request: pytest.FixtureRequest) -> Iterator[Source]:
    yield request.getfixturevalue(f"{request.param}_source")


@pytest.fixture
def mysql_source(database_server: Server) -> Iterator[Source]:
    name = database_server.create_database()
    yield Source(
        database_server.url(name).replace("+aiomysql", ""),
        lambda statement: database_server.query(statement, database=name),
    )
    database_server.drop_database(name)


@pytest.fixture
def postgresql_source(postgres: PrivatePostgres) -> Source:
    postgres.query("DROP SCHEMA public CASCADE")
    postgres.query("CREATE SCHEMA public")
    return Source(postgres.url(), postgres.query)


@pytest.fixture
def sqlite_source(tmp_path: Path) -> Source:
    path = tmp_path / "shop.db"

    def execute(statement: str) -> list[Any]:
        with sqlite3.connect(path) as connection:
            return connection.execute(statement).fetchall()

    execute("PRAGMA user_version")
    path.touch()
    return Source(f"sqlite:///{path}", execute)


def fetch(url: str, query: str, folder: Path) -> list[list[str]]:
    """Rows of a result as they are written, with the header."""
    target = folder / "result.csv"
    Databases({"shop": url}).fetch("shop", query, target)
    with target.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def refusal(url: str, query: str, folder: Path) -> str:
    with pytest.raises(DatasetError) as refused:
        fetch(url, query, folder)
    assert "\n" not in str(refused.value)
    return str(refused.value)


# Values


def test_texts_arrive_exactly(source: Source, tmp_path: Path) -> None:
    texts = ["a, \"b\" 'c'\r\nd\n", "100% %s %(x)s :name ? $1", "Ünïcode 🎬 漢字", "", " blank "]
    source.table("t", "id INTEGER, name VARCHAR(200)", list(enumerate(texts)))
    _, *rows = fetch(source.url, "SELECT id, name FROM t WHERE name <> '12:30 %' ORDER BY id", tmp_path)
    assert rows == [[str(number), text] for number, text in enumerate(texts)]


def test_unknown_values_are_no_empty_texts(source: Source, tmp_path: Path) -> None:
    source.table("t", "id INTEGER, name VARCHAR(200)", [(1, None), (2, "")])
    fetch(source.url, "SELECT id, name FROM t ORDER BY id", tmp_path)
    assert (tmp_path / "result.csv").read_text().replace('"1"', "1").replace('"2"', "2") == '"id","name"\n1,\n2,""\n'


def test_values_of_mysql(mysql_source: Source, tmp_path: Path) -> None:
    """Each value beside the text that the server itself makes of it."""
    values = {
        "a": ("BIGINT UNSIGNED", "18446744073709551615"),
        "b": ("DECIMAL(30,10)", "12345678901234567890.0000000001"),
        "c": ("DATETIME(6)", "9999-12-31 23:59:59.999999"),
        "d": ("DATE", "1000-01-01"),
        "e": ("TIME", "-838:59:59"),
        "f": ("TINYINT(1)", "1"),
        "g": ("ENUM('x','y,z')", "y,z"),
        "h": ("SET('x','y')", "x,y"),
        "i": ("YEAR", "2024"),
        "j": ("VARCHAR(50) CHARACTER SET latin1", "é"),
        "k": ("BLOB", "text ü"),
        "l": ("DOUBLE", "0.5"),
    }
    columns = ", ".join(f"{name} {type_}" for name, (type_, _) in values.items())
    mysql_source.table("t", columns, [[value for _, value in values.values()]])
    header, row = fetch(mysql_source.url, "SELECT * FROM t", tmp_path)
    assert dict(zip(header, row, strict=True)) == {name: value for name, (_, value) in values.items()}
    [by_server] = mysql_source.execute(f"SELECT {', '.join(f'CAST({name} AS CHAR)' for name in values)} FROM t")
    assert tuple(row) == by_server


def test_json_bits_and_zero_dates_of_mysql(mysql_source: Source, tmp_path: Path) -> None:
    mysql_source.execute("CREATE TABLE t (j JSON, b BIT(9), d DATE, s TIMESTAMP NULL)")
    mysql_source.execute("INSERT IGNORE INTO t VALUES ('{\"price\": 1.10}', b'100000001', '0000-00-00', NULL)")
    assert fetch(mysql_source.url, "SELECT * FROM t", tmp_path)[1] == ['{"price": 1.10}', "257", "", ""]


def test_times_of_mysql_are_in_utc(mysql_source: Source, tmp_path: Path) -> None:
    mysql_source.execute("CREATE TABLE t (s TIMESTAMP)")
    mysql_source.execute("INSERT INTO t VALUES (FROM_UNIXTIME(1700000000))")
    assert fetch(mysql_source.url, "SELECT s FROM t", tmp_path)[1] == ["2023-11-14 22:13:20"]


def test_values_of_postgresql(postgresql_source: Source, tmp_path: Path) -> None:
    """Each value beside the text that the server itself makes of it, in UTC."""
    values = {
        "a": ("bigint", "9223372036854775807"),
        "b": ("numeric", "0.00000000010"),
        "c": ("date", "0044-03-15 BC"),
        "d": ("timestamp", "infinity"),
        "e": ("timestamptz", "2024-06-01 10:30:00.123456+00"),
        "f": ("boolean", "true"),
        "g": ("jsonb", '{"a": 1.10}'),
        "h": ("float8", "1e-07"),
        "i": ("real", "1.1"),
        "j": ("uuid", "00000000-0000-0000-0000-000000000001"),
        "k": ("interval", "P1M2DT3H4M"),
        "l": ("int4range", "[1,3)"),
        "m": ("inet", "10.0.0.1"),
        "n": ("numeric", "NaN"),
    }
    columns = ", ".join(f"{name} {type_}" for name, (type_, _) in values.items())
    postgresql_source.table("t", columns, [[value for _, value in values.values()]])
    header, row = fetch(postgresql_source.url, "SELECT * FROM t", tmp_path)
    assert dict(zip(header, row, strict=True)) == {name: value for name, (_, value) in values.items()}


def test_arrays_and_bytes_of_postgresql(postgresql_source: Source, tmp_path: Path) -> None:
    postgresql_source.execute("CREATE TABLE t (a text[], b int[], c bytea)")
    postgresql_source.execute("""INSERT INTO t VALUES (ARRAY['x', 'y "z"', NULL], '{1,2}', 'caf\\303\\251')""")
    assert fetch(postgresql_source.url, "SELECT * FROM t", tmp_path)[1] == [
        '["x", "y \\"z\\"", null]',
        "[1, 2]",
        "café",
    ]


def test_values_of_sqlite(sqlite_source: Source, tmp_path: Path) -> None:
    sqlite_source.execute("CREATE TABLE t (a, b, c, d)")
    sqlite_source.execute("INSERT INTO t VALUES (9223372036854775807, 1e-7, x'636166c3a9', 'x')")
    assert fetch(sqlite_source.url, "SELECT * FROM t", tmp_path)[1] == ["9223372036854775807", "1e-07", "café", "x"]


def test_many_rows_come_in_batches(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "BATCH", 7)
    source.table("t", "n INTEGER", [(n,) for n in range(20)])
    seen: list[int] = []
    Databases({"shop": source.url}).fetch("shop", "SELECT n FROM t ORDER BY n", tmp_path / "x.csv", seen.append)
    assert seen == [7, 14, 20]
    assert (tmp_path / "x.csv").read_text().replace('"', "").split() == ["n", *map(str, range(20))]


# A whole dataset

SPEC = """
name: stock
title: A stock
items:
  id: sku
  id_type: string
  title: name
  sources:
    - {from: shop, query: "SELECT sku, name, price, tags, since FROM products ORDER BY sku", where: price < 100}
  fields:
    - {name: name, kind: text}
    - {name: price, kind: number}
    - {name: tags, kind: category, many: true, separator: ";"}
    - {name: since, kind: date}
users: {id: customer, id_type: integer}
interactions:
  sources: [{from: shop, query: "SELECT customer, sku, stars, at FROM ratings ORDER BY customer, sku"}]
  user: customer
  item: sku
  rating: stars
  like_threshold: 4
  timestamp: at
"""


@pytest.fixture
def stock(source: Source, tmp_path: Path) -> Source:
    (tmp_path / "dataset.yaml").write_text(SPEC)
    source.table("products", "sku VARCHAR(9), name VARCHAR(99), price DECIMAL(9,2), tags VARCHAR(99), since DATE", [
        ("007", 'A "knife",\nsharp', "19.90", "steel;kitchen", "2024-02-29"), ("b", "Béarnaise", None, None, None),
        ("c", "Yacht", "250000.00", "boat", "2020-01-01")])  # fmt: skip
    source.table("ratings", "customer INTEGER, sku VARCHAR(9), stars DOUBLE PRECISION, at TIMESTAMP NULL", [
        (1, "007", 5, "2024-03-01 12:00:00"), (1, "b", 2, None), (2, "007", 4, "2024-03-02 00:00:00")])  # fmt: skip
    return source


def test_a_dataset_is_read_from_a_database(stock: Source, tmp_path: Path) -> None:
    dataset = read_dataset(DatasetFiles.find(tmp_path / "dataset.yaml", None, Databases({"shop": stock.url})))
    assert dataset.items.ids == ["007"]
    assert as_dicts(dataset.items) == [
        {"name": 'A "knife",\nsharp', "price": 19.9, "tags": ["steel", "kitchen"], "since": "2024-02-29"}
    ]
    assert dataset.users.ids == [1, 2]
    assert dataset.interactions.timestamp is not None
    assert dataset.interactions.timestamp.tolist() == [1709294400, 1709337600]
    assert NO_TIME not in dataset.interactions.timestamp
    assert dataset.n_dropped == 1


def test_its_fingerprint_is_that_of_the_rows(stock: Source, tmp_path: Path) -> None:
    def fingerprint() -> str:
        return DatasetFiles.find(tmp_path / "dataset.yaml", None, Databases({"shop": stock.url})).fingerprint

    before = fingerprint()
    assert fingerprint() == before
    stock.execute("UPDATE ratings SET stars = 3 WHERE customer = 2")
    assert fingerprint() != before
    stock.execute("UPDATE ratings SET stars = 4 WHERE customer = 2")
    assert fingerprint() == before


# Nothing is changed


@pytest.mark.parametrize("backend", ["mysql", "postgresql"])
def test_a_function_of_the_database_cannot_write(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """It is a SELECT that passes every check of ours; the transaction is what stops it."""
    source: Source = request.getfixturevalue(f"{backend}_source")
    source.execute("CREATE TABLE t (n INTEGER)")
    if backend == "mysql":
        source.execute("CREATE FUNCTION spoil() RETURNS INTEGER BEGIN INSERT INTO t VALUES (1); RETURN 1; END")
    else:
        source.execute("CREATE FUNCTION spoil() RETURNS INTEGER LANGUAGE sql AS 'INSERT INTO t VALUES (1) RETURNING n'")
    said = refusal(source.url, "SELECT spoil() AS n", tmp_path).lower()
    assert "read only" in said or "read-only" in said
    assert source.execute("SELECT n FROM t") == []


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM t",
        "ATTACH '{folder}/other.db' AS other",
        "SELECT load_extension('{folder}/x.so')",
        "PRAGMA writable_schema = on",
        "SELECT * FROM pragma_database_list",
        "VACUUM INTO '{folder}/other.db'",
        "SELECT 1; DELETE FROM t",
        "CREATE TEMP TABLE x AS SELECT 1",
    ],
)
def test_sqlite_only_selects(sqlite_source: Source, query: str, tmp_path: Path) -> None:
    sqlite_source.table("t", "n INTEGER", [(1,)])
    refusal(sqlite_source.url, query.format(folder=tmp_path), tmp_path)
    assert sqlite_source.execute("SELECT n FROM t") == [(1,)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["result.csv", "shop.db"]


# Limits


@pytest.mark.parametrize(
    ("backend", "query"),
    [
        ("mysql", "SELECT sleep(60) AS n"),
        ("mysql", f"SELECT count(*) AS n FROM {COLUMNS} a, {COLUMNS} b, {COLUMNS} c"),
        ("postgresql", "SELECT count(*) AS n FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b"),
        ("postgresql", "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT n FROM x"),
        ("sqlite", "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT count(*) AS n FROM x"),
        ("sqlite", "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT n FROM x"),
    ],
)
def test_a_query_without_end_is_given_up(
    backend: str, query: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source: Source = request.getfixturevalue(f"{backend}_source")
    monkeypatch.setattr(databases, "LONGEST_QUERY_SECONDS", 1.0)
    said = refusal(source.url, query, tmp_path)
    assert said.startswith("the query of shop (")
    assert said.endswith("took longer than 1 s")


def test_a_full_disk_is_told_of(sqlite_source: Source) -> None:
    with pytest.raises(UnwritableError, match="not enough room"):
        Databases({"shop": sqlite_source.url}).fetch("shop", "SELECT 1 AS a", Path("/dev/full"))


# What is wrong, without secrets


@pytest.mark.parametrize("query", ["SELECT * FROM nowhere", "SELECT FROM WHERE"])
def test_a_wrong_query_is_told_with_the_database(source: Source, query: str, tmp_path: Path) -> None:
    said = refusal(source.url, query, tmp_path)
    assert said.startswith("the query of shop (")
    assert " fails: " in said
    assert "nowhere" in said or "syntax" in said


@pytest.mark.parametrize("backend", ["mysql", "postgresql"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda url: url.set(password="geheim"), "reader|denied|authentication failed"),
        (lambda url: url.set(host="nowhere.invalid", password="geheim"), "nowhere.invalid"),
        (lambda url: url.set(port=1, password="geheim"), "refused"),
        (lambda url: url.set(database="nowhere"), "nowhere"),
        (lambda url: url.set(query={"nonsense": "1", "ssl_password": "geheim"}), "nonsense|ssl_password"),
    ],
    ids=["password", "host", "port", "database", "option"],
)
def test_a_database_that_cannot_be_reached_is_told_with_the_setting(
    backend: str, change: Any, said: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    from sqlalchemy.engine import make_url

    source: Source = request.getfixturevalue(f"{backend}_source")
    url = change(make_url(source.url)).render_as_string(hide_password=False)
    if backend == "mysql" and "geheim@" in url and make_url(url).host == make_url(source.url).host:
        url = url.replace("root:", "nobody:")
    text = refusal(url, "SELECT 1 AS a", tmp_path)
    assert text.startswith("the database shop (")
    assert any(word in text for word in said.split("|")), text
    assert text.endswith("Check --source shop=URL or RECSYS_SOURCE_SHOP")
    assert "geheim" not in text
    assert "secret" not in text


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://u:geheim@x@host/d", "write it as %40"),
        ("mysql://u:geheim/d", "cannot be read"),
        ("geheim", "cannot be read"),
        ("oracle://u:geheim@host/d", "MySQL, MariaDB, PostgreSQL and SQLite can be read"),
        ("sqlite:///nowhere/geheim.db", "there is no file nowhere/geheim.db"),
        ("sqlite://", "there is no file"),
    ],
)
def test_a_url_that_is_none_is_not_shown(url: str, said: str, tmp_path: Path) -> None:
    text = refusal(url, "SELECT 1 AS a", tmp_path)
    assert said in text
    assert "geheim" not in text or "sqlite" in url


def test_a_database_that_nobody_has_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="calls shop: give its URL with --source shop=URL or RECSYS_SOURCE_SHOP"):
        Databases({"other": "sqlite://"}).fetch("shop", "SELECT 1", tmp_path / "x.csv")


def test_postgresql_without_its_driver_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = databases.importlib.util.find_spec
    monkeypatch.setattr(databases.importlib.util, "find_spec", lambda name: None if name == "psycopg" else find(name))
    assert refusal("postgres://u:geheim@h/d", "SELECT 1", tmp_path).endswith("pip install 'recsys-mcp[postgres]'")


def test_a_relative_path_is_in_the_working_directory(
    sqlite_source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_source.table("t", "n INTEGER", [(1,)])
    monkeypatch.chdir(tmp_path)
    assert fetch("sqlite:///shop.db", "SELECT n FROM t", tmp_path) == [["n"], ["1"]]
