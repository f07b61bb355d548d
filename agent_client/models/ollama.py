"""Ollama's models, with everything that a tool's schema says."""

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_ollama import ChatOllama

SENT = ("type", "items", "enum", "description")
"""Keywords of an argument's schema that Ollama's Python client passes on; it drops all others."""


class FullSchemaOllama(ChatOllama):
    """A chat model that writes the dropped keywords (properties, alternatives, limits, defaults) into descriptions."""

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
