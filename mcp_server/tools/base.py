"""What all tools share: their form, and how they read lists of items and write them.

Nothing here or in the tools knows of MCP; the server publishes what it finds. Models are static and typed;
nouns of the dataset are put into their descriptions ("{item}" becomes "film") when a schema is made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from mcp_server.dataset.spec import DatasetSpec
from mcp_server.errors import MOST_CHARACTERS, InvalidInputError, quoted, quoted_list
from mcp_server.state.manifest import DatasetCard
from mcp_server.tools.schemas import fill as fill
from mcp_server.tools.schemas import json_schema
from mcp_server.tools.size import fit

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends
    from mcp_server.types import IntArray

LARGEST_ID = 2**63 - 1

LARGEST_K = 100
"""More lines than this help nobody in a conversation."""

LARGEST_OFFSET = 10**9


def _not_a_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("true and false are not numbers")
    return value


def _of_64_bits(value: int) -> int:
    if abs(value) > LARGEST_ID:
        raise ValueError("is not an ID")
    return value


def _as_list(value: Any) -> Any:
    """A single value where a list is expected is a list of one: assistants often leave the brackets out."""
    return value if value is None or isinstance(value, list) else [value]


Truthless = BeforeValidator(_not_a_truth_value)
"""Of a number: pydantic takes true for 1 otherwise."""

IntegerId = Annotated[int, Truthless, AfterValidator(_of_64_bits)]
StringId = Annotated[str, Field(max_length=255)]

UserId = TypeVar("UserId")
ItemId = TypeVar("ItemId")

# Field comes first: pydantic writes "ge" and "le", which are no keywords, into schemas otherwise.
K = Annotated[int, Field(ge=1, le=LARGEST_K, description="How many, 1 to 100."), Truthless]
Offset = Annotated[int, Field(ge=0, le=LARGEST_OFFSET, description="Skip so many: the next page."), Truthless]
OneOrMore = BeforeValidator(_as_list)

Detail = Annotated[Literal["compact", "full"], Field(description="full: also {summary}.")]
"""How much a list says of each item (``list_items``). Left out where a dataset has no summary."""


class Arguments(BaseModel):
    """Base of the arguments of a tool."""

    model_config = ConfigDict(frozen=True)


class ItemsArguments(Arguments, Generic[ItemId]):
    """The two ways to name items; both given means their intersection."""

    items: Annotated[list[ItemId] | None, OneOrMore] = Field(None, description="{Item} IDs, never invented.")
    item_set: str | None = Field(None, description="Or a handle from a tool.")


class Result(BaseModel):
    """Base of the result of a tool. Fields that are not set are left out of what the caller gets."""

    message: str = Field(description="What to tell the person.")


def _not_required(schema: dict[str, Any]) -> None:
    del schema["required"]


class Entry(BaseModel):
    """Base of what lists in results are made of. What each has needs no words in the schemas of all tools."""

    model_config = ConfigDict(json_schema_extra=_not_required)


class NamedItem(Entry, Generic[ItemId]):
    """An item by its ID and title."""

    item_id: ItemId
    title: str | None


class ListedItem(NamedItem[ItemId], Generic[ItemId]):
    """An item in a list."""

    details: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """What descriptions are made of."""

    spec: DatasetSpec
    card: DatasetCard | None
    """None while nothing has been prepared."""

    @property
    def absent_tools(self) -> set[str]:
        """Those of the server's tools that the dataset cannot have."""
        needs = {
            "vector_store_search_tool": self.spec.search,
            "item_filter_tool": self.spec.filters,
            "get_user_metadata_tool": self.spec.users.fields,
        }
        return {name for name, needed in needs.items() if not needed}

    @property
    def item_id_type(self) -> Any:
        return IntegerId if self.spec.items.id_type == "integer" else StringId

    @property
    def user_id_type(self) -> Any:
        return IntegerId if self.spec.users.id_type == "integer" else StringId


@dataclass(frozen=True)
class Tool:
    """One tool, ready to be published."""

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    result: type[Result]
    run: Callable[[Backends, Any], Awaitable[Result]]
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    read_only: bool = True
    """False where a call changes something, here or elsewhere: hosts then ask before they call it."""

    async def call(self, backends: Backends, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Check the arguments, run, and give the result as JSON values.

        Raises:
            RecsysError: What was asked for cannot be done; the text is for the person who asked.
        """
        given = self.parse(arguments)
        result = (await self.run(backends, given)).model_dump(mode="json", exclude_unset=True)
        shown = fit(result, _how_to_get_more(given))
        offset = getattr(given, "offset", None)
        if offset is not None and "items" in shown and shown.get("remaining"):
            offset += len(shown["items"])
            shown["message"] += f" {shown['remaining']:,} more: call again with offset={offset}."
        return shown

    def needs_user(self, arguments: Mapping[str, Any]) -> bool:
        """Does a call name no user although this tool is about one? Items that someone likes stand in for a user."""
        named = any(arguments.get(name) is not None for name in ("user", "liked_items"))
        return "user" in self.input_schema["properties"] and not named

    def parse(self, arguments: Mapping[str, Any]) -> Arguments:
        """Raises: InvalidInputError: an argument is unknown, missing or wrong; the text names each."""
        known = self.input_schema["properties"]
        unknown = [name for name in arguments if name not in known]
        problems = []
        if unknown:
            there_are = ", ".join(known) or "none"
            problems.append(f"there is no argument {quoted_list(unknown)} (arguments: {there_are})")
        try:
            # Assistants write null for what they leave out.
            parsed = self.arguments.model_validate({name: v for name, v in arguments.items() if v is not None})
        except ValidationError as error:
            problems += describe_problems(error)
        if problems:
            raise InvalidInputError(f"{self.name}: {'; '.join(problems)}")
        return parsed


def _how_to_get_more(given: Arguments) -> str:
    """What to change in a call whose answer was too long; goes on with a sentence."""
    shorter = {"detail": ("full", "detail=compact"), "reasons": (True, "reasons=false")}
    ways = [way for name, (value, way) in shorter.items() if getattr(given, name, None) == value]
    if "get" in type(given).model_fields:
        ways.append("fewer fields")
    return f"; more fit with {' and '.join(ways)}" if ways else "; ask for fewer, or among fewer"


M = TypeVar("M", bound=BaseModel)


def with_ids(model: type[M], *id_types: Any) -> type[M]:
    """A generic model for the dataset's types of IDs."""
    return cast("type[M]", model.__class_getitem__(id_types))


def applicable(lines: str, facts: Facts) -> str:
    """A description without the lines that name a tool which the dataset does not have."""
    return "\n".join(line for line in lines.splitlines() if not any(tool in line for tool in facts.absent_tools))


def describe_problems(error: ValidationError, most: int = 5) -> list[str]:
    """What is wrong with which argument, in words."""
    problems = []
    for problem in error.errors(include_url=False)[:most]:
        place = ".".join(map(_part, problem["loc"]))
        shown = "" if problem["type"] == "missing" else f" (got {quoted(problem['input'])})"
        text = problem["msg"].removeprefix("Value error, ")
        problems.append(f"{place}: {text[0].lower()}{text[1:]}{shown}")
    if error.error_count() > most:
        problems.append(f"and {error.error_count() - most} more problems")
    return problems


def _part(part: int | str) -> str:
    """A part of a place: the name of an argument as it is, another one quoted."""
    is_plain = isinstance(part, int) or (part.isidentifier() and len(part) <= MOST_CHARACTERS)
    return str(part) if is_plain else quoted(part)


def make_tool(
    facts: Facts,
    *,
    name: str,
    title: str,
    description: str,
    arguments: type[Arguments],
    result: type[Result],
    run: Callable[[Backends, Any], Awaitable[Result]],
    choices: Mapping[str, Collection[str]] | None = None,
    leave_out: Collection[str] = (),
    read_only: bool = True,
) -> Tool:
    """Put a tool together.

    Args:
        choices: Arguments that take names, and the names this dataset has.
        leave_out: Arguments that mean nothing for this dataset.
        read_only: Does no call change anything?
    """
    nouns = facts.spec.nouns
    summary = ", ".join(field.name for field in facts.spec.summary)
    input_schema = json_schema(arguments, nouns, summary=summary)
    properties = input_schema["properties"]
    of_summary = [name for name, field in arguments.model_fields.items() if "{summary}" in (field.description or "")]
    for argument in (*leave_out, *(() if summary else of_summary)):
        del properties[argument]
    for argument in ("items", "item_set"):  # inherited, and so the first; what is the tool's own comes before
        if argument in properties:
            properties[argument] = properties.pop(argument)
    for argument, names in (choices or {}).items():
        schema = properties[argument]
        schema.get("items", schema)["enum"] = list(names)
    return Tool(
        name=name,
        title=fill(title, nouns),
        description=fill(" ".join(description.split()), nouns),
        arguments=arguments,
        result=result,
        run=run,
        input_schema=input_schema,
        output_schema=json_schema(result, nouns),
        read_only=read_only,
    )


async def candidate_items(backends: Backends, arguments: ItemsArguments[Any]) -> IntArray | None:
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


async def list_items(backends: Backends, items: list[int], detail: str = "compact") -> list[dict[str, Any]]:
    """IDs and titles, as ListedItem takes them; in full, with the fields of the dataset's summary."""
    catalog = await backends.catalog()
    listed: list[dict[str, Any]] = [{"item_id": name.id, "title": name.title} for name in await catalog.names(items)]
    if detail == "full":
        summaries = await catalog.metadata(items, [field.name for field in backends.spec.summary])
        for entry, summary in zip(listed, summaries, strict=True):
            entry["details"] = {name: value for name, value in summary.items() if name != "id"}
    return listed


def count_of(number: int, one: str, many: str) -> str:
    """ "1 film", "1,682 films"."""
    return f"{number:,} {one if number == 1 else many}"
