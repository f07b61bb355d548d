"""`install`, `uninstall` and `install list` as a person runs them."""

import importlib.util
import json
import os
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from mcp_server.hosts.known import HOSTS
from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder
from tests.conftest import SHOP
from tests.hosts.commands import Desk

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="a home folder is given by HOME, and hosts by its files"
)

CURSOR = ".cursor/mcp.json"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def _entry(desk: Desk, file: str = CURSOR, key: str = "mcpServers") -> dict[str, Any]:
    entry: dict[str, Any] = json.loads(desk.files()[file])[key]["recsys"]
    return entry


def test_one_command_enters_the_server_prepares_and_says_what_next(desk: Desk, films_settings: Settings) -> None:
    (desk.home / ".cursor").mkdir(parents=True)
    ended = desk.run("install", "cursor", "--state", films_settings.state)
    assert ended.code == 0, ended.err
    assert f"recsys was added to Cursor, in {desk.home / CURSOR}" in ended.out
    assert "Next: Restart Cursor" in ended.out
    assert "What are the most popular films?" in ended.out
    assert "ml-100k is ready" in ended.err
    assert "not found" not in ended.out
    assert _entry(desk)["args"] == ["serve", "--state", str(films_settings.state)]


@pytest.mark.skipif(importlib.util.find_spec("recbole") is None, reason="nothing can be prepared without RecBole")
def test_the_dataset_is_prepared_unless_that_is_left_to_the_server(desk: Desk, tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    assert desk.run("install", "cursor", "--dataset", SHOP, "--state", state.folder, "--no-prepare").code == 0
    assert state.published() is None
    ended = desk.run("install", "cursor", "--dataset", SHOP, "--state", state.folder, "--json")
    assert (ended.json["action"], ended.json["prepared"]) == ("unchanged", True)
    assert state.published() is not None


def test_what_cannot_be_prepared_is_installed_all_the_same_and_said(desk: Desk, tmp_path: Path) -> None:
    spec = tmp_path / "shop" / "dataset.yaml"
    spec.parent.mkdir()
    spec.write_bytes((SHOP / "dataset.yaml").read_bytes())
    ended = desk.run("install", "cursor", "--dataset", spec, "--state", tmp_path / "state")
    assert ended.code == 2
    assert "the server is installed, but its dataset could not be prepared" in ended.err
    assert _entry(desk)["args"][:3] == ["serve", "--dataset", str(spec)]


def test_a_dataset_that_is_not_there_is_refused_before_anything_is_written(desk: Desk) -> None:
    ended = desk.run("install", "cursor", "--dataset", "shops")
    assert ended.code == 2
    assert "there is no dataset 'shops'" in ended.err
    assert desk.files() == {}


def test_paths_are_written_in_full(desk: Desk) -> None:
    work = desk.folder / "work"
    shop = os.path.relpath(SHOP, work)
    ended = desk.run("install", "cursor", "--dataset", shop, "--state", "st", "--data", "d", "--no-prepare")
    assert ended.code == 0, ended.err
    entry = _entry(desk)
    named = dict(zip(entry["args"][1::2], entry["args"][2::2], strict=True))
    assert {name: Path(value).resolve() for name, value in named.items()} == {
        "--dataset": SHOP,
        "--state": work / "st",
        "--data": work / "d",
    }
    assert all(Path(value).is_absolute() for value in [entry["command"], *named.values()])


def test_a_data_folder_of_the_shells_own_goes_along(desk: Desk, tmp_path: Path) -> None:
    assert desk.run("install", "cursor", "--no-prepare", XDG_DATA_HOME=str(tmp_path / "d")).code == 0
    assert _entry(desk)["args"] == ["serve", "--state", str(tmp_path / "d" / "recsys-mcp" / "ml-100k")]


SETTINGS = {
    "RECSYS_DATABASE_URL": "mysql+aiomysql://user:pa55word@db/films",
    "RECSYS_DATABASE_PASSWORD": "pa55word",
    "RECSYS_DATABASE_TLS": "verify",
    "RECSYS_DATABASE_CA": "ca.pem",
    "RECSYS_QDRANT_URL": "http://vectors:6333",
    "RECSYS_QDRANT_API_KEY": "k3y",
    "RECSYS_LOG_LEVEL": "DEBUG",
    "RECSYS_PORT": "9000",
    "RECSYS_TOKENS": "t0ken",
}


def test_settings_go_along_but_no_secrets_and_none_of_http(desk: Desk) -> None:
    ended = desk.run("install", "cursor", "--no-prepare", **SETTINGS)
    assert ended.code == 0, ended.err
    assert _entry(desk)["env"] == {
        "RECSYS_DATABASE_TLS": "verify",
        "RECSYS_DATABASE_CA": str(desk.folder / "work" / "ca.pem"),
        "RECSYS_QDRANT_URL": "http://vectors:6333",
        "RECSYS_LOG_LEVEL": "DEBUG",
    }
    assert "RECSYS_DATABASE_URL, RECSYS_DATABASE_PASSWORD, RECSYS_QDRANT_API_KEY: secrets are not written" in ended.out
    for secret in ("pa55word", "k3y", "t0ken"):
        assert all(secret.encode() not in content for content in desk.files().values())


def test_vscode_asks_for_the_secrets(desk: Desk) -> None:
    ended = desk.run("install", "vscode", "--no-prepare", **SETTINGS)
    assert "VS Code asks for RECSYS_DATABASE_URL, RECSYS_DATABASE_PASSWORD, RECSYS_QDRANT_API_KEY" in ended.out
    content = json.loads(desk.files()[".config/Code/User/mcp.json"])
    asked = {value for value in content["servers"]["recsys"]["env"].values() if value.startswith("${input:")}
    assert asked == {f"${{input:{item['id']}}}" for item in content["inputs"]}
    assert len(asked) == 3


def test_settings_of_a_dotenv_file_go_along_too(desk: Desk) -> None:
    (desk.folder / "work").mkdir()
    (desk.folder / "work" / ".env").write_text("RECSYS_ITEM_SET_DAYS=3\n", encoding="utf-8")
    assert desk.run("install", "cursor", "--no-prepare").code == 0
    assert _entry(desk)["env"] == {"RECSYS_ITEM_SET_DAYS": "3.0"}


@pytest.mark.parametrize(("host", "file"), [("cursor", CURSOR), ("codex", ".codex/config.toml")])
def test_printing_writes_nothing_and_gives_what_would_be_written(host: str, file: str, desk: Desk) -> None:
    printed = desk.run("install", host, "--print")
    assert printed.code == 0, printed.err
    assert list(desk.home.iterdir()) == []
    assert printed.out.splitlines()[0] == f"recsys would be added to {desk.home / file}:"
    assert desk.run("install", host, "--no-prepare").code == 0
    assert desk.files()[file].decode() == "".join(printed.out.splitlines(keepends=True)[1:])


def test_hosts_are_listed_found_or_not_installed_or_not(desk: Desk) -> None:
    (desk.home / ".cursor").mkdir(parents=True)
    (desk.home / ".codex").mkdir()
    (desk.home / ".codex" / "config.toml").write_text("a = [\n", encoding="utf-8")
    desk.run("install", "cursor", "--no-prepare")
    lines = {line["host"]: line for line in desk.run("install", "--list", "--json").json}
    assert list(lines) == [host.name for host in HOSTS]
    assert {name for name, line in lines.items() if line["found"]} == {"cursor", "codex"}
    assert {name for name, line in lines.items() if line["installed"]} == {"cursor"}
    assert {name for name, line in lines.items() if line["problem"]} == {"codex"}
    table = {line.split()[0]: line.split() for line in desk.run("install", "list").out.splitlines()}
    assert table["cursor"] == ["cursor", "yes", "yes", str(desk.home / CURSOR)]
    assert table["zed"] == ["zed", "-", "-", str(desk.home / ".config/zed/settings.json")]


def test_a_host_that_is_not_found_is_entered_all_the_same_and_said(desk: Desk) -> None:
    ended = desk.run("install", "zed", "--no-prepare")
    assert "Zed was not found on this machine" in ended.out
    assert ".config/zed/settings.json" in desk.files()


def test_an_update_shows_old_and_new_and_no_token(desk: Desk) -> None:
    desk.run("install", "cursor", "--url", "http://old/mcp", RECSYS_TOKEN="t0ken")
    ended = desk.run("install", "cursor", "--url", "http://new/mcp", "--token", "t0ken")
    old, new = (json.loads(ended.out.split(f"{which}: ")[1].splitlines()[0]) for which in ("old", "new"))
    assert (old["url"], new["url"]) == ("http://old/mcp", "http://new/mcp")
    assert _entry(desk)["headers"] == {"Authorization": "Bearer t0ken"}
    shown = desk.run("install", "cursor", "--url", "http://newer/mcp", "--token", "t0ken", "--json")
    assert (shown.json["old"]["url"], shown.json["new"]["url"]) == ("http://new/mcp", "http://newer/mcp")
    assert all("t0ken" not in text for text in (ended.out, ended.err, shown.out, shown.err))


def test_a_projects_file_is_written_in_its_folder_with_a_warning(desk: Desk, tmp_path: Path) -> None:
    project = tmp_path / "project [1]"
    ended = desk.run("install", "codex", "--project", project, "--no-prepare")
    assert ended.code == 0, ended.err
    path = project / ".codex" / "config.toml"
    assert f"{path} holds paths of this machine" in ended.out
    assert tomllib.loads(path.read_text(encoding="utf-8"))["mcp_servers"]["recsys"]["args"] == ["serve"]
    assert desk.files() == {}
    assert desk.run("uninstall", "codex", "--project", project, "--json").json["action"] == "removed"
    assert not path.exists()


def test_uninstalling_says_what_it_did_and_leaves_a_copy(desk: Desk) -> None:
    path = desk.home / CURSOR
    path.parent.mkdir(parents=True)
    path.write_text('{"mcpServers": {"docs": {}}}', encoding="utf-8")
    assert "is not in" in desk.run("uninstall", "cursor").out
    desk.run("install", "cursor", "--no-prepare")
    ended = desk.run("uninstall", "cursor")
    assert ended.code == 0
    assert f"recsys was removed from Cursor, in {path}" in ended.out
    assert path.read_text(encoding="utf-8") == '{"mcpServers": {"docs": {}}}'
    copy = Path(ended.out.split("A copy of the file as it was: ")[1].splitlines()[0])
    assert "recsys" in json.loads(copy.read_text(encoding="utf-8"))["mcpServers"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["install"], "which host?"),
        (["install", "emacs"], "there is no host 'emacs'"),
        (["install", "cursor", "--name", "my server"], "--name 'my server'"),
        (["install", "claude-desktop", "--url", "http://films/mcp"], "no URLs"),
        (["install", "windsurf", "--project", "."], "keeps no servers in projects"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_changes_nothing(words: list[str], said: str, desk: Desk) -> None:
    ended = desk.run(*words)
    assert ended.code == 2
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1
    assert desk.files() == {}
