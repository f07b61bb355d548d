"""The entries of the lists that clients ask for (tools, resources, prompts), in pages, and the results of reading one
and of completing an argument. All are the protocol's own JSON.
"""

import base64
import binascii
from collections.abc import Sequence

from mcp_server.prompts.prompt import Prompt
from mcp_server.protocol.message_checks import INVALID_PARAMS, JsonObject, ProtocolError
from mcp_server.resources.completions import Values
from mcp_server.resources.icons import icons
from mcp_server.resources.resources import Content, Listed
from mcp_server.tools.tool import Tool

READ_ONLY = {"readOnlyHint": True, "destructiveHint": False, "openWorldHint": False}
"""Hints of a tool that changes nothing. Hosts assume the worst of a tool without them."""

PAGE_SIZE = 100
"""Entries of a list in one result."""


def tool_entry(tool: Tool, page_uri: str | None) -> JsonObject:
    entry: JsonObject = {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": tool.input_schema,
        "outputSchema": tool.output_schema,
        "annotations": READ_ONLY if tool.read_only else {"readOnlyHint": False},
    }
    if page_uri is not None:
        entry["_meta"] = {"ui": {"resourceUri": page_uri}, "ui/resourceUri": page_uri}  # the latter for older hosts
    return entry


def resource_entry(resource: Listed) -> JsonObject:
    return {"uri": resource.address, **_described(resource)}


def template_entry(template: Listed) -> JsonObject:
    return {"uriTemplate": template.address, **_described(template)}


def _described(listed: Listed) -> JsonObject:
    return {
        "name": listed.name,
        "title": listed.title,
        "description": listed.description,
        "mimeType": listed.mime_type,
        "icons": icons(listed.icon),
        **_meta(listed),
    }


def _meta(described: Listed | Content) -> JsonObject:
    return {} if described.meta is None else {"_meta": described.meta}


def prompt_entry(prompt: Prompt) -> JsonObject:
    arguments = [
        {
            "name": argument.name,
            "title": argument.title,
            "description": argument.description,
            "required": argument.required,
        }
        for argument in prompt.arguments
    ]
    return {
        "name": prompt.name,
        "title": prompt.title,
        "description": prompt.description,
        "arguments": arguments,
        "icons": icons(prompt.icon),
    }


def contents(address: str, content: Content) -> JsonObject:
    """The result of reading a resource."""
    return {"contents": [{"uri": address, "mimeType": content.mime_type, "text": content.text, **_meta(content)}]}


def completion(found: Values) -> JsonObject:
    """The result of completing an argument."""
    has_more = found.total > len(found.values)
    return {"completion": {"values": found.values, "total": found.total, "hasMore": has_more}}


def page(key: str, entries: Sequence[JsonObject], params: JsonObject) -> JsonObject:
    """One page of a list; the cursor holds the number of entries before it.

    Raises:
        ProtocolError: The cursor is not one of this list.
    """
    start = 0
    if cursor := params.get("cursor"):
        try:
            start = int(base64.urlsafe_b64decode(cursor))
        except (ValueError, binascii.Error):
            start = -1
        if not 0 < start < len(entries):
            raise ProtocolError(INVALID_PARAMS, "this cursor is none of this list's: begin without one")
    end = start + PAGE_SIZE
    following = {"nextCursor": base64.urlsafe_b64encode(b"%d" % end).decode()} if end < len(entries) else {}
    return {key: entries[start:end], **following}
