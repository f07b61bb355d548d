"""The protocol of a vector store. Points are items, by position. Nothing here knows of MCP or SQL.

A point has a dense vector of the whole text ("text"), one of each sentence ("sentences", compared by the best
match) and one of the profile ("profile"), a sparse vector of words with BM25 weights ("words"), and the digests of its
texts as payload. A store finds the items that are nearest to a query by each of the four forms, and tells how near each
of these is by all four; making one order of them is left to ``fusion``.

Two stores do so with the same engine: Qdrant Edge in the process, and a Qdrant server or cloud.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import numpy as np

from mcp_server.types import DoubleArray, FloatArray, IntArray

DenseForm = Literal["text", "sentences", "profile"]

TEXT: Final = "text"
SENTENCES: Final = "sentences"
PROFILE: Final = "profile"
WORDS: Final = "words"
"""Names of a point's vectors."""

Form = DenseForm | Literal["words"]

FORMS: Final[tuple[Form, ...]] = (TEXT, SENTENCES, PROFILE, WORDS)
"""All of them, in the order in which nearness is told."""

DIGESTS = "digests"
"""Name in a point's payload."""

CANDIDATES = 50
"""Items that each form finds, at least."""

LIKELY_OWN = 10
"""Items, the nearest ones by each form, among which are those whose own text a query is."""


@dataclass(frozen=True)
class Words:
    """A sparse vector: what BM25 knows of a text."""

    indices: Sequence[int]
    values: Sequence[float]


@dataclass(frozen=True)
class Point:
    """An item to be stored."""

    item: int
    text: FloatArray
    """(dimension,)"""
    sentences: FloatArray
    """(n_sentences, dimension)"""
    profile: FloatArray
    """(dimension,)"""
    words: Words
    digests: Sequence[str]

    @property
    def n_numbers(self) -> int:
        """Numbers in the dense vectors."""
        return self.text.size + self.sentences.size + self.profile.size


@dataclass(frozen=True)
class HybridQuery:
    """The four forms of what is sought."""

    text: Sequence[float]
    sentences: Sequence[Sequence[float]]
    profile: Sequence[float]
    words: Words

    def form(self, name: DenseForm) -> list[Any]:
        """One of the dense forms."""
        return list({TEXT: self.text, SENTENCES: self.sentences, PROFILE: self.profile}[name])

    @property
    def forms(self) -> tuple[Form, ...]:
        """Names of the forms that can find anything: a query of stop words alone has no words."""
        return FORMS if self.words.indices else FORMS[:-1]


Sought = HybridQuery | Callable[[], HybridQuery]
"""A query, or a function that makes it, which takes milliseconds where a text is embedded."""


def made(sought: Sought) -> HybridQuery:
    """The query itself."""
    return sought if isinstance(sought, HybridQuery) else sought()


@dataclass(frozen=True)
class Hits:
    """Candidates, and how near each is to a query."""

    items: IntArray
    """(n,): positions, which rise."""
    nearness: DoubleArray
    """(n, 4), in the order of FORMS: cosines; of sentences, the mean over the query's of the best one of the item's;
    and the sum of BM25 weights of shared words."""
    digests: Mapping[int, Sequence[str]]
    """Digests of texts, by item: of the LIKELY_OWN candidates that are nearest by each form, at least."""
    n_words: int
    """Number of different words in the query."""

    @classmethod
    def collect(
        cls, query: HybridQuery, found: Mapping[Form, Mapping[int, float]], digests: Mapping[int, Sequence[str]]
    ) -> "Hits":
        """Candidates by what each form has found.

        Args:
            found: By form, the scores of the engine by item. All candidates have one of TEXT.
            digests: See above.
        """
        items = np.array(sorted(found.get(TEXT, ())), dtype=np.int64)
        nearness = np.zeros((len(items), len(FORMS)))
        for form, scores in found.items():
            places = np.searchsorted(items, np.fromiter(scores, dtype=np.int64))
            nearness[places, FORMS.index(form)] = np.fromiter(scores.values(), dtype=np.float64)
        nearness[:, FORMS.index(SENTENCES)] /= len(query.sentences)  # the engine adds them up
        return cls(items, nearness, digests, len(query.words.indices))


class WordIndexer(Protocol):
    """Turns texts into sparse vectors."""

    def document(self, text: str) -> Words:
        """Term weights of a text to be found."""

    def query(self, text: str) -> Words:
        """Terms of a query."""


class VectorStore(Protocol):
    """A filled, readable store. Each method raises BackendError where the store cannot be read."""

    async def search(
        self,
        sought: Sought,
        limit: int,
        only: Sequence[int] | None,
        leave_out: Sequence[int],
        also: Sequence[int] = (),
    ) -> Hits:
        """The nearest items by each form, and how near each of them is by all forms.

        Args:
            sought: The query. If it is still to be made, that is done beside the event loop.
            limit: Items that each form finds, at least 1.
            only: Items to choose from; all where None.
            leave_out: Items that are not found, even if they are among ``only``.
            also: More candidates. Those that have no text are passed over.
        """

    async def stored(self, item: int) -> HybridQuery | None:
        """The vectors of an item, to find others like it; None where it has no text."""

    async def vectors(
        self, form: DenseForm, items: Sequence[int]
    ) -> Mapping[int, Sequence[float] | Sequence[Sequence[float]]]:
        """The dense vectors of items, one or several of each, without those of items that have no text."""

    async def count(self) -> int:
        """Number of points."""

    async def close(self) -> None:
        """Free what the store holds."""
