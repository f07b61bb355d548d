"""Popular items on MovieLens, against loops over the raw ratings."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from tests.conftest import Rating
from tests.names import FILTER, ITEM, POPULAR

UNNAMED = 267
"""The film of MovieLens without a title, which no list can name."""

Movies = dict[int, dict[str, Any]]
Viewers = dict[int, dict[str, Any]]


def counts_by(ratings: Iterable[Rating], users: Iterable[int]) -> Counter[int]:
    counted = set(users)
    return Counter(line.item for line in ratings if line.user in counted)


def quantile(values: Iterable[int], share: float) -> float:
    """A quantile with linear interpolation between the two nearest ranks."""
    ranked = sorted(values)
    place = share * (len(ranked) - 1)
    low = int(place)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (place - low) * (ranked[high] - ranked[low])


def popular(counts: Counter[int], candidates: Sequence[int], movies: Movies, k: int) -> list[tuple[int, int, bool]]:
    """IDs and counts of the candidates that somebody has rated, and True for those that stand out."""
    named = [item for item in candidates if item != UNNAMED]
    threshold = quantile([counts[item] for item in named], 0.75)
    listed: list[tuple[int, int, bool]] = []
    known: set[str] = set()
    for item in sorted((item for item in named if counts[item]), key=lambda item: (-counts[item], item)):
        film = movies[item]["imdb_id"] or f"{movies[item]['title']}, {movies[item]['release_date']}"
        if film not in known:
            known.add(film)
            listed.append((item, counts[item], counts[item] > threshold))
    return listed[:k]


def listed(result: dict[str, Any]) -> list[tuple[int, int, bool]]:
    return [(item["item_id"], item["n_interactions"], item["stands_out"]) for item in result["items"]]


@pytest.mark.parametrize("k", [1, 20, 100])
async def test_popular_items_come_first_and_those_above_the_upper_quartile_stand_out(
    films: Service, ratings: list[Rating], movies: Movies, viewers: Viewers, k: int
) -> None:
    result = await films.call(POPULAR, {"k": k})
    assert listed(result) == popular(counts_by(ratings, viewers), list(movies), movies, k)
    assert [item["title"] for item in result["items"]] == [movies[item["item_id"]]["title"] for item in result["items"]]


async def test_twenty_popular_items_unless_a_number_is_given(films: Service) -> None:
    assert len((await films.call(POPULAR, {}))["items"]) == 20


async def test_items_of_a_set_stand_out_above_its_own_quartile(
    films: Service, ratings: list[Rating], movies: Movies, viewers: Viewers
) -> None:
    westerns = [item for item, movie in movies.items() if "Western" in movie["genres"]]
    expected = popular(counts_by(ratings, viewers), westerns, movies, 100)
    assert 0 < sum(stands_out for _, _, stands_out in expected) < len(expected)
    found = await films.call(FILTER, {"genres": ["Western"]})
    result = await films.call(POPULAR, {"item_set": found["item_set"], "k": 100})
    assert listed(result) == expected


async def test_items_and_a_set_together_are_their_intersection(
    films: Service, ratings: list[Rating], movies: Movies, viewers: Viewers
) -> None:
    early = list(range(1, 400))
    both = [item for item in early if "Western" in movies[item]["genres"]]
    found = await films.call(FILTER, {"genres": ["Western"]})
    result = await films.call(POPULAR, {"items": early, "item_set": found["item_set"]})
    assert listed(result) == popular(counts_by(ratings, viewers), both, movies, 20)


def ages(viewers: Viewers, low: int, high: int) -> set[int]:
    return {user for user, viewer in viewers.items() if low <= viewer["age"] <= high}


def of_gender(viewers: Viewers, gender: str) -> set[int]:
    return {user for user, viewer in viewers.items() if viewer["gender"] == gender}


async def _check_group(
    films: Service, ratings: list[Rating], movies: Movies, groups: list[str], users: set[int]
) -> None:
    result = await films.call(POPULAR, {"user_group": groups, "k": 50})
    assert listed(result) == popular(counts_by(ratings, users), list(movies), movies, 50)
    assert f"{len(users)} viewers" in result["message"]


@pytest.mark.parametrize(
    ("group", "low", "high"),
    [
        ("kid", 0, 12),
        ("teenager", 13, 19),
        ("young_adult", 20, 30),
        ("adult", 31, 60),
        ("senior", 61, 150),
    ],
)
async def test_popular_in_an_age_group_counts_its_ratings_only(
    films: Service, ratings: list[Rating], movies: Movies, viewers: Viewers, group: str, low: int, high: int
) -> None:
    await _check_group(films, ratings, movies, [group], ages(viewers, low, high))


async def test_popular_among_female_users_counts_their_ratings_only(
    films: Service, ratings: list[Rating], movies: Movies, viewers: Viewers
) -> None:
    await _check_group(films, ratings, movies, ["female"], of_gender(viewers, "F"))


async def test_groups_of_different_kinds_are_intersected(
    films: Service, ratings: list[Rating], movies: Movies, viewers: Viewers
) -> None:
    users = ages(viewers, 13, 19) & of_gender(viewers, "F")
    await _check_group(films, ratings, movies, ["female", "teenager"], users)


async def test_groups_of_one_kind_are_united(
    films: Service, ratings: list[Rating], movies: Movies, viewers: Viewers
) -> None:
    users = ages(viewers, 13, 19) | ages(viewers, 31, 60)
    await _check_group(films, ratings, movies, ["teenager", "adult"], users)


async def test_united_groups_are_intersected_with_another_kind(
    films: Service, ratings: list[Rating], movies: Movies, viewers: Viewers
) -> None:
    users = (ages(viewers, 0, 12) | ages(viewers, 13, 19)) & of_gender(viewers, "M")
    await _check_group(films, ratings, movies, ["kid", "male", "teenager"], users)


async def test_both_genders_are_everybody(films: Service) -> None:
    everybody = await films.call(POPULAR, {"k": 30})
    both = await films.call(POPULAR, {"k": 30, "user_group": ["male", "female"]})
    assert listed(both) == listed(everybody)


async def test_candidates_that_a_group_never_rated_count_as_zeros(
    films: Service, ratings: list[Rating], movies: Movies, viewers: Viewers
) -> None:
    counts = counts_by(ratings, ages(viewers, 61, 150))
    unrated = [item for item in movies if counts[item] == 0][:6]
    rated = [item for item in movies if counts[item] == 3][:2]
    items = unrated + rated
    # The upper quartile of six zeros and two threes is 0.75, that of the threes alone would be 3.
    result = await films.call(POPULAR, {"items": items, "user_group": "senior"})
    assert listed(result) == [(item, 3, True) for item in rated]
    assert "They stand out (more than the 0.75 quantile, 0.75 ratings)" in result["message"]


async def test_a_group_named_twice_is_named_once_in_the_message(films: Service) -> None:
    once = await films.call(POPULAR, {"user_group": ["teenager"], "k": 3})
    twice = await films.call(POPULAR, {"user_group": ["teenager", "teenager"], "k": 3})
    assert twice == once


async def test_a_single_candidate_is_compared_with_nothing(
    films: Service, ratings: list[Rating], viewers: Viewers
) -> None:
    result = await films.call(POPULAR, {"items": [50]})
    assert listed(result) == [(50, counts_by(ratings, viewers)[50], False)]
    assert result["message"] == (
        "1 film of 1 film given, by ratings of all viewers. No other film to choose from has ratings."
    )


async def test_ties_at_the_top_fall_back_to_the_most_rated_in_order_of_position(
    films: Service, ratings: list[Rating], movies: Movies, viewers: Viewers
) -> None:
    counts = counts_by(ratings, viewers)
    number = 100
    while len(tied := [item for item in movies if counts[item] == number]) < 3:
        number += 1
    lower = next(item for item in movies if 0 < counts[item] < number)
    result = await films.call(POPULAR, {"items": [lower, *reversed(tied)]})
    assert listed(result) == [*((item, number, False) for item in sorted(tied)), (lower, counts[lower], False)]
    assert "None stands out" in result["message"]


async def test_a_fallback_is_at_most_k_long(films: Service, ratings: list[Rating], movies: Movies) -> None:
    counts = Counter(line.item for line in ratings)
    tied = [item for item in movies if counts[item] == 1 and item != UNNAMED][:8]
    result = await films.call(POPULAR, {"items": tied, "k": 5})
    assert listed(result) == [(item, 1, False) for item in sorted(tied)[:5]]


async def test_a_film_under_two_ids_is_popular_once(films: Service, ratings: list[Rating], viewers: Viewers) -> None:
    counts = counts_by(ratings, viewers)
    better, worse = (246, 268) if counts[246] > counts[268] else (268, 246)
    few = [item for item, count in counts.items() if count < 10][:20]
    assert counts[worse] > 10  # so that both would be popular among these
    result = await films.call(POPULAR, {"items": [worse, better, *few], "k": 100})
    named = [item for item, _, _ in listed(result)]
    assert better in named
    assert worse not in named
    assert (
        "Chasing Amy (IDs 246 and 268) is in the catalogue under several IDs; only the ratings of the ID listed are"
        " counted." in result["message"]
    )


async def test_the_film_without_a_title_is_never_popular(films: Service) -> None:
    result = await films.call(POPULAR, {"items": [UNNAMED]})
    assert (result["items"], result["count"]) == ([], 0)
    assert "item_set" not in result
    assert "1 film has no title and was left out. None of the films to choose from has ratings" in result["message"]


async def test_an_unknown_group_is_an_error_that_lists_the_groups(films: Service) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await films.call(POPULAR, {"user_group": ["wizards"]})
    for word in ("wizards", "kid", "teenager", "young_adult", "adult", "senior", "male", "female"):
        assert word in str(caught.value)


async def test_groups_are_recognised_as_people_write_them(films: Service) -> None:
    written = await films.call(POPULAR, {"user_group": [" Young Adult", "FEMALE"], "k": 5})
    exact = await films.call(POPULAR, {"user_group": ["young_adult", "female"], "k": 5})
    assert listed(written) == listed(exact)


async def _all_of(films: Service, item_set: str) -> list[int]:
    found: list[int] = []
    while len(
        page := (await films.call(ITEM, {"item_set": item_set, "get": "title", "limit": 100, "offset": len(found)}))[
            "items"
        ]
    ):
        found += [record["item_id"] for record in page]
    return found


@pytest.mark.parametrize("arguments", [{}, {"user_group": ["senior"]}, {"since": "1998-03", "until": "1998-03-10"}])
async def test_the_set_has_all_that_somebody_has_rated(
    films: Service, ratings: list[Rating], movies: Movies, viewers: Viewers, arguments: dict[str, Any]
) -> None:
    users = ages(viewers, 61, 150) if "user_group" in arguments else set(viewers)
    days = ("1998-03-01", "1998-03-10") if "since" in arguments else ("0000", "9999")
    chosen = [line for line in ratings if days[0] <= day_of(line) <= days[1]]
    expected = popular(counts_by(chosen, users), list(movies), movies, 2_000)
    result = await films.call(POPULAR, {"k": 3, **arguments})
    assert listed(result) == expected[:3]
    assert result["count"] == len(expected)
    assert await _all_of(films, result["item_set"]) == [item for item, _, _ in expected]
    n_above = sum(stands_out for _, _, stands_out in expected)
    assert "They stand out (more than the 0.75 quantile, " in result["message"]
    assert f"; so do {n_above - 3:,} more." in result["message"]
    assert f"In all {len(expected):,} films have ratings" in result["message"]
    if not arguments:  # so that 1,662 + 19 + 1 are the 1,682 of the catalogue
        assert (
            "1,662 films have ratings, not counting 19 listed again under another ID and 1 without a title."
            in (result["message"])
        )


def day_of(line: Rating) -> str:
    return datetime.fromtimestamp(line.timestamp, UTC).date().isoformat()


@pytest.mark.parametrize(
    ("since", "until", "first", "last"),
    [
        ("1998", None, "1998-01-01", "9999"),
        (None, "1997-11", "0000", "1997-11-30"),
        ("1997-12-24", "1997-12-26", "1997-12-24", "1997-12-26"),
        ("7 days", None, "1998-04-16", "9999"),
        ("last 1 day", None, "1998-04-22", "9999"),
        ("9999999 days", None, "0000", "9999"),
        (1998, 1998, "1998-01-01", "1998-12-31"),
    ],
)
async def test_only_ratings_of_the_time_asked_for_count(
    films: Service,
    ratings: list[Rating],
    movies: Movies,
    viewers: Viewers,
    since: str | None,
    until: str | None,
    first: str,
    last: str,
) -> None:
    chosen = [line for line in ratings if first <= day_of(line) <= last]
    assert chosen
    result = await films.call(POPULAR, {"since": since, "until": until, "k": 30})
    assert listed(result) == popular(counts_by(chosen, viewers), list(movies), movies, 30)
    assert ("The ratings are from 1997-09-20 to 1998-04-22." in result["message"]) == (
        "9999999" in str(since) or until == 1998
    )
    assert ("counted back from the newest rating (1998-04-22)" in result["message"]) == ("day" in str(since))


async def test_a_time_in_a_group_counts_the_ratings_of_both(
    films: Service, ratings: list[Rating], movies: Movies, viewers: Viewers
) -> None:
    chosen = [line for line in ratings if day_of(line) >= "1998-03-01"]
    result = await films.call(POPULAR, {"since": "1998-03", "user_group": ["female", "teenager"]})
    users = of_gender(viewers, "F") & ages(viewers, 13, 19)
    assert listed(result) == popular(counts_by(chosen, users), list(movies), movies, 20)


async def test_a_time_without_ratings_says_when_there_are_some(films: Service) -> None:
    result = await films.call(POPULAR, {"since": "2005"})
    assert (result["items"], result["count"]) == ([], 0)
    assert "The ratings are from 1997-09-20 to 1998-04-22." in result["message"]
    with pytest.raises(InvalidInputError, match="since 1998-04 is after until 1998-02"):
        await films.call(POPULAR, {"since": "1998-04", "until": "1998-02"})
    with pytest.raises(InvalidInputError, match="a date is written with the year first"):
        await films.call(POPULAR, {"since": "last spring"})


async def test_a_small_group_carries_a_warning(films: Service, viewers: Viewers) -> None:
    kids = ages(viewers, 0, 12)
    assert 0 < len(kids) < 10
    assert (
        f"With only {len(kids)} viewers this may be chance."
        in (await films.call(POPULAR, {"user_group": "kid"}))["message"]
    )
    assert "chance" not in (await films.call(POPULAR, {"user_group": "senior"}))["message"]
