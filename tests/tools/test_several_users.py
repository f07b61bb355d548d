"""Recommendations for several users at once, against percentiles counted one by one."""

from bisect import bisect_left
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_server.serving.service import Service
from tests.names import RECOMMEND
from tests.tools.films_by_hand import UNNAMED, Arrays, Histories, Likes, Movies, listed, sum_rows, with_twins
from tests.tools.small_catalogues import RATINGS, Catalogue, Pair
from tests.tools.small_catalogues import listed as letters

FOR_FILMS = [[4, 98], [405, 13, 655], [1, 9, 43, 76, 90]]


def standings(
    users: list[int], arrays: Arrays, likes: Likes, movies: Movies, left_out: set[int], twins: dict[int, set[int]]
) -> dict[int, list[int]]:
    """For each film the number of other films that score lower, by user. A film under two IDs has its better score."""
    films = {min(twins[item]): twins[item] - left_out for item in movies if item not in left_out | {UNNAMED}}
    found: dict[int, list[int]] = {item: [] for same in films.values() for item in same}
    for user in users:
        scores = sum_rows(arrays, likes[user])
        in_order = sorted(max(scores[item] for item in same) for same in films.values())
        for item, counts in found.items():
            counts.append(bisect_left(in_order, scores[item]))
    return found


@pytest.mark.parametrize("users", FOR_FILMS)
@pytest.mark.parametrize("exclude_seen", [True, False])
async def test_films_are_in_the_order_of_the_least_percentile_and_then_of_the_mean(
    films: Service,
    movies: Movies,
    arrays: Arrays,
    histories: Histories,
    likes: Likes,
    twins: dict[int, set[int]],
    users: list[int],
    exclude_seen: bool,
) -> None:
    left_out = with_twins([item for user in users for item in histories[user]], twins) if exclude_seen else set()
    lower = standings(users, arrays, likes, movies, left_out, twins)
    expected: list[int] = []
    for item in sorted(lower, key=lambda item: (-min(lower[item]), -sum(lower[item]), item)):
        if not twins[item] & set(expected):
            expected.append(item)
    result = await films.call(RECOMMEND, {"users": users, "k": 50, "exclude_seen": exclude_seen, "detail": "full"})
    by_worth = [(min(lower[item]), sum(lower[item])) for item in listed(result)]
    assert by_worth == [(min(lower[item]), sum(lower[item])) for item in expected[:50]]
    assert [item["rank"] for item in result["items"]] == [1 + by_worth.index(worth) for worth in by_worth]
    n_others = len({min(twins[item]) for item in lower}) - 1
    assert [item["fit"] for item in result["items"]] == [1000 * least // n_others / 10 for least, _ in by_worth]
    assert all("score" not in item for item in result["items"])
    ids = f"{', '.join(map(str, users[:-1]))} and {users[-1]}"
    assert result["message"].startswith(f"50 films for viewers {ids}, best first: by the fit for the one whom each ")


@pytest.mark.parametrize("users", FOR_FILMS)
async def test_nothing_that_any_of_them_has_seen_is_recommended_and_reasons_are_what_they_like(
    films: Service, histories: Histories, likes: Likes, twins: dict[int, set[int]], users: list[int]
) -> None:
    result = await films.call(RECOMMEND, {"users": users, "k": 20, "reasons": True})
    assert len(result["items"]) == 20
    seen = with_twins([item for user in users for item in histories[user]], twins)
    assert not seen & set(listed(result))
    named: set[int] = set()
    for item in result["items"]:
        assert 1 <= len(item["because"]) <= 3
        for reason in item["because"]:
            likers = [user for user in users if reason["item_id"] in likes[user]]
            assert likers
            named.update(likers)
            known = f"viewer {likers[0]}" if len(likers) == 1 else f"viewers {', '.join(map(str, likers[:-1]))}"
            assert reason["liked_by"].startswith(known)
    assert len(named) >= min(len(users), 3)


async def test_one_user_in_a_list_is_that_user_and_a_user_named_twice_is_one(films: Service) -> None:
    alone = await films.call(RECOMMEND, {"user": 98, "reasons": True})
    assert await films.call(RECOMMEND, {"users": [98], "reasons": True}) == alone
    assert await films.call(RECOMMEND, {"users": 98, "reasons": True}) == alone
    both = await films.call(RECOMMEND, {"users": [98, 4]})
    assert await films.call(RECOMMEND, {"users": [98, 4, 98]}) == both


async def test_what_is_given_restricts_the_choice_and_changes_no_rank(films: Service) -> None:
    every = await films.call(RECOMMEND, {"users": [98, 4], "k": 100})
    some = listed(every)[10:90:7]
    result = await films.call(RECOMMEND, {"users": [98, 4], "items": some, "k": 100})
    assert result["items"] == [item for item in every["items"] if item["item_id"] in some]


SHOP = Catalogue(
    "abcdef",
    [
        *(Pair(user, "a", 5) for user in ("ann", "eve")),
        *(Pair("bob", item, 5) for item in "bf"),
        *(Pair("cid", item, 1) for item in "ac"),
        *(Pair("dan", item, 5) for item in "ef"),
        Pair("gus", "d", 5),
    ],
    RATINGS,
    users=["new"],
    weights={"ac": 3, "ad": 2, "ae": 1, "be": 3, "bd": 2, "bc": 1},
)
"""Who likes a is suited by c, d and e, in this order, and who likes b by e, d and c. Other likes say nothing."""


async def test_what_is_nobodys_best_may_suit_all_best(tmp_path: Path) -> None:
    answer = await SHOP.answer(tmp_path, RECOMMEND, users=["ann", "bob"], reasons=True)
    assert letters(answer)[0] == "d"
    assert [(item["item_id"], item["rank"], item["fit"]) for item in answer["items"]] == [
        ("d", 1, 50),
        ("c", 2, 0),
        ("e", 2, 0),
    ]
    assert answer["items"][0]["because"] == [
        {"item_id": "a", "title": "A", "liked_by": "customer ann"},
        {"item_id": "b", "title": "B", "liked_by": "customer bob"},
    ]


async def test_who_likes_the_same_is_named_together(tmp_path: Path) -> None:
    answer = await SHOP.answer(tmp_path, RECOMMEND, users=["ann", "eve"], k=1, reasons=True)
    assert [reason["liked_by"] for reason in answer["items"][0]["because"]] == ["customers ann and eve"]


async def test_one_of_whom_nothing_is_known_is_named_and_the_others_decide(tmp_path: Path) -> None:
    answer = await SHOP.answer(tmp_path, RECOMMEND, users=["ann", "new", "bob"])
    assert letters(answer)[0] == "d"
    assert (
        "3 products for customers ann, new and bob, best first: by the fit for the one whom each" in answer["message"]
    )
    assert "Customer new has no interactions yet, so nothing is known of what this customer likes." in answer["message"]
    assert "So the ranking goes by customers ann and bob alone." in answer["message"]


async def test_one_who_likes_nothing_has_a_history_all_the_same(tmp_path: Path) -> None:
    answer = await SHOP.answer(tmp_path, RECOMMEND, users=["ann", "cid"], reasons=True)
    assert letters(answer)[:2] == "de"  # cid knows c
    assert "Nothing is known of what customer cid likes yet: nothing in the history is liked" in answer["message"]
    assert "best first. " in answer["message"]
    assert "So the ranking goes by customer ann alone." in answer["message"]
    reason = {"item_id": "a", "title": "A", "liked_by": "customer ann"}  # cid knows it, too
    assert all(item["because"] == [reason] for item in answer["items"][:2])
    shown = await SHOP.answer(tmp_path, RECOMMEND, users=["ann", "cid"], exclude_seen=False)
    assert letters(shown)[0] == "c"


async def test_one_whose_likes_say_nothing_is_told_too(tmp_path: Path) -> None:
    answer = await SHOP.answer(tmp_path, RECOMMEND, users=["gus", "ann"])
    assert letters(answer)[:2] == "ce"  # gus knows d
    assert "Nothing could be concluded from the history of customer gus." in answer["message"]
    assert "So the ranking goes by customer ann alone." in answer["message"]


async def test_where_nothing_is_known_of_any_all_get_what_is_popular(tmp_path: Path) -> None:
    answer = await SHOP.answer(tmp_path, RECOMMEND, users=["cid", "new"], reasons=True)
    assert letters(answer) == "fbde"
    assert "most popular first. Nothing is known of what customer cid likes yet" in answer["message"]
    assert "Customer new has no interactions yet" in answer["message"]
    assert "These are the most popular products that could be recommended." in answer["message"]
    assert all(set(item) == {"item_id", "title", "rank"} for item in answer["items"])


async def test_what_is_not_available_suits_nobody(tmp_path: Path) -> None:
    answer = await replace(SHOP, out_of_stock="d").answer(tmp_path, RECOMMEND, users=["ann", "bob"])
    assert letters(answer) == "ce"
    assert "1 product is not available and was left out." in answer["message"]


async def test_what_nothing_speaks_for_in_any_history_is_said(tmp_path: Path) -> None:
    shop = replace(SHOP, weights={"ac": 3, "be": 3})
    answer = await shop.answer(tmp_path, RECOMMEND, users=["ann", "bob"])
    assert "Nothing in their histories speaks for 1 product of rank 3." in answer["message"]
