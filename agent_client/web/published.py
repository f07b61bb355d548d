"""The things that servers publish about themselves, read as soon as they can be used: titles of tools, words for the
fields of results, pages that show results (MCP Apps), and questions to begin with.
"""

import asyncio
import contextlib
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp import ClientSession
from mcp.types import Tool
from pydantic import AnyUrl, TypeAdapter, ValidationError

from agent_client.servers.connected import Servers
from agent_client.servers.session import EXPECTED
from agent_client.web.starters import Starter, starters_of
from agent_client.web.words import FieldWords

PATIENCE_SECONDS = 10
"""A server that still prepares its data has no values for questions yet; the page does not wait for them."""

ORIGIN = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?")
"""Form of a place that a page may load pictures from: one host, by HTTPS, and nothing else that a policy could mean."""

FIELDS = TypeAdapter(dict[str, FieldWords])
"""Words for fields, which a server has in the `_meta` of a resource under a key that ends in /fields."""


@dataclass
class Published:
    """All that the servers publish; tools go by the names that the model sees.

    A page does without whatever a server does not tell, or not soon.
    """

    folder: Path
    """An existing folder, into which the documents of cards are written."""
    starters: list[Starter] = field(default_factory=list)
    fields: dict[str, FieldWords] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The server's own page for a tool's results: the `file` of its document, its `title`, its `server`, and the places
    from which it loads `pictures`."""
    _read: set[str] = field(default_factory=set)
    """Names of the servers that have been read."""

    def picture_places(self) -> list[str]:
        """Places from which cards load pictures."""
        return sorted({place for card in self.cards.values() for place in card["pictures"]})

    async def read(self, servers: Servers) -> None:
        """Read the servers that can be used and have not been read yet."""
        for server, names in servers.named():
            own = server.address.name
            self.titles |= {names[tool.name]: tool.title or "" for tool in server.tools}
            if server.tools and own not in self._read:  # without tools, it cannot be used
                self._read.add(own)
                with contextlib.suppress(*EXPECTED):
                    async with asyncio.timeout(PATIENCE_SECONDS):
                        session = await server.open()
                        self.fields |= await _fields(session)
                        for tool in server.tools:
                            if (card := await _card(session, own, tool, self.folder)) is not None:
                                self.cards[names[tool.name]] = card
                        async for starter in starters_of(session):
                            self.starters.append(starter)


async def _fields(session: ClientSession) -> dict[str, FieldWords]:
    capabilities = session.get_server_capabilities()
    found: dict[str, FieldWords] = {}
    if capabilities is not None and capabilities.resources is not None:
        for resource in (await session.list_resources()).resources:
            for described in (value for key, value in (resource.meta or {}).items() if key.endswith("/fields")):
                with contextlib.suppress(ValidationError):
                    found |= FIELDS.validate_python(described)
    return found


async def _card(session: ClientSession, server: str, tool: Tool, folder: Path) -> dict[str, Any] | None:
    """The server's page for a tool's results, written into the folder; None where it has none that can be read."""
    uri = ((tool.meta or {}).get("ui") or {}).get("resourceUri")
    if not isinstance(uri, str) or not uri.startswith("ui://"):
        return None
    try:
        (content,) = (await session.read_resource(AnyUrl(uri))).contents
    except EXPECTED:  # there is our own list instead
        return None
    file = f"{hashlib.sha256(f'{server} {uri}'.encode()).hexdigest()[:16]}.html"
    (folder / file).write_text(getattr(content, "text", ""), encoding="utf-8")
    places = (((content.meta or {}).get("ui") or {}).get("csp") or {}).get("resourceDomains") or []
    pictures = [place for place in places if isinstance(place, str) and ORIGIN.fullmatch(place)]
    return {"file": file, "title": tool.title or tool.name, "server": server, "pictures": pictures}
