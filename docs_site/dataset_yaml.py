"""The reference of dataset.yaml: every key with its type, its default, its meaning and an example."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs_site.attribute_docstrings import as_markdown, attribute_docstrings
from docs_site.key_examples import EXAMPLES
from docs_site.key_types import SIMPLE, choices_in, in_words
from docs_site.markdown import block, code, page
from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.images import ImageSpec
from mcp_server.dataset.search import SearchSpec, SearchWeights
from mcp_server.dataset.sources import ENDINGS, Alternatives, SourceFile, SourceQuery
from mcp_server.dataset.spec import (
    DatasetSpec,
    InteractionSpec,
    ItemSpec,
    ModelSpec,
    Nouns,
    UserSpec,
)

INTRODUCTION = """
A `dataset.yaml` declares a catalogue: where its items, users and interactions come from, and what they mean. A key that
is not listed here is an error, and so is a value that does not fit; the message names the key. `recsys-mcp doctor`
checks a file together with the data that it names.

[Your own catalogue](../your-own-catalogue.md) is the guide to writing one, and `recsys-mcp init` writes the first
version. Keys without a default that are not marked as required may be left out.
"""


@dataclass(frozen=True)
class Section:
    """The keys of one block of the file."""

    title: str
    opening: str
    models: tuple[type[BaseModel], ...]
    prefix: str = ""
    """The path to the keys."""

    @property
    def summary(self) -> str:
        """The first sentence, as it follows a colon."""
        return f"{self.opening[0].lower()}{self.opening[1:].partition('. ')[0].removesuffix('.')}."

    @property
    def link(self) -> str:
        return f"[{self.title}](#{self.title.replace(' ', '-')})"


SECTIONS = (
    Section("dataset", "Keys of the file itself.", (DatasetSpec,)),
    Section("items", "What is recommended.", (ItemSpec,), "items."),
    Section("images", "Pictures of items, such as posters or photos. Pages show them; a model never looks at them.",
            (ImageSpec,), "items.image."),
    Section("users", "Who rates, buys, borrows or listens.", (UserSpec,), "users."),
    Section("interactions", "What users have done with items.", (InteractionSpec,), "interactions."),
    Section("sources", "Where records come from. `items`, `users` and `interactions` each have a list of them. Records "
            "of several sources with the same ID are joined; where two sources know a field, the first one counts.",
            (SourceFile, SourceQuery, Alternatives), "sources."),
    Section("fields", "Attributes of items and users: `items.fields` and `users.fields` are lists of them.",
            (FieldSpec,), "fields."),
    Section("search", "Search by meaning. Without this block there is none.", (SearchSpec,), "search."),
    Section("search weights", "What counts how much in the order of what search finds. All is on one scale: spreads "
            "above what texts have in common by chance.", (SearchWeights,), "search.weights."),
    Section("model", "The recommender model that `recsys-mcp prepare` trains.", (ModelSpec,), "model."),
    Section("nouns", "Words for things in descriptions and messages.", (Nouns,), "nouns."),
)  # fmt: skip

WORDS = {
    **SIMPLE,
    **{model: (f"keys under {section.link}", section.link) for section in SECTIONS for model in section.models},
}


def dataset_yaml_page() -> str:
    """The page, in Markdown."""
    contents = "\n".join(f"- {section.link}: {section.summary}" for section in SECTIONS)
    parts = [part for section in SECTIONS for part in _section(section)]
    return page("dataset.yaml", INTRODUCTION, contents, *parts)


def _section(section: Section) -> list[str]:
    parts, level = [f"## {section.title}", section.opening], "###"
    for model in section.models:
        if len(section.models) > 1:
            parts.append(f"### {as_markdown(model.__doc__ or '').removesuffix('.')}")
            level = "####"
        meanings = attribute_docstrings(model)
        for name, field in model.model_fields.items():
            parts.append(f"{level} `{section.prefix}{field.alias or name}`")
            parts += _key(model, name, field, meanings[name])
    if SourceFile in section.models:
        parts += ["### Formats by ending", _endings()]
    return parts


def _key(model: type[BaseModel], name: str, field: FieldInfo, meaning: str) -> list[str]:
    kind = in_words(field.annotation, WORDS)
    for choice in choices_in(field.annotation):
        meaning = re.sub(rf"(?<![`\w]){re.escape(choice)}:", f"`{choice}`:", meaning)
    parts = [f"{kind[0].upper()}{kind[1:]}{_default(field)}.", meaning]
    example = EXAMPLES.get((model, name))
    return [*parts, block(example, "yaml")] if example else parts


def _default(field: FieldInfo) -> str:
    """The remark about a key's default; none where the meaning tells it, or where there is nothing by default."""
    if field.is_required():
        return "; **required**"
    value: Any = field.get_default(call_default_factory=True)
    if value is None or isinstance(value, BaseModel) or value in ("", [], {}):
        return ""
    return f"; {code(value)} by default"


def _endings() -> str:
    formats: dict[str, list[str]] = {}
    for ending, name in ENDINGS.items():
        formats.setdefault(name, []).append(f"`{ending}`")
    return "\n".join(f"- `{name}`: {', '.join(endings)}" for name, endings in formats.items())
