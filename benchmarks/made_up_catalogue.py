"""A made-up catalogue of any size, with something to learn: `python -m benchmarks.made_up_catalogue --items 100000
--users 200000 --interactions 10000000 --out FOLDER --seed 1`

Items are popular by Zipf's law, users active by a log-normal one. Behind all choices are latent tastes: an item belongs
to up to three of them, a user mixes up to three, and most interactions are with what is popular within one of the
user's tastes. Categories, ratings and counts, and the ages of users, lean on the tastes, too. One item in fifty is new:
nobody has used it. No user meets an item twice, and the same seed makes the same files.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from benchmarks.made_up_words import COUNTRIES, GENRES, ITEMS_SQL, SPEC, USERS_SQL
from mcp_server.types import BoolArray, DoubleArray, IntArray

N_TASTES = 32
N_SLOTS = 3
"""Tastes that an item or a user has at most."""

SLOT_SHARES = (0.5, 0.25, 0.1)
"""Shares of a user's interactions that each of the tastes leads to. The rest is with what is popular with everybody."""

ZIPF_OFFSET = 50
"""The item of rank r has the weight 1 / (r + ZIPF_OFFSET): Zipf's law as Mandelbrot has it, since no item is used by
more than all users."""

ACTIVITY_SPREAD = 1.1
"""Standard deviation of the logarithm of the users' activity."""

MOST_OF_CATALOGUE = 4
"""No user has more than the items divided by this."""

NEW_ITEMS = 50
"""One item in so many is without interactions."""

ROUNDS_BY_TASTE = 12
"""Draws by taste, after which the users who have found too few different items draw from all."""

CHUNK = 2_000_000
"""Interactions that are drawn, and kept in one file."""

BEGIN, YEARS = 1_577_836_800, 5
"""Time of the first interaction, in seconds since 1970, and the time that all of them take."""

Chance = np.random.Generator
Columns = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Shape:
    """The size of a catalogue, and the kind of its interactions."""

    n_items: int
    n_users: int
    n_interactions: int
    counts: bool = False
    """True for counts of plays, False for ratings from 1 to 5."""


class MadeUpItems:
    """Items with popularity and tastes.

    Args:
        shape: The size.
    """

    def __init__(self, shape: Shape, chance: Chance) -> None:
        n_items = shape.n_items
        self.tastes = _tastes(n_items, chance)
        """(n_items, N_SLOTS): the tastes of each item, -1 where it has fewer."""
        rank = chance.permutation(n_items)
        weight = 1.0 / (rank + ZIPF_OFFSET)
        weight[chance.permutation(n_items)[: n_items // NEW_ITEMS]] = 0
        self.quality = chance.normal(0, 0.5, n_items)
        """(n_items,): how much better than others an item is rated."""
        member, slot = np.nonzero(self.tastes >= 0)
        group = self.tastes[member, slot]
        order = np.argsort(group, kind="stable")
        used = np.flatnonzero(weight)
        # One list after the other: of each taste, of all items by popularity, and of all items alike.
        self._members = np.concatenate([member[order], used, used])
        weights = np.concatenate([weight[member[order]], weight[used], np.ones(len(used))])
        lengths = np.concatenate([np.bincount(group, minlength=N_TASTES), [len(used), len(used)]])
        self._cumulated = np.concatenate([[0.0], np.cumsum(weights)])
        ends = np.cumsum(lengths)
        self._begins, self._ends = self._cumulated[ends - lengths], self._cumulated[ends]

    def draw(self, lists: IntArray, chance: Chance) -> IntArray:
        """An item of each of some lists, by its weight: (n,).

        Args:
            lists: (n,), tastes, or OF_ALL or ALIKE for a list of all items.
        """
        begins = self._begins[lists]
        sought = begins + chance.random(len(lists)) * (self._ends[lists] - begins)
        found = np.searchsorted(self._cumulated, sought, side="right") - 1
        items: IntArray = self._members[np.minimum(found, len(self._members) - 1)]
        return items


OF_ALL, ALIKE = N_TASTES, N_TASTES + 1


class MadeUpUsers:
    """Users with an age, tastes and activity.

    Args:
        shape: The size.
    """

    def __init__(self, shape: Shape, chance: Chance) -> None:
        n_users = shape.n_users
        self.age = np.clip(chance.normal(36, 15, n_users), 8, 90).astype(np.int64)
        self.gender = (chance.random(n_users) < 0.5).astype(np.int64)
        self.tastes = _tastes(n_users, chance)
        """(n_users, N_SLOTS): the tastes of each user, -1 where the user has fewer."""
        # People of one age have their first taste in common more often than others.
        self.tastes[:, 0] = (self.age * N_TASTES // 90 + chance.integers(-4, 5, n_users)) % N_TASTES
        self.kindness = chance.normal(0, 0.4, n_users)
        """(n_users,): how much better than others a user rates."""
        self.n_items = _activity(shape, chance)
        """(n_users,): how many items each user has."""

    def lists(self, users: IntArray, chance: Chance) -> IntArray:
        """The list of items that each of some users draws from: (n,)."""
        slot = np.searchsorted(np.cumsum(SLOT_SHARES), chance.random(len(users)), side="right")
        tastes = np.where(slot < N_SLOTS, self.tastes[users, np.minimum(slot, N_SLOTS - 1)], -1)
        return np.where(tastes >= 0, tastes, OF_ALL)


def _tastes(n: int, chance: Chance) -> IntArray:
    """(n, N_SLOTS): different tastes, -1 for none."""
    first = chance.integers(0, N_TASTES, n)
    steps = chance.integers(1, N_TASTES // N_SLOTS, (n, N_SLOTS - 1)).cumsum(axis=1)
    tastes = np.concatenate([first[:, None], (first[:, None] + steps) % N_TASTES], axis=1)
    n_tastes = chance.choice(np.arange(1, N_SLOTS + 1), n, p=[0.5, 0.3, 0.2])
    return np.where(np.arange(N_SLOTS) < n_tastes[:, None], tastes, -1)


def _activity(shape: Shape, chance: Chance) -> IntArray:
    """(n_users,): numbers of items, which sum to the number of interactions.

    Raises:
        ValueError: The users cannot have so many different items.
    """
    most = max(1, shape.n_items // MOST_OF_CATALOGUE)
    if shape.n_interactions > most * shape.n_users:
        raise ValueError(f"{shape.n_users:,} users have at most {most:,} interactions each")
    activity = chance.lognormal(0, ACTIVITY_SPREAD, shape.n_users)
    numbers = np.zeros(shape.n_users, dtype=np.int64)
    while missing := shape.n_interactions - int(numbers.sum()):
        open_ = np.flatnonzero(numbers < most)
        if missing < len(open_):
            numbers[chance.permutation(open_)[:missing]] += 1
        else:
            shares = activity[open_] / activity[open_].sum() * missing
            numbers[open_] = np.minimum(numbers[open_] + np.maximum(shares, 1).astype(np.int64), most)
            if (excess := int(numbers.sum()) - shape.n_interactions) > 0:
                numbers[chance.permutation(np.flatnonzero(numbers > 0))[:excess]] -= 1
    return numbers


def make_interactions(shape: Shape, items: MadeUpItems, users: MadeUpUsers, chance: Chance) -> Iterator[Columns]:
    """The interactions in pieces, user by user: columns ``user_id``, ``item_id``, ``rating`` or ``plays``, and
    ``time``. IDs begin with 1.
    """
    ends = np.cumsum(users.n_items)
    first = 0
    while first < shape.n_users:
        before = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + CHUNK, side="right")))
        user, item = _pairs(np.arange(first, last), shape.n_items, items, users, chance)
        yield {"user_id": user + 1, "item_id": item + 1, **_feedback(shape, user, item, items, users, chance)}
        first = last


def _pairs(
    chosen: IntArray, n_items: int, items: MadeUpItems, users: MadeUpUsers, chance: Chance
) -> tuple[IntArray, IntArray]:
    """The users and the items of all interactions of some users, who follow one another; each pair once."""
    found = np.empty(0, dtype=np.int64)
    missing, draws = users.n_items[chosen], 0
    while missing.any():
        user = np.repeat(chosen, missing)
        lists = users.lists(user, chance) if draws < ROUNDS_BY_TASTE else np.full(len(user), ALIKE)
        drawn = np.unique(user * n_items + items.draw(lists, chance))
        place = np.searchsorted(found, drawn)
        is_new = np.ones(len(drawn), dtype=bool)
        is_new[place < len(found)] = found[place[place < len(found)]] != drawn[place < len(found)]
        found = np.insert(found, place[is_new], drawn[is_new])
        missing = users.n_items[chosen] - np.bincount(found // n_items - chosen[0], minlength=len(chosen))
        draws += 1
    return found // n_items, found % n_items


def _feedback(
    shape: Shape, user: IntArray, item: IntArray, items: MadeUpItems, users: MadeUpUsers, chance: Chance
) -> Columns:
    fits = _share_a_taste(users.tastes[user], items.tastes[item])
    opinion = items.quality[item] + users.kindness[user] + chance.normal(0, 0.7, len(user)) + fits
    span = YEARS * 365 * 86_400
    entered = (user * 2_654_435_761 % 2**32) / 2**32 * span * 0.8  # as evenly as by chance, and the same in every piece
    time = BEGIN + (entered + chance.random(len(user)) ** 2 * (span - entered)).astype(np.int64)
    if shape.counts:
        return {"plays": 1 + np.exp(opinion + 1).astype(np.int64), "time": time}
    return {"rating": np.clip(np.rint(3 + opinion * 0.9), 1, 5).astype(np.int64), "time": time}


def _share_a_taste(some: IntArray, others: IntArray) -> BoolArray:
    """(n,): True where two rows of tastes, each (n, N_SLOTS), have one in common."""
    shared = np.zeros(len(some), dtype=bool)
    for slot in range(N_SLOTS):
        taste = some[:, slot, None]
        shared |= ((others == taste) & (taste >= 0)).any(axis=1)
    return shared


def _item_columns(shape: Shape, items: MadeUpItems, chance: Chance) -> Columns:
    n_items = shape.n_items
    genres = np.where(items.tastes >= 0, items.tastes % len(GENRES), -1)
    strays = chance.random(n_items) < 0.15
    genres[strays, 0] = chance.integers(0, len(GENRES), int(strays.sum()))
    n_makers = max(1, n_items // 40 // N_TASTES)
    nth: DoubleArray = chance.random(n_items) ** 1.5 * n_makers
    return {
        "number": np.arange(n_items),
        **{f"genre_{slot}": genres[:, slot] for slot in range(N_SLOTS)},
        "maker": items.tastes[:, 0] + N_TASTES * nth.astype(np.int64),
        "country": (chance.random(n_items) ** 2 * len(COUNTRIES)).astype(np.int64),
        "year": 2024 - (chance.random(n_items) ** 2 * 70).astype(np.int64),
        "price": np.round(np.exp(chance.normal(2.5, 0.7, n_items)), 2),
        "word": chance.integers(0, 2**31, n_items),
    }


def write_catalogue(shape: Shape, folder: Path, seed: int) -> None:
    """Write ``items.parquet``, ``users.parquet``, a folder ``interactions`` and ``dataset.yaml``.

    Args:
        folder: An empty folder, or one that is made.
    """
    chance = np.random.default_rng(seed)
    items, users = MadeUpItems(shape, chance), MadeUpUsers(shape, chance)
    (folder / "interactions").mkdir(parents=True, exist_ok=True)
    number = np.arange(shape.n_users)
    with duckdb.connect() as connection:
        _write(connection, _item_columns(shape, items, chance), ITEMS_SQL, folder / "items.parquet")
        columns = {"number": number, "age": users.age, "gender": users.gender}
        _write(connection, columns, USERS_SQL, folder / "users.parquet")
        for part, columns in enumerate(make_interactions(shape, items, users, chance)):
            _write(connection, columns, "FROM made_up", folder / "interactions" / f"{part:04}.parquet")
    feedback = "counts" if shape.counts else "ratings"
    (folder / "dataset.yaml").write_text(SPEC[feedback], encoding="utf-8")


def _write(connection: duckdb.DuckDBPyConnection, columns: Columns, query: str, file: Path) -> None:
    connection.register("made_up", columns)
    connection.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")
    connection.unregister("made_up")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, required=True)
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--interactions", type=int, required=True)
    parser.add_argument("--counts", action="store_true", help="counts of plays instead of ratings")
    parser.add_argument("--out", type=Path, required=True, help="folder of the catalogue")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    shape = Shape(given.items, given.users, given.interactions, given.counts)
    write_catalogue(shape, given.out, given.seed)


if __name__ == "__main__":
    main()
