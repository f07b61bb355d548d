"""One order of four ways of being near."""

import numpy as np
import pytest

from mcp_server.dataset.search import SearchWeights
from mcp_server.vectors.fusion import LEAST_SPREAD, Background, Fusion, standardised
from mcp_server.vectors.store import Hits

NOTHING_COUNTS = {"text": 0.0, "sentences": 0.0, "profile": 0.0, "words": 0.0, "popularity": 0.0}


def _hits(nearness: list[list[float]], n_words: int = 1) -> Hits:
    n = len(nearness)
    return Hits(np.arange(n), np.array(nearness).reshape(n, 4), {}, n_words)


def _scores(hits: Hits, used: list[float], **weights: float) -> list[float]:
    fusion = Fusion(SearchWeights(**{**NOTHING_COUNTS, **weights}), Background(0.2, 0.1), np.array(used))
    return [round(float(score), 6) for score in fusion.scores(hits)]


def test_cosines_are_told_in_spreads_above_chance() -> None:
    hits = _hits([[0.2, 0, 0, 0], [0.5, 0, 0, 0]])
    assert _scores(hits, [0, 0], text=0.5) == [0, 1.5]


@pytest.mark.parametrize("form", ["text", "sentences", "profile", "words"])
def test_only_what_has_a_weight_counts(form: str) -> None:
    near = {"text": 0, "sentences": 1, "profile": 2, "words": 3}[form]
    hits = _hits([[float(place == near) for place in range(4)], [float(place != near) for place in range(4)]])
    first, second = _scores(hits, [5, 1], **{form: 1})
    assert first > second


def test_words_count_less_each_the_more_there_are() -> None:
    one, four = (_scores(_hits([[0, 0, 0, 2.6]], n_words), [0], words=1)[0] for n_words in (1, 4))
    assert (one, four) == (4, 2)


def test_a_catalogue_without_interactions_has_no_popular_items() -> None:
    hits = _hits([[0.2, 0, 0, 0]] * 3)
    assert _scores(hits, [0, 0, 0], text=1, popularity=3) == [0, 0, 0]


def test_the_better_known_of_two_that_are_equally_near_comes_first() -> None:
    hits = _hits([[0.5, 0, 0, 0]] * 3)
    scores = _scores(hits, [10, 0, 1000], text=1, popularity=0.3)
    assert sorted(range(3), key=lambda item: -scores[item]) == [2, 0, 1]


def test_fits_run_from_chance_to_the_same_text() -> None:
    fusion = Fusion(SearchWeights(), Background(0.2, 0.1), np.zeros(5))
    hits = _hits([[-1, -1, -1, 9], [0.2, 0, 0, 0], [0, 0.6, 0, 0], [0, 0, 1.0, 0], [1.00001, 0, 0, 0]])
    assert fusion.fits(hits).round(6).tolist() == [0, 0, 50, 100, 100]
    assert fusion.fits(_hits([])).tolist() == []


def test_the_background_of_texts_is_what_different_ones_have_in_common() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
    background = Background.of(vectors)
    assert background.mean == pytest.approx((0 + 0.6 + 0.8) / 3)
    assert background.spread == pytest.approx(np.std([0, 0.6, 0.8]))


def test_few_or_equal_texts_have_a_background_too() -> None:
    assert Background.of(np.zeros((0, 4), dtype=np.float32)) == Background(0.0, 1.0)
    assert Background.of(np.eye(1, 4, dtype=np.float32)) == Background(0.0, 1.0)
    same = Background.of(np.ones((3, 1), dtype=np.float32))
    assert same == Background(1.0, LEAST_SPREAD)
    assert Fusion(SearchWeights(), same, np.zeros(1)).fits(_hits([[1, 1, 1, 0]])).tolist() == [100]


def test_what_is_equal_is_standardised_to_nothing() -> None:
    assert standardised([]).tolist() == []
    assert standardised([7, 7]).tolist() == [0, 0]
    assert standardised([1, 3]).tolist() == [-1, 1]
