"""Text of strangers on its way to a terminal, a log and JSON."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_shared.plain_text import error_line, json_text, one_line, several_lines

COMMANDS = {
    "a colour": "\x1b[31mred\x1b[0m",
    "a colour by an 8-bit control": "\x9b31mred",
    "a window's title": "\x1b]0;owned\x07",
    "a hyperlink": "\x1b]8;;http://example.test\x1b\\here\x1b]8;;\x1b\\",
    "a hyperlink by 8-bit controls": "\x9d8;;http://example.test\x9chere",
    "a device control string": "\x1bP+q544e\x1b\\",
    "an 8-bit device control string": "\x90+q544e\x9c",
    "a reset": "\x1bc",
    "a line overwritten": "Heat\rCold",
    "a line erased": "Heat\b\b\b\bCold",
    "a bell": "Heat\x07",
    "another direction": "Heat\u202etaeH\u202c",
    "an isolated direction": "\u2067Heat\u2069",
    "direction marks": "\u200eHeat\u200f\u061c",
    "separators of lines": "Heat\u2028Cold\u2029",
    "a next line": "Heat\x85Cold",
    "half a character": "Heat\udcff",
    "a deletion": "Heat\x7f",
}


def commands_in(text: str) -> str:
    """Characters that a terminal would obey, or that turn the direction of writing; found by their categories."""
    marks = {"\u061c", "\u200e", "\u200f"}
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return "".join(
        char
        for char in text
        if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")
        or char in marks
        or unicodedata.bidirectional(char) in turning
    )


@pytest.mark.parametrize("text", COMMANDS.values(), ids=COMMANDS.keys())
def test_what_commands_a_terminal_is_seen_and_not_obeyed(text: str) -> None:
    assert commands_in(text)
    cleaned = one_line(text)
    assert not commands_in(cleaned)
    assert len(cleaned) == len(text)
    assert [new for new, old in zip(cleaned, text, strict=True) if not commands_in(old)] == [
        char for char in text if not commands_in(char)
    ]


@given(st.text(st.characters(codec=None)))
def test_no_text_commands_a_terminal(text: str) -> None:
    assert not commands_in(one_line(text))
    assert set(commands_in(several_lines(text))) <= {"\n", "\t"}
    assert not commands_in(error_line(text))


@pytest.mark.parametrize(
    "text", ["Amélie", "千と千尋の神隠し", "Крепкий орешек", "שלום", "👩‍👩‍👧 [/b] [red] :smile:", "a\u200cb"]
)
def test_letters_of_every_script_stay(text: str) -> None:
    assert one_line(text) == several_lines(text) == text


def test_lines_stay_where_there_may_be_several() -> None:
    assert several_lines("one\r\ntwo\n\tthree\x1b[2J") == "one\ntwo\n\tthree␛[2J"


def test_a_line_break_cannot_forge_a_line() -> None:
    assert one_line("films\nINFO all is well") == "films␊INFO all is well"


def test_an_error_of_several_lines_becomes_one() -> None:
    assert error_line(ValueError("while parsing\n  in line 3:\n    bad")) == "while parsing in line 3: bad"


def test_a_long_text_is_cut() -> None:
    assert one_line("x" * 1_000, 10) == "x" * 9 + "…"
    assert one_line("a film about a train that is late", 22) == "a film about a train…"
    assert one_line("a film about trainspotting", 20) == "a film about trains…"
    assert one_line("a film about trains and more", 20) == "a film about trains…"
    assert one_line("x" * 10, 10) == "x" * 10


@given(st.recursive(st.text(), lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts)))
def test_json_has_the_same_values_and_commands_no_terminal(value: object) -> None:
    for indent in (None, 1):
        written = json_text(value, indent=indent)
        assert json.loads(written) == value
        assert set(commands_in(written)) <= {"\n"}


def test_json_keeps_letters_readable() -> None:
    assert json_text({"title": "Amélie\x9b31m\u202e"}) == '{"title": "Amélie\\u009b31m\\u202e"}'
