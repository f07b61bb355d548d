"""Markdown for the reference pages."""

from collections.abc import Iterable, Sequence

import yaml

GENERATED = "<!-- Written by `python -m docs_site` from the code: do not edit. -->\n"
"""First line of every page that is written from the code."""


DOCUMENT_END = "...\n"
"""YAML's mark after a document that is a bare value."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table. Cells are Markdown in one line; pipes in them are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(value: object) -> str:
    """A value as it is written in YAML, as code."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return f"`{text.removesuffix(DOCUMENT_END).strip()}`"


def block(text: str, language: str) -> str:
    """A block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def page(title: str, *parts: str) -> str:
    """A whole page that is written from the code."""
    return "\n\n".join([f"{GENERATED}\n# {title}", *(part.strip() for part in parts if part.strip())]) + "\n"
