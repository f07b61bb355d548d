"""Calls that cards (MCP Apps) make while a person looks at them. The model does not hear of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.tools import BaseTool, ToolException
from mcp import McpError
from pydantic import ValidationError

from agent_client.errors import AgentError
from agent_client.history import text_of


async def call_for_card(
    tools: Sequence[BaseTool], names: Mapping[tuple[str, str], str], payload: Mapping[str, Any]
) -> dict[str, Any]:
    """Call a tool of the card's own server, if the tool changes nothing; the result in the protocol's form.

    Args:
        names: The names of tools here, by those of a server and of its tool.
        payload: The card's `server`, the `name` of its tool, and the `arguments`.

    Raises:
        AgentError: There is no such tool, or it has failed.
    """
    name = names.get((payload["server"], payload["name"]))
    tool = next((tool for tool in tools if tool.name == name), None)
    if tool is None or not (tool.metadata or {}).get("readOnlyHint"):
        raise AgentError(f"{payload['name']} is not a tool that a card may call")
    try:
        message = await tool.ainvoke({"type": "tool_call", "id": "card", "name": name, "args": payload["arguments"]})
    except (ToolException, McpError, ValidationError) as error:
        raise AgentError(str(error)) from error
    content = [{"type": "text", "text": text_of(message.content)}]
    result: dict[str, Any] = {"content": content, "isError": message.status == "error"}
    if message.artifact is not None:
        result["structuredContent"] = message.artifact["structured_content"]
    return result
