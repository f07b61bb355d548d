"""Items by who likes them."""

import math

import numpy as np
import pytest

from mcp_server.serving.service import Service
from tests.conftest import Rating


async def test_cosines_are_those_of_the_sets_of_likers(films: Service, ratings: list[Rating]) -> None:
    likers: dict[int, set[int]] = {}
    for line in ratings:
        if line.rating >= 4:
            likers.setdefault(line.item, set()).add(line.user)
    catalog = await (await films._backends()).catalog()
    for item in (9, 50, 1000):
        found = await catalog.co_likes.with_item(item - 1)
        assert found is not None
        for other in range(1, 1683, 37):
            both = len(likers[item] & likers.get(other, set()))
            expected = both / math.sqrt(len(likers[item]) * max(len(likers.get(other, set())), 1))
            assert found[other - 1] == pytest.approx(expected)
        assert found[item - 1] == pytest.approx(1)


async def test_an_item_that_nobody_likes_has_none(films: Service, ratings: list[Rating]) -> None:
    liked = {line.item for line in ratings if line.rating >= 4}
    unliked = next(item for item in range(1, 1683) if item not in liked)
    catalog = await (await films._backends()).catalog()
    assert await catalog.co_likes.with_item(unliked - 1) is None


async def test_names_that_few_have_count_more(films: Service) -> None:
    catalog = await (await films._backends()).catalog()
    origin = 49
    (names,) = await catalog.categories.of(np.array([origin]))
    shared = await catalog.categories.shared(origin)
    others = np.array([171, 180, 0])
    expected = [
        sum(math.log(1682 / n_with) for name, n_with in each if name in dict(names))
        for each in await catalog.categories.of(others)
    ]
    np.testing.assert_allclose(shared[others], expected)
    assert shared[origin] == pytest.approx((await catalog.categories.rarity(np.array([origin])))[0])
