"""Made-up datasets of several domains, as they are once prepared: a shop, a library, a music service and a wide one."""

from typing import Any

from mcp_server.dataset.facts import DatasetCard, DatasetFacts
from mcp_server.dataset.spec import DatasetSpec

Declared = dict[str, Any]


def facts_of(
    name: str, nouns: str, fields: list[Declared], feedback: Declared, users: Declared, **more: Any
) -> DatasetFacts:
    """A dataset whose nouns are given in the order of ``Nouns``, and whose first field is the title."""
    words = ("item", "items", "user", "users", "interaction", "interactions")
    search, card = more.pop("search", None), more
    declared = {
        "name": name,
        "title": name.capitalize(),
        "nouns": dict(zip(words, nouns.split(), strict=True)),
        "items": {
            "id": "id",
            "id_type": "string",
            "title": fields[0]["name"],
            "sources": [{"file": "items.csv"}],
            "fields": fields,
        },
        "users": {"id": "id", "id_type": "string", **users},
        "interactions": {"sources": [{"file": "used.csv"}], "user": "user", "item": "item", **feedback},
        "search": search,
    }
    known = {"terms": {}, "term_counts": {}, "ranges": {}, "groups": {}, **card}
    return DatasetFacts(
        DatasetSpec.model_validate(declared),
        DatasetCard(
            n_items=500,
            n_users=80,
            n_interactions=4_000,
            n_pairs=4_000,
            item_ids="IDs look like 'a1'",
            user_ids="IDs look like 'u1'",
            example_items=["a1"],
            example_users=["u1"],
            **known,
        ),
    )


def shop() -> DatasetFacts:
    """Events, stock, no texts and no times."""
    return facts_of(
        "shop",
        "product products customer customers purchase purchases",
        [
            {"name": "name", "kind": "text", "filter": True},
            {"name": "department", "kind": "category", "filter": True},
            {"name": "price", "kind": "number", "unit": "euros", "filter": True},
            {"name": "refurbished", "kind": "boolean", "filter": True},
        ],
        {"rating": "event", "feedback": "events", "weights": {"view": 1, "buy": 5}},
        {"fields": [{"name": "vegan", "kind": "boolean"}], "groups": ["vegan"]},
        terms={"department": ["Garden", "Kitchen"]},
        term_counts={"department": 2},
        ranges={"price": (3.2, 45.0)},
        groups={"vegan": ["yes", "no"]},
    )


def library() -> DatasetFacts:
    """Loans with times; dates, booleans and texts."""
    return facts_of(
        "library",
        "book books reader readers loan loans",
        [
            {"name": "title", "kind": "text", "filter": True},
            {"name": "authors", "kind": "category", "many": True, "filter": True},
            {"name": "pages", "kind": "number", "integer": True, "filter": True},
            {"name": "published", "kind": "date", "filter": True},
            {"name": "large_print", "kind": "boolean", "filter": True},
            {"name": "blurb", "kind": "text"},
        ],
        {"timestamp": "time"},
        {},
        search={"texts": ["blurb"]},
        terms={"authors": ["Ada Adams", "Bo Berg"]},
        term_counts={"authors": 90},
        ranges={"pages": (20, 900)},
        dates={"published": ("1950", "2024-05-30")},
    )


def music() -> DatasetFacts:
    """Counts of plays; years."""
    return facts_of(
        "music",
        "track tracks listener listeners play plays",
        [
            {"name": "track", "kind": "text", "filter": True},
            {"name": "styles", "kind": "category", "many": True, "filter": True},
            {"name": "tempo", "kind": "number", "filter": True},
            {"name": "recording_year", "kind": "number", "integer": True, "filter": True},
        ],
        {"rating": "plays", "feedback": "counts"},
        {"fields": [{"name": "plan", "kind": "category"}], "groups": ["plan"]},
        terms={"styles": ["Jazz", "Folk"]},
        term_counts={"styles": 2},
        ranges={"tempo": (40, 220), "recording_year": (1961, 2023)},
        groups={"plan": ["free", "family"]},
    )


def titles_only() -> DatasetFacts:
    """Likes of things of which only the name is known."""
    return facts_of(
        "things", "thing things person people like likes", [{"name": "name", "kind": "text", "filter": True}], {}, {}
    )


MADE_UP = {"shop": shop, "library": library, "music": music, "titles only": titles_only}


def wide(kinds: str, n_fields: int = 40) -> DatasetFacts:
    """As many fields that can be filtered, of these kinds in turn, and texts to search."""
    names = kinds.split()
    fields: list[Declared] = [{"name": "caption", "kind": "text", "filter": True}, {"name": "details", "kind": "text"}]
    for number in range(1, n_fields):
        kind = names[number % len(names)]
        fields.append({"name": f"{kind}_property_{number}", "kind": kind, "filter": True})
    of_kind = {kind: [each["name"] for each in fields if each["kind"] == kind] for kind in names}
    colours = ["crimson", "turquoise", "ochre", "violet", "emerald", "ivory", "magenta", "sapphire"]
    return facts_of(
        "wide",
        "product products customer customers rating ratings",
        fields,
        {"rating": "stars", "like_threshold": 4, "timestamp": "time"},
        {"fields": [{"name": "tier", "kind": "category"}], "groups": ["tier"]},
        search={"texts": ["details"]},
        terms=dict.fromkeys(of_kind.get("category", []), colours),
        term_counts={name: len(colours) for name in of_kind.get("category", [])},
        ranges=dict.fromkeys(of_kind.get("number", []), (0.5, 12345.678)),
        dates=dict.fromkeys(of_kind.get("date", []), ("2019-01-02", "2024-05-30")),
        groups={"tier": ["bronze", "silver", "gold"]},
    )
