"""What an answer names, and whether a tool has said it: worked examples."""

import json

import pytest

from agent_client.grounding import ids_in, names_in, unsupported
from agent_client.names import fold

RESULT = {
    "message": "3 films for viewer 4, best first.",
    "items": [
        {"item_id": 71, "title": "Lion King, The (1994)", "score": 0.91},
        {"item_id": 480, "title": "North by Northwest (1959)", "score": 0.7},
        {"item_id": 240, "title": "Cité des enfants perdus, La (1995)", "score": 0.5},
        {"item_id": 405, "title": "Mission: Impossible (1996)", "score": 0.4},
    ],
}

SAID = ["Recommend a thriller for user 4."]


def flagged(answer: str) -> list[str]:
    return unsupported(answer, [RESULT], SAID)


# Names that tools have returned


@pytest.mark.parametrize(
    "name",
    [
        "North by Northwest (1959)",
        "North by Northwest",
        "NORTH BY NORTHWEST",
        "North By Northwest (1960)",  # the year is not the name
        "The Lion King",
        "The Lion King (1994)",
        "Lion King, The",
        "La Cité des enfants perdus",
        "La Cite des Enfants Perdus",
        "Mission: Impossible",
        "Mission - Impossible",
        "Mission: Impossible (ID 405)",
        "Mission: Impossible [405]",
        "Mission: Impossible (#405)",
    ],
)
@pytest.mark.parametrize("form", ["1. **{}**: fits", "- **{}** fits", "| Title |\n|---|\n| {} |", "See “{}”."])
def test_names_from_results_are_known_however_they_are_written(name: str, form: str) -> None:
    assert flagged(form.format(name)) == []


def test_results_may_be_text_too() -> None:
    answer = "- **The Lion King** (ID 71)"
    assert unsupported(answer, [json.dumps(RESULT)], []) == []
    assert unsupported(answer, ["Lion King, The, which has ID 71"], []) == []


def test_what_the_person_said_may_be_repeated() -> None:
    assert (
        unsupported(
            'Nothing is like "The Clockmaker of Lisbon", ID 4242.', [], ["Like The Clockmaker of Lisbon, 4242?"]
        )
        == []
    )


# Names that none has


@pytest.mark.parametrize(
    "answer",
    [
        "1. **The Clockmaker of Lisbon**",
        "1) **The Clockmaker of Lisbon** (1994)",
        "- **The Clockmaker of Lisbon** - a fine film",
        "* __The Clockmaker of Lisbon__",
        "  - **The Clockmaker of Lisbon**, ID 71",
        "You may like “The Clockmaker of Lisbon”.",
        'You may like "The Clockmaker of Lisbon".',
        "You may like «The Clockmaker of Lisbon».",
        "| Title | ID |\n|---|---|\n| The Lion King | 71 |\n| The Clockmaker of Lisbon | 71 |",
        "| # | Film title |\n|:--|:-:|\n| 1 | **The Clockmaker of Lisbon** |",
        "ID | Name\n---|---\n71 | The Clockmaker of Lisbon",
    ],
)
def test_invented_names_are_flagged_where_answers_have_names(answer: str) -> None:
    (name,) = flagged(answer)
    assert name.startswith("The Clockmaker of Lisbon")


def test_a_name_is_not_known_for_being_a_part_of_a_word() -> None:
    assert unsupported("- **Heat**", [{"title": "Heathers"}], []) == ["Heat"]


def test_each_is_flagged_once_in_the_order_in_which_they_come() -> None:
    answer = '- **Second Sun** (ID 7)\n- **First Rain** (ID 8)\n\n"Second Sun" is the better one.'
    assert flagged(answer) == ["Second Sun", "First Rain", "ID 7", "ID 8"]


# What is no name


@pytest.mark.parametrize(
    "answer",
    [
        "- **Why:** you liked it",
        "- **Why**: you liked it",
        "**Summary**\n\nThree films.",
        "It is **very** popular.",
        '- **The Lion King** is called "heart-warming".',
        "| Genre | Ratings |\n|---|---|\n| Comedy | 12 |",
        "1. I asked the recommender.\n2. I read the fields.",
        "1. **Filter by actor** - Tom Cruise's films\n2. **Rank them** for viewer 4",
        "- **IMDb rating** 7.1",
        'I searched for "Crime drama on a train".',
        "",
    ],
)
def test_labels_and_prose_are_not_flagged(answer: str) -> None:
    assert flagged(answer) == []


# IDs


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("ID 71 and ID 480", []),
        ("ID 71 and ID 9999", ["ID 9999"]),
        ("(ID: 9999)", ["ID 9999"]),
        ("IDs 71, 480 and 9999", ["ID 9999"]),
        ("ID #9999", ["ID 9999"]),
        ("User ID 4", []),
        ("In 1994 there were 9999 ratings.", []),
        ("| Film | ID |\n|---|---|\n| The Lion King | 71 |\n| Mission: Impossible | 9999 |", ["ID 9999"]),
        ("| Item | Rank |\n|---|---|\n| 9999 | 1 |", ["ID 9999"]),
        ("| Title | Item ID |\n|---|---|\n| The Lion King | `9999` |", ["ID 9999"]),
        ("ID SKU-17", ["ID SKU-17"]),
        ("The idea of 5 films", []),
    ],
)
def test_ids_that_no_tool_returned_are_flagged(answer: str, expected: list[str]) -> None:
    assert flagged(answer) == expected


def test_ids_may_be_words() -> None:
    result = {"items": [{"item_id": "SKU-17", "title": "Teapot"}]}
    assert unsupported("- **Teapot** (ID SKU-17)", [result], []) == []
    assert unsupported("| SKU | Name |\n|---|---|\n| SKU-18 | Teapot |", [result], []) == ["ID SKU-18"]


# Parts


def test_folding_leaves_the_words() -> None:
    assert fold("  THE Lion-King: Amélie! ") == "the lion king amelie"


def test_a_table_ends_where_its_lines_do() -> None:
    answer = "| Title |\n|---|\n| Alpha |\n\nBeta | Gamma\n- **Delta**"
    assert list(names_in(answer)) == ["Alpha", "Delta"]


def test_a_cell_may_hold_an_escaped_bar() -> None:
    assert list(names_in("| Title | ID |\n|---|---|\n| Face\\|Off | 1 |")) == ["Face\\|Off"]
    assert list(ids_in("| Title | ID |\n|---|---|\n| Face\\|Off | 1 |")) == ["1"]
