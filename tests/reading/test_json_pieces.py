"""Files of JSON: an object a line, arrays, objects one after the other, and parts of objects."""

from pathlib import Path
from typing import Any

import pytest

from tests.reading.shelf import interactions_of, items_of, refusal

Field = dict[str, Any]


def value_of(folder: Path, json_value: str, *, file: str = "items.jsonl", **field: Any) -> Any:
    """What a field ``v`` makes of a JSON value."""
    text = f'{{"id": "a", "title": "A", "v": {json_value}}}\n'
    return items_of(folder, text, {"name": "v", **field}, file=file)["a"]["v"]


@pytest.mark.parametrize(
    ("written", "field", "value"),
    [
        ("null", {"kind": "text"}, None),
        ("true", {"kind": "boolean"}, True),
        ("0", {"kind": "boolean"}, False),
        ("true", {"kind": "category"}, "true"),
        ("123456789012345678901234567890", {"kind": "text"}, "123456789012345678901234567890"),
        ("9007199254740993", {"kind": "number", "integer": True}, 9007199254740993),
        ("1.299", {"kind": "number"}, 1.299),
        ("1e3", {"kind": "number"}, 1000.0),
        ("NaN", {"kind": "number"}, None),
        ("-Infinity", {"kind": "number"}, None),
        ('""', {"kind": "number"}, None),
        ('["x", "y", null, 1, "x", " "]', {"kind": "category", "many": True}, ["x", "y", "1"]),
        ("[]", {"kind": "category", "many": True}, []),
        ('"x|y"', {"kind": "category", "many": True, "separator": "|"}, ["x", "y"]),
        ('"[\'x\', \\"it\'s\\"]"', {"kind": "category", "many": True}, ["x", "it's"]),
        ('"[REC]"', {"kind": "category"}, "[REC]"),
        ('["x", "y"]', {"kind": "text"}, '["x","y"]'),
        ('"\\u00fc \\ud83d\\ude00 \\n \\"q\\" \\\\"', {"kind": "text"}, 'ü 😀 \n "q" \\'),
        ("1700000000000", {"kind": "date"}, "2023-11-14T22:13:20Z"),
        ('{"$date": "2024-01-01T00:00:00Z"}', {"kind": "date", "source": "v.$date"}, "2024-01-01"),
        ('{"amount": 1.5, "of": {"x y": 2}}', {"kind": "number", "source": "v.of.x y"}, 2.0),
        ('[{"name": "x"}, {"name": "y"}]', {"kind": "category", "many": True, "source": "v.name"}, ["x", "y"]),
        ('{"part": null}', {"kind": "number", "source": "v.part"}, None),
    ],
)
def test_values_of_json(tmp_path: Path, written: str, field: Field, value: Any) -> None:
    assert value_of(tmp_path, written, **field) == value


def test_a_boolean_is_no_number(tmp_path: Path) -> None:
    assert "v 'true' is not a number" in refusal(value_of, tmp_path, "true", kind="number")


@pytest.mark.parametrize(
    ("written", "field", "said"),
    [
        ('["x", "y"]', {"kind": "category"}, "declare many: true"),
        ('{"a": 1}', {"kind": "category"}, "source: COLUMN.PART"),
        ('[{"name": "x"}]', {"kind": "category", "many": True}, "source: COLUMN.PART"),
        ('[["x", "y"], ["z"]]', {"kind": "category", "many": True}, "is not a list of names"),
        ("[1, 2]", {"kind": "number"}, "v '[1,2]' is not a number"),
        ('{"amount": 1}', {"kind": "number", "source": "v.amont"}, "no column 'v.amont'"),
        ('{"amount": 1}', {"kind": "number", "source": "v.amont"}, "the nearest is 'v.amount'"),
    ],
)
def test_objects_are_no_names_and_parts_must_be_there(tmp_path: Path, written: str, field: Field, said: str) -> None:
    assert said in refusal(value_of, tmp_path, written, **field)


def test_keys_may_have_any_characters(tmp_path: Path) -> None:
    keys = {"f0": "a.b", "f1": "c d", "f2": "ü", "f3": 'q"x', "f4": "it's", "f5": "$d", "f6": "V"}
    text = '{"id": "a", "title": "A", "a.b": 0, "c d": 1, "ü": 2, "q\\"x": 3, "it\'s": 4, "$d": 5, "V": 6, "v": 7}\n'
    found = items_of(tmp_path, text, *({"name": name, "kind": "number", "source": key} for name, key in keys.items()),
                     file="items.jsonl")  # fmt: skip
    assert found["a"] == {"title": "A", **{f"f{number}": float(number) for number in range(7)}}


ONE = {"a": {"title": "A"}}
TWO = {"a": {"title": "A"}, "b": {"title": "B"}}


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("items.jsonl", '{"id": "a", "title": "A"}\n\n  \n{"title": "B", "id": "b", "x": [1]}', TWO),
        ("items.jsonl", '{"id": "a", "title": "A"}\r\n{"id": "b", "title": "B"}\r\n', TWO),
        ("items.jsonl", '{"id": "a", "title": "A"}\r\n{"id": "b", "title": "B"}\n', TWO),
        ("items.ndjson", '{"id": "a", "title": "A"}\n', ONE),
        ("items.json", '[{"id": "a", "title": "A"}, {"id": "b", "title": "B"}]', TWO),
        ("items.json", ' \n[\n{"id": "a", "title": "A"},\n{"id": "b",\n"title": "B"}\n]\n', TWO),
        ("items.json", '{"id": "a", "title": "A"}\n{"id": "b", "title": "B"}\n', TWO),
        ("items.json", '{\n  "id": "a",\n  "title": "A"\n}\n{\n  "id": "b",\n  "title": "B"\n}\n', TWO),
    ],
)
def test_objects_may_stand_on_lines_in_arrays_or_one_after_the_other(
    tmp_path: Path, file: str, text: str, expected: dict[str, Any]
) -> None:
    assert items_of(tmp_path, text, file=file) == expected


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("items.jsonl", '{"id": "a", "title": "A"}\n\n7\n', "items.jsonl, line 3: row '7' is not a JSON object"),
        ("items.jsonl", '{"id": "a", "title": "A"}\n{"id": "b"\n', "items.jsonl, line 2: row"),
        ("items.jsonl", '\n[1, 2]\n', "items.jsonl, line 2: '[1, 2]' is not a JSON object"),
        ("items.jsonl", "{'id': 'a'}\n", "is not a JSON object"),
        ("items.jsonl", '{"id": "a", "title": "\\ud83d"}\n', "is not a JSON object"),
        ("items.jsonl", '{"id": "a", "title": "A"},\n{"id": "b", "title": "B"}\n', "items.jsonl, line 1: row"),
        ("items.json", '[1, {"id": "a", "title": "A"}]', "items.json, row 1: row '1' is not a JSON object"),
        ("items.json", '[{"id": "a", "title": "A"}, {"id":]', "Malformed JSON"),
        ("items.json", '[{"id": "a", "title": "A"}', "Malformed JSON"),
        ("items.json", '{"items": [{"id": "a"}]}', "no column 'id'"),
        ("items.jsonl", "", "dataset shelf has no items"),
        ("items.json", "[]", "dataset shelf has no items"),
    ],
)  # fmt: skip
def test_what_is_no_object_is_named_by_its_place(tmp_path: Path, file: str, text: str, said: str) -> None:
    assert said in refusal(items_of, tmp_path, text, file=file)


def test_lines_that_are_no_objects_are_left_out_on_request(tmp_path: Path) -> None:
    text = '{"id": "a", "title": "A"}\n7\n\n{"id": "b", "title": "B"}\nnothing\n'
    assert items_of(tmp_path, text + '{"id": "c", "title": "C"}\n', file="items.jsonl", on_bad_row="skip") == {
        **TWO,
        "c": {"title": "C"},
    }


def test_a_key_that_comes_late_is_a_column(tmp_path: Path) -> None:
    early = "".join(f'{{"id": "{number}", "title": "T"}}\n' for number in range(10_100))
    text = early + '{"id": "late", "title": "T", "v": 5}\n'
    assert items_of(tmp_path, text, {"name": "v", "kind": "number"}, file="items.jsonl")["late"]["v"] == 5.0


def test_an_empty_file_of_interactions_has_none(tmp_path: Path) -> None:
    source = {"file": "inter.csv", "format": "jsonl"}
    assert len(interactions_of(tmp_path, "", source=source, timestamp="t").interactions) == 0
