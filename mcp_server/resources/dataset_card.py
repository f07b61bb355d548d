"""The dataset's card in Markdown, for people and for models."""

from collections.abc import Iterator

from mcp_server.dataset.computed_fields import computed_fields, rating_unit
from mcp_server.dataset.facts import DatasetFacts
from mcp_server.dataset.feedback import liking
from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.groups import by_field
from mcp_server.dataset.spec import DatasetSpec

MOST_NAMES = 12
"""Names of a category that the card shows."""


def write_card(facts: DatasetFacts) -> str:
    """Description of the dataset as a whole; with counts and ranges once it has been prepared."""
    spec, card = facts.spec, facts.card
    lines = [f"# {spec.title}", ""]
    if spec.description:
        lines += [f"{spec.description}.", ""]
    nouns = spec.nouns
    if card is not None:
        lines += [
            f"- {nouns.items.capitalize()}: {card.n_items:,}; {card.item_ids}",
            f"- {nouns.users.capitalize()}: {card.n_users:,}; {card.user_ids}",
            f"- {nouns.interactions.capitalize()}: {card.n_interactions:,}",
        ]
    if spec.interactions.rating_range is not None:
        least, greatest = spec.interactions.rating_range
        lines.append(f"- Ratings go from {least:g} to {greatest:g}")
    if needed := liking(spec):
        lines.append(f"- Liking takes {needed}")
    lines += ["", f"## Fields of {nouns.items}", "", *_table(spec.items.fields, facts)]
    if spec.users.fields:
        lines += ["", f"## Fields of {nouns.users}", "", *_table(spec.users.fields, facts, of_users=True)]
    if groups := by_field(facts.user_groups.all):
        lines += ["", f"## Groups of {nouns.users}", ""]
        lines += [f"- {field}: {', '.join(group.published for group in found)}" for field, found in groups.items()]
    if spec.licence:
        lines += ["", "## Licence", "", spec.licence.strip()]
    if spec.citation:
        lines += ["", "## Citation", "", spec.citation.strip()]
    return "\n".join(lines) + "\n"


def describe_fields(spec: DatasetSpec) -> dict[str, dict[str, str]]:
    """Title and unit of the fields of results, by name, for clients that draw results themselves."""
    own = {"n_interactions": (spec.nouns.interactions, ""), "rating": ("rating", rating_unit(spec))}
    computed = {field.name: (field.title, field.unit) for field in computed_fields(spec)}
    declared = {field.name: (field.title, field.unit or "") for field in (*spec.users.fields, *spec.items.fields)}
    return {name: {"title": title, "unit": unit} for name, (title, unit) in {**own, **computed, **declared}.items()}


def _table(fields: list[FieldSpec], facts: DatasetFacts, *, of_users: bool = False) -> Iterator[str]:
    yield "| field | label | kind | values | filter |" if not of_users else "| field | label | kind | values |"
    yield "|---|---|---|---|---|" if not of_users else "|---|---|---|---|"
    for field in fields:
        values = ", ".join(field.bands or field.values.values()) if of_users else _values(field, facts)
        cells = [field.name, field.title, f"{field.kind}{', several' if field.many else ''}", values]
        if not of_users:
            cells.append("yes" if field.filter else "")
        yield f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _values(field: FieldSpec, facts: DatasetFacts) -> str:
    """Range of a number or date field; number of names of a category, and the most frequent ones."""
    card = facts.card
    unit = f" {field.unit}" if field.unit else ""
    if card is None:
        return unit.strip()
    if field.name in card.spans:
        return f"{' to '.join(card.spans[field.name])}{unit}"
    if field.kind == "category" and field.name in card.terms:
        names = card.terms[field.name][:MOST_NAMES]
        n_names = card.term_counts.get(field.name, len(names))
        return f"{n_names:,}: {', '.join(names)}{', …' if n_names > len(names) else ''}"
    return ""
