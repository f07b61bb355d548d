"""Recommendations where a history says little: what is not liked is no evidence, and what is popular stands in."""

from pathlib import Path
from typing import Any

import numpy as np

from mcp_server.recommender.popularity_model import PopularityModel
from mcp_server.recommender.ranker import Ranker
from mcp_server.serving.backends import Backends
from mcp_server.settings import Settings
from mcp_server.state.open_state import OpenState
from mcp_server.tools.top_k_recommendations import TopKArguments, recommend
from tests.names import RECOMMEND
from tests.tools.small_catalogues import COUNTS, EVENTS, LIKES, RATINGS, Catalogue, Pair, listed

CROWD = [Pair("c1", "c", 5), Pair("c2", "c", 5), Pair("c3", "c", 5), Pair("c1", "d", 5), Pair("c2", "d", 5)]
"""c is the most popular item, d the next."""

HORROR = Catalogue(
    items="abcdehi",
    pairs=[*CROWD, Pair("hater", "h", 1), Pair("hater", "a", 5), Pair("c3", "i", 5), Pair("c3", "b", 5)],
    interactions=RATINGS,
    weights={"hi": 9.0, "ab": 1.0},
)
"""`hater` dislikes h, which speaks for i, and likes a, which speaks for b."""


async def test_what_is_not_liked_is_no_evidence_and_no_reason(tmp_path: Path) -> None:
    answer = await HORROR.answer(tmp_path, RECOMMEND, user="hater", k=1, reasons=True)
    assert listed(answer) == "b"
    assert [reason["item_id"] for reason in answer["items"][0]["because"]] == ["a"]


async def test_what_is_not_liked_is_left_out_all_the_same(tmp_path: Path) -> None:
    answer = await HORROR.answer(tmp_path, RECOMMEND, user="hater", k=10)
    assert not set("ha") & set(listed(answer))


async def test_items_that_nothing_speaks_for_are_in_order_of_popularity_and_the_message_says_so(tmp_path: Path) -> None:
    answer = await HORROR.answer(tmp_path, RECOMMEND, user="hater", k=4)
    assert listed(answer) == "bcdi"
    assert [(item["rank"], item["fit"]) for item in answer["items"]] == [(1, 100), (2, 0), (2, 0), (2, 0)]
    assert (
        "Nothing in the history speaks for 3 products of rank 2; they are in order of popularity" in answer["message"]
    )


async def test_a_small_score_is_not_shown_as_0(tmp_path: Path) -> None:
    pairs = [*CROWD[:1], Pair("u", "a"), Pair("c1", "b")]
    catalogue = Catalogue(
        "abc", pairs, LIKES, weights={"ab": 2e-6}, kinds={"a": "x"}
    )  # kinds, for there to be a detail
    answer = await catalogue.answer(tmp_path, RECOMMEND, user="u", k=1, detail="full")
    assert answer["items"][0]["score"] == 2e-6
    assert "Nothing" not in answer["message"]


async def test_a_user_who_likes_nothing_gets_what_is_popular(tmp_path: Path) -> None:
    catalogue = Catalogue("abcd", [*CROWD, Pair("u", "a", 3)], RATINGS, weights={"ab": 5.0})
    answer = await catalogue.answer(tmp_path, RECOMMEND, user="u", reasons=True)
    assert listed(answer) == "cd"
    assert "most popular first" in answer["message"]
    assert "nothing in the history is liked, which takes a rating of 4 or more" in answer["message"]
    assert "the most popular products that could be recommended" in answer["message"]


async def test_counts_and_events_say_what_liking_takes(tmp_path: Path) -> None:
    played = Catalogue("abcd", [*CROWD, Pair("u", "a", 0)], COUNTS, nouns={"interactions": "plays"})
    answer = await played.answer(tmp_path / "played", RECOMMEND, user="u")
    assert "which takes more than 0 plays" in answer["message"]
    refunded = Catalogue("abcd", [*CROWD, Pair("u", "a", -4)], EVENTS)
    answer = await refunded.answer(tmp_path / "refunded", RECOMMEND, user="u")
    assert "which takes interactions that weigh more than 0 together" in answer["message"]


async def test_a_user_whose_likes_say_nothing_gets_what_is_popular(tmp_path: Path) -> None:
    catalogue = Catalogue("abcd", [*CROWD, Pair("lonely", "a")], LIKES)
    answer = await catalogue.answer(tmp_path, RECOMMEND, user="lonely")
    assert listed(answer) == "cd"
    assert "Nothing could be concluded from the history of customer lonely" in answer["message"]
    assert "best first" not in answer["message"]


async def test_liked_items_that_say_nothing_give_what_is_popular(tmp_path: Path) -> None:
    catalogue = Catalogue("abcd", [*CROWD, Pair("u", "a")], LIKES)
    answer = await catalogue.answer(tmp_path, RECOMMEND, liked_items=["a"])
    assert listed(answer) == "cd"
    assert "Nothing could be concluded from the products given" in answer["message"]


async def test_a_user_without_a_history_gets_what_is_popular(tmp_path: Path) -> None:
    catalogue = Catalogue("abcd", CROWD, LIKES, users=["new"])
    answer = await catalogue.answer(tmp_path, RECOMMEND, user="new")
    assert listed(answer) == "cd"
    assert "Customer new has no interactions yet" in answer["message"]


async def test_a_catalogue_that_nobody_has_used_recommends_nothing_and_says_so(tmp_path: Path) -> None:
    answer = await Catalogue("abcd", [], LIKES, users=["new"]).answer(tmp_path, RECOMMEND, user="new")
    assert answer["items"] == []
    said = "There are no interactions at all yet, so no product can be recommended."
    assert answer["message"] == f"0 products for customer new. {said}"


class UntrainedBackends(Backends):
    """Backends of a catalogue that was too small to train a model on."""

    async def ranker(self) -> Ranker:
        catalog = await self.catalog()
        return Ranker(PopularityModel(catalog.popularity.astype(np.float32)))


async def test_where_no_model_could_be_trained_the_message_says_so(tmp_path: Path) -> None:
    catalogue = Catalogue("abcd", [*CROWD, Pair("u", "a", 5)], RATINGS, nouns={"interactions": "ratings"})
    manifest = catalogue.publish(tmp_path)
    state = OpenState(Settings(_env_file=None, state=tmp_path))
    backends = UntrainedBackends(state, manifest, 1.0)
    arguments: Any = TopKArguments[str, str](user="u", reasons=True)
    answer = (await recommend(backends, arguments)).model_dump(exclude_unset=True)
    await backends.aclose()
    await state.aclose()
    assert listed(answer) == "cd"
    assert "No model could be trained on so few ratings. These are the most popular" in answer["message"]
