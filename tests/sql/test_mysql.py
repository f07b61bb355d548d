"""A database server as a ``Database``: what is undone, what is tried again, and servers that are away or stuck."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pymysql
import pytest
from sqlalchemy import Connection, text

from mcp_server.errors import BackendError
from mcp_server.settings import Settings
from mcp_server.sql import mysql, mysql_address
from mcp_server.sql.mysql import MysqlDatabase
from mcp_server.sql.mysql_address import MysqlAddress
from tests.mariadb import MISSING, PrivateServer, Server, installed

TABLE = "CREATE TABLE notes (number INT PRIMARY KEY, word VARCHAR(50)) ENGINE=InnoDB"

WAIT_SECONDS = 60
"""For what must happen; a test that waits so long has failed."""


@dataclass(frozen=True)
class Notes:
    """A database with a table of notes, empty at first."""

    server: Server
    name: str

    @asynccontextmanager
    async def opened(self, pool_size: int = 3) -> AsyncIterator[MysqlDatabase]:
        database = MysqlDatabase(self.address(pool_size))
        try:
            yield database
        finally:
            await database.close()

    def address(self, pool_size: int = 3) -> MysqlAddress:
        settings = Settings(_env_file=None, database_url=self.server.url(self.name), database_pool_size=pool_size)
        return MysqlAddress.from_settings(settings)

    def query(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """By a connection of its own."""
        return self.server.query(statement, *values, database=self.name)

    @property
    def rows(self) -> list[tuple[object, ...]]:
        return self.query("SELECT number, word FROM notes ORDER BY number")

    @property
    def connections(self) -> list[object]:
        """Numbers of the connections that use the database."""
        listed = self.server.query("SELECT id FROM information_schema.processlist WHERE db = %s", self.name)
        return [number for (number,) in listed]

    def kill_connections(self) -> int:
        """As a server or a proxy does with those that idle; how many there were."""
        numbers = self.connections
        for number in numbers:
            self.server.query(f"KILL {number}")
        until(lambda: not self.connections)
        return len(numbers)


def until(true: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def _make(server: Server) -> Notes:
    notes = Notes(server, server.create_database())
    notes.query(TABLE)
    return notes


@pytest.fixture
def notes(database_server: Server) -> Iterator[Notes]:
    """On the shared server."""
    made = _make(database_server)
    yield made
    database_server.drop_database(made.name)


@pytest.fixture(scope="module")
def private_server() -> Iterator[PrivateServer]:
    """One for the tests that stop or freeze it, or change how long it waits for locks."""
    if not installed():
        pytest.skip(MISSING)
    with PrivateServer(options=["--innodb-lock-wait-timeout=1"]) as server:
        yield server


@pytest.fixture
def private_notes(private_server: PrivateServer) -> Iterator[Notes]:
    made = _make(private_server)
    yield made
    private_server.thaw()
    private_server.start()
    private_server.drop_database(made.name)


def put(number: int, word: str) -> Callable[[Connection], int]:
    def change(connection: Connection) -> int:
        values = {"number": number, "word": word}
        return connection.execute(text("INSERT INTO notes VALUES (:number, :word)"), values).rowcount

    return change


def set_word(connection: Connection, number: int, word: str) -> None:
    connection.execute(text("UPDATE notes SET word = :word WHERE number = :number"), {"word": word, "number": number})


def count(connection: Connection) -> int:
    return int(connection.scalar(text("SELECT count(*) FROM notes")) or 0)


def sleep(connection: Connection, seconds: float) -> None:
    connection.execute(text("SELECT sleep(:seconds)"), {"seconds": seconds})


# Reading and writing


@pytest.mark.parametrize("way", ["read", "scan"])
async def test_what_is_written_can_be_read(notes: Notes, way: str) -> None:
    async with notes.opened() as database, notes.opened() as elsewhere:
        assert await database.write(put(1, "Größe 🎬")) == 1
        for reader in (database, elsewhere):
            found = await getattr(reader, way)(lambda c: c.execute(text("SELECT number, word FROM notes")).all())
            assert found == [(1, "Größe 🎬")]
    assert notes.rows == [(1, "Größe 🎬")]


async def test_a_read_sees_what_others_have_written_since(notes: Notes) -> None:
    async with notes.opened(pool_size=1) as database, notes.opened() as elsewhere:
        await database.write(put(1, "one"))
        assert await database.read(count) == 1
        await elsewhere.write(put(2, "two"))
        assert await database.read(count) == 2


async def test_a_read_leaves_no_lock_behind(notes: Notes) -> None:
    """Preparation drops the tables of old catalogues under servers that have read them."""
    async with notes.opened() as database:
        await asyncio.gather(*(database.read(count) for _ in range(3)))
        await database.write(put(1, "one"))
        with notes.server.connect(notes.name) as other, other.cursor() as cursor:
            cursor.execute("SET SESSION lock_wait_timeout = 1")
            cursor.execute("DROP TABLE notes")
        with pytest.raises(BackendError, match=r"lacks a table: run `recsys-mcp prepare`$"):
            await database.read(count)


class ChangeError(Exception):
    """Of the code that changes."""


async def test_a_write_is_undone_as_a_whole_when_its_code_fails(notes: Notes) -> None:
    def change(connection: Connection) -> None:
        put(1, "one")(connection)
        put(2, "two")(connection)
        raise ChangeError

    async with notes.opened(pool_size=1) as database:
        with pytest.raises(ChangeError):
            await database.write(change)
        assert notes.rows == []
        assert await database.read(count) == 0


async def test_a_write_is_undone_as_a_whole_when_the_database_refuses_a_part(notes: Notes) -> None:
    def change(connection: Connection) -> None:
        put(1, "one")(connection)
        put(2, "two")(connection)
        put(1, "another one")(connection)

    async with notes.opened(pool_size=1) as database:
        with pytest.raises(BackendError, match=rf"/{notes.name} cannot be used just now: Duplicate entry"):
            await database.write(change)
        assert notes.rows == []
        await database.write(put(1, "one"))
    assert notes.rows == [(1, "one")]


# Tried again


@dataclass
class Crossing:
    """A change of two rows. Two of them, each with the other's row first, are sure to deadlock."""

    first: int
    second: int
    others: set[int]
    """The rows that are locked so far, by whichever of the two."""
    in_savepoint: bool = False
    attempts: int = field(default=0, init=False)

    def __call__(self, connection: Connection) -> None:
        self.attempts += 1
        set_word(connection, self.first, f"by {self.first}")
        self.others.add(self.first)
        while self.second not in self.others:
            sleep(connection, 0.01)
        if self.in_savepoint:
            with connection.begin_nested():
                set_word(connection, self.second, f"by {self.first}")
        else:
            set_word(connection, self.second, f"by {self.first}")


@pytest.mark.parametrize("in_savepoint", [False, True], ids=["plain", "savepoint"])
async def test_a_deadlock_is_tried_again(notes: Notes, in_savepoint: bool) -> None:
    notes.query("INSERT INTO notes VALUES (1, ''), (2, '')")
    locked: set[int] = set()
    one, other = Crossing(1, 2, locked, in_savepoint), Crossing(2, 1, locked, in_savepoint)
    async with notes.opened() as database:
        await asyncio.gather(database.write(one), database.write(other))
    assert one.attempts + other.attempts == 3
    last = "by 1" if one.attempts == 2 else "by 2"
    assert notes.rows == [(1, last), (2, last)]


async def test_a_write_that_waits_too_long_for_a_lock_is_tried_again(private_notes: Notes) -> None:
    private_notes.query("INSERT INTO notes VALUES (1, 'old'), (2, 'old')")
    attempts = 0
    with private_notes.server.connect(private_notes.name) as holder, holder.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE notes SET word = 'held' WHERE number = 2")

        def change(connection: Connection) -> None:
            nonlocal attempts
            attempts += 1
            connection.execute(text("UPDATE notes SET word = concat(word, '!') WHERE number = 1"))
            if attempts == 2:
                holder.rollback()
            set_word(connection, 2, "new")

        async with private_notes.opened() as database:
            await database.write(change)
    assert attempts == 2
    assert private_notes.rows == [(1, "old!"), (2, "new")]


@pytest.mark.parametrize("ping_after", [0.0, 1_000.0], ids=["idle", "just-used"])
async def test_connections_that_were_killed_between_calls_are_not_noticed(
    notes: Notes, monkeypatch: pytest.MonkeyPatch, ping_after: float
) -> None:
    monkeypatch.setattr(mysql_address, "PING_AFTER_SECONDS", ping_after)
    async with notes.opened() as database:
        await asyncio.gather(*(database.read(lambda c: sleep(c, 0.2)) for _ in range(3)))
        assert notes.kill_connections() == 3
        assert await asyncio.gather(*(database.read(count) for _ in range(3))) == [0, 0, 0]
        notes.kill_connections()
        await database.write(put(1, "one"))
        notes.kill_connections()
        assert await database.scan(count) == 1
        notes.kill_connections()
        assert await asyncio.gather(*(database.write(put(number, "word")) for number in range(2, 8))) == [1] * 6


class Killed:
    """Work on a connection that is killed in the midst, the first few times."""

    def __init__(self, notes: Notes, change: Callable[[Connection], Any], times: int = 1) -> None:
        self._notes, self._change, self._times = notes, change, times
        self.attempts = 0

    def __call__(self, connection: Connection) -> Any:
        self.attempts += 1
        result = self._change(connection)
        if self.attempts <= self._times:
            number = connection.scalar(text("SELECT connection_id()"))
            killer = threading.Thread(target=self._kill, args=(number,), daemon=True)
            killer.start()
            sleep(connection, 2 * WAIT_SECONDS)
        return result

    def _kill(self, number: object) -> None:
        asleep = "SELECT 1 FROM information_schema.processlist WHERE id = %s AND info LIKE 'SELECT sleep%%'"
        until(lambda: bool(self._notes.server.query(asleep, number)))
        self._notes.server.query(f"KILL {number}")


@pytest.mark.parametrize("times", [1, 3])
async def test_a_read_whose_connection_is_killed_is_run_again(notes: Notes, times: int) -> None:
    work = Killed(notes, count, times)
    async with notes.opened() as database:
        assert await database.read(work) == 0
    assert work.attempts == times + 1


async def test_a_write_whose_connection_is_killed_is_run_again_and_counts_once(notes: Notes) -> None:
    work = Killed(notes, put(1, "one"))
    async with notes.opened() as database:
        assert await database.write(work) == 1
    assert work.attempts == 2
    assert notes.rows == [(1, "one")]


async def test_a_query_whose_connection_is_killed_again_and_again_is_given_up(notes: Notes) -> None:
    work = Killed(notes, count, times=1_000)
    async with notes.opened() as database:
        with pytest.raises(BackendError, match=f"the database at .*/{notes.name} cannot be"):
            await database.read(work)
        assert 1 < work.attempts < 10
        assert await database.read(count) == 0


# Many at once


def give(connection: Connection, number: int) -> int:
    return int(connection.scalar(text("SELECT :number"), {"number": number}) or 0)


async def test_one_connection_answers_many_at_once(notes: Notes) -> None:
    async with notes.opened(pool_size=1) as database:
        reads = [database.read(partial(give, number=number)) for number in range(40)]
        writes = [database.write(put(number, "word")) for number in range(20)]
        answers = await asyncio.gather(*reads, *writes)
        assert answers == [*range(40), *[1] * 20]
        assert len(notes.connections) == 1
    assert len(notes.rows) == 20


async def test_there_are_no_more_connections_than_allowed(notes: Notes) -> None:
    async with notes.opened(pool_size=2) as database:
        running = asyncio.gather(*(database.read(lambda c: sleep(c, 0.1)) for _ in range(8)))
        most = 0
        while not running.done():
            most = max(most, len(await asyncio.to_thread(lambda: notes.connections)))
        await running
    assert most == 2


async def test_a_busy_pool_is_told_of(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mysql_address, "POOL_WAIT_SECONDS", 0.2)
    async with notes.opened(pool_size=1) as database:
        slow = asyncio.create_task(database.read(lambda c: sleep(c, 2)))
        await asyncio.to_thread(until, lambda: bool(notes.connections))
        with pytest.raises(BackendError, match=r"is busy: all 1 connections are in use.*RECSYS_DATABASE_POOL_SIZE$"):
            await database.read(count)
        await slow
        assert await database.read(count) == 0


async def test_a_call_that_is_cancelled_gives_its_connection_back(notes: Notes) -> None:
    async with notes.opened(pool_size=1) as database:
        for _ in range(3):
            given_up = asyncio.create_task(database.read(lambda c: sleep(c, WAIT_SECONDS)))
            await asyncio.to_thread(until, lambda: bool(notes.connections))
            given_up.cancel()
            with pytest.raises(asyncio.CancelledError):
                await given_up
            assert await database.read(count) == 0


async def test_closing_closes_all_connections(notes: Notes) -> None:
    async with notes.opened() as database:
        await asyncio.gather(*(database.read(lambda c: sleep(c, 0.2)) for _ in range(3)))
        assert len(notes.connections) == 3
    await asyncio.to_thread(until, lambda: not notes.connections)


# Odd servers


@pytest.mark.parametrize("mode", ["", "ANSI_QUOTES,STRICT_TRANS_TABLES", "NO_BACKSLASH_ESCAPES", "ANSI,TRADITIONAL"])
async def test_the_servers_sql_mode_does_not_matter(private_notes: Notes, mode: str) -> None:
    server = private_notes.server
    assert isinstance(server, PrivateServer)
    ((before,),) = private_notes.query("SELECT @@global.sql_mode")
    private_notes.query("CREATE TABLE things (word TEXT CHARACTER SET utf8mb4, content BLOB)")
    administer(server, f"SET GLOBAL sql_mode = '{mode}'")
    values = {"word": 'it\'s a \\ "word" % :word \n', "content": bytes(range(256))}
    try:
        async with private_notes.opened() as database:
            insert = text("INSERT INTO things (word, content) VALUES (:word, :content)")
            await database.write(lambda c: c.execute(insert, values).rowcount)
            rows = await database.read(lambda c: c.execute(text("SELECT word, content FROM things")).all())
    finally:
        administer(server, f"SET GLOBAL sql_mode = '{before}'")
    assert rows == [(values["word"], values["content"])]


def administer(server: PrivateServer, statement: str) -> None:
    """As root, whom private servers let in through their socket."""
    with pymysql.connect(unix_socket=str(server.socket), user="root", autocommit=True) as root, root.cursor() as cursor:
        cursor.execute(statement)


# A server that is away


@pytest.mark.parametrize("way", ["stop", "kill"])
async def test_a_server_that_is_down_is_told_of_and_used_again_when_it_is_back(
    private_notes: Notes, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(mysql, "ANSWER_SECONDS", 1_000.0)  # it must not be that which tells
    server = private_notes.server
    assert isinstance(server, PrivateServer)
    said = rf"the database at 127\.0\.0\.1:{server.port}/{private_notes.name} cannot be reached just now"
    async with asyncio.timeout(WAIT_SECONDS), private_notes.opened() as database:
        await database.write(put(1, "one"))
        getattr(server, way)()
        for ask in (database.read, database.scan, database.write):
            with pytest.raises(BackendError, match=said) as caught:
                await ask(count)
            assert "\n" not in str(caught.value)
        await asyncio.to_thread(server.start)
        assert await database.read(count) == 1
        await database.write(put(2, "two"))
    assert private_notes.rows == [(1, "one"), (2, "two")]


@pytest.mark.parametrize("connected", [True, False], ids=["connected", "not-connected"])
async def test_a_frozen_server_is_told_of_and_used_again_when_it_is_back(
    private_notes: Notes, monkeypatch: pytest.MonkeyPatch, connected: bool
) -> None:
    server = private_notes.server
    assert isinstance(server, PrivateServer)
    place = rf"the database at 127\.0\.0\.1:{server.port}/{private_notes.name}"
    monkeypatch.setattr(mysql_address, "PING_AFTER_SECONDS", 0.0)  # at worst, it is the look before use that hangs
    async with asyncio.timeout(WAIT_SECONDS), private_notes.opened(pool_size=1) as database:
        if connected:
            assert await database.read(count) == 0
        monkeypatch.setattr(mysql, "ANSWER_SECONDS", 1.0)
        server.freeze()
        for ask in (database.read, database.write, database.read):
            with pytest.raises(BackendError, match=rf"^{place} has not answered for 1 s"):
                await ask(count)
        server.thaw()
        monkeypatch.setattr(mysql, "ANSWER_SECONDS", 15.0)
        assert await database.read(count) == 0
        await database.write(put(1, "one"))
    assert private_notes.rows == [(1, "one")]


async def test_all_who_wait_for_a_frozen_server_are_told(private_notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    server = private_notes.server
    assert isinstance(server, PrivateServer)
    monkeypatch.setattr(mysql, "ANSWER_SECONDS", 1.0)
    async with asyncio.timeout(WAIT_SECONDS), private_notes.opened(pool_size=2) as database:
        server.freeze()
        outcomes = await asyncio.gather(*(database.read(count) for _ in range(10)), return_exceptions=True)
        server.thaw()
        assert all(isinstance(outcome, BackendError) for outcome in outcomes), outcomes
        assert "has not answered" in str(outcomes[0])
        monkeypatch.setattr(mysql, "ANSWER_SECONDS", 15.0)
        assert await asyncio.gather(*(database.read(count) for _ in range(10))) == [0] * 10


async def test_closing_does_not_wait_for_a_frozen_server(private_notes: Notes) -> None:
    server = private_notes.server
    assert isinstance(server, PrivateServer)
    async with private_notes.opened() as database:
        await database.read(count)
        server.freeze()
        async with asyncio.timeout(WAIT_SECONDS):
            await database.close()
        server.thaw()


async def test_a_write_that_was_not_answered_is_undone_or_done_as_a_whole(
    private_notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = private_notes.server
    assert isinstance(server, PrivateServer)

    def change(connection: Connection) -> None:
        put(1, "one")(connection)
        server.freeze()
        put(2, "two")(connection)

    async with asyncio.timeout(WAIT_SECONDS), private_notes.opened() as database:
        await database.read(count)
        monkeypatch.setattr(mysql, "ANSWER_SECONDS", 1.0)
        with pytest.raises(BackendError, match="has not answered"):
            await database.write(change)
        server.thaw()
        monkeypatch.setattr(mysql, "ANSWER_SECONDS", 15.0)
        await database.write(put(3, "three"))
    assert private_notes.rows == [(3, "three")]
