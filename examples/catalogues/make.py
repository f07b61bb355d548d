"""Makes the data of the example catalogues that is not written by hand: `python examples/catalogues/make.py`

Customers, readers and listeners are invented. Each prefers one or two kinds of items, so that there is something to
learn. The same files come out every time.
"""

import csv
import gzip
import io
import json
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

HERE = Path(__file__).parent

PREFERRED = 0.8
"""Share of a user's interactions with items of the kinds that the user prefers."""


class Taste:
    """The taste of one user, who chooses mostly items of a few kinds, and the first of each kind most often."""

    def __init__(self, kinds: dict[str, list[str]], n_kinds: int, chance: random.Random) -> None:
        self._chance = chance
        self._all = [item for items in kinds.values() for item in items]
        self._preferred = [item for kind in chance.sample(sorted(kinds), n_kinds) for item in kinds[kind]]

    def choose(self, n_items: int) -> list[str]:
        """Different items, at most so many."""
        chosen = {}
        for _ in range(n_items):
            items = self._preferred if self._chance.random() < PREFERRED else self._all
            chosen[items[int(len(items) * self._chance.random() ** 1.5)]] = None
        return list(chosen)


def write_csv(file: Path, head: Sequence[str], rows: Iterable[Sequence[object]], separator: str = ",") -> None:
    """A file of comma-separated values; compressed where its name ends in .gz."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerows([head, *rows])
    content = text.getvalue().encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(content, mtime=0) if file.suffix == ".gz" else content)


def by_kind(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Items by their kinds."""
    kinds: dict[str, list[str]] = {}
    for kind, item in pairs:
        kinds.setdefault(kind, []).append(item)
    return kinds


def make_shop(folder: Path) -> None:
    """Customers, and three months of what they looked at, bought and sent back."""
    chance = random.Random(1)
    with (HERE / "shop" / "products.csv").open(encoding="utf-8", newline="") as file:
        kinds = by_kind((row["department"], row["sku"]) for row in csv.DictReader(file))
    customers = []
    events: dict[str, list[tuple[str, str, str, str]]] = {}
    for number in range(1, 91):
        customer, city, club = f"C{number:03}", chance.choice(["Harwich", "Ostend", "Esbjerg"]), chance.choice("BBS")
        customers.append((customer, city, club, ("yes", "no")[number % 2]))
        for sku in Taste(kinds, chance.choice([1, 2]), chance).choose(chance.randint(4, 16)):
            time = datetime(2025, 1, 1, 8) + timedelta(minutes=chance.randrange(89 * 24 * 60))
            for step in _visits(chance):
                events.setdefault(f"{time:%Y-%m}", []).append((f"{time:%Y-%m-%d %H:%M:%S}", customer, sku, step))
                time += timedelta(minutes=chance.randint(1, 50))
    write_csv(folder / "customers.csv", ("customer", "city", "club", "newsletter"), customers)
    for month, rows in events.items():
        write_csv(folder / "events" / f"{month}.csv", ("time", "customer", "sku", "event"), sorted(rows))


def _visits(chance: random.Random) -> list[str]:
    """A customer's events with a product: some views, perhaps a purchase, seldom a refund."""
    steps = ["view"] * chance.randint(1, 3)
    if chance.random() < 0.45:
        steps.append("buy")
        if chance.random() < 0.1:
            steps.append("refund")
    return steps


def make_library(folder: Path) -> None:
    """Readers, and two years of loans and renewals."""
    chance = random.Random(2)
    lines = (HERE / "library" / "books.jsonl").read_text(encoding="utf-8").splitlines()
    kinds = by_kind((subject, book["id"]) for book in map(json.loads, lines) for subject in book["subjects"])
    readers, loans = [], []
    for reader in range(1, 81):
        youngest, oldest = chance.choice([(7, 12), (13, 19), (20, 64), (65, 88)])
        readers.append((reader, chance.randint(youngest, oldest), chance.choice(["Old Mill", "Station Square"])))
        of_a_child = youngest == 7
        taste = Taste({"children": kinds["children"]} if of_a_child else kinds, 1 if of_a_child else 2, chance)
        for book in taste.choose(chance.randint(5, 14)):
            time = datetime(2023, 1, 2, 9) + timedelta(minutes=chance.randrange(2 * 365 * 24 * 60))
            kind = "loan" if chance.random() < 0.75 else "renewal"
            loans.append((f"{time:%Y-%m-%dT%H:%M:%SZ}", reader, book, kind))
    write_csv(folder / "readers.csv", ("reader", "age", "branch"), readers, separator=";")
    write_csv(folder / "loans.csv", ("borrowed", "reader", "book", "kind"), sorted(loans), separator=";")


FIRST = ("Paper", "Silver", "Hollow", "Northern", "Slow", "Electric", "Velvet", "Broken", "Golden", "Distant")
SECOND = ("Lanterns", "Harbour", "Engines", "Meadow", "Signals", "Orchard", "Mirrors", "Tides", "Avenue", "Parade")
GENRES = ("ambient", "folk", "jazz", "metal", "pop")


def make_music(folder: Path) -> None:
    """The tracks of twenty artists, and how often listeners have played them."""
    chance = random.Random(3)
    tracks = list(_tracks(chance))
    kinds = by_kind((genres.split("|")[0], str(track)) for track, _, _, _, genres, _ in tracks)
    plays = [
        (f"listener-{number:03}", track, 1 + int(chance.expovariate(0.25)))
        for number in range(1, 101)
        for track in Taste(kinds, chance.choice([1, 2]), chance).choose(chance.randint(10, 40))
    ]
    chance.shuffle(plays)
    write_csv(folder / "plays.csv.gz", ("listener", "track", "plays"), plays)
    with duckdb.connect() as database:
        columns = "track INT, title TEXT, artist TEXT, album TEXT, genres TEXT, length_ms INT"
        database.execute(f"CREATE TABLE tracks ({columns})")
        database.executemany("INSERT INTO tracks VALUES (?, ?, ?, ?, ?, ?)", tracks)
        database.execute("COPY tracks TO ? (FORMAT parquet)", [str(folder / "tracks.parquet")])


def _tracks(chance: random.Random) -> Iterator[tuple[int, str, str, str, str, int]]:
    """Five tracks of each artist, all of one album."""
    titles = [f"{first} {second}" for first in FIRST for second in SECOND]
    chance.shuffle(titles)
    for artist in range(20):
        name = f"The {FIRST[artist % 10]} {SECOND[artist // 10 * 5 + artist % 5]}"
        album = f"{chance.choice(FIRST)} {chance.choice(SECOND)} ({chance.randint(1990, 2024)})"
        genres = GENRES[artist % len(GENRES)]
        if chance.random() < 0.3:
            genres += f"|{chance.choice([genre for genre in GENRES if genre != genres])}"
        for number in range(artist * 5, artist * 5 + 5):
            yield 1001 + number, titles[number], name, album, genres, chance.randint(95_000, 480_000)


def make_all(folder: Path) -> None:
    """The data of all three catalogues, each in its folder."""
    make_shop(folder / "shop")
    make_library(folder / "library")
    make_music(folder / "music")


if __name__ == "__main__":
    make_all(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
