"""Parts that a database keeps, and the copies of them that machines fetch."""

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
from mcp_server.sql.address import ServerAddress
from mcp_server.state import database_files
from mcp_server.state.database import DatabaseRecord
from mcp_server.state.folder import StateFolder
from mcp_server.state.shared_parts import KEPT_COPIES, SharedFolderParts
from tests.mariadb import Server

PART, OTHER_PART = "model-0123456789abcdef", "model-fedcba9876543210"

CONTENTS = {"header.json": b'{"a": 1}', "deep/tensors": random.Random(7).randbytes(70_000), "empty": b""}


@dataclass(frozen=True)
class Machine:
    """A state folder of its own, and the database that all share."""

    folder: Path
    record: DatabaseRecord

    @property
    def parts(self) -> SharedFolderParts:
        return SharedFolderParts(StateFolder(self.folder), "model", self.record)

    def make(self, name: str = PART, fill: Callable[[Path], None] | None = None) -> None:
        """As preparation does."""
        with StateFolder(self.folder).lock(), self.record.lock():
            self.parts.make_files(name, fill or fill_folder)

    @property
    def copies(self) -> set[str]:
        """What is in the folder of parts, half-made parts too."""
        folder = self.folder / "parts"
        return {path.name for path in folder.iterdir()} if folder.exists() else set()


def fill_folder(folder: Path) -> None:
    for name, content in CONTENTS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


def contents(folder: Path) -> dict[str, bytes]:
    """But for what is written down of them."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != DIGESTS_FILE]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def record_of(url: str) -> DatabaseRecord:
    return DatabaseRecord(ServerAddress.from_settings(Settings(_env_file=None, database_url=url)))


@pytest.fixture
def record(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[DatabaseRecord]:
    monkeypatch.setattr(database_files, "PIECE_BYTES", 10_000)
    opened = record_of(database_url)
    with opened.lock():  # makes the tables
        pass
    yield opened
    opened.close()


@pytest.fixture
def maker(record: DatabaseRecord, tmp_path: Path) -> Machine:
    """A machine that has made a part."""
    machine = Machine(tmp_path / "maker", record)
    machine.make()
    return machine


@pytest.fixture
def replica(record: DatabaseRecord, tmp_path: Path) -> Machine:
    """Another one, with nothing yet."""
    return Machine(tmp_path / "replica", record)


def test_another_machine_fetches_what_it_uses(maker: Machine, replica: Machine) -> None:
    assert replica.parts.exists(PART)
    assert replica.copies == set()
    assert contents(replica.parts.path(PART)) == CONTENTS
    assert replica.copies == {PART}


def test_what_is_fetched_is_fetched_once(maker: Machine, replica: Machine) -> None:
    first = replica.parts.path(PART).stat().st_ino
    assert replica.parts.path(PART).stat().st_ino == first


def test_a_damaged_copy_is_fetched_again(maker: Machine, replica: Machine) -> None:
    (replica.parts.path(PART) / "header.json").write_bytes(b"damaged")
    (replica.parts.path(PART) / "empty").unlink()
    assert replica.parts.renew(PART)
    assert contents(replica.parts.path(PART)) == CONTENTS
    assert replica.copies == {PART}


def test_a_part_that_no_database_has_is_told_of(maker: Machine, replica: Machine) -> None:
    for machine in (maker, replica):
        assert not machine.parts.exists(OTHER_PART)
        for fetch in (machine.parts.path, machine.parts.renew):
            with pytest.raises(BackendError, match=rf"has lost {OTHER_PART}: run `recsys-mcp prepare`$"):
                fetch(OTHER_PART)
    assert replica.copies == set()


def test_a_fetch_that_fails_leaves_nothing_half(
    maker: Machine, replica: Machine, database_server: Server, record: DatabaseRecord, database_url: str
) -> None:
    name = database_url.rsplit("/", 1)[1]
    database_server.query("UPDATE recsys_files SET content = 'x' WHERE path = 'deep/tensors' LIMIT 1", database=name)
    with pytest.raises(BackendError, match="run `recsys-mcp prepare`"):
        replica.parts.path(PART)
    assert replica.copies == set()


def test_only_the_last_copies_are_kept(maker: Machine, replica: Machine) -> None:
    names = [f"model-{number:016x}" for number in range(KEPT_COPIES + 2)]
    for name in names:
        maker.make(name)
    for name in names:
        assert contents(replica.parts.path(name)) == CONTENTS
    assert replica.copies == set(names[-KEPT_COPIES:])
    assert all(replica.parts.exists(name) for name in names)


def test_discarding_takes_the_part_from_the_database_and_from_this_machine(maker: Machine, replica: Machine) -> None:
    with StateFolder(maker.folder).lock(), maker.record.lock():
        maker.parts.discard(PART)
    assert maker.copies == set()
    assert not replica.parts.exists(PART)
    with pytest.raises(BackendError, match="has lost"):
        maker.parts.path(PART)


def test_only_parts_to_be_kept_are_kept(maker: Machine, replica: Machine) -> None:
    maker.make(OTHER_PART)
    with StateFolder(maker.folder).lock(), maker.record.lock():
        maker.parts.keep_only([OTHER_PART])
    assert maker.copies == {OTHER_PART}
    assert not replica.parts.exists(PART)
    assert contents(replica.parts.path(OTHER_PART)) == CONTENTS


def test_a_part_that_was_made_but_not_kept_is_not_made_again(
    record: DatabaseRecord, replica: Machine, tmp_path: Path
) -> None:
    """As after a crash in between, or where a folder's state moves to a database."""
    machine = Machine(tmp_path / "maker", record)
    with StateFolder(machine.folder).lock():
        StateFolder(machine.folder).make_part(PART, fill_folder)
    assert not machine.parts.exists(PART)

    def fail(folder: Path) -> None:
        raise AssertionError("it is there")

    machine.make(fill=fail)
    assert contents(replica.parts.path(PART)) == CONTENTS


def test_many_may_fetch_at_once(maker: Machine, replica: Machine, database_url: str) -> None:
    found: list[dict[str, bytes]] = []

    def fetch() -> None:
        machine = Machine(replica.folder, record_of(database_url))
        found.append(contents(machine.parts.path(PART)))
        machine.record.close()

    threads = [threading.Thread(target=fetch, daemon=True) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [CONTENTS] * 5
    assert replica.copies == {PART}


def _work_and_die(url: str, folder: Path, statement: str, times: int) -> None:
    """Keep or fetch a part, and be killed when a statement begins that is of this kind, not at the first times."""
    database_files.PIECE_BYTES = 10_000
    left = times

    def count(_connection: object, _cursor: object, begun: str, *_: object) -> None:
        nonlocal left
        left -= begun.startswith(statement)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    machine = Machine(folder, record_of(url))
    event.listen(Engine, "before_cursor_execute", count)
    if statement.startswith("SELECT"):
        machine.parts.path(PART)
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
    _die(database_url, replica.folder, "SELECT recsys_files.content", 5)
    (rest,) = replica.copies
    assert rest.startswith(".fetching-")
    assert contents(replica.parts.path(PART)) == CONTENTS
    assert replica.copies == {PART}


@pytest.mark.parametrize("n_pieces", [1, 4, 8])
def test_a_part_that_was_killed_on_its_way_to_the_database_does_not_count(
    record: DatabaseRecord, replica: Machine, tmp_path: Path, database_url: str, n_pieces: int
) -> None:
    folder = tmp_path / "killed"
    _die(database_url, folder, "INSERT INTO recsys_files", n_pieces)
    with pytest.raises(BackendError, match="has lost"):
        replica.parts.path(PART)
    Machine(folder, record).make()
    assert contents(replica.parts.path(PART)) == CONTENTS
