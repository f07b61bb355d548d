"""The check of answers against the results of tools: worked examples, and a corpus of whole answers."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_grounding import Call, Turn, unsupported
from recsys_shared.names import fold

RESULT = {
    "message": "3 films for viewer 4, best first.",
    "items": [
        {"item_id": 71, "title": "Lion King, The (1994)", "score": 0.91},
        {"item_id": 480, "title": "North by Northwest (1959)", "score": 0.7},
        {"item_id": 240, "title": "Cité des enfants perdus, La (1995)", "score": 0.5},
        {"item_id": 405, "title": "Mission: Impossible (1996)", "score": 0.4},
    ],
}


def conversation(*results: object, said: str = "Recommend a thriller for user 4.") -> list[Turn]:
    """A question, and what one step of calls returned; text stands for a result that is no data."""
    return [Turn(said, [returned(result) for result in results])]


def returned(result: object, tool: str = "find", **arguments: object) -> Call:
    return Call(tool, arguments, str(result), _data(result))


def _data(result: object) -> object:
    try:
        return json.loads(result) if isinstance(result, str) else result
    except ValueError:
        return result


def flagged(answer: str, *results: object) -> list[str]:
    return unsupported(answer, conversation(*(results or [RESULT])))


# Names that tools have returned


@pytest.mark.parametrize(
    "name",
    [
        "North by Northwest (1959)",
        "North by Northwest",
        "NORTH BY NORTHWEST",
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
    assert flagged(answer, json.dumps(RESULT)) == []
    assert flagged(answer, "The Lion King, which has ID 71") == []


def test_what_the_person_said_may_be_repeated() -> None:
    answer = 'Nothing is like "The Clockmaker of Lisbon", ID 4242.'
    assert unsupported(answer, conversation(RESULT, said="Like The Clockmaker of Lisbon, 4242?")) == []


def test_what_an_error_says_is_no_item() -> None:
    said = "there is no film The Clockmaker of Lisbon"
    turn = Turn("Like which?", [returned(RESULT), Call("find", {}, said, said, failed=True)])
    assert unsupported("There is no “The Clockmaker of Lisbon”.", [turn]) == []


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
    (finding,) = flagged(answer)
    assert "The Clockmaker of Lisbon" in finding


def test_a_name_is_not_known_for_being_a_part_of_a_word() -> None:
    assert flagged("- **Heat**", {"title": "Heathers"}) == ["no tool has returned “Heat”"]


def test_each_is_flagged_once_in_the_order_in_which_they_come() -> None:
    answer = '- **Second Sun** (ID 7)\n- **First Rain** (ID 8)\n\n"Second Sun" is the better one.'
    assert flagged(answer) == ["no tool has returned “Second Sun” (ID 7)", "no tool has returned “First Rain” (ID 8)"]


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
        "- **Best score** 0.91",
        'I searched for "Crime drama on a train".',
        "",
        "{}",
        "| |\n|-|",
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
        ("In 1994 there were 9999 ratings.", ["the number 9999"]),
        ("| Film | ID |\n|---|---|\n| The Lion King | 71 |\n| Mission: Impossible | 9999 |", ["405, not 9999"]),
        ("| Item ID | Rank |\n|---|---|\n| 9999 | 1 |", ["ID 9999"]),
        ("| Title | Item ID |\n|---|---|\n| The Lion King | `9999` |", ["71, not 9999"]),
        ("ID SKU-17", ["ID SKU-17"]),
        ("The idea of 4 films", []),
    ],
)
def test_ids_that_no_tool_returned_are_flagged(answer: str, expected: list[str]) -> None:
    findings = flagged(answer)
    assert len(findings) == len(expected)
    assert all(finding.endswith(end) for finding, end in zip(findings, expected, strict=True))


def test_ids_may_be_words() -> None:
    result = {"items": [{"item_id": "SKU-17", "title": "Teapot"}]}
    assert flagged("- **Teapot** (ID SKU-17)", result) == []
    assert flagged("| SKU | Name |\n|---|---|\n| SKU-18 | Teapot |", result) == ["“Teapot” has ID SKU-17, not SKU-18"]


def test_an_id_beside_another_name_is_told_with_both() -> None:
    assert flagged("**The Lion King** (ID 405)") == ["“Lion King, The (1994)” has ID 71, not 405"]
    assert flagged("**Alien Sunrise** (ID 405)") == ["ID 405 is “Mission: Impossible (1996)”, not “Alien Sunrise”"]


def test_an_id_may_stand_behind_the_brackets_of_a_title() -> None:
    result = {"items": [{"item_id": 7, "title": "Blue Teapot (large)"}, {"item_id": 8, "title": "Kettle"}]}
    assert flagged("**Blue Teapot (large) (ID 7)**", result) == []
    assert flagged("**Blue Teapot (large) (ID 8)**", result) == ["“Blue Teapot (large)” has ID 7, not 8"]


def test_two_items_of_one_name_have_two_ids() -> None:
    result = {"items": [{"item_id": 1, "title": "Hamlet"}, {"item_id": 2, "title": "Hamlet"}]}
    assert flagged("**Hamlet** (ID 1), **Hamlet** (ID 2)", result) == []
    assert flagged("**Hamlet** (ID 3)", result) == ["“Hamlet” has ID 1 or 2, not 3"]


# Numbers


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("**The Lion King** (1994)", []),
        ("**The Lion King** (1995)", ["is from 1994, not 1995"]),
        ("**The Lion King**: score 0.9", []),
        ("**The Lion King**: a 91% match", []),
        ("**The Lion King**: score 0.7", ["has score 0.91, not 0.7"]),
        ("**The Lion King**: a score above 0.7", []),
        ("| Title | Score |\n|---|---|\n| The Lion King | 0,92 |", ["has score 0.91, not 0,92"]),
    ],
)
def test_numbers_are_those_of_the_item_beside_them(answer: str, expected: list[str]) -> None:
    assert [finding.removeprefix("“Lion King, The (1994)” ") for finding in flagged(answer)] == expected


MEASURED = {
    "message": "2 of 74 films.",
    "items": [
        {"item_id": 1, "title": "Alpha", "director": "Ann Lee", "duration": 149, "votes": 1317, "seen": "1997-06-20"},
        {"item_id": 2, "title": "Beta", "director": "Bo Ray", "duration": 88, "votes": 65, "seen": "1998-02-14"},
    ],
}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("- **Alpha**: 1,317 votes, 2 h 29 min, seen on 20 June 1997", []),
        ("- **Alpha**: 1.317 Stimmen, 149 Minuten, am 20.06.1997", []),
        ("- **Alpha**: about 1300 votes, under 150 minutes", []),
        ("- **Alpha**: nearly 1,400 votes", []),
        ("- **Alpha**: nearly 2,900 votes", ["“Alpha” has votes 1317, not 2,900"]),
        ("- **Alpha**: 1,371 votes", ["“Alpha” has votes 1317, not 1,371"]),
        ("- **Alpha**: 2 h 39 min", ["“Alpha” has no number 2 h 39 min"]),
        ("- **Alpha**, seen on 14 February 1998", ["“Alpha” has no date 14 February 1998"]),
        ("- **Alpha**, seen in June 1997, on the 20th", []),
        ("- **Beta**, visto el 14 de febrero de 1998", []),
        ("- **Beta**, visto el 14 de enero de 1998", ["“Beta” has no date 14 de enero de 1998"]),
        ("Beta was seen on 2/14/1998 or 14/2/1998.", []),
        ("- **Alpha**: 1.3 thousand votes", []),
        ("- **Alpha**: 1,4 mil votos", ["“Alpha” has no number 1,4"]),
        ("**Alpha** (149 min), **Beta** (149 min)", ["“Beta” has no number 149"]),
        ("149 minutes is **Alpha**, 88 minutes **Beta**.", []),
        ("**Alpha** and **Beta** have 1,317 and 65 votes.", []),
        ("Together they have 1,382 votes.", []),
        ("Together they have 1,328 votes.", ["no tool has returned the number 1,328"]),
        ("| Film | Votes |\n|---|---|\n| Alpha | 1317 |\n| Beta | 1317 |", ["“Beta” has votes 65, not 1317"]),
        ("Beta has 65 votes, and 65 of 74 is 88%.", []),
        ("They last 118.5 minutes on average, 61 apart.", []),
        ("They have 1,832 votes.", ["no tool has returned the number 1,832"]),
        ("- **Alpha** by Bo Ray", ["“Alpha” has director Ann Lee, not Bo Ray"]),
        ("The longer one is **Alpha** (ID 1) by Bo Ray.", ["“Alpha” has director Ann Lee, not Bo Ray"]),
        ("Bo Ray's **Alpha** is longer than Ann Lee's **Beta**.", None),
        ("- **Alpha** by Orson Welles", ["no tool has returned “Orson Welles”"]),
        ("**Bo Ray:** Beta (ID 2)", []),
        ("For viewer 4: **Alpha**", []),
        ("For viewer 40: **Alpha**", ["no tool was asked about viewer 40"]),
    ],
)
def test_numbers_dates_people_and_users_are_those_of_the_results(answer: str, expected: list[str]) -> None:
    findings = flagged(answer, MEASURED)
    assert findings == expected if expected is not None else len(findings) == 2


def test_reasons_are_those_of_the_item_that_they_are_told_of() -> None:
    reasons = [[{"item_id": 3, "title": "Gamma"}], [{"item_id": 4, "title": "Delta"}]]
    items = [{**item, "because": each} for item, each in zip(MEASURED["items"], reasons, strict=True)]
    assert flagged("1. **Alpha**\n   - because of: Gamma\n2. **Beta**\n   - because of: Delta", {"items": items}) == []
    answer = "1. **Alpha**\n   - because of: Gamma\n2. **Beta**\n   - because of: Gamma"
    assert flagged(answer, {"items": items}) == ["the results name Delta with “Beta”, not Gamma"]


def test_each_row_of_users_has_its_own_numbers() -> None:
    users = {"users": [{"user": 33, "fit": 31.2, "group": "adult"}, {"user": 750, "fit": 29.4, "group": "senior"}]}
    assert flagged("Viewer 33 has a fit of 31.2, viewer 750 one of 29.4.", users) == []
    assert flagged("Viewers 33 and 75 fit best.", users) == ["no tool was asked about 75"]
    assert flagged("Viewer 33 has a fit of 29.4.", users) == ["“user 33” has fit 31.2, not 29.4"]
    assert flagged("Viewer 33, a senior, comes first.", users) == ["“user 33” has group adult, not senior"]


@pytest.mark.parametrize("key", ["part_no", "artikelnr", "isbn_short"])
def test_the_first_text_of_a_row_may_be_its_id_under_any_name(key: str) -> None:
    rows = {"parts": [{key: "RT-160A", "nome": "Rotor 160"}, {key: "RT-180A", "nome": "Rotor 180"}]}
    assert flagged("**Rotor 160** (RT-160A, in stock)", rows) == []
    assert flagged("**Rotor 160** (RT-180A, in stock)", rows) == ["“Rotor 160” has ID RT-160A, not RT-180A"]


@pytest.mark.parametrize(
    ("id_key", "name_key", "ids"),
    [
        ("artnr", "bezeichnung", ("M-22", "M-31")),
        ("slug", "role", ("data-lead", "data-clerk")),
        ("code", "titre", ("k7", "k9")),
    ],
)
def test_the_rows_of_any_server_tell_which_keys_have_ids_and_names(
    id_key: str, name_key: str, ids: Sequence[str]
) -> None:
    rows = [{id_key: ids[0], name_key: "Alpha", "pay": 72}, {id_key: ids[1], name_key: "Beta", "pay": 66}]
    scores = [{id_key: ids[1], "score": 91}, {id_key: ids[0], "score": 86}]  # by their IDs alone
    results = {"rows": rows}, {"matches": scores}
    assert flagged(f"1. **Beta** ({ids[1]}): score 91\n2. **Alpha** ({ids[0]}): score 86", *results) == []
    assert flagged(f"1. **Beta** (ID {ids[0]})", *results) == [f"“Beta” has ID {ids[1]}, not {ids[0]}"]
    assert flagged("1. **Beta**: score 86\n2. **Alpha**: 72", *results) == ["“Beta” has score 91, not 86"]


def test_rows_with_the_id_of_a_user_are_about_no_item() -> None:
    users = {"users": [{"user": 71, "likeness": 31.5}, {"user": 480, "likeness": 20.5}]}
    assert flagged("1. user 71: 31.5\n2. user 480: 20.5", RESULT, users) == []
    assert flagged("1. **The Lion King** (ID 71), 31.5", RESULT, users) == [
        "“Lion King, The (1994)” has no number 31.5"
    ]


@pytest.mark.parametrize("form", ["71 {}, 480 {}", "* 71 – {}\n* 480 – {}", "{} (71) and {} (480)"])
def test_a_bare_number_beside_a_title_may_be_its_id(form: str) -> None:
    assert flagged(form.format("The Lion King", "North by Northwest")) == []
    told = flagged(form.format("North by Northwest", "The Lion King"))
    assert "“North by Northwest (1959)” has ID 480, not 71" in told


def test_a_choice_is_compared_with_its_own_candidates() -> None:
    coats = {"items": [{"item_id": 10, "title": "Alpha"}, {"item_id": 11, "title": "Beta"}], "item_set": "set_coats"}
    hats = {"items": [{"item_id": 20, "title": "Gamma"}, {"item_id": 21, "title": "Delta"}], "item_set": "set_hats"}
    calls = [
        returned(coats, "choose"),
        returned(hats, "choose"),
        returned({"items": coats["items"][1:]}, "choose", item_set="set_coats"),
        returned({"items": hats["items"][1:]}, "choose", item_set="set_hats"),
    ]
    said = [Turn("A coat and a hat for user 4?", calls)]
    assert unsupported("The coat is Beta (ID 11).\n\nThe hat to go with it is Delta (ID 21).", said) == []
    told = unsupported("The coat is Beta (ID 11).\n\nThe hat to go with it is Gamma (ID 20).", said)
    assert told == ["the last step did not return “Gamma” (ID 20)"]


def test_candidates_of_an_earlier_turn_are_not_recommended_in_this_one() -> None:
    found = {"item_set": "set_1", "items": [{"item_id": n, "title": f"Film {n}"} for n in (21, 22, 23)]}
    first = conversation(found, said="Which thrillers do we have?")
    ranked = {"items": [{"item_id": 22, "title": "Film 22"}, {"item_id": 21, "title": "Film 21"}]}
    second = Turn("Which of those for viewer 4?", [returned(ranked, "rank", user=4, item_set="set_1")])
    said = [*first, second]
    assert unsupported("1. **Film 22**\n2. **Film 21**", said) == []
    answer = "1. **Film 22**\n2. **Film 21**\n3. **Film 23**"
    assert unsupported(answer, said) == []  # it lists all that there were
    assert unsupported("1. **Film 22**\n2. **Film 23**", said) == ["the last step did not return “Film 23” (ID 23)"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [("Add two more.", []), ("And two comedies?", ["the last step did not return “Film 21” (ID 21)"])],
)
def test_an_answer_repeats_an_earlier_one_only_to_add_to_it(said: str, expected: list[str]) -> None:
    first, second = ({"items": [{"item_id": n, "title": f"Film {n}"} for n in items]} for items in ((21,), (31, 32)))
    turns = [*conversation(first, said="Which thriller?"), *conversation(second, said=said)]
    assert unsupported("1. **Film 21**\n2. **Film 31**\n3. **Film 32**", turns) == expected


def test_a_row_of_statistics_has_its_own_numbers() -> None:
    rows = [{"group": {"genre": "Drama"}, "n_ratings": 398}, {"group": {"genre": "Comedy"}, "n_ratings": 298}]
    answer = "| Genre | Ratings |\n|---|---|\n| Drama | 398 |\n| Comedy | 398 |"
    assert flagged(answer, {"rows": rows}) == ["“Comedy” has ratings 298, not 398"]
    assert flagged("Drama has 398 ratings, comedy 298.", {"rows": rows}) == []


def _by_group(*groups: str) -> list[Turn]:
    """The same question for several groups of people, in one step."""
    calls = [
        returned({"percentage": share, "rows": [{"genre": "Comédie", "mean": mean}]}, "share", user_group=[group])
        for group, share, mean in zip(groups, (52.1, 18.3), (3.84, 3.79), strict=True)
    ]
    return [Turn("How do they differ?", calls)]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Of the retired, 52.1% like it, of the students 18.3%.", []),
        ("52.1% of the retired like it, but only 18.3% of the students.", []),
        ("| Group | Share |\n|---|---|\n| Retired | 52.1% |\n| Students | 18.3% |", []),
        ("Comédie: 3.84 among the retired, 0.05 less among the students", []),
        ("18.3% of the retired like it.", ["the results for “retired” have no number 18.3"]),
        ("- Students: 52.1%", ["the results for “Student” have no number 52.1"]),
        ("| Group | Share |\n|---|---|\n| Étudiants | 52.1% |", ["the results for “Étudiant” have no number 52.1"]),
    ],
)
def test_the_figures_of_groups_are_not_exchanged(answer: str, expected: list[str]) -> None:
    assert unsupported(answer, _by_group("retired", "student")) == expected


@pytest.mark.parametrize(
    "answer",
    [
        "Women and men gave 273 and 670 ratings, respectively.",
        "From women to men it goes from 273 to 670.",
        "Among men, it goes up from 273 to 670.",
        "| Women / Men |\n|---|\n| 273 / 670 |",
        "Seven (0.85) is for the women, and Alien (0.91) for the men.",
        "For women and men: Seven 0.85, Alien 0.91",
        "A thriller about women, **Seven** (ID 3): 0.85",
        "Of 20 women, Alien 0.91",
    ],
)
def test_figures_that_are_told_of_two_groups_in_turn_are_not_taken_for_exchanged(answer: str) -> None:
    asked = (("women", 10, 273, 0.85, "Seven"), ("men", 20, 670, 0.91, "Alien"))
    calls = [
        returned({"n": n, "items": [{"item_id": n, "title": title, "score": score}]}, "find", group=[group], k=k)
        for group, k, n, score, title in asked
    ]
    assert unsupported(answer.replace("(ID 3)", "(ID 273)"), [Turn("?", calls)]) == []


def test_limits_and_searches_are_no_groups() -> None:
    items = [{"item_id": n, "title": f"Film {n}", "score": n / 1000} for n in (850, 910)]
    calls = [
        returned({"items": items[:1]}, "search", query="space", k=10),
        returned({"items": items[1:], "count": 333}, "search", query="crime", k=20),
    ]
    assert unsupported("My top 10 in space: 333 were found in all.", [Turn("?", calls)]) == []


def test_rows_with_accents_are_found_without_them_too() -> None:
    rows = [{"genre": "Comédie", "n_ratings": 398, "mean": 3.5}, {"genre": "Drame", "n_ratings": 298, "mean": 3.6}]
    assert flagged("Comédie : 398, comedie (3.5), drame (3.6)", {"rows": rows}) == []
    assert flagged("Comédie : 298", {"rows": rows}) == ["“Comédie” has no number 298"]


def test_times_of_day_do_not_hide_a_date() -> None:
    result = {"items": [{"item_id": 1, "title": "Alpha", "opened": "2025-04-22T08:15", "due": "2025-05-29"}]}
    assert flagged("- **Alpha**, opened on 22 April, due 29/05, at the latest", result) == []
    assert flagged("- **Alpha**, opened on 23 April", result) == ["“Alpha” has no date 23 April"]


def test_an_item_may_be_told_of_by_the_end_of_its_title() -> None:
    items = [{"item_id": 1, "title": "Grapes of Colares", "price": 780}]
    items.append({"item_id": 2, "title": "Route of the Cathar Castles", "price": 640})
    assert flagged("The grapes of Colares for 780 €, then the Cathar castles for 640 €.", {"items": items}) == []
    assert flagged("The grapes of Colares for 780 €, then the Cathar castles for 780 €.", {"items": items}) == [
        "“Route of the Cathar Castles” has price 640, not 780"
    ]


@pytest.mark.parametrize(
    "form", ["Lion King (Art. {})", "Lion King (Nr. {})", "Lion King (nº {})", "Lion King (Art.-Nr. {})"]
)
def test_the_number_of_an_article_is_its_id(form: str) -> None:
    assert flagged(form.format(71)) == []
    assert flagged(form.format(480)) == ["“Lion King, The (1994)” has ID 71, not 480"]


def test_a_kind_in_brackets_is_told_of_the_item_before() -> None:
    items = [
        {"item_id": 1, "title": "Alpha", "level": "beginner"},
        {"item_id": 2, "title": "Beta", "level": "advanced"},
    ]
    assert flagged("Alpha (beginner, 6 hours), for any beginner, and Beta (advanced)", {"items": items}) == []
    assert flagged("**Alpha** (advanced, 6 hours)", {"items": items}) == ["“Alpha” has level beginner, not advanced"]


def test_tables_side_by_side_are_two_lists() -> None:
    items = [
        {"item_id": n, "title": f"Film {name}", "year": 1970 + n} for n, name in enumerate(("Uno", "Due", "Tre", "Sei"))
    ]
    head = "| Old | Year | New | Year |\n|---|---|---|---|\n"
    answer = head + "| Film Uno | 1970 | Film Due | 1971 |\n| Film Tre | 1972 | Film Sei | {} |"
    assert flagged(answer.format(1973), {"items": items}) == []
    assert flagged(answer.format(1972), {"items": items}) == ["“Film Sei” is from 1973, not 1972"]


def test_a_row_of_a_table_is_about_its_own_item_not_the_reasons_for_it() -> None:
    because = [{"item_id": 3, "title": "Gamma", "rating": 5}, {"item_id": 4, "title": "Delta", "rating": 4}]
    found = {
        "items": [
            {"item_id": 1, "title": "Alpha", "fit": 99.3, "because": because},
            {"item_id": 2, "title": "Beta", "fit": 96},
        ]
    }
    head = "| Pick | Film | Match | Because of |\n|---|---|---|---|\n"
    table = head + "| 🥇 | Alpha | {} | Gamma ★5, Delta ★4 |\n| 🥈 | Beta | 96 | |"
    assert flagged(table.format("99%"), found) == []
    assert flagged(table.format("96%"), found) == ["“Alpha” has match 99.3, not 96"]


def test_reasons_may_be_named_in_prose_but_not_recommended() -> None:
    because = [{"item_id": 3, "title": "Gamma"}]
    found = {
        "items": [{"item_id": n, "title": title} for n, title in ((1, "Alpha"), (2, "Beta"), (3, "Gamma"))],
        "item_set": "set_1",
    }
    chosen = {
        "items": [
            {"item_id": 1, "title": "Alpha", "because": because},
            {"item_id": 2, "title": "Beta", "because": because},
        ]
    }
    said = [Turn("Two films for 4?", [returned(found), returned(chosen, "rank", item_set="set_1", user=4)])]
    assert unsupported("I recommend *Alpha* and *Beta*; *Gamma* and *Alpha* have much in common.", said) == []
    told = unsupported("1. **Alpha**\n2. **Beta**\n3. **Gamma**", said)
    assert told == []  # it lists all that there were
    assert unsupported("1. **Alpha**\n2. **Gamma**", said) == ["the last step did not return “Gamma” (ID 3)"]


def test_a_list_of_candidates_in_another_order_is_a_choice_of_its_own() -> None:
    found = {"items": [{"item_id": n, "title": f"Film {n}"} for n in (44, 8, 9, 57)], "item_set": "set_1"}
    chosen = {"items": [{"item_id": n, "title": f"Film {n}"} for n in (44, 9, 57)]}
    said = [Turn("Three films for 4?", [returned(found), returned(chosen, "rank", item_set="set_1", user=4)])]
    assert unsupported("1. Film 44 (44)\n2. Film 8 (8)\n3. Film 9 (9)", said) == []
    assert unsupported("1. Film 44 (44)\n2. Film 9 (9)\n3. Film 8 (8)", said) == [
        "the last step did not return “Film 8” (ID 8)"
    ]


@pytest.mark.parametrize("heading", ["Similar to", "You watched", "Because of"])
def test_a_second_column_of_titles_has_no_numbers_of_its_own(heading: str) -> None:
    items = [
        {"item_id": n, "title": f"Film {n}", "score": score} for n, score in ((1, 0.9), (2, 0.4), (3, 0.8), (4, 0.3))
    ]
    table = f"| Film | {heading} | Score |\n|---|---|---|\n| Film 1 | Film 2 | 0.9 |\n| Film 3 | Film 4 | 0.8 |"
    assert flagged(table, {"items": items}) == []


def test_a_table_may_have_more_cells_than_headings() -> None:
    answer = "| Films |\n|---|\n| The Lion King | North by Northwest |\n| Mission: Impossible | The Lion King |"
    assert flagged(answer) == []


@pytest.mark.parametrize("value", [10**400, float("inf"), float("nan"), -(10**400)])
def test_numbers_without_end_are_no_measures(value: float) -> None:
    assert (
        flagged("- **Alpha** (ID 1), 5.5", {"items": [{"item_id": 1, "title": "Alpha", "score": 5.5, "size": value}]})
        == []
    )


def test_ids_of_users_that_are_codes_are_known_by_their_form() -> None:
    said = [Turn("What for this one?", [returned(MEASURED, "rank", user="listener-017")])]
    assert unsupported("For **listener-017**: Alpha, Beta", said) == []
    assert unsupported("For **listener-071**: Alpha, Beta", said) == ["no tool was asked about listener-071"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("They come to 237 minutes, 3.95 hours in all.", []),
        ("They come to 237 minutes, 4.95 hours in all.", ["no tool has returned the number 4.95"]),
        ("- Alpha: 149\n- Beta: 88", []),
        ("- Alpha: 3\n- Beta: 88", ["“Alpha” has no number 3"]),
        ("- Alpha: 149\n- Gammarus: 88", ["no tool has returned “Gammarus”"]),
        ("Films of 1997 and one of 1998, **Beta**", []),
        ("**Alpha**: 3 reasons, 2 genres", []),
        ("A hall for 7-12 people", []),
    ],
)
def test_hours_small_numbers_and_bare_entries(answer: str, expected: list[str]) -> None:
    assert flagged(answer, MEASURED) == expected


# Parts


def test_folding_leaves_the_words() -> None:
    assert fold("  THE Lion-King: Amélie! ") == "the lion king amelie"


def test_a_table_ends_where_its_lines_do() -> None:
    answer = "| Title |\n|---|\n| Alpha |\n\nBeta | Gamma\n- **Delta**"
    assert flagged(answer) == ["no tool has returned “Alpha”", "no tool has returned “Delta”"]


def test_a_cell_may_hold_an_escaped_bar() -> None:
    result = {"items": [{"item_id": 1, "title": "Face|Off"}]}
    assert flagged("| Title | ID |\n|---|---|\n| Face\\|Off | 1 |", result) == []
    assert flagged("| Title | ID |\n|---|---|\n| Face\\|Off | 2 |", result) == ["“Face|Off” has ID 1, not 2"]


# Whole answers to whole conversations

FOLDER = Path(__file__).with_name("answers")
CONVERSATIONS: dict[str, list[dict[str, Any]]] = json.loads((FOLDER / "conversations.json").read_text("utf-8"))
"""Questions, calls and results of the server over the films and three example catalogues, and of other servers. What
single viewers have rated, and who is like whom, is made up: the licence of MovieLens forbids to pass it on."""

PUBLISHED = (FOLDER / "published.txt").read_text("utf-8")
"""Instructions and descriptions of tools, as the film server gives them."""


@dataclass(frozen=True)
class WholeAnswer:
    conversation: str
    is_right: bool
    why: str
    text: str

    def findings(self) -> list[str]:
        return unsupported(self.text, turns_of(self.conversation), [PUBLISHED])


@cache
def turns_of(name: str) -> list[Turn]:
    turns = CONVERSATIONS[name]
    return [Turn(turn["question"], [_made(call) for step in turn["steps"] for call in step]) for turn in turns]


def _made(call: dict[str, Any]) -> Call:
    text = call["failed"] if "failed" in call else json.dumps(call["result"])
    return Call(call["tool"], call["arguments"], text, call.get("result", text), "failed" in call)


BATCHES = sorted((FOLDER / "batches").glob("*.txt"), key=lambda batch: int(batch.stem))
"""Each was written before the rules saw it; its head tells what the first reading gave."""

FIRST, ALONE, SMALL = [FOLDER / "tuned.txt", FOLDER / "unseen.txt"], BATCHES[:8], BATCHES[8:11]
ROUNDS = [FIRST, *([batch] for batch in ALONE), SMALL, BATCHES[11:13]]
"""Batches that were written between the same two changes of the rules, by authors who knew them."""
HARDER = BATCHES[13:]
"""Batches by authors who did not know the rules. Not all that they thought of can be found by rules like these."""


def corpus(*files: Path) -> Iterator[WholeAnswer]:
    for file in files:
        for entry in re.split(r"^=== ", file.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            head, _, text = entry.partition("\n")
            name, verdict, why = head.split(" | ")
            assert verdict in ("right", "wrong")
            yield WholeAnswer(name, verdict == "right", why, text)


@pytest.mark.parametrize(
    ("files", "most_missed"),
    [
        *(pytest.param(each, 0.05, id=each[0].stem) for each in ROUNDS),
        pytest.param(HARDER[:-4], 0.11, id="harder"),
        pytest.param(HARDER[:-3], 0.125, id="harder, with other servers"),
        pytest.param(HARDER, 0.17, id="harder, with superlatives and exchanged figures"),
    ],
)
def test_wrong_answers_are_flagged_and_right_ones_are_not(files: Sequence[Path], most_missed: float) -> None:
    answers = list(corpus(*files))
    right, wrong = [each for each in answers if each.is_right], [each for each in answers if not each.is_right]
    assert len(answers) > 70
    assert 0.4 < len(right) / len(answers) < 0.6
    missed = [f"{each.conversation}: {each.why}" for each in wrong if not each.findings()]
    alarmed = [f"{each.conversation}: {each.why}: {each.findings()}" for each in right if each.findings()]
    assert len(missed) <= most_missed * len(wrong), missed
    assert len(alarmed) <= 0.02 * len(right), alarmed


def test_each_conversation_has_answers() -> None:
    answers = corpus(FOLDER / "tuned.txt", FOLDER / "unseen.txt", *BATCHES)
    assert {each.conversation for each in answers} == set(CONVERSATIONS)


# Answers assembled from results

Row = dict[str, Any]
STYLES: dict[str, Callable[[Sequence[Row]], str]] = {
    "list": lambda rows: "\n".join(f"{n}. **{row['title']}** (ID {row['id']})" for n, row in enumerate(rows, 1)),
    "bold": lambda rows: "\n".join(f"- **{row['title']} (ID {row['id']})**: fits" for row in rows),
    "plain": lambda rows: "\n".join(f"- {row['title']}, ID {row['id']}" for row in rows),
    "table": lambda rows: (
        "| Title | ID |\n|---|---|\n" + "\n".join(f"| {row['title']} | {row['id']} |" for row in rows)
    ),
    "table, ID first": lambda rows: (
        "| ID | Item |\n|---|---|\n" + "\n".join(f"| {row['id']} | {row['title']} |" for row in rows)
    ),
    "headings": lambda rows: "\n\n".join(f"### {row['title']} (ID {row['id']})\n\nIt fits." for row in rows),
    "lines": lambda rows: "\n".join(f"- **{row['title']}**\n  - **ID:** {row['id']}" for row in rows),
    "prose": lambda rows: "I recommend " + ", ".join(f"**{row['title']}** (ID {row['id']})" for row in rows) + ".",
    "unmarked prose": lambda rows: "They are " + " and ".join(f"{row['title']} (ID {row['id']})" for row in rows) + ".",
    "ID first": lambda rows: "\n".join(f"- ID {row['id']}: **{row['title']}**" for row in rows),
    "pipes": lambda rows: "\n".join(f"* **{row['title']}** | ID: {row['id']} | Why: it fits" for row in rows),
    "letters": lambda rows: "\n".join(f"{'abcde'[n]}) {row['title']} (id: {row['id']})" for n, row in enumerate(rows)),
    "signs": lambda rows: "\n".join(f"🎬 **{row['title']}** (ID {row['id']}): it fits" for row in rows),
    "cards": lambda rows: "\n\n".join(f"🎬 **{row['title']}**\nID: {row['id']}\nWhy: it fits" for row in rows),
    "keys": lambda rows: "\n\n".join(f"**Title:** {row['title']}\n**ID:** {row['id']}" for row in rows),
    "labels": lambda rows: "\n".join(f"- **For a Change:** {row['title']} (ID {row['id']})" for row in rows),
    "French": lambda rows: "\n".join(f"- **Un autre nom** (*{row['title']}*, ID {row['id']}) : à voir" for row in rows),
    "German": lambda rows: "Ich empfehle " + " und ".join(f"„{row['title']}“ (ID {row['id']})" for row in rows) + ".",
}


@st.composite
def listings(draw: st.DrawFn) -> tuple[str, list[Row]]:
    """A conversation, and rows of the last result in it that has items."""
    name = draw(st.sampled_from(sorted(CONVERSATIONS)))
    results = [
        call["result"] for turn in CONVERSATIONS[name] for step in turn["steps"] for call in step if "result" in call
    ]
    listed = [result.get("items") or result.get("movies") or [] for result in results]
    items = [each for each in listed if each][-1] if any(listed) else [{"item_id": 121, "title": "Independence Day"}]
    name = name if any(listed) else "alike"
    rows = [
        {"id": each.get("item_id", next(iter(each.values()))), "title": each.get("title", each.get("name"))}
        for each in items
    ]
    return name, draw(st.lists(st.sampled_from(rows), min_size=1, max_size=5, unique_by=lambda row: str(row["id"])))


@given(listings(), st.sampled_from(sorted(STYLES)))
@settings(deadline=None)
def test_what_was_returned_is_never_flagged(listing: tuple[str, list[Row]], style: str) -> None:
    name, rows = listing
    assert unsupported(STYLES[style](rows), turns_of(name), [PUBLISHED]) == []


@given(listings(), st.sampled_from(sorted(STYLES)), st.data())
@settings(deadline=None)
def test_one_other_id_is_always_flagged(listing: tuple[str, list[Row]], style: str, data: st.DataObject) -> None:
    name, rows = listing
    place = data.draw(st.integers(0, len(rows) - 1))
    own = str(rows[place]["id"])
    digits = re.sub(r".*?(\d+)$", r"\1", own)
    other = data.draw(st.integers(0, 10 ** len(digits) - 1).filter(lambda number: number != int(digits)))
    rows = [dict(row) for row in rows]
    rows[place]["id"] = own.removesuffix(digits) + (f"{other:0{len(digits)}}" if own != digits else str(other))
    assert unsupported(STYLES[style](rows), turns_of(name), [PUBLISHED]) != []


@pytest.mark.parametrize("between", [", " * 900 + "x ", "& " * 900 + "x", "and " * 450, "( " * 900, " " * 1900])
def test_what_goes_on_between_two_names_is_read_in_a_moment(between: str) -> None:
    assert flagged(f"**The Lion King**{between}**North by Northwest**") == []


@given(
    st.lists(
        st.text() | st.sampled_from(["\n", "**", "| ", "|---|", "- ", "## ", "(ID ", "71", ")", "[", "`", "“", "1. "])
    )
)
@settings(deadline=None)
def test_any_text_can_be_read(parts: list[str]) -> None:
    assert isinstance(flagged("".join(parts)), list)
