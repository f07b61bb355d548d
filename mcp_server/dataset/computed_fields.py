"""Computed fields of items: numbers that are made of what users have done with them, beside the declared fields."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mcp_server.dataset.spec import DatasetSpec

LONGEST_NAME = 40
"""Characters, as of declared fields."""


@dataclass(frozen=True)
class ComputedField:
    """A computed field. Its name and title are used as those of declared fields are."""

    name: str
    title: str
    measure: Literal["amount", "mean_rating", "like_share"]
    """amount: number of interactions. like_share: percent, of the users who have interacted with an item, that like
    it."""
    unit: str = ""
    """As that of declared fields; empty for a number of interactions."""

    @property
    def is_average(self) -> bool:
        """True where the number says little unless many users stand behind it."""
        return self.measure != "amount"


def computed_fields(spec: DatasetSpec) -> list[ComputedField]:
    """The computed fields of a dataset. Where it declares a field of the same name, that one counts."""
    declared = {field.name for field in spec.items.fields}
    return [field for field in _all_of(spec) if field.name not in declared]


def _all_of(spec: DatasetSpec) -> Iterator[ComputedField]:
    yield ComputedField(f"n_{_as_name(spec.nouns.interactions)}", f"number of {spec.nouns.interactions}", "amount")
    if spec.interactions.kind == "ratings":
        yield ComputedField("mean_rating", "mean rating", "mean_rating", rating_unit(spec))
    if spec.interactions.kind != "likes":
        yield ComputedField("like_share", "like share", "like_share", "%")


def rating_unit(spec: DatasetSpec) -> str:
    """The best rating as the unit of ratings; empty where it is not declared."""
    declared = spec.interactions.rating_range
    return "" if declared is None else f"of {declared[1]:g}"


def amount_name(spec: DatasetSpec) -> str:
    """The name of the number of interactions, such as "n_ratings"."""
    return next(field.name for field in _all_of(spec) if field.measure == "amount")


def _as_name(noun: str) -> str:
    """A noun in small letters, digits and underscores; "interactions" where little remains of it."""
    plain = unicodedata.normalize("NFKD", noun.casefold()).encode("ascii", "ignore").decode()
    name = "_".join(re.findall("[a-z0-9]+", plain))
    return name if name and len(name) <= LONGEST_NAME - len("n_") else "interactions"
