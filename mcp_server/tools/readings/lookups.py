"""Readings that only the catalogue can decide: lists of names in one text, negated names, IDs that are texts, and
times that are counted back."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mcp_server.dataset.windows import day_of
from mcp_server.errors import InvalidInputError, quoted
from mcp_server.tools.readings.forms import EVERYTHING, NOTHING
from mcp_server.tools.readings.groups import NEGATION
from mcp_server.tools.readings.ids import other_forms
from mcp_server.tools.readings.parameters import EXCLUDE, Kind, Parameter
from mcp_server.tools.readings.problems import Findings
from mcp_server.tools.readings.relative_dates import RelativeDate, read_relative

if TYPE_CHECKING:
    from mcp_server.catalog.catalog import Catalog
    from mcp_server.dataset.spec import Nouns
    from mcp_server.serving.backends import Backends

_LIST = re.compile(r"\s*(?:[,;|/+]|&)\s*(?:and\s+|or\s+)?|\s+(?:and|or)\s+|\s+(?=but not\s)", re.IGNORECASE)
_OR = re.compile(r"\bor\b", re.IGNORECASE)
_AROUND = re.compile(r"^(?:either|both|any of|all of|one of)\s+|^[\s'\"({\[]+|[\s'\")}\]]+$", re.IGNORECASE)
"""Words and signs around names that are no part of them."""

LONGEST_NAMES = 2_000
"""Characters of a text that may be several names."""


async def look_up(
    read: Mapping[str, Any], parameters: Mapping[str, Parameter], nouns: Nouns, backends: Backends, findings: Findings
) -> dict[str, Any]:
    """The arguments of a call, where the catalogue says what names and IDs mean that could mean several things.

    Args:
        read: The arguments as a ``Reader`` has read them.

    Raises:
        BackendError: The catalogue cannot be read.
    """
    found = dict(read)
    for name, value in read.items():
        parameter = parameters[name]
        if parameter.kind is Kind.NAME and parameter.field is not None:
            found[name] = await _read_names(parameter, value, "exclude" in parameters, backends, findings)
        elif parameter.kind is Kind.ID and not parameter.is_integer:
            found[name] = await _read_ids(parameter, value, nouns, backends, findings)
        elif parameter.kind is Kind.DATE and (relative := read_relative(value)):
            found[name] = await _count_back(parameter, value, relative, nouns, backends, findings)
        elif name == EXCLUDE and parameter.kind is Kind.FIELDS:
            fields = {each: parameters[each] for each in value}
            found[name] = await look_up(value, fields, nouns, backends, findings)
        if found[name] == [] and value != []:
            del found[name]
            findings.empty.append(name)
    _match_any(found, read, parameters, findings)
    return found


async def _count_back(
    parameter: Parameter, value: str, relative: RelativeDate, nouns: Nouns, backends: Backends, findings: Findings
) -> str | None:
    """The date that is so long before the newest interaction; it is no earlier than the first one."""
    span = await (await backends.catalog()).statistics.timeline.span()
    if span is None:
        findings.problems.append(f"{parameter.name}: no {nouns.interaction} has a time that is known")
        return None
    first, newest = map(day_of, span)
    is_last = parameter.name == "until"
    date = relative.on(datetime.date.fromisoformat(newest), is_last=is_last)
    date = date if is_last else max(date, first[: len(date)])
    findings.note(parameter.name, value, f"{date}, counted back from the newest {nouns.interaction} ({newest})")
    return date


async def _read_names(
    parameter: Parameter, names: list[str], may_exclude: bool, backends: Backends, findings: Findings
) -> list[str]:
    """Names of the catalogue. A text that is one as it stands stays so."""
    read: list[str] = []
    unwanted: list[str] = []
    for name in names:
        if not _is_doubtful(name):
            read.append(name)
            continue
        catalog = await backends.catalog()
        if await _is_name(catalog, parameter, name):
            read.append(name)
        elif name.casefold() in NOTHING:
            findings.note(parameter.name, name, "nothing")
        elif name.casefold() in EVERYTHING and not _is_text(parameter):
            findings.note(parameter.name, name, "no condition")
        elif negated := await _negated(catalog, parameter, name):
            unwanted += negated
        elif parts := await _several(catalog, parameter, name):
            findings.note(parameter.name, name, " and ".join(map(quoted, parts)))
            read += parts
        else:
            read.append(name)
    if unwanted:
        wanted = json.dumps({parameter.name: list(dict.fromkeys(unwanted))}, ensure_ascii=False)
        how = f"pass exclude={wanted}" if may_exclude else "give it without the negation: exclude leaves it out"
        beside = "" if all(map(NEGATION.fullmatch, names)) else f", and {parameter.name} without it"
        findings.problems.append(f"{parameter.name}: to leave out {', '.join(map(quoted, unwanted))}, {how}{beside}")
    return read


def _is_doubtful(name: str) -> bool:
    """True for a text that may be several names, a negation, or none."""
    forms = (NEGATION.fullmatch, _LIST.search, _AROUND.search, (NOTHING | EVERYTHING).__contains__)
    return len(name) <= LONGEST_NAMES and any(form(name.casefold()) for form in forms)


async def _negated(catalog: Catalog, parameter: Parameter, name: str) -> list[str]:
    """The names that a text asks not to be; none where it is no negation."""
    whole = NEGATION.fullmatch(name)
    found: list[str] = []
    for part in filter(None, _LIST.split(name)):
        negation = NEGATION.fullmatch(_plain(part)) or NEGATION.fullmatch(part)
        rest = _plain(negation["rest"]) if negation else _plain(part) if whole and found else ""
        if rest and await _is_meant(catalog, parameter, rest, is_sign=not part.strip()[:1].isalpha()):
            found.append(rest)
    if not found and whole and await _is_meant(catalog, parameter, whole["rest"], is_sign=not name[:1].isalpha()):
        return [whole["rest"].strip()]
    return found


def _plain(text: str) -> str:
    """A name without what may stand around it."""
    before = ""
    while text != before:
        before, text = text, _AROUND.sub("", text)
    return text


async def _is_name(catalog: Catalog, parameter: Parameter, name: str) -> bool:
    """True for a name as the catalogue has it. A sign before it counts, which names are otherwise compared without."""
    if not name:
        return False
    if name[0].isalnum():
        return bool(await catalog.name_index.exact(parameter.name, name))
    (match,) = await catalog.name_index.match(parameter.name, [name])
    return name.casefold() in (found.casefold() for found in match.names)


async def _is_meant(catalog: Catalog, parameter: Parameter, name: str, *, is_sign: bool = True) -> bool:
    """True for a name, or what is near to one. After a word, titles must be whole: many begin with "not" or "no"."""
    if _is_text(parameter) and not is_sign:
        return await _is_name(catalog, parameter, name)
    return bool(name) and bool((await catalog.name_index.match(parameter.name, [name]))[0].terms)


def _is_text(parameter: Parameter) -> bool:
    return parameter.field is not None and parameter.field.kind == "text"


async def _several(catalog: Catalog, parameter: Parameter, name: str) -> list[str]:
    """The names that one text stands for; none where it is better left whole."""
    parts = [plain for part in _LIST.split(name) if (plain := _plain(part))]
    if len(parts) < 2 and parts != [_plain(name)]:
        return []
    if parts == [name]:
        return []
    known = [await _is_name(catalog, parameter, part) for part in parts]
    if _is_text(parameter):  # titles have commas and "and" inside
        return parts if all(known) else []
    return parts if any(known) or all([await _is_meant(catalog, parameter, part) for part in parts]) else []


def _match_any(
    found: dict[str, Any], read: Mapping[str, Any], parameters: Mapping[str, Parameter], findings: Findings
) -> None:
    """Ask for any of several names where "or" stands between them."""
    lists = [name for name, value in read.items() if parameters[name].kind is Kind.NAME and isinstance(value, list)]
    with_or = [
        name for name in lists if len(found.get(name, [])) > len(read[name]) and any(map(_OR.search, read[name]))
    ]
    if not with_or or "match" not in parameters:
        return
    (first, *_), others = with_or, [name for name in lists if name not in with_or and len(found.get(name, [])) > 1]
    has_and = any(re.search(r"\band\b|&|\+", each, re.IGNORECASE) for name in with_or for each in read[name])
    if has_and or any(len(read[name]) > 1 for name in with_or) or found.get("match") == "all":
        findings.problems.append(f"{first}: give a list of names, and match=any or match=all for all of them")
    elif others:
        findings.problems.append(
            f"{first} asks for any of several names, and match counts for {others[0]} as well: give match"
        )
    elif "match" not in found:
        found["match"] = "any"
        findings.readings.append("match as any")


async def _read_ids(parameter: Parameter, value: Any, nouns: Nouns, backends: Backends, findings: Findings) -> Any:
    """IDs that are texts: what is no ID as it stands may be one without a noun before it, or several."""
    catalog = await backends.catalog()
    read: list[str] = []
    for each in value if parameter.many else [value]:
        forms = other_forms(each, parameter, nouns)
        if forms and not await _are_ids(catalog, parameter, [each]):
            for form in forms:
                if await _are_ids(catalog, parameter, form):
                    findings.note(parameter.name, each, ", ".join(form))
                    read += form
                    break
            else:
                read.append(each)
        else:
            read.append(each)
    return read if parameter.many else read[0]


async def _are_ids(catalog: Catalog, parameter: Parameter, ids: list[str]) -> bool:
    try:
        await _find(catalog, parameter, ids)
    except InvalidInputError:
        return False
    return True


async def _find(catalog: Catalog, parameter: Parameter, ids: list[Any]) -> None:
    """Find the items or users of some IDs.

    Raises:
        InvalidInputError: Some are unknown.
    """
    if parameter.whose == "item":
        await catalog.item_idx(ids)
        return
    for each in ids:
        await catalog.user_idx(each)


async def unknown_ids(
    read: Mapping[str, Any], parameters: Mapping[str, Parameter], backends: Backends, finds_titles: bool
) -> list[str]:
    """A sentence for each argument with IDs that are not in the dataset, and for each set that there is not.

    Args:
        finds_titles: True where the filter finds the ID of a title.
    """
    sentences = []
    for name, value in read.items():
        parameter = parameters[name]
        if parameter.kind is Kind.SET and value:
            for handle in value:
                try:
                    await backends.item_set(handle)
                except InvalidInputError as error:
                    sentences.append(str(error))
        if parameter.kind is Kind.ID and value:
            try:
                await _find(await backends.catalog(), parameter, value if parameter.many else [value])
            except InvalidInputError as error:
                advice = parameter.whose == "item" and not parameter.is_integer and finds_titles
                sentences.append(f"{error}{'; item_filter_tool finds the ID of a title' if advice else ''}")
    return sentences
