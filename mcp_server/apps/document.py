"""The HTML document of a page, made of its parts.

Everything is inside it, and its policy allows exactly that: the browser refuses any other script or style, and every
connection, whatever the host allows.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from mcp_server import __version__

PARTS = Path(__file__).parent / "parts"

SHARED = ("host", "elements", "words", "frame")
"""Scripts of all pages. With a page's own script after them they are one module."""

BEFORE = {"taste": ("timeline",)}
"""More scripts that a page needs before its own."""


def make_document(page: str, title: str, about: Mapping[str, Any]) -> str:
    """The document of a page.

    Args:
        page: Name of the page, and of its own script and style.
        about: Facts that its scripts read as ``ABOUT``.
    """
    style = _read("theme.css") + _read(f"{page}.css")
    script = "".join(_read(f"{part}.js") for part in (*SHARED, *BEFORE.get(page, ()), page))
    return Template(_read("page.html")).substitute(
        title=html.escape(title),
        policy=f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}; "
        "base-uri 'none'; form-action 'none'",
        style=style,
        about=_in_script({**about, "page": page, "version": __version__}),
        script=script,
    )


def _read(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Source expression of a content security policy that allows this text and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _in_script(value: Any) -> str:
    """JSON in which no text can close the element around it or open a comment in it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
