"""The reference of dataset.yaml has every key, and its examples can be written in a file."""

import re
from typing import Annotated

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter

from docs_site.attribute_docstrings import attribute_docstrings
from docs_site.dataset_yaml import SECTIONS, dataset_yaml_page
from docs_site.key_examples import EXAMPLES
from mcp_server.dataset.spec import DatasetSpec

PAGE = dataset_yaml_page()

MODULES = {f"mcp_server.dataset.{name}" for name in ("spec", "fields", "images", "search", "sources")}


def models_below(model: type[BaseModel]) -> set[type[BaseModel]]:
    """A model and all that its JSON schema refers to, found by their names."""
    names = {model.__name__, *model.model_json_schema().get("$defs", {})}
    return {found for found in _all_models(BaseModel) if found.__name__ in names and found.__module__ in MODULES}


def _all_models(base: type[BaseModel]) -> set[type[BaseModel]]:
    return {below for model in base.__subclasses__() for below in {model, *_all_models(model)}}


def test_every_model_of_the_file_has_a_section() -> None:
    shown = {model for section in SECTIONS for model in section.models}
    assert shown == models_below(DatasetSpec)


@pytest.mark.parametrize("model", sorted(models_below(DatasetSpec), key=lambda model: model.__name__))
def test_every_key_has_a_meaning(model: type[BaseModel]) -> None:
    assert set(attribute_docstrings(model)) == set(model.model_fields)


def test_every_key_has_a_heading() -> None:
    headings = re.findall(r"^###+ `(?:\w+\.)*(\w+)`$", PAGE, re.MULTILINE)
    keys = [field.alias or name for s in SECTIONS for m in s.models for name, field in m.model_fields.items()]
    assert headings == keys


@pytest.mark.parametrize(("model", "name"), EXAMPLES, ids=lambda part: getattr(part, "__name__", part))
def test_examples_are_accepted(model: type[BaseModel], name: str) -> None:
    field = model.model_fields[name]
    ((key, value),) = yaml.safe_load(EXAMPLES[model, name]).items()
    assert key == (field.alias or name)
    checked = TypeAdapter(Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation)
    assert checked.validate_python(value) is not None


@pytest.mark.parametrize(("key", "told"), [
    ("items.id", "Text; **required**."),
    ("users.id_type", "`integer` or `string`; **required**."),
    ("items.same_item", "List of lists of texts."),
    ("interactions.rating_range", "List of 2 numbers."),
    ("fields.bands", "Mapping of names to lists of 2 numbers."),
    ("fields.many", "`true` or `false`; `false` by default."),
    ("users.sources", "List of [sources](#sources)."),
    ("model.name", "Text; `auto` by default."),
])  # fmt: skip
def test_types_and_defaults_are_told(key: str, told: str) -> None:
    assert f"`{key}`\n\n{told}\n" in PAGE


def test_values_that_a_key_allows_are_marked_in_its_meaning() -> None:
    assert "`skip`: they are left out and counted." in PAGE
