"""Records: the meaning of values, items that are the same, and the interactions that count."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcp_server.dataset.records import Dataset
from mcp_server.dataset.spec import find_spec_file
from mcp_server.errors import DatasetError
from mcp_server.reading.files import DatasetFiles
from tests.conftest import SHOP, Rating
from tests.reading.records import read_dataset

Row = Mapping[str, Any]

SPEC: dict[str, Any] = {
    "name": "records",
    "title": "Records",
    "missing": ["unknown", ""],
    "items": {
        "id": "id",
        "id_type": "integer",
        "title": "title",
        "same_item": [["code"], ["title", "released"]],
        "sources": [{"file": "items.jsonl", "format": "jsonl"}],
        "fields": [
            {"name": "title", "kind": "text"},
            {"name": "code", "kind": "text"},
            {"name": "genres", "kind": "category", "many": True, "separator": "|"},
            {"name": "length", "kind": "number", "integer": True},
            {"name": "price", "kind": "number"},
            {"name": "released", "kind": "date"},
            {"name": "year", "kind": "number", "integer": True, "source": "released", "part": "year"},
            {"name": "month", "kind": "number", "integer": True, "source": "released", "part": "month"},
        ],
    },
    "users": {
        "id": "id",
        "id_type": "integer",
        "sources": [{"file": "users.jsonl", "format": "jsonl"}],
        "fields": [
            {
                "name": "age_category",
                "kind": "category",
                "source": "age",
                "bands": {
                    "kid": [0, 12],
                    "teenager": [13, 19],
                    "young_adult": [20, 30],
                    "adult": [31, 60],
                    "senior": [61, 150],
                },
            },
            {"name": "gender", "kind": "category", "values": {"M": "male", "F": "female"}},
        ],
    },
    "interactions": {
        "sources": [{"file": "ratings.jsonl", "format": "jsonl"}],
        "user": "user",
        "item": "item",
        "rating": "rating",
        "timestamp": "time",
        "like_threshold": 4,
    },
}


def _jsonl(path: Path, rows: Sequence[Row]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _find(
    folder: Path,
    items: Sequence[Row] = ({"id": 1},),
    users: Sequence[Row] = ({"id": 1},),
    ratings: Sequence[Row] = ({"user": 1, "item": 1, "rating": 5, "time": 0},),
    spec: Mapping[str, Any] = SPEC,
) -> DatasetFiles:
    _jsonl(folder / "items.jsonl", items)
    _jsonl(folder / "users.jsonl", users)
    _jsonl(folder / "ratings.jsonl", ratings)
    (folder / "dataset.yaml").write_text(yaml.safe_dump(dict(spec)), encoding="utf-8")
    return DatasetFiles.find(folder / "dataset.yaml", None)


def _read(folder: Path, **parts: Any) -> Dataset:
    return read_dataset(_find(folder, **parts))


def _item(folder: Path, **values: Any) -> Row:
    return _read(folder, items=[{"id": 1, **values}]).items[0]


# Values


@pytest.mark.parametrize("nothing", [None, "", "unknown", " unknown "])
def test_what_is_declared_missing_is_nothing(tmp_path: Path, nothing: str | None) -> None:
    item = _item(tmp_path, title=nothing, genres=nothing, length=nothing, released=nothing)
    assert (item["title"], item["length"], item["released"], item["month"]) == (None, None, None, None)
    assert item["genres"] == []


def test_a_column_that_is_not_there_is_missing(tmp_path: Path) -> None:
    item = dict(_item(tmp_path))
    assert item.pop("genres") == []
    assert set(item.values()) == {None}


@pytest.mark.parametrize("nothing", ["", "unknown", None])
def test_missing_names_in_a_list_are_left_out(tmp_path: Path, nothing: str | None) -> None:
    assert _item(tmp_path, genres=["Drama", nothing, "War"])["genres"] == ["Drama", "War"]


def test_several_names_come_as_a_list_or_in_one_string_and_each_counts_once(tmp_path: Path) -> None:
    assert _item(tmp_path, genres=["Drama", " War ", "Drama"])["genres"] == ["Drama", "War"]
    assert _item(tmp_path, genres="Drama| War |Drama|")["genres"] == ["Drama", "War"]


def test_codes_get_the_names_declared_for_them(tmp_path: Path) -> None:
    people = [{"id": 1, "gender": "M"}, {"id": 2, "gender": "F"}, {"id": 3, "gender": "X"}, {"id": 4}]
    users = _read(tmp_path, users=people).users
    assert [user["gender"] for user in users] == ["male", "female", "X", None]


@pytest.mark.parametrize(
    ("age", "band"),
    [
        (0, "kid"),
        (12, "kid"),
        (13, "teenager"),
        (19, "teenager"),
        (20, "young_adult"),
        (30, "young_adult"),
        ("31", "adult"),
        ("60", "adult"),
        (61, "senior"),
        (151, None),
        (-1, None),
        (None, None),
        ("unknown", None),
    ],
)
def test_bands_hold_both_their_ends(tmp_path: Path, age: Any, band: str | None) -> None:
    assert _read(tmp_path, users=[{"id": 1, "age": age}]).users[0]["age_category"] == band


@pytest.mark.parametrize(
    ("released", "year", "month"),
    [("1995-11-22", 1995, 11), ("1995-01", 1995, 1), ("1995", 1995, None), (1995, 1995, None), (None, None, None)],
)
def test_parts_of_a_date_as_far_as_it_is_known(
    tmp_path: Path, released: Any, year: int | None, month: int | None
) -> None:
    item = _item(tmp_path, released=released)
    assert (item["year"], item["month"]) == (year, month)


def test_numbers_are_typed(tmp_path: Path) -> None:
    item = _item(tmp_path, length="90.0", price=" 2.50 ")
    assert (item["length"], item["price"]) == (90, 2.5)
    assert isinstance(item["length"], int)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"length": "long"}, "length: 'long' is not a number"),
        ({"length": 90.5}, "length: 90.5 is not a whole number"),
        ({"price": "1,50"}, "price: '1,50' is not a number"),
        ({"price": "inf"}, "price: 'inf' is not a finite number"),
        ({"price": float("nan")}, "price: nan is not a finite number"),
        ({"price": True}, "price: True is not a number"),
        ({"released": "soon"}, "'soon' is not a date"),
        ({"released": "1995-Nov"}, "'1995-Nov' is not a date"),
    ],
)
def test_a_wrong_value_is_refused_by_the_id_of_its_item(tmp_path: Path, values: Row, said: str) -> None:
    with pytest.raises(DatasetError, match="id 17: ") as refused:
        _read(tmp_path, items=[{"id": 1}, {"id": 17, **values}])
    assert said in str(refused.value)


def test_a_month_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="1995-13"):
        _read(tmp_path, items=[{"id": 17, "released": "1995-13-01"}])


def test_a_wrong_age_is_refused_by_the_id_of_its_user(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"id 4: .*'old' is not a number"):
        _read(tmp_path, users=[{"id": 1}, {"id": 4, "age": "old"}])


@pytest.mark.parametrize(
    ("wrong", "said"), [({}, "no id"), ({"id": ""}, "no id"), ({"id": "x"}, "id 'x' is not"), ({"id": 1.5}, "id 1.5")]
)
def test_a_wrong_id_is_refused_by_its_line(tmp_path: Path, wrong: Row, said: str) -> None:
    with pytest.raises(DatasetError, match=r"items\.jsonl, line 2") as refused:
        _read(tmp_path, items=[{"id": 1}, wrong])
    assert said in str(refused.value)


def test_a_catalogue_without_items_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no items"):
        _read(tmp_path, items=[])


# Joined files


def _two_item_files() -> dict[str, Any]:
    sources = [{"file": "first.jsonl", "format": "jsonl"}, {"file": "items.jsonl", "format": "jsonl"}]
    return {**SPEC, "items": {**SPEC["items"], "sources": sources}}


def test_items_are_joined_over_files_and_the_first_that_knows_a_field_counts(tmp_path: Path) -> None:
    _jsonl(tmp_path / "first.jsonl", [{"id": 2, "title": "First", "length": None}])
    second = [{"id": 2, "title": "Second", "length": 90}, {"id": 1, "title": "Only here"}]
    dataset = _read(tmp_path, items=second, spec=_two_item_files())
    assert dataset.items.ids == [1, 2]
    assert [(item["title"], item["length"]) for item in dataset.items] == [("Only here", None), ("First", 90)]


@pytest.mark.parametrize("nothing", ["", "unknown"])
def test_a_file_that_says_unknown_does_not_know_the_field(tmp_path: Path, nothing: str) -> None:
    _jsonl(tmp_path / "first.jsonl", [{"id": 1, "title": nothing, "length": nothing}])
    dataset = _read(tmp_path, items=[{"id": 1, "title": "Second", "length": 90}], spec=_two_item_files())
    assert (dataset.items[0]["title"], dataset.items[0]["length"]) == ("Second", 90)


# Twins


def test_items_with_one_code_are_the_same(tmp_path: Path) -> None:
    items = [{"id": 1, "code": "a"}, {"id": 2, "code": "b"}, {"id": 3, "code": "a"}]
    assert _read(tmp_path, items=items).canonical.tolist() == [0, 1, 0]


def test_items_with_one_title_and_date_are_the_same_but_not_by_one_of_the_two(tmp_path: Path) -> None:
    items = [
        {"id": 1, "title": "Hugo Pool", "released": "1997"},
        {"id": 2, "title": "Hugo Pool", "released": "1998"},
        {"id": 3, "title": "Hugo Pool", "released": "1997"},
        {"id": 4, "title": "Chasing Amy", "released": "1997"},
    ]
    assert _read(tmp_path, items=items).canonical.tolist() == [0, 1, 0, 3]


def test_sameness_goes_on_from_item_to_item(tmp_path: Path) -> None:
    items = [
        {"id": 1, "code": "x"},
        {"id": 2, "title": "T", "released": "1990", "code": "y"},
        {"id": 3, "title": "T", "released": "1990", "code": "x"},
        {"id": 4, "code": "y"},
    ]
    assert _read(tmp_path, items=items).canonical.tolist() == [0, 0, 0, 0]


def test_items_are_not_the_same_for_what_both_do_not_know(tmp_path: Path) -> None:
    items = [{"id": 1, "title": "T"}, {"id": 2, "title": "T"}, {"id": 3, "code": "unknown"}, {"id": 4, "code": ""}]
    assert _read(tmp_path, items=items).canonical.tolist() == [0, 1, 2, 3]


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


# Interactions


def test_interactions_are_read_by_position_in_the_order_of_the_file(tmp_path: Path) -> None:
    dataset = _read(
        tmp_path,
        items=[{"id": 30}, {"id": 10}, {"id": 20}],
        users=[{"id": 9}, {"id": 8}],
        ratings=[
            {"user": 9, "item": 30, "rating": "4.5", "time": 100},
            {"user": "8", "item": "10", "rating": 1, "time": "99.0"},
        ],
    )
    assert (dataset.items.ids, dataset.users.ids) == ([10, 20, 30], [8, 9])
    found = dataset.interactions
    assert found.rating is not None
    assert found.timestamp is not None
    assert (found.user.tolist(), found.item.tolist()) == ([1, 0], [2, 0])
    assert (found.rating.tolist(), found.timestamp.tolist()) == ([4.5, 1.0], [100, 99])
    assert (len(found), found.n_dropped) == (2, 0)


def test_interactions_with_unknown_items_or_users_are_dropped_and_counted(tmp_path: Path) -> None:
    pairs = [(1, 1), (1, 404), (404, 1), (404, 404), (1, 1)]
    ratings = [{"user": user, "item": item, "rating": 3, "time": 0} for user, item in pairs]
    found = _read(tmp_path, ratings=ratings).interactions
    assert (len(found), found.n_dropped) == (2, 3)


@pytest.mark.parametrize(
    "wrong",
    [{"rating": "good"}, {"rating": None}, {"rating": "nan"}, {"time": "noon"}, {"time": "nan"}, {"time": "inf"}],
)
def test_a_wrong_rating_or_time_is_refused_by_its_line(tmp_path: Path, wrong: Row) -> None:
    right = {"user": 1, "item": 1, "rating": 3, "time": 0}
    with pytest.raises(DatasetError, match=r"ratings\.jsonl, line 2"):
        _read(tmp_path, ratings=[right, {**right, **wrong}])


def test_an_interaction_without_a_rating_is_refused_where_ratings_are_declared(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"ratings\.jsonl, line 1.*rating"):
        _read(tmp_path, ratings=[{"user": 1, "item": 1, "time": 0}])


def test_a_dataset_without_interactions_is_refused_by_its_noun(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no listens"):
        _read(tmp_path, ratings=[], spec={**SPEC, "nouns": {"interactions": "listens"}})


def test_without_a_file_of_users_they_are_those_who_interacted(tmp_path: Path) -> None:
    ratings = [{"user": user, "item": 1, "rating": 3, "time": 0} for user in (7, 3, 7)]
    dataset = _read(tmp_path, ratings=ratings, spec={**SPEC, "users": {"id": "id", "id_type": "integer"}})
    assert (dataset.users.ids, dataset.users) == ([3, 7], [{}, {}])
    assert dataset.interactions.user.tolist() == [1, 0, 1]


def test_the_shop_has_neither_ratings_nor_times() -> None:
    dataset = read_dataset(DatasetFiles.find(SHOP / "dataset.yaml", None))
    assert dataset.interactions.rating is None
    assert dataset.interactions.timestamp is None
    assert dataset.users.ids == sorted(["anna", "ben", "chloé", "dev", "eve", "finn", "gus", "newcomer"])
    assert dataset.users[dataset.users.ids.index("eve")] == {"city": None, "tier": "silver"}
    assert dataset.items[dataset.items.ids.index("TOY-04")]["materials"] == []


def test_all_of_movielens_is_read(ratings: list[Rating], movies: dict[int, dict[str, Any]]) -> None:
    dataset = read_dataset(DatasetFiles.find(find_spec_file("ml-100k"), None))
    found = dataset.interactions
    assert found.rating is not None
    assert found.timestamp is not None
    rows = zip(found.user, found.item, found.rating, found.timestamp, strict=True)
    assert found.n_dropped == 0
    assert [(dataset.users.ids[user], dataset.items.ids[item], rating, time) for user, item, rating, time in rows] == [
        (rating.user, rating.item, rating.rating, rating.timestamp) for rating in ratings
    ]
    genres = {item: record["genres"] for item, record in zip(dataset.items.ids, dataset.items, strict=True)}
    assert genres == {item: movie["genres"] for item, movie in movies.items()}


# Fingerprints


def test_the_fingerprint_changes_with_the_data_but_not_with_the_model(tmp_path: Path) -> None:
    before = _find(tmp_path).fingerprint
    assert _find(tmp_path).fingerprint == before
    assert _find(tmp_path, spec={**SPEC, "model": {"name": "BPR"}}).fingerprint == before
    assert _find(tmp_path, spec={**SPEC, "missing": ["n/a"]}).fingerprint != before
    assert _find(tmp_path, users=[{"id": 1, "age": 20}]).fingerprint != before


def test_timestamps_in_milliseconds_are_refused_by_their_line(tmp_path: Path) -> None:
    shutil.copytree(SHOP, tmp_path, dirs_exist_ok=True)
    spec = yaml.safe_load((tmp_path / "dataset.yaml").read_text(encoding="utf-8"))
    spec["interactions"]["timestamp"] = "time"
    (tmp_path / "dataset.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    (tmp_path / "purchases.csv").write_text("customer,sku,time\nanna,KIT-01,881250949000\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"purchases\.csv, line 2.*milliseconds"):
        read_dataset(DatasetFiles.find(tmp_path / "dataset.yaml", None))
