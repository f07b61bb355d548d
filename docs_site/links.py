"""Links out of `docs/`, which lead to files of the repository: on the site they lead to the same files on the web.

MkDocs loads this module as a hook (`mkdocs.yml`).
"""

import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

LINK = re.compile(r"(?<=\]\()(?P<path>(?:\.\./)+[^)#\s]*)(?P<anchor>#[^)\s]*)?(?=\))")
"""Target of a Markdown link to a place above the page's own folder."""


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """MkDocs' event for the text of a page."""
    return lead_outside(markdown, page.file.src_uri, config.extra["repository"])


def lead_outside(markdown: str, source: str, repository: str) -> str:
    """The text of a page with its links out of `docs/` as addresses in the repository.

    Args:
        source: The page's path in `docs/`.
        repository: Address of the repository on the web.

    Raises:
        FileNotFoundError: A link leads to no file and no folder.
    """

    def address(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(source), link["path"]))
        if path.startswith("docs/"):
            return link[0]
        if not (ROOT / path).exists():
            raise FileNotFoundError(f"docs/{source}: there is no {path}")
        kind = "tree" if (ROOT / path).is_dir() else "blob"
        return f"{repository}/{kind}/main/{path}{link['anchor'] or ''}"

    return LINK.sub(address, markdown)
