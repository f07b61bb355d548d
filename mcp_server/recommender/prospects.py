"""Prospects: the users whom some items would suit, and who have not had them yet.

Few users are all looked at, each as a recommendation would. Of many, those are whose history speaks most for the items:
the model's weights of what they like, summed and divided by the root of how many these are, since long histories add up
to more whatever they are. For several items, the users' places by each are added. Of 943 viewers of MovieLens-100k, the
first hundred by this have 92% of the ten whom a film suits best, and 79% of the ten whom five films do.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mcp_server.catalog.catalog import Catalog
from mcp_server.catalog.user_histories import History
from mcp_server.errors import InvalidInputError
from mcp_server.recommender.ranker import Ranker, says_anything
from mcp_server.recommender.standing import Standing, percentile
from mcp_server.types import DoubleArray, FloatArray, IntArray

MOST_USERS, MOST_SCORES = 5_000, 20_000_000
"""Upper bounds on the users all of whom are looked at, and on the scores that this takes."""

MOST_CANDIDATES, FEWEST_CANDIDATES = 500, 100
"""Bounds on the users who are looked at where there are too many for all: the fewer, the larger the catalogue."""

CANDIDATE_SCORES = 100_000_000
"""Upper bound on the scores that they take, where they are not the fewest."""

MOST_SPEAKERS, MOST_LIKES = 1_000, 5_000_000
"""Upper bounds on the items that speak for or against others of which the likers are read, and on these likers."""

MOST_SPOKEN_FOR = 5
"""Items, the most popular ones, for which others are asked to speak."""

AT_ONCE = 250
"""Users whose histories are in memory at once."""

FEW = 20
"""Items whose standing is counted one by one; that of more is taken from the standing of all."""


@dataclass(frozen=True)
class Prospect:
    """A user, and how well those of the items that are new to this user would suit."""

    user: int
    """Position."""
    share: float
    """Mean over the items: the share of all others that suit the user less, from 0 to 1."""
    fit: float
    """The same in percent, rounded down to one decimal, as ``percentile`` does."""
    score: float
    """Mean over the items: the model's score."""
    n_new: int
    """Number of the items that are new to the user."""
    best: int
    """Position of the item that suits best."""
    speaks: bool
    """False where nothing that the user likes speaks for or against any of the items."""


@dataclass
class Prospects:
    """The users who have been looked at."""

    are_all: bool
    """False where they were chosen among many."""
    found: list[Prospect] = field(default_factory=list)
    n_had: int = 0
    """Number of users who have had every one of the items."""
    n_unknown: int = 0
    """Number of users by whose likes nothing can be ranked: there are none, or they say nothing."""

    def best(self, k: int) -> list[Prospect]:
        """The best k, best first: by their share, then by their score, then by their position."""
        return sorted(self.found, key=lambda each: (-each.share, -each.score, each.user))[:k]


async def find_prospects(catalog: Catalog, ranker: Ranker, items: IntArray, users: IntArray) -> Prospects | None:
    """The prospects among users, for items that can be recommended.

    Args:
        items: Positions, each once, and one of those that are the same: (n,).
        users: Positions, which rise.

    Returns:
        None where there are too many users, and the model cannot tell what speaks for an item.

    Raises:
        BackendError: The database cannot be read.
    """
    n_candidates = min(max(CANDIDATE_SCORES // catalog.n_items, FEWEST_CANDIDATES), MOST_CANDIDATES)
    n_all = max(min(MOST_SCORES // catalog.n_items, MOST_USERS), n_candidates)
    chosen: IntArray | None = users
    if len(users) > n_all:
        chosen = await _candidates(catalog, ranker, items, users, n_candidates)
    if chosen is None:
        return None
    prospects = Prospects(are_all=len(users) <= n_all)
    for start in range(0, len(chosen), AT_ONCE):
        part = chosen[start : start + AT_ONCE].tolist()
        histories = await catalog.histories.of_many(part)
        await asyncio.to_thread(_look_at, prospects, catalog, ranker, items, part, histories)
    return prospects


async def _candidates(
    catalog: Catalog, ranker: Ranker, items: IntArray, users: IntArray, n_candidates: int
) -> IntArray | None:
    """The users whose history speaks most for the most popular of some items, at most so many: (n,)."""
    spoken_for = items[np.argsort(-catalog.popularity[items], kind="stable")][:MOST_SPOKEN_FOR]
    places, any_speaks = np.zeros(len(users), dtype=np.int64), np.zeros(len(users), dtype=bool)
    for item in spoken_for.tolist():
        weights = await asyncio.to_thread(ranker.speaking_for, item, catalog.n_items)
        if weights is None:
            return None
        evidence = (await _evidence(catalog, weights))[users]
        any_speaks |= evidence > 0
        places += await asyncio.to_thread(lambda amounts: np.searchsorted(np.sort(amounts), amounts), evidence)
    if len(items) == 1:
        any_speaks &= ~np.isin(users, await catalog.likers.of(items))  # who have had it
    speaking = np.flatnonzero(any_speaks)
    best: IntArray = users[speaking[np.argsort(-places[speaking], kind="stable")]][:n_candidates]
    return best


async def _evidence(catalog: Catalog, weights: DoubleArray) -> DoubleArray:
    """The weights of what each user likes, summed and divided by the root of how many these are: (n_users,).

    Args:
        weights: (n_items,).
    """
    speakers = np.argsort(-np.abs(weights), kind="stable")[:MOST_SPEAKERS]
    speakers = speakers[np.cumsum(await catalog.likers.numbers(speakers)) <= MOST_LIKES]
    n_likes = await catalog.likers.n_likes()
    return await catalog.likers.sums(speakers, weights[speakers]) / np.sqrt(np.maximum(n_likes, 1))


def _look_at(
    into: Prospects,
    catalog: Catalog,
    ranker: Ranker,
    items: IntArray,
    users: Sequence[int],
    histories: Sequence[History],
) -> None:
    for user, history in zip(users, histories, strict=True):
        recommendable = catalog.recommendable(history.items, cold=ranker.reaches_cold_items)
        new = items[recommendable[items]]
        if not len(new):
            into.n_had += 1
            continue
        scores = _scores(ranker, user, history)
        if scores is None or not says_anything(scores, np.flatnonzero(recommendable)):
            into.n_unknown += 1
            continue
        standing = Standing(scores, recommendable, catalog.twins)
        n_lower = standing.n_lower(new) if len(new) <= FEW else standing.n_lower_of_all()[new]
        most, total, own = len(new) * standing.n_others, int(n_lower.sum()), scores[new]
        into.found.append(
            Prospect(
                user=user,
                share=total / most if most else 1.0,
                fit=percentile(total, most),
                score=float(own.mean(dtype=np.float64)),
                n_new=len(new),
                best=int(new[np.lexsort((-catalog.popularity[new], -own))[0]]),
                speaks=bool(own.any()),
            )
        )


def _scores(ranker: Ranker, user: int, history: History) -> FloatArray | None:
    """Scores of all items for a user, (n_items,); None where they like nothing, or the model does not know them."""
    if not len(history.liked):
        return None
    try:
        return ranker.scores(user, history.liked)
    except InvalidInputError:  # a table of scores, and a user who came after the training
        return None
