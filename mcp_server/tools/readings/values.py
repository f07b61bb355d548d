"""The values of arguments, each read by the kind of its argument."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mcp_server.dataset.groups import UserGroups
from mcp_server.dataset.ids import LARGEST_INTEGER
from mcp_server.dataset.spec import Nouns
from mcp_server.dataset.words import is_date_part
from mcp_server.errors import quoted
from mcp_server.tools.limits import say_limits
from mcp_server.tools.readings.ends import read_end
from mcp_server.tools.readings.forms import as_list, fold, from_json, only_like, same_limits, says_the_same
from mcp_server.tools.readings.groups import read_groups
from mcp_server.tools.readings.ids import divided, read_id
from mcp_server.tools.readings.limits import NegatedError, read_date_limits, read_number_limits
from mcp_server.tools.readings.numbers import read_number
from mcp_server.tools.readings.orders import read_order
from mcp_server.tools.readings.parameters import Kind, Parameter
from mcp_server.tools.readings.problems import Findings, UnreadableError

SINGLE = (Kind.ID, Kind.CHOICE, Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN, Kind.DATE)
"""Kinds of which a list of one value is that value."""

_LIST = re.compile(r"\s*[,;|]\s*|\s+and\s+", re.IGNORECASE)

LONGEST_LIST = 10_000
"""Characters of a list in one text that are read."""

ALIKE = {"or": "any", "either": "any", "and": "all", "every": "all", "both": "all"}
ALIKE |= dict.fromkeys(("verbose", "detailed", "long", "extended"), "full")
ALIKE |= dict.fromkeys(("brief", "short", "minimal"), "compact")
"""Other words for choices."""

_DIGITS = re.compile(r"[-+]?\d+(?:\.0*)?")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*(?:%|per ?cent)", re.IGNORECASE)
_TRUE, _FALSE = frozenset(("true", "yes", "y", "on", "1")), frozenset(("false", "no", "n", "off", "0"))


@dataclass(frozen=True)
class ValueReader:
    """Reads values without a database, in the words of one dataset."""

    nouns: Nouns
    groups: UserGroups
    finds_titles: bool = False
    """True where the filter finds the ID of a title."""

    def read(self, parameter: Parameter, value: Any, findings: Findings) -> Any:
        """The value of an argument, as the model of the arguments takes it.

        Raises:
            UnreadableError: It cannot be read; the text says what would be right.
            InvalidInputError: It names a group that there is not.
        """
        given, value = value, value if parameter.kind is Kind.TEXT else from_json(value)
        if given is not value and parameter.kind is not Kind.OTHER:
            form = "an object" if isinstance(value, Mapping) else "a list" if isinstance(value, list) else repr(value)
            findings.note(parameter.name, given, form)
        if not parameter.many and isinstance(value, list) and len(value) == 1 and parameter.kind in SINGLE:
            (value,) = value
        read = _READ.get(parameter.kind)
        return value if read is None else read(self, parameter, value, findings)

    def _read_id(self, parameter: Parameter, value: Any, findings: Findings) -> Any:
        values = divided(value, parameter, self.nouns) if parameter.many else [value]
        if not parameter.many and isinstance(value, list):
            noun = self.nouns.item if parameter.whose == "item" else self.nouns.user
            raise UnreadableError(f"one {noun} is expected: call once for each (got {quoted(value)})")
        try:
            read = [read_id(each, parameter, self.nouns) for each in values]
        except UnreadableError as error:
            advice = "; item_filter_tool finds the ID of a title" if self.finds_titles else ""
            raise UnreadableError(f"{error}{advice if parameter.whose == 'item' else ''}") from None
        meant = read if parameter.many else read[0]
        if not says_the_same(value, meant):
            findings.note(parameter.name, value, ", ".join(map(str, read)))
        return meant

    def _read_set(self, parameter: Parameter, value: Any, findings: Findings) -> list[str]:
        parts: list[str] = []
        for each in as_list(value):
            handle = each.get("item_set") if isinstance(each, Mapping) else each
            if not isinstance(handle, str):
                raise UnreadableError(f"{quoted(each)} is not a handle, which other tools' results give as item_set")
            parts += [part.removeprefix("itemset://") for part in re.split(r"[\s,;&]+(?:and\s+)?", handle) if part]
        if not parts:
            raise UnreadableError(f"{quoted(value)} names no set: other tools' results give handles as item_set")
        return list(dict.fromkeys(parts))

    def _read_choice(self, parameter: Parameter, value: Any, findings: Findings) -> Any:
        known = {word: choice for word, choice in ALIKE.items() if choice in parameter.choices}
        known |= {fold(choice): choice for choice in parameter.choices}
        read: list[str] = []
        for each in as_list(value):
            if parameter.many and each in ("*", "all", "everything") and each not in known:
                read += parameter.choices
                continue
            is_list = isinstance(each, str) and fold(each) not in known and parameter.many
            for part in _LIST.split(each[:LONGEST_LIST]) if is_list else [each]:
                found = known.get(fold(part)) if isinstance(part, str) else None
                if found is None:
                    found = only_like(part, parameter.choices)
                if found is None:
                    there_are = f"There are: {', '.join(parameter.choices)}"
                    what = "there is no field" if parameter.name in ("get", "group_by") else "there is no choice"
                    raise UnreadableError(f"{what} {quoted(part)}. {there_are}")
                read.append(found)
        meant = list(dict.fromkeys(read))
        if not parameter.many and len(meant) > 1:
            raise UnreadableError(f"one of these is expected: {', '.join(meant)}")
        if not says_the_same(value, meant):
            findings.note(parameter.name, value, ", ".join(meant))
        return meant if parameter.many else meant[0]

    def _read_groups(self, parameter: Parameter, value: Any, findings: Findings) -> list[str] | None:
        if not self.groups.all:
            return [str(each) for each in as_list(value)]
        nouns = (self.nouns.user, self.nouns.users)
        read = [self.groups.find(name).published for name in read_groups(value, self.groups, nouns)]
        if not says_the_same(value, read):
            findings.note(parameter.name, value, " and ".join(read) or f"all {self.nouns.users}")
        return read or None

    def _read_names(self, parameter: Parameter, value: Any, findings: Findings) -> list[str]:
        names: list[str] = []
        for each in as_list(value):
            if isinstance(each, Mapping) and len(each) == 1:
                ((key, inner),) = each.items()
                word = str(key).strip().lstrip("$").casefold()
                if word in ("not", "nin", "ne", "not_in", "exclude", "without"):
                    raise NegatedError(inner)
                if word in ("in", "eq", "all", "include", "is", "name", "names", "contains"):
                    names += self._read_names(parameter, inner, findings)
                    findings.note(parameter.name, each, ", ".join(map(str, as_list(inner))))
                    continue
            if isinstance(each, list) and len(as_list(value)) == 1:
                return self._read_names(parameter, each, findings)
            if isinstance(each, bool) or not isinstance(each, str | int | float):
                raise UnreadableError(f"{quoted(each)} is no name: names are texts")
            names.append(str(each).strip())
        return [name for name in names if name]

    def _read_number_limits(self, parameter: Parameter, value: Any, findings: Findings) -> dict[str, Any]:
        limits = read_number_limits(value, parameter.field, parameter.unit)
        if parameter.name == "like_share" and parameter.field is None and any(0 < each < 1 for each in limits.values()):
            raise UnreadableError(f"is in percent: 80 is 80%, and {quoted(value)} would be less than one percent")
        is_bare = not isinstance(value, Mapping | list)
        is_date = parameter.field is not None and is_date_part(parameter.field)
        if is_bare and set(limits) == {"eq"} and not is_date:
            number = limits["eq"]
            findings.note(
                parameter.name, value, f'exactly {number:.15g} (for {number:.15g} or more: {{"gte": {number:.15g}}})'
            )
        elif not same_limits(value, limits):
            findings.note(parameter.name, value, say_limits(limits))
        return limits

    def _read_date_limits(self, parameter: Parameter, value: Any, findings: Findings) -> dict[str, Any]:
        limits = read_date_limits(value)
        if not same_limits(value, limits):
            findings.note(parameter.name, value, say_limits(limits))
        return limits

    def _read_date(self, parameter: Parameter, value: Any, findings: Findings) -> str:
        date = read_end(value, is_last=parameter.name == "until")
        if date.casefold() != " ".join(str(value).casefold().split()):
            findings.note(parameter.name, value, date)
        return date

    def _read_order(self, parameter: Parameter, value: Any, findings: Findings) -> str:
        order = read_order(value)
        if not says_the_same(value, order):
            findings.note(parameter.name, value, order)
        return order

    def _read_boolean(self, parameter: Parameter, value: Any, findings: Findings) -> bool:
        folded = str(value).strip().casefold()
        if isinstance(value, list | Mapping) or folded not in _TRUE | _FALSE:
            raise UnreadableError(f"true or false is expected (got {quoted(value)})")
        return folded in _TRUE

    def _read_text(self, parameter: Parameter, value: Any, findings: Findings) -> Any:
        if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
            findings.note(parameter.name, value, "one text")
            return ", ".join(value)
        return value

    def _read_integer(self, parameter: Parameter, value: Any, findings: Findings) -> Any:
        if isinstance(value, str):
            given, value = value, self._count(value)
            if not says_the_same(given, value) and not _DIGITS.fullmatch(given.strip()):
                findings.note(parameter.name, given, f"{value:g}")
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not abs(value) < LARGEST_INTEGER
            or value % 1
        ):
            raise UnreadableError(f"a whole number is expected (got {quoted(value)})")
        return int(value)

    def _count(self, text: str) -> float:
        """A number in digits or in a word, with what it counts: "five", "top 3", "10 films"."""
        plain = " ".join(text.casefold().split())
        for word in ("top ", "first ", "the top ", "the first "):
            plain = plain.removeprefix(word)
        for noun in (self.nouns.item, self.nouns.items, self.nouns.user, self.nouns.users, "items", "results"):
            plain = plain.removesuffix(f" {noun.casefold()}")
        try:
            return read_number(plain, "eq")
        except UnreadableError:
            raise UnreadableError(f"a whole number is expected (got {quoted(text)})") from None

    def _read_number(self, parameter: Parameter, value: Any, findings: Findings) -> Any:
        """A number; "50%" as 0.5."""
        found = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None:
            return value
        share = float(found[1]) / 100
        findings.note(parameter.name, value, f"{share:g}")
        return share


_READ: dict[Kind, Callable[[ValueReader, Parameter, Any, Findings], Any]] = {
    Kind.ID: ValueReader._read_id,
    Kind.SET: ValueReader._read_set,
    Kind.CHOICE: ValueReader._read_choice,
    Kind.GROUP: ValueReader._read_groups,
    Kind.NAME: ValueReader._read_names,
    Kind.NUMBER_LIMITS: ValueReader._read_number_limits,
    Kind.DATE_LIMITS: ValueReader._read_date_limits,
    Kind.DATE: ValueReader._read_date,
    Kind.ORDER: ValueReader._read_order,
    Kind.INTEGER: ValueReader._read_integer,
    Kind.NUMBER: ValueReader._read_number,
    Kind.BOOLEAN: ValueReader._read_boolean,
    Kind.TEXT: ValueReader._read_text,
}
