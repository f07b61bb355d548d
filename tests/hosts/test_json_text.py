"""Changes of JSON as a text: what they say, and that nothing else moves."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.hosts.config_file import UnchangeableError
from mcp_server.hosts.json_text import JsonText

ENTRY = {"command": "/opt/recsys/bin/recsys-mcp", "args": ["serve"], "env": {"RECSYS_LOG_LEVEL": "DEBUG"}}

KEYS = st.text(max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=4)
SERVERS = st.dictionaries(KEYS.filter(lambda key: key != "recsys"), VALUES, min_size=1, max_size=3)
INDENTATIONS = st.sampled_from([None, 1, 2, 4, "\t"])


def _written(content: Any, indentation: Any, newline: str) -> str:
    return json.dumps(content, indent=indentation, ensure_ascii=False).replace("\n", newline)


@given(DOCUMENTS, SERVERS, INDENTATIONS, st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "\n"]))
def test_what_is_put_in_is_there_and_taking_it_out_gives_every_byte_back(
    document: dict[str, Any], servers: dict[str, Any], indentation: Any, newline: str, end: str
) -> None:
    document["mcpServers"] = servers
    text = _written(document, indentation, newline) + end
    changed = JsonText(text).put(["mcpServers", "recsys"], ENTRY)
    assert json.loads(changed) == {**document, "mcpServers": {**servers, "recsys": ENTRY}}
    assert list(json.loads(changed)["mcpServers"]) == [*servers, "recsys"]
    assert JsonText(changed).take(["mcpServers", "recsys"]) == text


@given(DOCUMENTS, INDENTATIONS)
def test_objects_that_are_missing_are_made(document: dict[str, Any], indentation: Any) -> None:
    document.pop("mcpServers", None)
    changed = JsonText(_written(document, indentation, "\n")).put(["mcpServers", "recsys"], ENTRY)
    assert json.loads(changed) == {**document, "mcpServers": {"recsys": ENTRY}}


@given(SERVERS, st.integers(0, 3), INDENTATIONS)
def test_any_member_can_be_taken_out(servers: dict[str, Any], place: int, indentation: Any) -> None:
    members = list(servers.items())
    members.insert(min(place, len(members)), ("recsys", ENTRY))
    changed = JsonText(_written({"mcpServers": dict(members)}, indentation, "\n")).take(["mcpServers", "recsys"])
    assert json.loads(changed) == {"mcpServers": servers}


@given(VALUES)
def test_it_reads_what_python_reads(content: Any) -> None:
    for text in (json.dumps(content), json.dumps(content, indent=3, ensure_ascii=False)):
        assert JsonText(text).content == content


WITH_COMMENTS = """\
// My servers
{
\t"servers": { // all of them
\t\t/* the first */ "one": {"command": "1"}, // one
\t\t"two": {"command": "2"}, // two, and a comma
\t},
\t// the end
}
"""


def test_comments_and_trailing_commas_stay() -> None:
    changed = JsonText(WITH_COMMENTS, comments=True).put(["servers", "recsys"], {"command": "c"})
    expected = WITH_COMMENTS.replace(
        "// two, and a comma\n", '// two, and a comma\n\t\t"recsys": {\n\t\t\t"command": "c"\n\t\t},\n'
    )
    assert changed == expected
    assert JsonText(changed, comments=True).take(["servers", "recsys"]) == WITH_COMMENTS


@pytest.mark.parametrize(
    "text",
    [
        '{\n  "servers": {\n    "one": {} // without a comma\n  }\n}',
        '{\n  "servers": {\n    "one": {} /* a\n    comment */\n    // and another\n  }\n}',
        '{"servers": {"one": {} /* here */ }}',
        '{"servers": {"one": {} // here\n}}',
        '{"servers": {\n"one": [1, 2, ], }}',
        '{\n  "servers": {\n    "one": {} // a wide space\u3000\n  }\n}',
        '{"servers": { "one": "// no comment", "two": "/* none */" } }',
    ],
)
def test_taking_out_gives_every_byte_back_whatever_comments_there_are(text: str) -> None:
    changed = JsonText(text, comments=True).put(["servers", "recsys"], ENTRY)
    content = JsonText(changed, comments=True).content
    assert content["servers"] == {**JsonText(text, comments=True).content["servers"], "recsys": ENTRY}
    assert JsonText(changed, comments=True).take(["servers", "recsys"]) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"recsys": 1, /* b */ "b": 2}', '{/* b */ "b": 2}'),
        ('{\n  // ours\n  "recsys": 1,\n  "b": 2\n}', '{\n  // ours\n  "b": 2\n}'),
        ('{\n  // ours\n  "recsys": 1, "b": 2\n}', '{\n  // ours\n  "b": 2\n}'),
        ('{ "a": 1, "recsys": 1 /* why */, "b": 2 }', '{ "a": 1,  /* why */"b": 2 }'),
        ('{\n  "recsys": 1 // only\n}', "{ // only\n}"),
    ],
)
def test_no_comment_is_lost_with_a_member(text: str, expected: str) -> None:
    assert JsonText(text, comments=True).take(["recsys"]) == expected


def test_lists_get_items_at_their_end() -> None:
    text = '{\n  "inputs": [\n    {"id": "a"}\n  ]\n}'
    changed = JsonText(text).append(["inputs"], {"id": "b"})
    assert json.loads(changed) == {"inputs": [{"id": "a"}, {"id": "b"}]}
    assert JsonText(changed).take(["inputs", 1]) == text
    assert json.loads(JsonText("{}").append(["inputs"], 1)) == {"inputs": [1]}


def test_of_two_members_of_one_name_the_last_counts() -> None:
    text = '{"mcpServers": {}, "mcpServers": {"a": {}}}'
    changed = JsonText(text).put(["mcpServers", "recsys"], ENTRY)
    assert json.loads(changed) == {"mcpServers": {"a": {}, "recsys": ENTRY}}


@pytest.mark.parametrize("text", ["", " \n", "// nothing yet\n", "{}", "{\n}\n", '{"mcpServers":{}}'])
def test_nothing_is_as_good_as_an_empty_object(text: str) -> None:
    changed = JsonText(text, comments=True).put(["mcpServers", "recsys"], ENTRY)
    assert JsonText(changed, comments=True).content == {"mcpServers": {"recsys": ENTRY}}


@pytest.mark.parametrize("text", ["[]", '"x"', "1", "null", '{"mcpServers": []}', '{"mcpServers": null}'])
def test_what_is_no_object_takes_no_member(text: str) -> None:
    with pytest.raises(UnchangeableError):
        JsonText(text).put(["mcpServers", "recsys"], ENTRY)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('{\n  "a": 1\n  "b": 2\n}', 3, 3),
        ('{\n  "a": 1,\n}', 2, 9),
        ("{\n  // why\n}", 2, 3),
        ('{"a": 1', 1, 8),
        ('{"a" 1}', 1, 6),
        ("{'a': 1}", 1, 2),
        ('{"a": 1} {', 1, 10),
        ('{"a": NaN}', 1, 7),
        ('{"a": "\x01"}', 1, 8),
        ('{"a": tru}', 1, 7),
    ],
)
def test_damage_is_said_with_its_place(text: str, line: int, column: int) -> None:
    with pytest.raises(json.JSONDecodeError) as raised:
        JsonText(text)
    assert (raised.value.lineno, raised.value.colno) == (line, column)


def test_a_comment_without_end_is_damage() -> None:
    with pytest.raises(json.JSONDecodeError, match="no end"):
        JsonText('{"a": 1} /* for ever', comments=True)
