"""The HTML document of a page, made of its parts.

Everything but pictures of items is inside it, and its policy allows exactly that: the browser refuses any other script
or style, and every other connection, whatever the host allows.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from mcp_server import __version__
from mcp_server.files.web_page import in_script, policy_of

PARTS = Path(__file__).parent / "parts"

SHARED = ("host", "elements", "words", "frame")
"""Scripts of all pages. With a page's own script after them they are one module."""

BEFORE = {"taste": ("timeline",)}
"""More scripts that a page needs before its own."""


def make_document(page: str, title: str, about: Mapping[str, Any], images: str | None) -> str:
    """The document of a page.

    Args:
        page: Name of the page, and of its own script and style.
        about: Facts that its scripts read as ``ABOUT``.
        images: Place of pictures that it may load.
    """
    style = _read("theme.css") + _read(f"{page}.css")
    script = "".join(_read(f"{part}.js") for part in (*SHARED, *BEFORE.get(page, ()), page))
    return Template(_read("page.html")).substitute(
        title=html.escape(title),
        policy=policy_of(script, style, images),
        style=style,
        about=in_script({**about, "page": page, "version": __version__}),
        script=script,
    )


def _read(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")
