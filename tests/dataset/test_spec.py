"""Specifications that are accepted, and the messages about those that are not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcp_server.dataset.spec import bundled_folder, find_spec_file, load_spec
from mcp_server.errors import DatasetError
from tests.conftest import SHOP

Content = dict[str, Any]


def _content() -> Content:
    """The smallest catalogue of books."""
    return {
        "name": "books",
        "title": "Books",
        "items": {
            "id": "isbn",
            "id_type": "string",
            "title": "title",
            "sources": [{"file": "books.jsonl", "format": "jsonl"}],
            "fields": [{"name": "title", "kind": "text"}, {"name": "pages", "kind": "number"}],
        },
        "users": {"id": "reader", "id_type": "integer"},
        "interactions": {
            "sources": [{"file": "loans.csv", "format": "delimited"}],
            "user": "reader",
            "item": "isbn",
        },
    }


def _write(folder: Path, content: Any) -> Path:
    path = folder / "dataset.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def test_the_bundled_films_load() -> None:
    spec = load_spec(bundled_folder() / "ml-100k" / "dataset.yaml")
    assert spec.name == "ml-100k"
    assert spec.interactions.like_threshold == 4
    assert [field.name for field in spec.filters] == [
        "title",
        "genres",
        "actors",
        "director",
        "producer",
        "writer",
        "country",
        "imdb_rating",
        "imdb_votes",
        "duration",
        "release_year",
        "release_month",
    ]
    assert spec.users.groups == ["age_category", "gender"]


def test_the_smallest_catalogue_loads_with_neutral_nouns(tmp_path: Path) -> None:
    spec = load_spec(_write(tmp_path, _content()))
    assert (spec.nouns.item, spec.nouns.users, spec.nouns.interactions) == ("item", "users", "interactions")
    assert spec.search is None
    assert spec.filters == []


def test_a_summary_is_the_fields_that_are_named_without_the_title(tmp_path: Path) -> None:
    films = load_spec(bundled_folder() / "ml-100k" / "dataset.yaml")
    assert [field.name for field in films.summary] == ["release_year", "genres", "imdb_rating"]
    content = _content()
    content["items"]["summary"] = ["pages", "title", "pages"]
    assert [field.name for field in load_spec(_write(tmp_path, content)).summary] == ["pages"]


def test_a_summary_defaults_to_the_first_category_and_two_numbers_that_can_be_filtered(tmp_path: Path) -> None:
    content = _content()
    assert load_spec(_write(tmp_path, content)).summary == []
    content["items"]["fields"] += [
        {"name": "weight", "kind": "number", "filter": True},
        {"name": "binding", "kind": "category"},
        {"name": "shelf", "kind": "category", "filter": True},
        {"name": "year", "kind": "number", "filter": True},
        {"name": "price", "kind": "number", "filter": True},
        {"name": "author", "kind": "category", "filter": True},
    ]
    assert [field.name for field in load_spec(_write(tmp_path, content)).summary] == ["shelf", "weight", "year"]


def test_a_label_defaults_to_the_name_with_spaces(tmp_path: Path) -> None:
    content = _content()
    content["items"]["fields"].append({"name": "shelf_number", "kind": "number", "source": "shelf"})
    field = load_spec(_write(tmp_path, content)).item_field("shelf_number")
    assert field is not None
    assert (field.title, field.column) == ("shelf number", "shelf")


def _unknown_key(content: Content) -> None:
    content["colour"] = "green"


def _unknown_key_of_a_field(content: Content) -> None:
    content["items"]["fields"][1]["colour"] = "green"


def _title_is_a_number(content: Content) -> None:
    content["items"]["title"] = "pages"


def _title_is_not_declared(content: Content) -> None:
    content["items"]["title"] = "headline"


def _bands_on_a_number(content: Content) -> None:
    content["items"]["fields"][1]["bands"] = {"short": [0, 100]}


def _field_declared_twice(content: Content) -> None:
    content["items"]["fields"].append({"name": "pages", "kind": "text"})


def _reserved_name(content: Content) -> None:
    content["items"]["fields"].append({"name": "match", "kind": "text"})


def _name_that_is_no_identifier(content: Content) -> None:
    content["items"]["fields"].append({"name": "Number of pages", "kind": "number"})


def _rating_without_threshold(content: Content) -> None:
    content["interactions"]["rating"] = "stars"


def _threshold_without_rating(content: Content) -> None:
    content["interactions"]["like_threshold"] = 4


def _unknown_kind(content: Content) -> None:
    content["items"]["fields"][1]["kind"] = "colour"


def _many_numbers(content: Content) -> None:
    content["items"]["fields"][1]["many"] = True


def _form_that_is_none(content: Content) -> None:
    content["items"]["fields"].append({"name": "printed", "kind": "date", "format": "DD/MM/YYYY"})


def _codes_of_a_number(content: Content) -> None:
    content["items"]["fields"][1]["values"] = {"few": "1"}


def _group_is_a_number(content: Content) -> None:
    content["users"]["fields"] = [{"name": "age", "kind": "number"}]
    content["users"]["groups"] = ["age"]


def _search_in_a_number(content: Content) -> None:
    content["search"] = {"texts": ["pages"]}


def _same_item_by_an_undeclared_field(content: Content) -> None:
    content["items"]["same_item"] = [["edition"]]


def _undeclared_field_in_the_summary(content: Content) -> None:
    content["items"]["summary"] = ["pages", "colour"]


def _no_interactions(content: Content) -> None:
    del content["interactions"]


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (_unknown_key, ["colour"]),
        (_unknown_key_of_a_field, ["items.fields.1.colour"]),
        (_title_is_a_number, ["'pages'", "title"]),
        (_title_is_not_declared, ["'headline'"]),
        (_bands_on_a_number, ["'pages'", "'bands'"]),
        (_field_declared_twice, ["'pages'", "twice"]),
        (_reserved_name, ["'match'"]),
        (_name_that_is_no_identifier, ["items.fields.2.name"]),
        (_rating_without_threshold, ["like_threshold"]),
        (_threshold_without_rating, ["rating"]),
        (_unknown_kind, ["items.fields.1.kind"]),
        (_many_numbers, ["'pages'", "'many'"]),
        (_form_that_is_none, ["items.fields.2.format", "'DD/MM/YYYY'", "%d/%m/%Y"]),
        (_codes_of_a_number, ["'pages'", "'values'"]),
        (_group_is_a_number, ["'age'", "group"]),
        (_search_in_a_number, ["search", "'pages'"]),
        (_same_item_by_an_undeclared_field, ["'edition'"]),
        (_undeclared_field_in_the_summary, ["'colour'"]),
        (_no_interactions, ["interactions"]),
    ],
)
def test_a_wrong_specification_is_refused_by_file_and_key(
    tmp_path: Path, spoil: Callable[[Content], None], named: list[str]
) -> None:
    content = _content()
    spoil(content)
    path = _write(tmp_path, content)
    with pytest.raises(DatasetError) as refused:
        load_spec(path)
    for part in [str(path), *named]:
        assert part in str(refused.value)


@pytest.mark.parametrize("content", [None, [], "books", 3])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, content: Any) -> None:
    with pytest.raises(DatasetError, match=r"dataset\.yaml"):
        load_spec(_write(tmp_path, content))


def test_what_is_not_yaml_is_refused_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "dataset.yaml"
    path.write_text("name: books\nitems: [unclosed\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"cannot be read as YAML.*line 3"):
        load_spec(path)


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "dataset.yaml"
    path.write_bytes(b"name: caf\xe9\n")
    with pytest.raises(DatasetError, match="cannot be read"):
        load_spec(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"dataset\.yaml does not exist"):
        load_spec(tmp_path / "dataset.yaml")


def test_a_specification_is_found_by_file_folder_and_bundled_name() -> None:
    assert find_spec_file(str(SHOP / "dataset.yaml")).samefile(SHOP / "dataset.yaml")
    assert find_spec_file(str(SHOP)).samefile(SHOP / "dataset.yaml")
    assert find_spec_file("ml-100k").samefile(bundled_folder() / "ml-100k" / "dataset.yaml")


def test_an_unknown_dataset_is_refused_with_those_there_are(tmp_path: Path) -> None:
    for unknown in ("ml-200k", str(tmp_path)):
        with pytest.raises(DatasetError, match="ml-100k") as refused:
            find_spec_file(unknown)
        assert repr(unknown) in str(refused.value)
