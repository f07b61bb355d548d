"""The names of tools as a model sees them: of a form that every provider accepts, and each only once."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

LONGEST_NAME = 60
"""Characters of a tool's name; providers accept 64."""


def shown_names(servers: Sequence[tuple[str, Sequence[str]]]) -> list[dict[str, str]]:
    """One mapping a server from its own names of tools to those shown, which begin with its name if it is not alone."""
    taken: set[str] = set()
    found: list[dict[str, str]] = [{} for _ in servers]
    for (server, tools), shown in zip(servers, found, strict=True):
        for own in tools:
            tool = _valid(own)
            wanted = f"{_valid(server)[: max(LONGEST_NAME - 1 - len(tool), 0)]}_{tool}" if len(servers) > 1 else tool
            name, number = wanted[:LONGEST_NAME], 1
            while name in taken:
                number += 1
                name = f"{wanted[: LONGEST_NAME - 4]}_{number}"
            shown[own] = name
            taken.add(name)
    return found


def _valid(name: str) -> str:
    """The name in Latin letters, digits, - and _; with Gemini, it begins with a letter or _."""
    return re.sub(r"^(?![a-zA-Z_])", "_", re.sub(r"[^a-zA-Z0-9_-]+", "_", name))


def renamed(words: Any, shown: Mapping[str, str]) -> Any:
    """A server's text, or a schema's descriptions, with its tools by their shown names.

    A name that may be an ordinary word, such as "search", counts only where it is written as code.
    """
    if isinstance(words, dict):
        is_text = {key: key == "description" or isinstance(value, dict | list) for key, value in words.items()}
        return {key: renamed(value, shown) if is_text[key] else value for key, value in words.items()}
    if isinstance(words, list):
        return [renamed(each, shown) if isinstance(each, dict) else each for each in words]
    own_names = [own for own in sorted(shown, key=len, reverse=True) if shown[own] != own]
    if not isinstance(words, str) or not own_names:
        return words
    forms = [f"(?<=`){own}(?=[`(])" if own.isalpha() else re.escape(own) for own in own_names]
    return re.sub(rf"(?<![\w-])(?:{'|'.join(forms)})(?![\w-])", lambda found: shown[found[0]], words)
