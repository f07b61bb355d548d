"""Groups of users as people call them: "women", "teens", "female teenagers"."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

from mcp_server.dataset.groups import UserGroups
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

FILLERS = frozenset(("the", "of", "a", "an", "all", "who", "are", "is", "and", "user", "users", "people", "only"))
"""Words that name no group."""

EVERYBODY = frozenset(("all", "everyone", "everybody", "any", "all_users", "*"))
"""Words for all users."""

LONGEST_PHRASE = 500
"""Characters."""

NEGATION = re.compile(
    r"(?:[-\u2010-\u2015\u2212~\u00ac^!]+\s*|!=\s*|<>\s*|(?:not|no|non|without|except(?: for)?|excluding|exclude|minus|"
    r"other than|(?:any|every)thing (?:but|except)|all but|but not|ne)(?:[\s_-]+|(?=\()))(?P<rest>.+)",
    re.IGNORECASE | re.DOTALL,
)
"""Form of what is not wanted: "-X", "!X", "not X", "without X"."""

_OR = re.compile(r"\s*(?:\||/)\s*|\s+or\s+", re.IGNORECASE)


def read_groups(value: Any, groups: UserGroups, fillers: Collection[str] = ()) -> list[str]:
    """Groups by the names that they are published under; what is none is left as it is.

    Args:
        value: A name, a list of names, or an object of fields and names.
        fillers: Further words that name no group, such as "viewers".

    Raises:
        UnreadableError: Something cannot be the name of a group, or groups are combined as they cannot be.
    """
    field_of = {group.published: group.field for group in groups.all}
    others = FILLERS | {_fold(word) for word in fillers}
    found: list[str] = []
    for asked in _phrases(value, field_of):
        alternatives = [_read_one(part, tuple(field_of), others) for part in _OR.split(asked) if part.strip()]
        fields = {field_of.get(group, group) for part in alternatives for group in part}
        if len(alternatives) > 1 and (len(fields) > 1 or max(map(len, alternatives)) > 1):
            raise UnreadableError(
                f"{quoted(asked)}: groups of several kinds are combined with and, so ask for each on its own"
            )
        found += [group for part in alternatives for group in part]
    return list(dict.fromkeys(found))


def _phrases(value: Any, names: Collection[str]) -> Iterator[str]:
    """The names of groups in a list or an object, each as a text."""
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, Mapping):
            for field, chosen in part.items():
                for each in chosen if isinstance(chosen, list) else [chosen]:
                    yield f"{field}:{('no', 'yes')[each] if isinstance(each, bool) else each}"
        elif isinstance(part, str) and _fold(part) in EVERYBODY and part not in names:
            continue
        elif isinstance(part, str) and len(part) <= LONGEST_PHRASE:
            yield part
        else:
            raise UnreadableError(f"{quoted(part)} is the name of no group. There are: {', '.join(names)}")


def _read_one(asked: str, names: tuple[str, ...], fillers: Collection[str]) -> list[str]:
    """The groups of one phrase; the phrase itself where it is left to the dataset, which knows qualified names."""
    known = _by_word(names)
    folded = _fold(asked)
    if folded in known:
        return [known[folded]]
    for phrase in (asked, asked.replace("=", ":").partition(":")[2]):
        negation = NEGATION.fullmatch(phrase.strip())
        if negation and _known_words(negation["rest"], known, fillers):
            raise UnreadableError(f"{quoted(asked)}: a group cannot be left out; name those that are to count")
    field, _, value = folded.partition(":")
    if value in known:  # the dataset says whether the field has the group
        return [f"{field}:{known[value].rpartition(':')[2]}"]
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
    plain = re.sub(r"\s*[:=]\s*", ":", name.strip().casefold())
    return re.sub(r"[\s\-_]+", "_", plain)
