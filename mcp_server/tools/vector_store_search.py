"""Search for items by the meaning of their texts, and for items like a given one."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal

from pydantic import Field, StringConstraints, WithJsonSchema

from mcp_server.dataset.facts import DatasetFacts, Feature, When
from mcp_server.dataset.ids import ItemId
from mcp_server.dataset.moods import EXAMPLE
from mcp_server.errors import InvalidInputError
from mcp_server.tools.arguments import CandidatesArguments, Detail, ItemSet, K, candidate_items, excluded_items
from mcp_server.tools.results import ListedItem, Result, count_of, keep_set, list_items
from mcp_server.tools.tool import Tool, make_tool

if TYPE_CHECKING:
    from mcp_server.catalog.catalog import Catalog
    from mcp_server.dataset.spec import Nouns
    from mcp_server.serving.backends import Backends
    from mcp_server.types import DoubleArray, Id, IntArray

LONGEST_QUERY = 10_000

MOST_NAMED = 3
"""Items that a message names."""

WEAK_FIT = 20
"""Fit below which an item is hardly near to a query. Questions that have nothing to do with films reach 22 at most
among 1,673 of them; the right one of 120 descriptions of plots has 29 at least."""

LIKE = re.compile(r"(?:\w+ ){0,3}?(?:like|similar to) (?P<title>.+)", re.IGNORECASE)
"""Form of a query for items like another one, which says less than ``similar_to``."""

LONGEST_EVIDENCE = 300
"""Characters of a sentence that are shown."""

DESCRIPTION = (
    """
{Items} whose {texts} is nearest in meaning to what the query says: a topic, an event, a whole {text}""",
    When(Feature.MOODS, f" or a mood ({EXAMPLE})"),
    """; or by similar_to to one {item} ("like {item} X"). Something is always nearest: judge by fit. Pass item_set
(k=20 here, for a choice) to get_top_k_recommendations_tool, or the IDs of those that fit to get_like_percentage_tool
("is there an audience for this {text}").
""",
    When(Feature.FILTERS, "Not for {attributes}: item_filter_tool, whose item_set can be searched here."),
)


class SearchArguments(CandidatesArguments[ItemId], Generic[ItemId]):
    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_QUERY)] | None = (
        Field(None, description="Plain words, or a whole {text}.")
    )
    similar_to: ItemId | None = Field(None, description="Instead of query: ID of one {item}.")
    by: Literal["both", "content", "audience"] = Field(
        "both", description="For similar_to: by what it is, who likes it, or both."
    )
    k: K = 10
    item_set: ItemSet = Field(None, description="Or a handle from a tool; a,b: in both.")
    detail: Detail = "compact"


class FoundItem(ListedItem[ItemId], Generic[ItemId]):
    fit: Annotated[float | None, WithJsonSchema({"type": ["number", "null"]})] = Field(
        None,
        description="0 to 100: nearness in meaning of its text. 0: none, 100: the same; below 20 hardly any.",
    )
    evidence: str | None = Field(None, description="In full only: its sentence that is nearest.")


class SearchResult(Result, Generic[ItemId]):
    item_set: str | None = Field(None, description="For all of these, with how near each is.")
    items: list[FoundItem[ItemId]] = Field(description="Best match first; of equally near ones, the better known.")


def build(facts: DatasetFacts) -> Tool:
    return make_tool(
        facts,
        name="vector_store_search_tool",
        title="Search {items}",
        description=DESCRIPTION,
        arguments=SearchArguments,
        result=SearchResult,
        run=search_items,
        needs=Feature.SEARCH_TEXTS,
    )


@dataclass(frozen=True)
class Nearest:
    """The result of a search, nearest first."""

    items: IntArray
    """(n,): positions."""
    scores: DoubleArray
    """(n,)"""
    fits: list[float | None]
    what: str
    """The rest of the sentence that begins with the number of items."""
    rest: str
    """A sentence for where there are no more, without its end."""
    notes: list[str]
    """Sentences about items that come first for their title, or are left out for their text, and the like."""
    may_be_far: bool
    """True where nothing but their texts speaks for the items, so that a low fit is worth a word."""


async def search_items(backends: Backends, arguments: SearchArguments[Id]) -> SearchResult[Id]:
    nouns = backends.spec.nouns
    if (arguments.query is None) == (arguments.similar_to is None):
        raise InvalidInputError("give either query or similar_to")
    catalog = await backends.catalog()
    only, excluded = await candidate_items(backends, arguments), await excluded_items(backends, arguments)
    limit = arguments.k + catalog.twins.n_extra
    if arguments.similar_to is None:
        found = await _by_query(backends, arguments.query or "", limit, only, excluded)
        sought: str | int = arguments.query or ""
    else:
        sought = int((await catalog.item_idx([arguments.similar_to]))[0])
        found = await _alike(backends, arguments, sought, limit, only, excluded)
    positions = catalog.twins.once(found.items)[: arguments.k]
    places = {item: place for place, item in reversed(list(enumerate(found.items.tolist())))}
    chosen = [places[item] for item in positions.tolist()]
    fits = [found.fits[place] for place in chosen]
    order = ", best match first" if len(positions) else ""
    notes = [f"{count_of(len(positions), nouns.item, nouns.items)} {found.what}{order}.", *found.notes]
    known = [fit for fit in fits if fit is not None]
    if known != sorted(known, reverse=True):
        notes.append("Their order depends on more than fit, which tells nearness in meaning alone.")
    best = max(known, default=None)
    if found.may_be_far and best is not None and best < WEAK_FIT:
        notes.append(f"None of them is near in meaning: the best fit is {best:g} of 100.")
    if len(positions) < arguments.k:
        notes.append(f"{found.rest}{'' if only is None else f' among the {len(only)} given'}.")
    columns: dict[str, list[Any]] = {"fit": [*fits]}
    if arguments.detail == "full":
        columns["evidence"] = [*await _evidence(backends, sought, positions)]
    scores = [round(float(found.scores[place]), 4) for place in chosen]
    result: SearchResult[Id] = SearchResult(message="", items=[])
    unwritten, result.items = await asyncio.gather(
        keep_set(backends, result, catalog.ids(positions), scores),
        list_items(backends, FoundItem, positions.tolist(), arguments.detail, **columns),
    )
    result.message = " ".join([*notes, *unwritten])
    return result


async def _by_query(backends: Backends, query: str, limit: int, only: IntArray | None, excluded: IntArray) -> Nearest:
    import numpy as np  # the list of tools does not wait for it

    catalog, search, nouns = await backends.catalog(), await backends.search(), backends.spec.nouns
    titled = await catalog.titled(query, only)
    titled = titled[~np.isin(titled, excluded)]  # in the order of popularity
    found = await search.find(query, limit, only, [*catalog.untitled.tolist(), *excluded.tolist()], titled)
    notes = []
    if len(titled):
        named, verb = await _name(catalog, titled, nouns)
        notes.append(f"The query is the title of {named}, which {verb} listed first.")
    elif (other := LIKE.fullmatch(query)) and len(meant := await catalog.titled(other["title"], None)):
        named, _ = await _name(catalog, meant, nouns)
        notes.append(f"For {nouns.items} like {named}, call again with similar_to.")
    if len(found.own):
        named, verb = await _name(catalog, found.own, nouns)
        notes.append(f"The query is a text of {named}, which {verb} left out.")
        found = found.without(catalog.twins.with_twins(found.own))
    rest = f"These are all {'others ' if len(found.own) else ''}that have a text"
    return Nearest(found.items, found.scores, _known(found.fits), "for the query", rest, notes, not len(titled))


async def _alike(
    backends: Backends,
    arguments: SearchArguments[Id],
    item: int,
    limit: int,
    only: IntArray | None,
    excluded: IntArray,
) -> Nearest:
    import numpy as np

    from mcp_server.tools.likeness import find_alike

    catalog, nouns = await backends.catalog(), backends.spec.nouns
    title = (await catalog.names([item]))[0].title
    name = f"{nouns.item} {arguments.similar_to}{f' ({title})' if title else ''}"
    leave_out = np.concatenate([catalog.untitled, excluded, catalog.twins.with_twins(np.array([item]))])
    found = await find_alike(backends, item, arguments.by, limit, only, leave_out)
    if found is None:
        raise InvalidInputError(f"{name} has nothing to compare by ({arguments.by}): search by query instead")
    ways = {
        "content": "in what they are",
        "audience": "in who likes them",
        "both": "in what they are and in who likes them",
    }
    notes = []
    if found.by not in (arguments.by, "both"):
        missing = "who likes it" if found.by == "content" else "what it is"
        notes.append(f"Nothing is known of {missing}.")
    rest = "There are no others that can be compared with it"
    return Nearest(found.items, found.scores, _known(found.fits), f"like {name} {ways[found.by]}", rest, notes, False)


async def _evidence(backends: Backends, sought: str | int, items: IntArray) -> list[str | None]:
    """For each item its sentence that is nearest; None where sentences have no vectors of their own."""
    from mcp_server.vectors.texts import sentences_of

    spec = backends.spec
    assert spec.search is not None  # or there would be no tool
    nearest = await (await backends.search()).nearest_sentences(sought, items)
    texts = await (await backends.catalog()).metadata(items, spec.search.texts)
    found: list[str | None] = []
    for (place, n_vectors), each in zip(nearest, texts, strict=True):
        sentences = sentences_of([each[name] for name in spec.search.texts])
        sentence = " ".join(sentences[place].split()) if n_vectors and len(sentences) == n_vectors else None
        found.append(sentence and shorten(sentence, LONGEST_EVIDENCE, placeholder=" ..."))
    return found


def _known(fits: DoubleArray) -> list[float | None]:
    """Fits as they are shown; None for NaN, which is not even equal to itself."""
    return [round(fit, 1) if fit == fit else None for fit in fits.tolist()]


async def _name(catalog: Catalog, items: IntArray, nouns: Nouns) -> tuple[str, str]:
    """Items in a sentence, and its verb."""
    names = [f"{name.id} ({name.title})" for name in await catalog.names(catalog.twins.once(items))]
    if len(names) == 1:
        return f"{nouns.item} {names[0]}", "is"
    return f"{nouns.items} {', '.join(names[:MOST_NAMED])}{', ...' if len(names) > MOST_NAMED else ''}", "are"
