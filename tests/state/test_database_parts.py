"""Models that a database keeps, and the copies of them that machines fetch."""

import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from mcp_server.errors import BackendError
from mcp_server.files.digests import DIGESTS_FILE
from mcp_server.settings import Settings
from mcp_server.sql.mysql import MysqlDatabase
from mcp_server.sql.mysql_address import MysqlAddress
from mcp_server.state import database
from mcp_server.state.database import KEPT_COPIES, StateDatabase
from mcp_server.state.database_parts import DatabaseParts
from mcp_server.state.folder import StateFolder
from tests.mariadb import Server

PART, OTHER_PART = "model-0123456789abcdef", "model-fedcba9876543210"

CONTENTS = {"header.json": b'{"a": 1}', "deep/tensors": random.Random(7).randbytes(70_000), "empty": b""}


@dataclass(frozen=True)
class Machine:
    """A state folder of its own, and the database that all share."""

    store: StateDatabase

    def make(self, name: str = PART, fill: Callable[[Path], None] | None = None) -> None:
        """Make a part as preparing does."""
        pool = MysqlDatabase(self.store._address)
        with self.store.lock():
            DatabaseParts(self.store, pool, self.store.folder).make_model(name, fill or fill_folder)

    def fetched(self, name: str = PART, *, anew: bool = False) -> Path:
        """The folder of a part, fetched where it is missing."""
        self.store.fetch(name, anew=anew)
        return self.store.folder.part(name)

    @property
    def copies(self) -> set[str]:
        """Names of parts in the folder, half-made ones too."""
        folder = self.store.folder.folder / "parts"
        return {path.name for path in folder.iterdir()} if folder.exists() else set()


def fill_folder(folder: Path) -> None:
    for name, content in CONTENTS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder, without their digests."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != DIGESTS_FILE]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def machine_of(url: str, folder: Path) -> Machine:
    address = MysqlAddress.from_settings(Settings(_env_file=None, database_url=url))
    return Machine(StateDatabase(address, StateFolder(folder)))


@pytest.fixture
def maker(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A machine that has made a part."""
    monkeypatch.setattr(database, "PIECE_BYTES", 10_000)
    machine = machine_of(database_url, tmp_path / "maker")
    machine.make()
    yield machine
    machine.store.close()


@pytest.fixture
def replica(database_url: str, tmp_path: Path) -> Iterator[Machine]:
    """Another machine, with nothing yet."""
    machine = machine_of(database_url, tmp_path / "replica")
    with machine.store.lock():  # makes the tables
        pass
    yield machine
    machine.store.close()


def test_another_machine_fetches_what_it_uses(maker: Machine, replica: Machine) -> None:
    assert replica.store.exists(PART)
    assert replica.copies == set()
    assert contents(replica.fetched()) == CONTENTS
    assert replica.copies == {PART}


def test_what_is_fetched_is_fetched_once(maker: Machine, replica: Machine) -> None:
    first = replica.fetched().stat().st_ino
    assert replica.fetched().stat().st_ino == first


def test_a_damaged_copy_is_fetched_again(maker: Machine, replica: Machine) -> None:
    (replica.fetched() / "header.json").write_bytes(b"damaged")
    (replica.fetched() / "empty").unlink()
    assert replica.fetched(anew=True)
    assert contents(replica.fetched()) == CONTENTS
    assert replica.copies == {PART}


def test_a_part_that_no_database_has_is_told_of(maker: Machine, replica: Machine) -> None:
    for machine in (maker, replica):
        assert not machine.store.exists(OTHER_PART)
        for anew in (False, True):
            with pytest.raises(BackendError, match=rf"has lost {OTHER_PART}: run `recsys-mcp prepare`$"):
                machine.fetched(OTHER_PART, anew=anew)
    assert replica.copies == set()


def test_a_fetch_that_fails_leaves_nothing_half(
    maker: Machine, replica: Machine, database_server: Server, database_url: str
) -> None:
    name = database_url.rsplit("/", 1)[1]
    database_server.query("UPDATE recsys_files SET content = 'x' WHERE path = 'deep/tensors' LIMIT 1", database=name)
    with pytest.raises(BackendError, match="run `recsys-mcp prepare`"):
        replica.fetched()
    assert replica.copies == set()


def test_only_the_last_copies_are_kept(maker: Machine, replica: Machine) -> None:
    names = [f"model-{number:016x}" for number in range(KEPT_COPIES + 2)]
    for name in names:
        maker.make(name)
    for name in names:
        assert contents(replica.fetched(name)) == CONTENTS
    assert replica.copies == set(names[-KEPT_COPIES:])
    assert all(replica.store.exists(name) for name in names)


def test_discarding_takes_the_part_from_the_database_and_from_this_machine(maker: Machine, replica: Machine) -> None:
    with maker.store.lock():
        maker.store.discard(PART)
    assert maker.copies == set()
    assert not replica.store.exists(PART)
    with pytest.raises(BackendError, match="has lost"):
        maker.fetched()


def test_only_parts_to_be_kept_are_kept(maker: Machine, replica: Machine) -> None:
    maker.make(OTHER_PART)
    with maker.store.lock():
        maker.store.keep_only([OTHER_PART])
        maker.store.folder.keep_only([OTHER_PART])
    assert maker.copies == {OTHER_PART}
    assert not replica.store.exists(PART)
    assert contents(replica.fetched(OTHER_PART)) == CONTENTS


def test_a_part_that_was_made_but_not_kept_is_not_made_again(
    replica: Machine, tmp_path: Path, database_url: str
) -> None:
    """A crash in between leaves such a part, and so does moving a folder's state to a database."""
    machine = machine_of(database_url, tmp_path / "maker")
    with machine.store.folder.lock():
        machine.store.folder.make(PART, fill_folder)
    assert not machine.store.exists(PART)

    def fail(folder: Path) -> None:
        raise AssertionError("it is there")

    machine.make(fill=fail)
    assert contents(replica.fetched()) == CONTENTS


def test_many_may_fetch_at_once(maker: Machine, replica: Machine, database_url: str) -> None:
    found: list[dict[str, bytes]] = []

    def fetch() -> None:
        machine = machine_of(database_url, replica.store.folder.folder)
        found.append(contents(machine.fetched()))
        machine.store.close()

    threads = [threading.Thread(target=fetch, daemon=True) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [CONTENTS] * 5
    assert replica.copies == {PART}


def _work_and_die(url: str, folder: Path, statement: str, times: int) -> None:
    """Save or fetch a part, and be killed when a statement of this kind begins for the given time."""
    database.PIECE_BYTES = 10_000
    left = times

    def count(_connection: object, _cursor: object, begun: str, *_: object) -> None:
        nonlocal left
        left -= begun.startswith(statement)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    machine = machine_of(url, folder)
    event.listen(Engine, "before_cursor_execute", count)
    if statement.startswith("SELECT"):
        machine.fetched()
    else:
        machine.make()


def _die(url: str, folder: Path, statement: str, times: int) -> None:
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=_work_and_die, args=(url, folder, statement, times))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


def test_a_fetch_that_is_killed_leaves_what_the_next_one_removes(
    maker: Machine, replica: Machine, database_url: str
) -> None:
    _die(database_url, replica.store.folder.folder, "SELECT recsys_files.content", 5)
    (rest,) = replica.copies
    assert rest.startswith(".fetching-")
    assert contents(replica.fetched()) == CONTENTS
    assert replica.copies == {PART}


@pytest.mark.parametrize("n_pieces", [1, 4, 8])
def test_a_part_that_was_killed_on_its_way_to_the_database_does_not_count(
    replica: Machine, tmp_path: Path, database_url: str, n_pieces: int
) -> None:
    folder = tmp_path / "killed"
    _die(database_url, folder, "INSERT INTO recsys_files", n_pieces)
    with pytest.raises(BackendError, match="has lost"):
        replica.fetched()
    machine_of(database_url, folder).make()
    assert contents(replica.fetched()) == CONTENTS
