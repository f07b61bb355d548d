"""A dataset whose texts attack the terminal: what commands write of it is text, and nothing else."""

import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands import Ended, run
from tests.shared.test_plain_text import commands_in

TITLES = {
    "a": "Heat\x1b[31m red \x1b]8;;http://evil.test\x07link\x1b]8;;\x07 \x1b]0;title\x07 \x9b2J",
    "b": "[/b] [red]Markup[/nothing] :smile: [link=http://evil.test]here",
    "c": "Reversed \u202edelrever\u202c \u2067isolated\u2069 \u200fmark",
    "d": "Two\x85lines\u2028and\u2029three \x90+q\x9c \x7f",
}
"""Titles by ID."""

NOUN = "film[/b]\x1b[5m"

USER = "u1\x1b[7m[/i]"


LISTING = ("call", "get_item_metadata_tool", f"items={json.dumps(list(TITLES))}", 'get=["title"]')


def seen_of(title: str) -> list[str]:
    """The visible words of a title, however it is wrapped."""
    return [word for word in "".join(" " if commands_in(char) else char for char in title).split() if len(word) > 3]


def assert_plain(text: str) -> None:
    assert not set(commands_in(text)) - {"\n"}, repr(text)


class Catalogue:
    """A prepared dataset, with commands over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        spec: dict[str, Any] = {
            "name": "hostile",
            "title": "Hostile [/b]\x1b[1m",
            "licence": "[/b] free\x1b]0;x\x07 \u202eereh",
            "nouns": {"item": NOUN, "items": f"{NOUN}s", "user": "viewer", "users": "viewers"},
            "items": {
                "id": "id",
                "id_type": "string",
                "title": "title",
                "sources": [{"file": "items.json", "format": "jsonl"}],
                "fields": [{"name": "title", "kind": "text", "filter": True}],
            },
            "users": {"id": "id", "id_type": "string", "sources": [{"file": "users.json", "format": "jsonl"}]},
            "model": {"name": "EASE", "settings": {"reg_weight": 10.0}},
            "interactions": {"sources": [{"file": "seen.json", "format": "jsonl"}], "user": "user", "item": "item"},
        }
        self._write("dataset.yaml", [spec])  # JSON is YAML
        items = TITLES | {f"p{number}": f"Plain {number}" for number in range(12)}
        users = [USER, *(f"u{number}" for number in range(2, 9))]
        self._write("items.json", [{"id": item, "title": title} for item, title in items.items()])
        self._write("users.json", [{"id": user} for user in users])
        seen = [(user, item) for n, user in enumerate(users) for m, item in enumerate(items) if (n + m) % (2 + m // 4)]
        self._write("seen.json", [{"user": user, "item": item} for user, item in [*seen, ("[/b]\x1b[1m", "a")]])

    def _write(self, name: str, lines: list[dict[str, Any]]) -> None:
        (self.folder / name).write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")

    @property
    def here(self) -> list[object]:
        return ["--dataset", self.folder / "dataset.yaml", "--state", self.folder / "state"]

    @property
    def environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith("RECSYS_")}

    def run(self, command: str, *words: object, **variables: str) -> Ended:
        return run([command, *words, *self.here], self.folder, self.environment | variables)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Catalogue, Ended]:
    catalogue = Catalogue(tmp_path_factory.mktemp("hostile"))
    return catalogue, catalogue.run("prepare")


@pytest.fixture(scope="module")
def catalogue(prepared: tuple[Catalogue, Ended]) -> Catalogue:
    assert prepared[1].code == 0, prepared[1].err
    return prepared[0]


def test_preparing_says_nouns_and_licence_as_text(prepared: tuple[Catalogue, Ended]) -> None:
    ended = prepared[1]
    assert ended.code == 0, ended.err
    assert_plain(ended.out + ended.err)
    assert "16 film[/b]␛[5ms, 8 viewers" in ended.err
    assert "licence: [/b] free␛]0;x␇ �ereh" in ended.err
    assert "names an unknown viewer (such as" in ended.err


def test_titles_are_shown_as_text(catalogue: Catalogue) -> None:
    ended = catalogue.run(*LISTING)
    assert ended.code == 0, ended.err
    assert_plain(ended.out + ended.err)
    for title in TITLES.values():
        assert [word for word in seen_of(title) if word not in ended.out] == []


def test_titles_in_json_are_the_same_for_programs(catalogue: Catalogue) -> None:
    ended = catalogue.run(*LISTING, "--json")
    assert_plain(ended.out + ended.err)
    assert {item["item_id"]: item["title"] for item in ended.json["items"]} == TITLES


def test_tools_are_listed_as_text(catalogue: Catalogue) -> None:
    ended = catalogue.run("call", "list")
    assert ended.code == 0, ended.err
    assert_plain(ended.out + ended.err)
    assert "film[/b]" in ended.out


def test_an_error_names_what_was_asked_as_text(catalogue: Catalogue) -> None:
    ended = catalogue.run("call", "get_interacted_items_tool", f"user={USER}x\x9b2J\u202e\nrecsys-mcp: all is well")
    assert ended.code == 2
    assert_plain(ended.err)
    assert r"'u1\x1b[7m[/i]x\x9b2J\u202e\nrecsys-mcp: all is well'" in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("command", ["demo", "doctor"])
def test_commands_over_it_write_text(catalogue: Catalogue, command: str) -> None:
    ended = catalogue.run(command)
    assert ended.code == 0, ended.err
    assert_plain(ended.out + ended.err)
    assert "film[/b]␛[5m" in ended.out


def test_titles_can_be_written_in_an_encoding_that_lacks_their_letters(catalogue: Catalogue) -> None:
    ended = catalogue.run(*LISTING, PYTHONIOENCODING="ascii:strict")
    assert ended.code == 0, ended.err
    assert "Markup" in ended.out


def test_on_a_terminal_the_only_commands_are_the_programs_own_colours(catalogue: Catalogue) -> None:
    pty = pytest.importorskip("pty")  # not on Windows
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "mcp_server", *LISTING, *catalogue.here]
    with subprocess.Popen(
        list(map(str, command)),
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=subprocess.PIPE,
        env=catalogue.environment | {"TERM": "xterm-256color", "COLUMNS": "200"},
    ) as process:
        os.close(follower)
        written = b""
        with contextlib.suppress(OSError):  # so Linux says that the other side is closed
            while piece := os.read(leader, 65_536):
                written += piece
        os.close(leader)
    assert process.returncode == 0
    text = re.sub(r"\x1b\[[0-9;]*m", "", written.decode())
    assert not set(commands_in(text)) - {"\r", "\n"}
    assert "␛[31m red" in text
