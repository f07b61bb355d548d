"""The example catalogues: prepared as they are, with answers computed from their files with nothing of this project."""

import csv
import gzip
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.console import Console

from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.settings import Settings
from mcp_server.tool_testing import open_tools
from tests.names import FILTER, HISTORY, ITEM, LIKE, RECOMMEND, SEARCH, USER

CATALOGUES = Path(__file__).parents[2] / "examples" / "catalogues"

WEIGHTS = {"view": 1, "buy": 5, "refund": -5}


@pytest.fixture(scope="session")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The states of the catalogues, prepared once a session."""
    folders = {}
    for name in ("shop", "library", "music"):
        folders[name] = tmp_path_factory.mktemp(name)
        settings = Settings(dataset=str(CATALOGUES / name), state=folders[name])
        prepare_with_progress(settings, Console(stderr=True))
    return folders


async def ask(states: dict[str, Path], name: str, tool: str, **arguments: Any) -> dict[str, Any]:
    async with open_tools(dataset=str(CATALOGUES / name), state=states[name]) as call:
        return await call(tool, arguments)


def ids(result: dict[str, Any]) -> set[Any]:
    return {item["item_id"] for item in result["items"]}


def rows(path: str, separator: str = ",") -> list[dict[str, str]]:
    """The rows of a file, or of all files of a pattern."""
    found = []
    for file in sorted(CATALOGUES.glob(path)):
        opened = gzip.open if file.suffix == ".gz" else open
        with opened(file, "rt", encoding="utf-8", newline="") as stream:
            found += csv.DictReader(stream, delimiter=separator)
    return found


def books() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CATALOGUES / "library" / "books.jsonl").read_text("utf-8").splitlines()]


def loans() -> list[dict[str, str]]:
    return [row for row in rows("library/loans.csv", ";") if row["kind"] == "loan"]


def tracks() -> list[tuple[Any, ...]]:
    """The rows of tracks.parquet."""
    with duckdb.connect() as database:
        return database.execute("FROM read_parquet(?)", [str(CATALOGUES / "music" / "tracks.parquet")]).fetchall()


def content(file: Path) -> object:
    """The content of a file, however it has been compressed."""
    if file.suffix == ".gz":
        return gzip.decompress(file.read_bytes())
    if file.suffix == ".parquet":
        with duckdb.connect() as database:
            return database.execute("FROM read_parquet(?)", [str(file)]).fetchall()
    return file.read_bytes()


def test_the_script_makes_the_data_that_is_there(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(CATALOGUES / "make.py"), str(tmp_path)], check=True)
    made = [file.relative_to(tmp_path) for file in sorted(tmp_path.rglob("*")) if file.is_file()]
    assert len(made) == 8
    assert [file for file in made if content(tmp_path / file) != content(CATALOGUES / file)] == []


# The shop


async def test_products_are_found_by_a_tag_and_a_price_in_dollars(states: dict[str, Path]) -> None:
    wooden = {row["sku"] for row in rows("shop/tags.csv") if row["tag"] == "wood"}
    cheap = {row["sku"] for row in rows("shop/products.csv") if float(re.sub("[$,]", "", row["price"])) < 20}
    found = await ask(states, "shop", FILTER, tags=["wooden"], price={"lt": 20})
    assert found["count"] == len(wooden & cheap) > 0
    assert ids(found) <= wooden & cheap


async def test_thousands_are_read(states: dict[str, Path]) -> None:
    found = await ask(states, "shop", ITEM, items=["GAR-10"], get=["price"])
    assert found["items"][0]["price"] == 1089


async def test_descriptions_have_no_tags_scripts_and_entities(states: dict[str, Path]) -> None:
    every = [row["sku"] for row in rows("shop/products.csv")]
    found = await ask(states, "shop", ITEM, items=every, get=["description"], limit=100)
    texts = {item["item_id"]: item["description"] for item in found["items"]}
    assert len(texts) == len(every)
    assert [sku for sku, text in texts.items() if re.search(r"[<>&]|track\(", text)] == []
    assert texts["KIT-05"] == "Slow stews, crisp bread and Sunday roasts in one heavy pot."


async def test_who_likes_a_product_has_a_sum_of_weights_of_five(states: dict[str, Path]) -> None:
    sums: Counter[str] = Counter()
    for row in rows("shop/events/*.csv"):
        if row["sku"] == "KIT-01":
            sums[row["customer"]] += WEIGHTS[row["event"]]
    likers = [customer for customer, weight in sums.items() if weight >= 5]
    found = await ask(states, "shop", LIKE, items=["KIT-01"])
    assert found["n_users_who_like"] == len(likers) > 0


async def test_customers_have_the_words_for_their_codes(states: dict[str, Path]) -> None:
    silver = next(row["customer"] for row in rows("shop/customers.csv") if row["club"] == "S")
    found = await ask(states, "shop", USER, user=silver, get=["club"])
    assert found["fields"] == {"club": "silver"}


# The library


async def test_books_are_found_by_the_year_in_their_date(states: dict[str, Path]) -> None:
    old = {book["id"] for book in books() if int(book["published"][:4]) < 1990}
    assert ids(await ask(states, "library", FILTER, year={"lt": 1990})) == old


async def test_an_author_is_found_inside_an_object(states: dict[str, Path]) -> None:
    found = await ask(states, "library", FILTER, author="Nora Ashwik")
    assert ids(found) == {book["id"] for book in books() if book["author"]["name"] == "Nora Ashwick"}
    assert "'Nora Ashwik' was taken for 'Nora Ashwick'" in found["message"]


async def test_renewals_are_no_loans(states: dict[str, Path]) -> None:
    by_reader: dict[str, dict[str, str]] = defaultdict(dict)
    for row in loans():
        by_reader[row["reader"]][row["book"]] = row["borrowed"]
    for reader in ("3", "42"):
        newest = sorted(by_reader[reader], key=lambda book, own=by_reader[reader]: own[book], reverse=True)
        found = await ask(states, "library", HISTORY, user=int(reader), k=3)
        assert [item["item_id"] for item in found["items"]] == newest[:3]
        assert found["total"] == len(newest)


async def test_readers_are_grouped_by_their_ages(states: dict[str, Path]) -> None:
    ages = {row["reader"]: int(row["age"]) for row in rows("library/readers.csv", ";")}
    teenager = next(reader for reader, age in ages.items() if 13 <= age <= 19)
    found = await ask(states, "library", USER, user=int(teenager), get=["age", "age_group"])
    assert found["fields"] == {"age": ages[teenager], "age_group": "teenager"}


async def test_children_get_books_for_children(states: dict[str, Path]) -> None:
    for_children = {book["id"] for book in books() if "children" in book["subjects"]}
    children = [int(row["reader"]) for row in rows("library/readers.csv", ";") if int(row["age"]) <= 12][:5]
    recommended = [ids(await ask(states, "library", RECOMMEND, user=child, k=2)) for child in children]
    suitable = [len(each & for_children) for each in recommended]
    assert sum(suitable) >= 7, "of ten"  # a quarter of all books are for children


async def test_a_story_finds_its_book(states: dict[str, Path]) -> None:
    found = await ask(states, "library", SEARCH, query="a drowned man, and a page torn out of a logbook", k=1)
    assert ids(found) == {"B001"}


# The music


async def test_years_are_read_out_of_the_names_of_albums(states: dict[str, Path]) -> None:
    expected = {
        track for track, _, _, album, genres, _ in tracks() if int(album[-5:-1]) >= 2010 and "jazz" in genres.split("|")
    }
    found = await ask(states, "music", FILTER, genres="jazz", year={"gte": 2010})
    assert found["count"] == len(expected) > 0
    assert ids(found) <= expected


async def test_lengths_are_in_minutes_and_albums_without_years(states: dict[str, Path]) -> None:
    track, _, _, album, _, length = tracks()[7]
    (found,) = (await ask(states, "music", ITEM, items=[track], get=["minutes", "album"]))["items"]
    assert found["minutes"] == pytest.approx(length / 60_000, abs=0.051)
    assert found["album"] == album[: -len(" (2010)")]


async def test_who_has_played_a_track_three_times_likes_it(states: dict[str, Path]) -> None:
    plays = [int(row["plays"]) for row in rows("music/plays.csv.gz") if row["track"] == "1001"]
    found = await ask(states, "music", LIKE, items=[1001])
    assert found["n_users_who_like"] == sum(n >= 3 for n in plays) < len(plays)


async def test_listeners_get_tracks_of_the_genres_that_they_play(states: dict[str, Path]) -> None:
    genre_of = {track: genres.split("|")[0] for track, _, _, _, genres, _ in tracks()}
    played: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows("music/plays.csv.gz"):
        played[row["listener"]][genre_of[int(row["track"])]] += 1
    focused = [listener for listener, counts in sorted(played.items()) if _share_of_most(counts) > 0.7][:10]
    fitting = [genre_of[track] == played[listener].most_common(1)[0][0]
               for listener in focused
               for track in ids(await ask(states, "music", RECOMMEND, user=listener, k=3))]  # fmt: skip
    assert len(fitting) == 30
    assert sum(fitting) >= 20  # by chance it would be one in five


def _share_of_most(counts: Counter[str]) -> float:
    return counts.most_common(1)[0][1] / counts.total()


def test_the_catalogues_are_small() -> None:
    sizes = (file.stat().st_size for file in CATALOGUES.rglob("*") if file.is_file())
    assert sum(sizes) < 300_000
