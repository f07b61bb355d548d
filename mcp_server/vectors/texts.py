"""The texts of an item that take part in search, and their division into pieces.

Beside its own texts an item has a profile: its kinds and its year, and the first of its texts. The kinds are the
categories of the summary and those of few names, such as genres or departments, unlike actors or authors. People who
ask for a mood, or for "a comedy from the eighties", mean these. The title is among the words only: in a profile it made
moods find less. So are other numbers, which change, as prices do, and would have to be embedded again and again.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.records import Dataset, Value
from mcp_server.dataset.words import is_year

MOST_KINDS = 100
"""Names that a category of kinds has at most, where it is not in the summary."""

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
    profile: str
    """Kinds and first text: a dense vector, too."""
    words: str
    """Keywords, kinds and texts for the index of words."""
    digests: list[str]
    """Digests of each text and of the whole, by which a query that is the item's own text is recognised."""

    def without_sentences(self) -> "ItemText":
        """The same, with the whole text as its only piece."""
        return replace(self, sentences=[self.whole])

    @property
    def pieces(self) -> list[str]:
        """All that has a dense vector."""
        return [self.whole, self.profile, *self.sentences]


def text_digest(text: str) -> str:
    """The same for texts that differ in case and spaces only."""
    return hashlib.sha256(" ".join(text.casefold().split()).encode()).hexdigest()[:16]


def split_sentences(text: str) -> list[str]:
    """Split where a sentence ends and another begins. Abbreviations may split too; that does no harm here."""
    return [piece.strip() for piece in _SENTENCE_END.split(text) if piece.strip()]


def sentences_of(texts: Sequence[Value]) -> list[str]:
    """The sentences of an item's texts, as they are indexed."""
    return [sentence for text in texts if text for sentence in split_sentences(str(text))]


def item_texts(dataset: Dataset) -> list[ItemText]:
    """The texts of every item that has any."""
    spec = dataset.spec
    search = spec.search
    if search is None:
        return []
    kinds = _kinds(dataset)
    years = [field.name for field in spec.items.fields if field.kind == "number" and is_year(field)][:1]
    keywords = [name for name in search.keywords if name not in {field.name for field in kinds}]
    names = [*search.texts, *keywords, *(field.name for field in kinds), *years]
    found = []
    for position, row in enumerate(dataset.items.rows(names)):
        values = dict(zip(names, row, strict=True))
        texts = [str(values[name]) for name in search.texts if values[name]]
        if not texts:
            continue
        of_kinds = [_names(values[field.name]) for field in kinds]
        of_year = [name for year in years for name in _names(values[year])]
        whole = " ".join(texts)
        found.append(
            ItemText(
                item=position,
                whole=whole,
                sentences=sentences_of(texts),
                profile=_profile(spec.nouns.item, of_kinds, of_year, texts[0]),
                words=_listed([_names(values[name]) for name in keywords] + _with_aliases(kinds, of_kinds), whole),
                digests=[text_digest(text) for text in dict.fromkeys([*texts, whole])],
            )
        )
    return found


def _profile(noun: str, kinds: Sequence[list[str]], year: list[str], text: str) -> str:
    """ "Horror, Action film. PG, United States, 1975. A shark hunts the bathers of a resort." """
    kind = f"{', '.join(kinds[0]) if kinds else ''} {noun}".strip()
    others = [name for names in kinds[1:] for name in names]
    return _listed([[kind], [*others, *year]], text)


def _listed(groups: Sequence[list[str]], text: str) -> str:
    """Groups of names before a text, each like a sentence."""
    return ". ".join([*(", ".join(names) for names in groups if names), text])


def _with_aliases(kinds: Sequence[FieldSpec], names: Sequence[list[str]]) -> list[list[str]]:
    """An item's names of each kind, with the other names that people use for them."""
    return [
        [spoken for name in each for spoken in (name, *field.aliases_of(name))]
        for field, each in zip(kinds, names, strict=True)
    ]


def _kinds(dataset: Dataset) -> list[FieldSpec]:
    """The categories that say of what kind an item is, those of the summary first."""
    spec = dataset.spec
    in_summary = [field for field in spec.summary if field.kind == "category"]
    others = [field for field in spec.categories if field not in in_summary]
    different: list[set[str]] = [set() for _ in others]
    for row in dataset.items.rows([field.name for field in others]):
        for known, value in zip(different, row, strict=True):
            if len(known) <= MOST_KINDS:
                known.update(_names(value))
    few = [field for field, known in zip(others, different, strict=True) if len(known) <= MOST_KINDS]
    return [*in_summary, *few]


def _names(value: Value) -> list[str]:
    """The names of a category, or the one text of another field; none where it is not known."""
    if isinstance(value, list):
        return value
    return [] if value is None or value == "" else [str(value)]
