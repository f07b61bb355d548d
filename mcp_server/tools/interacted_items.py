"""The history of a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Generic

from pydantic import Field

from mcp_server.dataset.facts import DatasetFacts, Feature, When
from mcp_server.dataset.feedback import VALUE_NAMES, liking
from mcp_server.dataset.ids import ItemId, UserId
from mcp_server.tools.arguments import Detail, ItemsArguments, ItemSet, K, Offset, OneOrMore, candidate_items
from mcp_server.tools.history_values import HistoryValues, history_values
from mcp_server.tools.limits import NumberLimits
from mcp_server.tools.results import ListedItem, Result, count_of, keep_set, list_items, name_some
from mcp_server.tools.tool import Tool, make_tool
from mcp_server.tools.windows import NamedWindow, WindowArguments, named_window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_server.catalog.catalog import Catalog
    from mcp_server.catalog.user_histories import History
    from mcp_server.dataset.spec import DatasetSpec, Nouns
    from mcp_server.serving.backends import Backends
    from mcp_server.types import Id, IntArray

ORDER = When(
    Feature.TIMES,
    "newest first",
    otherwise=When(
        Feature.RATINGS,
        "best rated first",
        otherwise=When(
            Feature.COUNTS,
            "most {interactions} first",
            otherwise=When(Feature.EVENTS, "greatest weight first", otherwise="in no particular order"),
        ),
    ),
)

DESCRIPTION = (
    "The history of one {user}, ",
    ORDER,
    """: "history of X", "did X have Y" (items), what both had (item_set of another's). Not for what X should get:
get_top_k_recommendations_tool.
""",
)


class InteractedArguments(WindowArguments, ItemsArguments[ItemId], Generic[UserId, ItemId]):
    user: UserId = Field(description="{User} ID; never guess.")
    k: K = 20
    offset: Offset = 0
    rating: Annotated[NumberLimits | None, Feature.RATINGS] = Field(None, description="Only of these ratings.")
    count: Annotated[NumberLimits | None, Feature.COUNTS] = Field(None, description="Only of these counts.")
    weight: Annotated[NumberLimits | None, Feature.EVENTS] = Field(None, description="Only of these weights.")
    liked: Annotated[bool | None, Feature.LIKING] = Field(None, description="Only what is liked, or is not.")
    items: Annotated[list[ItemId] | None, OneOrMore] = Field(None, description="Only these: did X have them?")
    item_set: ItemSet = Field(None, description="Or a handle, as of another history: what both had.")
    detail: Detail = "compact"


class InteractedItem(HistoryValues, ListedItem[ItemId], Generic[ItemId]):
    pass


class InteractedResult(Result, Generic[ItemId]):
    items: list[InteractedItem[ItemId]] = Field(description="{Order}.")
    total: int = Field(description="In all, under the conditions given.")
    remaining: int = Field(description="Still to list, by offset.")
    item_set: str | None = Field(None, description="For all of these.")


def build(facts: DatasetFacts) -> Tool:
    order = facts.say(ORDER)
    return make_tool(
        facts,
        name="get_interacted_items_tool",
        title="History of a {user}",
        description=DESCRIPTION,
        arguments=InteractedArguments,
        result=InteractedResult,
        run=interacted_items,
        words={"Order": f"{order[0].upper()}{order[1:]}"},
    )


async def interacted_items(backends: Backends, arguments: InteractedArguments[Id, Id]) -> InteractedResult[Id]:
    spec, offset = backends.spec, arguments.offset
    catalog = await backends.catalog()
    history = await catalog.histories.of(await catalog.user_idx(arguments.user))
    given = await candidate_items(backends, arguments)
    time = await named_window(catalog.statistics.timeline, spec, arguments)
    limits: NumberLimits | None = getattr(arguments, VALUE_NAMES.get(spec.interactions.kind, ""), None)
    places = history.places(
        value=() if limits is None else tuple(limits.given.items()),
        liked=arguments.liked,
        window=time.window,
        items=None if given is None else catalog.twins.with_twins(given),
    )
    matching = history.items[places]
    found = catalog.twins.once(matching)
    page = found[offset : offset + arguments.k]
    place_of = dict(zip(matching.tolist(), places.tolist(), strict=True))
    page_places = [place_of[item] for item in page.tolist()]
    values = history_values(spec, history, page_places)
    items = await list_items(backends, InteractedItem, page.tolist(), arguments.detail, **values)
    conditions = _say_conditions(spec, arguments, limits, given, time)
    message = f"{spec.nouns.user.capitalize()} {arguments.user} has "
    message += _say_amount(spec, len(history.items), len(catalog.twins.once(history.items)))
    if conditions:
        amount = _say_amount(spec, len(matching), len(found)) if len(found) else "none"
        message += f"; under the conditions ({', '.join(conditions)}): {amount}"
    order = _order_of(values.get("date", []), backends.facts.say(ORDER))
    message += f"{_say_page(spec.nouns, len(page), len(found), offset, order)}."
    notes = [message, *time.notes, *_say_undated(history, time, spec.nouns)]
    notes += _say_repeated(catalog, items, page, found, matching, given, spec.nouns)
    result: InteractedResult[Id] = InteractedResult(
        message="",
        items=items,
        total=len(matching) if spec.interactions.kind == "ratings" else len(found),
        remaining=max(len(found) - offset - len(page), 0),
    )
    notes += await keep_set(backends, result, catalog.ids(found))
    result.message = " ".join(notes)
    return result


def _say_conditions(
    spec: DatasetSpec,
    arguments: InteractedArguments[Id, Id],
    limits: NumberLimits | None,
    given: IntArray | None,
    time: NamedWindow,
) -> list[str]:
    said = [] if limits is None else [f"{VALUE_NAMES[spec.interactions.kind]} {limits}"]
    if arguments.liked is not None:
        said.append(f"{'liked' if arguments.liked else 'not liked'}, where liking is {liking(spec)}")
    if given is not None:
        said.append(f"among {count_of(len(given), spec.nouns.item, spec.nouns.items)} given")
    return [*said, *([time.words.strip()] if time.words else [])]


def _say_amount(spec: DatasetSpec, n_pairs: int, n_items: int) -> str:
    """Interactions in words, such as "685 ratings of 678 different films"."""
    nouns = spec.nouns
    if spec.interactions.kind != "ratings":
        return f"{nouns.interactions} of {count_of(n_items, nouns.item, nouns.items)}"
    of = "" if n_pairs == n_items else f" of {n_items:,} different {nouns.items if n_items > 1 else nouns.item}"
    return f"{count_of(n_pairs, nouns.interaction, nouns.interactions)}{of}"


def _say_page(nouns: Nouns, n_listed: int, n_found: int, offset: int, order: str) -> str:
    """The part of a history that is listed, as the end of a sentence."""
    if not n_listed:
        return "; the offset is beyond the last of them" if n_found else ""
    if offset:
        return f"; {nouns.items} {offset + 1:,} to {offset + n_listed:,}, {order}"
    if n_found == 1:
        return ""
    shown = nouns.item if n_listed == 1 else f"{n_listed:,} {nouns.items}"
    return f"; {'all' if n_listed == n_found else 'the first'} {shown}, {order}"


def _order_of(dates: Sequence[str | None], order: str) -> str:
    """The order of a page in words: times put only those in order that have one."""
    if order != "newest first" or None not in dates:
        return order
    if not any(dates):
        return "whose dates are not known, in no particular order"
    return f"{order}; those without a date come last, as their dates are not known"


def _say_undated(history: History, time: NamedWindow, nouns: Nouns) -> list[str]:
    """A sentence about what has no time, and so is in no window, if there is anything."""
    from mcp_server.dataset.records import NO_TIME  # with NumPy

    n_undated = 0 if time.window is None else int((history.times == NO_TIME).sum())
    if not n_undated:
        return []
    verbs = ("has", "is") if n_undated == 1 else ("have", "are")
    what = count_of(n_undated, nouns.item, nouns.items)
    return [f"{what} of the history {verbs[0]} no date that is known and {verbs[1]} left out."]


def _say_repeated(
    catalog: Catalog,
    items: Sequence[InteractedItem[Id]],
    page: IntArray,
    found: IntArray,
    matching: IntArray,
    given: IntArray | None,
    nouns: Nouns,
) -> list[str]:
    """Sentences about listed items that are in the history, or were given, under another ID, if there are any."""
    import numpy as np

    canonical = catalog.twins.canonical
    repeated = np.isin(canonical(page), canonical(matching[~np.isin(matching, found)]))
    twice = [item.title for item, is_repeated in zip(items, repeated, strict=True) if is_repeated]
    named = np.ones(len(page), dtype=bool) if given is None else np.isin(page, given)
    other = [item for item, is_named in zip(items, named, strict=True) if not is_named]
    said = []
    if twice:
        said.append(f"Listed once, though in the history under several IDs: {name_some(twice)}.")
    if other:
        ids = name_some([item.item_id for item in other])
        said.append(f"{ids} {'is' if len(other) == 1 else 'are'} given under another ID of the same {nouns.item}.")
    return said
