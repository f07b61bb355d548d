"""Attributes of items and users as people call them: "runtime" of a duration, "sex" of a gender."""

from __future__ import annotations

from collections.abc import Collection

ALIKE = (
    "actors actor cast starring performers",
    "director directors directed_by filmmaker filmmakers",
    "writer writers written_by screenwriter screenwriters",
    "producer producers produced_by",
    "author authors written_by",
    "country countries nation made_in country_of_origin",
    "duration runtime run_time running_time length",
    "price cost",
    "brand manufacturer maker",
    "gender sex",
    "occupation job profession",
    "age_category age_group age_band age_range",
    "mean_rating average_rating avg_rating user_rating",
)
"""Words for the same attribute, in lines; any of them may be the dataset's own."""

_LINES = [frozenset(line.split()) for line in ALIKE]


def same_attribute(asked: str, names: Collection[str]) -> str | None:
    """The only name that stands for the same attribute as a word does, both with underscores for spaces."""
    found = [name for name in names if any({asked, name} <= line for line in _LINES)]
    return found[0] if len(found) == 1 else None
