"""Small catalogues, each with something to stumble over: the right answer, or the right error and its remedy."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcp_server.dataset.records import Dataset
from tests.reading.records import as_dicts, read_folder
from tests.reading.shelf import by_id, refusal, triples

CATALOGUES = Path(__file__).parent / "catalogues"

Content = dict[str, Any]


def read(name: str) -> Dataset:
    return read_folder(CATALOGUES / name)


def read_changed(name: str, folder: Path, change: Callable[[Content], object]) -> Dataset:
    """A catalogue whose specification is changed as a remedy says."""
    for file in (CATALOGUES / name).iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    content = yaml.safe_load((folder / "dataset.yaml").read_text(encoding="utf-8"))
    change(content)
    (folder / "dataset.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return read_folder(folder)


def lines(name: str, file: str = "inter.csv") -> list[dict[str, str]]:
    with (CATALOGUES / name / file).open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def pairs(name: str) -> list[tuple[str, str]]:
    return [(row["user"], row["item"]) for row in lines(name)]


def names(dataset: Dataset) -> dict[Any, Any]:
    return {identifier: item["name"] for identifier, item in by_id(dataset).items()}


FILLERS = {f"f{number}": f"Filler {number}" for number in range(30)}
FOUR = {"a": "Apple", "b": "Bread", "c": "Cheese", "d": "Dates"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(
            (name, {**FOUR, **FILLERS})
            for name in ("bom", "bom_sig", "ids_spaces", "number_nan_null", "ts_iso", "ts_ms")
        ),
        *((name, {**FOUR, **FILLERS}) for name in ("no_timestamp_history", "search_exact_title", "year_float")),
        *((name, {**FOUR, **FILLERS}) for name in ("dup_category_rows", "jsonl_nested", "semicolon_simple_quoted")),
        ("crlf_quoted_newline", {**FOUR, **FILLERS, "a": 'Apple, "red"\r\nsecond line'}),
        ("semicolon_quoted", {**FOUR, **FILLERS, "a": 'Apple; "the" red'}),
        ("german", {"a": "Apfel", "b": "Brot", "c": "Käse", "d": "Datteln", **FILLERS}),
        ("html_short", {**FOUR, **FILLERS, "b": "Brot", "c": "Käse"}),
        ("tiny4", FOUR),
    ],
)
def test_catalogues_are_read_as_they_are(name: str, expected: dict[str, str]) -> None:
    dataset = read(name)
    assert names(dataset) == expected
    assert dataset.notes == []
    assert [(user, item) for user, item, _, _ in triples(dataset)] == pairs(name)


def test_rows_with_one_id_give_all_their_tags() -> None:
    tags = {identifier: item["tags"] for identifier, item in by_id(read("dup_category_rows")).items()}
    assert [tags[each] for each in "abcd"] == [["fruit", "red"], ["bakery"], ["milk"], ["fruit"]]


def test_markers_of_unknown_numbers_are_known_by_default() -> None:
    items = by_id(read("number_nan_null"))
    assert [items[each]["price"] for each in "abcd"] == [None, 3.0, None, None]


def test_whole_numbers_may_be_written_with_a_fraction_of_zero() -> None:
    items = by_id(read("year_float"))
    assert [items[each]["year"] for each in "abcd"] == [2008, 1999, -750, None]


@pytest.mark.parametrize(("name", "first", "step"), [("ts_iso", 1704103200, 86_400), ("ts_ms", 1700000000, 1)])
def test_times_are_read_as_iso_8601_and_as_milliseconds(name: str, first: int, step: int) -> None:
    times = [time for _, _, _, time in triples(read(name))]
    known = times.index(None) if None in times else len(times)
    assert times[:4] == [first + step * number for number in range(4)]
    assert known >= 4


def test_empty_times_are_unknown() -> None:
    written = [row["ts"] for row in lines("ts_iso")]
    assert [time is None for _, _, _, time in triples(read("ts_iso"))] == [text == "" for text in written]


def test_paths_lead_into_objects_and_booleans_are_booleans(tmp_path: Path) -> None:
    def declare_boolean(content: Content) -> None:
        next(field for field in content["items"]["fields"] if field["name"] == "ok")["kind"] = "boolean"

    items = by_id(read_changed("jsonl_nested", tmp_path, declare_boolean))
    assert items["a"] == {"name": "Apple", "price": 1.5, "ok": True, "tags": ["x", "y"]}


def test_html_is_stripped_where_that_is_declared(tmp_path: Path) -> None:
    def strip(content: Content) -> None:
        for field in content["items"]["fields"]:
            field["html"] = True

    assert by_id(read_changed("html_short", tmp_path, strip))["a"]["text"] == "A red fruit from the orchard"
    assert "<p>" in by_id(read("html_short"))["a"]["text"]


def test_a_catalogue_without_interactions_is_read_and_says_so() -> None:
    dataset = read("no_inter")
    assert (names(dataset), len(dataset.users), len(dataset.interactions)) == (FOUR, 0, 0)
    assert dataset.notes == ["There are no interactions, so nothing is known of what users like."]


@pytest.mark.parametrize(
    ("name", "unknown", "kind"), [("unknown_item", "zzz", "item"), ("unknown_user", "stranger", "user")]
)
def test_unknown_ids_are_left_out_and_told(name: str, unknown: str, kind: str) -> None:
    dataset = read(name)
    known = set(dataset.items.ids if kind == "item" else dataset.users.ids)
    kept = [pair for pair in pairs(name) if pair[kind == "item"] in known]
    assert [(user, item) for user, item, _, _ in triples(dataset)] == kept
    assert dataset.n_dropped == len(pairs(name)) - len(kept) > 0
    [note] = dataset.notes
    assert note.startswith(f"{dataset.n_dropped} of {len(pairs(name))} interactions were left out")
    assert f"unknown {kind} (such as '{unknown}'" in note


def test_two_groups_may_have_the_same_values() -> None:
    dataset = read("same_group_value")
    assert as_dicts(dataset.users)[:4] == [
        {"smoker": row["smoker"], "vegan": row["vegan"]} for row in lines("same_group_value", "users.csv")[:4]
    ]


def test_dislikes_are_not_liked() -> None:
    dataset = read("dislike_reasons")
    liked = dict(zip([(user, item) for user, item, _, _ in triples(dataset)], dataset.interactions.liked, strict=True))
    for row in lines("dislike_reasons"):
        assert liked[row["user"], row["item"]] == (float(row["stars"]) >= 4)


def test_a_user_with_one_interaction_is_a_user() -> None:
    dataset = read("lonely_user")
    assert sorted({user for user, _ in pairs("lonely_user")}) == dataset.users.ids


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("field_missing_column", ["items.csv", "'colour'", "'name'"]),
        ("yaml_typo", ["items.fields.0.knd", "is kind meant?"]),
        ("lang_typo", ["search.language", "'german'"]),
        ("date_us", ["items.csv: added", "'03/04/2020'", "format: '%d/%m/%Y'", "format: '%m/%d/%Y'"]),
        ("latin1", ["items.csv, line 2", "encoding: windows-1252 (it then reads 'a,Äpfel')"]),
        ("price_currency", ["items.csv: price", "'$1.20'", "'3,5'", "decimal: '.'"]),
        ("ragged", ["items.csv, line 3: 3 columns instead of 2: 'b,Bread,extra'", "on_bad_row: skip"]),
        ("count_zero_rating", ["'n'", "feedback: counts"]),
        ("event_weights", ["'event'", "'view', 'buy'", "feedback: events", "weights: {view: 1, buy: 1}"]),
    ],
)
def test_what_could_be_misread_is_refused_with_the_remedy(name: str, parts: list[str]) -> None:
    said = refusal(read, name)
    for part in parts:
        assert part in said


def test_the_remedies_work(tmp_path: Path) -> None:
    def fresh(name: str, change: Callable[[Content], object]) -> Dataset:
        folder = tmp_path / name
        folder.mkdir()
        return read_changed(name, folder, change)

    def field(content: Content, name: str) -> Content:
        return next(field for field in content["items"]["fields"] if field["name"] == name)

    def dated(content: Content) -> None:
        content["on_bad_row"] = "skip"  # the catalogue has the ID a twice, too
        field(content, "added")["format"] = "%m/%d/%Y"

    dates = fresh("date_us", dated)
    assert by_id(dates)["a"] == {"name": "Apple", "added": "2020-03-04"}
    assert any("2 rows have the id 'a' and differ in name ('Apple', 'Apricot')" in note for note in dates.notes)

    encoded = fresh("latin1", lambda content: content["items"]["sources"][0].update(encoding="latin-1"))
    assert names(encoded) == {"a": "Äpfel", "b": "Brötchen", "c": "Käse", "d": "Dattel", **FILLERS}

    def prices(content: Content) -> None:
        content["on_bad_row"] = "skip"
        field(content, "price")["decimal"] = "."

    priced = fresh("price_currency", prices)
    assert [by_id(priced)[each]["price"] for each in "abc"] == [1.2, 2.5, 1299.0]
    assert "d" not in by_id(priced)
    assert any("items.csv, line 5: price '3,5' is not a number" in note for note in priced.notes)
    assert any("several currencies ($, €)" in note for note in priced.notes)

    ragged = fresh("ragged", lambda content: content.update(on_bad_row="skip"))
    assert names(ragged) == {identifier: name for identifier, name in {**FOUR, **FILLERS}.items() if identifier != "b"}
    assert any("items.csv, line 3" in note for note in ragged.notes)


def test_counts_and_events_are_read_as_declared(tmp_path: Path) -> None:
    def counts(content: Content) -> None:
        content["interactions"]["feedback"] = "counts"

    counted = read_changed("count_zero_rating", tmp_path, counts)
    summed: dict[tuple[str, str], float] = {}
    for row in lines("count_zero_rating"):
        summed[row["user"], row["item"]] = summed.get((row["user"], row["item"]), 0.0) + float(row["n"])
    assert {(user, item): value for user, item, value, _ in triples(counted)} == summed
    assert counted.interactions.liked.tolist() == [value >= 1 for _, _, value, _ in triples(counted)]

    weights = {"view": 1.0, "buy": 5.0}

    def events(content: Content) -> None:
        content["interactions"].update(feedback="events", weights=weights)

    weighed = read_changed("event_weights", tmp_path, events)
    expected: dict[tuple[str, str], float] = {}
    for row in lines("event_weights"):
        expected[row["user"], row["item"]] = expected.get((row["user"], row["item"]), 0.0) + weights[row["event"]]
    assert {(user, item): value for user, item, value, _ in triples(weighed)} == expected


def test_every_catalogue_is_tested() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [folder.name for folder in CATALOGUES.iterdir() if f'"{folder.name}"' not in text] == []
