"""Whole datasets: items that are the same, MovieLens in both its layouts, and the corner shop."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from mcp_server.dataset.records import Dataset
from mcp_server.dataset.spec import bundled_folder, find_spec_file, load_spec
from mcp_server.reading.dataset import find_twins
from mcp_server.reading.files import DatasetFiles
from tests.conftest import SHOP, Rating
from tests.reading.records import ListedRecords, as_dicts, read_dataset
from tests.reading.shelf import by_id, triples

FILMS = bundled_folder() / "ml-100k" / "dataset.yaml"

# Twins


def canonical(items: list[dict[str, Any]]) -> list[int]:
    complete = [{"code": None, "title": None, "released": None, "tags": [], **item} for item in items]
    records = ListedRecords(list(range(len(items))), complete)
    return find_twins(records, [["code"], ["title", "released"], ["tags"]]).tolist()


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([{"code": "a"}, {"code": "b"}, {"code": "a"}], [0, 1, 0]),
        ([{"title": "T", "released": 1}, {"title": "T", "released": 2}, {"title": "T", "released": 1}], [0, 1, 0]),
        ([{"title": "T", "released": 1}, {"title": "U", "released": 1}], [0, 1]),
        ([{"title": "T"}, {"title": "T"}, {}, {}], [0, 1, 2, 3]),
        ([{"tags": ["x", "y"]}, {"tags": ["x"]}, {"tags": ["x", "y"]}, {"tags": []}, {"tags": []}], [0, 1, 0, 3, 4]),
        (
            [{"code": "x"}, {"title": "T", "released": 1, "code": "y"}, {"title": "T", "released": 1, "code": "x"},
             {"code": "y"}],
            [0, 0, 0, 0],
        ),
    ],
)  # fmt: skip
def test_items_are_the_same_by_any_key_that_both_know(items: list[dict[str, Any]], expected: list[int]) -> None:
    assert canonical(items) == expected


def test_sameness_of_many_items_is_that_of_a_plain_search() -> None:
    draw = random.Random(5)
    items = [
        {"code": draw.choice([None, *range(150)]), "title": draw.randrange(60), "released": draw.randrange(9)}
        for _ in range(400)
    ]
    neighbours: dict[int, list[int]] = {place: [] for place in range(len(items))}
    for place, item in enumerate(items):
        for other, twin in enumerate(items):
            same_code = item["code"] is not None and item["code"] == twin["code"]
            if same_code or (item["title"], item["released"]) == (twin["title"], twin["released"]):
                neighbours[place].append(other)
    expected = [-1] * len(items)
    for place in range(len(items)):
        waiting = [place] if expected[place] < 0 else []
        while waiting:
            found = waiting.pop()
            if expected[found] < 0:
                expected[found] = place
                waiting += neighbours[found]
    assert canonical(items) == expected


def test_twins_of_movielens_are_those_with_one_imdb_id_or_title_and_date(movies: dict[int, dict[str, Any]]) -> None:
    dataset = read_dataset(DatasetFiles.find(find_spec_file("ml-100k"), None))
    known = {item: None if movie["title"] == "unknown" else movie["title"] for item, movie in movies.items()}
    for place, item in enumerate(dataset.items.ids):
        assert isinstance(item, int)
        same = [
            other
            for other in sorted(movies)
            if other == item
            or (movies[other]["imdb_id"] and movies[other]["imdb_id"] == movies[item]["imdb_id"])
            or (
                known[other]
                and movies[item]["release_date"]
                and (known[other], movies[other]["release_date"]) == (known[item], movies[item]["release_date"])
            )
        ]
        assert dataset.items.ids[dataset.canonical[place]] == same[0]


# MovieLens


def test_all_of_movielens_is_read(ratings: list[Rating], movies: dict[int, dict[str, Any]]) -> None:
    dataset = read_dataset(DatasetFiles.find(find_spec_file("ml-100k"), None))
    assert (dataset.n_dropped, dataset.notes) == (0, [])
    assert triples(dataset) == [(rating.user, rating.item, rating.rating, rating.timestamp) for rating in ratings]
    assert {item: fields["genres"] for item, fields in by_id(dataset).items()} == {
        item: movie["genres"] for item, movie in movies.items()
    }


GENRES = [
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
]


def _u_item(item: int, title: str, *genres: str) -> str:
    """A line of GroupLens's u.item: five columns, then a flag for each of 19 genres."""
    flags = ["1" if genre in genres else "0" for genre in GENRES]
    return "|".join([str(item), title, "01-Jan-1995", "", "http://example.org/", *flags]) + "\n"


@pytest.fixture
def grouplens(tmp_path: Path) -> Dataset:
    """Three films, two viewers and three ratings, as GroupLens lays MovieLens-100k out."""
    items = [
        _u_item(1, "Toy Story (1995)", "Animation", "Children's", "Comedy"),
        _u_item(2, "Misérables, Les (1995)", "Drama", "Musical"),
        _u_item(3, "unknown", "unknown"),
    ]
    (tmp_path / "u.item").write_bytes("".join(items).encode("latin-1"))
    (tmp_path / "u.user").write_text("1|24|M|technician|85711\n2|53|F|other|94043\n", encoding="ascii")
    (tmp_path / "u.data").write_text("2\t1\t5\t880000000\n1\t2\t3\t880000001\n1\t3\t1\t880000002\n", encoding="ascii")
    nothing: dict[str, Any] = {field.column: None for field in load_spec(FILMS).items.fields if field.name != "genres"}
    films = [
        {"item_id": 1, "title": "Toy Story", "runtime_minutes": 81},
        {"item_id": 2, "title": "Les Misérables"},
        {"item_id": 3, "title": "unknown"},
    ]
    lines = "".join(json.dumps({**nothing, **film}) + "\n" for film in films)
    (tmp_path / "movies.jsonl").write_text(lines, encoding="utf-8")
    return read_dataset(DatasetFiles.find(FILMS, tmp_path))


def test_genres_of_the_grouplens_layout_come_from_its_flags(grouplens: Dataset) -> None:
    items = by_id(grouplens)
    assert list(items) == [1, 2, 3]
    assert [item["genres"] for item in items.values()] == [
        ["Animation", "Children's", "Comedy"],
        ["Drama", "Musical"],
        [],
    ]
    assert [item["title"] for item in items.values()] == ["Toy Story", "Les Misérables", None]
    assert [item["duration"] for item in items.values()] == [81, None, None]


def test_users_and_ratings_of_the_grouplens_layout(grouplens: Dataset) -> None:
    assert dict(zip(grouplens.users.ids, as_dicts(grouplens.users), strict=True)) == {
        1: {"age": 24, "age_category": "young_adult", "gender": "male", "occupation": "technician"},
        2: {"age": 53, "age_category": "adult", "gender": "female", "occupation": "other"},
    }
    assert triples(grouplens) == [(2, 1, 5, 880000000), (1, 2, 3, 880000001), (1, 3, 1, 880000002)]


def test_the_shop_has_neither_ratings_nor_times() -> None:
    dataset = read_dataset(DatasetFiles.find(SHOP / "dataset.yaml", None))
    assert dataset.interactions.value is None
    assert dataset.interactions.timestamp is None
    users = dict(zip(dataset.users.ids, as_dicts(dataset.users), strict=True))
    assert list(users) == sorted(["anna", "ben", "chloé", "dev", "eve", "finn", "gus", "newcomer"])
    assert users["eve"] == {"city": None, "tier": "silver"}
    assert by_id(dataset)["TOY-04"]["materials"] == []
