"""IDs of users and items, as callers write them: whole numbers or short texts, by what the dataset declares."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

LARGEST_INTEGER = 2**63 - 1
"""Largest whole number that databases hold."""

LONGEST_ID = 255
"""Characters."""

HANDLE = re.compile(r"set_[a-z2-7]{6,52}")
"""Form of the handles of item sets."""


def _refuse_booleans(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("true and false are not numbers")
    return value


def _fits_64_bits(value: int) -> int:
    if abs(value) > LARGEST_INTEGER:
        raise ValueError("is not an ID")
    return value


NotBoolean = BeforeValidator(_refuse_booleans)
"""Validator for numbers: pydantic would take true for 1."""

IntegerId = Annotated[int, NotBoolean, AfterValidator(_fits_64_bits)]
StringId = Annotated[str, Field(max_length=LONGEST_ID)]


@dataclass(frozen=True)
class IdOf:
    """Marks the type of the IDs of users or items, by which arguments are told that take them."""

    whose: Literal["user", "item"]


UserId = TypeVar("UserId")
"""Type variable for the IDs of users, in models that are declared before a dataset is known."""

ItemId = TypeVar("ItemId")
"""Type variable for the IDs of items."""
