"""From tables to a proposal: who is who, what their columns are, and what search reads."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mcp_server.discovery.field_kinds import FieldProposal, LeftOut, is_long_text
from mcp_server.discovery.interactions import InteractionsFinder
from mcp_server.discovery.items import ItemsFinder
from mcp_server.discovery.languages import language_of
from mcp_server.discovery.links import Link, find_links
from mcp_server.discovery.orders import join_orders
from mcp_server.discovery.proposal import (
    InteractionsProposal,
    ItemsProposal,
    Proposal,
    SearchProposal,
    UsersProposal,
)
from mcp_server.discovery.questions import Choose
from mcp_server.discovery.roles import DEED_WORDS, NoInteractionsError, Roles, find_roles
from mcp_server.discovery.splits import unite_splits
from mcp_server.discovery.tables import Table, Tables
from mcp_server.discovery.unfolding import hint, unfold
from mcp_server.discovery.users import propose_users
from mcp_server.discovery.words import USER_WORDS, noun_of, plural, singular, words_of

MOST_TEXTS = 3

MOST_KEYWORDS = 5

TEXT_WORDS = ("description", "plot", "storyline", "overview", "summary", "synopsis", "abstract", "about", "text",
              "content", "body")  # fmt: skip
"""Words in the names of texts, the most telling first."""

_MISSING = re.compile(
    r"\((no|not) [^()]{1,30}\)|null|unknown|undefined|missing|unspecified|no (data|value|info|information)|"
    r"not (available|known|applicable|set|specified)",
    re.IGNORECASE,
)
"""Names in categories that stand for an unknown value."""


@dataclass(frozen=True)
class Found:
    """The tables with their links and roles."""

    tables: Tables
    links: list[Link]
    roles: Roles


def look_for_roles(tables: Tables, choose: Choose) -> Found:
    """Decide which table is what.

    Raises:
        DatasetError: There is no table of interactions.
    """
    unite_splits(tables)
    links = find_links(tables.found, tables.session)
    if join_orders(tables, links):
        links = find_links(tables.found, tables.session)
    try:
        return Found(tables, links, find_roles(tables.found, links, tables.session, choose))
    except NoInteractionsError as error:
        if not unfold(tables):
            raise NoInteractionsError(f"{error}{hint(tables)}") from None
    links = find_links(tables.found, tables.session)
    return Found(tables, links, find_roles(tables.found, links, tables.session, choose))


def propose(found: Found, name: str, choose: Choose) -> Proposal:
    """Propose a whole dataset.yaml.

    Args:
        name: Name of the dataset.
    """
    roles, session = found.roles, found.tables.session
    noun = _item_noun(roles)
    items, unused = ItemsFinder(roles, found.links, session, choose, noun).propose()
    interactions = InteractionsFinder(roles, session, choose).propose()
    users = propose_users(roles, session, choose)
    missing = dict.fromkeys(_missing_texts([*items.fields, *users.fields]))
    return Proposal(
        name=re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:64] or "dataset",
        title=" ".join(words_of(name)).capitalize() or "Dataset",
        nouns=_nouns(roles, noun, str(interactions.keys["feedback"])),
        missing=list(missing),
        items=items,
        users=users,
        interactions=interactions,
        search=_search(items),
        unused=_unused_columns(roles, items, users, interactions),
        left_out=unused,
    )


def _unused_columns(
    roles: Roles, items: ItemsProposal, users: UsersProposal, interactions: InteractionsProposal
) -> list[LeftOut]:
    """Columns of the interactions of which nothing is made."""
    used = set(interactions.columns)
    for table, part in ((roles.items, items), (roles.users or roles.interactions, users)):
        if table is roles.interactions:
            used |= {field.profile.name for field in part.fields}
            used |= {each.name.removeprefix(f"{table.name}: ") for each in part.left_out}
    columns = [each for name, each in roles.interactions.columns.items() if name not in used]
    return [
        LeftOut(each.name, f"such as {', '.join(each.examples)}" if each.n_known else "it is empty") for each in columns
    ]


def _missing_texts(fields: Iterable[FieldProposal]) -> list[str]:
    """Texts that stand for unknown values, beside the usual ones."""
    found: list[str] = []
    for field in fields:
        found += field.missing
        if field.kind in ("number", "boolean", "date"):
            found += field.profile.unknown_numbers
        if field.kind == "category":
            found += [value for value, _ in field.profile.common if _MISSING.fullmatch(value)]
        if field.kind in ("category", "text"):
            found += [value for value, _ in field.profile.common if value in ("?", "-", "--", "#N/A")]
    return found


# Nouns


def _item_noun(roles: Roles) -> str:
    candidates = [noun_of(roles.item), _table_noun(roles.items), noun_of(roles.item_key)]
    telling = [
        noun for noun in candidates if noun and len(noun) > 1 and noun not in USER_WORDS | DEED_WORDS and noun.isalpha()
    ]
    specific = [noun for noun in telling if noun not in ("item", "column", "stock", "title")]
    return (specific or telling or ["item"])[0].replace("column", "item")


def _table_noun(table: Table) -> str | None:
    return noun_of(table.name.rpartition("/")[2].split(".")[0])


def _nouns(roles: Roles, item: str, feedback: str) -> dict[str, str]:
    candidates = [noun_of(roles.user), _table_noun(roles.users) if roles.users else None]
    user = next((noun for noun in candidates if noun in USER_WORDS), "user")
    named = [singular(word) for word in roles.interactions.words if singular(word) in DEED_WORDS]
    named = [word for word in named if (word == "rating") <= (feedback == "ratings")]
    deed = (named or [{"ratings": "rating", "events": "event"}.get(feedback, "interaction")])[-1]
    words = {"item": item, "user": user, "interaction": deed}
    return {name: noun for role, word in words.items() for name, noun in ((role, word), (f"{role}s", plural(word)))}


# Search


def _search(items: ItemsProposal) -> SearchProposal:
    long_texts = [field for field in items.fields if field.kind == "text" and is_long_text(field.profile)]
    texts = [field.name for field in sorted(long_texts, key=_text_rank)[:MOST_TEXTS]]
    keywords = [field.name for field in items.fields if field.kind == "category" and field.declared.get("filter")]
    why = "long texts, which are searched by their meaning"
    if not texts:
        texts, why = [items.title], "no column has long texts, so search reads titles"
    if items.title not in texts:
        keywords.insert(0, items.title)
    samples = [value for name in texts for value, _ in items.field(name).profile.common]
    language = language_of(samples)
    told = f"they seem to be {language}" if language else "their language cannot be told, so it may be another one"
    return SearchProposal(texts, keywords[:MOST_KEYWORDS], language or "english", f"{why}; {told}")


def _text_rank(field: FieldProposal) -> tuple[int, float]:
    words = words_of(field.profile.name)
    rank = next((place for place, word in enumerate(TEXT_WORDS) if word in words), len(TEXT_WORDS))
    return rank, -field.profile.mean_words


def describe_roles(roles: Roles) -> Sequence[tuple[str, Table, str]]:
    """Each role with its table and its column of IDs."""
    found = [
        ("interactions", roles.interactions, f"{roles.user}, {roles.item}"),
        ("items", roles.items, roles.item_key),
    ]
    if roles.users is not None and roles.user_key is not None:
        found.append(("users", roles.users, roles.user_key))
    return found
