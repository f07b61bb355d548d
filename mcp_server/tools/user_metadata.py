"""What is known of a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic

from pydantic import Field

from mcp_server.tools.base import Arguments, Facts, OneOrMore, Result, Tool, UserId, make_tool, with_ids
from mcp_server.tools.item_metadata import check_fields

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends

DESCRIPTION = """
What is known of one {user}: "who is X", "what group is X in". For "popular in X's group", go on with
get_popular_items_tool. Not for what X had: get_interacted_items_tool.
"""


class UserMetadataArguments(Arguments, Generic[UserId]):
    user: UserId = Field(description="{User} ID; never guess.")
    get: Annotated[list[str], OneOrMore] = Field(min_length=1, description="Fields.")


class UserMetadataResult(Result, Generic[UserId]):
    user: UserId = Field(description="ID.")
    fields: dict[str, Any] = Field(description="Null if not known.")


def build(facts: Facts) -> Tool | None:
    """None where the dataset declares no fields of users."""
    fields = facts.spec.users.fields
    if not fields:
        return None
    result = with_ids(UserMetadataResult, facts.user_id_type)

    async def run(backends: Backends, arguments: UserMetadataArguments[Any]) -> Result:
        check_fields(arguments.get, fields)
        record = await (await backends.catalog()).user(arguments.user)
        values = {field.name: record[field.name] for field in fields if field.name in arguments.get}
        said = [
            f"{field.title.lower()} {values[field.name]}"
            if values[field.name] is not None
            else f"{field.title.lower()} not known"
            for field in fields
            if field.name in values
        ]
        message = f"{backends.spec.nouns.user.capitalize()} {arguments.user}: {', '.join(said)}."
        return result(message=message, user=arguments.user, fields=values)

    return make_tool(
        facts,
        name="get_user_metadata_tool",
        title="About a {user}",
        description=DESCRIPTION,
        arguments=with_ids(UserMetadataArguments, facts.user_id_type),
        result=result,
        run=run,
        choices={"get": [field.name for field in fields]},
    )
