"""The reading of one call: first which arguments are meant, then their values, each by the kind of its argument."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mcp_server.errors import InvalidInputError, quoted
from mcp_server.tools.readings.dates import moved
from mcp_server.tools.readings.forms import as_list, from_json, is_deeper, is_empty
from mcp_server.tools.readings.ids import handles_in
from mcp_server.tools.readings.limits import NegatedError
from mcp_server.tools.readings.names import (
    limited_argument,
    meant_argument,
    near_names,
    negated_argument,
    unknown_arguments,
)
from mcp_server.tools.readings.parameters import EMPTY_CHOICE, EXCLUDE, GROUPS, WHERE, Kind, Parameter
from mcp_server.tools.readings.problems import MOST_TOLD, Findings, UnreadableError
from mcp_server.tools.readings.values import ValueReader

NESTED = frozenset(
    ("arguments", "args", "input", "inputs", "params", "parameters", "kwargs", "tool_input", "tool_arguments")
) | {"filters", "filter", "conditions", "criteria"}
"""Names under which some programs put all arguments."""

_NUMBERS = re.compile(r"\d+(?:\s*(?:,|;|&|\band\b)\s*\d+)+", re.IGNORECASE)

NAMING = frozenset(("name", "tool", "tool_name", "function"))
"""Names beside them, for the tool."""

BOUNDS = {"before": "until", "older_than": "until", "after": "since", "newer_than": "since"}
"""Names of times that leave out their own date, and the arguments that include it."""

SETS = {"items": "item_set", "exclude_items": "exclude_set"}
"""Arguments that take IDs, and those that take handles of sets in their place."""

SEVERAL = {"user": "users"}
"""Arguments that take one ID, and those that take several in their place."""


DEEPEST = 8
"""Levels of lists and objects inside one another that an argument may have."""


@dataclass(frozen=True)
class Reader:
    """Reads the calls of one tool, without a database."""

    parameters: Mapping[str, Parameter]
    values: ValueReader
    elsewhere: Mapping[str, tuple[str, Parameter]] = field(default_factory=dict)
    """Arguments that only other tools have, each with the name of such a tool."""

    def settle(self, given: Mapping[str, Any], findings: Findings) -> dict[str, Any]:
        """The arguments that are meant, by name, with their values as they are; without those that are not given."""
        settled: dict[str, Any] = {}
        for name, value in _unwrapped(given, self.parameters, findings).items():
            if value is None:
                continue
            if is_deeper(value, DEEPEST):
                findings.problems.append(f"{quoted(name)}: lists and objects inside one another are too deep")
                findings.unreadable.add(name)
                continue
            for meant, inner in self._place(name, value, findings):
                self._add(settled, meant, inner, findings)
        findings.problems += self._unknown(findings.unknown)
        return self._without_empty(settled, findings)

    def _add(self, settled: dict[str, Any], name: str, value: Any, findings: Findings) -> None:
        """Add an argument. Exclusions and limits under several names are put together, others may be given once."""
        known = settled.get(name)
        if name not in settled:
            settled[name] = value
        elif name == EXCLUDE:
            settled[name] = [*as_list(known), *as_list(value)]
        elif self.parameters[name].is_condition and isinstance(known, dict) and isinstance(value, dict):
            for limit, each in value.items():
                if known.get(limit, each) != each:
                    findings.problems.append(f"{name}: {limit} is given twice")
            settled[name] = {**known, **value}
        else:
            findings.problems.append(f"{name} is given twice: give it once")

    def _unknown(self, names: list[str]) -> list[str]:
        """Problems with names that no argument has."""
        hints = {name: self._where_else(name) for name in names[:MOST_TOLD]}
        told = [f"{unknown_arguments([name], self.parameters)}{hint}" for name, hint in hints.items() if hint]
        others = [name for name in names if not hints.get(name)]
        return [*told, *([unknown_arguments(others, self.parameters)] if others else [])]

    def read(self, given: Mapping[str, Any], findings: Findings) -> dict[str, Any]:
        """The arguments of a call with their values, as the model of the arguments takes them."""
        read: dict[str, Any] = {}
        settled = self.settle(given, findings).items()
        for name, value in [each for pair in settled for each in self._sort_sets(*pair, findings)]:
            if name in read:
                if name not in SETS.values():
                    findings.problems.append(f"{name} is given twice: give it once")
                    continue
                value = [*as_list(read[name]), *as_list(value)]
            try:
                read[name] = self._value(name, value, findings)
            except NegatedError as error:
                findings.problems.append(self._how_to_exclude(name, error))
            except (UnreadableError, InvalidInputError) as error:
                findings.problems.append(f"{name}: {str(error).removeprefix(f'{name}: ')}")
            if name not in read:
                findings.unreadable.add(name)
        return read

    def _place(self, name: str, value: Any, findings: Findings) -> list[tuple[str, Any]]:
        """The arguments that one name stands for, with their values."""
        if name in self.parameters:
            return self._inside_where(value, findings) if name == WHERE else [(name, value)]
        if is_empty(value, Kind.OTHER):
            return []
        if GROUPS in self.parameters and (field := name.strip().casefold()) in self._group_fields:
            findings.rename(name, GROUPS)
            return [(GROUPS, {field: value})]
        if name == EXCLUDE and "exclude_items" in self.parameters and not isinstance(from_json(value), Mapping):
            findings.rename(name, "exclude_items")
            return [("exclude_items", value)]
        if (meant := negated_argument(name, self.parameters)) is not None:
            findings.rename(name, f"exclude {meant}")
            return [(EXCLUDE, {meant: value})]
        if (limited := limited_argument(name, self.parameters)) is not None:
            meant, limit = limited
            findings.rename(name, f"{meant} {limit}")
            return [(meant, {limit: value})]
        if (bound := BOUNDS.get(name.strip().casefold())) is not None and bound in self.parameters:
            return [(bound, self._moved(name, value, bound, findings))]
        meant = meant_argument(name, self.parameters, self._general_words)
        if meant is None:
            findings.unknown.append(name)
            return []
        findings.rename(name, meant)
        return self._inside_where(value, findings) if meant == WHERE else [(meant, value)]

    def _moved(self, name: str, value: Any, bound: str, findings: Findings) -> Any:
        """The last day before a date, or the first time after it: since and until include their dates."""
        try:
            date = moved(value, before=bound == "until")
        except UnreadableError as error:
            findings.problems.append(f"{name}: {error}")
            findings.unreadable.add(bound)
            return None
        findings.note(name, value, f"{bound} {date}")
        return date

    def _inside_where(self, value: Any, findings: Findings) -> list[tuple[str, Any]]:
        value = from_json(value)
        if is_empty(value, Kind.FIELDS):
            return []
        if not isinstance(value, Mapping):
            findings.problems.append(f"where: give an object of fields and their values (got {quoted(value)})")
            return []
        found = []
        for name, inner in value.items():
            meant = self._field(name, findings, WHERE)
            if meant is not None and inner is not None:
                found.append((meant, inner))
        return found

    def _field(self, asked: str, findings: Findings, place: str) -> str | None:
        """The field that a name inside an object stands for; None, and a problem, where there is none."""
        fields = {name: each for name, each in self.parameters.items() if each.is_condition}
        if (contrary := negated_argument(asked, self.parameters)) is not None:
            how = "give it as the field itself" if place == EXCLUDE else f"give {contrary} inside exclude"
            findings.problems.append(f"{place}: {quoted(asked)} is a negation: {how}")
            return None
        meant = asked if asked in fields else meant_argument(asked, fields, self._general_words)
        if meant is None:
            findings.problems.append(f"{place}: there is no field {quoted(asked)}{near_names(asked, fields)}")
        elif meant != asked:
            findings.rename(asked, meant)
        return meant

    @property
    def _group_fields(self) -> set[str]:
        return {group.field for group in self.values.groups.all}

    @property
    def _general_words(self) -> dict[str, str]:
        nouns = self.values.nouns
        words = {nouns.item: "item", nouns.items: "items", nouns.user: "user", nouns.users: "users"}
        return {word.casefold().replace(" ", "_"): general for word, general in words.items()}

    def _where_else(self, name: str) -> str:
        """The tool that takes an argument which this one lacks, as the end of a sentence."""
        others = {each: parameter for each, (_, parameter) in self.elsewhere.items()}
        contrary = negated_argument(name, others)
        meant = contrary or (name if name in others else meant_argument(name, others, self._general_words))
        if meant is None:
            return ""
        tool, _ = self.elsewhere[meant]
        how = f"{EXCLUDE} {meant}" if contrary else meant
        if "item_set" in self.parameters and tool in ("item_filter_tool", "vector_store_search_tool"):
            return f": call {tool} with {how} first, and pass its item_set here"
        return f": {tool} takes {how}"

    def _without_empty(self, settled: Mapping[str, Any], findings: Findings) -> dict[str, Any]:
        """The arguments without those that say nothing. ``liked_items: []`` is somebody new where nobody is named."""
        named = any(name in settled for name in ("user", "users"))
        kept = {}
        for name, value in settled.items():
            means_nothing = is_empty(value, self.parameters[name].kind)
            is_choice = name in EMPTY_CHOICE or (name == "liked_items" and not named)
            if means_nothing and not (is_choice and from_json(value) == []):
                findings.empty.append(name)
            else:
                kept[name] = value
        return kept

    def _sort_sets(self, name: str, value: Any, findings: Findings) -> list[tuple[str, Any]]:
        """Handles given as items are sets, and IDs given as a set are items."""
        parameter, values = self.parameters[name], as_list(from_json(value))
        if name in SEVERAL and SEVERAL[name] in self.parameters and _are_several(values):
            findings.note(name, value, SEVERAL[name])
            return [(SEVERAL[name], value)]
        handles = handles_in(values)
        others = [each for each in values if not handles_in([each])]
        set_name = SETS.get(name, "")
        if parameter.kind is Kind.ID and handles and set_name in self.parameters:
            if others and name == "items":
                findings.problems.append("items has IDs and a handle: give either, or the handle as item_set for both")
            findings.note(name, value, f"{set_name} {', '.join(handles)}")
            return [(set_name, handles), *([(name, others)] if others else [])]
        are_ids = all(isinstance(each, int) and not isinstance(each, bool) for each in values)
        if parameter.kind is Kind.SET and values and are_ids and "items" in self.parameters:
            findings.note(name, value, "items")
            return [("items", values)]
        return [(name, value)]

    def _how_to_exclude(self, name: str, error: NegatedError) -> str:
        value = error.value
        if EXCLUDE not in self.parameters or not self.parameters[name].is_condition:
            return f"{name}: {quoted(value)} cannot be left out here: say what is wanted instead"
        beside = f", and {name} without it" if error.others else ""
        return f"{name}: to leave out {quoted(value)}, pass exclude={json.dumps({name: value}, default=str)}{beside}"

    def _value(self, name: str, value: Any, findings: Findings) -> Any:
        parameter = self.parameters[name]
        if parameter.kind is Kind.FIELDS:
            return self._read_fields(parameter, from_json(value), findings)
        return self.values.read(parameter, value, findings)

    def _read_fields(self, parameter: Parameter, value: Any, findings: Findings) -> dict[str, Any]:
        """Conditions inside an object, or inside several."""
        objects = [from_json(each) for each in as_list(value)]
        if not all(isinstance(each, Mapping) for each in objects):
            fields = [name for name, each in self.parameters.items() if each.is_condition]
            example = next((name for name in fields if self.parameters[name].kind is Kind.NAME), fields[0])
            raise UnreadableError(f'give fields and values, such as {{"{example}": ...}} (got {quoted(value)})')
        read: dict[str, Any] = {}
        for name, inner in [pair for each in objects for pair in each.items()]:
            meant = self._field(name, findings, parameter.name)
            if meant is None or is_empty(inner, self.parameters[meant].kind):
                continue
            try:
                found = self._value(meant, inner, findings)
            except NegatedError:
                findings.problems.append(f"{parameter.name}: {meant} is left out here: give it without a negation")
            except UnreadableError as error:
                findings.problems.append(f"{parameter.name}: {meant}: {error}")
            else:
                if meant in read and self.parameters[meant].kind is not Kind.NAME:
                    findings.problems.append(f"{parameter.name}: {meant} is given twice: give it once")
                read[meant] = [*read[meant], *found] if isinstance(read.get(meant), list) else found
        return read


def _unwrapped(given: Mapping[str, Any], parameters: Mapping[str, Parameter], findings: Findings) -> Mapping[str, Any]:
    """The arguments that some programs put into one."""
    nested = [name for name in given if name in NESTED and name not in parameters]
    inner = from_json(given[nested[0]]) if len(nested) == 1 else None
    if not isinstance(inner, Mapping):
        return given
    findings.rename(nested[0], "the arguments themselves")
    others = {name: value for name, value in given.items() if name != nested[0] and not _names_a_tool(name, value)}
    twice = [name for name, value in others.items() if name in inner and inner[name] != value]
    findings.problems += [f"{quoted(name)} is given twice: give it once" for name in twice]
    return {**inner, **others}


def _are_several(values: Sequence[Any]) -> bool:
    """True for several IDs in a list, or numbers with commas or "and" between them."""
    return len(values) > 1 or (isinstance(values[0], str) and bool(_NUMBERS.fullmatch(values[0].strip())))


def _names_a_tool(name: str, value: Any) -> bool:
    return name in NAMING and isinstance(value, str) and value.endswith("_tool")
