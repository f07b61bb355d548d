"""Readings that only the catalogue can decide: lists of names in one text, negated names, and IDs that are texts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mcp_server.errors import InvalidInputError, quoted
from mcp_server.tools.readings.forms import NOTHING
from mcp_server.tools.readings.groups import NEGATION
from mcp_server.tools.readings.ids import other_forms
from mcp_server.tools.readings.parameters import EXCLUDE, Kind, Parameter
from mcp_server.tools.readings.problems import Findings

if TYPE_CHECKING:
    from mcp_server.catalog.catalog import Catalog
    from mcp_server.dataset.spec import Nouns
    from mcp_server.serving.backends import Backends

_LIST = re.compile(r"\s*[,;|/]\s*(?:and\s+|or\s+)?|\s+(?:and|or|&)\s+", re.IGNORECASE)


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
        elif name == EXCLUDE and parameter.kind is Kind.FIELDS:
            fields = {each: parameters[each] for each in value}
            found[name] = await look_up(value, fields, nouns, backends, findings)
        if found[name] == [] and value != []:
            del found[name]
            findings.empty.append(name)
    _match_any(found, read, parameters, findings)
    return found


async def _read_names(
    parameter: Parameter, names: list[str], may_exclude: bool, backends: Backends, findings: Findings
) -> list[str]:
    """Names of the catalogue. A text that is one as it stands stays so."""
    read: list[str] = []
    for name in names:
        negation = NEGATION.fullmatch(name)
        parts = [part for part in _LIST.split(name) if part]
        if not negation and len(parts) < 2 and name.casefold() not in NOTHING:
            read.append(name)
            continue
        catalog = await backends.catalog()
        if await _is_name(catalog, parameter, name):
            read.append(name)
        elif name.casefold() in NOTHING:
            continue
        elif negation and await _is_meant(catalog, parameter, negation["rest"]):
            wanted = json.dumps({parameter.name: [negation["rest"].strip()]}, ensure_ascii=False)
            how = f"pass exclude={wanted}" if may_exclude else "give it without the negation: exclude leaves it out"
            findings.problems.append(f"{parameter.name}: to leave out {quoted(negation['rest'].strip())}, {how}")
        elif len(parts) > 1 and await _are_names(catalog, parameter, parts):
            findings.note(parameter.name, name, " and ".join(map(quoted, parts)))
            read += parts
        else:
            read.append(name)
    return read


async def _is_name(catalog: Catalog, parameter: Parameter, name: str) -> bool:
    """True for a name as the catalogue has it. A sign before it counts, which names are otherwise compared without."""
    if name[0].isalnum():
        return bool(await catalog.name_index.exact(parameter.name, name))
    (match,) = await catalog.name_index.match(parameter.name, [name])
    return name.casefold() in (found.casefold() for found in match.names)


async def _is_meant(catalog: Catalog, parameter: Parameter, name: str) -> bool:
    """True for a name or what is near to one; titles must be whole, because many begin with "not" or "no"."""
    if parameter.field is not None and parameter.field.kind == "text":
        return await _is_name(catalog, parameter, name)
    return bool((await catalog.name_index.match(parameter.name, [name]))[0].terms)


async def _are_names(catalog: Catalog, parameter: Parameter, parts: list[str]) -> bool:
    """True if some of the parts of a text are names; for titles, which have commas and "and" inside, all of them."""
    known = [await _is_name(catalog, parameter, part) for part in parts]
    return all(known) if parameter.field is not None and parameter.field.kind == "text" else any(known)


def _match_any(
    found: dict[str, Any], read: Mapping[str, Any], parameters: Mapping[str, Parameter], findings: Findings
) -> None:
    """Ask for any of several names where "or" stands between them."""
    with_or = [
        name
        for name, value in read.items()
        if parameters[name].kind is Kind.NAME
        and len(found.get(name, [])) > len(value)
        and any(re.search(r"\bor\b", each, re.IGNORECASE) for each in value)
    ]
    others = [
        name
        for name, value in found.items()
        if parameters[name].kind is Kind.NAME and len(value) > 1 and name not in with_or
    ]
    if with_or and "match" in parameters and "match" not in found:
        if others:
            findings.problems.append(
                f"{with_or[0]} asks for any of several names, and match counts for {others[0]} as well: give match"
            )
        else:
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
    """A sentence for each argument with IDs that are not in the dataset.

    Args:
        finds_titles: True where the filter finds the ID of a title.
    """
    sentences = []
    for name, value in read.items():
        parameter = parameters[name]
        if parameter.kind is Kind.ID and value:
            try:
                await _find(await backends.catalog(), parameter, value if parameter.many else [value])
            except InvalidInputError as error:
                advice = parameter.whose == "item" and not parameter.is_integer and finds_titles
                sentences.append(f"{error}{'; item_filter_tool finds the ID of a title' if advice else ''}")
    return sentences
