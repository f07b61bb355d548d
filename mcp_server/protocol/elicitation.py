"""Questions to the person at the host for an argument that a call lacks: the ID of a user."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp_server.dataset.facts import DatasetFacts
from mcp_server.errors import InvalidInputError
from mcp_server.tools.tool import Tool


@dataclass(frozen=True)
class Question:
    """A question to the person at the host.

    Args:
        argument: Name of the argument that the answer is for.
        schema: JSON schema of a form with this one field.
    """

    argument: str
    text: str
    schema: dict[str, Any]

    def read(self, answer: Mapping[str, Any]) -> int | str:
        """The value that was filled in.

        Args:
            answer: "action" (accept, decline or cancel) and "content", the form.

        Raises:
            InvalidInputError: The form was not filled in.
        """
        value = (answer.get("content") or {}).get(self.argument)
        if answer.get("action") != "accept" or value is None or value == "":
            raise InvalidInputError(f"{self.text} The question was not answered")
        is_number = self.schema["properties"][self.argument]["type"] == "integer"
        if is_number and isinstance(value, float) and value.is_integer():  # JSON has one kind of number
            return int(value)
        return value if isinstance(value, int | str) else str(value)


def missing_user(tool: Tool, arguments: Mapping[str, Any], facts: DatasetFacts) -> Question | None:
    """The question to ask where a call names no user although its tool needs one."""
    if not tool.needs_user(arguments):
        return None
    nouns, card = facts.spec.nouns, facts.card
    field: dict[str, Any] = {"type": facts.spec.users.id_type, "title": f"{nouns.user.capitalize()} ID"}
    if card is not None:
        field["description"] = f"{card.user_ids[0].upper()}{card.user_ids[1:]}."
    schema = {"type": "object", "properties": {"user": field}, "required": ["user"]}
    return Question("user", f"For which {nouns.user}?", schema)
