"""The command that hosts are told to start."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from mcp_server.hosts.server_entry import OVER_HTTP, is_secret, local_server
from mcp_server.settings import Settings


@pytest.mark.parametrize(
    ("python", "script", "expected"),
    [
        ("bin/python", "bin/recsys-mcp", ["bin/recsys-mcp", "serve"]),
        ("bin/python", None, ["bin/python", "-P", "-m", "mcp_server", "serve"]),
        ("Scripts/python.exe", "Scripts/recsys-mcp.exe", ["Scripts/recsys-mcp.exe", "serve"]),
        ("Scripts/python.exe", "Scripts/recsys-mcp", ["Scripts/python.exe", "-P", "-m", "mcp_server", "serve"]),
    ],
)
def test_it_is_the_script_of_the_environment_else_its_python(
    python: str, script: str | None, expected: list[str], tmp_path: Path
) -> None:
    (tmp_path / python).parent.mkdir()
    if script:
        (tmp_path / script).touch()
    server = local_server(Settings(), {}, str(tmp_path / python))
    assert [server.command, *server.args] == [str(tmp_path / expected[0]), *expected[1:]]
    assert (dict(server.env), server.secrets) == ({}, ())


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_virtual_environment_is_not_left_by_its_links(tmp_path: Path) -> None:
    """Its python is a link to the one that it was made from, which does not have the program."""
    (tmp_path / "python").touch()
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "python").symlink_to(tmp_path / "python")
    assert local_server(Settings(), {}, str(tmp_path / "venv" / "python")).command == str(tmp_path / "venv" / "python")


def test_every_secret_of_the_settings_is_known_as_one() -> None:
    settings = Settings(database_url="a", database_password="b", qdrant_api_key="c", tokens="d")
    held = {name for name in Settings.model_fields if isinstance(getattr(settings, name), SecretStr)}
    assert {name for name in Settings.model_fields if is_secret(f"RECSYS_{name.upper()}")} == held
    assert set(Settings.model_fields) > OVER_HTTP


def test_databases_of_a_dataset_are_secrets_that_are_not_written(tmp_path: Path) -> None:
    url = "mysql://reader:geheim@db/shop"
    server = local_server(Settings(sources={"shop": url, "log": "sqlite:///log.db"}), {})
    assert server.secrets == ("RECSYS_SOURCE_SHOP", "RECSYS_SOURCE_LOG")
    assert "geheim" not in repr(server)
    assert is_secret("RECSYS_SOURCE_SHOP")
    (tmp_path / "mine.env").write_text(f"RECSYS_SOURCE_SHOP={url}\n")
    assert local_server(Settings(env_file=tmp_path / "mine.env"), {}).secrets == ()


def test_folders_of_tools_go_along_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    server = local_server(Settings(tools_path=[Path("a"), Path("b")]), {})
    assert server.env == {"RECSYS_TOOLS_PATH": f"{tmp_path / 'a'}{os.pathsep}{tmp_path / 'b'}"}
