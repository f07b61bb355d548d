"""Sentences by which an item is known: each stands in the text of one item only, and does not name it."""

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np

from mcp_server.questions.ledger import Ledger, words_of

SENTENCE_END = re.compile(r"(?<=[.!?])\s+")

LEAST_WORDS, MOST_WORDS = 9, 40
"""Words of a sentence that says enough and is not too long to be asked about."""

N_SAMPLED = 300
"""Items of which a sentence is looked for."""

N_LEFT_OUT = 2
"""Words that are left out at either end of a text of a single sentence. Whoever searches for the whole text of an item
may mean others like it, so a whole text would be an unclear question."""


@dataclass(frozen=True)
class KnownSentence:
    """A sentence, and the item that it is of."""

    item: int
    text: str


def find_sentences(ledger: Ledger, seed: int) -> list[KnownSentence]:
    """Sentences of some items, in an order of chance. The texts are read twice, and not kept.

    Returns:
        Nothing for a dataset without texts that are searched.
    """
    if ledger.spec.search is None:
        return []
    field = ledger.spec.search.texts[-1]
    plain = np.flatnonzero(ledger.plain & ledger.recommendable)
    chosen = np.random.default_rng(seed).permutation(plain)[:N_SAMPLED]
    place_of = {int(item): place for place, item in enumerate(chosen)}
    candidates: dict[str, KnownSentence] = {}
    for item, (text,) in enumerate(ledger.dataset.items.rows([field])):
        if item in place_of and isinstance(text, str) and (sentence := _pick(text, ledger.titles[item])):
            candidates[sentence] = KnownSentence(item, _shown(sentence, text))
    n_of = Counter[str]()
    for (text,) in ledger.dataset.items.rows([field]):
        if isinstance(text, str):
            n_of.update(sentence for sentence in set(SENTENCE_END.split(text)) if sentence in candidates)
    known = [each for sentence, each in candidates.items() if n_of[sentence] == 1]
    return sorted(known, key=lambda each: place_of[each.item])


def _pick(text: str, title: str | None) -> str | None:
    """The longest sentence of a text that can be asked about, since a short one may fit many items."""
    named = {word for word in words_of(title or "") if len(word) > 3}
    fitting = [
        sentence
        for sentence in SENTENCE_END.split(text)
        if LEAST_WORDS <= len(sentence.split()) <= MOST_WORDS
        and '"' not in sentence
        and not named & set(words_of(sentence))
    ]
    return max(fitting, key=len, default=None)


def _shown(sentence: str, text: str) -> str:
    if sentence != text.strip():
        return sentence
    words = sentence.split()
    return f"... {' '.join(words[N_LEFT_OUT:-N_LEFT_OUT])} ..."
