"""The command line as a whole: help, settings, and what several commands refuse alike."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.conftest import SHOP
from tests.running_servers import own_environment

COMMANDS = ["init", "prepare", "train", "evaluate", "serve", "call", "doctor", "demo", "install", "uninstall", "bundle"]


def test_help_lists_the_commands(terminal: Terminal) -> None:
    ended = terminal.run("--help")
    assert ended.code == 0
    assert [name for name in COMMANDS if not re.search(rf"^\W*{name}\b", ended.out, re.MULTILINE)] == []


def test_the_version_is_printed(terminal: Terminal) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", terminal.run("--version").out)


@pytest.mark.parametrize("command", [["prepare"], ["evaluate"], ["serve"], ["demo"]])
def test_an_unknown_dataset_is_refused(terminal: Terminal, tmp_path: Path, command: list[str]) -> None:
    said = terminal.refused(*command, "--dataset", "ml-100m", "--state", tmp_path / "state")
    assert "'ml-100m'" in said
    assert "ml-100k" in said


@pytest.mark.parametrize("command", [["call", "list"], ["serve"]])
def test_a_state_of_another_dataset_is_refused(terminal: Terminal, shop_state: Path, command: list[str]) -> None:
    ended = terminal.run(*command, "--dataset", "ml-100k", "--state", shop_state)
    assert (ended.code, ended.out) == (2, "")
    assert "holds corner-shop, not ml-100k" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(("name", "value"), [("RECSYS_LOG_LEVEL", "loud"), ("RECSYS_ITEM_SET_DAYS", "0")])
def test_bad_settings_are_refused_by_name(terminal: Terminal, name: str, value: str) -> None:
    assert name in terminal.refused("doctor", **{name: value})


def test_settings_come_from_the_environment(terminal: Terminal, tmp_path: Path) -> None:
    variables = {"RECSYS_DATASET": str(SHOP), "RECSYS_STATE": str(tmp_path / "by-variable")}
    assert str(tmp_path / "by-variable") in terminal.refused("call", "list", **variables)


def test_settings_come_from_a_file_that_is_named(terminal: Terminal, tmp_path: Path) -> None:
    (terminal.folder / "mine.env").write_text(f"RECSYS_STATE={tmp_path / 'by-file'}\n", encoding="utf-8")
    named = ["call", "list", "--env-file", "mine.env"]
    assert str(tmp_path / "by-file") in terminal.refused(*named)
    assert str(tmp_path / "by-option") in terminal.refused(*named, "--state", tmp_path / "by-option")


HEAVY = ("numpy", "sqlalchemy", "mcp", "qdrant_edge", "qdrant_client", "fastembed", "starlette", "torch")


@pytest.mark.parametrize("words", [["--help"], ["serve", "--port", "1"], ["train", "--set", "epochs=1"]])
def test_help_and_refusals_import_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    code = f"""
import sys
from mcp_server.cli.app import main
sys.argv = ["recsys-mcp", *{words!r}]
try:
    main()
finally:
    print([name for name in {HEAVY!r} if name in sys.modules])
"""
    environment = own_environment({})
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_a_mistyped_command_is_refused_with_a_suggestion(terminal: Terminal) -> None:
    ended = terminal.run("serv")
    assert ended.code == 2
    assert "Did you mean 'serve'?" in ended.err


def test_help_shows_where_a_value_comes_from_that_is_not_given(terminal: Terminal) -> None:
    shown = terminal.run("evaluate", "--help", COLUMNS="200", TERM="dumb").out
    assert "[evaluation.json in the state folder]" in shown
    assert "[RECSYS_DATASET; ml-100k]" in shown
