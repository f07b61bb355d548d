"""Names and IDs in a text: found whole, and never inside another word or number."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mcp_server.questions.ledger import WORD
from mcp_server.types import Id

MOST_WORDS = 24
"""Words of a name that is looked for."""

_BEFORE_MARKED = re.compile(r"(?:^|[\n*_\"“«‘„|>`]|(?:[-•+]|\d[.)])\s)\s*$")
_AFTER_MARKED = re.compile(r"\s*(?:[*_\"”»’“|`(\n]|$)")
_AFTER_TITLE = re.compile(r"\W*\((?:ID|\d{4})", re.IGNORECASE)

_LINK = re.compile(r"[*`\"]*(?:,\s*(?:and\s+|und\s+|et\s+|y\s+)?|\s+(?:and|und|et|y|e|en)\s+|\s*&\s*)[*`\"]*")
"""The text between two IDs of a list."""

_BESIDE = re.compile(r"[^\w\n]*(?:\d{4}\b[^\w\n]*)?(?:ID\b[^\w\n]*)?", re.IGNORECASE)
"""The text between a name and its ID, as in "**Heat** (1995, ID 273)"."""


_LIST_LINE = re.compile(r"^(?P<indent>[ \t]*)(?:[-*•+][ \t]|\d+[.)][ \t]|\|)(?P<rest>.*)$", re.MULTILINE)
"""A line of a list or of a table."""


@dataclass(frozen=True)
class Mention:
    """A place of a text where something is named."""

    begin: int
    end: int
    keys: frozenset[Id]
    """The things that it can be: several where several items have the title; none for an ID that does not exist, or one
    that contradicts the title beside it."""
    by_id: bool = False


class Names:
    """Names that are looked for in texts.

    Args:
        keys_of: What each name stands for.
    """

    def __init__(self, keys_of: Mapping[str, Sequence[Id]]) -> None:
        self._entries: dict[str, list[tuple[str, Id]]] = {}
        for name, keys in keys_of.items():
            words = WORD.findall(_plain(name))
            if words and len(words) <= MOST_WORDS:
                self._entries.setdefault(_joined(words), []).extend((name, key) for key in keys)
        self._longest = max((key.count(" ") + 1 for key in self._entries), default=0)

    def find(self, text: str, *, marked: bool) -> list[Mention]:
        """The names of a text, in order. Where one is part of another, the longer one counts.

        Args:
            marked: True to find names of a single word only where they stand out: in bold, in quotes, at an end of a
                line, or before a bracket. "Speed" is a film and a word.
        """
        plain = _plain(text)
        words = list(WORD.finditer(plain))
        mentions: list[Mention] = []
        at = 0
        while at < len(words):
            for n_words in range(min(self._longest, len(words) - at), 0, -1):
                mention = self._at(plain, words[at : at + n_words], marked=marked)
                if mention is not None:
                    mentions.append(mention)
                    break
            else:
                n_words = 1
            at += n_words
        return mentions

    def _at(self, text: str, span: list[re.Match[str]], *, marked: bool) -> Mention | None:
        entries = self._entries.get(_joined([word[0] for word in span]))
        if entries is None:
            return None
        begin, end = span[0].start(), span[-1].end()
        if marked and len(span) == 1 and not _stands_out(text, begin, end):
            return None
        capital = text[begin].isupper()
        keys = frozenset(key for name, key in entries if capital or not WORD.findall(_plain(name))[0][0].isupper())
        return Mention(begin, end, keys) if keys else None


class Identifiers:
    """IDs that are looked for in texts.

    Args:
        ids: All that exist.
        words: Words before an ID that say what it is of, such as "film".
        others: Words that say that it is of something else.
    """

    def __init__(self, ids: Sequence[Id], words: Sequence[str], others: Sequence[str]) -> None:
        self._id_of: dict[str, Id] = {str(each): each for each in ids}
        self._are_numbers = bool(ids) and isinstance(ids[0], int)
        own = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
        self._begin = re.compile(
            rf"(?:\b(?:{own})[ \t]+(?:IDs?\b)?|\bIDs?\b|(?<!\w)#)[ \t]*:?[ \t]*[*`\"]*", re.IGNORECASE
        )
        self._other = re.compile(rf"\b(?:{'|'.join(map(re.escape, others))})[ \t]+$", re.IGNORECASE)
        self._one = re.compile(r"\d+(?!\w|[.,]\d)" if self._are_numbers else r"\w+(?:[._:/-]\w+)*")
        self._alone = re.compile(r"(?<![\w-])\w+(?:[._:/-]\w+)*(?![\w-])")

    def find(self, text: str) -> list[Mention]:
        """The IDs of a text, in order: after such a word, in a list of IDs that begins so, and, for IDs of letters and
        digits, by themselves. An ID after such a word that does not exist is a mention of nothing."""
        mentions: dict[int, Mention] = {}
        for start in self._begin.finditer(text):
            if not self._other.search(text[max(0, start.start() - 60) : start.start()]):
                self._add_list(text, start.end(), mentions)
        if not self._are_numbers:
            for found in self._alone.finditer(text):
                known = self._id_of.get(found[0])
                if known is not None and re.search(r"\d", found[0]):
                    mentions.setdefault(found.start(), _by_id(found, known))
        return [mentions[at] for at in sorted(mentions)]

    def _add_list(self, text: str, at: int, mentions: dict[int, Mention]) -> None:
        is_first = True
        while (found := self._one.match(text, at)) is not None:
            known = self._id_of.get(found[0])
            looks_like_one = self._are_numbers or re.search(r"\d", found[0])
            if known is None and not (is_first and looks_like_one):
                return
            mentions[found.start()] = _by_id(found, known)
            link = _LINK.match(text, found.end())
            if link is None:
                return
            at, is_first = link.end(), False

    def without_words(self, text: str) -> list[Mention]:
        """The ID that stands first in each line of a list or table, without a word before it. Where the first ones only
        number the lines, the second ones count."""
        found = [list(self._alone.finditer(text, *line.span("rest"))) for line in _LIST_LINE.finditer(text)]
        found = [each for each in found if any(one[0] in self._id_of for one in each)]
        if len(found) > 1 and [each[0][0] for each in found] == [str(number) for number in range(1, len(found) + 1)]:
            found = [each[1:] for each in found]
        known = [(each[0], self._id_of.get(each[0][0])) for each in found if each]
        return [_by_id(place, key) for place, key in known if key is not None]


def first_of_lines(text: str, mentions: Sequence[Mention]) -> list[Mention]:
    """The first mention of each line of a list or table; of a list within a list none, as it says more about a line."""
    firsts: list[tuple[int, Mention]] = []
    for line in _LIST_LINE.finditer(text):
        begin, end = line.span("rest")
        within = [mention for mention in mentions if begin <= mention.begin < end]
        firsts += [(len(line["indent"].expandtabs(4)), mention) for mention in within[:1]]
    outermost = min((indent for indent, _ in firsts), default=0)
    return [mention for indent, mention in firsts if indent == outermost]


def merge(named: Sequence[Mention], identified: Sequence[Mention], text: str) -> list[Mention]:
    """Mentions by name and by ID, in order. A name with an ID beside it, as "**Title** (ID 7)", is one mention."""
    merged: list[Mention] = []
    for mention in sorted([*named, *identified], key=lambda each: (each.begin, -each.end)):
        before = merged[-1] if merged else None
        if before is not None and mention.begin < before.end:
            continue
        if (
            before is not None
            and before.by_id != mention.by_id
            and _BESIDE.fullmatch(text[before.end : mention.begin]) is not None
        ):
            merged[-1] = Mention(before.begin, mention.end, before.keys & mention.keys)
        else:
            merged.append(mention)
    return merged


def _by_id(found: re.Match[str], known: Id | None) -> Mention:
    return Mention(found.start(), found.end(), frozenset() if known is None else frozenset([known]), by_id=True)


def _stands_out(text: str, begin: int, end: int) -> bool:
    """True for a word in bold, in quotes, at an end of a line, or before a bracket with an ID or a year."""
    if _AFTER_TITLE.match(text, end):
        return True
    return bool(_BEFORE_MARKED.search(text[max(0, begin - 20) : begin]) and _AFTER_MARKED.match(text, end))


def _plain(text: str) -> str:
    """A text of the same length without accents, so that places in it are those of the text."""
    return text if text.isascii() else "".join(unicodedata.normalize("NFD", sign)[0] for sign in text)


def _joined(words: Sequence[str]) -> str:
    return " ".join(words).casefold()
