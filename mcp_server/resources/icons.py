"""Pictures of prompts and resources, as hosts show them in menus: small SVGs inside their addresses, so that nothing is
fetched. Tools have none: theirs would be part of every list of tools, which models pay for.
"""

from typing import Any
from urllib.parse import quote

_COLOUR = "#6d5ae6"
"""Readable on light and on dark."""

_SHAPES = {
    "assistant": "<path d='M4 5h16v11H9l-5 4z'/><path d='M9 10h.01M15 10h.01'/>",
    "calendar": "<path d='M4 6h16v14H4zM4 10h16M8 3v4M16 3v4'/>",
    "chart": "<path d='M5 20V11M12 20V4M19 20v-6'/>",
    "dataset": "<ellipse cx='12' cy='6' rx='8' ry='3'/><path d='M4 6v12c0 4 16 4 16 0V6M4 12c0 4 16 4 16 0'/>",
    "filter": "<path d='M4 5h16l-6 8v6l-4-2v-4z'/>",
    "heart": "<path d='M12 20C2 13 4 5 8.5 5 10.5 5 12 7.5 12 7.5S13.5 5 15.5 5C20 5 22 13 12 20z'/>",
    "info": "<circle cx='12' cy='12' r='9'/><path d='M12 11v6M12 7h.01'/>",
    "list": "<path d='M9 6h11M9 12h11M9 18h11M4 6h.01M4 12h.01M4 18h.01'/>",
    "people": "<circle cx='9' cy='8' r='4'/><path d='M2 20c0-8 14-8 14 0M16 4.5a4 4 0 0 1 0 7M18 15c3 .5 4 3 4 5'/>",
    "person": "<circle cx='12' cy='8' r='4'/><path d='M4 20c0-9 16-9 16 0'/>",
    "question": "<circle cx='12' cy='12' r='9'/><path d='M9 9.5c0-4 6-4 6 0 0 2.5-3 2.5-3 4.5M12 17h.01'/>",
    "ruler": "<path d='M3 8h18v8H3zM7 8v3M11 8v4M15 8v3'/>",
    "similar": "<path d='M4 4h11v11H4zM9 15v5h11V9h-5'/>",
    "star": "<path d='M12 3l2.7 6 6.300.6-4.800 4.200 1.5 6.200L12 16.7 6.300 20l1.5-6.200L3 9.6 9.300 9z'/>",
    "story": "<path d='M12 6c-3-2-6-2-9-1v14c3-1 6-1 9 1 3-2 6-2 9-1V5c-3-1-6-1-9 1zM12 6v14'/>",
}


def icons(name: str) -> list[dict[str, Any]]:
    """A picture in the protocol's form."""
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='{_COLOUR}' "
        f"stroke-width='2' stroke-linecap='round' stroke-linejoin='round'>{_SHAPES[name]}</svg>"
    )
    return [{"src": f"data:image/svg+xml,{quote(svg)}", "mimeType": "image/svg+xml", "sizes": ["any"]}]
