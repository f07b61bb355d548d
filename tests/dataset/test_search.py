"""The search block of a dataset.yaml."""

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from mcp_server.dataset.search import Language, SearchSpec, SearchWeights
from mcp_server.vectors.words import Bm25Indexer


def _spec(**keys: Any) -> SearchSpec:
    return SearchSpec.model_validate({"texts": ["story"], **keys})


@pytest.mark.parametrize("language", ["klingon", "German", "de", ""])
def test_a_language_that_is_not_known_is_refused_with_those_that_are(language: str) -> None:
    with pytest.raises(ValidationError) as refused:
        _spec(language=language)
    assert [known for known in get_args(Language) if f"'{known}'" not in str(refused.value)] == []


@pytest.mark.parametrize("language", get_args(Language))
def test_every_known_language_has_an_index_of_words(language: str) -> None:
    assert Bm25Indexer(language).document("Berlin 1927").indices


def test_weights_that_are_not_given_keep_their_defaults() -> None:
    assert _spec().weights == SearchWeights()
    assert _spec(weights={"popularity": 0}).weights == SearchWeights(popularity=0)


@pytest.mark.parametrize(
    ("weights", "refusal"),
    [
        ({"text": -0.1}, "greater than or equal to 0"),
        ({"words": 101}, "less than or equal to 100"),
        ({"words": float("nan")}, "finite"),
        ({"titles": 1}, "titles"),
        ({"text": 0, "sentences": 0, "words": 0, "profile": 0}, "one of text, sentences, words and profile"),
    ],
)
def test_weights_that_order_nothing_are_refused(weights: dict[str, float], refusal: str) -> None:
    with pytest.raises(ValidationError, match=refusal):
        _spec(weights=weights)
