"""What the word index takes for the same word, and what a word weighs."""

import pytest

from mcp_server.errors import BackendError
from mcp_server.vectors.words import Bm25Indexer


def _shared(indexer: Bm25Indexer, text: str, query: str) -> float:
    document, asked = indexer.document(text), indexer.query(query)
    weights = dict(zip(document.indices, document.values, strict=True))
    pairs = zip(asked.indices, asked.values, strict=True)
    return sum(value * weights.get(index, 0.0) for index, value in pairs)


def test_words_are_the_same_but_for_case_ending_and_accents() -> None:
    indexer = Bm25Indexer("english")
    for query in ("shark", "SHARKS", "a café", "cafe", "hunted"):
        assert _shared(indexer, "Sharks hunt near the Café.", query) > 0
    assert _shared(indexer, "Sharks hunt near the Café.", "whale") == 0


def test_words_that_say_nothing_are_not_indexed() -> None:
    indexer = Bm25Indexer("english")
    assert list(indexer.document("the of and").indices) == []
    assert list(indexer.query("the of and").indices) == []


def test_a_word_weighs_more_the_more_often_a_text_has_it() -> None:
    indexer = Bm25Indexer("english")
    assert _shared(indexer, "shark shark boat", "shark") > _shared(indexer, "shark boat boat", "shark")


def test_a_language_without_an_index_is_refused_by_name() -> None:
    with pytest.raises(BackendError, match="klingon"):
        Bm25Indexer("klingon")
