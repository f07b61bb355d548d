"""The fields of items, on MovieLens, against the raw files."""

from collections import Counter
from typing import Any

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from tests.names import FILTER, ITEM

Movies = dict[int, dict[str, Any]]

RAW_NAMES = {
    "title": "title",
    "genres": "genres",
    "actors": "actors",
    "director": "directors",
    "producer": "producers",
    "writer": "writers",
    "country": "countries",
    "imdb_rating": "imdb_rating",
    "imdb_votes": "imdb_votes",
    "duration": "runtime_minutes",
    "release_year": "year",
    "release_date": "release_date",
    "content_rating": "content_rating",
    "imdb_id": "imdb_id",
    "description": "description",
    "storyline": "storyline",
}
"""Names of the fields and of the raw file's columns; the release month is made of the date."""


def raw_metadata(movie: dict[str, Any]) -> dict[str, Any]:
    """A film's fields as they should come out."""
    record = {name: movie[raw] for name, raw in RAW_NAMES.items()}
    if record["title"] == "unknown":
        record["title"] = None
    date = movie["release_date"] or ""
    record["release_month"] = int(date.split("-")[1]) if "-" in date else None
    return record


async def _all_pages(films: Service, arguments: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    """Follow the pages to the end, checking what each says of the rest. Pages may be cut, where texts are long."""
    records: list[dict[str, Any]] = []
    remaining = None
    while remaining != 0:
        page = await films.call(ITEM, {**arguments, "limit": limit, "offset": len(records)})
        left_out = min(limit, page["total"] - len(records)) - len(page["items"])
        records += page["items"]
        assert page["items"]
        assert left_out >= 0
        assert (f"The last {left_out} of these are left out" in page["message"]) == (left_out > 0)
        assert (f"offset={len(records)}." in page["message"]) == (page["remaining"] > 0)
        assert page["remaining"] == page["total"] - len(records)
        remaining = page["remaining"]
    return records


async def test_all_fields_of_all_films_are_those_of_the_raw_files(films: Service, movies: Movies) -> None:
    fields = [*RAW_NAMES, "release_month"]
    records = await _all_pages(films, {"items": list(movies), "get": fields}, 100)
    assert [record["item_id"] for record in records] == list(movies)
    for record in records:
        identifier = record.pop("item_id")
        assert record == raw_metadata(movies[identifier])


async def test_missing_values_are_null_and_never_a_word(films: Service, movies: Movies) -> None:
    fields = [*RAW_NAMES, "release_month"]
    records = await _all_pages(films, {"items": list(movies), "get": fields}, 100)
    words = {"unknown", "none", "null", "nan", "n/a", ""}
    for record in records:
        for value in record.values():
            for part in value if isinstance(value, list) else [value]:
                assert not isinstance(part, str) or part.strip().lower() not in words
    unnamed = next(record for record in records if record["item_id"] == 267)
    assert {value for value in unnamed.values() if not isinstance(value, list)} == {267, None}
    assert [value for value in unnamed.values() if isinstance(value, list)] == [[]] * 6


async def test_pages_follow_one_another(films: Service) -> None:
    first = await films.call(ITEM, {"items": [9, 4, 7, 1, 3], "get": ["title"], "limit": 2})
    second = await films.call(ITEM, {"items": [9, 4, 7, 1, 3], "get": ["title"], "limit": 2, "offset": 2})
    last = await films.call(ITEM, {"items": [9, 4, 7, 1, 3], "get": ["title"], "limit": 2, "offset": 4})
    assert [[item["item_id"] for item in page["items"]] for page in (first, second, last)] == [
        [9, 4],
        [7, 1],
        [3],
    ]
    assert [(page["total"], page["remaining"]) for page in (first, second, last)] == [(5, 3), (5, 1), (5, 0)]
    assert "offset=2" in first["message"]
    assert "more" not in last["message"]


async def test_an_offset_beyond_the_end_says_so(films: Service) -> None:
    result = await films.call(ITEM, {"items": [1, 2], "get": ["title"], "offset": 2})
    assert (result["items"], result["total"], result["remaining"]) == ([], 2, 0)
    assert "beyond the last" in result["message"]


async def test_twenty_films_unless_a_limit_is_given(films: Service) -> None:
    result = await films.call(ITEM, {"items": list(range(1, 31)), "get": ["title"]})
    assert len(result["items"]) == 20
    assert result["remaining"] == 10


async def test_metadata_of_a_whole_set_in_pages(films: Service, movies: Movies) -> None:
    westerns = {item for item, movie in movies.items() if "Western" in movie["genres"]}
    found = await films.call(FILTER, {"genres": ["Western"]})
    records = await _all_pages(films, {"item_set": found["item_set"], "get": ["genres"]}, 7)
    assert Counter(record["item_id"] for record in records) == Counter(westerns)
    assert all("Western" in record["genres"] for record in records)


async def test_items_and_a_set_together_are_their_intersection(films: Service, movies: Movies) -> None:
    found = await films.call(FILTER, {"genres": ["Western"]})
    result = await films.call(ITEM, {"items": list(range(1, 201)), "item_set": found["item_set"], "get": "title"})
    both = {item for item in range(1, 201) if "Western" in movies[item]["genres"]}
    assert {item["item_id"] for item in result["items"]} == both
    assert result["total"] == len(both)


async def test_the_title_comes_without_being_asked_for(films: Service) -> None:
    result = await films.call(ITEM, {"items": [9], "get": ["release_year"]})
    assert result["items"] == [{"item_id": 9, "title": "Dead Man Walking", "release_year": 1995}]


async def test_names_keep_their_order_of_importance(films: Service, movies: Movies) -> None:
    result = await films.call(ITEM, {"items": [1], "get": ["actors"]})
    assert result["items"][0]["actors"] == movies[1]["actors"]
    assert result["items"][0]["actors"][:2] == ["Tom Hanks", "Tim Allen"]


async def test_unknown_items_and_fields_are_errors_that_say_what_is_right(films: Service) -> None:
    with pytest.raises(InvalidInputError, match="films 0, 1683 are not in ml-100k: IDs run from 1 to 1682"):
        await films.call(ITEM, {"items": [1, 0, 1683], "get": ["title"]})
    with pytest.raises(InvalidInputError, match=r"no field 'plot'.*description, storyline"):
        await films.call(ITEM, {"items": [1], "get": ["plot"]})
    with pytest.raises(InvalidInputError, match="which films"):
        await films.call(ITEM, {"get": ["title"]})
