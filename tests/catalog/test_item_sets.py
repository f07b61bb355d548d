"""Sets of items by handle, in a database that several processes share: a SQLite file, or a server."""

import asyncio
import contextlib
import multiprocessing
import re
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import Connection, text

from mcp_server.catalog import item_sets
from mcp_server.catalog.item_sets import ItemSets, create_item_sets
from mcp_server.errors import BackendError, InvalidInputError
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.sql.database import Database
from mcp_server.sql.mysql import MysqlDatabase
from mcp_server.sql.mysql_address import MysqlAddress
from mcp_server.sql.sqlite import SqliteDatabase
from mcp_server.types import Id
from tests.mariadb import Server

DAYS = 7.0

IDS = st.lists(st.integers(-(2**63), 2**63 - 1)) | st.lists(st.text())


@dataclass(frozen=True)
class Place:
    """A database for item sets: a file, or the URL of one on a server."""

    file: Path | None = None
    url: str | None = None

    @property
    def address(self) -> MysqlAddress:
        assert self.url is not None
        return MysqlAddress.from_settings(Settings(database_url=SecretStr(self.url)))

    def database(self) -> Database:
        if self.file is not None:
            return SqliteDatabase(self.file, "the database of item sets", read_only=False)
        return MysqlDatabase(self.address)

    def create_table(self) -> None:
        """As preparation and the opening of a folder do."""
        if self.file is not None:
            database = SqliteDatabase(self.file, "the database of item sets", read_only=False)
            database.change(create_item_sets)
            database.dispose()
        else:
            engine = self.address.engine()
            with engine.begin() as connection:
                create_item_sets(connection)
            engine.dispose()

    @contextlib.asynccontextmanager
    async def opened(self, days: float = DAYS) -> AsyncIterator[ItemSets]:
        database = self.database()
        try:
            yield ItemSets(database, days)
        finally:
            await database.close()

    async def count(self) -> int:
        """Rows of the table."""

        def query(connection: Connection) -> int:
            return connection.scalar(text("SELECT count(*) FROM recsys_item_sets_3")) or 0

        database = self.database()
        try:
            return await database.scan(query)
        finally:
            await database.close()


async def _get(sets: ItemSets, handle: str) -> list[Id]:
    return list(await sets.get(handle))


@pytest.fixture
def place(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    """A database with the empty table."""
    if database == "sqlite":
        made = Place(file=tmp_path / "item_sets.sqlite")
    else:
        made = Place(url=request.getfixturevalue("database_url"))
    made.create_table()
    return made


def _another_place(kind: str, file: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A database of a kind, with the empty table, besides the test's own."""
    if kind == "sqlite":
        made = Place(file=file)
        made.create_table()
        yield made
        return
    server: Server = request.getfixturevalue("database_server")
    name = server.create_database()
    made = Place(url=server.url(name))
    made.create_table()
    yield made
    server.drop_database(name)


@pytest.fixture
def other_place(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """Another database of the same kind."""
    yield from _another_place(database, tmp_path / "others.sqlite", request)


@pytest.fixture(scope="module")
def shared_place(
    database: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Place]:
    """One database for many examples."""
    yield from _another_place(database, tmp_path_factory.mktemp("sets") / "item_sets.sqlite", request)


@settings(max_examples=40, deadline=None)
@given(ids=IDS)
def test_any_ids_come_back_as_they_were_put(shared_place: Place, ids: list[Id]) -> None:
    async def scenario() -> tuple[str, list[Id], list[Id]]:
        async with shared_place.opened() as sets, shared_place.opened() as elsewhere:
            handle = await sets.put(ids)
            return handle, await _get(sets, handle), await _get(elsewhere, handle)

    handle, here, there = asyncio.run(scenario())
    assert here == there == ids
    assert [type(item) for item in there] == [type(item) for item in ids]
    assert re.fullmatch("set_[a-z2-7]{6,52}", handle)


async def test_a_large_set_comes_back(place: Place) -> None:
    ids: list[Id] = list(range(0, 300_000, 3))
    async with place.opened() as sets, place.opened() as elsewhere:
        assert await _get(elsewhere, await sets.put(ids)) == ids


async def test_the_same_set_has_the_same_handle_everywhere(place: Place, other_place: Place) -> None:
    async with place.opened() as sets, place.opened() as elsewhere, other_place.opened() as apart:
        handle = await sets.put([3, 1, 2])
        assert await sets.put([3, 1, 2]) == handle
        assert await elsewhere.put([3, 1, 2]) == handle
        assert await apart.put([3, 1, 2]) == handle


async def test_a_file_and_a_server_give_the_same_handles(place: Place, tmp_path: Path) -> None:
    file = Place(file=tmp_path / "file.sqlite")
    file.create_table()
    async with place.opened() as sets, file.opened() as elsewhere:
        for ids in ([1, 2], ["é", "🎬"], []):
            assert await sets.put(ids) == await elsewhere.put(ids)


async def test_sets_that_differ_in_members_order_or_kind_have_different_handles(place: Place) -> None:
    contents: list[list[Id]] = [[], [1], [2], [1, 2], [2, 1], [12], ["1"], ["1", "2"], ["1,2"], ["é"], ["e\u0301"]]
    contents += [["E"], ["e"], ["e "], [" e"]]
    async with place.opened() as sets, place.opened() as elsewhere:
        handles = [await sets.put(ids) for ids in contents]
        assert len(set(handles)) == len(contents)
        assert [await _get(elsewhere, handle) for handle in handles] == contents


async def test_sets_that_would_share_a_handle_get_longer_ones(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_sets, "SHORTEST", 1)
    monkeypatch.setattr(item_sets, "HANDLE", re.compile(r"^set_[a-z2-7]+$"))
    contents: list[list[Id]] = [[number] for number in range(40)]  # one character tells 32 apart
    async with place.opened() as sets:
        handles = [await sets.put(ids) for ids in contents]
        assert len(set(handles)) == 40
        assert {len(handle) for handle in handles} > {len("set_a")}
        assert [await _get(sets, handle) for handle in handles] == contents
    async with place.opened() as later:
        assert [await later.put(ids) for ids in contents] == handles
        assert [await _get(later, handle) for handle in handles] == contents


@pytest.mark.parametrize("content", [b"", b"no zip", zlib.compress(b"[1,2,4]")])
async def test_a_set_whose_content_has_changed_is_unknown_until_it_is_put_again(place: Place, content: bytes) -> None:
    async with place.opened() as sets, place.opened() as elsewhere:
        handle = await sets.put([1, 2, 3])
        database = place.database()
        change = text("UPDATE recsys_item_sets_3 SET content = :content WHERE handle = :handle")
        await database.write(lambda connection: connection.execute(change, {"content": content, "handle": handle}))
        await database.close()
        with pytest.raises(InvalidInputError, match="call the tool that made it again"):
            await elsewhere.get(handle)
        assert await elsewhere.put([1, 2, 3]) == handle
        assert await _get(elsewhere, handle) == [1, 2, 3]


class _Clock:
    """Stands in for the time in the module under test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.days = 20_000.0
        monkeypatch.setattr(item_sets, "time", SimpleNamespace(time=lambda: self.days * 86_400))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    return _Clock(monkeypatch)


async def test_a_set_is_forgotten_when_it_has_not_been_used_for_long(place: Place, clock: _Clock) -> None:
    async with place.opened() as sets:
        handle = await sets.put([1, 2])
        clock.days += DAYS - 0.1
        async with place.opened() as elsewhere:
            assert await _get(elsewhere, handle) == [1, 2]
        clock.days += DAYS + 0.1
        async with place.opened() as elsewhere:
            for reader in (sets, elsewhere):
                with pytest.raises(InvalidInputError, match=f"{handle} is unknown or has been forgotten"):
                    await _get(reader, handle)


async def test_every_use_keeps_a_set_alive(place: Place, clock: _Clock) -> None:
    async with place.opened() as sets:
        handle = await sets.put([1, 2])
        for _ in range(5):
            clock.days += DAYS - 1
            assert await _get(sets, handle) == [1, 2]
        clock.days += DAYS - 1
        assert await sets.put([1, 2]) == handle  # making it again is a use, too
        clock.days += DAYS - 1
        assert await _get(sets, handle) == [1, 2]


async def test_a_set_that_one_process_uses_is_kept_for_all(place: Place, clock: _Clock) -> None:
    async with place.opened() as sets, place.opened() as elsewhere:
        handle = await sets.put([1, 2])
        for _ in range(4):
            clock.days += DAYS - 1
            assert await _get(elsewhere, handle) == [1, 2]
        assert await _get(sets, handle) == [1, 2]


async def test_a_forgotten_set_can_be_made_again(place: Place, clock: _Clock) -> None:
    async with place.opened() as sets:
        handle = await sets.put([1, 2])
        clock.days += 2 * DAYS
        assert await sets.put([1, 2]) == handle
        assert await _get(sets, handle) == [1, 2]


async def test_a_forgotten_set_gives_its_handle_to_another(
    place: Place, clock: _Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_sets, "SHORTEST", 1)
    monkeypatch.setattr(item_sets, "HANDLE", re.compile(r"^set_[a-z2-7]+$"))
    monkeypatch.setattr(item_sets, "CLEANING_SECONDS", 1e9)  # so that the forgotten set is still in the table
    async with place.opened() as sets:
        short: dict[str, Id] = {}
        for number in range(40):
            handle = await sets.put([number])
            if len(handle) > len("set_a"):
                break
            short[handle] = number
        rival = handle[: len("set_a")]
        assert await _get(sets, rival) == [short[rival]]
        clock.days += 2 * DAYS
        async with place.opened() as later:
            assert await later.put([number]) == rival
            assert await _get(later, rival) == [number]


async def test_forgotten_sets_take_no_room(place: Place, clock: _Clock) -> None:
    async with place.opened() as sets:
        for number in range(20):
            await sets.put([number])
        clock.days += 2 * DAYS
        await sets.put(["new"])
    assert await place.count() == 1


@pytest.mark.parametrize(
    "malformed",
    ["", "set_", "set_abc", "SET_ABCDEF", "set_abcde1", "abcdef", "itemset://set_abcdef", "set_" + "a" * 60],
)
async def test_what_is_no_handle_is_refused(place: Place, malformed: str) -> None:
    async with place.opened() as sets:
        with pytest.raises(InvalidInputError, match=r"is not an item set.*other tools"):
            await _get(sets, malformed)


async def test_an_unknown_handle_is_refused_with_what_to_do(place: Place) -> None:
    async with place.opened() as sets:
        await sets.put([1])
        with pytest.raises(InvalidInputError, match=r"set_abcdef is unknown.*call the tool that made it again"):
            await _get(sets, "set_abcdef")


async def test_an_unknown_handle_is_refused_where_nothing_has_been_put_yet(place: Place) -> None:
    async with place.opened() as sets:
        with pytest.raises(InvalidInputError, match="set_abcdef is unknown"):
            await _get(sets, "set_abcdef")


async def test_a_missing_table_is_told_of(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if database == "sqlite":
        bare, said = Place(file=tmp_path / "bare.sqlite"), r"the database of item sets .*no such table"
    else:
        bare, said = Place(url=request.getfixturevalue("database_url")), "lacks a table: run `recsys-mcp prepare`"
    async with bare.opened() as sets:
        for ask in (lambda: sets.put([1]), lambda: sets.get("set_abcdef"), sets.ping):
            with pytest.raises(BackendError, match=said):
                await ask()


async def test_the_table_may_be_made_again(place: Place) -> None:
    async with place.opened() as sets:
        handle = await sets.put([1, 2])
        place.create_table()
        async with place.opened() as elsewhere:
            assert await _get(elsewhere, handle) == [1, 2]


async def test_a_tool_refuses_an_unknown_set(shop: Service) -> None:
    with pytest.raises(InvalidInputError, match="set_abcdef"):
        await shop.call("get_like_percentage_tool", {"item_set": "set_abcdef"})


# Many at once


async def test_many_calls_may_put_and_get_at_once(place: Place) -> None:
    contents: list[list[Id]] = [[number % 8, "x"] for number in range(64)]
    async with place.opened() as sets, place.opened() as elsewhere:
        several = [sets, elsewhere]
        handles = await asyncio.gather(*(several[n % 2].put(ids) for n, ids in enumerate(contents)))
        assert await asyncio.gather(*(_get(several[n % 2], h) for n, h in enumerate(reversed(handles)))) == [
            *reversed(contents)
        ]
    assert len(set(handles)) == await place.count() == 8


N_PROCESSES = 3
N_ROUNDS = 10


def _put_sets(places: list[Place], make_tables: bool, number: int, barrier: Any, results: Any) -> None:
    """A process that puts a set of its own and one of everybody's into each of several places."""

    async def put(place: Place, round_: int) -> list[str]:
        if make_tables:
            place.create_table()
        async with place.opened() as sets:
            return [await sets.put([round_, 1, 2, 3]), await sets.put([round_, number, "own"])]

    outcomes: list[list[str] | str] = []
    for round_, place in enumerate(places):
        barrier.wait(timeout=60)
        try:
            outcomes.append(asyncio.run(put(place, round_)))
        except Exception as error:
            outcomes.append(repr(error))
    results.put((number, outcomes))


async def _put_in_processes(places: list[Place], *, make_tables: bool) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(N_PROCESSES), context.Queue()
    processes = [
        context.Process(target=_put_sets, args=(places, make_tables, number, barrier, results), daemon=True)
        for number in range(N_PROCESSES)
    ]
    for process in processes:
        process.start()
    outcomes = dict(results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join(timeout=60)
    failed = [handles for made in outcomes.values() for handles in made if isinstance(handles, str)]
    assert failed == []
    for round_, place in enumerate(places):
        async with place.opened() as sets:
            assert len({outcomes[number][round_][0] for number in range(N_PROCESSES)}) == 1
            for number in range(N_PROCESSES):
                shared, own = outcomes[number][round_]
                assert await _get(sets, shared) == [round_, 1, 2, 3]
                assert await _get(sets, own) == [round_, number, "own"]


async def test_processes_may_write_at_once(place: Place) -> None:
    await _put_in_processes([place] * N_ROUNDS, make_tables=False)


async def test_processes_may_write_files_at_once_even_before_there_are_any(tmp_path: Path) -> None:
    places = [Place(file=tmp_path / f"{number}.sqlite") for number in range(N_ROUNDS)]
    await _put_in_processes(places, make_tables=True)


# Scores


async def test_a_set_keeps_the_scores_of_its_items(place: Place) -> None:
    async with place.opened() as sets:
        handle = await sets.put(["b", "a"], [2.5, -1.0])
    async with place.opened() as again:
        assert await again.get(handle) == ("b", "a")
        assert await again.scores(handle) == (2.5, -1.0)
        assert await again.put(["b", "a"], [2.5, -1.0]) == handle


async def test_scores_are_part_of_a_set(place: Place) -> None:
    async with place.opened() as sets:
        handles = [await sets.put([1, 2], scores) for scores in (None, [1.0, 0.5], [1.0, 0.25])]
        assert len(set(handles)) == 3
        assert [await sets.scores(handle) for handle in handles] == [None, (1.0, 0.5), (1.0, 0.25)]
        assert {await sets.get(handle) for handle in handles} == {(1, 2)}


async def test_an_empty_set_may_have_come_from_a_search(place: Place) -> None:
    async with place.opened() as sets:
        searched, filtered = await sets.put([], []), await sets.put([])
        assert searched != filtered
        assert (await sets.get(searched), await sets.scores(searched)) == ((), ())
        assert await sets.scores(filtered) is None
