"""The fields of a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic

from pydantic import Field

from mcp_server.dataset.facts import DatasetFacts, Feature, When
from mcp_server.dataset.ids import UserId
from mcp_server.tools.arguments import Arguments, OneOrMore
from mcp_server.tools.results import Result
from mcp_server.tools.tool import Tool, make_tool

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends
    from mcp_server.types import Id

DESCRIPTION = (
    'What is known of one {user}: "who is X"',
    When(Feature.USER_GROUPS, ', "what group is X in"'),
    ". ",
    When(Feature.USER_GROUPS, """For "popular in X's group", go on with get_popular_items_tool. """),
    "Not for what X had: get_interacted_items_tool.",
)


class UserMetadataArguments(Arguments, Generic[UserId]):
    user: UserId = Field(description="{User} ID; never guess.")
    get: Annotated[list[str], OneOrMore] = Field(min_length=1, description="Fields.")


class UserMetadataResult(Result, Generic[UserId]):
    user: UserId = Field(description="ID.")
    fields: dict[str, Any] = Field(description="Null if not known.")


def build(facts: DatasetFacts) -> Tool:
    return make_tool(
        facts,
        name="get_user_metadata_tool",
        title="About a {user}",
        description=DESCRIPTION,
        arguments=UserMetadataArguments,
        result=UserMetadataResult,
        run=user_metadata,
        needs=Feature.USER_FIELDS,
        choices={"get": [field.name for field in facts.spec.users.fields]},
    )


async def user_metadata(backends: Backends, arguments: UserMetadataArguments[Id]) -> UserMetadataResult[Id]:
    fields = backends.spec.users.fields
    record = await (await backends.catalog()).user(arguments.user)
    asked = {field.name: field.title.lower() for field in fields if field.name in arguments.get}
    values = {name: record[name] for name in asked}
    said = [f"{title} {_in_words(values[name])}" for name, title in asked.items()]
    message = f"{backends.spec.nouns.user.capitalize()} {arguments.user}: {', '.join(said)}."
    return UserMetadataResult(message=message, user=arguments.user, fields=values)


def _in_words(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "not known" if value is None else value
