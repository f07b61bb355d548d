"""Parts of self-contained HTML pages, whose policy allows their own script and style and next to nothing else."""

import base64
import hashlib
import json
from typing import Any


def policy_of(script: str, style: str, images: str | None = None) -> str:
    """A content security policy by which the browser takes this script and this style, and loads nothing else but
    pictures, if a place for them is given.
    """
    pictures = "" if images is None else f"img-src {images}; "
    return (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}; {pictures}"
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    """Source expression of a content security policy that allows this text and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def in_script(value: Any) -> str:
    """JSON in which no text can close the element around it or open a comment in it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
