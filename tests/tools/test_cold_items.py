"""Items that nobody has used: recommended where the model can score them, and never as popular."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.names import POPULAR, RECOMMEND
from tests.tools.small_catalogues import LIKES, RATINGS, Catalogue, Pair, listed

COLD = Catalogue(
    "abcwxyz",
    [Pair("ann", "a"), Pair("bob", "a"), Pair("bob", "b"), Pair("cid", "b"), Pair("cid", "c")],
    LIKES,
    users=["new"],
    out_of_stock="y",
    weights={"az": 5, "ay": 4, "ab": 3, "ac": 1, "zb": 2, "zx": 1, "ww": 9},
    cold_items=True,
)
"""Nobody has bought w, x, y or z, of which y is out of stock. z suits who likes a best, b next."""

WARM = replace(COLD, cold_items=False)
"""The same, but its model is not said to score items without interactions."""


async def test_an_item_without_interactions_is_recommended_where_the_model_scores_it(tmp_path: Path) -> None:
    answer = await COLD.answer(tmp_path, RECOMMEND, user="ann", k=3)
    assert listed(answer) == "zbc"
    assert [(item["rank"], item["fit"]) for item in answer["items"]] == [(1, 100), (2, 75), (3, 50)]
    assert "1 product is not available and was left out." in answer["message"]


async def test_it_is_left_out_where_the_model_does_not(tmp_path: Path) -> None:
    answer = await WARM.answer(tmp_path, RECOMMEND, user="ann", k=3)
    assert listed(answer) == "bc"
    assert [(item["rank"], item["fit"]) for item in answer["items"]] == [(1, 100), (2, 0)]
    assert "These are all products that can be recommended" in answer["message"]
    assert "not available" not in answer["message"]


async def test_of_given_items_those_without_interactions_are_counted_for_what_they_are(tmp_path: Path) -> None:
    asked = {"user": "ann", "items": ["a", "b", "x", "y", "z"]}
    cold = await COLD.answer(tmp_path / "cold", RECOMMEND, **asked)
    assert listed(cold) == "zbx"
    assert "1 product is not available and was left out." in cold["message"]
    assert cold["message"].endswith("the choice was among 5 products; 1 of them is already known.")
    warm = await WARM.answer(tmp_path / "warm", RECOMMEND, **asked)
    assert listed(warm) == "b"
    assert "not available" not in warm["message"]
    said = "the choice was among 5 products; 1 of them is already known; 3 of them cannot be ranked."
    assert warm["message"].endswith(said)


async def test_someone_who_likes_only_such_items_is_served(tmp_path: Path) -> None:
    answer = await COLD.answer(tmp_path, RECOMMEND, liked_items=["z"], k=2, reasons=True)
    assert listed(answer) == "bx"
    assert "best first" in answer["message"]
    assert [[reason["item_id"] for reason in item["because"]] for item in answer["items"]] == [["z"], ["z"]]


async def test_someone_whose_items_say_nothing_gets_what_is_popular(tmp_path: Path) -> None:
    answer = await COLD.answer(tmp_path, RECOMMEND, liked_items=["w"])
    assert listed(answer) == "abc"
    assert "Nothing could be concluded from the products given" in answer["message"]


@pytest.mark.parametrize("arguments", [{"user": "new"}, {"liked_items": []}, {"users": ["new"]}])
async def test_what_nobody_has_used_is_never_popular(tmp_path: Path, arguments: dict[str, object]) -> None:
    answer = await COLD.answer(tmp_path, RECOMMEND, **arguments)
    assert listed(answer) == "abc"
    assert "These are the most popular products that could be recommended" in answer["message"]
    assert [item["rank"] for item in answer["items"]] == [1, 1, 3]
    assert "not available" not in answer["message"]  # nobody has bought y, so it would not be popular
    popular = await COLD.answer(tmp_path, POPULAR)
    assert [(item["item_id"], item["stands_out"]) for item in popular["items"]] == [
        ("a", True),
        ("b", True),
        ("c", False),
    ]


async def test_of_given_items_what_nobody_has_used_cannot_be_ranked_by_popularity(tmp_path: Path) -> None:
    answer = await COLD.answer(tmp_path, RECOMMEND, user="new", items=["c", "x", "y", "z"])
    assert listed(answer) == "c"
    assert (
        "These are the most popular products that could be recommended, among those to choose from."
        in answer["message"]
    )
    assert answer["message"].endswith("The choice was among 4 products; 3 of them cannot be ranked.")


async def test_several_users_are_recommended_such_items_too(tmp_path: Path) -> None:
    answer = await COLD.answer(tmp_path, RECOMMEND, users=["ann", "bob"], k=1)
    assert listed(answer) == "z"


async def test_a_catalogue_that_nobody_has_used_says_so_unless_its_model_knows_better(tmp_path: Path) -> None:
    empty = replace(COLD, pairs=[], interactions=RATINGS)
    answer = await empty.answer(tmp_path, RECOMMEND, liked_items=["z"])
    assert listed(answer) == "bxacw"
    none = await empty.answer(tmp_path, RECOMMEND, user="new")
    assert none["items"] == []
    assert "There are no interactions at all yet, so no product can be recommended." in none["message"]
