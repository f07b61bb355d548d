"""The pages, which tools' results they show, and what they are told of the dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_server.apps.document import make_document
from mcp_server.dataset.facts import DatasetFacts
from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.spec import DatasetSpec

MIME_TYPE = "text/html;profile=mcp-app"

META: dict[str, Any] = {"ui": {"csp": {"connectDomains": [], "resourceDomains": []}, "prefersBorder": True}}
"""`_meta` of each page, in the list of resources and with its content: it needs nothing from any network."""


@dataclass(frozen=True)
class AppPage:
    """One page, as a resource."""

    uri: str
    name: str
    title: str
    description: str
    tools: tuple[str, ...]
    """Names of the tools whose results it shows."""
    about: Mapping[str, Any] = field(repr=False)
    """What it is told of the dataset; JSON."""

    def html(self) -> str:
        """The whole document."""
        return make_document(self.name, self.title, self.about)


def build_pages(facts: DatasetFacts) -> dict[str, AppPage]:
    """The pages for a dataset, by URI. The three tools that they show are those that every dataset has."""
    about = describe_dataset(facts)
    pages = [
        AppPage(
            uri="ui://recsys/recommendations",
            name="recommendations",
            title=facts.say("Recommended {items}"),
            description=facts.say("Recommendations as cards: what each {item} is, and what speaks for it."),
            tools=("get_top_k_recommendations_tool",),
            about=about,
        ),
        AppPage(
            uri="ui://recsys/taste",
            name="taste",
            title=facts.say("Taste of a {user}"),
            description=facts.say("A {user}'s {interactions} at a glance: of what, when, and the latest."),
            tools=("get_interacted_items_tool",),
            about=about,
        ),
        AppPage(
            uri="ui://recsys/popularity",
            name="popularity",
            title=facts.say("Popular {items}"),
            description=facts.say("Popular {items} as a chart; groups of {users} side by side."),
            tools=("get_popular_items_tool",),
            about=about,
        ),
    ]
    return {page.uri: page for page in pages}


def describe_dataset(facts: DatasetFacts) -> dict[str, Any]:
    """What the pages' scripts read as ``ABOUT``."""
    spec = facts.spec
    groups = facts.card.groups if facts.card else {}
    of_users = {each.name: each for each in spec.users.fields}
    return {
        "nouns": spec.nouns.model_dump(),
        "summary": [_describe_field(each) for each in spec.summary],
        "rating": _describe_rating(spec),
        "groups": [
            {"label": of_users[name].title, "names": groups[name]} for name in spec.users.groups if groups.get(name)
        ],
    }


def _describe_field(of: FieldSpec) -> dict[str, Any]:
    return {
        "name": of.name,
        "label": of.title,
        "kind": of.kind,
        "unit": of.unit,
        "year": of.integer and (of.part == "year" or of.name.split("_")[-1] == "year"),
    }


def _describe_rating(spec: DatasetSpec) -> dict[str, Any] | None:
    columns = spec.interactions
    if columns.rating is None:
        return None
    return {"range": columns.rating_range, "liked": columns.like_threshold}
