"""`uninstall`: our server taken out of the file of an MCP host."""

from mcp_server.cli.change_report import change_as_json, print_change
from mcp_server.cli.options import AsJson, HostName, Project, ServerName
from mcp_server.errors import InvalidInputError
from mcp_server.hosts.config_file import ConfigFile
from mcp_server.hosts.installation import plan_uninstall
from mcp_server.hosts.known import find_host
from mcp_server.hosts.machine import Machine
from recsys_shared.plain_text import json_text
from recsys_shared.terminal import PlainConsole


def uninstall(
    host: HostName = None, name: ServerName = "recsys", project: Project = None, as_json: AsJson = False
) -> None:
    """Take the server out of an MCP host's file; the rest of the file, and what was prepared, stay."""
    if host is None:
        raise InvalidInputError("which host? `recsys-mcp install list` lists them")
    known = find_host(host)
    change = plan_uninstall(known, ConfigFile(known.file(Machine.here(), project)), name)
    backup = change.file.replace(change.text) if change.action == "removed" else None
    console = PlainConsole(soft_wrap=True, stderr=as_json)
    print_change(console, known, change, name, backup)
    if change.action == "removed":
        console.print(f"{known.title} notices when it is started again. What was prepared stays.")
    if as_json:
        print(json_text(change_as_json(known, change, backup), indent=1))
