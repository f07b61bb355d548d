"""Resources, which are read by address: the dataset's card, items, users, sets of items, and the pages of results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote

from mcp_server import apps
from mcp_server.dataset.facts import DatasetFacts, Feature, When
from mcp_server.dataset.feedback import VALUE_NAMES, plain_number
from mcp_server.errors import InvalidInputError, quoted
from mcp_server.resources.completions import Items, Source, Users
from mcp_server.resources.dataset_card import describe_fields, write_card
from mcp_server.tools.size import MOST_TOKENS, most_tokens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp_server.serving.backends import Backends

DATASET, ITEM, USER, ITEM_SET, PAGE = "dataset", "item", "user", "itemset", "ui"
"""Schemes of addresses."""

FIELDS = "recsys-mcp/fields"
"""Key in the `_meta` of the dataset's card for the fields of results: people's word for each, and its unit."""

JSON_TYPE = "application/json"

MOST_IDS = 2_000
"""Most IDs of a set in one reading, fewer where they are long. The next ones follow by offset."""

ABOUT_USER = (
    "All that is known of a {user}, with the ",
    When(Feature.TIMES, "newest {interactions}.", otherwise="{interactions}."),
)

MOST_ENTRIES = 20
"""Items of a user's history that are shown."""


@dataclass(frozen=True)
class Listed:
    """A resource, or a template of many (``source`` completes its variable)."""

    address: str
    name: str
    title: str
    description: str
    icon: str
    mime_type: str
    source: Source | None = None
    meta: dict[str, Any] | None = None


@dataclass(frozen=True)
class Content:
    """Content of a resource."""

    text: str
    mime_type: str
    meta: dict[str, Any] | None = None


class Resources:
    """The resources of a dataset."""

    def __init__(self, facts: DatasetFacts) -> None:
        self._facts, self.pages = facts, apps.build_pages(facts)
        self._readers: dict[str, Callable[[Backends, str, int], Awaitable[dict[str, Any]]]] = {
            ITEM: _item,
            USER: _user,
            ITEM_SET: _item_set,
        }

    def listed(self) -> Iterator[Listed]:
        """Resources with one address each."""
        spec = self._facts.spec
        description = f"What {spec.title} holds: fields, ranges, counts, groups, licence."
        meta = {FIELDS: describe_fields(spec)}
        yield Listed(self._card, "dataset", f"About {spec.title}", description, "dataset", "text/markdown", None, meta)
        for page in self.pages.values():
            yield Listed(page.uri, page.name, page.title, page.description, "chart", apps.MIME_TYPE, None, page.meta)

    def templates(self) -> Iterator[Listed]:
        """Templates of addresses, one each for items, users and sets."""
        nouns, say = self._facts.spec.nouns, self._facts.say
        item, user, item_set = nouns.item.capitalize(), nouns.user.capitalize(), f"Set of {nouns.items}"
        about_item = say("All that is known of one of the {items}.")
        about_user = say(ABOUT_USER)
        about_set = "The IDs of a set whose handle a tool returned."
        yield Listed(f"{ITEM}://{{id}}", ITEM, item, about_item, "info", JSON_TYPE, Items())
        yield Listed(f"{USER}://{{id}}", USER, user, about_user, "person", JSON_TYPE, Users())
        yield Listed(f"{ITEM_SET}://{{handle}}", ITEM_SET, item_set, about_set, "list", JSON_TYPE)

    @property
    def _card(self) -> str:
        return f"{DATASET}://{quote(self._facts.spec.name, safe='')}"

    def read_at_once(self, address: str) -> Content | None:
        """The card or a page, which need no backend; None for other addresses."""
        if address.rstrip("/") == self._card:
            return Content(write_card(self._facts), "text/markdown")
        if page := self.pages.get(address):
            return Content(page.html(), apps.MIME_TYPE, page.meta)
        return None

    async def read(self, address: str, backends: Backends) -> Content:
        """An item, a user or a set.

        Raises:
            InvalidInputError: There is nothing at this address.
        """
        scheme, _, rest = address.partition("://")
        place, _, query = rest.partition("#")[0].partition("?")
        name, offset = unquote(place.rstrip("/")), _offset(query)
        if scheme not in self._readers or not name or offset is None:
            known = [listed.address for listed in (*self.listed(), *self.templates())]
            raise InvalidInputError(f"there is no resource {quoted(address)}. There are: {', '.join(known)}")
        found = await self._readers[scheme](backends, name, offset)
        return Content(json.dumps(found, ensure_ascii=False, separators=(",", ":")), JSON_TYPE)


def _offset(query: str) -> int | None:
    """The offset of a query: 0 where none is given, None where it is not a number."""
    given = parse_qs(query).get("offset", ["0"])[0]
    return int(given) if given.isdecimal() and len(given) < 10 else None


def _as_id(text: str, id_type: str, noun: str) -> int | str:
    if id_type == "string":
        return text
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise InvalidInputError(f"{quoted(text)} is not the ID of a {noun}: IDs are whole numbers")
    return int(text)


async def _item(backends: Backends, name: str, _: int) -> dict[str, Any]:
    spec, catalog = backends.spec, await backends.catalog()
    idx = await catalog.item_idx([_as_id(name, spec.items.id_type, spec.nouns.item)])
    (record,) = await catalog.metadata(idx, [field.name for field in spec.items.fields])
    return {"item_id": record.pop("id"), **record}


async def _user(backends: Backends, name: str, _: int) -> dict[str, Any]:
    spec, catalog = backends.spec, await backends.catalog()
    user = await catalog.user(_as_id(name, spec.users.id_type, spec.nouns.user))
    history = await catalog.histories.of(user["idx"])
    found = catalog.twins.once(history.items)[:MOST_ENTRIES]
    place_of = {item: place for place, item in enumerate(history.items.tolist())}
    value, values = VALUE_NAMES.get(spec.interactions.kind), history.values
    listed: list[dict[str, Any]] = [{"item_id": name.id, "title": name.title} for name in await catalog.names(found)]
    if value is not None and values is not None:
        for entry, item in zip(listed, found.tolist(), strict=True):
            entry[value] = plain_number(values[place_of[item]])
    fields = {field.name: user[field.name] for field in spec.users.fields}
    beginning = "history" if spec.interactions.timestamp is None else "newest"
    return {"user_id": user["id"], **fields, "n_items": len(history.items), beginning: listed}


async def _item_set(backends: Backends, handle: str, offset: int) -> dict[str, Any]:
    items = await (await backends.item_sets()).get(handle)
    page = items[offset : offset + MOST_IDS]
    while len(page) > 1 and most_tokens(page) > MOST_TOKENS:
        page = page[: len(page) // 2]
    following = offset + len(page)
    more = {"next": f"{ITEM_SET}://{handle}?offset={following}"} if following < len(items) else {}
    return {"item_set": handle, "count": len(items), "items": page, **more}
