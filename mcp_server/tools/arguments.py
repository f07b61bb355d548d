"""The arguments of tools: the base of their models, the types that they share, and what is said of wrong ones.

Models are static and typed. Nouns of the dataset are put into their descriptions ("{item}" becomes "film") when a
schema is made. An argument that only some datasets can have names the ``Feature`` that it needs beside its type.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from mcp_server.dataset.facts import Feature
from mcp_server.dataset.ids import ItemId, NotBoolean
from mcp_server.errors import MOST_CHARACTERS, InvalidInputError, quoted, quoted_list

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends
    from mcp_server.types import Id, IntArray

LARGEST_K = 100
"""Upper bound on ``k``. More entries help nobody in a conversation."""

LARGEST_OFFSET = 10**9

MOST_PROBLEMS = 5
"""Problems of a call that are told at once."""


def _as_list(value: Any) -> Any:
    return value if value is None or isinstance(value, list) else [value]


OneOrMore = BeforeValidator(_as_list)
"""Validator that takes a single value for a list of one: assistants often leave the brackets out."""

# Field comes first: pydantic writes "ge" and "le", which are no keywords, into schemas otherwise.
K = Annotated[int, Field(ge=1, le=LARGEST_K, description="How many, 1 to 100."), NotBoolean]
Offset = Annotated[int, Field(ge=0, le=LARGEST_OFFSET, description="Skip so many: the next page."), NotBoolean]

Detail = Annotated[Literal["compact", "full"], Field(description="full: also {summary}."), Feature.SUMMARY]
"""The amount of detail in a list of items (``list_items``)."""


class Arguments(BaseModel):
    """Base of the arguments of a tool."""

    model_config = ConfigDict(frozen=True)


class ItemsArguments(Arguments, Generic[ItemId]):
    """The two ways to name items; both given means their intersection."""

    items: Annotated[list[ItemId] | None, OneOrMore] = Field(None, description="{Item} IDs, never invented.")
    item_set: str | None = Field(None, description="Or a handle from a tool.")


A = TypeVar("A", bound=Arguments)


def parse_arguments(model: type[A], given: Mapping[str, Any], known: Collection[str], tool: str) -> A:
    """Check the arguments of a call.

    Args:
        known: The arguments that the tool has for this dataset.
        tool: Its name, for the message.

    Raises:
        InvalidInputError: An argument is unknown, missing or wrong; the text names each.
    """
    problems = []
    if unknown := [name for name in given if name not in known]:
        problems.append(f"there is no argument {quoted_list(unknown)} (arguments: {', '.join(known) or 'none'})")
    try:
        # Assistants write null for what they leave out.
        parsed = model.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        problems += _describe_problems(error)
    if problems:
        raise InvalidInputError(f"{tool}: {'; '.join(problems)}")
    return parsed


def _describe_problems(error: ValidationError) -> list[str]:
    """The problems in words, each with the argument that it is about."""
    problems = []
    for problem in error.errors(include_url=False)[:MOST_PROBLEMS]:
        place = ".".join(map(_describe_part, problem["loc"]))
        shown = "" if problem["type"] == "missing" else f" (got {quoted(problem['input'])})"
        text = problem["msg"].removeprefix("Value error, ")
        problems.append(f"{place}: {text[0].lower()}{text[1:]}{shown}" if place else text)
    if error.error_count() > MOST_PROBLEMS:
        problems.append(f"and {error.error_count() - MOST_PROBLEMS} more problems")
    return problems


def _describe_part(part: int | str) -> str:
    """A part of a problem's place: names and positions as they are, anything else quoted."""
    is_plain = isinstance(part, int) or (part.isidentifier() and len(part) <= MOST_CHARACTERS)
    return str(part) if is_plain else quoted(part)


def check_fields(asked: Sequence[str], known: Sequence[str]) -> None:
    """Refuse names of fields that there are not.

    Raises:
        InvalidInputError: There is no such field; the text lists those that there are.
    """
    for name in asked:
        if name not in known:
            raise InvalidInputError(f"get: there is no field {quoted(name)}. There are: {', '.join(known)}")


async def candidate_items(backends: Backends, arguments: ItemsArguments[Id]) -> IntArray | None:
    """Positions of the items that a call names; None where it names none.

    Raises:
        InvalidInputError: An ID or the handle is unknown, or the list of IDs is empty.
    """
    if arguments.items is None and arguments.item_set is None:
        return None
    catalog = await backends.catalog()
    if arguments.items is not None and not arguments.items:
        raise InvalidInputError(
            f"items is an empty list: name at least one {backends.spec.nouns.item}, or leave it out"
        )
    named = None if arguments.items is None else await catalog.item_idx(arguments.items)
    if arguments.item_set is None:
        return named
    members = await backends.item_set(arguments.item_set)
    if named is None:
        return members
    wanted = set(named.tolist())
    return members[[member in wanted for member in members.tolist()]]


async def required_items(backends: Backends, arguments: ItemsArguments[Id]) -> IntArray:
    """Positions of the items that a call names.

    Raises:
        InvalidInputError: It names none, or names what is not there.
    """
    items = await candidate_items(backends, arguments)
    if items is None:
        raise InvalidInputError(f"which {backends.spec.nouns.items}? Give items or item_set")
    return items
