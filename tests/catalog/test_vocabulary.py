"""Names as people write them, matched against names of a catalogue."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mcp_server.catalog import vocabulary
from mcp_server.catalog.vocabulary import Vocabulary, fold
from mcp_server.serving.service import Service

ACTORS = ["Tom Cruise", "Tom Hanks", "Penélope Cruz", "Michael Douglas", "Robert De Niro", "Samuel L. Jackson"]


def _nearest(asked: str, names: list[str] = ACTORS) -> list[str]:
    return Vocabulary(range(len(names)), names).nearest(asked).names


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("TOM CRUISE", "Tom Cruise"),
        ("penelope cruz", "Penélope Cruz"),
        ("Samuel L Jackson", "Samuel L. Jackson"),
        ("  Robert   de Niro ", "Robert De Niro"),
        ("Shall We Dance", "Shall We Dance? (1996)"),
        ("oceans eleven", "Oceans' Eleven"),
        ("STRASSE", "Straße"),
    ],
)
def test_case_accents_punctuation_and_the_year_do_not_count(written: str, name: str) -> None:
    assert fold(written) == fold(name)


def test_other_words_do_count() -> None:
    assert len({fold(name) for name in [*ACTORS, "Tom", "Cruise Tom", "!", "?", "1984", "2001"]}) == len(ACTORS) + 6


def test_a_name_that_is_only_a_year_is_still_a_name() -> None:
    assert fold("(1995)") != ""


@settings(deadline=None)
@given(st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs"], exclude_characters="ı"), min_size=1))
def test_no_name_depends_on_case(name: str) -> None:
    # Without the dotless i, whose capital is the dotted one's.
    assert fold(name.upper()) == fold(name) == fold(name.lower())


NAME = st.text(st.characters(categories=["L", "N", "P", "Zs"], exclude_characters="ı"), min_size=1, max_size=30).filter(
    str.strip
)


@settings(deadline=None)
@given(st.lists(NAME, min_size=1, max_size=40, unique=True), st.data())
def test_every_name_matches_itself_in_any_case(names: list[str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(names))
    written = data.draw(st.sampled_from([name, name.upper(), name.lower(), name.title()]))
    assume(fold(written))
    found = Vocabulary(range(100, 100 + len(names)), names).nearest(written)
    assert name in found.names
    assert [names[term - 100] for term in found.terms] == found.names


def test_names_with_all_the_words_asked_for_are_taken() -> None:
    assert _nearest("Cruise") == ["Tom Cruise"]
    assert _nearest("tom") == ["Tom Cruise", "Tom Hanks"]
    assert _nearest("niro robert") == ["Robert De Niro"]


def test_part_of_a_word_is_not_the_word() -> None:
    found = Vocabulary([1], ["Robert De Niro"]).nearest("obert d")
    assert found.names == []


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("Tom Cruize", "Tom Cruise"),
        ("Tom Criuse", "Tom Cruise"),
        ("Penelope Cruzz", "Penélope Cruz"),
        ("Micheal Douglas", "Michael Douglas"),
        ("Robert DeNiro", "Robert De Niro"),
    ],
)
def test_a_slip_of_the_pen_is_corrected(slip: str, meant: str) -> None:
    found = Vocabulary(range(len(ACTORS)), ACTORS).nearest(slip)
    assert (found.names, found.terms, found.corrected) == ([meant], [ACTORS.index(meant)], True)
    assert found.suggestions == []


@pytest.mark.parametrize("other", ["Michael Dougherty", "Tom Waits", "Xqzwv"])
def test_another_name_is_not_taken_but_gets_suggestions(other: str) -> None:
    found = Vocabulary(range(len(ACTORS)), ACTORS).nearest(other)
    assert (found.names, found.terms, found.corrected) == ([], [], False)
    assert 0 < len(found.suggestions) <= 5
    assert set(found.suggestions) <= set(ACTORS)


def test_the_nearest_names_are_suggested() -> None:
    assert "Michael Douglas" in Vocabulary(range(len(ACTORS)), ACTORS).nearest("Michael Dougherty").suggestions


def test_words_that_very_many_names_have_are_not_taken_but_suggest_some_of_them() -> None:
    names = [f"John {chr(65 + number)}nderson-{number}" for number in range(11)]
    found = Vocabulary(range(11), names).nearest("john")
    assert (found.names, found.corrected) == ([], False)
    assert len(found.suggestions) == 5
    assert set(found.suggestions) <= set(names)


def test_words_that_ten_names_have_are_taken() -> None:
    names = [f"John {chr(65 + number)}nderson-{number}" for number in range(10)]
    assert _nearest("john", [*names, "Mary"]) == names


def test_of_names_equally_near_all_are_taken() -> None:
    assert sorted(_nearest("Jon Smyth", ["Jon Smith", "Jon Smeth", "Ann Lee"])) == ["Jon Smeth", "Jon Smith"]


def test_an_empty_vocabulary_has_nothing_near() -> None:
    found = Vocabulary([], []).nearest("Tom Cruise")
    assert (found.terms, found.names, found.suggestions) == ([], [], [])


async def test_names_of_films_match_themselves_in_capitals_and_need_no_correction(
    films: Service, movies: dict[int, dict[str, Any]]
) -> None:
    directed = Counter(fold(name) for movie in movies.values() for name in set(movie["directors"]))
    names = sorted({name for movie in movies.values() for name in movie["directors"]})
    for name in names[::25]:
        found = await films.call("item_filter_tool", {"director": name.upper()})
        assert (name, found["count"]) == (name, directed[fold(name)])
        assert "corrections" not in found


async def test_other_names_that_people_use_are_the_catalogues_own(shop: Service) -> None:
    wood = await shop.call("item_filter_tool", {"materials": "wood"})
    wooden = await shop.call("item_filter_tool", {"materials": "Wooden"})
    assert wooden["count"] == wood["count"] == 5
    assert wooden["item_set"] == wood["item_set"]


@pytest.mark.parametrize(
    "asked", ["Tom Cruize", "Cruse", "tom", "Robert D. Niro", "Zzyzx", "Micheal Douglas", "Hanks Tom"]
)
def test_names_that_are_compared_bit_by_bit_are_matched_as_all_at_once(
    asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [*ACTORS, *(f"{first} Actor {number}" for number, first in enumerate(["Tom", "Bob", "Mike", "Zoe"] * 4))]
    at_once = Vocabulary(range(len(names)), names).nearest(asked)
    monkeypatch.setattr(vocabulary, "AT_ONCE", 3)
    assert Vocabulary(range(len(names)), names).nearest(asked) == at_once
