"""What all tools share: their form, their schemas, and how they read lists of items.

Nothing here or in the tools knows of MCP; the server publishes what it finds. Models are static and typed;
nouns of the dataset are put into their descriptions ("{item}" becomes "film") when a schema is made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from mcp_server.current import DatasetCard
from mcp_server.dataset.spec import DatasetSpec, Nouns
from mcp_server.errors import InvalidInputError

if TYPE_CHECKING:
    from mcp_server.backends import Backends
    from mcp_server.dataset.records import IntArray

LARGEST_ID = 2**63 - 1

LARGEST_K = 100
"""More lines than this help nobody in a conversation."""


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

K = Annotated[int, Truthless, Field(ge=1, le=LARGEST_K, description="How many {items} to list at most.")]
OneOrMore = BeforeValidator(_as_list)


class Arguments(BaseModel):
    """Base of the arguments of a tool."""

    model_config = ConfigDict(frozen=True)


class ItemsArguments(Arguments, Generic[ItemId]):
    """The two ways to name items; both given means their intersection."""

    items: Annotated[list[ItemId] | None, OneOrMore] = Field(None, description="IDs of {items}.")
    item_set: str | None = Field(None, description="Handle of a set of {items} from another tool's result.")


class Result(BaseModel):
    """Base of the result of a tool. Fields that are not set are left out of what the caller gets."""

    message: str = Field(description="What to tell the person who asked.")


class ListedItem(BaseModel, Generic[ItemId]):
    """An item in a list."""

    item_id: ItemId = Field(description="ID of the {item}.")
    title: str | None = Field(description="Title; null if not known.")


@dataclass(frozen=True)
class Facts:
    """What descriptions are made of."""

    spec: DatasetSpec
    card: DatasetCard | None
    """None while nothing has been prepared."""

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

    async def call(self, backends: Backends, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Check the arguments, run, and give the result as JSON values.

        Raises:
            RecsysError: What was asked for cannot be done; the text is for the person who asked.
        """
        result = await self.run(backends, self.parse(arguments))
        return result.model_dump(mode="json", exclude_unset=True)

    def parse(self, arguments: Mapping[str, Any]) -> Arguments:
        """Raises: InvalidInputError: an argument is unknown, missing or wrong; the text names each."""
        known = self.input_schema["properties"]
        unknown = [name for name in arguments if name not in known]
        problems = []
        if unknown:
            shown = ", ".join(repr(name[:60]) for name in unknown[:5])
            more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
            problems.append(f"there is no argument {shown}{more} (arguments: {', '.join(known) or 'none'})")
        try:
            # Assistants write null for what they leave out.
            parsed = self.arguments.model_validate({name: v for name, v in arguments.items() if v is not None})
        except ValidationError as error:
            problems += describe_problems(error)
        if problems:
            raise InvalidInputError(f"{self.name}: {'; '.join(problems)}")
        return parsed


M = TypeVar("M", bound=BaseModel)


def with_ids(model: type[M], *id_types: Any) -> type[M]:
    """A generic model for the dataset's types of IDs."""
    return cast("type[M]", model.__class_getitem__(id_types))


def describe_problems(error: ValidationError, most: int = 5) -> list[str]:
    """What is wrong with which argument, in words."""
    problems = []
    for problem in error.errors(include_url=False)[:most]:
        place = ".".join(str(part) for part in problem["loc"])
        given = repr(problem["input"])
        shown = "" if problem["type"] == "missing" else f" (got {given[:60]}{'...' if len(given) > 60 else ''})"
        text = problem["msg"].removeprefix("Value error, ")
        problems.append(f"{place}: {text[0].lower()}{text[1:]}{shown}")
    if error.error_count() > most:
        problems.append(f"and {error.error_count() - most} more problems")
    return problems


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
) -> Tool:
    """Put a tool together.

    Args:
        choices: Arguments that take names, and the names this dataset has.
        leave_out: Arguments that mean nothing for this dataset.
    """
    nouns = facts.spec.nouns
    input_schema = json_schema(arguments, nouns)
    properties = input_schema["properties"]
    for argument in leave_out:
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
    )


def fill(text: str, nouns: Nouns) -> str:
    """Put the dataset's nouns into a text: "{item}", "{Items}", ..."""
    words = nouns.model_dump()
    return text.format(**words, **{name.capitalize(): word.capitalize() for name, word in words.items()})


def json_schema(model: type[BaseModel], nouns: Nouns) -> dict[str, Any]:
    """A model's JSON schema: without references, generated titles and null alternatives.

    An optional argument is one that is not required; null is accepted all the same. Hosts differ in what
    they make of ``anyOf`` and ``$ref``, and every word of a schema costs tokens.
    """
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def simplify(node: Any, *, named: bool = False) -> Any:
        """named: the keys of this node are names of properties, not keywords."""
        if isinstance(node, list):
            return [simplify(part) for part in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return simplify(
                {
                    **definitions[node["$ref"].rpartition("/")[2]],
                    **{k: v for k, v in node.items() if k != "$ref"},
                }
            )
        if named:
            return {name: simplify(part) for name, part in node.items()}
        options = [option for option in node.get("anyOf", []) if option != {"type": "null"}]
        if len(options) == 1:
            nullable = "default" not in node
            node = {
                **simplify(options[0]),
                **{k: v for k, v in node.items() if k not in ("anyOf", "default")},
            }
            if nullable and "type" in node:
                node["type"] = [node["type"], "null"]
        simple = {
            keyword: simplify(part, named=keyword == "properties")
            for keyword, part in node.items()
            if not (keyword == "title" and isinstance(part, str)) and not (keyword == "default" and part is None)
        }
        if isinstance(text := simple.get("description"), str):
            simple["description"] = fill(" ".join(text.split()), nouns)
        return simple

    simple: dict[str, Any] = simplify(schema)
    simple.pop("description", None)
    simple.setdefault("properties", {})
    return simple


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


async def list_items(backends: Backends, items: list[int]) -> list[dict[str, Any]]:
    """IDs and titles, as ListedItem takes them."""
    names = await (await backends.catalog()).names(items)
    return [{"item_id": name.id, "title": name.title} for name in names]


def count_of(number: int, one: str, many: str) -> str:
    """ "1 film", "1,682 films"."""
    return f"{number:,} {one if number == 1 else many}"
