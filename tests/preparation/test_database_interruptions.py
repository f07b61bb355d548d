"""Preparing in a database that is killed, or loses its connection."""

import contextlib
import multiprocessing
import os
import re
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import Engine, event

from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.errors import BackendError, NotPreparedError
from mcp_server.settings import Settings
from tests.mariadb import PrivateServer
from tests.preparation.machines import WAIT_SECONDS, Machine, price_of_kite

Moment = tuple[str, int]
"""A pattern of a statement, and the number of the match."""

CATALOGUE = r"`?recsys_[0-9a-f]{16}_"

MOMENTS: dict[str, Moment] = {
    "before the lock": ("SELECT GET_LOCK", 1),
    "at the last table": (f"CREATE TABLE {CATALOGUE}", 5),
    "with all rows but interactions": (f"INSERT INTO {CATALOGUE}interactions", 1),
    "with all rows": ("ANALYZE TABLE", 1),
    "before the catalogue counts": ("INSERT INTO recsys_parts", 1),
    "before it is published": ("UPDATE recsys_state", 1),
    "before the oldest catalogue goes": ("DELETE FROM recsys_parts", 1),
    "before its tables go": (f"DROP TABLE {CATALOGUE}", 1),
    "at the end": ("SELECT RELEASE_LOCK", 1),
}
"""Moments of a change for which only a catalogue is made, when there are two states already."""


@contextlib.contextmanager
def at(moment: Moment, act: Callable[[], None]) -> Iterator[list[str]]:
    """Act when a statement begins. The yielded list is empty until then, and then has the statement."""
    pattern, times = moment
    left = times
    begun: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal left
        left -= re.match(pattern, statement.strip()) is not None
        if left == 0 and not begun:
            begun.append(statement)
            act()

    event.listen(Engine, "before_cursor_execute", count)
    try:
        yield begun
    finally:
        event.remove(Engine, "before_cursor_execute", count)


def _prepare_and_die(values: dict[str, Any], moment: Moment) -> None:
    with at(moment, lambda: os.kill(os.getpid(), signal.SIGKILL)):
        prepare_with_progress(Settings(_env_file=None, **values), Console(stderr=True))


def killed(machine: Machine, moment: Moment) -> bool:
    """Prepare in another process that is killed at a moment. False if the moment never came."""
    process = multiprocessing.get_context("forkserver").Process(target=_prepare_and_die, args=(machine.values, moment))
    process.start()
    process.join(WAIT_SECONDS)
    return process.exitcode == -signal.SIGKILL


def disconnected(machine: Machine, moment: Moment) -> bool:
    """Prepare here, and close all connections at a moment. False if the moment never came."""
    with at(moment, machine.kill_connections) as begun:
        try:
            machine.prepare()
        except BackendError as error:
            assert f"/{machine.database} " in str(error)
            assert len(str(error).splitlines()) == 1
        else:
            assert moment == MOMENTS["at the end"] or not begun, "it was not noticed"
    return bool(begun)


Interruption = Callable[[Machine, Moment], bool]


@pytest.mark.parametrize("interrupted", [killed, disconnected])
async def test_interrupted_at_any_moment_it_leaves_what_is_served_and_can_be_run_again(
    machine: Machine, interrupted: Interruption
) -> None:
    machine.set_price(10)
    machine.prepare()
    missed, left = [], {}
    for price, (name, moment) in enumerate(MOMENTS.items(), 11):
        before = machine.manifest
        async with machine.served() as service:
            told = await price_of_kite(service)
            machine.set_price(price)
            if not interrupted(machine, moment):
                missed.append(name)
            assert await price_of_kite(service) == told
        async with machine.elsewhere("replica").served() as replica:
            assert await price_of_kite(replica) == (told if machine.manifest == before else price)
        machine.prepare()
        async with machine.served() as service:
            assert await price_of_kite(service) == price
        if problems := leftovers_after_another_state(machine, 100 + price):
            left[name] = problems
    assert missed == []
    assert left == {}


def leftovers_after_another_state(machine: Machine, price: int) -> list[str]:
    """Leftovers two states later, when all older parts go. They are removed."""
    states = [machine.manifest]
    machine.set_price(price)
    states.append(machine.prepare().manifest)
    problems = machine.leftovers(*states)
    for kind, name in re.findall(r"(table|files) (\w+(?:-\w+)?) is left", "\n".join(problems)):
        if kind == "files":
            machine.query("DELETE FROM recsys_files WHERE part = %s", name)
        else:
            with machine.server.connect(machine.database) as connection, connection.cursor() as cursor:
                cursor.execute("SET foreign_key_checks = 0")
                cursor.execute(f"DROP TABLE `{name}`")
    return problems


async def test_tables_of_a_killed_run_go_even_if_the_dataset_has_changed_since(machine: Machine) -> None:
    first = machine.manifest
    machine.set_price(1)
    assert killed(machine, MOMENTS["with all rows but interactions"])
    machine.set_price(2)
    machine.prepare()
    assert machine.leftovers(first, machine.manifest) == []


async def test_killed_in_the_first_run_it_leaves_nothing_that_is_served(bare: Machine) -> None:
    files = [("INSERT INTO recsys_files", 1), ("INSERT INTO recsys_files", 3), ("INSERT INTO recsys_parts", 1)]
    moments = [MOMENTS["at the last table"], MOMENTS["with all rows"], *files]
    for moment in moments:
        assert killed(bare, moment)
        assert bare.version is None
        with pytest.raises(NotPreparedError, match="nothing has been prepared in the database at"):
            await bare.answers()
    assert killed(bare, ("INSERT INTO recsys_state", 1))
    assert bare.version is None
    assert bare.prepare().made == []
    assert bare.leftovers(bare.manifest) == []


async def test_a_database_that_stops_while_preparing_is_told_of(private: Machine) -> None:
    assert isinstance(private.server, PrivateServer)
    server, before = private.server, await private.answers()
    private.set_price(20)
    stopped = ("INSERT INTO recsys_[0-9a-f]{16}_users", 1)
    place = rf"the database at 127\.0\.0\.1:{server.port}/{private.database}"
    with at(stopped, server.kill), pytest.raises(BackendError, match=f"^{place} cannot be reached") as caught:
        private.prepare()
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(BackendError, match=f"^{place} cannot be reached"):
        private.prepare()
    server.start()
    assert await private.answers() == before
    assert private.prepare().made == ["catalog"]
