"""An answer's claims of items: the names beside IDs and numbers, in tables, lists, headings and prose."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from agent_client.grounding.evidence import YEAR, Evidence
from agent_client.grounding.words import any_of
from agent_client.names import NAME_KEYS

_NOUNS, _USERS = any_of("nouns"), any_of("users")
_LONGEST_ANSWER, _LONGEST_LINE = 100_000, 2_000
"""Characters that are read: what goes on for longer is a model that repeats itself."""

_ID = r"(?:(?:ID|[Ii]d|SKU)s?)"
_ONE_ID = r"(?:\d+|[A-Za-z]+-?\d[\w-]*)"
_MORE_IDS = rf"(?:(?:\s*,\s*|\s+)(?:(?:and|or|und|et|&)\s+)?{_ONE_ID})*"
_IDS = re.compile(
    rf"\b(?:(?:IDs|[Ii]ds|SKUs)[\s:#=*]*({_ONE_ID}{_MORE_IDS})|{_ID}[\s:#=*]*({_ONE_ID})|{_NOUNS} (\d+)(?= ?\())"
    rf"|[(\[]#(\d+)[)\]]|[,·–—-] #(\d+)(?!\s*\w)|\[(?!{YEAR}\])(\d+)\]"
)
_OF_USER = re.compile(rf"{_USERS}['’s]*\W*(?:\w*\d\w*)?\W*$")
_CODE = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1|\Z)", re.MULTILINE | re.DOTALL)
_JSON = re.compile(r'^\s*(?:[\[{]\s*$|[\]}]+,?\s*$|"[^"]*"\s*:|\{.*\}[,\]]*\s*$|\[\s*[{"\d].*\]\s*$)')
_CELL = re.compile(r"(?<!\\)\|")
_UNIT = re.compile(r"\s*(?:\([^()]*\)|/\s*\d+|\b(?:per|pro|par|por|in|en)\b.*)")
_RULE = re.compile(r"^\s*\|?(\s*:?-+:?\s*\|)*\s*:?-+:?\s*\|?\s*$")
_SIGNS = r"[^\w\s!-~¡¿“”„«»‘’…]+"
_NUMBERED, _BULLET = r"(?:(?:\d+|[a-z])[.)]|\(\d+\)|#\d+:?|\d\ufe0f?\u20e3)\s+", rf"(?:[-*+•]|{_SIGNS})\s+"
_HEAD = re.compile(rf"^(\s*)(?:(#{{1,6}})\s+(?:{_NUMBERED})?|(?:{_BULLET})?{_NUMBERED}|{_BULLET})")
_BOLD = re.compile(rf"\*\*([^*(\[]+?)\s*((?:[(\[]|[,–—|:-]\s*{_ID}\b)[^*]*)\*\*")
_CAPITAL, _SMALL = r"[^\W\d_a-zß-ÿ][\w'’.&:-]*", r"of|the|and|in|an?|to|for|on|de|la|le|du|des|von|der|die|das|und|\d+"
_MARKED = re.compile(r"\*\*(?P<marked>[^*\n]+?)\*\*")
_OTHER_MARKS = re.compile(
    r"__([^_\n]+?)__|(?<![\w*])\*([^*\s][^*\n]*?)\*(?![\w*])|(?<!\*)[“\"«„]([^“”\"«»„*\n]{2,80})[”\"»“](?!\*)"
)
_CAPITALS = re.compile(
    rf"(?<![\w*])(?P<capitals>{_CAPITAL}(?:,?\s+(?:{_CAPITAL}|{_SMALL}))*)\s*(?=[(\[][^()\[\]]*\b{_ID}\b|\[#?\d+\])"
)
_ENTRY = re.compile(r"\W*(?P<entry>[^\W\d_][^(\[:|*\n]{1,60}?)\s*(?=[(\[]|\s[–—-]\s|$)")
_NO_NAME = re.compile(rf"(?:\W|{_NOUNS}|{_USERS}|\b(?:{_SMALL}|id)\b)*", re.IGNORECASE)
_BESIDE = re.compile(rf"\s*(?:\(|\[|[*,–—|:-]*\s*(?:{_ID}|#))")
_JOINS = re.compile(
    rf"\W*?(?:(?:\([^()]*\)|\[[^\[\]]*\])(?:\s\w+)?)?\W*?(?:[,;&]|{any_of('joins')})(?:\W|{any_of('joins')})*"
)
_BRACKET = re.compile(r"[\s*_”\"»“]*[(\[](?:(?:[\w ]{1,20}:|orig\w*\.?)\s*)?[\s*_“\"«„]*", re.IGNORECASE)
_BOLD_LINE = re.compile(rf"\s*(?:{_SIGNS}\s+)?\*\*[^*]+\*\*\s*(?:\([^()]*\)|\[[^\[\]]*\])?\s*$")
_FOLLOWS = re.compile(r"[\s:–—,(*=|\"“«„\[#.-]{1,6}|\s*(?:is|ist|est|=)\s*[*\"“«„]*")
_FACT_LINE = re.compile(r"\W*\w[\w ]{1,20}[*_]*:")
_FACTS = any_of("nouns", "released", "score", "rating", "price", "mean")
_OF_ANOTHER = re.compile(rf"{any_of('another')}|[.!?;]\s", re.IGNORECASE)

_KEY = re.compile(rf"^(\W*?)[*_]*(?:{_NOUNS}|[Nn]ame)[*_]*:[*_\s]*([^(\[*|–—]{{2,80}}?)[*_]*(?=\s*(?:[(\[–—]|$))")
_DEEPEST = 7
"""Level of a heading that is a line in bold type."""


@dataclass
class Claim:
    """An item as an answer speaks of it.

    Args:
        name: Empty where there is only an ID; in its line or row, it stands from `begin` to `end`.
        marked: "marked" in bold, italics or quotation marks, "cell" of a table, "label" before a colon, and so on.
        group: The list, table, paragraph or row of headings that it belongs to, and its depth.
        intro: The line above its list, or the heading.
        about: The text after it, up to the next name.
        head: True for the first name of an entry.
        joined: True if it is told in a row with the name before it: "**Heat** (ID 1), **Seven** and ...".
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


class Claims(list[Claim]):
    """All claims of an answer, in its order."""

    def __init__(self, answer: str, evidence: Evidence) -> None:
        forms = sorted({form for title in evidence.titles for form in _forms(title)}, key=len, reverse=True)
        shapes = {re.sub(r"\d", r"\\d", re.escape(each)) for each in evidence.items if re.search(r"[^\W\d]", each)}
        titles = rf"(?i)(?<!\w)(?P<plain>{'|'.join(map(re.escape, forms)) or '(?!)'})(?!\w)"
        self._patterns = [_MARKED, re.compile(titles), _CAPITALS, _ENTRY]
        letters = re.compile(r"(?<!\\)[^\W\d]")  # with others than the known IDs have, one is read in brackets alone
        shapes |= {rf"(?<=[(\[]){letters.sub('[a-z]', shape)}" for shape in shapes}
        self._shaped = re.compile(rf"(?i)(?<![\w-])(?:{'|'.join(shapes) or '(?!)'})(?![\w-])")
        self._evidence, self._known, self._block, self._intro = evidence, evidence.named, 0, ""
        self.of_kinds: set[tuple[str, int, int]] = set()
        """The groups with entries of kinds, people and other values that are no items."""
        self.aliases: set[str] = set()
        """Other names that the answer gives to items, in their own language say: before or in brackets."""
        self._after = ""
        """Kind of the line before: a list's line goes on in the next one, until an empty one."""
        self._owner: Claim | None = None
        """The item whose list or section the next lines belong to."""
        table: list[list[str]] = []
        lines = _lines(answer)
        for line, following in zip(lines, [*lines[1:], ""], strict=False):
            if "|" in line and (table or (_RULE.match(following) and "-" in following)):
                table += [] if _RULE.match(line) else [[cell.strip() for cell in _CELL.split(line.strip().strip("|"))]]
            else:
                self._read_table(table)
                table = []
                self._read_line(line)
        self._read_table(table)

    def _read_table(self, rows: list[list[str]]) -> None:
        """Read each row as an entry: **name** (ID n); heading: cell; heading: cell."""
        if not rows:
            return
        roles = [_role(cell) for cell in rows[0]]
        in_first_column = roles[0] != "name" and any(_role(row[0]) == "name" for row in rows[1:])
        if "name" not in roles[1:] and (in_first_column or any(self._known(bare(cell)) for cell in rows[0][1:])):
            rows = [list(column) for column in zip(*rows, strict=False)]  # a column for each item
            roles = [_role(cell) for cell in rows[0]]
            roles[0] = roles[0] if "name" in roles else "name"
        if not {"name", "user"}.intersection(roles):
            n_known = [sum(bool(self._known(bare(cell))) for cell in column) for column in zip(*rows[1:], strict=False)]
            if 2 * max(n_known, default=0) >= len(rows) - 1 > 0:
                roles[n_known.index(max(n_known))] = "name"
        if "id" not in roles and len(rows) > 2:
            all_ids = (all(map(self._evidence.with_id, column)) for column in zip(*rows[1:], strict=False))
            roles = [role or ("id" if is_id else "") for role, is_id in zip(roles, all_ids, strict=False)]
        headings = [_UNIT.sub("", heading) for heading in rows[0]]
        self._block, self._owner = self._block + 1, None
        for row in rows[1:]:
            cells = list(zip(roles, headings, (re.sub(r"[*_]{2}", "", cell) for cell in row), strict=False))
            cell = next((cell for role, _, cell in cells if role == "name"), "")
            name = bare(cell) if self._known(bare(cell)) or re.search(r"[^\W\d]", bare(cell)) else ""
            entry = cell if _IDS.search(name) else f"**{name}** {cell.partition(name)[2]}" if name else ""
            ids = [f"(ID {cell})" for role, _, cell in cells if role == "id" and re.fullmatch(_ONE_ID, cell)]
            others = [f"{heading}: {cell}" for role, heading, cell in cells if not role]
            self._read_text("; ".join([f"{entry} {' '.join(ids)}", *others]), ("table", self._block, 0))
            self._owner = None

    def _read_line(self, line: str) -> None:
        line = re.sub(r"^(\W*)\*\*(\d+[.)]|#\d+:?)\s*", r"\1\2 **", line)  # bold type is drawn around the name alone
        line = re.sub(r"\*\*([^*\n]+)\*\*", lambda bold: _BOLD.sub(r"**\1** \2", bold[0]), line)
        line = _KEY.sub(r"\1**\2**", line)
        head = _HEAD.match(line)
        indent = len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())
        is_heading = head[2] or (not self._after and _BOLD_LINE.match(line)) if head else _BOLD_LINE.match(line)
        kind = "heading" if is_heading else "list" if head else "prose"
        owner, _, depth = self._owner.group if self._owner else ("", 0, 0)
        goes_on = kind == "prose" and owner == self._after == "list" and _FACT_LINE.match(line) is not None
        self._after = "" if not line.strip() else "list" if goes_on else kind
        if kind == "heading" or (owner == "list" and line.strip() and indent <= depth and not goes_on):
            self._owner = None
        if kind != "list" and line.strip() and not indent and not goes_on:
            self._block, self._intro = self._block + 1, line
        level = indent if kind != "heading" else len(head[2]) if head and head[2] else _DEEPEST
        group = (kind, 0 if kind == "heading" else self._block, level)
        self._read_text(line[head.end() :] if head else line, group)

    def _read_text(self, text: str, group: tuple[str, int, int]) -> None:
        text = _OTHER_MARKS.sub(lambda mark: f"**{next(filter(None, mark.groups()))}**", text)
        claims = self._names(text, group)
        goes_on = self._owner is not None and all(claim.marked == "label" for claim in claims)
        ids, alone = self._ids(text, claims), []
        ids_first = bool(ids and claims) and _follows(text, ids[0][1], claims[0].begin)
        for begin, end, found in ids:
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
        for one, other in pairwise(list(claims)):
            known, alias = (one, other) if self._known(one.name) else (other, one)
            is_alias = self._known(known.name) and not self._known(alias.name)
            if is_alias and _BRACKET.fullmatch(text[one.end : other.begin]):
                self.aliases.add(alias.name)
                one.name, one.ids = known.name, one.ids + other.ids
                text = text[: other.begin] + " " * (other.end - other.begin) + text[other.end :]
                claims.remove(other)
        self.aliases.update(claim.name for claim in claims if claim.ids)
        for place, claim in enumerate(claims):
            items = (each for each in claims[place + 1 :] if self._known(each.name) or each.name in self.aliases)
            claim.about = text[claim.end : next((each.begin for each in items), len(text))]
        for one, other in pairwise(claims):
            leads = one.marked in ("label", "marked") and one.head and not one.ids and self._known(other.name)
            if leads and not self._known(one.name) and re.fullmatch(r"[\s:*→–—-]+", text[one.end : other.begin]):
                one.marked = "section"
            other.joined = _JOINS.fullmatch(text[one.end : other.begin]) is not None
        if self._owner is not None and goes_on:
            self._owner.about += f"; {text}"
        if self._owner is None and claims and claims[0].head:
            self._owner = claims[0]
        is_entry = bool(claims) and claims[0].head and bool(claims[0].ids or self._known(claims[0].name))
        if self and is_entry and group[0] != "heading" == self[-1].group[0]:
            self[-1].marked = "section"
        self += [*claims, *alone]

    def _names(self, text: str, group: tuple[str, int, int]) -> list[Claim]:
        found: list[Claim] = []
        for match in (match for pattern in self._patterns for match in pattern.finditer(text)):
            kind = match.lastgroup or ""
            words, name = match[kind], bare(match[kind].strip(" ,;."))
            begin, end = match.span() if kind == "marked" else match.span(kind)
            head = group[0] != "prose" and not re.search(r"\w", text[:begin])
            if kind == "plain" and not (
                head or _BESIDE.match(text, end) or re.search(r"(?:\d\W{1,3}|[(\[])$", text[:begin])
            ):
                continue
            if not self._known(words):
                if head and self._evidence.is_value(name):
                    self.of_kinds.add(group)
                if not name or self._evidence.is_value(name) or _NO_NAME.fullmatch(words):
                    continue
                kind = "label" if words.endswith((":", "?", "!", ".")) or text[end : end + 1] == ":" else kind
            if kind in ("entry", "label") and not head:
                continue
            if not any(begin < other.end and other.begin < end for other in found):
                kind = "cell" if head and group[0] == "table" else kind
                found.append(Claim(name, kind, begin, end, group, self._intro, text[:begin], head=head))
        return sorted(found, key=lambda claim: claim.begin)

    def _ids(self, text: str, names: Sequence[Claim]) -> list[tuple[int, int, list[str]]]:
        taken, found = [(name.begin, name.end) for name in names], []
        for match in [*_IDS.finditer(text), *self._shaped.finditer(text)]:
            is_taken = any(begin <= match.start() < end for begin, end in taken)
            if not is_taken and not _OF_USER.search(text[: match.start()]):
                taken.append(match.span())
                found.append((*match.span(), re.findall(_ONE_ID, next(filter(None, match.groups()), match[0]))))
        return sorted(found)


def _lines(answer: str) -> list[str]:
    """The lines of an answer that may speak of items, without code, links and JSON."""
    text = re.sub(r"([^\w\s]{1,2})\1{9,}", r"\1\1\1", answer[:_LONGEST_ANSWER])  # a model may repeat a sign for ever
    text = re.sub(r"\[([^\]\n]{1,200})\]\([^)\s]{1,500}\)", r"\1", _CODE.sub("\n", text.replace("<br>", "; ")))
    text = re.sub(r"`([^`\n]*)`", lambda code: code[1] if re.fullmatch(_ONE_ID, code[1]) else "…", text)
    return [line for each in text.splitlines() if not _JSON.match(line := each[:_LONGEST_LINE])]


def _is_beside(between: str) -> bool:
    """True if an ID after this text belongs to the name before it."""
    if not re.search(r"[^\W\d_]", re.sub(rf"{_FACTS}|;[^;:]*:", "", between)):
        return len(between) < 40
    return re.fullmatch(r"[^()\[\]]*[(\[][^()\[\]]*", between) is not None and not _OF_ANOTHER.search(between)


def _follows(text: str, begin: int, end: int) -> bool:
    return begin <= end and _FOLLOWS.fullmatch(text[begin:end]) is not None


def _role(heading: str) -> str:
    key = re.sub(r"\W+", "_", heading.strip(" *_`"))
    if re.search(r"(^|_)(id|sku|asin)s?$", key, re.IGNORECASE):
        return "user" if re.match(_USERS, key.replace("_", " ")) else "id"
    return "name" if NAME_KEYS.search(key) or re.fullmatch(rf"(?:\w+ )?{_NOUNS}", key.replace("_", " ")) else ""


def bare(name: str) -> str:
    """A name without the years and IDs behind it, and without a rank or a sign before it."""
    short = re.sub(rf"\s*(?:[(\[][^()\[\]]*[)\]]|[,–—-]\s*{_ID}\b.*)\s*$", "", re.sub(r"[*_`]{2}", "", name))
    return re.sub(r"^(?:\d+[.)]\s+|#\d+:?\s+|[^\w(…]+)", "", short).strip()


def _forms(title: str) -> Iterator[str]:
    short = bare(title)
    yield short
    if moved := re.fullmatch(r"(.+), ([A-Z][\w']{0,2})", short):
        yield f"{moved[2]} {moved[1]}"
