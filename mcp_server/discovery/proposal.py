"""A proposed dataset.yaml, with the reasons for each part of it."""

from dataclasses import dataclass, field
from typing import Any

from mcp_server.dataset.images import ImageSpec
from mcp_server.discovery.field_kinds import FieldProposal, LeftOut


@dataclass(frozen=True)
class SourceProposal:
    """A source of records."""

    declared: dict[str, Any]
    why: str


@dataclass(frozen=True)
class ItemsProposal:
    """The items: where they come from, and their fields."""

    id: str
    id_type: str
    id_why: str
    title: str
    image: ImageSpec | None
    sources: list[SourceProposal]
    fields: list[FieldProposal]
    available: str | None
    available_why: str
    left_out: list[LeftOut]

    def field(self, name: str) -> FieldProposal:
        return next(field for field in self.fields if field.name == name)


@dataclass(frozen=True)
class UsersProposal:
    """The users."""

    id: str
    id_type: str
    id_why: str
    sources: list[SourceProposal]
    fields: list[FieldProposal]
    groups: list[str]
    left_out: list[LeftOut]


@dataclass(frozen=True)
class InteractionsProposal:
    """The interactions, and what they mean."""

    sources: list[SourceProposal]
    keys: dict[str, Any]
    """Keys and values besides the sources."""
    why: dict[str, str]
    """Reasons, by key."""
    columns: tuple[str, ...]
    """Columns that are used."""


@dataclass(frozen=True)
class SearchProposal:
    """The texts that search reads."""

    texts: list[str]
    keywords: list[str]
    language: str
    why: str


@dataclass(frozen=True)
class Proposal:
    """A whole dataset.yaml."""

    name: str
    title: str
    nouns: dict[str, str]
    missing: list[str]
    """More texts than the usual ones that stand for unknown values."""
    items: ItemsProposal
    users: UsersProposal
    interactions: InteractionsProposal
    search: SearchProposal
    unused: list[LeftOut]
    """Columns of the interactions that are not used, neither of the items nor of the users."""
    left_out: list[LeftOut]
    """Tables that are not used."""
    on_bad_row: str = "fail"
    notes: list[str] = field(default_factory=list)
    """Findings of a reading of the data."""
