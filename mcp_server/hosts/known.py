"""The known hosts: the file in which each keeps its servers, and its form.

Each is described as in its own documentation; hosts whose documentation leaves this open are not included.
"""

from pathlib import Path

from mcp_server.errors import InvalidInputError
from mcp_server.hosts.host import Host, codex_entry, gemini_entry, server_url_entry, typed_url_entry, url_entry
from mcp_server.hosts.machine import Machine


def _claude_folder(machine: Machine) -> Path:
    """The folder of Claude Desktop; installed as a Windows package, the app sees one of its own."""
    if machine.platform == "win32":
        for package in sorted((machine.local_data / "Packages").glob("Claude_*")):
            return package / "LocalCache" / "Roaming" / "Claude"
    return machine.application_data / "Claude"


def _claude_code_file(machine: Machine) -> Path:
    return Path(machine.environment.get("CLAUDE_CONFIG_DIR") or machine.home) / ".claude.json"


def _codex_folder(machine: Machine) -> Path:
    return Path(machine.environment.get("CODEX_HOME") or machine.home / ".codex")


def _zed_folder(machine: Machine) -> Path:
    match machine.platform:
        case "win32":
            return machine.application_data / "Zed"
        case "darwin":
            return machine.home / ".config" / "zed"
    return machine.configuration / "zed"


def _vscode(name: str, title: str, folder: str, program: str) -> Host:
    return Host(
        name=name,
        title=title,
        find_file=lambda machine: machine.application_data / folder / "User" / "mcp.json",
        find_signs=lambda machine: [machine.application_data / folder],
        programs=(program,),
        project_file=".vscode/mcp.json",
        servers_key="servers",
        notation="json with comments",
        write_remote=typed_url_entry,
        names_transport=True,
        asks_for_secrets=True,
        next_step=f"Open the chat of {title} in agent mode; it asks once whether you trust the server.",
    )


HOSTS = (
    Host(
        name="claude-desktop",
        title="Claude Desktop",
        find_file=lambda machine: _claude_folder(machine) / "claude_desktop_config.json",
        find_signs=lambda machine: [_claude_folder(machine)],
        next_step="Quit Claude Desktop, not only its window, and open it again.",
    ),
    Host(
        name="claude-code",
        title="Claude Code",
        find_file=_claude_code_file,
        find_signs=lambda machine: [_claude_code_file(machine), machine.home / ".claude"],
        programs=("claude",),
        project_file=".mcp.json",
        write_remote=typed_url_entry,
        names_transport=True,
        next_step="Start a new session of Claude Code; /mcp shows the server.",
    ),
    Host(
        name="cursor",
        title="Cursor",
        find_file=lambda machine: machine.home / ".cursor" / "mcp.json",
        find_signs=lambda machine: [machine.home / ".cursor"],
        programs=("cursor",),
        project_file=".cursor/mcp.json",
        write_remote=url_entry,
        next_step="Restart Cursor, and see in its settings for MCP that the server is switched on.",
    ),
    _vscode("vscode", "VS Code", "Code", "code"),
    _vscode("vscode-insiders", "VS Code Insiders", "Code - Insiders", "code-insiders"),
    Host(
        name="windsurf",
        title="Windsurf",
        find_file=lambda machine: machine.home / ".codeium" / "windsurf" / "mcp_config.json",
        find_signs=lambda machine: [machine.home / ".codeium" / "windsurf"],
        programs=("windsurf",),
        write_remote=server_url_entry,
        next_step="Refresh the MCP servers in Windsurf's Cascade panel, or restart Windsurf.",
    ),
    Host(
        name="zed",
        title="Zed",
        find_file=lambda machine: _zed_folder(machine) / "settings.json",
        find_signs=lambda machine: [_zed_folder(machine)],
        project_file=".zed/settings.json",
        servers_key="context_servers",
        notation="json with comments",
        write_remote=url_entry,
        takes_sse=False,
        next_step="Open Zed's agent panel; its settings show a green dot beside the server.",
    ),
    Host(
        name="gemini-cli",
        title="Gemini CLI",
        find_file=lambda machine: machine.home / ".gemini" / "settings.json",
        find_signs=lambda machine: [machine.home / ".gemini"],
        programs=("gemini",),
        project_file=".gemini/settings.json",
        notation="json with comments",
        write_remote=gemini_entry,
        next_step="Start Gemini CLI anew; /mcp shows the server.",
    ),
    Host(
        name="codex",
        title="Codex",
        find_file=lambda machine: _codex_folder(machine) / "config.toml",
        find_signs=lambda machine: [_codex_folder(machine)],
        programs=("codex",),
        project_file=".codex/config.toml",
        servers_key="mcp_servers",
        notation="toml",
        write_remote=codex_entry,
        takes_sse=False,
        next_step="Start Codex anew; /mcp shows the server.",
    ),
    Host(
        name="lm-studio",
        title="LM Studio",
        find_file=lambda machine: machine.home / ".lmstudio" / "mcp.json",
        find_signs=lambda machine: [machine.home / ".lmstudio"],
        programs=("lms",),
        write_remote=url_entry,
        next_step="Switch the server on among the integrations of LM Studio's chat.",
    ),
)


def find_host(name: str) -> Host:
    """The host of this name.

    Raises:
        InvalidInputError: There is no such host.
    """
    for host in HOSTS:
        if host.name == name:
            return host
    raise InvalidInputError(f"the host {name!r} is not known. There are: {', '.join(h.name for h in HOSTS)}")
