"""Users for items and users like another one, against every user scored and every pair of users compared by hand."""

import math
import random
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from tests.conftest import Rating
from tests.names import FIND_USERS, RECOMMEND
from tests.tools.films_by_hand import UNNAMED, Arrays, Histories, Likes, Movies, sum_rows, with_twins
from tests.tools.small_catalogues import COUNTS, EVENTS, LIKES, RATINGS, TIMES, Catalogue, Pair

KINDS: dict[str, Mapping[str, Any]] = {
    "ratings": RATINGS,
    "counts": COUNTS,
    "events": EVENTS,
    "likes": LIKES,
    "ratings with times": {**RATINGS, **TIMES},
}

USERS = [f"u{number:02}" for number in range(24)]
ITEMS = "abcdefgh"


def made_up(interactions: Mapping[str, Any], seed: int) -> Catalogue:
    """A catalogue of two dozen users, some of whom have done nothing or like nothing."""
    chance = random.Random(seed)
    values = {"ratings": [1, 2, 3, 4, 5], "counts": [0, 1, 4], "events": [-4, 1, 6]}
    kind = interactions.get("feedback", "ratings" if interactions.get("rating") else "likes")
    pairs = [
        Pair(user, item, chance.choice(values.get(kind, [1])), n_events=1, time=chance.randrange(10**6))
        for user in USERS[:-2]
        for item in chance.sample(ITEMS[:-1], chance.randint(1, 5))
    ]
    weights = {a + b: chance.choice([-1, 0, 1, 2, 3]) for a in ITEMS for b in ITEMS if a != b}
    tiers = {user: ("gold", "silver")[number % 2] for number, user in enumerate(USERS) if number % 5}
    return Catalogue(ITEMS, pairs, interactions, users=USERS, out_of_stock="g", weights=weights, tiers=tiers)


def likes_of(shop: Catalogue) -> dict[str, set[str]]:
    threshold = shop.spec.interactions.like_threshold
    found: dict[str, set[str]] = {user: set() for user in [*shop.users, *(pair.user for pair in shop.pairs)]}
    for pair in shop.pairs:
        if (
            pair.value >= threshold if threshold is not None else pair.value > 0
        ) or shop.spec.interactions.kind == "likes":
            found[pair.user].add(pair.item)
    return found


def fits_of(shop: Catalogue, asked: str) -> tuple[dict[str, tuple[float, float, int]], int, int]:
    """For each user the mean share of other items that score lower, the mean score and the number of items that are
    new; and how many users have had all the items, and how many cannot be ranked.
    """
    used = {pair.item for pair in shop.pairs} - set(shop.out_of_stock)
    found, n_had, n_unknown = {}, 0, 0
    for user, liked in likes_of(shop).items():
        candidates = used - {pair.item for pair in shop.pairs if pair.user == user}
        new = sorted(set(asked) & candidates)
        scores = {item: sum(shop.weights.get(like + item, 0) for like in liked) for item in candidates}
        if not new:
            n_had += 1
        elif not any(scores.values()):
            n_unknown += 1
        else:
            lower = [sum(scores[other] < scores[item] for other in candidates) for item in new]
            share = sum(lower) / (len(new) * (len(candidates) - 1)) if len(candidates) > 1 else 1.0
            found[user] = share, sum(scores[item] for item in new) / len(new), len(new)
    return found, n_had, n_unknown


def ids(answer: Mapping[str, Any]) -> list[str]:
    return [each["user"] for each in answer["users"]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("asked", ["a", "h", "cd", "abcdefg"])
async def test_users_are_in_the_order_of_what_every_one_of_them_scores(tmp_path: Path, kind: str, asked: str) -> None:
    for seed in range(3):
        shop = made_up(KINDS[kind], seed)
        answer = await shop.answer(tmp_path / str(seed), FIND_USERS, items=list(asked), k=100)
        found, n_had, n_unknown = fits_of(shop, asked)
        if asked == "h":  # which nobody has bought
            assert answer["users"] == []
            assert "1 product cannot be ranked for anybody" in answer["message"]
            continue
        order = sorted(found, key=lambda user: (-found[user][0], -found[user][1], user))
        assert ids(answer) == order
        assert [each["fit"] for each in answer["users"]] == [
            math.floor(1000 * found[user][0] + 1e-9) / 10 for user in order
        ]
        assert (answer["n_considered"], answer["n_had"]) == (len(found), n_had)
        assert answer["n_high_fit"] == sum(found[user][0] >= 0.9 for user in order)
        assert (f"{n_unknown} customers could not be ranked" in answer["message"]) == (n_unknown > 1)
        if len(asked) > 1:
            assert [each["n_new"] for each in answer["users"]] == [found[user][2] for user in order]


async def test_a_fit_is_the_one_that_a_recommendation_has(tmp_path: Path) -> None:
    shop = made_up(RATINGS, 7)
    answer = await shop.answer(tmp_path, FIND_USERS, items=["a"], k=100)
    for each in answer["users"]:
        ranked = await shop.answer(tmp_path, RECOMMEND, user=each["user"], k=100)
        assert [item["fit"] for item in ranked["items"] if item["item_id"] == "a"] == [each["fit"]]


async def test_of_several_items_the_best_is_named(tmp_path: Path) -> None:
    shop = made_up(RATINGS, 8)
    answer = await shop.answer(tmp_path, FIND_USERS, items=list("abc"), k=100)
    assert answer["users"]
    for each in answer["users"]:
        ranked = await shop.answer(tmp_path, RECOMMEND, user=each["user"], k=100)
        ranks = {item["item_id"]: item["rank"] for item in ranked["items"] if item["item_id"] in "abc"}
        assert each["n_new"] == len(ranks)
        assert ranks[each["best"]["item_id"]] == min(ranks.values())


async def test_only_users_of_a_group_are_found_and_all_groups_are_shown(tmp_path: Path) -> None:
    shop = made_up(RATINGS, 9)
    every = await shop.answer(tmp_path, FIND_USERS, items=["a"], k=100)
    gold = await shop.answer(tmp_path, FIND_USERS, items=["a"], k=100, user_group="gold")
    assert gold["users"] == [each for each in every["users"] if shop.tiers.get(each["user"]) == "gold"]
    assert all(each["groups"] == {"tier": shop.tiers.get(each["user"])} for each in every["users"])
    assert "(gold)" in gold["message"]


async def test_no_more_than_k_are_shown_and_all_are_counted(tmp_path: Path) -> None:
    shop = made_up(LIKES, 10)
    every = await shop.answer(tmp_path, FIND_USERS, items=["b"], k=100)
    some = await shop.answer(tmp_path, FIND_USERS, items=["b"], k=2)
    assert some["users"] == every["users"][:2]
    assert some["n_considered"] == every["n_considered"] == len(every["users"]) > 2


async def test_items_that_are_not_available_are_left_out_and_said(tmp_path: Path) -> None:
    answer = await made_up(LIKES, 11).answer(tmp_path, FIND_USERS, items=["g"])
    assert answer["users"] == []
    assert "1 product is not available and was left out." in answer["message"]


async def test_an_item_that_nobody_has_used_finds_users_where_the_model_scores_it(tmp_path: Path) -> None:
    shop = replace(made_up(LIKES, 12), cold_items=True, pairs=[Pair("u01", "a"), Pair("u02", "b"), Pair("u03", "c")])
    shop = replace(shop, weights={"ah": 3, "ac": 1, "bh": 1, "bc": 2, "ha": 9})
    answer = await shop.answer(tmp_path, FIND_USERS, items=["h"])
    assert [(each["user"], each["fit"]) for each in answer["users"]] == [("u01", 100), ("u02", 80)]
    assert answer["n_considered"] == 2


async def test_of_many_users_those_are_ranked_whose_likes_speak_most(tmp_path: Path) -> None:
    """6,000 customers like one product each; b speaks most for a, then c, and d speaks against it."""
    items = {f"u{number:04}": "bbccccdddddd"[number % 12] for number in range(6_000)}
    pairs = [Pair(user, item) for user, item in items.items()] + [Pair("u0000", "a")]
    weights = {"ba": 3, "be": 1, "ca": 2, "ce": 4, "da": -1, "de": 1, "ab": 1}
    shop = Catalogue("abcde", [*pairs, Pair("x", "e")], LIKES, weights=weights)
    answer = await shop.answer(tmp_path, FIND_USERS, items=["a"], k=100)
    assert {items[user] for user in ids(answer)} == {"b"}
    assert "u0000" not in ids(answer)  # who has it
    assert answer["n_considered"] == 500
    assert "n_had" not in answer
    assert "n_high_fit" not in answer
    assert "of 6,001 only those were looked at whose history speaks most for it" in answer["message"]


async def test_what_nothing_speaks_for_is_said(tmp_path: Path) -> None:
    shop = Catalogue("abc", [Pair("ann", "a"), Pair("bob", "b"), Pair("cid", "c")], LIKES, weights={"ab": 1})
    answer = await shop.answer(tmp_path, FIND_USERS, items=["c"])
    assert ids(answer) == ["ann"]
    assert "Nothing in the history of 1 of these customers speaks for or against it." in answer["message"]


@pytest.mark.parametrize("kind", KINDS)
async def test_users_who_are_alike_are_those_with_most_in_common(tmp_path: Path, kind: str) -> None:
    for seed in range(3):
        shop = made_up(KINDS[kind], seed + 20)
        likes = likes_of(shop)
        user = max(likes, key=lambda each: len(likes[each]))
        answer = await shop.answer(tmp_path / str(seed), FIND_USERS, similar_to=user, k=100)
        common = {other: likes[user] & liked for other, liked in likes.items() if other != user and likes[user] & liked}
        square = {other: len(both) ** 2 / len(likes[other]) for other, both in common.items()}
        order = sorted(common, key=lambda other: (-square[other], -len(common[other]), other))
        assert ids(answer) == order
        assert answer["n_considered"] == len(order)
        for each in answer["users"]:
            both = common[each["user"]]
            assert each["n_common"] == len(both)
            assert {item["item_id"] for item in each["common"]} <= both
            assert len(each["common"]) == min(len(both), 3)
            expected = 100 * len(both) / math.sqrt(len(likes[user]) * len(likes[each["user"]]))
            assert expected - 0.1 <= each["likeness"] <= expected + 1e-9


async def test_who_likes_nothing_is_like_nobody(tmp_path: Path) -> None:
    answer = await made_up(RATINGS, 30).answer(tmp_path, FIND_USERS, similar_to="u23")
    assert answer["users"] == []
    assert "Customer u23 has no interactions yet" in answer["message"]


@pytest.mark.parametrize("arguments", [{}, {"items": ["a"], "similar_to": "u01"}, {"similar_to": "nobody"}])
async def test_items_or_a_user_are_asked_for(tmp_path: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match=r"give either items|not in small"):
        await made_up(LIKES, 31).answer(tmp_path, FIND_USERS, **arguments)


async def test_where_no_model_could_be_trained_the_message_says_so(tmp_path: Path) -> None:
    answer = await replace(made_up(LIKES, 32), trained=False).answer(tmp_path, FIND_USERS, items=["a"])
    assert answer["users"] == []
    assert answer["message"].startswith("No model could be trained on so few")


def film_fits(
    item: int, arrays: Arrays, likes: Likes, histories: Histories, movies: Movies, twins: dict[int, set[int]]
) -> dict[int, float]:
    """The share of other films that score lower for each viewer who has not rated a film. A film under two IDs has its
    better score.
    """
    found = {}
    for user, history in histories.items():
        left_out = with_twins(history, twins) | {UNNAMED}
        if user not in likes or item in left_out:
            continue
        scores = sum_rows(arrays, likes[user])
        films: dict[int, float] = {}
        for each in movies:
            if each not in left_out:
                first = min(twins[each])
                films[first] = max(films.get(first, -math.inf), scores[each])
        in_order = sorted(films.values())
        found[user] = bisect_left(in_order, scores[item]) / (len(films) - 1)
    return found


@pytest.mark.parametrize("item", [943, 9])
async def test_viewers_for_a_film_are_those_with_the_best_fits_of_all(
    films: Service,
    item: int,
    arrays: Arrays,
    likes: Likes,
    histories: Histories,
    movies: Movies,
    twins: dict[int, set[int]],
) -> None:
    shares = film_fits(item, arrays, likes, histories, movies, twins)
    answer = await films.call(FIND_USERS, {"items": [item], "k": 50})
    assert answer["n_considered"] == len(shares)
    assert answer["n_had"] == sum(bool(twins[item] & set(history)) for history in histories.values())
    expected = sorted(shares.values(), reverse=True)[:50]
    assert [each["fit"] for each in answer["users"]] == pytest.approx([100 * share for share in expected], abs=0.11)
    for each in answer["users"]:
        assert each["fit"] == pytest.approx(100 * shares[each["user"]], abs=0.11)
    n_high = [sum(100 * share >= least for share in shares.values()) for least in (90.1, 89.9)]
    assert n_high[0] <= answer["n_high_fit"] <= n_high[1]


def different(items: Sequence[int], twins: dict[int, set[int]]) -> set[int]:
    return {min(twins[item]) for item in items}


@pytest.mark.parametrize("user", [9, 405, 655])
async def test_viewers_like_another_are_those_who_like_the_same(
    films: Service, ratings: list[Rating], twins: dict[int, set[int]], user: int
) -> None:
    liked: dict[int, list[int]] = {}
    for line in ratings:
        if line.rating >= 4:
            liked.setdefault(line.user, []).append(line.item)
    own = different(liked[user], twins)
    common = {
        other: own & different(items, twins)
        for other, items in liked.items()
        if other != user and own & different(items, twins)
    }
    cosine = {
        other: len(both) / math.sqrt(len(own) * len(different(liked[other], twins))) for other, both in common.items()
    }
    order = sorted(common, key=lambda other: (-cosine[other], -len(common[other]), other))
    answer = await films.call(FIND_USERS, {"similar_to": user, "k": 40})
    assert ids(answer) == order[:40]
    assert answer["n_considered"] == len(order)
    for each in answer["users"]:
        assert each["n_common"] == len(common[each["user"]])
        assert each["likeness"] == pytest.approx(100 * cosine[each["user"]], abs=0.11)
