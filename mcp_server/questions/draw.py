"""Subjects of questions, drawn at random: items, users, conditions, groups. A seed gives the same ones again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np

from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.spec import Nouns
from mcp_server.questions.columns import means_years
from mcp_server.questions.conditions import Condition, has_name, is_above, is_below, is_usable
from mcp_server.questions.ledger import Ledger
from mcp_server.questions.sentences import KnownSentence
from mcp_server.questions.truth import Language, Truth
from mcp_server.types import BoolArray, DoubleArray, Id, IntArray

Choice = TypeVar("Choice")

MOST_LISTED = 5_000
"""IDs that a truth may list."""


class NothingFitsError(Exception):
    """The catalogue has nothing that a template asks about, or the draw had bad luck."""


@dataclass(frozen=True)
class Draft:
    """A question without its ID and its family."""

    words: str | list[str]
    """The question, or the turns of a conversation."""
    truth: Truth
    calls: int
    language: Language = "en"


@dataclass(frozen=True)
class Month:
    """A month, in UTC."""

    words: str
    """The month and the year: "March 1998"."""
    begin: float
    end: float
    """Its ends in seconds since 1970."""

    def holds(self, times: IntArray) -> BoolArray:
        """(n_times,): True for the times within it, in seconds since 1970."""
        found: BoolArray = (times >= self.begin) & (times < self.end)
        return found


class Draw:
    """Draws subjects from a ledger.

    Raises:
        NothingFitsError: In every method, where there is nothing to draw from.
    """

    def __init__(self, ledger: Ledger, sentences: Sequence[KnownSentence], rng: np.random.Generator) -> None:
        self.ledger, self.sentences, self.rng = ledger, sentences, rng

    @property
    def nouns(self) -> Nouns:
        return self.ledger.spec.nouns

    def one(self, choices: Sequence[Choice]) -> Choice:
        """One of some things."""
        require(len(choices) > 0)
        return choices[int(self.rng.integers(len(choices)))]

    def number(self, numbers: IntArray | DoubleArray) -> float:
        """One of some numbers: (n,)."""
        require(len(numbers) > 0)
        return float(numbers[int(self.rng.integers(len(numbers)))])

    def position(self, mask: BoolArray) -> int:
        """A position where a mask is True."""
        return int(self.number(np.flatnonzero(mask)))

    def item(self, mask: BoolArray | None = None) -> int:
        """An item that can be named; rather one that is used much."""
        fitting = self.ledger.plain if mask is None else self.ledger.plain & mask
        positions = np.flatnonzero(fitting)
        require(len(positions) > 0)
        popularity = self.ledger.per_item[positions]
        known = positions[popularity >= np.median(popularity)]
        return int(self.number(known))

    def user(self, least: int = 1, most: int | None = None) -> int:
        """A user whose history has so many items."""
        sizes = self.ledger.per_user
        return self.position((sizes >= least) & (sizes <= (most or sizes.max(initial=0))))

    def kind(self, least: int, most: int | None = None, field: FieldSpec | None = None) -> Condition:
        """A name of a category that so many items have. Of up to three that are drawn, the commonest is taken, since
        owners rather ask about these.
        """
        columns = self.ledger.items
        chosen = field or self.one(self.kinds)
        terms = columns.terms[chosen.name]
        counts = terms.counts
        codes = np.flatnonzero((counts >= least) & (counts <= (most or len(columns))))
        usable = [int(code) for code in self.rng.permutation(codes)[:20] if is_usable(terms.names[code])]
        require(len(usable) > 0)
        compared = usable[: int(self.rng.integers(1, 4))]
        return has_name(columns, chosen.name, max(compared, key=lambda code: int(counts[code])))

    def broad_kind(self, least: int) -> Condition:
        """A name of the category with the fewest names, such as a genre, that at least so many items have."""
        return self.kind(least, field=self.broad_field)

    def kind_of(self, item: int, field: FieldSpec) -> Condition:
        """A name that an item has in a category."""
        terms = self.ledger.items.terms[field.name]
        usable = [code for code in terms.of_record(item) if is_usable(terms.names[code])]
        return has_name(self.ledger.items, field.name, self.one(usable))

    def limit(self, items: BoolArray) -> Condition:
        """A limit of a number that some of these items are within and some are not: (n_items,)."""
        columns = self.ledger.items
        field = self.one(self.measures)
        numbers = columns.numbers[field.name][items]
        numbers = numbers[~np.isnan(numbers)]
        require(len(numbers) > 1)
        value = _rounded(float(np.quantile(numbers, self.rng.uniform(0.1, 0.9))), means_years(field))
        make = self.one([is_above, is_below])
        condition = make(columns, field.name, value)
        require(0 < int(np.count_nonzero(condition.mask & items)) < int(np.count_nonzero(items)))
        return condition

    def month(self, pairs: IntArray) -> "Month":
        """The month of one of some pairs. The pairs of other feedback than ratings may be of several times."""
        require(self.ledger.has_times and self.ledger.kind == "ratings")
        assert self.ledger.time is not None
        moment = datetime.fromtimestamp(self.number(self.ledger.time[pairs]), UTC)
        first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        return Month(f"{first:%B %Y}", first.timestamp(), after.timestamp())

    def group(self, least: int = 10) -> Condition:
        """A group of at least so many users."""
        users = self.ledger.users
        names = self.ledger.spec.users.groups
        field = self.one(names)
        terms = users.terms[field]
        codes = [
            int(c)
            for c in np.flatnonzero(terms.counts >= least)
            if is_usable(terms.names[c]) or terms.names[c] in YES_NO
        ]
        return has_name(users, field, self.one(codes))

    def short_list(self, mask: BoolArray, most: int = MOST_LISTED) -> list[Id]:
        """The IDs of the items of a mask, which must not be too many to be listed."""
        positions = np.flatnonzero(mask)
        require(0 < len(positions) <= most)
        return self.item_ids(positions)

    def item_ids(self, positions: IntArray | Sequence[int]) -> list[Id]:
        ids = self.ledger.items.ids
        return [ids[position] for position in positions]

    def user_ids(self, positions: IntArray | Sequence[int]) -> list[Id]:
        ids = self.ledger.users.ids
        return [ids[position] for position in positions]

    def title(self, item: int) -> str:
        return str(self.ledger.titles[item])

    @property
    def kinds(self) -> list[FieldSpec]:
        """Categories of items that can be filtered."""
        return [field for field in self.ledger.spec.filters if field.kind == "category"]

    @property
    def broad_field(self) -> FieldSpec:
        """The category with the fewest names, of which there are at least two."""
        terms = self.ledger.items.terms
        several = [field for field in self.kinds if len(terms[field.name].names) > 1]
        require(bool(several))
        return min(several, key=lambda field: len(terms[field.name].names))

    @property
    def measures(self) -> list[FieldSpec]:
        """Numbers and dates of items that can be filtered, but for parts of dates other than the year."""
        return [f for f in self.ledger.spec.filters if f.kind in ("number", "date") and f.part != "month"]

    @property
    def years(self) -> list[FieldSpec]:
        """Fields of items that are years or dates."""
        return [field for field in self.measures if means_years(field)]


YES_NO = ("yes", "no")

Template = Callable[[Draw], Draft]


def require(condition: bool) -> None:
    """Give up a draft unless a condition holds.

    Raises:
        NothingFitsError: It does not.
    """
    if not condition:
        raise NothingFitsError


def top(scores: DoubleArray, k: int) -> IntArray:
    """The positions of the k greatest scores, best first, where no score ties with that of the first or of the last."""
    require(0 < k < len(scores))
    best = np.argsort(-scores, kind="stable")[: k + 1]
    require(scores[best[k - 1]] > scores[best[k]] and (k == 1 or scores[best[0]] > scores[best[1]]))
    return best[:k]


def pairs_of(names: Sequence[Choice]) -> Iterator[tuple[Choice, Choice]]:
    """Each two of some things, once."""
    return ((first, second) for number, first in enumerate(names) for second in names[number + 1 :])


def _rounded(value: float, whole: bool) -> float:
    """A limit with two significant digits, or a year."""
    return float(round(value)) if whole else float(f"{value:.2g}")
