"""The texts of an item that take part in search, and their division into pieces."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mcp_server.dataset.records import Dataset

_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+(?=[\"'“‘(]*[^\W_])")


@dataclass(frozen=True)
class ItemText:
    """An item's texts as they are indexed."""

    item: int
    """Position of the item."""
    whole: str
    """All texts together: the dense vector of the item."""
    sentences: list[str]
    """Its pieces: a dense vector each, so that one matching sentence is enough."""
    words: str
    """Keywords and texts for the index of words."""
    digests: list[str]
    """Digests of each text and of the whole, by which a query that is the item's own text is recognised."""

    def without_sentences(self) -> "ItemText":
        """The same, with the whole text as its only piece."""
        return replace(self, sentences=[self.whole])


def text_digest(text: str) -> str:
    """The same for texts that differ in case and spaces only."""
    return hashlib.sha256(" ".join(text.casefold().split()).encode()).hexdigest()[:16]


def split_sentences(text: str) -> list[str]:
    """Split where a sentence ends and another begins. Abbreviations may split too; that does no harm here."""
    return [piece.strip() for piece in _SENTENCE_END.split(text) if piece.strip()]


def item_texts(dataset: Dataset) -> list[ItemText]:
    """The texts of every item that has any."""
    search = dataset.spec.search
    if search is None:
        return []
    found = []
    n_texts = len(search.texts)
    for position, values in enumerate(dataset.items.rows([*search.texts, *search.keywords])):
        texts = [str(value) for value in values[:n_texts] if value]
        if not texts:
            continue
        keywords = [_plain(value) for value in values[n_texts:] if value]
        whole = " ".join(texts)
        found.append(
            ItemText(
                item=position,
                whole=whole,
                sentences=[sentence for text in texts for sentence in split_sentences(text)],
                words=". ".join([*keywords, whole]),
                digests=[text_digest(text) for text in dict.fromkeys([*texts, whole])],
            )
        )
    return found


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)
