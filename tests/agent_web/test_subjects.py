"""Calls are told by the titles of things, and by what sets were made of, as far as earlier results tell."""

from typing import Any

import pytest

from agent_client.web.subjects import Subjects
from agent_client.web.words import FieldWords, Words

BOOKS = {
    "message": "2 books",
    "items": [
        {"book_id": 11, "title": "Emma", "because": [{"book_id": 3, "title": "Persuasion"}]},
        {"book_id": 12, "title": "Middlemarch"},
    ],
}


@pytest.fixture
def subjects() -> Subjects:
    known = Subjects(Words({"genres": FieldWords("Genres")}))
    known.learn({"genres": ["Satire", "Romance"]}, {"count": 40, "item_set": "set_a", "sample": BOOKS["items"]})
    known.learn({"item_set": "set_a", "order_by": "year"}, {"item_set": "set_b", "order": "year"})
    return known


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"user": 11, "book_ids": [11, 12]}, ["user 11", "book ids Emma, Middlemarch"]),
        ({"book_id": "3"}, ["book id Persuasion"]),
        ({"exclude_books": [11], "k": 11}, ["exclude books 11", "k 11"]),
        ({"item_set": "set_a", "k": 3}, ["Genres Satire, Romance", "k 3"]),
        ({"item_set": "set_b"}, ["Genres Satire, Romance", "order by year"]),
        ({"exclude_items": ["set_a"]}, ["exclude items Genres Satire, Romance"]),
        ({"item_set": "set_of_yesterday"}, ["item set set_of_yesterday"]),
        ({"book_id": 99, "query": "a walk in the rain"}, ["book id 99", "query a walk in the rain"]),
        (
            {"where": {"genre": "Satire", "year": {"gte": 1800, "lt": 1900}}},
            ["where genre Satire, year ≥ 1800, < 1900"],
        ),
        ({"order_by": "year", "flag": True, "nothing": None}, ["order by year", "flag yes"]),
        ({}, []),
    ],
)
def test_calls_are_told_by_titles_and_by_what_sets_are_made_of(
    subjects: Subjects, arguments: dict[str, Any], told: list[str]
) -> None:
    assert subjects.of(arguments) == told


def test_an_id_of_two_things_stays_an_id(subjects: Subjects) -> None:
    subjects.learn({}, {"items": [{"book_id": 11, "title": "Ulysses"}]})
    subjects.learn({}, BOOKS)
    assert subjects.of({"book_ids": [11, 12]}) == ["book ids 11, Middlemarch"]


def test_an_id_is_that_of_its_own_kind_of_thing(subjects: Subjects) -> None:
    assert subjects.of({"reader_id": 11, "id": 12}) == ["reader id 11", "id 12"]


def test_a_set_made_of_nothing_keeps_its_name(subjects: Subjects) -> None:
    subjects.learn({}, {"item_set": "set_c"})
    assert subjects.of({"item_set": "set_c"}) == ["item set set_c"]
