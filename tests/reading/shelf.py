"""A small catalogue for tests of reading: files as a test writes them, and the records that are made of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcp_server.dataset.records import NO_TIME, Dataset
from mcp_server.errors import DatasetError
from tests.reading.records import as_dicts, read_folder

Declared = dict[str, Any]
Content = str | bytes

TITLE: Declared = {"name": "title", "kind": "text"}

LONGEST_MESSAGE = 1_500
"""Characters."""


def specification(
    *fields: Declared,
    items: Mapping[str, Any] | None = None,
    users: Mapping[str, Any] | None = None,
    interactions: Mapping[str, Any] | None = None,
    **more: Any,
) -> Declared:
    """A specification of items in items.csv and likes in inter.csv, changed as a test needs it.

    Args:
        fields: Fields of items beside their title.
    """
    return {
        "name": "shelf",
        "title": "A shelf",
        "items": {
            "id": "id",
            "id_type": "string",
            "title": "title",
            "sources": [{"file": "items.csv"}],
            "fields": [TITLE, *fields],
            **(items or {}),
        },
        "users": {"id": "user", "id_type": "string", **(users or {})},
        "interactions": {"sources": [{"file": "inter.csv"}], "user": "user", "item": "item", **(interactions or {})},
        **more,
    }


def write(folder: Path, spec: Mapping[str, Any], **files: Content) -> Path:
    """Write a dataset: its dataset.yaml, and files whose names have an underscore in place of the dot."""
    (folder / "dataset.yaml").write_text(
        yaml.safe_dump(dict(spec), allow_unicode=True, sort_keys=False), encoding="utf-8"
    )
    contents = {"items_csv": "id,title\na,Apple\nb,Bread\n", "inter_csv": "user,item\n", **files}
    for name, content in contents.items():
        path = folder / name.replace("_", ".", 1)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def items_of(
    folder: Path, content: Content, *fields: Declared, file: str = "items.csv", source: Any = (), **more: Any
) -> dict[Any, Declared]:
    """The fields of all items, by their IDs.

    Args:
        content: What the file of items holds.
        source: More options of the file.
    """
    declared = {"sources": [{"file": file, **dict(source)}], **more.pop("items", {})}
    write(folder, specification(*fields, items=declared, **more))
    (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)
    return by_id(read_folder(folder))


def by_id(dataset: Dataset) -> dict[Any, Declared]:
    """The fields of all items, by their IDs."""
    return dict(zip(dataset.items.ids, as_dicts(dataset.items), strict=True))


def values_of(folder: Path, texts: list[str], **field: Any) -> list[Any]:
    """What a field ``v`` makes of texts, one for each item, in a file without quotation marks."""
    lines = "".join(f"{number:04}\x01Item\x01{text}\n" for number, text in enumerate(texts))
    found = items_of(
        folder,
        lines,
        {"name": "v", **field},
        source={"separator": "\x01", "quote": "", "columns": ["id", "title", "v"]},
    )
    return [item["v"] for item in found.values()]


def interactions_of(folder: Path, content: Content, **declared: Any) -> Dataset:
    """The dataset of a file of interactions, whose items are a, b, c and d."""
    source = declared.pop("source", {})
    more = declared.pop("more", {})
    spec = specification(interactions={"sources": [{"file": "inter.csv", **source}], **declared}, **more)
    return read_folder(write(folder, spec, items_csv="id,title\na,A\nb,B\nc,C\nd,D\n", inter_csv=content))


def triples(dataset: Dataset) -> list[tuple[Any, Any, float | None, int | None]]:
    """User, item, value and time of all interactions, in their order. Unknown times are None."""
    found = dataset.interactions
    values = [None] * len(found) if found.value is None else found.value.tolist()
    times = [None] * len(found) if found.timestamp is None else found.timestamp.tolist()
    return [
        (dataset.users.ids[user], dataset.items.ids[item], value, None if time == NO_TIME else time)
        for user, item, value, time in zip(found.user.tolist(), found.item.tolist(), values, times, strict=True)
    ]


def refusal(read: Any, *arguments: Any, **options: Any) -> str:
    """The text of the error with which a dataset is refused: one line, which is not too long."""
    with pytest.raises(DatasetError) as refused:
        read(*arguments, **options)
    text = str(refused.value)
    assert "\n" not in text
    assert len(text) < LONGEST_MESSAGE
    return text
