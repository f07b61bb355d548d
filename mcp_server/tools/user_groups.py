"""The user groups that a call names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_server.dataset.groups import by_field
from mcp_server.errors import InvalidInputError

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends


@dataclass(frozen=True)
class NamedGroups:
    """Groups of one kind are united, those of several kinds intersected."""

    values: Mapping[str, Sequence[str | bool]]
    """Values by the fields of the groups; empty for everybody."""
    name: str
    """Their names together, such as "teenager or kid and female"; empty for everybody."""


def named_groups(backends: Backends, asked: Sequence[str] | None) -> NamedGroups:
    """The groups that a call names.

    Raises:
        InvalidInputError: The list is empty, or there is no such group.
    """
    if asked is not None and not asked:
        raise InvalidInputError("user_group is an empty list: name a group, or leave it out")
    known = backends.facts.user_groups
    groups = by_field(map(known.find, asked or []))
    names = [" or ".join(group.published for group in chosen) for chosen in groups.values()]
    return NamedGroups(
        {field: [group.value for group in chosen] for field, chosen in groups.items()}, " and ".join(names)
    )
