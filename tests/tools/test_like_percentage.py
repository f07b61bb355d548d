"""The share of users who like some films, on MovieLens, against loops over the raw ratings."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from tests.conftest import Rating
from tests.names import FILTER, LIKE

Movies = dict[int, dict[str, Any]]
Viewers = dict[int, dict[str, Any]]


def likers(ratings: Iterable[Rating], items: Iterable[int]) -> set[int]:
    wanted = set(items)
    return {line.user for line in ratings if line.item in wanted and line.rating >= 4}


def comedies(movies: Movies) -> list[int]:
    return [item for item, movie in movies.items() if "Comedy" in movie["genres"]]


@pytest.mark.parametrize("items", [[1], [50, 181], [1, 2, 3, 4, 5], [246, 268], [1682], [267], list(range(1, 1683))])
async def test_like_percentage_counts_users_with_a_four_or_five(
    films: Service, ratings: list[Rating], viewers: Viewers, items: list[int]
) -> None:
    liking = likers(ratings, items)
    result = await films.call(LIKE, {"items": items})
    assert result["n_users_who_like"] == len(liking)
    assert result["n_users"] == len(viewers) == 943
    assert result["percentage"] == round(100 * len(liking) / 943, 1)
    assert result["n_items"] == len(items)
    assert f"{len(liking):,} of 943" in result["message"]


async def test_like_percentage_of_a_set_of_all_comedies(films: Service, ratings: list[Rating], movies: Movies) -> None:
    found = await films.call(FILTER, {"genres": ["Comedy"]})
    result = await films.call(LIKE, {"item_set": found["item_set"]})
    assert result["n_items"] == len(comedies(movies))
    assert result["n_users_who_like"] == len(likers(ratings, comedies(movies)))


async def test_like_percentage_of_items_within_a_set(films: Service, ratings: list[Rating], movies: Movies) -> None:
    first_films = list(range(1, 60))
    both = [item for item in first_films if "Comedy" in movies[item]["genres"]]
    found = await films.call(FILTER, {"genres": ["Comedy"]})
    result = await films.call(LIKE, {"items": first_films, "item_set": found["item_set"]})
    assert result["n_items"] == len(both)
    assert result["n_users_who_like"] == len(likers(ratings, both))


async def test_an_item_given_twice_counts_once(films: Service) -> None:
    assert await films.call(LIKE, {"items": [1, 1, 1]}) == await films.call(LIKE, {"items": [1]})


async def test_like_percentage_wants_items(films: Service) -> None:
    with pytest.raises(InvalidInputError, match="which films"):
        await films.call(LIKE, {})
    with pytest.raises(InvalidInputError, match="empty list"):
        await films.call(LIKE, {"items": []})
    with pytest.raises(InvalidInputError, match=r"film 1683 is not in ml-100k: IDs run from 1 to 1682"):
        await films.call(LIKE, {"items": [1, 1683]})


def by_chance(ratings: Iterable[Rating], users: set[int], n: int) -> float:
    """Percent of users who like at least one of n random films, by counting the choices without any."""
    n_liked = dict.fromkeys(users, 0)
    for line in ratings:
        if line.user in users and line.rating >= 4:
            n_liked[line.user] += 1
    chances = [1 - Fraction(math.comb(1682 - liked, n), math.comb(1682, n)) for liked in n_liked.values()]
    return float(100 * sum(chances) / len(users))


@pytest.mark.parametrize("items", [[1], [50, 181], list(range(1, 40)), list(range(1, 1600)), list(range(1, 1683))])
async def test_chance_is_the_share_that_as_many_random_films_would_have(
    films: Service, ratings: list[Rating], viewers: Viewers, items: list[int]
) -> None:
    result = await films.call(LIKE, {"items": items})
    assert result["expected_percentage"] == pytest.approx(by_chance(ratings, set(viewers), len(items)), abs=0.0501)
    what = "A film" if len(items) == 1 else f"At least one of {len(items):,} films"
    assert f"{what} chosen at random would be liked by {result['expected_percentage']:g}%." in result["message"]


async def test_the_share_in_a_group_and_a_time(films: Service, ratings: list[Rating], viewers: Viewers) -> None:
    women = {user for user, viewer in viewers.items() if viewer["gender"] == "F"}
    in_march = [line for line in ratings if f"{datetime.fromtimestamp(line.timestamp, UTC):%Y-%m}" == "1998-03"]
    for asked, users, lines in (
        ({"user_group": "female"}, women, ratings),
        ({"since": "1998-03", "until": "1998-03"}, set(viewers), in_march),
        ({"user_group": "female", "since": "1998-03", "until": "1998-03-31"}, women, in_march),
    ):
        result = await films.call(LIKE, {"items": [1, 50, 100, 181], **asked})
        liking = likers(lines, [1, 50, 100, 181]) & users
        assert liking
        assert (result["n_users_who_like"], result["n_users"]) == (len(liking), len(users))
        assert result["percentage"] == round(100 * len(liking) / len(users), 1)
        assert result["expected_percentage"] == pytest.approx(by_chance(lines, users, 4), abs=0.0501)
        if "since" in asked:
            n_active = len({line.user for line in lines} & users)
            assert f", {n_active} have ratings" in result["message"]


async def test_a_small_group_carries_a_warning(films: Service, viewers: Viewers) -> None:
    kids = [user for user, viewer in viewers.items() if viewer["age"] <= 12]
    result = await films.call(LIKE, {"items": [1], "user_group": ["kid"]})
    assert f"With only {len(kids)} viewers this may be chance." in result["message"]
