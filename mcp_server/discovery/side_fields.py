"""Fields of further sources of items: of names for codes, and of several values for an item."""

from collections.abc import Mapping

from mcp_server.discovery.field_kinds import MOST_FILTER_NAMES, FieldProposal, LeftOut, is_long_text
from mcp_server.discovery.links import TIME_WORDS
from mcp_server.discovery.words import has_word

MOST_WORDS = 6
"""Words of a typical value of a category."""


def collected(field: FieldProposal | LeftOut) -> FieldProposal | LeftOut:
    """A field of which each item has several values."""
    if isinstance(field, LeftOut):
        return field
    profile = field.profile
    if field.kind == "date" or has_word(profile.name, TIME_WORDS | {"month", "year"}):
        return LeftOut(profile.name, "each item has several times")
    if field.kind in ("number", "boolean"):
        return LeftOut(profile.name, "each item has several values: a query with GROUP BY can choose one")
    if is_long_text(profile) or profile.mean_words > MOST_WORDS:
        return LeftOut(profile.name, "each item has several texts")
    kept = {key: value for key, value in field.declared.items() if key in ("source", "separator")}
    declared = {"name": field.name, "kind": "category", "many": True, **kept}
    if profile.n_distinct <= MOST_FILTER_NAMES:
        declared["filter"] = True
    return FieldProposal(declared, f"several for an item, such as {', '.join(profile.examples)}", profile)


def named(field: FieldProposal) -> FieldProposal:
    """A field of the name of a code, which several items have, though it is there once in its own table."""
    if field.kind != "text" or is_long_text(field.profile):
        return field
    kept = {key: value for key, value in field.declared.items() if key != "html"}
    filtered = {"filter": True} if field.profile.n_distinct <= MOST_FILTER_NAMES else {}
    why = f"names of codes, such as {', '.join(field.profile.examples)}"
    return FieldProposal(kept | {"kind": "category"} | filtered, why, field.profile)


def renamed_field(field: FieldProposal, renamed: Mapping[str, str]) -> FieldProposal:
    """A field of a column that the query has given another name."""
    old = field.profile.name
    new, source = renamed[old], field.declared.get("source", old)
    return field if new == old else field.changed(source=str(source).replace(old, new))
