"""`init`: what it shows, writes, refuses to write over, and asks."""

import json
import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from mcp_server import OWN_PROGRAM
from tests.cli.terminal import Terminal
from tests.discovery import layouts
from tests.discovery.layouts import N_ITEMS
from tests.running_servers import own_environment


@pytest.fixture
def films(tmp_path: Path) -> Path:
    return layouts.films(tmp_path / "films")


def test_a_file_is_written_that_prepares_at_once(terminal: Terminal, films: Path, tmp_path: Path) -> None:
    ended = terminal.run("init", films, "--yes")
    assert ended.code == 0, ended.err
    assert f"{films}/dataset.yaml is written" in ended.out
    assert f"recsys-mcp prepare --dataset {films}/dataset.yaml" in ended.out
    prepared = terminal.run("prepare", "--dataset", films / "dataset.yaml", "--state", tmp_path / "state")
    assert prepared.code == 0, prepared.err
    found = terminal.run("call", "item_filter_tool", "genres=Crime", "--json", "--dataset", films / "dataset.yaml",
                         "--state", tmp_path / "state")  # fmt: skip
    with_crime = [number for number in range(1, N_ITEMS + 1) if number % 4 == 3]
    assert found.json["count"] == len(with_crime)


def test_the_answers_that_were_taken_are_told(terminal: Terminal, films: Path) -> None:
    ended = terminal.run("init", films)  # there is no terminal to ask on
    assert "Nobody was asked" in ended.out
    assert re.search(r"From which value of rating on .* 4$", ended.out, re.MULTILINE)


def test_a_file_is_never_written_over(terminal: Terminal, films: Path) -> None:
    (films / "dataset.yaml").write_text("name: mine\n", encoding="utf-8")
    said = terminal.refused("init", films, "--yes")
    assert "exists, and is not replaced: name another file with --output" in said
    assert (films / "dataset.yaml").read_text(encoding="utf-8") == "name: mine\n"


def test_a_file_elsewhere_needs_the_folder_of_the_data(terminal: Terminal, films: Path, tmp_path: Path) -> None:
    ended = terminal.run("init", films, "--yes", "--output", tmp_path / "specs" / "films.yaml", "--name", "my-films")
    assert ended.code == 0, ended.err
    declared = yaml.safe_load((tmp_path / "specs" / "films.yaml").read_text("utf-8"))
    assert declared["name"] == "my-films"
    assert declared["interactions"]["sources"] == [{"file": "ratings.csv"}]
    assert f"--dataset {tmp_path}/specs/films.yaml --data {films}" in ended.out


def test_everything_is_told_as_data(terminal: Terminal, films: Path) -> None:
    said = terminal.run("init", films, "--json").json
    assert (said["items"], said["users"]) == (N_ITEMS, layouts.N_USERS)
    assert said["feedback"] == "ratings"
    assert [answer["answer"] for answer in said["answers"]] == ["4"]
    assert Path(said["file"]) == films / "dataset.yaml"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("nowhere", "neither a folder nor a URL"),
        (".", "has no data"),
        ("mssql://reader:a-secret@db/shop", "another kind"),
    ],
)
def test_what_cannot_be_read_is_refused(terminal: Terminal, source: str, why: str) -> None:
    said = terminal.refused("init", source)
    assert why in said
    assert "a-secret" not in said


def test_a_folder_without_interactions_is_refused_with_what_is_there(terminal: Terminal, tmp_path: Path) -> None:
    layouts.table(tmp_path / "data", "books.csv", ("id", "title"), [(1, "One"), (2, "Two")])
    assert "books.csv (id, title)" in terminal.refused("init", tmp_path / "data")


def test_the_url_of_a_database_comes_from_a_variable_and_is_not_written(terminal: Terminal, tmp_path: Path) -> None:
    url = f"sqlite:///{layouts.rentals(tmp_path / 'rentals.db')}"
    ended = terminal.run("init", "shop", "--yes", "--output", tmp_path / "shop.yaml", RECSYS_SOURCE_SHOP=url)
    assert ended.code == 0, ended.err
    text = (tmp_path / "shop.yaml").read_text("utf-8")
    assert {source["from"] for source in yaml.safe_load(text)["items"]["sources"]} == {"shop"}
    assert "rentals.db" not in text


def test_questions_are_asked_on_a_terminal(films: Path) -> None:
    """A wrong answer is asked for again, and the right one is written."""
    main, other = pty.openpty()
    process = subprocess.Popen([*OWN_PROGRAM, "init", str(films)], stdin=other, stdout=other, stderr=other,
                               env=own_environment({"TERM": "dumb"}))  # fmt: skip
    os.close(other)
    said, answers, end = "", ["17", "4.5"], time.monotonic() + 120
    while time.monotonic() < end:
        ready, _, _ = select.select([main], [], [], 1)
        try:
            said += os.read(main, 4096).decode(errors="replace") if ready else ""
        except OSError:  # the end of the terminal's output
            break
        if answers and said.count("> ") > 2 - len(answers):
            os.write(main, f"{answers.pop(0)}\n".encode())
    assert process.wait(30) == 0, said
    os.close(main)
    assert "a number from 1 to 5 was expected" in said
    assert "Nobody was asked" not in said
    declared = yaml.safe_load((films / "dataset.yaml").read_text("utf-8"))
    assert declared["interactions"]["like_threshold"] == 4.5


def test_the_passwords_of_next_commands_are_masked(tmp_path: Path) -> None:
    from mcp_server.cli.init_report import next_commands
    from mcp_server.discovery.discover import find_place

    commands = next_commands(find_place("mysql://reader:a-secret@db/shop"), tmp_path / "dataset.yaml", None)
    assert commands[0].startswith("export RECSYS_SOURCE_SHOP='mysql+pymysql://reader:***@db/shop'")
    assert "a-secret" not in json.dumps(commands)
