"""The things that servers publish about themselves, read before the page is served: titles of tools, words for the
fields of results, pages that show results (MCP Apps), and questions to begin with.
"""

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mcp import ClientSession
from mcp.types import Tool
from pydantic import AnyUrl, TypeAdapter, ValidationError

from agent_client.servers.address import ServerAddress
from agent_client.servers.session import EXPECTED, ServerSession
from agent_client.web.starters import GENERAL_STARTERS, MOST_STARTERS, Starter, starters_of
from agent_client.web.words import FieldWords

FIELDS = TypeAdapter(dict[str, FieldWords])
"""Words for fields, which a server has in the `_meta` of a resource under a key that ends in /fields."""


@dataclass
class Published:
    """All that the servers publish; tools go by the names that the model sees."""

    starters: list[Starter] = field(default_factory=list)
    fields: dict[str, FieldWords] = field(default_factory=dict)
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    """Names of tools, by those of a server and of its tool."""
    titles: dict[str, str] = field(default_factory=dict)
    cards: dict[str, dict[str, str]] = field(default_factory=dict)
    """The server's own page for a tool's results: the `file` of its document, its `title` and its `server`."""


async def read_published(servers: Sequence[ServerAddress], folder: Path) -> Published:
    """All that the servers publish; the documents of cards are written into an existing folder.

    Raises:
        AgentError: A server cannot be used.
    """
    published = Published()
    for address in servers:
        server = ServerSession(address)
        try:
            session = await server.open()
            tools = (await session.list_tools()).tools
            for tool in tools:
                name = tool.name if len(servers) == 1 else f"{address.name}_{tool.name}"
                published.names[address.name, tool.name] = name
                published.titles[name] = tool.title or ""
            await _read_resources(session, address.name, tools, published, folder)
            published.starters += await starters_of(session)
        finally:
            await server.close()
    published.starters = published.starters[:MOST_STARTERS] or list(GENERAL_STARTERS)
    return published


async def _read_resources(
    session: ClientSession, server: str, tools: Sequence[Tool], published: Published, folder: Path
) -> None:
    capabilities = session.get_server_capabilities()
    if capabilities is None or capabilities.resources is None:
        return
    for resource in (await session.list_resources()).resources:
        for key, described in (resource.meta or {}).items():
            if key.endswith("/fields"):
                with contextlib.suppress(ValidationError):
                    published.fields |= FIELDS.validate_python(described)
    for tool in tools:
        uri = ((tool.meta or {}).get("ui") or {}).get("resourceUri")
        if isinstance(uri, str) and uri.startswith("ui://"):
            try:
                (content,) = (await session.read_resource(AnyUrl(uri))).contents
            except EXPECTED:  # there is our own list instead
                continue
            file = f"{hashlib.sha256(f'{server} {uri}'.encode()).hexdigest()[:16]}.html"
            (folder / file).write_text(getattr(content, "text", ""), encoding="utf-8")
            card = {"file": file, "title": tool.title or tool.name, "server": server}
            published.cards[published.names[server, tool.name]] = card
