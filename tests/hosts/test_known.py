"""Where hosts keep their servers, on each platform; asked for on whatever platform the tests run on."""

from pathlib import Path

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.hosts.host import Host
from mcp_server.hosts.known import HOSTS, find_host
from mcp_server.hosts.machine import Machine

# As the hosts' own documentation says.
PLACES = {
    "claude-desktop": (
        ".config/Claude/claude_desktop_config.json",
        "Library/Application Support/Claude/claude_desktop_config.json",
        "AppData/Roaming/Claude/claude_desktop_config.json",
    ),
    "claude-code": (".claude.json",) * 3,
    "cursor": (".cursor/mcp.json",) * 3,
    "vscode": (
        ".config/Code/User/mcp.json",
        "Library/Application Support/Code/User/mcp.json",
        "AppData/Roaming/Code/User/mcp.json",
    ),
    "vscode-insiders": (
        ".config/Code - Insiders/User/mcp.json",
        "Library/Application Support/Code - Insiders/User/mcp.json",
        "AppData/Roaming/Code - Insiders/User/mcp.json",
    ),
    "windsurf": (".codeium/windsurf/mcp_config.json",) * 3,
    "zed": (".config/zed/settings.json", ".config/zed/settings.json", "AppData/Roaming/Zed/settings.json"),
    "gemini-cli": (".gemini/settings.json",) * 3,
    "codex": (".codex/config.toml",) * 3,
    "lm-studio": (".lmstudio/mcp.json",) * 3,
}
PLATFORMS = ("linux", "darwin", "win32")
PROJECT_FILES = {
    "claude-code": ".mcp.json",
    "cursor": ".cursor/mcp.json",
    "vscode": ".vscode/mcp.json",
    "vscode-insiders": ".vscode/mcp.json",
    "zed": ".zed/settings.json",
    "gemini-cli": ".gemini/settings.json",
    "codex": ".codex/config.toml",
}


def test_every_host_has_its_places_here() -> None:
    assert [host.name for host in HOSTS] == list(PLACES)


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_users_file(host: Host, platform: str, tmp_path: Path) -> None:
    expected = PLACES[host.name][PLATFORMS.index(platform)]
    assert host.file(Machine(platform, tmp_path, {}), None) == tmp_path / expected


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_projects_file(host: Host, tmp_path: Path) -> None:
    machine = Machine("linux", tmp_path, {})
    if host.name in PROJECT_FILES:
        assert host.file(machine, tmp_path / "project") == tmp_path / "project" / PROJECT_FILES[host.name]
    else:
        with pytest.raises(InvalidInputError, match="no servers in projects"):
            host.file(machine, tmp_path / "project")


@pytest.mark.parametrize(
    ("host", "platform", "variable", "expected"),
    [
        ("claude-desktop", "linux", "XDG_CONFIG_HOME", "Claude/claude_desktop_config.json"),
        ("vscode", "linux", "XDG_CONFIG_HOME", "Code/User/mcp.json"),
        ("zed", "linux", "XDG_CONFIG_HOME", "zed/settings.json"),
        ("claude-desktop", "win32", "APPDATA", "Claude/claude_desktop_config.json"),
        ("vscode", "win32", "APPDATA", "Code/User/mcp.json"),
        ("zed", "win32", "APPDATA", "Zed/settings.json"),
        ("claude-code", "darwin", "CLAUDE_CONFIG_DIR", ".claude.json"),
        ("codex", "linux", "CODEX_HOME", "config.toml"),
    ],
)
def test_variables_move_files(host: str, platform: str, variable: str, expected: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    machine = Machine(platform, tmp_path / "home", {variable: str(elsewhere)})
    assert find_host(host).file(machine, None) == elsewhere / expected


def test_variables_of_another_platform_and_relative_ones_mean_nothing(tmp_path: Path) -> None:
    cursor, zed = find_host("cursor"), find_host("zed")
    moved = {"XDG_CONFIG_HOME": str(tmp_path / "elsewhere"), "APPDATA": str(tmp_path / "elsewhere")}
    assert cursor.file(Machine("linux", tmp_path, moved), None) == tmp_path / ".cursor/mcp.json"
    assert zed.file(Machine("darwin", tmp_path, moved), None) == tmp_path / ".config/zed/settings.json"
    assert zed.file(Machine("linux", tmp_path, {"XDG_CONFIG_HOME": "here"}), None).is_relative_to(tmp_path / ".config")


def test_claude_desktop_as_a_windows_package_has_a_folder_of_its_own(tmp_path: Path) -> None:
    package = tmp_path / "AppData/Local/Packages/Claude_pzs8sxrjxfjjc"
    (tmp_path / "AppData/Roaming/Claude").mkdir(parents=True)
    package.mkdir(parents=True)
    file = find_host("claude-desktop").file(Machine("win32", tmp_path, {}), None)
    assert file == package / "LocalCache/Roaming/Claude/claude_desktop_config.json"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_host_is_found_by_its_folder(platform: str, tmp_path: Path) -> None:
    machine = Machine(platform, tmp_path, {"PATH": ""})
    assert not any(host.is_found(machine) for host in HOSTS)
    for host in HOSTS:
        folder = host.file(machine, None).parent
        folder.mkdir(parents=True, exist_ok=True)
        if host.name == "claude-code":  # its file is in the home folder, which everybody has
            (tmp_path / ".claude").mkdir()
        assert host.is_found(machine), host.name


def test_a_host_is_found_by_its_command(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "codex"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    machine = Machine("linux", tmp_path, {"PATH": str(program.parent)})
    assert [host.name for host in HOSTS if host.is_found(machine)] == ["codex"]


def test_an_unknown_host_is_refused_with_the_names_of_all() -> None:
    with pytest.raises(InvalidInputError) as raised:
        find_host("emacs")
    assert all(name in str(raised.value) for name in PLACES)
