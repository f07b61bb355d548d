"""Changes of TOML as a text, checked by Python's own reader."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.hosts.config_file import UnchangeableError
from mcp_server.hosts.toml_text import TomlText

ENTRY = {"command": "/opt/bin/recsys-mcp", "args": ["serve", "--state", 'C:\\films "new"'], "env": {"RECSYS_X": "1"}}
KEYS = ["mcp_servers", "recsys"]

BEFORE = """\
# Mine
model = "o4"

[mcp_servers.docs]  # documentation
command = "npx"
args = ["-y",
  "docs"]

[tui]
theme = "dark"
"""


@pytest.mark.parametrize(
    "text", ["", BEFORE, BEFORE.replace("\n", "\r\n"), "# only a comment\n", 'a = """\n[b]\n"""\n']
)
def test_a_table_comes_last_and_taking_it_out_gives_every_byte_back(text: str) -> None:
    changed = TomlText(text).put(KEYS, ENTRY)
    assert changed.startswith(text)
    content = tomllib.loads(changed.replace("\r\n", "\n"))
    assert content["mcp_servers"]["recsys"] == ENTRY
    assert TomlText(changed).take(KEYS) == text


def test_others_after_it_and_their_comments_stay() -> None:
    text = TomlText(BEFORE).put(KEYS, ENTRY) + "\n# about the next\n[history]\nkeep = true\n"
    assert TomlText(text).take(KEYS) == BEFORE + "\n# about the next\n[history]\nkeep = true\n"
    changed = TomlText(text).put(KEYS, {"command": "other"})
    expected = {
        **tomllib.loads(text),
        "mcp_servers": {**tomllib.loads(BEFORE)["mcp_servers"], "recsys": {"command": "other"}},
    }
    assert tomllib.loads(changed) == expected
    assert "\n# about the next\n[history]\n" in changed


def test_tables_below_it_go_with_it_wherever_they_are() -> None:
    text = '[mcp_servers.recsys]\ncommand = "a"\n\n[tui]\nx = 1\n\n[mcp_servers.recsys.env]\nA = "b"\n'
    assert tomllib.loads(TomlText(text).take(KEYS)) == {"tui": {"x": 1}}
    assert tomllib.loads(TomlText(text).put(KEYS, {"command": "c"})) == {
        "tui": {"x": 1},
        "mcp_servers": {"recsys": {"command": "c"}},
    }


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_can_be_a_value_and_a_key(value: str, key: str) -> None:
    changed = TomlText("").put([*KEYS[:1], key], {"command": value, "env": {key: value}})
    assert tomllib.loads(changed) == {"mcp_servers": {key: {"command": value, "env": {key: value}}}}


@pytest.mark.parametrize(
    "text",
    [
        'mcp_servers = {recsys = {command = "a"}}\n',
        'mcp_servers.recsys.command = "a"\n',
        "[mcp_servers]\nrecsys = {}\n",
    ],
)
def test_what_is_not_a_table_of_its_own_is_left_alone(text: str) -> None:
    for change in (lambda: TomlText(text).take(KEYS), lambda: TomlText(text).put(KEYS, ENTRY)):
        with pytest.raises(UnchangeableError):
            change()


def test_damage_is_said_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"^line 2, column 6: "):
        TomlText('a = 1\nb = "\n')
