"""A stranger's SQL in dataset.yaml: it computes over the dataset's own files, reads and writes nothing else, and where
it would take all memory or time, it is ended.
"""

import gzip
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcp_server.errors import DatasetError
from mcp_server.reading import dataset, files, isolation, patterns, text_files
from mcp_server.reading.html_text import plain_text
from tests.reading.records import as_dicts, read_folder

SECRET = "geheim-7f3a"
"""In a file beside the dataset's folder and in the environment, which no refusal and no result may show."""

SECONDS = 2.0

Spoil = Callable[[dict[str, Any]], object]


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    file = tmp_path / "secret.csv"
    file.write_text(f"id,title,stock\n9,{SECRET},1\n")
    return file


@pytest.fixture
def folder(tmp_path: Path, secret_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stranger's folder, on a machine with secrets."""
    monkeypatch.setenv("RECSYS_TOKENS", SECRET)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    made = tmp_path / "stranger"
    made.mkdir()
    (made / "items.csv").write_text("id,title,stock\n1,One,3\n2,Two,0\n3,Three,1\n")
    (made / "bought.csv").write_text("user,item\n1,1\n1,2\n2,3\n")
    return made


@pytest.fixture
def in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of time, low enough to be waited for."""
    monkeypatch.setattr(isolation, "LONGEST_READING_SECONDS", SECONDS)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading in the tests' own process: where SQL is refused before it runs, another process would refuse it alike,
    a second later.
    """
    monkeypatch.setattr(dataset, "has_sql", lambda spec: False)


def declare(folder: Path, source: dict[str, Any], spoil: Spoil = lambda spec: None) -> None:
    spec: dict[str, Any] = {
        "name": "strange",
        "title": "Strange",
        "items": {
            "id": "id",
            "id_type": "integer",
            "title": "title",
            "sources": [source],
            "fields": [{"name": "title", "kind": "text"}, {"name": "stock", "kind": "number"}],
        },
        "users": {"id": "user", "id_type": "integer"},
        "interactions": {"sources": [{"file": "bought.csv"}], "user": "user", "item": "item"},
    }
    if "query" in source:
        spec["items"]["fields"].pop()
    spoil(spec)
    (folder / "dataset.yaml").write_text(yaml.safe_dump(spec))


def titles(folder: Path) -> list[Any]:
    return [record["title"] for record in as_dicts(read_folder(folder).items)]


def refusal(folder: Path) -> str:
    """Why the dataset cannot be read, in one short line."""
    with pytest.raises(DatasetError) as refused:
        read_folder(folder)
    text = str(refused.value)
    assert "\n" not in text
    assert len(text) < 1_500
    assert SECRET not in text
    return text


def test_a_query_reads_the_files_of_its_folder(folder: Path) -> None:
    """The queries below are refused for what they try, and not because none is accepted."""
    declare(folder, {"query": "SELECT id, upper(title) AS title FROM 'items.csv' WHERE stock > 0; -- and no more"})
    assert titles(folder) == ["ONE", "THREE"]


# Files and tables that are not the dataset's


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "table",
    [
        *("'/etc/passwd'", '"/etc/passwd"', "'../secret.csv'", "'x/../../secret.csv'", "'~/.ssh/id_rsa'"),
        *("'{secret}'", "'file://{secret}'", "'file:{secret}'", "'/proc/self/environ'", "'C:\\x.csv'"),
        *("'../*.csv'", "'/tmp/*'", "'*/../../*.csv'", "'items.csv\0'"),
        *("'s3://bucket/x.csv'", "'https://example.com/x.csv'", "'http://127.0.0.1:1/x.csv'", "'hf://datasets/x.csv'"),
        *("read_csv('{secret}')", "read_csv_auto('{secret}')", "read_text('{secret}')", "read_blob('{secret}')"),
        *("read_json('{secret}')", "read_parquet('{secret}')", "parquet_metadata('{secret}')", "glob('/etc/*')"),
        *("sniff_csv('{secret}')", "READ_CSV(['items.csv', '{secret}'])", "read_csv('items.csv')"),
        *("query('FROM ''{secret}''')", "query_table('{secret}')", "query_table(['{secret}'])"),
        *("duckdb_settings()", "duckdb_tables()", "duckdb_secrets()", "duckdb_functions()", "pragma_version()"),
        *("duckdb_settings", "duckdb_tables", "sqlite_master", "pg_tables", "information_schema.tables"),
        *("items", "items_rows", "users", "rejects_0_0", "main.items", "memory.main.items", "reading.main.items_rows"),
        *(
            "(SHOW TABLES)",
            "(DESCRIBE 'items.csv')",
            "(SUMMARIZE 'items.csv')",
            "arrow_scan(1, 2, 3)",
            "pandas_scan(1)",
        ),
    ],
)
def test_a_query_names_no_other_table(folder: Path, secret_file: Path, table: str) -> None:
    table = table.replace("{secret}", str(secret_file))
    declare(folder, {"query": f"SELECT id, title FROM {table}"})
    refusal(folder)
    declare(folder, {"query": f"SELECT id, title FROM 'items.csv' WHERE id IN (SELECT max(id) FROM {table})"})
    refusal(folder)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "query",
    [
        'SELECT id, title FROM (WITH "{secret}" AS (SELECT 1) SELECT 1), "{secret}"',
        'WITH a AS (SELECT * FROM "{secret}"), "{secret}" AS (SELECT 1) SELECT id, title FROM a',
        'WITH "{secret}" AS (SELECT * FROM "{secret}") SELECT id, title FROM "{secret}"',
        "WITH a AS (WITH items AS (SELECT 1) SELECT 1) SELECT id, title FROM items",
        "SELECT id, title FROM 'items.csv' UNION ALL FROM '{secret}'",
        "SELECT id, (SELECT title FROM '{secret}') AS title FROM 'items.csv'",
        "SELECT id, title FROM 'items.csv', LATERAL (SELECT title FROM '{secret}')",
        "SELECT id, title FROM 'items.csv' ORDER BY (SELECT title FROM '{secret}')",
        "SELECT id, title FROM 'items.csv' LIMIT (SELECT id FROM '{secret}')",
        "SELECT id, /* */ title FROM /* 'items.csv' */ '{secret}' -- 'items.csv'",
    ],
)
def test_no_name_made_within_a_query_hides_what_it_reads(folder: Path, secret_file: Path, query: str) -> None:
    declare(folder, {"query": query.replace("{secret}", str(secret_file))})
    refusal(folder)


@pytest.mark.usefixtures("here")
def test_a_name_made_within_a_query_is_that_and_no_table_of_the_reading(folder: Path) -> None:
    made = "WITH items AS (SELECT 1 AS id, 'mine' AS title), items_rows AS (SELECT * FROM items) FROM items_rows"
    declare(folder, {"query": made})
    assert titles(folder) == ["mine"]


@pytest.mark.usefixtures("here")
@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize(
    "name", ["link.csv", "lin*.csv", "linked/secret.csv", "linked/*.csv", "*/secret.csv", "linked"]
)
def test_no_link_leads_out(folder: Path, secret_file: Path, name: str) -> None:
    (folder / "link.csv").symlink_to(secret_file)
    (folder / "linked").symlink_to(secret_file.parent)
    for source in ({"file": name}, {"query": f"SELECT id, title FROM '{name}'"}):
        declare(folder, source)
        assert "outside the folder of dataset.yaml" in refusal(folder)


def test_a_file_with_signs_of_a_pattern_in_its_name_stands_for_no_other(folder: Path) -> None:
    (folder / "[ab]*.csv").write_text("id,title,stock\n5,Five,5\n")
    (folder / "apart.csv").write_text(f"id,title,stock\n6,{SECRET},6\n")
    declare(folder, {"file": "[ab]*.csv"})
    refusal(folder)


# Statements and functions that do more than compute


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "statement",
    [
        *(
            "ATTACH '{out}' AS x",
            "COPY (SELECT 1) TO '{out}'",
            "EXPORT DATABASE '{out}'",
            "INSTALL httpfs",
            "LOAD httpfs",
        ),
        *("SET memory_limit = '99GB'", "RESET lock_configuration", "PRAGMA database_list", "CALL pragma_version()"),
        *("CREATE TABLE x AS SELECT 1", "CREATE MACRO upper(a) AS 1", "DROP TABLE items", "DELETE FROM items_rows"),
        *("INSERT INTO items_rows VALUES (1)", "EXPLAIN ANALYZE SELECT 1", "PREPARE x AS SELECT 1", "CHECKPOINT"),
        *(
            "SELECT 1; SELECT 2",
            "SELECT 1 /* ; */; COPY (SELECT 1) TO '{out}'",
            " ",
            ";",
            "--",
            "SELECT",
            "SELECT '\0'",
        ),
        *(
            "FROM 'items.csv' WHERE id = $1",
            "FROM 'items.csv' WHERE id = ?",
            "FROM 'items.csv' WHERE id = \u20181\u2019",
        ),
    ],
)
def test_a_query_is_one_select(folder: Path, statement: str) -> None:
    out = folder.parent / "written"
    declare(folder, {"query": statement.replace("{out}", str(out))})
    refusal(folder)
    assert not out.exists()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "call",
    [
        *("getenv('RECSYS_TOKENS')", "current_setting('temp_directory')", "getvariable('x')", "current_query()"),
        *("current_database()", "current_schemas(true)", "current_role()", "pg_sleep(60)", "sleep_ms(60000)"),
        *(
            "json_serialize_sql('SELECT 1')",
            "write_log('x')",
            "nextval('x')",
            "random()",
            "uuid()",
            "query('SELECT 1')",
        ),
    ],
)
def test_a_function_that_tells_of_the_machine_is_refused(folder: Path, call: str) -> None:
    declare(folder, {"query": f"SELECT id, CAST({call} AS VARCHAR) AS title FROM 'items.csv'"})
    assert "cannot be used" in refusal(folder)
    declare(folder, {"file": "items.csv", "where": f"title <> CAST({call} AS VARCHAR)"})
    assert "cannot be used" in refusal(folder)


EXPRESSIONS = [
    *("1=1) UNION SELECT 9, 'x' FROM items --", "1=1) OR (1=1", "true; DROP TABLE items", "(SELECT true)"),
    *("id IN (SELECT 1)", "EXISTS (FROM '/etc/passwd')", "true AS x", "id, title", "* EXCLUDE (id)", "COLUMNS('.*')"),
    *("count(*) > 0", "row_number() OVER () > 0", "true FROM 'items.csv'", "true LIMIT 1", "$1", "?", "\0", "true /*"),
    *(
        "true WHERE true",
        "true GROUP BY id",
        "DISTINCT true",
        "'a",
        "WITH x AS (SELECT 1) SELECT true",
        "unnest([true])",
    ),
]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("condition", EXPRESSIONS)
@pytest.mark.parametrize("place", ["where", "available"])
def test_a_condition_is_one_expression_over_a_row(folder: Path, place: str, condition: str) -> None:
    if place == "where":
        declare(folder, {"file": "items.csv", "where": condition})
    else:
        declare(folder, {"file": "items.csv"}, lambda spec: spec["items"].update(available=condition))
    refusal(folder)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("text", [*EXPRESSIONS[:6], "raw:0", "idx", "source", '"raw:0"', "items_rows.id"])
@pytest.mark.parametrize("key", ["id", "source"])
def test_a_column_is_one_of_the_file_or_one_expression(folder: Path, key: str, text: str) -> None:
    """Names that the reading has for itself are no columns of a dataset."""

    def spoil(spec: dict[str, Any]) -> None:
        changed = spec["items"] if key == "id" else spec["items"]["fields"][0]
        changed[key] = text

    declare(folder, {"file": "items.csv"}, spoil)
    refusal(folder)


@pytest.mark.usefixtures("here")
def test_names_that_the_reading_has_for_itself_are_read_as_they_are(folder: Path) -> None:
    names = ("raw:0", "raw:row", "raw:json", "in:0", "idx", "source", "bad", "is_broken", "it's", 'a "b"', "a;b")
    values = [f"value {number}" for number, _ in enumerate(names)]
    header = ",".join(["id", *('"' + name.replace('"', '""') + '"' for name in names)])
    (folder / "items.csv").write_text(f"{header}\n1,{','.join(values)}\n")
    fields = [{"name": f"f{number}", "kind": "text", "source": name} for number, name in enumerate(names)]
    declare(folder, {"file": "items.csv"}, lambda spec: spec["items"].update(fields=fields, title="f0"))
    assert [list(record.values()) for record in as_dicts(read_folder(folder).items)] == [values]


# Memory, disk and time


@pytest.mark.parametrize(
    "query",
    [
        "SELECT range AS id, 'x' AS title FROM range(1000000000000)",
        "SELECT count(*) AS id, 'x' AS title FROM range(1000000) a, range(1000000) b, range(1000000) c",
        "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT n AS id, 'x' AS title FROM x",
        "SELECT range AS id, repeat('x', 1000000000) AS title FROM range(1000)",
        "SELECT 1 AS id, array_to_string(range(1000000000), '') AS title",
        "SELECT 1 AS id, string_agg(repeat('x', 1000), '') AS title FROM range(10000000000)",
        "SELECT 1 AS id, lpad('x', 2000000000, 'y') AS title",
        "SELECT 1 AS id, levenshtein(repeat('a', 10000000), repeat('b', 10000000))::VARCHAR AS title",
        "SELECT range AS id, regexp_replace(repeat('ab', 99999), '(a|b|ab)*c', 'x') AS title FROM range(3000000)",
        "SELECT count(*) AS id, 'x' AS title FROM json_tree(repeat('[', 100000) || repeat(']', 100000))",
    ],
)
@pytest.mark.usefixtures("in_seconds")
def test_a_query_without_end_is_ended(folder: Path, query: str) -> None:
    declare(folder, {"query": query})
    said = refusal(folder)
    assert "took longer than" in said or "needs more than" in said


def test_a_process_that_breaks_down_is_told_of(folder: Path) -> None:
    """DuckDB comes down over a value that nests deeply; if it no longer does, the value is read."""
    nested = "(repeat('[', 100000) || repeat(']', 100000))::JSON::VARIANT::VARCHAR"
    declare(folder, {"query": f"SELECT 1 AS id, left({nested}, 3) AS title"})
    try:
        assert titles(folder) == ["[[["]
    except DatasetError as error:
        assert "the process that reads it broke down over its" in str(error)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "nested",
    [
        *("(" * 5_000 + "1" + ")" * 5_000, "NOT " * 4_000 + "true", "- " * 8_000 + "1", "[" * 4_000 + "]" * 4_000),
        *("CASE WHEN true THEN " * 700 + "1" + " END" * 700, "1" + " + 1" * 4_900, "'x'" + " || 'x'" * 2_000),
        "(SELECT " * 2_000 + "1" + ")" * 2_000,
    ],
    ids=["brackets", "not", "signs", "lists", "cases", "sums", "texts", "selects"],
)
def test_what_nests_deeply_is_refused(folder: Path, nested: str) -> None:
    declare(folder, {"query": f"SELECT 1 AS id, {nested} AS title"})
    assert "cannot be read as SQL" in refusal(folder)
    declare(folder, {"file": "items.csv", "where": f"({nested}) IS NOT NULL"})
    refusal(folder)


@pytest.mark.usefixtures("here")
def test_names_without_end_are_cut_in_a_refusal(folder: Path) -> None:
    (folder / "items.csv").write_text(",".join(f"{number}{'x' * 300}" for number in range(900)) + "\n")
    declare(folder, {"file": "items.csv"})
    assert "there is no column 'id'" in refusal(folder)
    alternatives = [{"file": f"{number}{'y' * 200}.csv"} for number in range(90)]
    declare(folder, {"one_of": alternatives})
    assert "is in none of" in refusal(folder)


@contextmanager
def little_memory() -> Iterator[None]:
    """A check that this process grows by no more than 700 MiB; DuckDB's buffers for a file take most of it."""
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 700 * 1024


BEGINNING = b"id,title,stock\n1,One,3\n"


@pytest.mark.parametrize("endless", [b"x" * 2**20, b'"x\n",' * 2**18], ids=["a line", "a row of many lines"])
def test_a_small_compressed_file_with_an_endless_row_takes_little_memory(folder: Path, endless: bytes) -> None:
    """Decompressed it has a gigabyte."""
    (folder / "bomb.csv.gz").write_bytes(gzip.compress(BEGINNING + b"2,") + gzip.compress(endless) * 1_000)
    declare(folder, {"file": "bomb.csv.gz"})
    with little_memory():
        assert "is longer than 4,194,304 bytes" in refusal(folder)


def test_a_copy_in_utf8_has_an_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "LARGEST_COPY", 10 * 2**20)
    (folder / "bomb.csv.gz").write_bytes(gzip.compress(BEGINNING) + gzip.compress(b"2,Two,3\n" * 2**17) * 100)
    declare(folder, {"file": "bomb.csv.gz", "encoding": "latin-1"})
    assert "holds more than 10,485,760 bytes" in refusal(folder)


def test_files_have_an_upper_bound(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 20)
    (folder / "many").mkdir()
    for number in range(21):
        (folder / "many" / f"{number}.csv").touch()
    for name in ("many", "many/*.csv", "**/*.csv"):
        declare(folder, {"file": name})
        assert "at most 20 are read" in refusal(folder)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_pattern_that_goes_round_in_circles_has_an_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten links to the folder that they are in make a thousand million paths of nine parts."""
    monkeypatch.setattr(patterns, "MOST_LOOKED_AT", 10_000)
    for number in range(10):
        (folder / f"again{number}").symlink_to(".")
    declare(folder, {"file": "*/" * 9 + "nothing.csv"})
    assert "more than 10,000 files would have to be looked at" in refusal(folder)


@pytest.mark.parametrize("unit", ["<", "<!", "<!--", "<![", "<?", "<a ", "</", "&#", '<a b="', "<script>"])
@pytest.mark.usefixtures("in_seconds")
def test_html_that_is_none_is_read_or_given_up(folder: Path, unit: str) -> None:
    lengthy = "a" + unit * (2**20 // len(unit))
    (folder / "items.csv").write_text('id,title,stock\n1,"' + lengthy.replace('"', '""') + '",2\n')
    declare(folder, {"file": "items.csv"}, lambda spec: spec["items"]["fields"][0].update(html=True))
    try:
        assert len(read_folder(folder).items) == 1
    except DatasetError as error:
        assert "took longer than" in str(error)


def test_comments_and_declarations_of_html_are_left_out() -> None:
    html = "<!DOCTYPE html>a<!-- <p> b > c -->d<![CDATA[e]]>f 1 < 2 <b>g</b>!<![x>h<!-- never closed <p>i"
    assert plain_text(html) == "adf 1 < 2 g!h"


@pytest.mark.usefixtures("here")
def test_a_parquet_file_that_lies_is_refused(folder: Path) -> None:
    for content in (b"PAR1", b"PAR1" + b"\xff" * 64 + b"PAR1", b"PAR1" + b"\0" * 60 + b"\xff\xff\xff\x7fPAR1", b""):
        (folder / "items.parquet").write_bytes(content)
        declare(folder, {"file": "items.parquet"})
        assert "items.parquet" in refusal(folder)
