"""A folder that a host has opened and a server starts in: what lies there leads to no code, files, servers or clients.

Whoever starts the program may name the same things: in the environment, as options, or in a file with --env-file.
"""

import json
import os
import shutil
from pathlib import Path

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.hosts.server_entry import local_server
from mcp_server.settings import HARMLESS, Settings
from tests.commands import run
from tests.conftest import SHOP, skip_without_recbole
from tests.running_servers import own_environment

HARMFUL = sorted(f"RECSYS_{name.upper()}" for name in Settings.model_fields if name not in HARMLESS)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    for name in os.environ:
        if name.startswith("RECSYS_"):
            monkeypatch.delenv(name)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def test_what_is_harmless_is_said_setting_by_setting() -> None:
    """A new setting is none until somebody has thought of it."""
    assert set(Settings.model_fields) > HARMLESS
    for name in ("dataset", "state", "data", "tools_path", "database_url", "qdrant_url", "embedding_model", "host"):
        assert f"RECSYS_{name.upper()}" in HARMFUL


@pytest.mark.parametrize("name", HARMFUL)
@pytest.mark.parametrize("written", [str.upper, str.lower])
def test_a_found_file_that_leads_elsewhere_is_refused(folder: Path, name: str, written: object) -> None:
    assert callable(written)
    (folder / ".env").write_text(f"export {written(name)}=/strange\n")
    with pytest.raises(InvalidInputError, match=f"sets {name},.*--env-file .env") as refused:
        Settings()
    assert str(folder / ".env") in str(refused.value)


def test_all_that_is_refused_is_named_at_once(folder: Path) -> None:
    (folder / ".env").write_text("RECSYS_STATE=a\nRECSYS_PORT=9000\nRECSYS_DATA=b\n")
    with pytest.raises(InvalidInputError, match="sets RECSYS_DATA, RECSYS_STATE, which"):
        Settings()


def test_a_found_file_may_have_harmless_settings_and_those_of_others(folder: Path) -> None:
    lines = ["RECSYS_PORT=9000", "RECSYS_LOG_LEVEL=ERROR", "HOST=0.0.0.0", "STATE=/strange", "TOOLS_PATH=/strange"]
    (folder / ".env").write_text("\n".join(lines))
    settings = Settings()
    assert (settings.port, settings.log_level) == (9000, "ERROR")
    assert (settings.host, settings.state, settings.tools_path) == ("127.0.0.1", None, [])


@pytest.mark.parametrize("how", ["option", "environment"])
def test_a_named_file_may_have_all_settings(folder: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text("RECSYS_STATE=/mine\nRECSYS_TOOLS_PATH=/tools\n")
    if how == "environment":
        monkeypatch.setenv("RECSYS_ENV_FILE", ".env")
    settings = Settings() if how == "environment" else Settings(env_file=Path(".env"))
    assert (settings.state, settings.tools_path) == (Path("/mine"), [Path("/tools")])
    assert settings.env_file_option == ["--env-file", str(folder / ".env")]


def test_a_named_file_takes_the_place_of_a_found_one(folder: Path) -> None:
    (folder / ".env").write_text("RECSYS_STATE=/strange\nRECSYS_PORT=1\n")
    (folder / "mine.env").write_text("RECSYS_STATE=/mine\n")
    settings = Settings(env_file=Path("mine.env"))
    assert (settings.state, settings.port) == (Path("/mine"), 8000)


def test_a_file_that_cannot_be_read_is_named(folder: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"nowhere.env does not exist \(--env-file, RECSYS_ENV_FILE\)"):
        Settings(env_file=Path("nowhere.env"))
    (folder / ".env").write_bytes(b"RECSYS_PORT=\xff\n")
    with pytest.raises(InvalidInputError, match=r"\.env cannot be read: .*utf-8"):
        Settings()


@pytest.mark.skipif(os.name != "posix", reason="there are no named pipes")
def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / ".env")
    assert Settings().port == 8000


def test_hosts_are_told_of_a_named_file_and_not_of_what_is_in_it(folder: Path) -> None:
    (folder / "mine.env").write_text("RECSYS_LOG_LEVEL=ERROR\nRECSYS_DATABASE_PASSWORD=geheim\n")
    server = local_server(Settings(env_file=Path("mine.env"), item_set_days=3), {})
    assert server.args[-2:] == ("--env-file", str(folder / "mine.env"))
    assert (dict(server.env), server.secrets) == ({"RECSYS_ITEM_SET_DAYS": "3.0"}, ())


def test_a_bundled_name_means_the_bundled_dataset_wherever_it_is_asked_for(folder: Path) -> None:
    here = Settings().state_folder
    shutil.copytree(SHOP, folder / "ml-100k")
    assert Settings().state_folder == here
    assert Settings(dataset="./ml-100k").state_folder != here
    ended = run(["doctor", "--json"], folder, own_environment({"RECSYS_STATE": str(folder / "nothing")}))
    dataset = next(finding for finding in json.loads(ended.out) if finding["check"] == "dataset")
    assert "corner-shop" not in dataset["text"]


def test_nothing_in_the_working_directory_is_imported_or_served(folder: Path, tmp_path: Path) -> None:
    """Modules with the names of ours and of libraries, a dataset with the default's name, and a file of settings."""
    skip_without_recbole()
    marker = tmp_path / "marker"
    for name in ("yaml", "mcp", "mcp_server", "recbole", "torch", "numpy", "anyio", "sitecustomize", "usercustomize"):
        (folder / f"{name}.py").write_text(f"open({str(marker)!r}, 'a').write({name!r})\n")
    environment = own_environment({"RECSYS_STATE": str(tmp_path / "state"), "RECSYS_DATASET": str(SHOP)})
    prepared = run(["prepare"], folder, environment)
    assert prepared.code == 0, prepared.err
    called = run(["call", "get_user_metadata_tool", "user=anna", "get=city", "--json"], folder, environment)
    assert "Lyon" in json.dumps(called.json)
    assert not marker.exists()

    (folder / ".env").write_text(f"RECSYS_STATE=.\nRECSYS_TOOLS_PATH={folder}\n")
    refused = run(["serve"], folder, environment)
    assert (refused.code, refused.out) == (2, "")
    assert "sets RECSYS_STATE, RECSYS_TOOLS_PATH" in refused.err
    assert len(refused.err.splitlines()) == 1
    assert not marker.exists()
