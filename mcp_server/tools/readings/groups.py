"""Groups of users as people call them: "women", "teens", "female teenagers"."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from mcp_server.dataset.words import singular
from mcp_server.errors import quoted
from mcp_server.tools.readings.problems import UnreadableError

ALIKE = (
    "female f woman women females girl girls lady ladies",
    "male m man men males boy boys guy guys gentleman gentlemen",
    "kid kids child children",
    "teenager teenagers teen teens adolescent adolescents",
    "young_adult young_adults twen twens",
    "adult adults grown_up grown_ups",
    "senior seniors elderly retiree retirees pensioner pensioners old_people",
)
"""Words for the same group, in lines; any of them may be the dataset's own."""

_LINE_OF = {word: number for number, line in enumerate(ALIKE) for word in line.split()}

FILLERS = frozenset(("the", "of", "a", "an", "all", "who", "are", "is", "and", "user", "users", "people"))
"""Words that name no group."""

NEGATION = re.compile(r"(?:-|!|not\s|non-|without\s|no\s|except\s)\s*(?P<rest>.+)", re.IGNORECASE)


def read_groups(value: Any, names: Sequence[str], fillers: Collection[str] = ()) -> list[str]:
    """Groups by the names that they are published under.

    Args:
        value: A name, a list of names, or an object of fields and names.
        names: All published names.
        fillers: Further words that name no group, such as "viewers".

    Raises:
        UnreadableError: Something is the name of no group.
    """
    asked: list[str] = []
    parts = value if isinstance(value, list) else [value]
    for part in parts:
        if isinstance(part, Mapping):
            for field, chosen in part.items():
                asked += [f"{field}:{each}" for each in (chosen if isinstance(chosen, list) else [chosen])]
        elif isinstance(part, str):
            asked.append(part)
        else:
            raise UnreadableError(f"{quoted(part)} is the name of no group. There are: {', '.join(names)}")
    others = FILLERS | {_fold(word) for word in fillers}
    found = [group for name in asked for group in _read_one(name, names, others)]
    return list(dict.fromkeys(found))


def _read_one(asked: str, names: Sequence[str], fillers: Collection[str]) -> list[str]:
    """The groups of one phrase; the phrase itself where it is left to the dataset, which knows qualified names."""
    known = _by_word(tuple(names))
    folded = _fold(asked)
    if folded in known:
        return [known[folded]]
    field, _, value = folded.partition(":")
    if value in known:  # the dataset says whether the field has the group
        return [f"{field}:{known[value].rpartition(':')[2]}"]
    negation = NEGATION.fullmatch(asked.strip())
    if negation and _known_words(negation["rest"], known, fillers):
        raise UnreadableError(f"{quoted(asked)}: a group cannot be left out; name those that are to count")
    if re.search(r"\bor\b", folded.replace("_", " ")):
        parts = [_read_one(part, names, fillers) for part in re.split(r"[_\s]+or[_\s]+", folded)]
        return [group for part in parts for group in part]
    return _known_words(asked, known, fillers) or [asked]


def _known_words(phrase: str, known: Mapping[str, str], fillers: Collection[str]) -> list[str]:
    """The groups that the words of a phrase name; none where a word names no group."""
    words = [word for word in re.split(r"[\s_,;&+/]+", _fold(phrase)) if word and word not in fillers]
    found = []
    while words:
        for length in (3, 2, 1):
            if (group := known.get("_".join(words[:length]))) and len(words) >= length:
                found.append(group)
                words = words[length:]
                break
        else:
            return []
    return found


@lru_cache
def _by_word(names: tuple[str, ...]) -> dict[str, str]:
    """All words for groups, and the group of each. A word that could be several groups' is none."""
    found: dict[str, str] = {}
    doubtful = set()
    for name in names:
        plain = _fold(name.rpartition(":")[2])
        line = _LINE_OF.get(plain, _LINE_OF.get(singular(plain)))
        words = {plain, singular(plain), f"{plain}s", *(ALIKE[line].split() if line is not None else ())}
        for word in words:
            if found.setdefault(word, name) != name:
                doubtful.add(word)
    own = {_fold(name): name for name in names}
    return {word: name for word, name in found.items() if word not in doubtful} | own


def _fold(name: str) -> str:
    return re.sub(r"[\s\-_]+", "_", name.strip().casefold().replace("=", ":"))
