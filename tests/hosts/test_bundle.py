"""The MCP bundle: what is in it, that the official tools take it, and that what they unpack starts the server."""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from mcp_server import __version__
from mcp_server.dataset.facts import DatasetFacts
from mcp_server.dataset.spec import bundled_folder, load_spec
from mcp_server.hosts.bundle import BUNDLE_FILES, write_bundle
from mcp_server.prompts.library import build_prompts
from mcp_server.settings import Settings
from mcp_server.tools import build_tools
from tests.clients.npm import program, run_node, skip_without_node

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made by the command, under the name that it gives by itself."""
    folder = tmp_path_factory.mktemp("bundle")
    subprocess.run([sys.executable, "-m", "mcp_server", "bundle"], cwd=folder, check=True, capture_output=True)
    return folder / f"recsys-mcp-{__version__}.mcpb"


@pytest.fixture(scope="module")
def manifest(bundle: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(zipfile.ZipFile(bundle).read("manifest.json"))
    return content


def test_the_same_code_gives_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    write_bundle(tmp_path / "again.mcpb")
    assert (tmp_path / "again.mcpb").read_bytes() == bundle.read_bytes()
    assert [entry.name for entry in tmp_path.iterdir()] == ["again.mcpb"]


def test_it_has_the_program_its_data_and_no_leftovers(bundle: Path) -> None:
    names = set(zipfile.ZipFile(bundle).namelist())
    packages = (ROOT / "mcp_server", ROOT / "recsys_shared")
    modules = {path.relative_to(ROOT).as_posix() for package in packages for path in package.rglob("*.py")}
    assert modules <= names
    assert {
        "mcp_server/data/ml-100k/movies.jsonl",
        "icon.png",
        "start.py",
        "pyproject.toml",
        "LICENSE",
        "NOTICE",
    } <= names
    assert not [name for name in names if "__pycache__" in name or "/." in name]


def test_tools_and_prompts_are_those_of_the_code(manifest: dict[str, Any]) -> None:
    facts = DatasetFacts(load_spec(bundled_folder() / "ml-100k" / "dataset.yaml"), None)
    tools = build_tools(facts)
    assert [tool["name"] for tool in manifest["tools"]] == list(tools)
    for listed, tool in zip(manifest["tools"], tools.values(), strict=True):
        assert " ".join(tool.description.split()).startswith(listed["description"].removesuffix("."))
    prompts = build_prompts(facts)
    assert [prompt["name"] for prompt in manifest["prompts"]] == list(prompts)
    for prompt in manifest["prompts"]:
        for argument in prompt["arguments"]:
            assert f"${{arguments.{argument}}}" in prompt["text"]
    assert manifest["version"] == __version__


def test_the_form_has_the_settings_and_hides_secrets(manifest: dict[str, Any]) -> None:
    env = manifest["server"]["mcp_config"]["env"]
    assert env == {f"RECSYS_{name.upper()}": f"${{user_config.{name}}}" for name in manifest["user_config"]}
    for name, field in manifest["user_config"].items():
        setting = Settings.model_fields[name]
        assert field["description"] == setting.description
        assert field.get("sensitive", False) == ("SecretStr" in str(setting.annotation))
        assert field.get("default") == setting.default


def test_uv_installs_what_serving_and_preparing_need(bundle: Path) -> None:
    content = tomllib.loads(zipfile.ZipFile(bundle).read("pyproject.toml").decode())
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*ours["dependencies"], *ours["optional-dependencies"]["train"]]

    def name(requirement: str) -> str:
        return (
            requirement.replace("[", ">")
            .replace("=", ">")
            .replace("<", ">")
            .split(">")[0]
            .split(";")[0]
            .strip()
            .lower()
        )

    assert {name(line) for line in content["project"]["dependencies"]} == {name(line) for line in needed}
    assert "mcp==" in "".join(content["tool"]["uv"]["constraint-dependencies"])


def test_the_icon_is_a_picture_of_the_size_that_hosts_want() -> None:
    png = (BUNDLE_FILES / "icon.png").read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")) == (512, 512)
    assert (BUNDLE_FILES / "icon.svg").read_text(encoding="utf-8").startswith("<svg")


STARTED_BY = """
import runpy, subprocess, sys, types
cli = sys.modules["mcp_server.cli.app"] = types.ModuleType("mcp_server.cli.app")
asks = "import mcp_server; print(mcp_server.__file__)"
cli.main = lambda: subprocess.run([sys.executable, "-c", asks], cwd="/", check=True)
runpy.run_path("start.py")
"""
"""Has, in place of the server, a process in another folder say which program it finds."""


def test_processes_that_the_server_starts_find_the_program_in_the_bundle(bundle: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(bundle).extractall(tmp_path)
    done = subprocess.run([sys.executable, "-c", STARTED_BY], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert Path(done.stdout.strip()) == tmp_path / "mcp_server" / "__init__.py"


async def test_what_the_official_tools_unpack_starts_the_server(
    bundle: Path, manifest: dict[str, Any], films_settings: Settings, tmp_path: Path
) -> None:
    """With values as a host fills them in: of the form's own, empty, and not at all."""
    skip_without_node()
    mcpb, folder = program("mcpb"), tmp_path / "unpacked"
    assert "passes" in _succeed(mcpb, "unpack", bundle, folder) + _succeed(mcpb, "validate", folder / "manifest.json")
    _succeed(mcpb, "pack", folder, tmp_path / "packed.mcpb")
    packed, made = zipfile.ZipFile(tmp_path / "packed.mcpb"), zipfile.ZipFile(bundle)
    assert {name: packed.read(name) for name in packed.namelist()} == {
        name: made.read(name) for name in made.namelist()
    }

    filled_in = {"RECSYS_STATE": str(films_settings.state), "RECSYS_DATASET": "ml-100k", "RECSYS_QDRANT_URL": ""}
    command = manifest["server"]["mcp_config"]
    assert command["args"][-1] == manifest["server"]["entry_point"]
    server = StdioServerParameters(
        command=sys.executable,  # in place of uv, which would fetch all packages
        args=[command["args"][-1]],
        env={**os.environ, **command["env"], **filled_in, "RECSYS_LOG_LEVEL": "ERROR"},
        cwd=folder,
    )
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        listed = [tool.name for tool in (await session.list_tools()).tools]
        answer = await session.call_tool("get_user_metadata_tool", {"user": 4, "get": ["age"]})
    assert listed == [tool["name"] for tool in manifest["tools"]]
    assert json.loads(answer.model_dump(mode="json")["content"][0]["text"])["fields"] == {"age": 24}  # of u.user


def _succeed(script: Path, *arguments: object) -> str:
    done = run_node(script, *arguments, home=Path(str(arguments[-1])).parent)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
