"""Numbers of items and groups, against loops over the pairs that they are made of."""

import random
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcp_server.catalog import arrays, segments, timeline
from mcp_server.catalog.catalog import Catalog
from mcp_server.catalog.numbers import Numbers
from mcp_server.dataset.windows import Window
from mcp_server.state.folder import StateFolder
from mcp_server.state.folder_parts import FolderParts
from tests.tools.small_catalogues import COUNTS, EVENTS, LIKES, RATINGS, TIMES, Catalogue, Pair

ITEMS = "abcdefghijkl"
TIERS = {f"u{number:02}": tier for number, tier in enumerate(["gold", "free", "trial", None] * 10) if tier}
KINDS = {"ratings": RATINGS, "counts": COUNTS, "events": EVENTS, "likes": LIKES}


def random_pairs(seed: int) -> list[Pair]:
    """Some 200 pairs of 40 users, each once, of which some have no time and several the same."""
    chance = random.Random(seed)
    return [
        Pair(f"u{user:02}", item, chance.randint(-4, 20) / 4, chance.randint(0, 3), chance.choice([None, *range(30)]))
        for user in range(40)
        for item in ITEMS
        if user % 9 and chance.random() < 0.45
    ]


PAIRS = random_pairs(7)


def catalogue(kind: str, times: dict[str, Any] = TIMES) -> Catalogue:
    return Catalogue(
        ITEMS, PAIRS, {**KINDS[kind], **times}, users=[f"u{number:02}" for number in range(40)], tiers=TIERS
    )


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces so small that there are many of them."""
    monkeypatch.setattr(arrays, "PIECE_BYTES", 40)
    monkeypatch.setattr(timeline, "PAIRS_AT_ONCE", 7)
    monkeypatch.setattr(segments, "ITEMS_AT_ONCE", 9)


@asynccontextmanager
async def opened(made: Catalogue, folder: Path) -> AsyncIterator[Catalog]:
    state = StateFolder(folder)
    if not (folder / "current.json").exists():
        made.publish(folder)
    async with FolderParts(state).catalog(state.manifest()) as catalog:
        yield catalog


def check(numbers: Numbers, kind: str, of_each: Sequence[Sequence[Pair]]) -> None:
    """Compare numbers with the pairs that they should be of."""
    likes = 4.0 if kind == "ratings" else 1e-9
    assert numbers.n_pairs.tolist() == [len(pairs) for pairs in of_each]
    assert numbers.n_likes.tolist() == [sum(pair.value >= likes for pair in pairs) for pairs in of_each]
    amounts: list[float] = [len(pairs) for pairs in of_each]
    popularity = amounts
    if kind == "counts":
        amounts = popularity = [sum(pair.value for pair in pairs) for pairs in of_each]
    elif kind == "events":
        amounts = [sum(pair.n_events for pair in pairs) for pairs in of_each]
        popularity = [sum(max(pair.value, 0) for pair in pairs) for pairs in of_each]
    assert numbers.amounts.tolist() == amounts  # quarters are added exactly
    assert numbers.popularity.tolist() == popularity
    means = [sum(pair.value for pair in pairs) / len(pairs) if pairs else None for pairs in of_each]
    if kind == "ratings":
        assert numbers.mean_ratings is not None
        assert [None if np.isnan(mean) else mean for mean in numbers.mean_ratings.tolist()] == means
    else:
        assert numbers.mean_ratings is None


def by_item(pairs: Iterable[Pair]) -> list[list[Pair]]:
    listed = list(pairs)
    return [[pair for pair in listed if pair.item == item] for item in ITEMS]


def inside(pair: Pair, window: Window | None) -> bool:
    if window is None:
        return True
    earliest, end = window.begin, window.end
    return pair.time is not None and (earliest is None or pair.time >= earliest) and (end is None or pair.time < end)


WINDOWS = [None, Window(), Window(5, 12), Window(None, 9), Window(20), Window(7, 7), Window(-5, 99), Window(40)]


@pytest.mark.parametrize("kind", KINDS)
async def test_numbers_are_of_the_groups_and_the_time_asked_for(kind: str, tmp_path: Path) -> None:
    async with opened(catalogue(kind), tmp_path) as catalog:
        for tiers in (None, ["gold"], ["free", "trial"], ["unheard of"]):
            members = [user for user in (f"u{number:02}" for number in range(40)) if TIERS.get(user) in (tiers or [])]
            for window in WINDOWS:
                numbers = await catalog.statistics.numbers({} if tiers is None else {"tier": tiers}, window)
                wanted = [pair for pair in PAIRS if (tiers is None or pair.user in members) and inside(pair, window)]
                check(numbers, kind, by_item(wanted))
                assert numbers.n_users == (40 if tiers is None else len(members))


@pytest.mark.parametrize("kind", KINDS)
async def test_every_group_of_a_field_is_summed_up_in_one_pass(kind: str, tmp_path: Path) -> None:
    items = np.array([item in "abfk" for item in ITEMS])
    async with opened(catalogue(kind), tmp_path) as catalog:
        for window in WINDOWS:
            for chosen in (None, items):
                found = await catalog.statistics.numbers_by("tier", chosen, window=window)
                wanted = [pair for pair in PAIRS if (chosen is None or pair.item in "abfk") and inside(pair, window)]
                check(
                    found, kind, [[pair for pair in wanted if TIERS.get(pair.user) == value] for value in found.values]
                )
                assert dict(zip(found.values, found.n_users.tolist(), strict=True)) == dict.fromkeys(
                    ["gold", "free", "trial", None], 10
                )
        some = await catalog.statistics.numbers_by("tier", None, {"tier": ["gold", "trial"]})
        assert sorted(map(str, some.values)) == ["gold", "trial"]


@pytest.mark.parametrize("kind", KINDS)
async def test_numbers_of_any_users(kind: str, tmp_path: Path) -> None:
    async with opened(catalogue(kind), tmp_path) as catalog:
        for users in ([3], [0], [1, 5, 8, 22], []):
            for window in (None, Window(5, 12), Window(None, 9)):
                numbers = await catalog.statistics.numbers_of(np.array(users, dtype=np.int64), window)
                wanted = [pair for pair in PAIRS if int(pair.user[1:]) in users and inside(pair, window)]
                check(numbers, kind, by_item(wanted))
                assert numbers.n_users == len(users)


@pytest.mark.parametrize("kind", KINDS)
async def test_without_times_all_is_summed_up(kind: str, tmp_path: Path) -> None:
    async with opened(catalogue(kind, {}), tmp_path) as catalog:
        check(await catalog.statistics.numbers({}), kind, by_item(PAIRS))
        free = [pair for pair in PAIRS if TIERS.get(pair.user) == "free"]
        check(await catalog.statistics.numbers({"tier": ["free"]}), kind, by_item(free))


async def test_the_timeline_knows_its_ends_and_what_has_no_time(tmp_path: Path) -> None:
    async with opened(catalogue("ratings"), tmp_path) as catalog:
        times = [pair.time for pair in PAIRS if pair.time is not None]
        assert await catalog.statistics.timeline.span() == (min(times), max(times))
        assert await catalog.statistics.timeline.n_untimed() == len(PAIRS) - len(times)


async def test_a_timeline_may_be_empty(tmp_path: Path) -> None:
    untimed = Catalogue("ab", [Pair("ann", "a"), Pair("bob", "b")], TIMES)
    async with opened(untimed, tmp_path) as catalog:
        assert await catalog.statistics.timeline.span() is None
        assert (await catalog.statistics.numbers({}, Window(0, 9))).n_pairs.tolist() == [0, 0]
        assert (await catalog.statistics.numbers({}, Window())).n_pairs.tolist() == [0, 0]
    nothing = Catalogue("ab", [], TIMES)
    async with opened(nothing, tmp_path / "nothing") as catalog:
        assert (await catalog.statistics.numbers({}, Window(None, 9))).n_pairs.tolist() == [0, 0]
        assert (await catalog.statistics.numbers({})).n_users == 0


async def test_shares_are_unknown_where_there_is_nothing(tmp_path: Path) -> None:
    made = Catalogue("abc", [Pair("ann", "a", 5), Pair("bob", "a", 2), Pair("ann", "b", 1)], RATINGS)
    async with opened(made, tmp_path) as catalog:
        shares = (await catalog.statistics.numbers({})).like_percentages
        assert shares[:2].tolist() == [50, 0]
        assert np.isnan(shares[2])
