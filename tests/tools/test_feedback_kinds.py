"""Counts, events and likes, and items that are not available, in the answers of the tools."""

from pathlib import Path
from typing import Any

import pytest

from mcp_server.errors import InvalidInputError
from tests.names import HISTORY, LIKE, POPULAR, RECOMMEND
from tests.tools.small_catalogues import COUNTS, EVENTS, LIKES, RATINGS, TIMES, Catalogue, Pair, listed

PLAYS = [Pair("ann", "a", 40), Pair("ann", "b", 2), Pair("bob", "b", 3), Pair("cid", "b", 0), Pair("bob", "c", 1)]
SONGS = {"interaction": "play", "interactions": "plays"}
PLAYED = Catalogue("abcd", PLAYS, COUNTS, nouns=SONGS, tiers={"ann": "gold", "bob": "free", "cid": "free"})

EVENT_PAIRS = [
    Pair("ann", "a", 1, 1),  # a view
    Pair("ann", "b", 5, 1),  # a purchase
    Pair("bob", "a", 3, 3),  # three views
    Pair("bob", "b", -5, 0),  # a refund
    Pair("cid", "c", 1, 2),  # a view and a purchase, and the refund
]
SOLD = Catalogue("abcd", EVENT_PAIRS, EVENTS, tiers={"ann": "gold", "bob": "free", "cid": "free"})

RATED = Catalogue("abc", [Pair("ann", "a", 2), Pair("ann", "b", 5), Pair("bob", "a", 4)], RATINGS)


# Popularity


async def test_counts_are_summed(tmp_path: Path) -> None:
    answer = await PLAYED.answer(tmp_path, POPULAR, items=["a", "b", "c", "d"])
    assert [(item["item_id"], item["n_interactions"]) for item in answer["items"]] == [("a", 40), ("b", 5), ("c", 1)]
    assert "by plays of all customers, summed" in answer["message"]
    among = await PLAYED.answer(tmp_path, POPULAR, user_group=["free"], items=["b"])
    assert [(item["item_id"], item["n_interactions"]) for item in among["items"]] == [("b", 3)]
    assert "by plays of 2 customers (free), summed" in among["message"]
    two = await PLAYED.answer(tmp_path, POPULAR, user_group=["free"], items=["b", "c"])
    assert "The first 1 stands out (more than the 0.75 quantile, 2.5 plays), the last one does not." in two["message"]


async def test_counts_that_are_not_whole_are_shown_as_they_are(tmp_path: Path) -> None:
    hours = Catalogue("ab", [Pair("ann", "a", 0.1), Pair("bob", "a", 0.2), Pair("ann", "b", 2)], COUNTS)
    answer = await hours.answer(tmp_path, POPULAR)
    assert [item["n_interactions"] for item in answer["items"]] == [2, 0.3]
    assert not isinstance(answer["items"][0]["n_interactions"], float)
    least = await hours.answer(tmp_path, POPULAR, items=["a"])
    assert [item["n_interactions"] for item in least["items"]] == [0.3]


async def test_events_are_popular_by_weight_and_counted_by_number(tmp_path: Path) -> None:
    answer = await SOLD.answer(tmp_path, POPULAR, items=["a"])
    assert answer["items"] == [{"item_id": "a", "title": "A", "n_interactions": 4, "weight": 4, "stands_out": False}]
    first = (await SOLD.answer(tmp_path, POPULAR))["items"]
    assert [(item["item_id"], item["weight"]) for item in first] == [("b", 5), ("a", 4), ("c", 1)]
    assert "weighted interactions of all customers (view 1, buy 5, refund -5" in answer["message"]
    assert "whoever is below 0 with an item counts as 0" in answer["message"]


async def test_events_of_a_group_are_weighed_too(tmp_path: Path) -> None:
    answer = await SOLD.answer(tmp_path, POPULAR, user_group=["free"], items=["a"])
    assert (answer["items"][0]["n_interactions"], answer["items"][0]["weight"]) == (3, 3)
    refunded = await SOLD.answer(tmp_path, POPULAR, user_group=["free"], items=["b"])
    assert refunded["items"] == []
    assert "None of the products to choose from has a weight above 0 of 2 customers (free)" in refunded["message"]


# Times

DAY = 86_400
TIMED = [
    Pair("ann", "a", 7, 2, time=2 * DAY),
    Pair("bob", "a", 3, 1, time=5 * DAY),
    Pair("bob", "b", 2, 3, time=DAY),
    Pair("cid", "b", 9, 1),
]


@pytest.mark.parametrize(
    ("feedback", "amounts"),
    [(RATINGS, [("a", 2)]), (LIKES, [("a", 2)]), (COUNTS, [("a", 10)]), (EVENTS, [("a", 3)])],
    ids=["ratings", "likes", "counts", "events"],
)
async def test_what_is_latest_in_a_time_counts(
    tmp_path: Path, feedback: dict[str, object], amounts: list[tuple[str, float]]
) -> None:
    made = Catalogue("abc", TIMED, {**feedback, **TIMES})
    answer = await made.answer(tmp_path, POPULAR, since="1970-01-03")
    assert [(item["item_id"], item["n_interactions"]) for item in answer["items"]] == amounts
    assert "of all customers since 1970-01-03" in answer["message"]
    assert "1 pair of a customer and a product has no time that is known and is left out." in answer["message"]
    assert ("only the latest counts" in answer["message"]) == (feedback is LIKES)
    is_summed = feedback in (COUNTS, EVENTS)
    assert ("is that of the latest: all of them count where it is in this time" in answer["message"]) == is_summed


async def test_likes_in_a_time_are_those_whose_latest_is_in_it(tmp_path: Path) -> None:
    made = Catalogue("abc", TIMED, {**COUNTS, **TIMES, "like_threshold": 4})
    answer = await made.answer(tmp_path, LIKE, items=["a", "b"], until="1970-01-03")
    assert (answer["n_users_who_like"], answer["n_users"], answer["percentage"]) == (1, 3, 33.3)
    assert answer["expected_percentage"] == 22.2  # one of the three likes one of three, and 2 are chosen
    assert "2 have interactions until the end of 1970-01-03." in answer["message"]


async def test_without_times_there_is_no_time_to_ask_for(tmp_path: Path) -> None:
    made = Catalogue("abc", TIMED, LIKES)
    with pytest.raises(InvalidInputError, match="there is no argument 'since'"):
        await made.answer(tmp_path, POPULAR, since="1970")
    untimed = Catalogue("ab", [Pair("ann", "a")], TIMES)
    with pytest.raises(InvalidInputError, match="no interaction has a time that is known"):
        await untimed.answer(tmp_path / "untimed", POPULAR, since="1970")


# Liking


@pytest.mark.parametrize(
    ("catalogue", "n_likers", "meaning"),
    [
        (PLAYED, 2, ", with more than 0 plays."),
        (Catalogue("abcd", PLAYS, {**COUNTS, "like_threshold": 3}, nouns=SONGS), 1, ", with 3 plays or more."),
        (Catalogue("abcd", PLAYS, {**COUNTS, "like_threshold": 1}, nouns=SONGS), 2, ", with 1 play or more."),
        (SOLD, 1, ", with interactions that weigh more than 0 together."),
        (
            Catalogue("abcd", EVENT_PAIRS, {**EVENTS, "like_threshold": 6}),
            0,
            ", with interactions that weigh 6 or more together.",
        ),
        (Catalogue("abcd", PLAYS, LIKES), 2, "like product b ("),
    ],
)
async def test_the_message_says_what_liking_takes(
    tmp_path: Path, catalogue: Catalogue, n_likers: int, meaning: str
) -> None:
    answer = await catalogue.answer(tmp_path, LIKE, items=["b"])
    assert answer["n_users_who_like"] == n_likers
    assert meaning in answer["message"]
    assert answer["message"].endswith("With only 3 customers this may be chance.")


async def test_nobody_likes_anything_where_there_are_no_users(tmp_path: Path) -> None:
    answer = await Catalogue("abcd", [], LIKES).answer(tmp_path, LIKE, items=["a"])
    assert (answer["percentage"], answer["n_users"]) == (0, 0)


# Histories


@pytest.mark.parametrize(
    ("catalogue", "order", "first", "value", "message"),
    [
        (RATED, "best rated first", "ba", {"rating": 5}, "has 2 interactions; all 2 products"),
        (PLAYED, "most plays first", "ab", {"count": 40}, "has plays of 2 products; all 2 products"),
        (SOLD, "greatest weight first", "ba", {"weight": 5}, "has interactions of 2 products; all 2 products"),
        (Catalogue("ab", PLAYS[:2], LIKES), "in no particular order", "ba", {}, "has interactions of 2 products"),
    ],
)
async def test_a_history_without_times_claims_none(
    tmp_path: Path, catalogue: Catalogue, order: str, first: str, value: dict[str, float], message: str
) -> None:
    answer = await catalogue.answer(tmp_path, HISTORY, user="ann")
    assert listed(answer) == first
    assert answer["items"][0] == {"item_id": first[0], "title": first[0].upper(), **value}
    assert message in answer["message"]
    assert order in answer["message"]
    assert "newest" not in answer["message"]


async def test_what_has_no_time_comes_last_in_a_history_by_times(tmp_path: Path) -> None:
    day = 86_400
    pairs = [Pair("ann", "a", time=day), Pair("ann", "b"), Pair("ann", "c", time=2 * day), Pair("bob", "a")]
    catalogue = Catalogue("abc", pairs, TIMES)
    answer = await catalogue.answer(tmp_path, HISTORY, user="ann")
    assert [(item["item_id"], item["date"]) for item in answer["items"]] == [
        ("c", "1970-01-03"),
        ("a", "1970-01-02"),
        ("b", None),
    ]
    assert "newest first; those without a date come last, as their dates are not known" in answer["message"]
    page = await catalogue.answer(tmp_path, HISTORY, user="ann", k=2)
    assert "the first 2 products, newest first." in page["message"]
    unknown = await catalogue.answer(tmp_path, HISTORY, user="bob")
    assert "newest" not in unknown["message"]


@pytest.mark.parametrize(
    ("feedback", "asked", "found"),
    [
        (COUNTS, {"count": {"gt": 2}}, "a"),
        (EVENTS, {"weight": {"lte": 3}}, "b"),
        (EVENTS, {"liked": True}, "ba"),
        ({**COUNTS, "like_threshold": 3}, {"liked": False}, "b"),
        (LIKES, {"items": ["b", "c"]}, "b"),
    ],
)
async def test_histories_are_chosen_from_by_the_kind_of_feedback(
    tmp_path: Path, feedback: dict[str, Any], asked: dict[str, Any], found: str
) -> None:
    pairs = [Pair("ann", "a", 4, 1, time=DAY), Pair("ann", "b", 2, 2, time=3 * DAY), Pair("bob", "c", 1, 1)]
    answer = await Catalogue("abc", pairs, {**feedback, **TIMES}).answer(tmp_path, HISTORY, user="ann", **asked)
    assert listed(answer) == found


async def test_there_are_only_conditions_that_the_feedback_has(tmp_path: Path) -> None:
    for feedback, others in ((LIKES, ("rating", "weight", "liked", "since")), (COUNTS, ("rating", "weight"))):
        made = Catalogue("ab", PLAYS[:2], feedback)
        for name in others:
            with pytest.raises(InvalidInputError, match=f"there is no argument '{name}'"):
                await made.answer(tmp_path / str(len(others)), HISTORY, user="ann", **{name: 1})


async def test_a_time_leaves_out_what_has_none(tmp_path: Path) -> None:
    pairs = [Pair("ann", "a", time=DAY), Pair("ann", "b"), Pair("ann", "c", time=9 * DAY)]
    answer = await Catalogue("abc", pairs, TIMES).answer(tmp_path, HISTORY, user="ann", until="1970-01-05")
    assert listed(answer) == "a"
    assert "1 product of the history has no date that is known and is left out." in answer["message"]


async def test_reasons_say_how_and_when_the_item_was_rated(tmp_path: Path) -> None:
    pairs = [Pair("ann", "a", 5, time=DAY), Pair("ann", "b", 4), Pair("bob", "c", 4, time=2 * DAY)]
    made = Catalogue("abc", pairs, {**RATINGS, **TIMES}, weights={"ac": 2, "bc": 1})
    answer = await made.answer(tmp_path, RECOMMEND, user="ann", reasons=True)
    assert answer["items"][0]["because"] == [
        {"item_id": "a", "title": "A", "rating": 5, "date": "1970-01-02"},
        {"item_id": "b", "title": "B", "rating": 4, "date": None},
    ]
    visitor = await made.answer(tmp_path, RECOMMEND, liked_items=["a"], reasons=True)
    assert visitor["items"][0]["because"] == [{"item_id": "a", "title": "A"}]


# Availability

SOLD_OUT = Catalogue(
    "abcdef",
    [*(Pair(user, "a") for user in "123"), Pair("1", "b"), Pair("2", "b"), Pair("3", "c"), Pair("1", "d")],
    LIKES,
    out_of_stock="af",
    weights={"da": 9, "bc": 5, "ca": 7, "cd": 1},
)
"""a is the most popular, but out of stock, as is f, which nobody has bought."""


async def test_what_is_not_available_is_never_recommended(tmp_path: Path) -> None:
    answer = await SOLD_OUT.answer(tmp_path, RECOMMEND, liked_items=["c"], k=1)
    assert listed(answer) == "d"
    assert "1 product is not available and was left out." in answer["message"]
    named = await SOLD_OUT.answer(tmp_path, RECOMMEND, liked_items=["c"], items=["a", "d", "f"])
    assert listed(named) == "d"
    assert "1 product is not available and was left out." in named["message"]
    assert "The choice was among 3 products; 1 of them cannot be ranked" in named["message"]


async def test_what_is_known_already_is_not_counted_as_unavailable(tmp_path: Path) -> None:
    answer = await SOLD_OUT.answer(tmp_path, RECOMMEND, user="1")
    assert "not available" not in answer["message"]


async def test_what_is_not_available_is_never_popular(tmp_path: Path) -> None:
    answer = await SOLD_OUT.answer(tmp_path, POPULAR)
    assert listed(answer) == "bcd"
    assert "1 product is not available and was left out." in answer["message"]
    alone = await SOLD_OUT.answer(tmp_path, POPULAR, items=["a", "f"])
    assert alone["items"] == []
    assert "1 product is not available" in alone["message"]


async def test_what_is_not_available_can_be_looked_up(tmp_path: Path) -> None:
    answer = await SOLD_OUT.answer(tmp_path, HISTORY, user="1")
    assert "a" in listed(answer)
    assert (await SOLD_OUT.answer(tmp_path, LIKE, items=["a"]))["n_users_who_like"] == 3
