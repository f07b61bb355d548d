"""A tool: what it is called, what it takes and gives, what it needs of a dataset, and how a call of it runs.

Nothing here or in the tools knows of MCP; the server publishes the tools.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mcp_server.dataset.facts import DatasetFacts, Feature, Text
from mcp_server.errors import InvalidInputError
from mcp_server.tools.arguments import Arguments, check_arguments
from mcp_server.tools.readings.lookups import look_up, unknown_ids
from mcp_server.tools.readings.parameters import parameters_of
from mcp_server.tools.readings.problems import Findings
from mcp_server.tools.readings.reader import Reader
from mcp_server.tools.readings.values import ValueReader
from mcp_server.tools.results import Result
from mcp_server.tools.schemas import json_schema
from mcp_server.tools.size import PAGED, fit

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends

SHARED_ARGUMENTS = ("since", "until", "order_by", "match", "detail", "items", "item_set", "exclude_items")
"""Arguments of several tools. They come last in a schema, after those that are the tool's own."""

SHORTER = {"detail": ("full", "detail=compact"), "reasons": (True, "reasons=false")}
"""Arguments that make an answer long: the value that does so, and what to call with instead."""


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
    reader: Reader
    """Reads the arguments of a call: those of the schema, and those that are left out of it for its size."""
    needs: Feature = Feature.NONE
    """Features without which a dataset does not have the tool."""
    read_only: bool = True
    """False where a call changes something, here or elsewhere: hosts then ask before they call it."""

    async def call(self, backends: Backends, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Check the arguments, run, and give the result as JSON values.

        Raises:
            RecsysError: The call asks for what cannot be done; the text is for the person who asked.
            ValueError: A defect of the tool: its result is not JSON.
        """
        findings = Findings()
        read = self.reader.read(arguments, findings)
        read = await look_up(read, self.reader.parameters, self.reader.values.nouns, backends, findings)
        parsed = check_arguments(self.arguments, read, self.reader.parameters, findings)
        if parsed is None or findings.problems:
            raise await self._refusal(backends, read, findings)
        try:
            found = await self.run(backends, parsed)
        except InvalidInputError as error:
            raise await self._refusal(backends, read, Findings(problems=[str(error)])) from None
        result = found.model_dump(mode="json", exclude_unset=True)
        result["message"] = " ".join([result["message"], *findings.sentences])
        shown = fit(result, _how_to_get_more(parsed))
        offset = getattr(parsed, "offset", None)
        if offset is not None and shown.get("remaining"):
            offset += sum(len(shown[name]) for name in PAGED if name in shown)
            shown["message"] += f" {shown['remaining']:,} more: call again with offset={offset}."
        return shown

    def needs_user(self, arguments: Mapping[str, Any]) -> bool:
        """True where the tool cannot do without a user and a call names none. Several users, and items that someone
        likes, stand in for one.
        """
        alternatives = {"users", "liked_items"} & set(self.input_schema["properties"])
        if "user" not in self.input_schema.get("required", []) and not alternatives:
            return False
        settled = self.reader.settle(arguments, Findings())
        return not any(name in settled for name in ("user", "users", "liked_items"))

    async def _refusal(self, backends: Backends, read: Mapping[str, Any], found: Findings) -> InvalidInputError:
        """The error of a call, with all its problems; of the unknown IDs it may know only the first so far."""
        values = self.reader.values
        unknown = await unknown_ids(read, self.reader.parameters, backends, values.finds_titles)
        told = [each for each in found.problems if not any(sentence.startswith(each) for sentence in unknown)]
        return InvalidInputError(f"{self.name}: {Findings(problems=[*told, *unknown]).problem}")


def _how_to_get_more(arguments: Arguments) -> str:
    """Advice on calling again for more of an answer that was too long; it continues a sentence."""
    ways = [way for name, (value, way) in SHORTER.items() if getattr(arguments, name, None) == value]
    if "get" in type(arguments).model_fields:
        ways.append("fewer fields")
    return f"; more fit with {' and '.join(ways)}" if ways else "; ask for fewer, or among fewer"


def make_tool(
    facts: DatasetFacts,
    *,
    name: str,
    title: str,
    description: Text,
    arguments: type[Arguments],
    result: type[Result],
    run: Callable[[Backends, Any], Awaitable[Result]],
    needs: Feature = Feature.NONE,
    choices: Mapping[str, Collection[str]] | None = None,
    unlisted: Collection[str] = (),
    words: Mapping[str, str] | None = None,
    read_only: bool = True,
) -> Tool:
    """Put a tool together for a dataset.

    Args:
        description: Text for a model that sees nothing else of the tool, in parts where some depend on features.
        arguments: Model of the arguments; may be generic over ``UserId`` and ``ItemId``.
        result: Model of the result, likewise.
        run: Does the work. Gets the arguments as their model, returns a result of its model.
        needs: Features without which a dataset does not have the tool.
        choices: Arguments that take names, and the names this dataset has.
        unlisted: Those of these arguments whose names are left out of the schema, for its size.
        words: Words for descriptions in the result's schema, beside the nouns.
        read_only: False where a call changes something.
    """
    typed = _with_ids(arguments, facts)
    listed = {name: names for name, names in (choices or {}).items() if name not in unlisted}
    input_schema = _input_schema(typed, facts, listed)
    shown = tuple(input_schema["properties"])
    takes = (*shown, *(name for name in _arguments_of(typed, facts) if name not in shown))
    values = ValueReader(facts.spec.nouns, facts.user_groups, Feature.FILTERED_TITLES in facts.features)
    return Tool(
        name=name,
        title=facts.say(title),
        description=" ".join(facts.say(description).split()),
        arguments=typed,
        result=result,
        run=run,
        input_schema=input_schema,
        output_schema=json_schema(
            _with_ids(result, facts), facts.spec.nouns, facts.features, **{**facts.words, **(words or {})}
        ),
        reader=Reader(parameters_of(typed, facts, takes, choices or {}), values),
        needs=needs,
        read_only=read_only,
    )


def _arguments_of(model: type[Arguments], facts: DatasetFacts) -> list[str]:
    """Names of the arguments that a dataset can have."""

    def applies(field: FieldInfo) -> bool:
        return all(need in facts.features for need in field.metadata if isinstance(need, Feature))

    return [name for name, field in model.model_fields.items() if applies(field)]


def _input_schema(
    arguments: type[Arguments], facts: DatasetFacts, choices: Mapping[str, Collection[str]]
) -> dict[str, Any]:
    """JSON schema of the arguments that a dataset can have."""
    input_schema = json_schema(arguments, facts.spec.nouns, facts.features, **facts.words)
    properties = input_schema["properties"]
    for argument in set(properties).difference(_arguments_of(arguments, facts)):
        del properties[argument]
    for argument in SHARED_ARGUMENTS:
        if argument in properties:
            properties[argument] = properties.pop(argument)
    for argument, names in choices.items():
        schema = properties[argument]
        schema.get("items", schema)["enum"] = list(names)
    return input_schema


M = TypeVar("M", bound=BaseModel)


def _with_ids(model: type[M], facts: DatasetFacts) -> type[M]:
    """A model with the dataset's types of IDs for its type variables."""
    variables = model.__pydantic_generic_metadata__["parameters"]
    id_types = facts.id_types
    return cast("type[M]", model[tuple(id_types[each] for each in variables)]) if variables else model  # type: ignore[index]
