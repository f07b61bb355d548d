"""Texts into sparse vectors of words, for every store: BM25 as Qdrant's engine computes it, in the process."""

import qdrant_edge as edge

from mcp_server.errors import BackendError
from mcp_server.vectors.store import Words

TYPICAL_WORDS = 70.0
"""Length of a document that BM25 takes as usual; the texts that are searched are short."""


class Bm25Indexer:
    """BM25 term weights; the engine adds the inverse document frequencies.

    Args:
        language: Decides stemmer and stop words.

    Raises:
        BackendError: The engine does not know the language.
    """

    def __init__(self, language: str) -> None:
        try:
            self._bm25 = edge.Bm25(edge.Bm25Config(language=language, avg_len=TYPICAL_WORDS, ascii_folding=True))
        except ValueError as error:
            raise BackendError(f"search cannot index words in {language!r}: {error}") from error

    def document(self, text: str) -> Words:
        vector = self._bm25.embed_document(text)
        return Words(vector.indices, vector.values)

    def query(self, text: str) -> Words:
        vector = self._bm25.embed_query(text)
        return Words(vector.indices, vector.values)
