"""Which texts are searched, and in what pieces."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_server.dataset.records import Dataset, Interactions
from mcp_server.dataset.spec import DatasetSpec, find_spec_file
from mcp_server.reading.files import DatasetFiles
from mcp_server.vectors.texts import MOST_KINDS, item_texts, split_sentences, text_digest
from tests.reading.records import ListedRecords, read_dataset


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("A boy runs. His dog follows.", ["A boy runs.", "His dog follows."]),
        ("Who did it? Nobody knows! The end…", ["Who did it?", "Nobody knows!", "The end…"]),
        ("One sentence only", ["One sentence only"]),
        ("  Spaces \n around.  \n ", ["Spaces \n around."]),
        ("It costs 3.5 dollars in the U.S.A.", ["It costs 3.5 dollars in the U.S.A."]),
        ("She left. “Why?” He wept.", ["She left.", "“Why?", "He wept."]),
        ("In 1943. 12 men escape.", ["In 1943.", "12 men escape."]),
        ("Il rit. Évidemment.", ["Il rit.", "Évidemment."]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences_end_before_another_begins(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


PROSE = st.text(st.sampled_from("ab Zé1.!?…\"'”)(\n-")) | st.text()


@settings(deadline=None)
@given(PROSE)
def test_no_word_is_lost_between_sentences(text: str) -> None:
    assert re.findall(r"\w+", " ".join(split_sentences(text))) == re.findall(r"\w+", text)


@settings(deadline=None)
@given(PROSE)
def test_a_text_that_says_anything_has_a_sentence_and_no_sentence_is_blank(text: str) -> None:
    sentences = split_sentences(text)
    assert bool(sentences) == bool(text.strip())
    assert all(sentence.strip() == sentence != "" for sentence in sentences)


@settings(deadline=None)
@given(st.text(st.sampled_from("abZß é.\n\t")))
def test_a_digest_does_not_depend_on_case_or_spaces(text: str) -> None:
    spaced = "  " + re.sub(r"\s+", " \n ", text) + " "
    assert text_digest(text) == text_digest(spaced) == text_digest(spaced.upper())


def test_a_digest_depends_on_words_and_where_they_end() -> None:
    texts = ["a boy runs", "a boy runs.", "aboy runs", "a girl runs", ""]
    assert len({text_digest(text) for text in texts}) == len(texts)


def _dataset(
    items: list[dict[str, Any]],
    search: dict[str, Any] | None,
    fields: Sequence[dict[str, Any]] = ({"name": "tags", "kind": "category", "many": True},),
    summary: Sequence[str] = (),
    nouns: dict[str, str] | None = None,
) -> Dataset:
    content = {
        "name": "texts",
        "title": "Texts",
        "nouns": nouns or {},
        "items": {
            "summary": [*summary],
            "id": "id",
            "id_type": "integer",
            "title": "title",
            "sources": [{"file": "items.jsonl", "format": "jsonl"}],
            "fields": [
                {"name": "title", "kind": "text"},
                {"name": "plot", "kind": "text"},
                {"name": "story", "kind": "text"},
                *fields,
            ],
        },
        "users": {"id": "id", "id_type": "integer"},
        "interactions": {"sources": [{"file": "i.csv", "format": "delimited"}], "user": "u", "item": "i"},
        "search": search,
    }
    unknown = {field["name"]: [] if field.get("many") else None for field in fields}
    nothing: dict[str, Any] = {"title": None, "plot": None, "story": None, **unknown}
    none = np.array([], dtype=np.int64)
    return Dataset(
        DatasetSpec.model_validate(content),
        ListedRecords(list(range(10, 10 + len(items))), [{**nothing, **item} for item in items]),
        np.arange(len(items)),
        None,
        ListedRecords([], []),
        Interactions(none, none, None, None, None, np.array([], dtype=bool)),
        0,
        [],
    )


SEARCH = {"texts": ["plot", "story"], "keywords": ["title", "tags"]}


def test_an_items_texts_are_taken_whole_and_by_sentence() -> None:
    item = {"title": "Jaws", "plot": "A shark. It bites.", "story": "Men hunt it.", "tags": ["sea", "fear"]}
    [text] = item_texts(_dataset([item], SEARCH))
    assert text.item == 0
    assert text.whole == "A shark. It bites. Men hunt it."
    assert text.sentences == ["A shark.", "It bites.", "Men hunt it."]
    assert set(re.findall(r"\w+", text.words)) == set(re.findall(r"\w+", f"Jaws sea fear {text.whole}"))
    assert text.profile == "sea, fear item. A shark. It bites."
    assert text.pieces == [text.whole, text.profile, *text.sentences]


FIELDS: list[dict[str, Any]] = [
    {"name": "people", "kind": "category", "many": True},
    {"name": "tags", "kind": "category", "many": True, "aliases": {"Scary": "fear", "Frightening": "fear"}},
    {"name": "class", "kind": "category"},
    {"name": "price", "kind": "number", "filter": True},
    {"name": "year", "kind": "number", "integer": True, "filter": True},
]


def test_a_profile_tells_the_kinds_of_an_item_in_the_nouns_of_the_dataset() -> None:
    items = [
        {"title": "Jaws", "plot": "A shark.", "tags": ["fear", "sea"], "class": "PG", "people": ["x"], "year": 1975},
        {"plot": "A plot.", "tags": [], "price": 3.5},
    ]
    dataset = _dataset(items, SEARCH, FIELDS, summary=["tags", "price", "year"], nouns={"item": "film"})
    first, second = item_texts(dataset)
    assert first.profile == "fear, sea film. x, PG, 1975. A shark."
    assert second.profile == "film. A plot."


def test_words_have_the_names_of_kinds_and_what_people_say_for_them() -> None:
    item = {"title": "Jaws", "plot": "A shark.", "tags": ["fear", "sea"], "class": "PG"}
    [text] = item_texts(_dataset([item], {"texts": ["plot"]}, FIELDS, summary=["tags"]))
    assert set(re.findall(r"\w+", text.words)) == {"fear", "Scary", "Frightening", "sea", "PG", "A", "shark"}


def test_a_category_of_many_names_is_no_kind_unless_it_is_in_the_summary() -> None:
    items = [{"plot": "A plot.", "people": [f"p{number}"], "class": "PG"} for number in range(MOST_KINDS + 1)]
    for summary, profile in ((["tags"], "item. PG. A plot."), (["people"], "p0 item. PG. A plot.")):
        texts = item_texts(_dataset(items, SEARCH, FIELDS, summary=summary))
        assert texts[0].profile == profile
    [*fewer, _] = items
    assert item_texts(_dataset(fewer, SEARCH, FIELDS, summary=["tags"]))[0].profile == "item. p0, PG. A plot."


def test_a_dataset_without_categories_has_profiles_of_its_texts() -> None:
    [text] = item_texts(_dataset([{"plot": "A plot."}], {"texts": ["plot"]}, []))
    assert (text.profile, text.words) == ("item. A plot.", "A plot.")


def test_an_item_is_known_by_each_of_its_texts_and_by_the_whole() -> None:
    item = {"title": "Jaws", "plot": "A shark.", "story": "Men hunt it."}
    [text] = item_texts(_dataset([item], SEARCH))
    own = ["a SHARK.", "Men  hunt it.", "A shark. Men hunt it."]
    assert [text_digest(query) in text.digests for query in own] == [True] * 3
    assert text_digest("Jaws") not in text.digests


def test_items_without_text_are_left_out_and_the_others_keep_their_positions() -> None:
    items: list[dict[str, Any]] = [
        {"title": "Only a title", "tags": ["x"]},
        {"plot": "A plot."},
        {},
        {"story": "A story."},
    ]
    texts = item_texts(_dataset(items, SEARCH))
    assert [(text.item, text.whole, text.sentences) for text in texts] == [
        (1, "A plot.", ["A plot."]),
        (3, "A story.", ["A story."]),
    ]


def test_a_dataset_that_declares_no_search_has_no_texts() -> None:
    assert item_texts(_dataset([{"plot": "A plot."}], None)) == []


def test_every_film_with_a_description_or_storyline_is_searched(movies: dict[int, dict[str, Any]]) -> None:
    dataset = read_dataset(DatasetFiles.find(find_spec_file("ml-100k"), None))
    texts = {dataset.items.ids[text.item]: text for text in item_texts(dataset)}
    told = {item for item, movie in movies.items() if movie["description"] or movie["storyline"]}
    assert set(texts) == told
    assert 0 < len(told) < len(movies)
    for item, text in texts.items():
        assert isinstance(item, int)
        parts = [movies[item][name] for name in ("description", "storyline") if movies[item][name]]
        assert text.whole == " ".join(part.strip() for part in parts)
