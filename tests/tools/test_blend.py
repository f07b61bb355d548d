"""Recommendations within what a search has found: nearness and taste together."""

import statistics
from itertools import pairwise
from typing import Any

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from tests.names import FILTER, RECOMMEND, SEARCH

QUERY = {"query": "the main character is kidnapped", "k": 30}


def listed(result: dict[str, Any]) -> list[int]:
    return [item["item_id"] for item in result["items"]]


def _standardised(values: dict[int, float]) -> dict[int, float]:
    mean, spread = statistics.fmean(values.values()), statistics.pstdev(values.values())
    return {item: (value - mean) / spread for item, value in values.items()}


async def _within(films: Service, **arguments: Any) -> dict[str, Any]:
    found = await films.call(SEARCH, QUERY)
    return await films.call(RECOMMEND, {"k": 100, "item_set": found["item_set"], **arguments})


@pytest.mark.parametrize("user", [9, 42, 655])
@pytest.mark.parametrize("blend", [0.2, 0.5, 0.9, 1])
async def test_nearness_and_taste_are_standardised_and_added(films: Service, user: int, blend: float) -> None:
    found = await films.call(SEARCH, QUERY)
    sets = await (await films._backends()).item_sets()
    scores = await sets.scores(found["item_set"])
    assert scores is not None
    by_taste = await _within(films, user=user, blend=0, detail="full")
    taste = {item["item_id"]: item["score"] for item in by_taste["items"]}
    near = {item: score for item, score in zip(listed(found), scores, strict=True) if item in taste}
    of_taste, of_nearness = _standardised(taste), _standardised(near)
    total = {item: blend * of_nearness[item] + (1 - blend) * of_taste[item] for item in taste}
    blended = await _within(films, user=user, blend=blend)
    order = listed(blended)
    assert set(order) == set(taste)
    values = [total[item] for item in order]
    rounding = 0.001 + (1 - blend) * 0.0001 / statistics.pstdev(taste.values())  # scores are shown with four decimals
    assert all(first >= second - rounding for first, second in pairwise(values))


async def test_taste_alone_and_nearness_alone_are_the_ends(films: Service) -> None:
    found = await films.call(SEARCH, QUERY)
    by_taste = await _within(films, user=9, blend=0)
    same = await films.call(RECOMMEND, {"user": 9, "k": 100, "items": listed(found)})
    assert listed(by_taste) == listed(same)
    assert by_taste["message"] == same["message"]
    by_nearness = await _within(films, user=9, blend=1)
    assert listed(by_nearness) == [item for item in listed(found) if item in listed(same)]
    assert "nearest to the search first" in by_nearness["message"]


async def test_half_of_each_counts_unless_told_otherwise_and_the_message_says_so(films: Service) -> None:
    assert listed(await _within(films, user=9)) == listed(await _within(films, user=9, blend=0.5))
    message = (await _within(films, user=9))["message"]
    assert "best first: nearness to the search counts 50%, taste 50%" in message


async def test_rank_and_fit_stay_those_among_all_films(films: Service) -> None:
    alone = {item["item_id"]: item for item in (await _within(films, user=9, blend=0))["items"]}
    for item in (await _within(films, user=9))["items"]:
        assert (item["rank"], item["fit"]) == (alone[item["item_id"]]["rank"], alone[item["item_id"]]["fit"])


async def test_where_no_model_ranks_popularity_counts_beside_nearness(films: Service) -> None:
    result = await _within(films, liked_items=[])
    assert "nearness to the search counts 50%, popularity 50%" in result["message"]
    assert "most popular films" not in result["message"]


async def test_several_viewers_have_nearness_beside_the_least_of_their_fits(films: Service) -> None:
    result = await _within(films, users=[6, 9], k=5)
    assert "nearness to the search counts 50%, fit for the one whom each suits least 50%" in result["message"]
    by_nearness = await _within(films, users=[6, 9], blend=1)
    found = listed(await films.call(SEARCH, QUERY))
    assert listed(by_nearness) == [item for item in found if item in listed(by_nearness)]


async def test_a_set_that_a_filter_has_made_is_ranked_by_taste_alone(films: Service) -> None:
    handle = (await films.call(FILTER, {"genres": ["Horror"]}))["item_set"]
    plain, blended = [await films.call(RECOMMEND, {"user": 9, "item_set": handle, "blend": blend}) for blend in (0, 1)]
    assert plain == blended


@pytest.mark.parametrize("blend", [-0.1, 1.5, True])
async def test_a_blend_is_a_share(films: Service, blend: Any) -> None:
    with pytest.raises(InvalidInputError, match="blend"):
        await _within(films, user=9, blend=blend)
