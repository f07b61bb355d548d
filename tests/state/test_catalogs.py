"""Catalogues as parts: in the state folder and on a server, which must tell the same things apart."""

import contextlib
import json
import operator
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import pytest_asyncio
import yaml
from pydantic import SecretStr
from rich.console import Console

from mcp_server.catalog.catalog import Catalog, LeftOut
from mcp_server.catalog.selection import NumberCondition, TermCondition
from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.dataset.records import NO_TIME, Dataset
from mcp_server.errors import BackendError, DamagedPartError, InvalidInputError, RecsysError
from mcp_server.preparation.describe import describe
from mcp_server.preparation.prepare import INDEX_VERSION
from mcp_server.reading.files import DatasetFiles
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.sql.mysql import MysqlDatabase
from mcp_server.sql.mysql_address import MysqlAddress
from mcp_server.state.database import StateDatabase
from mcp_server.state.database_parts import DatabaseParts
from mcp_server.state.folder import CATALOG_FILE, StateFolder
from mcp_server.state.folder_parts import FolderParts
from mcp_server.state.manifest import Manifest
from tests.mariadb import Server
from tests.names import FILTER, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, SEARCH, USER
from tests.reading.records import read_dataset
from tests.tools.small_catalogues import COUNTS, EVENTS, LIKES, RATINGS, TIMES, Catalogue, Pair

NAME, OTHER_NAME = "catalog-0123456789abcdef", "catalog-fedcba9876543210"

Record = dict[str, Any]


# Datasets


@dataclass
class Files:
    """A dataset to write. Columns are of the same names in all datasets here."""

    items: list[Record]
    users: list[Record]
    interactions: list[Record]
    item_fields: list[Record] = field(default_factory=lambda: [{"name": "name", "kind": "text", "filter": True}])
    user_fields: list[Record] = field(default_factory=list)
    id_type: str = "string"
    rating: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Write dataset.yaml and three files of JSON lines; gives the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        sources = {name: [{"file": f"{name}.jsonl", "format": "jsonl"}] for name in ("items", "users", "interactions")}
        groups = [made["name"] for made in self.user_fields if made["kind"] in ("category", "boolean")]
        spec = {
            "name": "small",
            "title": "A small catalogue",
            "items": {
                "id": "item",
                "id_type": self.id_type,
                "title": "name",
                "sources": sources["items"],
                "fields": self.item_fields,
            },
            "users": {
                "id": "user",
                "id_type": self.id_type,
                "sources": sources["users"],
                "fields": self.user_fields,
                "groups": groups,
            },
            "interactions": {"sources": sources["interactions"], "user": "user", "item": "item", **self.rating},
            "model": {"name": "EASE", "settings": {"reg_weight": 10.0}},
            **self.more,
        }
        (folder / "dataset.yaml").write_text(yaml.safe_dump(spec, allow_unicode=True), encoding="utf-8")
        for name in sources:
            lines = [json.dumps(record, ensure_ascii=False) for record in getattr(self, name)]
            (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return folder

    def read(self, folder: Path) -> Dataset:
        return read_dataset(DatasetFiles.find(self.write(folder) / "dataset.yaml", None))


def current_of(dataset: Dataset, name: str = NAME) -> Manifest:
    """A manifest that has no other part."""
    return Manifest(
        spec=dataset.spec,
        fingerprint="",
        card=describe(dataset),
        training_fingerprint="",
        embedding_model="",
        index_version=INDEX_VERSION,
        n_searchable=0,
        catalog=name,
        model="",
        vectors=None,
    )


# Both places


@dataclass(frozen=True)
class Place:
    """A place for catalogues, and how to damage what is there."""

    store: StateFolder | StateDatabase
    parts: FolderParts | DatabaseParts
    folder: Path
    server: Server | None = None
    database: str = ""

    def make(self, dataset: Dataset, name: str = NAME) -> Manifest:
        self.parts.make_catalog(name, dataset, lambda rows: None)
        return current_of(dataset, name)

    @contextlib.asynccontextmanager
    async def of(self, dataset: Dataset) -> AsyncIterator[Catalog]:
        """A catalogue, made and opened."""
        async with self.parts.catalog(self.make(dataset)) as catalog:
            yield catalog

    def run(self, statement: str, name: str = NAME) -> None:
        """A statement on a catalogue's tables, whose prefix it has as {}."""
        if self.server is None:
            with contextlib.closing(sqlite3.connect(self.folder / "parts" / name / CATALOG_FILE)) as connection:
                connection.execute(statement.format(""))
                connection.commit()
            return
        prefix = f"recsys_{name.removeprefix('catalog-')}_"
        with self.server.connect(self.database) as connection, connection.cursor() as cursor:
            cursor.execute("SET foreign_key_checks = 0")
            cursor.execute(statement.format(prefix))

    def tables(self) -> set[str]:
        """Tables of catalogues, or folders of them."""
        if self.server is None:
            return {part.name for part in (self.folder / "parts").iterdir()}
        names = {str(name) for (name,) in self.server.query("SHOW TABLES", database=self.database)}
        return names - {"recsys_state", "recsys_parts", "recsys_files", "recsys_item_sets_3"}


@pytest_asyncio.fixture
async def place(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    """An empty place, held by this process as preparation does. The server's database is one that would mix up names:
    its own character set is Latin-1, in which case and accents do not matter.
    """
    state = StateFolder(tmp_path / "state")
    if database == "sqlite":
        with state.lock():
            yield Place(state, FolderParts(state), state.folder)
        return
    server: Server = request.getfixturevalue("database_server")
    name = server.create_database()
    server.query(f"ALTER DATABASE `{name}` CHARACTER SET latin1 COLLATE latin1_swedish_ci")
    address = MysqlAddress.from_settings(Settings(_env_file=None, database_url=server.url(name)))
    store = StateDatabase(address, state)
    with store.lock():
        pool = MysqlDatabase(address)
        yield Place(store, DatabaseParts(store, pool, state), state.folder, server, name)
    await pool.close()
    store.close()
    server.drop_database(name)


def simple(n_items: int = 3, **changes: Any) -> Files:
    """Items i0, i1, ... that one user has all taken."""
    items = [{"item": f"i{number}", "name": f"Item {number}"} for number in range(n_items)]
    interactions = [{"user": "ann", "item": item["item"]} for item in items]
    return Files(items, [{"user": "ann"}, {"user": "bob"}], interactions, **changes)


# Names and IDs

ALIKE = [
    *("a", "A", "á", "a ", " a", "a\u00a0", "a\u0301", "ａ", "ª", "a\u200b", "a\t", "a\n", "aa"),
    *("ß", "ss", "SS", "ẞ", "ﬀ", "ff", "İ", "i", "ı", "I", "i\u0307", "æ", "ae", "o", "ö", "ø", "ñ", "n"),
    *("🎬", "🎭", "🎬 ", "👩‍🚀", "👩", "\U0001f1eb\U0001f1f7", "\U00020000", "\U00020001", "�"),
    *(
        "0",
        "00",
        "0.0",
        "1e0",
        "1",
        "'",
        "''",
        '"',
        "\\",
        "\\'",
        "%",
        "%%",
        "%s",
        "%(id)s",
        ":id",
        "?",
        "_",
        "`",
        ";--",
    ),
    *("x" * 255, "x" * 254, "x" * 254 + "X", "ж" * 255, "🎬" * 255),
]
"""Names that databases tend to take for one another, or for something else."""


ALIKE_IDS = list(dict.fromkeys(name.strip(" \t\n\u00a0") for name in ALIKE))
"""These names as IDs, which are read without blanks around them."""


def test_the_names_of_these_tests_are_different() -> None:
    assert len(set(ALIKE)) == len(ALIKE)


async def test_ids_that_look_alike_stay_different(place: Place, tmp_path: Path) -> None:
    files = Files(
        [{"item": identifier, "name": f"Number {number}"} for number, identifier in enumerate(ALIKE_IDS)],
        [{"user": identifier} for identifier in ALIKE_IDS],
        [{"user": identifier, "item": identifier} for identifier in ALIKE_IDS],
    )
    async with place.of(files.read(tmp_path / "dataset")) as catalog:
        order = sorted(ALIKE_IDS)
        for number, identifier in enumerate(ALIKE_IDS):
            (position,) = await catalog.item_idx([identifier])
            assert position == order.index(identifier)
            (found,) = await catalog.metadata([int(position)], ["name"])
            assert found == {"id": identifier, "name": f"Number {number}"}
            user = await catalog.user_idx(identifier)
            assert (await catalog.user(identifier))["id"] == identifier
            assert (await catalog.histories.items(user)).tolist() == [position]
        assert (await catalog.item_idx(ALIKE_IDS)).tolist() == [order.index(identifier) for identifier in ALIKE_IDS]
        for unknown in ("b", "AA", "a  ", "á ", "Ä", "🎬🎬", "x" * 253, "", "' OR '1'='1"):
            with pytest.raises(InvalidInputError, match="is not in small"):
                await catalog.item_idx([unknown])
            with pytest.raises(InvalidInputError, match="is not in small"):
                await catalog.user_idx(unknown)


async def test_names_that_look_alike_stay_different(place: Place, tmp_path: Path) -> None:
    names = list(dict.fromkeys(name.strip() for name in ALIKE if name.strip()))  # as they are read
    files = Files(
        [{"item": f"i{number:03}", "name": name, "tags": [name]} for number, name in enumerate(names)],
        [{"user": "ann"}],
        [{"user": "ann", "item": "i000"}],
        [{"name": "name", "kind": "text", "filter": True}, {"name": "tags", "kind": "category", "many": True}],
    )
    async with place.of(files.read(tmp_path / "dataset")) as catalog:
        found = await catalog.metadata(range(len(names)), ["name", "tags"])
        assert [item["name"] for item in found] == names
        assert [item["tags"] for item in found] == [[name] for name in names]
        for number, name in enumerate(names):
            (match,) = await catalog.name_index.match("name", [name])
            assert name in match.names
            term = match.terms[match.names.index(name)]
            selected = await catalog.selector.select([TermCondition(((term,),), match_any=False)])
            assert selected.ids == (f"i{number:03}",)


async def test_groups_that_look_alike_stay_different(place: Place, tmp_path: Path) -> None:
    tiers = ["gold", "Gold", "GOLD", "góld", "gold\u0301", "🥇", "🥈"]
    files = Files(
        [{"item": "i", "name": "Item"}, {"item": "j", "name": "Another"}],
        [{"user": tier, "tier": tier} for tier in tiers],
        [{"user": tier, "item": "i"} for tier in tiers] + [{"user": "🥇", "item": "j"}],
        user_fields=[{"name": "tier", "kind": "category"}],
    )
    async with place.of(files.read(tmp_path / "dataset")) as catalog:
        for tier in tiers:
            counts = await catalog.statistics.numbers({"tier": [tier]})
            assert (counts.n_users, counts.amounts.tolist()) == (1, [1, 1 if tier == "🥇" else 0])
        counts = await catalog.statistics.numbers({"tier": ["gold", "🥇"]})
        assert (counts.n_users, counts.amounts.tolist()) == (2, [2, 1])


async def test_groups_of_several_fields_are_intersected(place: Place, tmp_path: Path) -> None:
    """Every combination of values, with users of whom one is not known and users who have done nothing."""
    tiers, vips = ["gold", "free", None], [True, False, None]
    users = [
        {"user": f"u{number:02}", "tier": tier, "vip": vip}
        for number, (tier, vip, _) in enumerate(product(tiers, vips, range(3)))
    ]
    pairs = [
        {"user": user["user"], "item": f"i{item}"}
        for number, user in enumerate(users)
        for item in range(4)
        if (number * 7 + item * 3) % 4 == 0 and number % 5
    ]
    files = Files(
        [{"item": f"i{item}", "name": f"Item {item}"} for item in range(5)],
        users,
        pairs,
        user_fields=[{"name": "tier", "kind": "category"}, {"name": "vip", "kind": "boolean"}],
    )
    async with place.of(files.read(tmp_path / "dataset")) as catalog:
        chosen: dict[str, list[Any]]
        for chosen in ({"tier": ["gold"]}, {"vip": [False]}, {"tier": ["gold", "free"], "vip": [True]}):
            members = {u["user"] for u in users if all(u[name] in values for name, values in chosen.items())}
            counts = await catalog.statistics.numbers(chosen)
            assert counts.n_users == len(members)
            wanted = [sum(p["item"] == f"i{item}" and p["user"] in members for p in pairs) for item in range(5)]
            assert counts.amounts.tolist() == wanted


# Feedback

PAIRS = [
    Pair("ann", "a", 40, 2, time=5),
    Pair("ann", "b", -2.5, 0, time=7),
    Pair("bob", "b", 0.25, 1, time=9),
    Pair("bob", "c", 3, 3),
    Pair("cid", "b", 1, 1, time=1),
    Pair("cid", "a", 0, 1, time=3),
]
TIER_OF = {"ann": "gold", "bob": "free", "cid": "free"}


@pytest.mark.parametrize("feedback", [RATINGS, COUNTS, EVENTS, LIKES], ids=["ratings", "counts", "events", "likes"])
async def test_amounts_are_added_up_by_the_kind_of_feedback(place: Place, feedback: dict[str, Any]) -> None:
    catalogue = Catalogue("abcd", PAIRS, feedback, tiers=TIER_OF)
    kind = catalogue.spec.interactions.kind
    async with place.of(catalogue.read()) as catalog:
        for groups in ({}, {"tier": ["free"]}, {"tier": ["gold", "free"]}):
            counts = await catalog.statistics.numbers(groups)
            wanted = [pair for pair in PAIRS if not groups or TIER_OF[pair.user] in groups["tier"]]
            for position, item in enumerate("abcd"):
                of_item = [pair for pair in wanted if pair.item == item]
                number: float = len(of_item)
                popularity = number
                if kind == "counts":
                    number = popularity = sum(pair.value for pair in of_item)
                elif kind == "events":
                    number = sum(pair.n_events for pair in of_item)
                    popularity = sum(max(pair.value, 0) for pair in of_item)
                assert (counts.amounts[position], counts.popularity[position]) == (number, popularity)


@pytest.mark.parametrize("times", [TIMES, {}], ids=["with times", "without times"])
async def test_histories_are_in_order_and_know_what_is_liked(place: Place, times: dict[str, Any]) -> None:
    catalogue = Catalogue("abcd", PAIRS, {**EVENTS, **times})
    async with place.of(catalogue.read()) as catalog:
        for user in ("ann", "bob", "cid"):
            pairs = [pair for pair in PAIRS if pair.user == user]
            pairs.sort(key=lambda pair: (pair.time is not None, pair.time) if times else pair.value, reverse=True)
            history = await catalog.histories.of(await catalog.user_idx(user))
            assert ["abcd"[position] for position in history.items] == [pair.item for pair in pairs]
            assert ["abcd"[position] for position in history.liked.items] == [
                pair.item for pair in pairs if pair.value > 0
            ]
            assert history.values is not None
            assert history.values.tolist() == [pair.value for pair in pairs]
            known = [pair.time if times and pair.time is not None else NO_TIME for pair in pairs]
            assert history.times.tolist() == known


async def test_availability_and_popularity_are_read_back(place: Place) -> None:
    catalogue = Catalogue("abcd", PAIRS, EVENTS, out_of_stock="ac")
    async with place.of(catalogue.read()) as catalog:
        assert catalog.popularity.tolist() == [40, 1.25, 3, 0]
        assert catalog.unrankable(None).tolist() == [0, 2, 3]  # d is unused
        assert catalog.unrankable(None, cold=True).tolist() == [0, 2]
        assert catalog.left_out(None, None) == LeftOut(n_known=0, n_unrankable=1, n_unavailable=2)
        assert catalog.left_out(None, None, cold=True) == LeftOut(n_known=0, n_unrankable=0, n_unavailable=2)
        assert catalog.left_out(np.array([0, 1, 3]), np.array([0, 1])) == LeftOut(2, 1, 0)


# Texts

LONG = "Größe 🎬 and \\ 'more' \"of\" it % \u0301. " * 6_000
"""More than 64 KB in every encoding, with what has to be quoted."""


async def test_texts_of_any_length_and_alphabet_come_back_whole(place: Place, tmp_path: Path) -> None:
    texts = [
        "a",
        LONG.strip(),
        "x" * 65_535,
        "x" * 65_536,
        "🎬" * 20_000,
        "線\r\nline\n\ttab\x00null\x1a",
        "\\N",
        "NULL",
    ]
    files = Files(
        [{"item": f"i{number}", "name": "Item", "story": story} for number, story in enumerate(texts)],
        [{"user": "ann"}],
        [{"user": "ann", "item": "i0"}],
        [{"name": "name", "kind": "text"}, {"name": "story", "kind": "text"}],
        more={"missing": []},
    )
    assert len(LONG.encode()) > 2**17
    async with place.of(files.read(tmp_path / "dataset")) as catalog:
        found = await catalog.metadata(range(len(texts)), ["story"])
        assert [item["story"] for item in found] == texts


async def test_a_title_longer_than_names_can_be_is_kept_and_found_by_its_beginning(
    place: Place, tmp_path: Path
) -> None:
    titles = ["ж" * 300 + " one", "ж" * 300 + " two"]
    files = simple(2)
    for item, title in zip(files.items, titles, strict=True):
        item["name"] = title
    async with place.of(files.read(tmp_path / "dataset")) as catalog:
        assert [name.title for name in await catalog.names([0, 1])] == titles
        (match,) = await catalog.name_index.match("name", ["ж" * 255])
        selected = await catalog.selector.select([TermCondition((tuple(match.terms),), match_any=False)])
        assert set(selected.ids) == {"i0", "i1"}


# Numbers

DOUBLES = [0.1, 0.1 + 0.2, 1 / 3, 3.7, 1e-300, 5e-324, 1.7976931348623157e308, -2.5, 0.0, 1e15 + 0.3, None]
INTEGERS = [0, -1, 2**31, -(2**31) - 1, 2**53 - 1, -(2**53), 2**62, -(2**62), None, 7, 8]


@pytest.fixture
def numbers(tmp_path: Path) -> Dataset:
    """Items with a fraction and a whole number each, under names that databases have reserved."""
    fields: list[Record] = [
        {"name": "name", "kind": "text"},
        {"name": "rank", "kind": "number", "filter": True},
        {"name": "order", "kind": "number", "integer": True, "filter": True},
        {"name": "groups", "kind": "date"},
    ]
    items = [
        {"item": f"i{number:02}", "name": f"Item {number}", "rank": double, "order": integer, "groups": None}
        for number, (double, integer) in enumerate(zip(DOUBLES, INTEGERS, strict=True))
    ]
    items[0]["groups"] = "1995-11"
    users: list[Record] = [{"user": "ann", "key": "k", "system": 3.5}, {"user": "bob", "key": None, "system": None}]
    user_fields = [{"name": "key", "kind": "category"}, {"name": "system", "kind": "number"}]
    files = Files(items, users, [{"user": "ann", "item": "i00"}], fields, user_fields)
    return files.read(tmp_path / "dataset")


async def test_numbers_come_back_as_they_are(place: Place, numbers: Dataset) -> None:
    async with place.of(numbers) as catalog:
        found = await catalog.metadata(range(len(DOUBLES)), ["rank", "order", "groups"])
        assert [item["rank"] for item in found] == DOUBLES
        assert [item["order"] for item in found] == INTEGERS
        assert [type(item["order"]) for item in found] == [type(number) for number in INTEGERS]
        assert [item["groups"] for item in found] == ["1995-11", *[None] * (len(DOUBLES) - 1)]
        ann, bob = await catalog.user("ann"), await catalog.user("bob")
        assert (ann["key"], ann["system"]) == ("k", 3.5)
        assert (bob["key"], bob["system"]) == (None, None)


COMPARISONS = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le, "eq": operator.eq}


@pytest.mark.parametrize(("name", "values"), [("rank", DOUBLES), ("order", INTEGERS)])
async def test_numbers_are_compared_exactly(
    place: Place, numbers: Dataset, name: str, values: list[float | None]
) -> None:
    known = {f"i{number:02}": value for number, value in enumerate(values) if value is not None}
    async with place.of(numbers) as catalog:
        for limit in [value for value in values if value is not None]:
            for comparison, holds in COMPARISONS.items():
                # as arguments of the tool are: always fractions
                condition = NumberCondition(name, ((comparison, float(limit)),))
                selected = await catalog.selector.select([condition])
                assert set(selected.ids) == {item for item, value in known.items() if holds(value, float(limit))}


@pytest.mark.parametrize("threshold", [3.7, 4.1, 3.3, 0.1, 4.0])
async def test_a_rating_at_the_threshold_is_a_like(place: Place, tmp_path: Path, threshold: float) -> None:
    files = simple(2, rating={"rating": "rating", "like_threshold": threshold})
    below = threshold - 0.001
    files.interactions = [
        {"user": "ann", "item": "i0", "rating": threshold},
        {"user": "bob", "item": "i0", "rating": below},
        {"user": "bob", "item": "i1", "rating": threshold},
    ]
    async with place.of(files.read(tmp_path / "dataset")) as catalog:
        likers = [
            await catalog.statistics.n_likers(catalog_items) for catalog_items in await _each(catalog, ["i0", "i1"])
        ]
        assert likers == [1, 1]


async def test_ratings_are_shown_as_they_are_in_the_file(place: Place, tmp_path: Path) -> None:
    ratings = [3.7, 4.1, 0.1, 5.0, 2.5]
    files = simple(len(ratings), rating={"rating": "rating", "like_threshold": 4})
    for interaction, rating in zip(files.interactions, ratings, strict=True):
        interaction["rating"] = rating
    async with place.of(files.read(tmp_path / "dataset")) as catalog:
        history = await catalog.histories.of(await catalog.user_idx("ann"))
        assert history.values is not None
        assert dict(zip(history.items.tolist(), history.values.tolist(), strict=True)) == dict(enumerate(ratings))


async def _each(catalog: Catalog, items: list[str]) -> list[Any]:
    return [await catalog.item_idx([item]) for item in items]


async def test_ids_of_64_bits_stay_whole(place: Place, tmp_path: Path) -> None:
    ids = [-(2**63), -(2**53) - 1, -1, 0, 1, 2**31, 2**53, 2**53 + 1, 2**63 - 2, 2**63 - 1]
    files = Files(
        [{"item": identifier, "name": f"Item {identifier}"} for identifier in ids],
        [{"user": identifier} for identifier in ids],
        [{"user": identifier, "item": identifier} for identifier in ids],
        id_type="integer",
    )
    async with place.of(files.read(tmp_path / "dataset")) as catalog:
        assert [name.id for name in await catalog.names(range(len(ids)))] == ids
        for identifier in ids:
            history = await catalog.histories.items(await catalog.user_idx(identifier))
            assert [name.id for name in await catalog.names(history)] == [identifier]
        with pytest.raises(InvalidInputError, match="9007199254740994 is not in small"):
            await catalog.item_idx([2**53 + 2])


async def test_times_keep_their_order(place: Place, tmp_path: Path) -> None:
    times = [-86_400, 0, 60_000_000_000, 5, 5, 5, 2**31]
    files = simple(len(times), rating={"timestamp": "time"})
    for interaction, time in zip(files.interactions, times, strict=True):
        interaction["time"] = time
    async with place.of(files.read(tmp_path / "dataset")) as catalog:
        user = await catalog.user_idx("ann")
        newest_first = sorted(range(len(times)), key=lambda number: (times[number], number), reverse=True)
        history = await catalog.histories.of(user)
        assert history.items.tolist() == newest_first
        assert history.times.tolist() == [times[number] for number in newest_first]


async def test_more_items_than_one_statement_may_name(place: Place, tmp_path: Path) -> None:
    files = simple(2_500)
    async with place.of(files.read(tmp_path / "dataset")) as catalog:
        ids = [f"i{number}" for number in range(2_500)]
        positions = await catalog.item_idx(reversed(ids))
        assert [name.id for name in await catalog.names(positions)] == list(reversed(ids))
        assert await catalog.statistics.n_likers(positions) == 1


async def test_fields_without_a_value(place: Place, tmp_path: Path) -> None:
    fields: list[Record] = [
        {"name": "name", "kind": "text", "filter": True},
        {"name": "kinds", "kind": "category", "many": True, "filter": True},
        {"name": "maker", "kind": "category", "filter": True},
        {"name": "price", "kind": "number", "filter": True},
        {"name": "made", "kind": "date"},
        {"name": "story", "kind": "text"},
    ]
    bare: list[Record] = [
        {"item": "i0"},
        {"item": "i1", "name": "", "kinds": [], "maker": None, "price": None, "story": ""},
    ]
    full = {
        "item": "i2",
        "name": "Item",
        "kinds": ["b", "a", "b"],
        "maker": "m",
        "price": 0,
        "made": "1995",
        "story": "s",
    }
    files = Files([*bare, full], [{"user": "ann"}], [{"user": "ann", "item": "i2"}], fields)
    asked = ["name", "kinds", "maker", "price", "made", "story"]
    nothing: Record = {"name": None, "kinds": [], "maker": None, "price": None, "made": None, "story": None}
    async with place.of(files.read(tmp_path / "dataset")) as catalog:
        assert await catalog.metadata([0, 1, 2], asked) == [
            {"id": "i0", **nothing},
            {"id": "i1", **nothing},
            {"id": "i2", "name": "Item", "kinds": ["b", "a"], "maker": "m", "price": 0.0, "made": "1995", "story": "s"},
        ]
        assert catalog.untitled.tolist() == [0, 1]


# Catalogues as parts


async def test_a_catalogue_exists_when_it_has_been_made(place: Place, tmp_path: Path) -> None:
    dataset = simple().read(tmp_path / "dataset")
    assert not place.store.exists(NAME)
    advanced: list[int] = []
    place.parts.make_catalog(NAME, dataset, advanced.append)
    assert place.store.exists(NAME)
    assert not place.store.exists(OTHER_NAME)
    assert sum(advanced) == len(dataset.interactions)
    place.parts.check_catalog(current_of(dataset))


async def test_catalogues_lie_side_by_side(place: Place, tmp_path: Path) -> None:
    one, other = simple(2).read(tmp_path / "one"), simple(3).read(tmp_path / "other")
    async with (
        place.parts.catalog(place.make(one)) as first,
        place.parts.catalog(place.make(other, OTHER_NAME)) as second,
    ):
        assert (first.n_items, second.n_items) == (2, 3)
        place.store.discard(NAME)
        assert (await second.histories.items(await second.user_idx("ann"))).tolist() == [2, 1, 0]
        assert not place.store.exists(NAME)
        assert place.store.exists(OTHER_NAME)


async def test_a_discarded_catalogue_leaves_nothing(place: Place, tmp_path: Path) -> None:
    dataset = simple().read(tmp_path / "dataset")
    place.make(dataset, OTHER_NAME)
    others = place.tables()
    current = place.make(dataset)
    assert place.tables() > others
    place.store.discard(NAME)
    assert place.tables() == others
    with pytest.raises(BackendError, match="run `recsys-mcp prepare`"):
        await place.parts.catalog(current).__aenter__()
    place.store.discard(NAME)  # what is not there may be discarded
    async with place.parts.catalog(place.make(dataset)) as catalog:
        assert catalog.n_items == 3


def test_only_those_to_be_kept_are_kept(place: Place, tmp_path: Path) -> None:
    dataset = simple().read(tmp_path / "dataset")
    names = [f"catalog-{number:016x}" for number in range(4)]
    for name in names:
        place.make(dataset, name)
    place.store.keep_only(names[1:3])
    assert [place.store.exists(name) for name in names] == [False, True, True, False]
    kept = place.tables()
    place.store.keep_only([])
    assert place.tables() == set()
    assert len(kept) > 0


DAMAGES = [
    *(
        f"DROP TABLE {{}}{table}"
        for table in ("items", "users", "interactions", "item_terms", "terms", "segments", "arrays")
    ),
    *(f"DELETE FROM {{}}{table}" for table in ("items", "users", "interactions", "arrays")),
]


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_catalogue_without_a_table_or_its_rows_is_damaged(place: Place, tmp_path: Path, damage: str) -> None:
    dataset = simple().read(tmp_path / "dataset")
    current = place.make(dataset)
    place.make(dataset, OTHER_NAME)
    place.run(damage)
    with pytest.raises(DamagedPartError, match="recsys-mcp prepare"):
        place.parts.check_catalog(current)
    place.parts.check_catalog(current_of(dataset, OTHER_NAME))
    place.store.discard(NAME)
    place.make(dataset)
    place.parts.check_catalog(current)
    async with place.parts.catalog(current) as catalog:
        assert (await catalog.histories.items(await catalog.user_idx("ann"))).tolist() == [2, 1, 0]


async def test_lost_rows_are_told_of_when_it_is_opened(place: Place, tmp_path: Path) -> None:
    current = place.make(simple().read(tmp_path / "dataset"))
    place.run("DELETE FROM {}users")
    with pytest.raises(BackendError, match=r"(has lost rows|is not as it was made .*): run `recsys-mcp prepare`"):
        await place.parts.catalog(current).__aenter__()


# The same answers from both, through all tools

TIERS = ["gold", "Gold", "🥇"]


@pytest.fixture(scope="module")
def odd_settings(tmp_path_factory: pytest.TempPathFactory, database_server: Server) -> Iterator[dict[str, Settings]]:
    """A catalogue of odd values, prepared in a folder and, with the same model and vectors, on the server."""
    names = [name for name in ALIKE_IDS if name][:40]
    items = [
        {
            "item": name,
            "name": name if number % 7 else None,
            "tags": [name, names[number - 1], "Straße" if number % 2 else "STRASSE"],
            "rank": DOUBLES[number % len(DOUBLES)],
            "order": INTEGERS[number % len(INTEGERS)],
            "story": (LONG if number == 3 else f"A story of {number} 🎬 knights. They ride to Größe."),
            "digest": f"Knights ride {number} times" if number % 5 else None,
        }
        for number, name in enumerate(names)
    ]
    users = [{"user": name, "tier": TIERS[number % 3], "age": number} for number, name in enumerate(names)]
    interactions = [
        {
            "user": user,
            "item": names[(number * step) % len(names)],
            "rating": [3.7, 3.6, 4.1][step % 3],
            "time": number * step,
        }
        for number, user in enumerate(names)
        for step in range(1, 6)
    ]
    fields: list[Record] = [
        {"name": "name", "kind": "text", "filter": True},
        {"name": "tags", "kind": "category", "many": True, "filter": True},
        {"name": "rank", "kind": "number", "filter": True},
        {"name": "order", "kind": "number", "integer": True, "filter": True},
        {"name": "story", "kind": "text"},
        {"name": "digest", "kind": "text"},
    ]
    files = Files(
        items,
        users,
        interactions,
        fields,
        [{"name": "tier", "kind": "category"}, {"name": "age", "kind": "number", "integer": True}],
        rating={"rating": "rating", "timestamp": "time", "like_threshold": 3.7},
        more={"search": {"texts": ["digest"]}},
    )
    folder = tmp_path_factory.mktemp("odd")
    files.write(folder / "dataset")
    embedded = Settings(_env_file=None, dataset=str(folder / "dataset"), state=folder / "state")
    prepare_with_progress(embedded, Console(stderr=True))
    database = database_server.create_database()
    database_server.query(f"ALTER DATABASE `{database}` CHARACTER SET latin1 COLLATE latin1_swedish_ci")
    values: dict[str, Any] = embedded.model_dump(exclude_unset=True)
    on_server = Settings(_env_file=None, **values, database_url=SecretStr(database_server.url(database)))
    prepare_with_progress(on_server, Console(stderr=True))
    yield {"sqlite": embedded, "server": on_server}
    database_server.drop_database(database)


def questions(ids: list[str]) -> list[tuple[str, Record]]:
    """Calls of all tools, good and bad."""
    fields = ["name", "tags", "rank", "order", "story"]
    asked: list[tuple[str, Record]] = []
    for name in [*ids, "b", "A ", "unknown", "", "🎬🎬", "STRASSE", "straße", "Strasse"]:
        asked += [
            (ITEM, {"items": [name], "get": fields}),
            (USER, {"user": name, "get": ["tier", "age"]}),
            (HISTORY, {"user": name, "k": 3}),
            (RECOMMEND, {"user": name, "k": 5, "reasons": True}),
            (LIKE, {"items": [name]}),
            (FILTER, {"name": [name]}),
            (FILTER, {"tags": [name]}),
        ]
    asked += [(FILTER, {"tags": list(pair), "match": way}) for pair in (ids[:2], ids[1:3]) for way in ("all", "any")]
    asked += [
        (FILTER, {name: {comparison: limit}})
        for name, limits in {"rank": [0.1, 3.7, 5e-324, 1e308], "order": [0, 2**53, -1.5, 2.0**62]}.items()
        for comparison, limit in product(["gt", "gte", "lt", "lte", "eq"], limits)
    ]
    asked += [(FILTER, {"name": ids[5:9], "match": "any", "order": {"gt": 0}, "tags": ["Straße"]})]
    asked += [(POPULAR, {"user_group": group, "k": 50}) for group in (["gold"], ["Gold", "🥇"], TIERS)]
    asked += [(POPULAR, {}), (LIKE, {"items": ids}), (RECOMMEND, {"liked_items": ids[:3]})]
    asked += [(SEARCH, {"query": "knights 12 times 🎬"}), (SEARCH, {"similar_to": ids[1]})]
    return asked


async def _answer(service: Service, tool: str, arguments: Record) -> Record | str:
    try:
        return await service.call(tool, arguments)
    except RecsysError as error:
        return f"{type(error).__name__}: {error}"


async def test_all_tools_answer_the_same_from_a_file_and_from_a_server(odd_settings: dict[str, Settings]) -> None:
    embedded, on_server = (Service(settings, prepare_if_needed=False) for settings in odd_settings.values())
    ids = [name for name in ALIKE if name.strip()][:40]
    sets: set[str] = set()
    for tool, arguments in questions(ids):
        expected = await _answer(embedded, tool, arguments)
        assert await _answer(on_server, tool, arguments) == expected, (tool, arguments)
        if isinstance(expected, dict) and expected.get("item_set"):
            sets.add(expected["item_set"])
    assert len(sets) > 20
    for handle in sets:
        for tool, arguments in ((LIKE, {}), (RECOMMEND, {"user": "A"}), (ITEM, {"get": ["name"]}), (POPULAR, {})):
            expected = await _answer(embedded, tool, {**arguments, "item_set": handle})
            assert await _answer(on_server, tool, {**arguments, "item_set": handle}) == expected
    await embedded.close()
    await on_server.close()


async def test_odd_values_are_those_of_the_files(odd_settings: dict[str, Settings], database: str) -> None:
    settings = odd_settings[database]
    lines = (Path(settings.dataset) / "items.jsonl").read_text(encoding="utf-8").splitlines()
    service = Service(settings, prepare_if_needed=False)
    for item in map(json.loads, lines):
        found = await service.call(ITEM, {"items": [item["item"]], "get": ["tags", "rank", "order", "story"]})
        (only,) = found["items"]
        assert only["item_id"] == item["item"]
        assert only["title"] == (item["name"] and item["name"].strip())
        assert only["tags"] == list(dict.fromkeys(tag.strip() for tag in item["tags"]))
        assert (only["rank"], only["order"]) == (item["rank"], item["order"])
        story = item["story"].strip()
        if only["story"].endswith("…"):  # too long for an answer
            assert "is cut" in found["message"]
            assert story.startswith(only["story"].removesuffix("…"))
        else:
            assert only["story"] == story
        whole = json.loads((await service.read(f"item://{quote(item['item'], safe='')}")).text)
        assert whole["story"] == story
    await service.close()
