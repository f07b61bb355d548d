"""A state in a database: what is published, who may publish, and files in pieces."""

import asyncio
import contextlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pymysql
import pytest

from mcp_server.errors import BackendError, NotPreparedError
from mcp_server.files.digests import DIGESTS_FILE
from mcp_server.settings import Settings
from mcp_server.sql import mysql_address
from mcp_server.sql.mysql_address import MysqlAddress
from mcp_server.state import database, database_lock
from mcp_server.state.database import StateDatabase
from mcp_server.state.folder import StateFolder
from mcp_server.state.manifest import FORMAT, Manifest
from tests.mariadb import PrivateServer, Server
from tests.state.test_catalogs import current_of, simple

WAIT_SECONDS = 60
"""For what must happen; a test that waits so long has failed."""

PART = "model-0123456789abcdef"


@dataclass(frozen=True)
class Own:
    """A database of the test's own."""

    server: Server
    name: str
    folder: Path

    def store(self) -> StateDatabase:
        """The database as a process of another machine has it, with a folder of its own."""
        settings = Settings(_env_file=None, database_url=self.server.url(self.name))
        folder = StateFolder(Path(tempfile.mkdtemp(dir=self.folder)))
        return StateDatabase(MysqlAddress.from_settings(settings), folder)

    def query(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        return self.server.query(statement, *values, database=self.name)

    @property
    def tables(self) -> set[object]:
        return {name for (name,) in self.query("SHOW TABLES")}

    def kill_connections(self) -> None:
        listed = "SELECT id FROM information_schema.processlist WHERE db = %s"
        for (number,) in self.server.query(listed, self.name):
            self.server.query(f"KILL {number}")
        until(lambda: not self.server.query(listed, self.name))


def until(true: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def own(database_server: Server, tmp_path: Path) -> Iterator[Own]:
    """On the shared server, empty."""
    made = Own(database_server, database_server.create_database(), tmp_path)
    yield made
    database_server.drop_database(made.name)


@pytest.fixture
def store(own: Own) -> Iterator[StateDatabase]:
    opened = own.store()
    yield opened
    opened.close()


@pytest.fixture
def private(private_server: PrivateServer, tmp_path: Path) -> Iterator[Own]:
    made = Own(private_server, private_server.create_database(), tmp_path)
    yield made
    private_server.thaw()
    private_server.start()
    private_server.drop_database(made.name)


@pytest.fixture
def current(tmp_path: Path) -> Manifest:
    """Something to publish, with texts that have to be quoted."""
    files = simple(more={"description": "'Größe' \\ \"🎬\" % \u0301 " * 10_000})
    return current_of(files.read(tmp_path / "dataset"))


# What is published


@pytest.mark.parametrize("locked_before", [False, True], ids=["no-tables", "tables"])
def test_nothing_is_published_at_first(own: Own, store: StateDatabase, locked_before: bool) -> None:
    if locked_before:
        with store.lock():
            pass
    assert bool(own.tables) is locked_before
    assert store.version() is None
    assert store.published() is None
    with pytest.raises(NotPreparedError, match=rf"^nothing has been prepared in the database at .*/{own.name}: run"):
        store.manifest()


def test_what_is_published_is_seen_everywhere_and_has_another_version_each_time(
    own: Own, store: StateDatabase, current: Manifest
) -> None:
    elsewhere = own.store()
    versions = []
    for fingerprint in ("one", "two", "two"):
        published = current.model_copy(update={"fingerprint": fingerprint})
        with store.lock():
            store.publish(published)
        assert elsewhere.manifest() == store.published() == published
        versions.append(elsewhere.version())
    assert len(set(versions)) == 3
    assert store.version() == versions[-1]
    elsewhere.close()


def test_a_state_of_one_database_is_not_another_ones(
    own: Own, store: StateDatabase, database_server: Server, current: Manifest
) -> None:
    with store.lock():
        store.publish(current)
    other = Own(database_server, database_server.create_database(), own.folder)
    elsewhere = other.store()
    assert elsewhere.published() is None
    elsewhere.close()
    database_server.drop_database(other.name)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "cannot be read"),
        ("nonsense", "cannot be read"),
        ("[]", "prepared by an earlier version of this program"),
        ('{"format": 99}', "prepared by a later version of this program"),
        (f'{{"format": {FORMAT}}}', r"is damaged \(\d+ problems\)"),
    ],
)
def test_a_record_that_cannot_be_used_is_told_of_and_can_be_replaced(
    own: Own, store: StateDatabase, current: Manifest, content: str, said: str
) -> None:
    with store.lock():
        store.publish(current)
    own.query("UPDATE recsys_state SET content = %s", content)
    before = store.version()
    assert store.published() is None
    with pytest.raises(NotPreparedError, match=rf"{own.name}.*{said}.*run `recsys-mcp prepare`") as caught:
        store.manifest()
    assert "\n" not in str(caught.value)
    with store.lock():
        store.publish(current)
    assert store.manifest() == current
    assert store.version() != before


# The lock


def test_only_one_prepares_at_a_time(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_lock, "LOCK_WAIT_SECONDS", 1)
    inside, most, done = 0, 0, 0
    guard = threading.Lock()

    def prepare() -> None:
        nonlocal inside, most, done
        store = own.store()
        with store.lock():
            with guard:
                inside += 1
                most = max(most, inside)
            time.sleep(0.1)
            with guard:
                inside -= 1
                done += 1
        store.close()

    threads = [threading.Thread(target=prepare, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_SECONDS)
    assert (done, most) == (4, 1)


def test_who_waits_for_the_lock_goes_on_waiting(
    own: Own, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(database_lock, "LOCK_WAIT_SECONDS", 0)  # every attempt ends at once
    caplog.set_level("INFO", "mcp_server")
    store, other = own.store(), own.store()
    taken = threading.Event()

    def wait() -> None:
        with other.lock():
            taken.set()

    with store.lock():
        waiting = threading.Thread(target=wait, daemon=True)
        waiting.start()
        until(lambda: caplog.text.count(f"another process prepares the database at {other.place[16:]}") > 2)
        assert not taken.is_set()
    assert taken.wait(WAIT_SECONDS)
    waiting.join(WAIT_SECONDS)
    store.close()
    other.close()


def test_two_databases_are_prepared_side_by_side(own: Own, store: StateDatabase, database_server: Server) -> None:
    other = Own(database_server, database_server.create_database(), own.folder)
    elsewhere = other.store()
    with store.lock(), elsewhere.lock():
        assert own.tables == other.tables
    elsewhere.close()
    database_server.drop_database(other.name)


def test_the_lock_is_given_back_by_who_fails(own: Own, store: StateDatabase) -> None:
    with pytest.raises(RuntimeError, match="a mistake"), store.lock():
        raise RuntimeError("a mistake")
    elsewhere = own.store()
    with elsewhere.lock():
        pass
    elsewhere.close()


def test_the_lock_ends_with_its_connection(own: Own, store: StateDatabase) -> None:
    elsewhere = own.store()
    with store.lock():
        own.kill_connections()
        with elsewhere.lock():
            pass
    elsewhere.close()


def test_who_has_lost_the_lock_cannot_publish(own: Own, store: StateDatabase, current: Manifest) -> None:
    with store.lock():
        store.publish(current)
    version, later = store.version(), current.model_copy(update={"fingerprint": "later"})
    with store.lock():
        own.kill_connections()
        for _ in range(2):
            with pytest.raises(
                BackendError, match=r"was lost while preparing.*run `recsys-mcp prepare` again"
            ) as caught:
                store.publish(later)
            assert "\n" not in str(caught.value)
    assert (store.version(), store.manifest()) == (version, current)
    with store.lock():
        store.publish(later)
    assert store.manifest() == later


def test_only_tables_with_a_name_of_this_program_are_made(own: Own, store: StateDatabase) -> None:
    own.query("CREATE TABLE state (word VARCHAR(9))")
    with store.lock():
        pass
    with store.lock():
        pass
    assert own.tables - {"state"} == {"recsys_state", "recsys_parts", "recsys_files", "recsys_item_sets_3"}


# Files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of all sorts: empty, of every byte, of several pieces, in folders."""
    made = tmp_path / "files"
    (made / "deep" / "er").mkdir(parents=True)
    for name, content in {
        "empty": b"",
        "bytes": bytes(range(256)) * 100,
        "zeros": bytes(50_000),
        "random": os.urandom(30_001),
        "deep/a file.bin": b"with a space",
        "deep/er/é🎬": b"named in Unicode",
    }.items():
        (made / name).write_bytes(content)
    return made


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder, without their digests."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != DIGESTS_FILE)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def save(store: StateDatabase, folder: Path) -> None:
    """Make a part with the files of a folder."""
    store.folder.make(PART, lambda part: shutil.copytree(folder, part, dirs_exist_ok=True))
    store.save(PART)


@pytest.mark.parametrize("piece_bytes", [None, 1_000])
def test_files_come_back_as_they_were(
    own: Own, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece_bytes: int | None
) -> None:
    if piece_bytes is None:
        (folder / "large").write_bytes(os.urandom(2 * database.PIECE_BYTES + 7))
        (folder / "exact").write_bytes(os.urandom(database.PIECE_BYTES))
    else:
        monkeypatch.setattr(database, "PIECE_BYTES", piece_bytes)
    store, elsewhere = own.store(), own.store()
    with store.lock():
        save(store, folder)
    elsewhere.fetch(PART)
    assert contents(elsewhere.folder.part(PART)) == contents(folder)
    store.close()
    elsewhere.close()


def test_files_whose_names_look_alike_stay_different(store: StateDatabase, tmp_path: Path) -> None:
    alike = ["name", "Name", "namé", "nam\u0117"]
    folder = tmp_path / "alike"
    folder.mkdir()
    for name in alike:
        (folder / name).write_text(name, encoding="utf-8")
    with store.lock():
        save(store, folder)
    store.fetch(PART, anew=True)
    assert contents(store.folder.part(PART)) == {name: name.encode() for name in alike}


def test_a_part_is_there_when_all_its_files_are(own: Own, store: StateDatabase, folder: Path) -> None:
    with store.lock():
        assert not store.exists(PART)
        save(store, folder)
        assert store.exists(PART)
        store.discard(PART)
        assert not store.exists(PART)
        store.discard(PART)  # what is not there may be discarded
    assert own.query("SELECT count(*) FROM recsys_files") == [(0,)]


def test_files_of_a_killed_process_do_not_get_into_a_part(
    own: Own, store: StateDatabase, folder: Path, tmp_path: Path
) -> None:
    with store.lock():
        for path in ("bytes", "of another time"):
            row = "INSERT INTO recsys_files (part, path, piece, content) VALUES (%s, %s, 3, 'half')"
            own.query(row, PART, path)
        assert not store.exists(PART)
        with pytest.raises(BackendError, match=f"has lost {PART}: run"):
            own.store().fetch(PART)
        save(store, folder)
    store.fetch(PART, anew=True)
    assert contents(store.folder.part(PART)) == contents(folder)


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM recsys_files",
        "DELETE FROM recsys_files WHERE path = 'random'",
        "DELETE FROM recsys_files WHERE piece = 1",
        "DELETE FROM recsys_files WHERE path = 'bytes' AND piece = 2",
        "UPDATE recsys_files SET content = 'nonsense' WHERE path = 'bytes'",
        "UPDATE recsys_files SET content = '' WHERE path = 'bytes'",
        "UPDATE recsys_files SET content = left(content, length(content) - 1)",
    ],
)
def test_damaged_files_are_told_of_and_not_taken_for_whole_ones(
    own: Own, store: StateDatabase, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    monkeypatch.setattr(database, "PIECE_BYTES", 10_000)
    with store.lock():
        save(store, folder)
    own.query(damage)
    with pytest.raises(BackendError, match="run `recsys-mcp prepare`"):
        own.store().fetch(PART)


# Odd servers, and servers that are away


def administer(server: PrivateServer, statement: str) -> None:
    """As root, whom private servers let in through their socket."""
    with pymysql.connect(unix_socket=str(server.socket), user="root", autocommit=True) as root, root.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("mode", ["", "ANSI_QUOTES,STRICT_TRANS_TABLES", "NO_BACKSLASH_ESCAPES", "ANSI,TRADITIONAL"])
def test_the_servers_sql_mode_does_not_matter(
    private: Own, current: Manifest, folder: Path, tmp_path: Path, mode: str
) -> None:
    assert isinstance(private.server, PrivateServer)
    ((before,),) = private.query("SELECT @@global.sql_mode")
    administer(private.server, f"SET GLOBAL sql_mode = '{mode}'")
    try:
        store = private.store()
        with store.lock():
            save(store, folder)
            store.publish(current)
        assert store.manifest() == current
        store.fetch(PART, anew=True)
        assert contents(store.folder.part(PART)) == contents(folder)
        store.close()
    finally:
        administer(private.server, f"SET GLOBAL sql_mode = '{before}'")


def test_a_server_that_is_down_is_told_of_and_used_again_when_it_is_back(private: Own, current: Manifest) -> None:
    assert isinstance(private.server, PrivateServer)
    store = private.store()
    with store.lock():
        store.publish(current)
    private.server.stop()
    for look in (store.version, store.manifest, store.published, lambda: store.exists(PART)):
        with pytest.raises(BackendError, match=rf"/{private.name} cannot be reached just now") as caught:
            look()
        assert "\n" not in str(caught.value)
    with pytest.raises(BackendError, match="cannot be reached just now"), store.lock():
        pass
    private.server.start()
    assert store.manifest() == current
    with store.lock():
        store.publish(current)
    store.close()


@pytest.mark.parametrize("connected", [True, False], ids=["connected", "not-connected"])
async def test_a_frozen_server_is_told_of(
    private: Own, current: Manifest, connected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who only looks at what is published must not wait for ever: a server that starts, a command."""
    monkeypatch.setattr(mysql_address, "READ_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(mysql_address, "CONNECT_TIMEOUT_SECONDS", 1)
    assert isinstance(private.server, PrivateServer)
    store = private.store()
    if connected:
        with store.lock():
            store.publish(current)
    private.server.freeze()
    look = asyncio.create_task(asyncio.to_thread(store.version))
    done, _ = await asyncio.wait([look], timeout=45)
    private.server.thaw()
    with contextlib.suppress(BackendError):
        await look
    assert done
    with pytest.raises(BackendError, match=f"the database at .*/{private.name} "):
        look.result()
    assert (store.version() is not None) == connected
    store.close()
