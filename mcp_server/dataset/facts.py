"""Facts about a dataset: its specification, and the findings of its preparation.

Tools, prompts, resources and pages are built from these facts. A ``Feature`` is something that a dataset may have; a
tool, an argument or a sentence that makes sense only with it says so by naming it.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Flag, auto
from functools import cached_property, reduce
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel

from mcp_server.dataset.groupings import item_groupings
from mcp_server.dataset.groups import UserGroups
from mcp_server.dataset.ids import IdOf, IntegerId, ItemId, StringId, UserId
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.dataset.words import collect_words


class DatasetCard(BaseModel):
    """Facts about a prepared dataset, for descriptions and messages."""

    n_items: int
    n_users: int
    n_interactions: int | float
    """Number of ratings or likes, the sum of all counts, or the number of events with a weight above 0."""
    n_pairs: int
    """Number of pairs of a user and an item."""
    n_dropped: int = 0
    """Interactions left out because they name an unknown item or user."""
    n_unavailable: int = 0
    """Items that are not available, and so never recommended."""
    notes: list[str] = []
    """Sentences for the owner about what was left out or read in a way that may surprise."""
    item_ids: str
    """Form of the IDs, as in "IDs run from 1 to 1682"."""
    user_ids: str
    example_items: list[int | str]
    example_users: list[int | str]
    terms: dict[str, list[str]]
    """The most frequent names of each category of items."""
    term_counts: dict[str, int]
    """Number of names in each category."""
    ranges: dict[str, tuple[float, float]]
    """Least and greatest value of each number field."""
    dates: dict[str, tuple[str, str]] = {}
    """Earliest and latest value of each date field."""
    groups: dict[str, list[str]]
    """Names of the user groups, by field."""

    @property
    def spans(self) -> dict[str, tuple[str, str]]:
        """The ranges of numbers and dates, as they are shown."""
        numbers = {name: (f"{least:.15g}", f"{greatest:.15g}") for name, (least, greatest) in self.ranges.items()}
        return numbers | self.dates


class Feature(Flag):
    """Something that a dataset may have. Several are joined with ``|`` where all of them are needed."""

    NONE = 0
    FILTERS = auto()
    """Fields of items that can be filtered."""
    FILTERED_NAMES = auto()
    """Categories or texts among these fields."""
    FILTERED_KINDS = auto()
    """Categories among these fields."""
    FILTERED_TITLES = auto()
    """The title is one of these fields."""
    FILTERED_MONTHS = auto()
    """The month of a date is one of these fields."""
    NUMBERS = auto()
    """Fields of items with numbers."""
    MEASURES = auto()
    """Fields of items with numbers that are not parts of a date."""
    SUMMARY = auto()
    """Fields that describe an item in brief."""
    SEARCH_TEXTS = auto()
    """Texts that are searched by meaning."""
    MOODS = auto()
    """Texts that are searched by mood, too."""
    USER_FIELDS = auto()
    USER_GROUPS = auto()
    NAMED_GROUPS = auto()
    """Names of user groups, which a preparation finds."""
    RATINGS = auto()
    """Opinions on a scale, and the one from which on a user likes an item."""
    COUNTS = auto()
    """Counts of how often or how much users have used items."""
    EVENTS = auto()
    """Events of several weights."""
    LIKING = auto()
    """Interactions that are no likes, beside those that are."""
    TIMES = auto()
    """Times of interactions. Without them nothing is known to be newest."""
    BOOLEANS = auto()
    """Booleans among the fields that can be filtered."""
    DATES = auto()
    """Dates among the fields that can be filtered."""
    LIMITS = auto()
    """Numbers or dates among the fields that can be filtered."""
    AVAILABILITY = auto()
    """Items that may not be available."""
    LIKENESS = auto()
    """Categories of items or texts that are searched: by these, items are alike."""
    STATISTICS = auto()
    """Fields by which items or users make groups, and the tool that compares them."""
    FIND_USERS = auto()
    """The tool that finds users."""


@dataclass(frozen=True)
class When:
    """A part of a text, for datasets that have a feature."""

    feature: Feature
    text: Text
    otherwise: Text = ""


Text: TypeAlias = "str | When | Sequence[Text]"
"""A text for any dataset: as it is, or in parts, of which some depend on features."""


@dataclass(frozen=True)
class DatasetFacts:
    """A dataset's specification and, once it has been prepared, its card; and which tools are published for it."""

    spec: DatasetSpec
    card: DatasetCard | None
    """None while nothing has been prepared."""
    tools: Literal["all", "eight"] = "all"
    """The tools of the server: all, or eight, without those that find users and compare groups."""

    @cached_property
    def features(self) -> Feature:
        spec = self.spec
        kinds = {field.kind for field in spec.filters}
        present = {
            Feature.FILTERS: bool(spec.filters),
            Feature.FILTERED_NAMES: bool(kinds & {"category", "text"}),
            Feature.FILTERED_KINDS: "category" in kinds,
            Feature.FILTERED_TITLES: any(field.name == spec.items.title for field in spec.filters),
            Feature.FILTERED_MONTHS: any(field.part == "month" for field in spec.filters),
            Feature.NUMBERS: any(field.kind == "number" for field in spec.items.fields),
            Feature.MEASURES: bool(self.words["measures"]),
            Feature.SUMMARY: bool(spec.summary),
            Feature.SEARCH_TEXTS: spec.search is not None,
            Feature.MOODS: spec.search is not None and spec.search.moods,
            Feature.USER_FIELDS: bool(spec.users.fields),
            Feature.USER_GROUPS: bool(spec.users.groups),
            Feature.NAMED_GROUPS: bool(self.group_names),
            Feature.RATINGS: spec.interactions.kind == "ratings",
            Feature.COUNTS: spec.interactions.kind == "counts",
            Feature.EVENTS: spec.interactions.kind == "events",
            Feature.LIKING: spec.interactions.kind != "likes",
            Feature.TIMES: spec.interactions.timestamp is not None,
            Feature.BOOLEANS: "boolean" in kinds,
            Feature.DATES: "date" in kinds,
            Feature.LIMITS: bool(kinds & {"number", "date"}),
            Feature.AVAILABILITY: spec.items.available is not None,
            Feature.STATISTICS: self.tools == "all" and bool(item_groupings(spec) or spec.users.groups),
            Feature.FIND_USERS: self.tools == "all",
            Feature.LIKENESS: bool(spec.categories) or spec.search is not None,
        }
        return reduce(operator.or_, (feature for feature, is_there in present.items() if is_there), Feature.NONE)

    @cached_property
    def user_groups(self) -> UserGroups:
        """The user groups; none while nothing has been prepared."""
        booleans = [field.name for field in self.spec.users.fields if field.kind == "boolean"]
        return UserGroups(self.card.groups if self.card else {}, booleans)

    @property
    def group_names(self) -> tuple[str, ...]:
        """Published names of all user groups."""
        return tuple(group.published for group in self.user_groups.all)

    @cached_property
    def words(self) -> dict[str, str]:
        """Words of this dataset for texts (``collect_words``)."""
        return collect_words(self.spec, self.card)

    @property
    def id_types(self) -> dict[Any, Any]:
        """The types of IDs that stand for the type variables of models."""
        types = {"integer": IntegerId, "string": StringId}
        return {
            ItemId: Annotated[types[self.spec.items.id_type], IdOf("item")],
            UserId: Annotated[types[self.spec.users.id_type], IdOf("user")],
        }

    def say(self, text: Text, /, **words: str) -> str:
        """A text for this dataset: the parts that apply to it, with its nouns and other words filled in."""
        return self.spec.nouns.fill(self._join(text), **{**self.words, **words})

    def _join(self, text: Text) -> str:
        if isinstance(text, str):
            return text
        if isinstance(text, When):
            return self._join(text.text if text.feature in self.features else text.otherwise)
        return "".join(map(self._join, text))
