"""Answers as assistants write them: what is right, and what only looks right."""

from functools import cache

import pytest

from mcp_server.questions.grading import Grader
from mcp_server.questions.ledger import Ledger
from mcp_server.questions.truth import (
    Language,
    ListTruth,
    NamesTruth,
    NumberTruth,
    Question,
    RefusalTruth,
    Truth,
)
from recsys_shared.answers import Answer
from tests.conftest import SHOP
from tests.reading.records import read_folder


@pytest.fixture(scope="module")
def shop() -> Ledger:
    return Ledger(read_folder(SHOP))


def _is_right(ledger: Ledger, truth: Truth, answer: str, words: str = "?", language: Language = "en") -> bool:
    question = Question(id="q", family="f", language=language, question=words, truth=truth, calls=1)
    return _grader(ledger).grade(question, Answer(id="q", answer=answer)).is_right


@cache
def _grader(ledger: Ledger) -> Grader:
    return Grader(ledger)


COUNT = NumberTruth(values=[505])
ASKED = "How many films has viewer 42 rated 4 or more?"


@pytest.mark.parametrize(
    "text",
    [
        "**505**",
        "Of all 1,682 films, 505 are comedies.",
        "Viewer 42 has rated 505 films 4 or more, the best of them Fargo (ID 100, 508 ratings).",
        "He gave a rating of 4 to 505 films.",
        "505 films (30.0% of all)",
        "The mean is 3.9, and the number 505.",
        "**505** – 30 of them in 1997",
        "505, or 53.6%, of all",
        "Such as **12 Angry Men** (ID 178) and **Heat** (1995), which makes 505.",
    ],
)
def test_a_number_is_right_in_a_sentence(films_ledger: Ledger, text: str) -> None:
    assert _is_right(films_ledger, COUNT, text, ASKED)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "504",
        "504, not 505",
        "505 or 506",
        "505-506",
        "between 400 and 505",
        "film 505",
        "set_505",
        "1505",
        "5,05",
        "505%",
        "ID 505",
        "42",
    ],
)
def test_another_number_is_wrong(films_ledger: Ledger, text: str) -> None:
    assert not _is_right(films_ledger, COUNT, text, ASKED)


def test_percentages_are_rounded_and_marked(films_ledger: Ledger) -> None:
    truth = NumberTruth(values=[41.46], tolerance=0.5, percent=True)
    assert _is_right(films_ledger, truth, "391 of 943 viewers, which is 41.5%")
    assert _is_right(films_ledger, truth, "Das sind 41,5 %.", language="de")
    assert not _is_right(films_ledger, truth, "41.5")
    assert not _is_right(films_ledger, truth, "0.4146")
    assert not _is_right(films_ledger, truth, "42.1%")


def test_a_mean_may_stand_beside_counts(films_ledger: Ledger) -> None:
    truth = NumberTruth(values=[3.5712], tolerance=0.05)
    assert _is_right(films_ledger, truth, "The 12 films have 1,234 ratings with a mean of 3.57 of 5.")
    assert not _is_right(films_ledger, truth, "3.71, from 3.57")


def test_two_counts_may_both_be_right(films_ledger: Ledger) -> None:
    truth = NumberTruth(values=[1663, 1682])
    assert _is_right(films_ledger, truth, "1,682, of which 1,663 are different films")
    assert not _is_right(films_ledger, truth, "1,672")


ONE = ListTruth(first=[127])


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("It is **The Godfather** (ID 127).", True),
        ("The Godfather (1972, ID 127), ahead of Star Wars.", True),
        ("film 127", True),
        ("The Godfather: Part II", False),
        ("**The Godfather** (ID 187)", False),
        ("The Godfather or Star Wars", False),
        ("**The Godfather** (ID 127) or **Star Wars** (ID 50)", False),
        ("Star Wars, not The Godfather", False),
        ("There are 127 of them", False),
        ("film 1275", False),
        ("the godfather of all films", False),
    ],
)
def test_one_item_is_named_whole_and_alone(films_ledger: Ledger, text: str, is_right: bool) -> None:
    assert _is_right(films_ledger, ONE, text) is is_right


def test_short_titles_are_found_where_they_stand_out(films_ledger: Ledger) -> None:
    truth = ListTruth(all_of=[273, 568], allowed=[273, 568])
    assert _is_right(films_ledger, truth, "1. **Heat** (1995)\n2. **Speed** (1994), at full speed")
    assert _is_right(films_ledger, truth, 'There are "Heat" and "Speed". Kids may like them: it is no Big thing.')
    assert _is_right(films_ledger, truth, "| film | ID |\n|---|---|\n| Heat | 273 |\n| Speed | 568 |")
    assert not _is_right(films_ledger, truth, "It has heat and speed.")


def test_all_items_and_no_others(films_ledger: Ledger) -> None:
    truth = ListTruth(all_of=[127, 187], allowed=[127, 187])
    assert _is_right(films_ledger, truth, "- The Godfather (ID 127)\n- The Godfather: Part II (ID 187)")
    assert _is_right(films_ledger, truth, "Films 127 and 187.")
    assert not _is_right(films_ledger, truth, "- The Godfather (ID 127)")
    assert not _is_right(films_ledger, truth, "Films 127, 187 and 50.")


def test_what_a_list_says_beside_its_items_is_a_remark(films_ledger: Ledger) -> None:
    truth = ListTruth(none_of=[50], count=2, about=[50])
    text = (
        "You liked **Star Wars** (ID 50):\n\n1. **Alien** (ID 183), like *Star Wars*\n2. **Brazil** (ID 175)\n\nEnjoy!"
    )
    assert _is_right(films_ledger, truth, text)
    assert not _is_right(films_ledger, truth, "1. **Alien** (ID 183)\n2. **Star Wars** (ID 50)")
    nested = "1. **Alien** (ID 183)\n   - as you like **Star Wars**\n2. **Brazil** (ID 175)\n   - like **Heat** (1995)"
    assert _is_right(films_ledger, truth, nested)
    assert not _is_right(films_ledger, truth, "1. **Alien** (ID 183)\n2. **A Film That I Made Up** (ID 99999)")
    assert not _is_right(films_ledger, truth, "1. **Alien** (ID 183)\n2. **Alien** (ID 183)")


def test_the_best_comes_first(films_ledger: Ledger) -> None:
    truth = ListTruth(all_of=[50, 258], count=2, first=[50])
    assert _is_right(films_ledger, truth, "1. Star Wars (ID 50)\n2. Contact (ID 258)")
    assert not _is_right(films_ledger, truth, "1. Contact (ID 258)\n2. Star Wars (ID 50)")


def test_a_film_that_is_listed_twice_counts_once(films_ledger: Ledger) -> None:
    first, second = 266, 680  # Kull the Conqueror
    assert films_ledger.canonical[first - 1] == films_ledger.canonical[second - 1]
    assert not _is_right(films_ledger, ListTruth(count=2), f"Films {first} and {second}.")


@pytest.mark.parametrize(
    "text",
    [
        "Viewers 405, 655 and 13.",
        "- **405** (adult, male)\n- **655** (adult)\n- **13** (45 years)",
        "| rank | viewer | age |\n|--|--|--|\n| 1 | 405 | 22 |\n| 2 | 655 | 50 |\n| 3 | 13 | 47 |",
        "1. Viewer 405, who likes Heat\n2. Viewer 655\n3. Viewer 13",
    ],
)
def test_users_are_named_by_their_ids(films_ledger: Ledger, text: str) -> None:
    truth = ListTruth(part="users", none_of=[1], count=3)
    assert _is_right(films_ledger, truth, text)
    assert not _is_right(films_ledger, truth, text.replace("655", "1"))
    assert not _is_right(films_ledger, truth, text.replace("655", "9655"))


def test_ids_of_letters_and_digits_are_whole(shop: Ledger) -> None:
    truth = ListTruth(all_of=["KIT-01"], allowed=["KIT-01"])
    assert _is_right(shop, truth, "That would be KIT-01.")
    assert _is_right(shop, truth, "**Oak chopping board** (ID KIT-01)")
    assert not _is_right(shop, truth, "KIT-011")
    assert not _is_right(shop, truth, "X-KIT-01")
    assert not _is_right(shop, truth, "**Oak chopping board** (ID KIT-02)")


def test_names_are_all_or_the_first(films_ledger: Ledger) -> None:
    whole = NamesTruth(part="items", field="genres", names=["Comedy", "Drama"], whole=True)
    assert _is_right(films_ledger, whole, "It is a Comedy and a Drama.")
    assert not _is_right(films_ledger, whole, "It is a Comedy.")
    assert not _is_right(films_ledger, whole, "Comedy, Drama, Romance")
    assert _is_right(films_ledger, whole, 'Those of "War and Peace": Comedy, Drama', 'Genres of "War and Peace"?')
    one = NamesTruth(part="items", field="genres", names=["Film-Noir"])
    assert _is_right(films_ledger, one, "Film-Noir (82%), before War (70%)")
    assert not _is_right(films_ledger, one, "Film-Noir or War")
    assert not _is_right(films_ledger, one, "War (82%), before Film-Noir")


def test_groups_have_usual_words(films_ledger: Ledger) -> None:
    truth = NamesTruth(part="users", field="gender", names=["female"])
    assert _is_right(films_ledger, truth, "Women rate them higher: 3.6 against 3.4.")
    assert _is_right(films_ledger, truth, "Female viewers (3.6), while male ones give 3.4.")
    assert not _is_right(films_ledger, truth, "Men do.")
    assert not _is_right(films_ledger, truth, "Women and men alike.")
    assert _is_right(films_ledger, truth, "Of women and men, it is women who rate them higher.")
    assert not _is_right(films_ledger, truth, "Of women and men, it is men who rate them higher.")


@pytest.mark.parametrize(
    "text",
    [
        "Viewer 9481 does not exist: IDs run from 1 to 943.",
        "There is no viewer 9481 in this catalogue.",
        "I couldn’t find viewer 9481.",
        "There is no viewer with the ID 9481; did you mean 948?",
        "Den Nutzer 9481 gibt es nicht.",
        "L'utilisateur 9481 n'existe pas.",
        "No existe el usuario 9481.",
        "L'utente 9481 non esiste.",
        "O utilizador 9481 não existe.",
        "Gebruiker 9481 bestaat niet.",
    ],
)
def test_saying_that_there_is_none_is_right(films_ledger: Ledger, text: str) -> None:
    assert _is_right(films_ledger, RefusalTruth(), text, "Recommend 3 films to viewer 9481.")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Here are three films: **Heat**, **Speed** and **Fargo**.",
        "Viewer 9481 does not exist, so for viewer 948: 1. **Fargo** (ID 100)",
        "He has not rated much: 31 films.",
        "Certainly!",
        "I do not know.",
        "I cannot help with that.",
    ],
)
def test_answering_what_has_no_answer_is_wrong(films_ledger: Ledger, text: str) -> None:
    assert not _is_right(films_ledger, RefusalTruth(), text, "Recommend 3 films to viewer 9481.")


def test_asking_back(films_ledger: Ledger) -> None:
    truth, words = RefusalTruth(asks_back=True), "Recommend 4 films to the viewer that I have in mind."
    assert _is_right(films_ledger, truth, "Which viewer do you mean? I need the ID.", words)
    assert _is_right(films_ledger, truth, "Please tell me the viewer's ID (1 to 943).", words)
    assert not _is_right(films_ledger, truth, "For viewer 42: 1. **Fargo** (ID 100). Is this all right?", words)
    assert not _is_right(films_ledger, truth, "I recommend nothing.", words)
    assert _is_right(films_ledger, truth, "You have not told me which viewer that is.", words)


def test_nobody_likes_what_does_not_exist(films_ledger: Ledger) -> None:
    truth, words = RefusalTruth(may_suggest=True), 'How many viewers like the film "Grumbold and the Umbrella Tax"?'
    assert _is_right(films_ledger, truth, "There is no film of this title. Did you mean **Grumpy Old Men**?", words)
    assert not _is_right(films_ledger, truth, "0 viewers like it.", words)


def test_what_is_given_as_values_counts_before_the_text(films_ledger: Ledger) -> None:
    grader = Grader(films_ledger)
    question = Question(id="q", family="f", question="?", truth=ListTruth(first=[50]), calls=1)
    assert grader.grade(question, Answer(id="q", answer="nothing", items=[50])).is_right
    assert not grader.grade(question, Answer(id="q", answer="**Star Wars**", items=[127])).is_right
    assert not grader.grade(question, Answer(id="q", items=[50, 127])).is_right
    assert grader.grade(question, None).why == "no answer"
