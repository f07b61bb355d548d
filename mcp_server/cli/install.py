"""`install` and `uninstall`: our server in the files of MCP hosts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from mcp_server.cli.rendering import wide_console
from mcp_server.dataset.spec import find_spec_file, load_spec
from mcp_server.errors import RecsysError
from mcp_server.hosts.config_file import ConfigFile, ConfigFileError
from mcp_server.hosts.host import Entry, Host
from mcp_server.hosts.installation import Change, check_name, plan_install, plan_uninstall
from mcp_server.hosts.known import HOSTS, find_host
from mcp_server.hosts.machine import Machine
from mcp_server.hosts.server_entry import LocalServer, RemoteServer, local_server, secret_variables
from mcp_server.settings import Settings
from recsys_shared.plain_text import json_text, one_line, several_lines
from recsys_shared.terminal import PlainConsole

HIDDEN = "(hidden)"


@dataclass(frozen=True)
class InstallOptions:
    """What was asked for besides the host.

    Args:
        name: Of the server in the host.
        project: A project's folder; without it, the server is for all of the user's work.
        url: A running server; without it, the host starts one.
        prepare: Make sure that the dataset is ready, so that the first question is answered at once.
        print_only: Say what would be written, and write nothing.
    """

    name: str
    project: Path | None
    url: str | None
    token: str | None
    prepare: bool
    print_only: bool
    as_json: bool


def run_install(settings: Settings, host_name: str, options: InstallOptions) -> None:
    """
    Raises:
        RecsysError: It cannot be done; the host's file is as it was.
    """
    host, machine = find_host(host_name), Machine.here()
    check_name(options.name)
    file = ConfigFile(host.file(machine, options.project))
    server: LocalServer | RemoteServer
    server = RemoteServer(options.url, options.token) if options.url else local_server(settings, machine.environment)
    if isinstance(server, LocalServer):
        find_spec_file(settings.dataset)  # a wrong name is said now, not by a server that nobody sees
    change = plan_install(host, file, options.name, server)
    console = PlainConsole(soft_wrap=True, stderr=options.as_json)
    if options.print_only:
        _print_plan(console, host, change, options)
        return
    found = host.is_found(machine)  # before a file of ours makes it look so
    backup = None if change.action == "unchanged" else file.replace(change.text)
    _say_change(console, host, change, options.name, backup)
    if options.project is None and not found:
        missing = (f"{host.title} was not found on this machine", "yellow")
        console.print(Text.assemble(missing, "; its file is there for when it is."))
    for note in _notes(host, server, change, options):
        console.print(note)
    ready = isinstance(server, LocalServer) and options.prepare and _prepare(settings, console)
    asking = (one_line(_question(settings, server)), "bold")
    console.print(Text.assemble(("\nNext", "bold"), f": {host.next_step} Then ask: ", asking))
    if options.as_json:
        said = {"found": found, "prepared": ready, "next": host.next_step}
        print(json_text(_as_json(host, change, backup) | said, indent=1))


def run_uninstall(host_name: str, name: str, project: Path | None, as_json: bool) -> None:
    """
    Raises:
        RecsysError: It cannot be done; the host's file is as it was.
    """
    host, machine = find_host(host_name), Machine.here()
    change = plan_uninstall(host, ConfigFile(host.file(machine, project)), name)
    backup = change.file.replace(change.text) if change.action == "removed" else None
    console = PlainConsole(soft_wrap=True, stderr=as_json)
    _say_change(console, host, change, name, backup)
    if change.action == "removed":
        console.print(f"{host.title} notices when it starts anew. What was prepared stays.")
    if as_json:
        print(json_text(_as_json(host, change, backup), indent=1))


def run_list(name: str, project: Path | None, as_json: bool) -> None:
    """All hosts: found on this machine or not, and whether our server is in their files."""
    machine = Machine.here()
    lines = [_line(host, machine, name, project) for host in HOSTS if project is None or host.project_file]
    if as_json:
        print(json_text(lines, indent=1))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("host", "found", "installed", "file"):
        table.add_column(column, header_style="dim", no_wrap=True)
    for line in lines:
        installed = line["problem"] or _yes(line["installed"])
        table.add_row(line["host"], _yes(line["found"]), installed, line["file"])
    wide_console(200).print(table)


def _line(host: Host, machine: Machine, name: str, project: Path | None) -> dict[str, Any]:
    path = host.file(machine, project)
    line = {"host": host.name, "title": host.title, "found": host.is_found(machine), "file": str(path)}
    try:
        installed = plan_uninstall(host, ConfigFile(path), name).action == "removed"
    except ConfigFileError:
        return line | {"installed": False, "problem": "cannot be read"}
    return line | {"installed": installed, "problem": None}


def _prepare(settings: Settings, console: PlainConsole) -> bool:
    from mcp_server.cli.prepare import run_prepare

    console.print("\nPreparing the dataset, so that the first question is answered at once:")
    try:
        run_prepare(settings)
    except RecsysError as error:
        raise RecsysError(
            f"the server is installed, but its dataset could not be prepared: {error}. The server tries again when the "
            "host starts it; `recsys-mcp doctor` says what is missing"
        ) from error
    return True


def _notes(host: Host, server: LocalServer | RemoteServer, change: Change, options: InstallOptions) -> list[Text]:
    """What the user still has to do or to know."""
    notes, path = [], str(change.file.path)
    if isinstance(server, LocalServer) and change.new is not None:
        missing = [name for name in server.secrets if name not in change.new.get("env", {})]
        if missing:
            said = (
                ": secrets are not written into files. Add what you need of them "
                f'to "env" of the entry in {path}; until then the server starts without them.'
            )
            notes.append(Text.assemble((", ".join(missing), "yellow"), said))
        if server.secrets and not missing:
            notes.append(Text(f"{host.title} asks for {', '.join(server.secrets)} when it starts the server."))
    if options.project is not None:
        what = "a token" if options.token else "paths of this machine"
        notes.append(Text.assemble((f"{path} holds {what}", "yellow"), ": think before you commit it."))
    return notes


def _say_change(console: PlainConsole, host: Host, change: Change, name: str, backup: Path | None) -> None:
    path = change.file.path
    what = {
        "unchanged": f"is already there in {path}; nothing was changed.",
        "absent": f"is not in {path}; nothing was changed.",
        "added": f"was added to {host.title}, in {path}.",
        "updated": f"of {host.title} was updated, in {path}.",
        "removed": f"was taken out of {host.title}, in {path}.",
    }
    console.print(Text.assemble((name, "bold"), f" {what[change.action]}"))
    if change.action == "updated":
        console.print(f"  old: {_shown(change.old)}")
        console.print(f"  new: {_shown(change.new)}")
    if change.action == "removed" and change.text is None:
        console.print("Nothing else was in the file, so it has gone too.")
    if backup is not None:
        console.print(f"The file as it was before: {backup}")


def _print_plan(console: PlainConsole, host: Host, change: Change, options: InstallOptions) -> None:
    """For people to read, or to paste: nothing hidden, only stdout's own text."""
    if options.as_json:
        print(
            json_text({"host": host.name, "file": str(change.file.path), "would": change.action, "entry": change.new})
        )
        return
    what = {"added": "would be added to", "updated": "would be updated in", "unchanged": "is already in"}
    console.print(f"{options.name} {what[change.action]} {change.file.path}:", style="dim")
    assert change.new is not None
    print(several_lines(host.snippet(options.name, change.new)), end="")


def _as_json(host: Host, change: Change, backup: Path | None) -> dict[str, Any]:
    return {
        "host": host.name,
        "action": change.action,
        "file": str(change.file.path),
        "backup": None if backup is None else str(backup),
        "old": _without_secrets(change.old),
        "new": _without_secrets(change.new),
    }


def _shown(entry: Entry | None) -> str:
    return json_text(_without_secrets(entry))


def _without_secrets(entry: Any) -> Any:
    """An entry for the screen, which others may see."""
    if not isinstance(entry, Mapping):
        return entry
    secret = {"Authorization", *secret_variables()}
    return {key: HIDDEN if key in secret else _without_secrets(value) for key, value in entry.items()}


def _question(settings: Settings, server: LocalServer | RemoteServer) -> str:
    """One that can be answered without knowing the dataset's IDs."""
    if isinstance(server, RemoteServer):
        return "Which tools for recommendations do you have?"
    return f"What are the most popular {load_spec(find_spec_file(settings.dataset)).nouns.items}?"


def _yes(value: bool) -> str:
    return "yes" if value else "-"
