"""Recommendations on MovieLens, against scores summed by hand from the trained artifact."""

from typing import Any

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from tests.names import FILTER, POPULAR, RECOMMEND
from tests.tools.films_by_hand import (
    UNNAMED,
    Arrays,
    Histories,
    Likes,
    Movies,
    best,
    check,
    listed,
    sum_rows,
    with_twins,
)


@pytest.mark.parametrize("user", [1, 4, 13, 98, 405, 655, 943])
async def test_recommendations_are_the_best_sums_of_the_rows_of_liked_films(
    films: Service,
    movies: Movies,
    arrays: Arrays,
    histories: Histories,
    likes: Likes,
    twins: dict[int, set[int]],
    user: int,
) -> None:
    scores = sum_rows(arrays, likes[user])
    left_out = with_twins(histories[user], twins)
    expected = best(scores, movies, left_out, twins, 50)
    result = await films.call(RECOMMEND, {"user": user, "k": 50, "detail": "full"})
    check(result, scores, expected, movies, left_out, twins)


@pytest.mark.parametrize("user", [4, 405])
async def test_seen_items_take_part_when_they_are_not_excluded(
    films: Service,
    movies: Movies,
    arrays: Arrays,
    histories: Histories,
    likes: Likes,
    twins: dict[int, set[int]],
    user: int,
) -> None:
    scores = sum_rows(arrays, likes[user])
    left_out: set[int] = set()
    expected = best(scores, movies, left_out, twins, 50)
    assert set(expected) & set(histories[user])
    result = await films.call(RECOMMEND, {"user": user, "k": 50, "exclude_seen": False, "detail": "full"})
    check(result, scores, expected, movies, left_out, twins)


async def test_seen_items_are_left_out(films: Service, histories: Histories, twins: dict[int, set[int]]) -> None:
    for user in range(1, 944, 29):
        result = await films.call(RECOMMEND, {"user": user, "k": 100})
        assert not set(listed(result)) & with_twins(histories[user], twins)


async def test_every_user_gets_five_films_that_have_a_title(films: Service, histories: Histories) -> None:
    for user in histories:
        result = await films.call(RECOMMEND, {"user": user})
        assert len(set(listed(result))) == 5
        assert UNNAMED not in listed(result)


async def test_asking_again_gives_the_same(films: Service) -> None:
    arguments = {"user": 76, "k": 10, "reasons": True}
    assert await films.call(RECOMMEND, arguments) == await films.call(RECOMMEND, arguments)


async def test_the_film_without_a_title_is_never_recommended(films: Service) -> None:
    result = await films.call(RECOMMEND, {"user": 1, "items": [UNNAMED], "exclude_seen": False})
    assert result["items"] == []
    assert result["message"] == "0 films for viewer 1. The choice was among 1 film; 1 of them cannot be ranked."


# Films listed under two IDs


async def test_a_film_under_two_ids_is_named_once(films: Service, histories: Histories) -> None:
    unseen = next(user for user, items in histories.items() if not {246, 268} & set(items))
    result = await films.call(RECOMMEND, {"user": unseen, "items": [246, 268, 1]})
    assert len({246, 268} & set(listed(result))) == 1
    assert "The choice was among 3 films; 1 of them is the same as another" in result["message"]


async def test_of_two_ids_the_better_scored_is_named(
    films: Service, arrays: Arrays, histories: Histories, likes: Histories
) -> None:
    for user in [user for user, items in histories.items() if not {246, 268} & set(items)][:20]:
        scores = sum_rows(arrays, likes[user])
        result = await films.call(RECOMMEND, {"user": user, "items": [246, 268]})
        assert listed(result) == [max((246, 268), key=lambda item: scores[item])]


@pytest.mark.parametrize("pair", [(246, 268), (297, 303), (305, 865), (1202, 1504), (878, 1003)])
async def test_a_film_seen_under_its_other_id_is_left_out(
    films: Service, histories: Histories, pair: tuple[int, int]
) -> None:
    half_seen = [user for user, items in histories.items() if len(set(pair) & set(items)) == 1]
    assert half_seen
    for user in half_seen[:10]:
        result = await films.call(RECOMMEND, {"user": user, "items": list(pair)})
        assert result["items"] == []
        assert "2 of them are already known" in result["message"]
        again = await films.call(RECOMMEND, {"user": user, "items": list(pair), "exclude_seen": False})
        assert len(again["items"]) == 1


# Restricted to some items


async def test_items_restrict_the_choice(
    films: Service, movies: Movies, arrays: Arrays, histories: Histories, likes: Likes, twins: dict[int, set[int]]
) -> None:
    some = list(range(1500, 1000, -3))
    scores = sum_rows(arrays, likes[43])
    left_out = with_twins(histories[43], twins)
    expected = best(scores, some, left_out, twins, 10)
    result = await films.call(RECOMMEND, {"user": 43, "items": some, "k": 10, "detail": "full"})
    check(result, scores, expected, movies, left_out, twins)


async def test_an_item_set_restricts_the_choice(
    films: Service, movies: Movies, arrays: Arrays, histories: Histories, likes: Likes, twins: dict[int, set[int]]
) -> None:
    comedies = [item for item, movie in movies.items() if "Comedy" in movie["genres"]]
    found = await films.call(FILTER, {"genres": ["Comedy"]})
    scores = sum_rows(arrays, likes[98])
    left_out = with_twins(histories[98], twins)
    expected = best(scores, comedies, left_out, twins, 3)
    result = await films.call(RECOMMEND, {"user": 98, "k": 3, "item_set": found["item_set"], "detail": "full"})
    check(result, scores, expected, movies, left_out, twins)


async def test_items_and_an_item_set_are_intersected(
    films: Service, movies: Movies, arrays: Arrays, histories: Histories, likes: Likes, twins: dict[int, set[int]]
) -> None:
    first = list(range(1, 300))
    both = [item for item in first if "Comedy" in movies[item]["genres"]]
    found = await films.call(FILTER, {"genres": ["Comedy"]})
    scores = sum_rows(arrays, likes[98])
    left_out = with_twins(histories[98], twins)
    expected = best(scores, both, left_out, twins, 50)
    result = await films.call(
        RECOMMEND, {"user": 98, "k": 50, "items": first, "item_set": found["item_set"], "detail": "full"}
    )
    check(result, scores, expected, movies, left_out, twins)


async def test_an_empty_intersection_is_told(films: Service) -> None:
    found = await films.call(FILTER, {"genres": ["Western"]})
    result = await films.call(RECOMMEND, {"user": 98, "items": [1], "item_set": found["item_set"]})
    assert result["items"] == []
    assert "The choice was among 0 films" in result["message"]


async def test_fewer_than_asked_for_is_told(films: Service, histories: Histories) -> None:
    seen = histories[4][0]
    unseen = [item for item in (1, 2, 3, 4, 5, 6) if item not in histories[4]][:3]
    result = await films.call(RECOMMEND, {"user": 4, "k": 10, "items": [seen, *unseen]})
    assert set(listed(result)) == set(unseen)
    assert "3 films for viewer 4" in result["message"]
    assert "Only 3 of the 10 asked for: the choice was among 4 films; 1 of them is" in result["message"]


async def test_as_many_as_asked_for_need_no_excuse(films: Service) -> None:
    result = await films.call(RECOMMEND, {"user": 4, "k": 3})
    assert "Only" not in result["message"]
    assert len(result["items"]) == 3


# Someone without an ID


async def test_liked_items_stand_in_for_a_history(
    films: Service, movies: Movies, arrays: Arrays, twins: dict[int, set[int]]
) -> None:
    liked = [50, 172, 268]
    scores = sum_rows(arrays, dict.fromkeys(liked, 1.0))
    left_out = with_twins(liked, twins)
    expected = best(scores, movies, left_out, twins, 20)
    assert 246 not in expected
    result = await films.call(RECOMMEND, {"liked_items": liked, "k": 20, "detail": "full"})
    check(result, scores, expected, movies, left_out, twins)


async def test_liked_items_take_part_when_they_are_not_excluded(
    films: Service, movies: Movies, arrays: Arrays, twins: dict[int, set[int]]
) -> None:
    liked = [50, 172, 181]
    scores = sum_rows(arrays, dict.fromkeys(liked, 1.0))
    left_out: set[int] = set()
    expected = best(scores, movies, left_out, twins, 20)
    assert set(liked) <= set(expected)
    result = await films.call(RECOMMEND, {"liked_items": liked, "k": 20, "exclude_seen": False, "detail": "full"})
    check(result, scores, expected, movies, left_out, twins)


async def test_someone_of_whom_nothing_is_known_gets_what_is_popular(films: Service) -> None:
    result = await films.call(RECOMMEND, {"liked_items": []})
    popular = await films.call(POPULAR, {"k": 5})
    assert listed(result) == listed(popular)
    assert "Nothing is known of what someone new likes. These are the most popular films" in result["message"]
    assert [item["rank"] for item in result["items"]] == [1, 2, 3, 4, 5]
    assert all("fit" not in item and "score" not in item for item in result["items"])


async def test_liking_an_item_twice_is_liking_it(films: Service) -> None:
    assert await films.call(RECOMMEND, {"liked_items": [50, 50, 1]}) == await films.call(
        RECOMMEND, {"liked_items": [50, 1]}
    )


async def test_liked_items_count_alike_in_any_order(films: Service, likes: Likes) -> None:
    liked = list(likes[4])
    one, other = [
        await films.call(RECOMMEND, {"liked_items": items, "k": 10, "exclude_seen": False})
        for items in (liked, liked[::-1])
    ]
    assert listed(one) == listed(other)


# Reasons


@pytest.mark.parametrize("user", [4, 98, 405])
async def test_reasons_are_the_largest_summands_of_the_users_history(
    films: Service, movies: Movies, arrays: Arrays, likes: Likes, user: int
) -> None:
    weights = arrays["weights"]
    result = await films.call(RECOMMEND, {"user": user, "k": 10, "reasons": True})
    for item in result["items"]:
        named = [reason["item_id"] for reason in item["because"]]
        assert set(named) <= set(likes[user])
        share = {seen: counts * float(weights[seen - 1, item["item_id"] - 1]) for seen, counts in likes[user].items()}
        largest = sorted(share.values(), reverse=True)[:3]
        assert [share[seen] for seen in named] == pytest.approx([each for each in largest if each > 0])
        assert [reason["title"] for reason in item["because"]] == [movies[seen]["title"] for seen in named]


async def test_reasons_do_not_change_the_recommendations(films: Service) -> None:
    plain = await films.call(RECOMMEND, {"user": 9, "k": 10})
    explained = await films.call(RECOMMEND, {"user": 9, "k": 10, "reasons": True})
    assert all("because" not in item for item in plain["items"])
    assert [{**item, "because": None} for item in plain["items"]] == [
        {**item, "because": None} for item in explained["items"]
    ]


async def test_reasons_for_someone_without_an_id_are_the_liked_items(films: Service) -> None:
    result = await films.call(RECOMMEND, {"liked_items": [50, 172], "k": 1, "reasons": True})
    assert result["items"][0]["title"] == "Return of the Jedi"
    assert {reason["title"] for reason in result["items"][0]["because"]} == {
        "Star Wars",
        "The Empire Strikes Back",
    }


# Errors


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "for which viewer"),
        ({"user": 1, "liked_items": [1]}, "give either user or liked_items, not both"),
        ({"user": 1, "users": [2], "liked_items": [1]}, "give either user or users or liked_items, not all"),
        ({"users": []}, "for which viewer"),
        ({"users": [1, 5000]}, "viewer 5000 is not in ml-100k"),
        ({"users": list(range(1, 22))}, "users names 21 viewers: 20 at most are served together"),
        ({"user": 1, "diversity": 1.5}, "diversity: at most 1"),
        ({"user": 5000}, "viewer 5000 is not in ml-100k: IDs run from 1 to 943"),
        ({"user": 1, "items": [2000]}, "film 2000 is not in ml-100k: IDs run from 1 to 1682"),
        ({"user": 1, "items": []}, "empty list"),
        ({"user": 1, "item_set": "comedies"}, "'comedies' is not an item set"),
        ({"user": 1, "item_set": "set_aaaaaa"}, "item set set_aaaaaa is unknown"),
        ({"liked_items": [1, 1683, 9999]}, "films 1683, 9999 are not in ml-100k"),
        ({"user": 1, "k": 0}, "k: at least 1"),
        ({"user": 1, "k": 101}, "k: at most 100"),
    ],
)
async def test_bad_requests_say_what_is_wrong(films: Service, arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidInputError, match=text):
        await films.call(RECOMMEND, arguments)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"user": 4}, "Films already in the history are left out."),
        ({"users": [4, 9]}, "Films already in their histories are left out."),
        ({"liked_items": [50]}, "Films given as liked are left out."),
        ({"user": 4, "exclude_seen": False}, None),
        ({"user": 4, "items": [1, 2, 3, 4, 5]}, None),
    ],
)
async def test_what_is_left_out_of_recommendations_is_said(
    films: Service, arguments: dict[str, Any], sentence: str | None
) -> None:
    message = (await films.call(RECOMMEND, arguments))["message"]
    assert sentence in message if sentence else "left out" not in message
