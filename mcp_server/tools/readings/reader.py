"""The reading of one call: first which arguments are meant, then their values, each by the kind of its argument."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_server.errors import InvalidInputError, quoted
from mcp_server.tools.readings.forms import as_list, from_json, is_empty
from mcp_server.tools.readings.ids import handles_in
from mcp_server.tools.readings.limits import NegatedError
from mcp_server.tools.readings.names import meant_argument, near_names, negated_argument, unknown_arguments
from mcp_server.tools.readings.parameters import EMPTY_CHOICE, EXCLUDE, GROUPS, WHERE, Kind, Parameter
from mcp_server.tools.readings.problems import MOST_TOLD, Findings, UnreadableError
from mcp_server.tools.readings.values import ValueReader

NESTED = frozenset(
    ("arguments", "args", "input", "inputs", "params", "parameters", "kwargs", "tool_input", "tool_arguments")
)
"""Names under which some programs put all arguments."""

NAMING = frozenset(("name", "tool", "tool_name", "function"))
"""Names beside them, for the tool."""

SETS = {"items": "item_set", "exclude_items": "exclude_set"}
"""Arguments that take IDs, and those that take handles of sets in their place."""


@dataclass(frozen=True)
class Reader:
    """Reads the calls of one tool, without a database."""

    parameters: Mapping[str, Parameter]
    values: ValueReader
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Arguments that only other tools have, and the name of such a tool."""

    def settle(self, given: Mapping[str, Any], findings: Findings) -> dict[str, Any]:
        """The arguments that are meant, by name, with their values as they are; without those that are not given."""
        settled: dict[str, Any] = {}
        for name, value in _unwrapped(given, self.parameters, findings).items():
            if value is None:
                continue
            for meant, inner in self._place(name, value, findings):
                if meant == EXCLUDE and isinstance(settled.get(meant), dict) and isinstance(inner, dict):
                    settled[meant] = {**settled[meant], **inner}
                elif meant in settled:
                    findings.problems.append(f"{meant} is given twice, inside where and outside: give it once"
                                             if name == WHERE else f"{meant} is given twice: give it once")  # fmt: skip
                else:
                    settled[meant] = inner
        findings.problems += self._unknown(findings.unknown)
        return self._without_empty(settled, findings)

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
                findings.problems.append(self._how_to_exclude(name, error.value))
            except (UnreadableError, InvalidInputError) as error:
                findings.problems.append(f"{name}: {str(error).removeprefix(f'{name}: ')}")
            if name not in read:
                findings.unreadable.add(name)
        return read

    def _place(self, name: str, value: Any, findings: Findings) -> list[tuple[str, Any]]:
        """The arguments that one name stands for, with their values."""
        if name == WHERE and WHERE in self.parameters:
            return self._inside_where(value, findings)
        if name in self.parameters:
            return [(name, value)]
        if is_empty(value, Kind.OTHER):
            return []
        if GROUPS in self.parameters and (field := name.strip().casefold()) in self._group_fields:
            findings.rename(name, GROUPS)
            return [(GROUPS, {field: value})]
        if (meant := negated_argument(name, self.parameters)) is not None:
            findings.rename(name, f"exclude {meant}")
            return [(EXCLUDE, {meant: value})]
        meant = meant_argument(name, self.parameters, self._general_words)
        if meant is not None:
            findings.rename(name, meant)
            return [(meant, value)]
        findings.unknown.append(name)
        return []

    def _inside_where(self, value: Any, findings: Findings) -> list[tuple[str, Any]]:
        value = from_json(value)
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
        if not self.elsewhere:
            return ""
        others = {each: Parameter(each, Kind.OTHER) for each in self.elsewhere}
        meant = name if name in others else meant_argument(name, others, self._general_words)
        if meant is None:
            return ""
        tool = self.elsewhere[meant]
        if "item_set" in self.parameters and tool in ("item_filter_tool", "vector_store_search_tool"):
            return f": call {tool} with {meant} first, and pass its item_set here"
        return f": {tool} takes {meant}"

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
        handles = handles_in(values)
        others = [each for each in values if each not in handles]
        set_name = SETS.get(name, "")
        if parameter.kind is Kind.ID and handles and set_name in self.parameters:
            findings.note(name, value, f"{set_name} {', '.join(handles)}")
            return [(set_name, handles), *([(name, others)] if others else [])]
        are_ids = all(isinstance(each, int) and not isinstance(each, bool) for each in values)
        if parameter.kind is Kind.SET and values and are_ids and "items" in self.parameters:
            findings.note(name, value, "items")
            return [("items", values)]
        return [(name, value)]

    def _how_to_exclude(self, name: str, value: Any) -> str:
        if EXCLUDE not in self.parameters:
            return f"{name}: {quoted(value)} cannot be left out here: say what is wanted instead"
        return f"{name}: to leave out {quoted(value)}, pass exclude={json.dumps({name: value}, default=str)}"

    def _value(self, name: str, value: Any, findings: Findings) -> Any:
        parameter = self.parameters[name]
        if parameter.kind is Kind.FIELDS:
            return self._read_fields(parameter, from_json(value), findings)
        return self.values.read(parameter, value, findings)

    def _read_fields(self, parameter: Parameter, value: Any, findings: Findings) -> dict[str, Any]:
        """Conditions inside an object."""
        if not isinstance(value, Mapping):
            example = next((name for name, each in self.parameters.items() if each.is_condition), "field")
            raise UnreadableError(f'give fields and values, such as {{"{example}": ...}} (got {quoted(value)})')
        read = {}
        for name, inner in value.items():
            meant = self._field(name, findings, parameter.name)
            if meant is not None and not is_empty(inner, self.parameters[meant].kind):
                try:
                    read[meant] = self._value(meant, inner, findings)
                except NegatedError:
                    findings.problems.append(f"{parameter.name}: {meant} is left out here: give it without a negation")
                except UnreadableError as error:
                    findings.problems.append(f"{parameter.name}: {meant}: {error}")
        return read


def _unwrapped(given: Mapping[str, Any], parameters: Mapping[str, Parameter], findings: Findings) -> Mapping[str, Any]:
    """The arguments that some programs put into one."""
    nested = [name for name in given if name in NESTED and name not in parameters]
    inner = from_json(given[nested[0]]) if len(nested) == 1 else None
    if not isinstance(inner, Mapping):
        return given
    findings.rename(nested[0], "the arguments themselves")
    others = {name: value for name, value in given.items() if name != nested[0]}
    return {**inner, **{name: value for name, value in others.items() if name in parameters or name not in NAMING}}
