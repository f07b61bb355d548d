"""The arguments of tools: the base of their models, the types that they share, and what is said of wrong ones.

Models are static and typed. Nouns of the dataset are put into their descriptions ("{item}" becomes "film") when a
schema is made. An argument that only some datasets can have names the ``Feature`` that it needs beside its type.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from mcp_server.dataset.facts import Feature
from mcp_server.dataset.ids import ItemId, NotBoolean
from mcp_server.errors import MOST_CHARACTERS, InvalidInputError, quoted
from mcp_server.tools.readings.parameters import Parameter
from mcp_server.tools.readings.problems import Findings

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


ItemSet = Annotated[list[str] | None, OneOrMore, WithJsonSchema({"type": "string"})]
"""Handles of item sets. Several are separated by commas, so that the schema stays small."""

WORDS = {
    "missing": "is required",
    "less_than_equal": "at most {le} is expected",
    "greater_than_equal": "at least {ge} is expected",
    "less_than": "less than {lt} is expected",
    "greater_than": "more than {gt} is expected",
    "too_short": "at least {min_length} of them is needed",
    "too_long": "at most {max_length} are possible",
    "string_too_short": "is empty",
    "string_too_long": "at most {max_length} characters are possible",
    "bool_parsing": "true or false is expected",
    "bool_type": "true or false is expected",
    "int_parsing": "a whole number is expected",
    "int_type": "a whole number is expected",
    "int_from_float": "a whole number is expected",
    "float_parsing": "a number is expected",
    "float_type": "a number is expected",
    "finite_number": "a finite number is expected",
    "string_type": "a text is expected",
    "string_unicode": "a text is expected, without broken characters",
    "list_type": "a list is expected",
    "model_type": "an object is expected",
    "dict_type": "an object is expected",
    "literal_error": "one of these is expected: {expected}",
    "extra_forbidden": "there is no such name here",
}
"""Plain words for the problems that pydantic finds, by their type."""


class Arguments(BaseModel):
    """Base of the arguments of a tool."""

    model_config = ConfigDict(frozen=True)


class ItemsArguments(Arguments, Generic[ItemId]):
    """The two ways to name items; both given means their intersection."""

    items: Annotated[list[ItemId] | None, OneOrMore] = Field(None, description="{Item} IDs, never invented.")
    item_set: ItemSet = Field(None, description="Or a handle from a tool; a,b: in both.")


class CandidatesArguments(ItemsArguments[ItemId], Generic[ItemId]):
    """The same, and items that are not to be chosen."""

    exclude_items: Annotated[list[ItemId] | None, OneOrMore] = Field(None, description="Not these IDs, or a handle's.")
    exclude_set: SkipJsonSchema[ItemSet] = None
    """Handles that were given as excluded items."""


A = TypeVar("A", bound=Arguments)


def check_arguments(
    model: type[A], read: Mapping[str, Any], parameters: Mapping[str, Parameter], findings: Findings
) -> A | None:
    """The arguments of a call as their model, or None and the problems.

    Args:
        read: Arguments as they have been read.
    """
    try:
        return model.model_validate(read)
    except ValidationError as error:
        findings.problems += _describe_problems(error, parameters, findings.unreadable)
        return None


def _describe_problems(error: ValidationError, parameters: Mapping[str, Parameter], told: Collection[str]) -> list[str]:
    """The problems in words, each with the argument that it is about.

    Args:
        told: Arguments of which a problem is known already, and which are therefore missing.
    """
    problems = []
    found = [each for each in error.errors(include_url=False) if each["loc"][:1] not in [(name,) for name in told]]
    for problem in found[:MOST_PROBLEMS]:
        place = ".".join(map(_describe_part, problem["loc"]))
        shown = f" (got {quoted(problem['input'])})"
        if problem["type"] == "missing":
            choices = parameters[place].choices if place in parameters else ()
            shown = f". There are: {', '.join(choices)}" if choices else ""
        text = WORDS.get(problem["type"], problem["msg"].removeprefix("Value error, ")).format(**problem.get("ctx", {}))
        problems.append(f"{place}: {text[0].lower()}{text[1:]}{shown}" if place else text)
    if len(found) > MOST_PROBLEMS:
        problems.append(f"and {len(found) - MOST_PROBLEMS} more problems")
    return problems


def _describe_part(part: int | str) -> str:
    """A part of a problem's place: names and positions as they are, anything else quoted."""
    is_plain = isinstance(part, int) or (part.isidentifier() and len(part) <= MOST_CHARACTERS)
    return str(part) if is_plain else quoted(part)


async def candidate_items(backends: Backends, arguments: ItemsArguments[Id]) -> IntArray | None:
    """Positions of the items that a call names; None where it names none. Those of several sets are in all of them.

    Raises:
        InvalidInputError: An ID or a handle is unknown, or the list of IDs is empty.
    """
    if arguments.items is None and arguments.item_set is None:
        return None
    import numpy as np  # the list of tools does not wait for it

    catalog = await backends.catalog()
    if arguments.items is not None and not arguments.items:
        raise InvalidInputError(
            f"items is an empty list: name at least one {backends.spec.nouns.item}, or leave it out"
        )
    sets = [await backends.item_set(handle) for handle in arguments.item_set or []]
    named = None if arguments.items is None else await catalog.item_idx(arguments.items)
    found, *others = [*sets, *([] if named is None else [named])]
    for other in others:
        found = found[np.isin(found, other)]
    return found


async def excluded_items(backends: Backends, arguments: CandidatesArguments[Id]) -> IntArray:
    """Positions of the items that a call leaves out, and of those that are the same: (n,).

    Raises:
        InvalidInputError: An ID or a handle is unknown.
    """
    import numpy as np

    catalog = await backends.catalog()
    sets = [await backends.item_set(handle) for handle in arguments.exclude_set or []]
    named = await catalog.item_idx(arguments.exclude_items or [])
    return catalog.twins.with_twins(np.concatenate([named, *sets]))


async def remaining_items(backends: Backends, arguments: CandidatesArguments[Id]) -> IntArray | None:
    """Positions of the items that a call leaves to choose from; None for all.

    Raises:
        InvalidInputError: An ID or a handle is unknown, or the list of IDs is empty.
    """
    candidates = await candidate_items(backends, arguments)
    if arguments.exclude_items is None and arguments.exclude_set is None:
        return candidates
    import numpy as np

    excluded = await excluded_items(backends, arguments)
    if candidates is None:
        candidates = np.arange((await backends.catalog()).n_items)
    return candidates[~np.isin(candidates, excluded)]


async def required_items(backends: Backends, arguments: ItemsArguments[Id]) -> IntArray:
    """Positions of the items that a call names.

    Raises:
        InvalidInputError: It names none, or names what is not there.
    """
    items = await candidate_items(backends, arguments)
    if items is None:
        raise InvalidInputError(f"which {backends.spec.nouns.items}? Give items or item_set")
    return items
