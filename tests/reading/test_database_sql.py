"""Queries of databases, checked before they run: one SELECT, which reads tables and nothing else."""

import pytest

from mcp_server.errors import DatasetError
from mcp_server.reading.database_sql import Dialect, check_query


@pytest.mark.parametrize(
    ("dialect", "query", "runs"),
    [
        ("mysql", "SELECT 1;", "SELECT 1"),
        ("mysql", "  (select 1) union (select 2) ; ; ", "(select 1) union (select 2)"),
        ("mysql", "SELECT a -- into\n FROM t", "SELECT a  \n FROM t"),
        ("mysql", "SELECT a # ; load_file('x')\nFROM t", "SELECT a  \nFROM t"),
        ("mysql", "SELECT a /* into outfile */ FROM t", "SELECT a   FROM t"),
        ("mysql", "SELECT 'it''s \\' ; into', \"; load_file(\"", "SELECT 'it''s \\' ; into', \"; load_file(\""),
        ("mysql", "SELECT 1--1, `into`", "SELECT 1--1, `into`"),
        ("mysql", "WITH x AS (SELECT 5 % 3) SELECT ':x', '%s'", "WITH x AS (SELECT 5 % 3) SELECT ':x', '%s'"),
        ("postgresql", "SELECT 1 /* a /* ; */ into */ + 1", "SELECT 1   + 1"),
        ("postgresql", "SELECT $$ ; into $$, $a$ $$ ' $a$", "SELECT $$ ; into $$, $a$ $$ ' $a$"),
        ("postgresql", "SELECT E'\\' ; ', 'a\\', b#>'{x}'", "SELECT E'\\' ; ', 'a\\', b#>'{x}'"),
        ("postgresql", "SELECT pg_rating, pg_typeof(a) FROM films", "SELECT pg_rating, pg_typeof(a) FROM films"),
        ("postgresql", "SELECT a$b$c, \"into\" FROM t", "SELECT a$b$c, \"into\" FROM t"),
    ],
)  # fmt: skip
def test_a_select_runs_without_its_comments(dialect: Dialect, query: str, runs: str) -> None:
    assert check_query(query, dialect, "the query of shop") == runs


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "begins with SELECT or WITH"),
        ("-- SELECT 1", "begins with SELECT or WITH"),
        ("DELETE FROM t", "begins with SELECT or WITH"),
        ("((UPDATE t SET a = 1))", "begins with SELECT or WITH"),
        ("CALL p()", "begins with SELECT or WITH"),
        ("SELECT 1; DROP TABLE t", "there is a ; within it"),
        ("SELECT 1;--\nDROP TABLE t", "there is a ; within it"),
        ("SELECT * INTO y FROM t", "INTO y cannot be used"),
        ("SELECT a FROM t FOR UPDATE", "FOR UPDATE cannot be used"),
        ("SELECT a FROM t FOR /* */ SHARE", "FOR SHARE cannot be used"),
        ("SELECT 'a", "there is no end to the quotation or comment that begins with '"),
        ("SELECT 1 /* a", "there is no end to the quotation or comment that begins with /*"),
        ("SELECT 'a\0'", "NUL"),
    ],
)
@pytest.mark.parametrize("dialect", ["mysql", "postgresql"])
def test_what_is_no_select_is_refused(dialect: Dialect, query: str, said: str) -> None:
    with pytest.raises(DatasetError) as refused:
        check_query(query, dialect, "the query of shop")
    assert str(refused.value).startswith("the query of shop: ")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("dialect", "query"),
    [
        ("mysql", "SELECT a FROM t INTO OUTFILE '/tmp/x'"),
        ("mysql", "SELECT a FROM t into/**/dumpfile '/tmp/x'"),
        ("mysql", "SELECT LOAD_FILE('/etc/passwd')"),
        ("mysql", "SELECT load_file /* */ ('/etc/passwd')"),
        ("mysql", "SELECT `load_file`('/etc/passwd')"),
        ("mysql", "SELECT 1 /*! INTO OUTFILE '/tmp/x' */"),
        ("mysql", "SELECT 1 /*M!100000 INTO OUTFILE '/tmp/x' */"),
        ("mysql", "SELECT 'a\\'' INTO OUTFILE '/tmp/x' -- '"),
        ("mysql", 'SELECT "a\\"" INTO OUTFILE \'/tmp/x\' -- "'),
        ("mysql", "SELECT a FROM t LOCK IN SHARE MODE"),
        ("mysql", "SELECT sys_exec('id'), get_lock('x', 1000)"),
        ("postgresql", "SELECT pg_read_file('/etc/passwd')"),
        ("postgresql", "SELECT pg_catalog.PG_READ_FILE('/etc/passwd')"),
        ("postgresql", "SELECT \"pg_read_file\"('/etc/passwd')"),
        ("postgresql", "SELECT U&\"\\0070g_read_file\"('/etc/passwd')"),
        ("postgresql", "SELECT 'a\\' || pg_read_file('/etc/passwd') || 'x'"),
        ("postgresql", "SELECT * FROM pg_ls_dir('/')"),
        ("postgresql", "SELECT lo_import('/etc/passwd'), lo_export(1, '/tmp/x')"),
        ("postgresql", "SELECT * FROM dblink('host=other', 'SELECT 1') AS t(a int)"),
        ("postgresql", "SELECT set_config('statement_timeout', '0', false)"),
        ("postgresql", "SELECT query_to_xml('SELECT pg_read_file(1)', true, true, '')"),
        ("postgresql", "SELECT * FROM ts_stat('SELECT pg_read_file(1)')"),
    ],
)
def test_what_reaches_beyond_the_tables_is_refused(dialect: Dialect, query: str) -> None:
    with pytest.raises(DatasetError, match="a query may only read"):
        check_query(query, dialect, "the query of shop")
