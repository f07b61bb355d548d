"""An answer's claims of items: the names beside IDs and numbers, in tables, lists, headings and prose."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise

from recsys_grounding.evidence import Evidence, Item
from recsys_grounding.tables import entries
from recsys_grounding.words import bare, blanked, pattern

_LONGEST_ANSWER, _LONGEST_LINE = 100_000, 2_000
"""Characters that are read: what goes on for longer is a model that repeats itself."""
_FAR = 200
"""Characters between two names that may be told in a row."""
_SHORT, _ENDING = 8, re.compile(r"\w{4,} \w{4,}$")
"""Characters of the shortest part of a title that stands for the whole, and the end of one that may."""


@dataclass
class Claim:
    """An item as an answer speaks of it.

    Args:
        name: Empty where there is only an ID; in its line or row, it stands from `begin` to `end`.
        marked: "marked" in bold, italics or quotation marks, "cell" of a table, "label" before a colon, and so on.
        group: The list, table, paragraph or row of headings that it belongs to, and its depth.
        intro: The line above its list, or the heading.
        about: The text after it.
        head: True for the first name of an entry.
        joined: True if it is told in a row with the item before it: "**Heat** (ID 1), **Seven** and ...".
    """

    name: str
    marked: str
    begin: int
    end: int
    group: tuple[str, int, int]
    intro: str
    before: str
    about: str = ""
    head: bool = False
    joined: bool = False
    ids: list[str] = field(default_factory=list)

    def items(self, evidence: Evidence) -> list[Item]:
        """The item that it is about, if its name or its ID tell."""
        named = evidence.named(self.name)
        by_id = [item for each in self.ids for item in evidence.with_id(each)]
        return [item for item in named if item in by_id] or (named if len(named) == 1 else [] if named else by_id[:1])


@dataclass
class Passage:
    """A line of an answer or a row of a table.

    Args:
        text: With signs in the place of names and IDs.
        owner: The item that has the facts in it, because there is nothing else.
        section: The item whose list or section it belongs to.
    """

    text: str
    claims: list[Claim]
    owner: Claim | None
    section: Claim | None
    kind: str


class Claims(list[Claim]):
    """All claims of an answer, in its order."""

    def __init__(self, answer: str, evidence: Evidence) -> None:
        forms = sorted(_forms(evidence.titles), key=len, reverse=True)
        shapes = {re.sub(r"\d", r"\\d", re.escape(each)) for each in evidence.items if re.search(r"\D", each)}
        titles = rf"(?i)(?<!\w)(?P<plain>{'|'.join(map(re.escape, forms)) or '(?!)'})(?!\w)"
        self._patterns = [pattern.marked, re.compile(titles), pattern.capitals, pattern.entry]
        self._shaped = re.compile(rf"(?i)(?<![\w-])(?:{'|'.join(shapes) or '(?!)'})(?![\w-])")
        self._evidence, self._known, self._block, self._intro = evidence, evidence.named, 0, ""
        self.aliases: set[str] = set()
        """Other names that the answer gives to items, in their own language say: before or in brackets."""
        self._after = ""
        """Kind of the line before: a list's line goes on in the next one, until an empty one."""
        self._owner: Claim | None = None
        """The item whose list or section the next lines belong to."""
        self.passages: list[Passage] = []
        table: list[list[str]] = []
        lines = _lines(answer)
        for line, following in zip(lines, [*lines[1:], ""], strict=False):
            if "|" in line and (table or (pattern.rule.match(following) and "-" in following)):
                cells = [cell.strip() for cell in pattern.cell.split(line.strip().strip("|"))]
                table += [] if pattern.rule.match(line) else [cells]
            else:
                self._read_table(table)
                table = []
                self._read_line(line)
        self._read_table(table)

    def _read_table(self, rows: Sequence[Sequence[str]]) -> None:
        for texts in entries(rows, self._evidence) if rows else ():
            self._block, self._owner = self._block + 1, None
            for text in texts:
                self._read_text(text, ("table", self._block, 0))
                self._owner = None

    def _read_line(self, line: str) -> None:
        line = re.sub(r"^(\W*)\*\*(\d+[.)]|#\d+:?)\s*", r"\1\2 **", line)  # bold type is drawn around the name alone
        line = re.sub(r"\*\*([^*\n]+)\*\*", lambda bold: pattern.bold_with_more.sub(r"**\1** \2", bold[0]), line)
        line = pattern.key.sub(r"\1**\2**", line)
        head = pattern.entry_head.match(line)
        indent = len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())
        in_bold = pattern.bold_line.match(line)
        is_heading = head[2] or (not self._after and in_bold) if head else in_bold
        kind = "heading" if is_heading else "list" if head else "prose"
        owner, _, depth = self._owner.group if self._owner else ("", 0, 0)
        goes_on = kind == "prose" and owner == self._after == "list" and pattern.fact_line.match(line) is not None
        self._after = "" if not line.strip() else "list" if goes_on else kind
        is_of_item = in_bold and self._known(bare(line.split("**")[1]))
        if kind == "heading" or is_of_item or (owner == "list" and line.strip() and indent <= depth and not goes_on):
            self._owner = None
        if kind != "list" and line.strip() and not indent and not goes_on:
            self._block, self._intro = self._block + 1, line
        level = len(head[2]) if head and head[2] else indent
        group = (kind, 0 if kind == "heading" else self._block, level)
        self._read_text(line[head.end() :] if head else line, group)

    def _read_text(self, text: str, group: tuple[str, int, int]) -> None:
        text = pattern.other_marks.sub(lambda mark: f"**{next(filter(None, mark.groups()))}**", text)
        claims = self._names(text, group)
        goes_on = self._owner is not None and all(claim.marked == "label" for claim in claims)
        ids, alone = self._ids(text, claims), []
        ids_first = bool(ids and claims) and _follows(text, ids[0][1], claims[0].begin)
        for begin, end, found, own in ids:
            if own is not None:
                own.ids += found
                continue
            before = next((claim for claim in reversed(claims) if claim.begin < end), None)
            after = next((claim for claim in claims if claim.begin >= end), None)
            if after is not None and (ids_first or before is None) and _follows(text, end, after.begin):
                after.ids += found
            elif before is not None and not ids_first and _is_beside(text[before.end : begin]):
                before.ids += found
            elif self._owner is not None and goes_on and not re.search(r"\w{3}.*\w{3}", text[:begin]):
                self._owner.ids += found
            else:
                alone.append(Claim("", "", begin, end, group, self._intro, text[:begin], ids=found))
        self._join_aliases(text, claims)
        self._mark_rows(text, claims)
        owner, section = self._owner if goes_on else None, self._owner if group[0] == "list" else None
        if self._owner is None and claims and claims[0].head:
            self._owner = claims[0]
        self += [*claims, *alone]
        names = [claim for claim in claims if claim.name in self.aliases or self._known(claim.name)]
        text = blanked(text, [(claim.begin, claim.end) for claim in names] + [each[:2] for each in ids])
        self.passages.append(Passage(text, claims + alone, owner, section, group[0]))

    def _join_aliases(self, text: str, claims: list[Claim]) -> None:
        """Make one claim of a name and another name of the same item, which is in brackets behind it."""
        for one, other in pairwise(list(claims)):
            known, alias = (one, other) if self._known(one.name) else (other, one)
            is_alias = self._known(known.name) and not self._known(alias.name)
            if is_alias and pattern.bracket.fullmatch(text[one.end : other.begin]):
                self.aliases.add(alias.name)
                one.name, one.end, one.ids = known.name, other.end, one.ids + other.ids
                claims.remove(other)
        self.aliases.update(claim.name for claim in claims if claim.ids)

    def _mark_rows(self, text: str, claims: Sequence[Claim]) -> None:
        """Tell which names are told in a row with the one before, and which are headings of the items behind them."""
        for one, other in pairwise(claims):
            leads = one.marked in ("label", "marked") and one.head and not one.ids and self._known(other.name)
            between = text[one.end : other.begin]
            if leads and not self._known(one.name) and re.fullmatch(r"[\s:*→–—-]+", between):
                one.marked = "section"
            is_near = len(between) <= _FAR and bool(one.items(self._evidence))
            other.joined = is_near and pattern.row.fullmatch(between) is not None

    def _names(self, text: str, group: tuple[str, int, int]) -> list[Claim]:
        found: list[Claim] = []
        for match in chain.from_iterable(each.finditer(text) for each in self._patterns):
            kind = match.lastgroup or ""
            words, name = match[kind], bare(match[kind].strip(" ,;."))
            begin, end = match.span() if kind == "marked" else match.span(kind)
            head = group[0] != "prose" and not re.search(r"\w", text[:begin])
            whole = pattern.capital_words.match(text, begin)
            is_part = whole is not None and whole.end() > end and self._evidence.is_value(whole[0])
            is_beside = pattern.beside.match(text, end) or re.search(r"(?:\d\W{1,3}|[(\[])$", text[:begin])
            if kind == "plain" and (is_part or not (head or is_beside or " " in words) or not self._known(words)):
                continue
            if not self._known(words):
                if not name or self._evidence.is_value(name) or pattern.no_name.fullmatch(words):
                    continue
                leads = head and kind == "marked" and text.rstrip().endswith(":")
                is_label = words.endswith((":", "?", "!", ".")) or text[end : end + 1] == ":"
                kind = "section" if leads else "label" if is_label else kind
            is_heading = match.lastgroup == "entry" and group[0] == "table" and text[end : end + 1] == ":"
            if kind in ("entry", "label") and (not head or is_heading):
                continue
            if not any(begin < other.end and other.begin < end for other in found):
                kind = "cell" if head and group[0] == "table" else kind
                found.append(Claim(name, kind, begin, end, group, self._intro, text[:begin], text[end:], head))
        return sorted(found, key=lambda claim: claim.begin)

    def _ids(self, text: str, names: Sequence[Claim]) -> list[tuple[int, int, list[str], Claim | None]]:
        """The IDs of items in a text, with their places; for a bare number also the name that it stands beside."""
        taken: list[tuple[int, int]] = [(name.begin, name.end) for name in names]
        found: list[tuple[int, int, list[str], Claim | None]] = []
        marked = ((match, None) for match in [*pattern.ids.finditer(text), *self._shaped.finditer(text)])
        beside = ((match, name) for name in names for match in self._bare_ids(text, name))
        for match, own in [*marked, *beside]:
            is_taken = any(begin <= match.start() < end for begin, end in taken)
            if not is_taken and not pattern.of_user.search(text, 0, match.start()):
                taken.append(match.span())
                words = next(filter(None, match.groups()), match[0])
                found.append((*match.span(), pattern.one_id.findall(words) or [words], own))
        return sorted(found, key=lambda each: each[0])

    def _bare_ids(self, text: str, name: Claim) -> Iterator[re.Match[str]]:
        """A number right beside a title that is the ID of an item, and nothing that the results say of this one."""
        own = {value for item in name.items(self._evidence) for value in item.values}
        for match in (pattern.id_before.search(text, 0, name.begin), pattern.id_behind_it.match(text, name.end)):
            if own and match and self._evidence.with_id(match[1]) and float(match[1]) not in own:
                yield match


def _lines(answer: str) -> list[str]:
    """The lines of an answer that may speak of items, without code, links and JSON."""
    text = re.sub(r"([^\w\s]{1,2})\1{9,}", r"\1\1\1", answer[:_LONGEST_ANSWER])  # a model may repeat a sign for ever
    text = re.sub(r"\[([^\]\n]{1,200})\]\([^)\s]{1,500}\)", r"\1", pattern.code.sub("\n", text))
    text = re.sub(r"`(\d+)`(?=\s+\*\*)", r"ID \1:", text)
    text = re.sub(r"`([^`\n]*)`", lambda code: code[1] if pattern.one_id.fullmatch(code[1]) else "…", text)
    return [line for each in text.splitlines() if not pattern.json.match(line := each[:_LONGEST_LINE])]


def _is_beside(between: str) -> bool:
    """True if an ID after this text belongs to the name before it."""
    outside = re.sub(r"\([^()]*\)", "", between)  # a title's own brackets, or a remark
    is_short = not re.search(r"[^\W\d_]", pattern.facts.sub("", outside))
    is_in_brackets = re.fullmatch(r"[^()\[\]]*[(\[][^()\[\]]*", between) is not None
    return is_short or (is_in_brackets and not pattern.of_another.search(between))


def _follows(text: str, begin: int, end: int) -> bool:
    return begin <= end and pattern.follows.fullmatch(text[begin:end]) is not None


def _forms(titles: Iterable[str]) -> set[str]:
    """The titles, their main parts, and the ends that only one of them has."""
    short = {bare(title) for title in titles}
    parts = {part for title in short if len(part := pattern.title_behind.sub("", title)) >= _SHORT}
    n_titles = Counter(ending for title in short for ending in _ENDING.findall(title.casefold()))
    return {each for each in short | parts if each} | {ending for ending, n in n_titles.items() if n == 1}
