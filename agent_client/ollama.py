"""Ollama's models, told all that the schema of a tool says."""

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_ollama import ChatOllama

SENT = ("type", "items", "enum", "description")
"""Of an argument, Ollama's Python client passes on these parts of its schema alone."""


class FullSchemaOllama(ChatOllama):
    """Puts the other parts (properties of objects, alternatives, limits, defaults) into the description."""

    def bind_tools(self, tools: Sequence[Any], **options: Any) -> Runnable[LanguageModelInput, AIMessage]:
        return super().bind_tools([_spelled_out(convert_to_openai_tool(tool)) for tool in tools], **options)


def _spelled_out(tool: dict[str, Any]) -> dict[str, Any]:
    function = tool["function"]
    parameters = function["parameters"]
    properties = {name: _argument(schema) for name, schema in parameters.get("properties", {}).items()}
    return {**tool, "function": {**function, "parameters": {**parameters, "properties": properties}}}


def _argument(schema: dict[str, Any]) -> dict[str, Any]:
    lost = {keyword: part for keyword, part in schema.items() if keyword not in SENT}
    if not lost:
        return schema
    return {**schema, "description": f"{schema.get('description', '')} Schema: {json.dumps(lost)}".strip()}
