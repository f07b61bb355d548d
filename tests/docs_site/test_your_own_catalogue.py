"""The guide to a catalogue of one's own: what it says to write can be written."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.sources import Source
from mcp_server.dataset.spec import DatasetSpec, InteractionSpec, ItemSpec, load_spec

GUIDE = (Path(__file__).parents[2] / "docs" / "your-own-catalogue.md").read_text(encoding="utf-8")

TABLES = GUIDE.partition("## My data has")[2].partition("\n## ")[0]

WRITTEN = [
    (cells[1], found)
    for line in TABLES.splitlines()
    if line.startswith("| ") and len(cells := line.split("|")) == 4
    for found in re.findall(r"`([^`]+)`", cells[2])
]
"""The pieces of YAML in the tables, each with what it is for."""


def declared(text: str) -> dict[str, Any] | None:
    """The keys that a piece of YAML declares; None for a piece that is something else, such as an option."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    return content if isinstance(content, dict) else None


PIECES = [(what, keys) for what, text in WRITTEN if (keys := declared(text)) is not None]


def test_most_rows_say_what_to_write() -> None:
    assert len(PIECES) > 35


@pytest.mark.parametrize(("what", "keys"), PIECES, ids=lambda part: part.strip() if isinstance(part, str) else "")
def test_what_the_tables_say_is_accepted(what: str, keys: dict[str, Any]) -> None:
    if "kind" in keys:
        FieldSpec.model_validate(keys)
    elif {"file", "query"} & set(keys):
        TypeAdapter(Source).validate_python(keys)
    elif set(keys) <= set(InteractionSpec.model_fields):
        InteractionSpec.model_validate({"user": "user", "item": "item", "sources": [{"file": "a.csv"}], **keys})
    else:
        (model,) = (m for m in (ItemSpec, DatasetSpec, FieldSpec) if set(keys) <= set(m.model_fields))
        with pytest.raises(ValidationError) as raised:  # other keys are missing
            model.model_validate(keys)
        assert [error for error in raised.value.errors() if error["loc"][0] in keys] == []


def test_the_first_file_is_a_whole_specification(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```yaml\n(name: .*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    (tmp_path / "dataset.yaml").write_text(text, encoding="utf-8")
    assert load_spec(tmp_path / "dataset.yaml").interactions.kind == "likes"


def test_the_sources_of_a_database_are_accepted() -> None:
    (text,) = re.findall(r"^```yaml\n(items:\n  sources:.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    blocks = yaml.safe_load(text)
    sources = [TypeAdapter(Source).validate_python(s) for block in blocks.values() for s in block["sources"]]
    assert [getattr(source, "from_", None) for source in sources] == ["shop", "shop"]
