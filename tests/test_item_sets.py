"""Sets of items by handle, in a database that several processes share."""

import asyncio
import multiprocessing
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_server import item_sets
from mcp_server.dataset.records import Id
from mcp_server.errors import InvalidInputError
from mcp_server.item_sets import ItemSets
from mcp_server.service import Service

DAYS = 7.0

IDS = st.lists(st.integers(-(2**63), 2**63 - 1)) | st.lists(st.text())


@contextmanager
def _opened(path: Path, days: float = DAYS) -> Iterator[ItemSets]:
    sets = ItemSets(path, days)
    try:
        yield sets
    finally:
        sets.close()


async def _get(sets: ItemSets, handle: str) -> list[Id]:
    return list(await sets.get(handle))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "item_sets.sqlite"


@pytest.fixture(scope="module")
def shared_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One database for many examples."""
    return tmp_path_factory.mktemp("sets") / "item_sets.sqlite"


@settings(max_examples=60, deadline=None)
@given(ids=IDS)
def test_any_ids_come_back_as_they_were_put(shared_path: Path, ids: list[Id]) -> None:
    async def scenario() -> tuple[str, list[Id], list[Id]]:
        with _opened(shared_path) as sets, _opened(shared_path) as elsewhere:
            handle = await sets.put(ids)
            return handle, await _get(sets, handle), await _get(elsewhere, handle)

    handle, here, there = asyncio.run(scenario())
    assert here == there == ids
    assert [type(item) for item in there] == [type(item) for item in ids]
    assert re.fullmatch("set_[a-z2-7]{6,52}", handle)


async def test_a_large_set_comes_back(path: Path) -> None:
    ids: list[Id] = list(range(0, 300_000, 3))
    with _opened(path) as sets, _opened(path) as elsewhere:
        assert await _get(elsewhere, await sets.put(ids)) == ids


async def test_the_same_set_has_the_same_handle_everywhere(path: Path, tmp_path: Path) -> None:
    with _opened(path) as sets, _opened(path) as elsewhere, _opened(tmp_path / "other" / "sets.sqlite") as apart:
        handle = await sets.put([3, 1, 2])
        assert await sets.put([3, 1, 2]) == handle
        assert await elsewhere.put([3, 1, 2]) == handle
        assert await apart.put([3, 1, 2]) == handle


async def test_sets_that_differ_in_members_order_or_kind_have_different_handles(path: Path) -> None:
    contents: list[list[Id]] = [[], [1], [2], [1, 2], [2, 1], [12], ["1"], ["1", "2"], ["1,2"], ["é"], ["e\u0301"]]
    with _opened(path) as sets:
        handles = [await sets.put(ids) for ids in contents]
        assert len(set(handles)) == len(contents)
        assert [await _get(sets, handle) for handle in handles] == contents


async def test_sets_that_would_share_a_handle_get_longer_ones(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_sets, "SHORTEST", 1)
    monkeypatch.setattr(item_sets, "HANDLE", re.compile(r"^set_[a-z2-7]+$"))
    contents: list[list[Id]] = [[number] for number in range(40)]  # one character tells 32 apart
    with _opened(path) as sets:
        handles = [await sets.put(ids) for ids in contents]
        assert len(set(handles)) == 40
        assert {len(handle) for handle in handles} > {len("set_a")}
        assert [await _get(sets, handle) for handle in handles] == contents
    with _opened(path) as later:
        assert [await later.put(ids) for ids in contents] == handles
        assert [await _get(later, handle) for handle in handles] == contents


class _Clock:
    """Stands in for the time in the module under test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.days = 20_000.0
        monkeypatch.setattr(item_sets, "time", SimpleNamespace(time=lambda: self.days * 86_400))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    return _Clock(monkeypatch)


async def test_a_set_is_forgotten_when_it_has_not_been_used_for_long(path: Path, clock: _Clock) -> None:
    with _opened(path) as sets:
        handle = await sets.put([1, 2])
        clock.days += DAYS - 0.1
        with _opened(path) as elsewhere:
            assert await _get(elsewhere, handle) == [1, 2]
        clock.days += DAYS + 0.1
        for reader in (sets, ItemSets(path, DAYS)):
            with pytest.raises(InvalidInputError, match=f"{handle} is unknown or has been forgotten"):
                await _get(reader, handle)
            reader.close()


async def test_every_use_keeps_a_set_alive(path: Path, clock: _Clock) -> None:
    with _opened(path) as sets:
        handle = await sets.put([1, 2])
        for _ in range(5):
            clock.days += DAYS - 1
            assert await _get(sets, handle) == [1, 2]
        clock.days += DAYS - 1
        assert await sets.put([1, 2]) == handle  # making it again is a use, too
        clock.days += DAYS - 1
        assert await _get(sets, handle) == [1, 2]


async def test_a_forgotten_set_can_be_made_again(path: Path, clock: _Clock) -> None:
    with _opened(path) as sets:
        handle = await sets.put([1, 2])
        clock.days += 2 * DAYS
        assert await sets.put([1, 2]) == handle
        assert await _get(sets, handle) == [1, 2]


async def test_forgotten_sets_take_no_room(path: Path, clock: _Clock) -> None:
    with _opened(path) as sets:
        for number in range(20):
            await sets.put([number])
        clock.days += 2 * DAYS
        await sets.put(["new"])
    with sqlite3.connect(path) as database:
        [(table,)] = database.execute("select name from sqlite_master where type = 'table'").fetchall()
        assert database.execute(f"select count(*) from {table}").fetchall() == [(1,)]
    database.close()


@pytest.mark.parametrize(
    "malformed",
    ["", "set_", "set_abc", "SET_ABCDEF", "set_abcde1", "abcdef", "itemset://set_abcdef", "set_" + "a" * 60],
)
async def test_what_is_no_handle_is_refused(path: Path, malformed: str) -> None:
    with _opened(path) as sets, pytest.raises(InvalidInputError, match=r"is not an item set.*other tools"):
        await _get(sets, malformed)


async def test_an_unknown_handle_is_refused_with_what_to_do(path: Path) -> None:
    with _opened(path) as sets:
        await sets.put([1])
        with pytest.raises(InvalidInputError, match=r"set_abcdef is unknown.*call the tool that made it again"):
            await _get(sets, "set_abcdef")


async def test_an_unknown_handle_is_refused_where_nothing_has_been_put_yet(path: Path) -> None:
    with _opened(path) as sets, pytest.raises(InvalidInputError, match="set_abcdef is unknown"):
        await _get(sets, "set_abcdef")


async def test_a_tool_refuses_an_unknown_set(shop: Service) -> None:
    with pytest.raises(InvalidInputError, match="set_abcdef"):
        await shop.call("get_like_percentage_tool", {"item_set": "set_abcdef"})


# Many at once


async def test_sets_may_be_put_at_once_before_there_is_a_database(path: Path) -> None:
    contents: list[list[Id]] = [[number, "x"] for number in range(8)]
    with _opened(path) as sets:
        handles = await asyncio.gather(*(sets.put(ids) for ids in contents))
        assert await asyncio.gather(*(_get(sets, handle) for handle in handles)) == contents


N_PROCESSES = 3
N_DATABASES = 10


def _put_sets(folder: str, number: int, barrier: Any, results: Any) -> None:
    """A process that puts a set of its own and one of everybody's into each of several new databases."""

    async def put(path: Path) -> list[str]:
        with _opened(path) as sets:
            return [await sets.put([1, 2, 3]), await sets.put([number, "own"])]

    outcomes: list[list[str] | str] = []
    for database in range(N_DATABASES):
        barrier.wait(timeout=60)
        try:
            outcomes.append(asyncio.run(put(Path(folder) / f"{database}.sqlite")))
        except Exception as error:
            outcomes.append(repr(error))
    results.put((number, outcomes))


async def test_processes_may_write_at_once_even_before_there_is_a_database(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(N_PROCESSES), context.Queue()
    processes = [
        context.Process(target=_put_sets, args=(str(tmp_path), number, barrier, results), daemon=True)
        for number in range(N_PROCESSES)
    ]
    for process in processes:
        process.start()
    outcomes = dict(results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join(timeout=60)
    failed = [handles for made in outcomes.values() for handles in made if isinstance(handles, str)]
    assert failed == []
    for database in range(N_DATABASES):
        with _opened(tmp_path / f"{database}.sqlite") as sets:
            assert len({outcomes[number][database][0] for number in range(N_PROCESSES)}) == 1
            for number in range(N_PROCESSES):
                shared, own = outcomes[number][database]
                assert await _get(sets, shared) == [1, 2, 3]
                assert await _get(sets, own) == [number, "own"]
