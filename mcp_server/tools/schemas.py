"""JSON schemas of arguments and results, in the dataset's words and in the few keywords that every host takes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from mcp_server.dataset.facts import Feature
from mcp_server.dataset.spec import Nouns

LEFT_OUT = frozenset({"title", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"})
"""Keywords of pydantic that are left out of schemas. They cost tokens in every conversation, and Anthropic's strict use
of tools refuses limits. Descriptions name the limits that matter, and a call beyond one is refused in words.
"""


NEEDS = "needs"
"""Keyword of our own, for the feature without which a property is left out."""


def json_schema(model: type[BaseModel], nouns: Nouns, features: Feature = Feature.NONE, **words: str) -> dict[str, Any]:
    """A model's JSON schema, without references, generated titles and null alternatives.

    An optional argument is one that is not required; null is accepted all the same. A list of types, as in
    ``["string", "null"]``, occurs only in schemas of results, for values that are always there but may be unknown:
    Gemini refuses such lists in arguments, while schemas of results are only checked by clients.

    Args:
        features: What the dataset has.
        words: Words for descriptions, beside the nouns.
    """
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    for part in (schema, *definitions.values()):
        part.pop("description", None)  # the docstring is for readers of the code

    def simplify(node: Any, *, named: bool = False) -> Any:
        """A part of the schema in simple form. ``named``: its keys are names of properties, not keywords."""
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
            return {name: simplify(part) for name, part in node.items() if part.pop(NEEDS, features) in features}
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
            if keyword not in LEFT_OUT
            and not (keyword == "default" and part is None)
            and not (keyword == "additionalProperties" and isinstance(part, bool))
        }
        if isinstance(text := simple.get("description"), str):
            simple["description"] = nouns.fill(" ".join(text.split()), **words)
        return simple

    simple: dict[str, Any] = simplify(schema)
    simple.setdefault("properties", {})
    return simple
