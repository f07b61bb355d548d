"""The pages, the tools whose results they show, and the facts about the dataset that they are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_server.apps.document import make_document
from mcp_server.dataset.facts import DatasetFacts
from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.groups import by_field
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.dataset.words import is_year

MIME_TYPE = "text/html;profile=mcp-app"


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
    """Facts about the dataset, as JSON values."""
    images: str | None
    """Place of the pictures that it shows: it needs nothing else from any network."""

    def html(self) -> str:
        return make_document(self.name, self.title, self.about, self.images)

    @property
    def meta(self) -> dict[str, Any]:
        """`_meta` of the page, in the list of resources and with its content."""
        origins = [] if self.images is None else ["/".join(self.images.split("/")[:3])]
        return {"ui": {"csp": {"connectDomains": [], "resourceDomains": origins}, "prefersBorder": True}}


PAGES = (
    (
        "recommendations",
        "Recommended {items}",
        "Recommendations as cards: what each {item} is, and what speaks for it.",
        "get_top_k_recommendations_tool",
    ),
    (
        "taste",
        "Taste of a {user}",
        "A {user}'s {interactions} at a glance: of what, when, and the latest.",
        "get_interacted_items_tool",
    ),
    (
        "popularity",
        "Popular {items}",
        "Popular {items} as a chart; groups of {users} side by side.",
        "get_popular_items_tool",
    ),
)
"""Name, title, description and tool of each page. Every dataset has these tools."""

WITH_IMAGES = "recommendations"
"""Name of the page that shows pictures of items, where there are any."""


def build_pages(facts: DatasetFacts) -> dict[str, AppPage]:
    """The pages for a dataset, by URI."""
    about, image = describe_dataset(facts), facts.spec.items.image
    images = {WITH_IMAGES: image.base} if image is not None else {}
    pages = [
        AppPage(f"ui://recsys/{name}", name, facts.say(title), facts.say(description), (tool,), about, images.get(name))
        for name, title, description, tool in PAGES
    ]
    return {page.uri: page for page in pages}


def describe_dataset(facts: DatasetFacts) -> dict[str, Any]:
    """Facts about the dataset, which the pages' scripts read as ``ABOUT``."""
    spec = facts.spec
    titles = {field.name: field.title for field in spec.users.fields}
    return {
        "nouns": spec.nouns.model_dump(),
        "summary": [_describe_field(each) for each in spec.summary],
        "image": spec.items.image and spec.items.image.model_dump(),
        "rating": _describe_rating(spec),
        "groups": [
            {"label": titles[field], "names": [group.published for group in groups]}
            for field, groups in by_field(facts.user_groups.all).items()
        ],
    }


def _describe_field(spec: FieldSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "label": spec.title,
        "kind": spec.kind,
        "unit": spec.unit,
        "year": is_year(spec),
    }


def _describe_rating(spec: DatasetSpec) -> dict[str, Any] | None:
    columns = spec.interactions
    if columns.kind != "ratings":
        return None
    return {"range": columns.rating_range, "liked": columns.like_threshold}
