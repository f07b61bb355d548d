"""Services over a database while others prepare in it."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import time

import pytest

from mcp_server.cli.doctor import examine
from mcp_server.dataset.spec import ModelSpec
from mcp_server.errors import BackendError, NotPreparedError
from mcp_server.serving import state_takeover
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from tests.mariadb import PrivateServer
from tests.names import FILTER, HISTORY, ITEM, LIKE
from tests.preparation.machines import KITE, WAIT_SECONDS, Machine, ask, price_of_kite, until


def microseconds() -> int:
    """Now, as versions of published states count: since 1970."""
    return time.time_ns() // 1_000


def test_of_two_preparations_at_once_one_makes_and_the_other_finds_it_made(bare: Machine) -> None:
    other = bare.elsewhere("other")
    shutil.copytree(bare.folder, other.folder)
    before = microseconds()
    env = {name: value for name, value in os.environ.items() if not name.startswith("RECSYS_")}
    env["RECSYS_DATABASE_URL"] = bare.server.url(bare.database)
    runs = []
    for machine in (bare, other):
        command = [sys.executable, "-m", "mcp_server", "prepare", "--dataset", str(machine.dataset)]
        command += ["--state", str(machine.folder)]
        runs.append(subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True, encoding="utf-8"))
    reports = [run.communicate(timeout=120)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], reports
    assert sorted(re.findall(r"is ready \((.*);", "".join(reports))) == [
        "everything was up to date",
        "made: catalog, model",
    ]
    assert bare.leftovers(bare.manifest) == []
    assert bare.version is not None
    assert before <= bare.version <= microseconds()


@pytest.mark.usefixtures("watchful")
async def test_a_service_answers_all_the_time_and_follows_by_itself(machine: Machine) -> None:
    """Three states follow one another, so that the tables of the first go while it is asked."""
    prices: list[float] = []
    async with machine.served() as service:
        await ask(service)
        for price in (1, 2, 3):
            machine.set_price(price)
            running = asyncio.create_task(asyncio.to_thread(machine.prepare))
            end = time.monotonic() + WAIT_SECONDS
            while not (running.done() and prices[-1] == price):
                told, _ = await asyncio.gather(price_of_kite(service), ask(service))
                prices.append(told)
                assert time.monotonic() < end
            await running
        assert await ask(service) == await machine.answers()
    assert list(dict.fromkeys(prices)) == [15, 1, 2, 3]
    after_first = prices[prices.index(1) :]
    assert after_first == sorted(after_first)


async def test_a_service_that_has_not_looked_yet_can_still_answer(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its state is the former one; two publications later its tables are gone."""
    monkeypatch.setattr(state_takeover, "WATCH_SECONDS", 1_000.0)
    async with machine.served() as service:
        before = await ask(service)
        machine.set_name("Box kite")
        machine.prepare()
        assert await ask(service) == before


@pytest.mark.usefixtures("watchful")
async def test_a_service_follows_again_when_the_database_is_back(private: Machine) -> None:
    assert isinstance(private.server, PrivateServer)
    place = rf"the database at 127\.0\.0\.1:{private.server.port}/{private.database} cannot be reached"
    async with private.served() as service:
        before = await ask(service)
        await asyncio.to_thread(private.server.stop)
        await asyncio.sleep(0.5)  # several looks
        with pytest.raises(BackendError, match=place):
            await service.call(LIKE, {"items": ["TOY-02", "TOY-03"]})
        assert (await service.readiness())["database"].startswith("the database at")
        await asyncio.to_thread(private.server.start)
        assert await ask(service) == before
        assert set((await service.readiness()).values()) == {"ok"}
        private.set_name("Box kite")
        await asyncio.to_thread(private.prepare)
        end = time.monotonic() + WAIT_SECONDS
        while (await service.call(ITEM, KITE))["items"][0]["title"] != "Box kite":
            assert time.monotonic() < end
            await asyncio.sleep(0.05)


async def test_a_service_for_which_nothing_is_prepared_says_so_and_answers_when_it_is(bare: Machine) -> None:
    async with bare.elsewhere("replica").served() as service:
        said = rf"^nothing has been prepared in the database at .*/{bare.database}: run `recsys-mcp prepare`$"
        with pytest.raises(NotPreparedError, match=said):
            await service.call(ITEM, KITE)
        bare.prepare()
        assert (await service.call(ITEM, KITE))["items"][0]["title"] == "Kite"


async def test_a_service_prepares_where_nothing_is(bare: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECSYS_DATABASE_URL", bare.server.url(bare.database))
    before = microseconds()
    service = Service(Settings(_env_file=None, dataset=str(bare.dataset), state=bare.folder), prepare_if_needed=True)
    service.start()
    answers = await ask(service)
    await service.close()
    assert bare.version is not None
    assert before <= bare.version <= microseconds()
    assert await bare.answers() == answers


async def test_a_closed_service_has_no_connections(machine: Machine) -> None:
    async with machine.served() as service:
        await ask(service)
        assert machine.connections
    await asyncio.to_thread(until, lambda: not machine.connections, 10)


async def test_a_service_has_no_more_connections_than_allowed(machine: Machine) -> None:
    settings = Settings(_env_file=None, **machine.values, database_pool_size=2)
    service = Service(settings, prepare_if_needed=False)
    machine.kill_connections()  # the one that has read the manifest is not of the pool
    users = ["anna", "ben", "chloé", "dev", "eve", "finn", "gus"]
    calls = [service.call(HISTORY, {"user": user}) for user in users]
    calls += [service.call(FILTER, {"price": {"gt": price}}) for price in range(8)]
    await asyncio.gather(*calls)
    n_connections = len(machine.connections)  # pools keep them
    await service.close()
    assert n_connections <= 2


@pytest.mark.usefixtures("watchful")
async def test_a_replica_fetches_a_new_model_before_it_is_asked(machine: Machine) -> None:
    replica = machine.elsewhere("replica")
    async with replica.served() as service:
        await ask(service)
        await asyncio.to_thread(machine.prepare, ModelSpec(name="CKNN"))
        await asyncio.to_thread(until, lambda: machine.manifest.model in replica.copies)


@pytest.mark.parametrize("work", ["prepare", "doctor"])
async def test_who_has_ended_has_no_connections(machine: Machine, work: str) -> None:
    machine.kill_connections()
    machine.set_price(20)
    await asyncio.to_thread(machine.prepare if work == "prepare" else lambda: examine(machine.settings))
    await asyncio.to_thread(until, lambda: not machine.connections, 10)
