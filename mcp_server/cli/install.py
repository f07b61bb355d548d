"""`install`: our server in the file of an MCP host."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from mcp_server.cli.change_report import change_as_json, print_change
from mcp_server.cli.options import (
    AsJson,
    Data,
    Dataset,
    EnvFile,
    HostName,
    Project,
    ServerName,
    Sources,
    State,
    make_settings,
)
from mcp_server.cli.prepare import prepare_and_report
from mcp_server.cli.rendering import wide_console
from mcp_server.dataset.spec import find_spec_file, load_spec
from mcp_server.errors import InvalidInputError, RecsysError
from mcp_server.hosts.config_file import ConfigFile, ConfigFileError
from mcp_server.hosts.host import Host
from mcp_server.hosts.installation import Change, check_name, plan_install, plan_uninstall
from mcp_server.hosts.known import HOSTS, find_host
from mcp_server.hosts.machine import Machine
from mcp_server.hosts.server_entry import LocalServer, RemoteServer, local_server
from mcp_server.settings import Settings
from recsys_shared.plain_text import json_text, one_line, several_lines
from recsys_shared.terminal import PlainConsole


@dataclass(frozen=True)
class InstallOptions:
    """Options of `install` besides the host and the settings."""

    name: str
    project: Path | None
    url: str | None
    token: str | None
    prepare: bool
    print_only: bool
    as_json: bool


def install(
    host: HostName = None,
    name: ServerName = "recsys",
    project: Project = None,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Enter a running server instead of starting one, if the host can use running servers."
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(envvar="RECSYS_TOKEN", help="Bearer token for --url; it is written into the host's file."),
    ] = None,
    prepare: Annotated[
        bool, typer.Option("--prepare/--no-prepare", help="Prepare the dataset now, or leave that to the server.")
    ] = True,
    print_only: Annotated[
        bool, typer.Option("--print", help="Print what would be written, and write nothing.")
    ] = False,
    list_hosts: Annotated[
        bool, typer.Option("--list", help="List the hosts: found here or not, installed or not.")
    ] = False,
    as_json: AsJson = False,
    dataset: Dataset = None,
    state: State = None,
    data: Data = None,
    source: Sources = None,
    env_file: EnvFile = None,
) -> None:
    """Enter the server into an MCP host's own file, and prepare the dataset.

    Everything else in the file stays, a copy is made before the first change, and a second run changes nothing. The
    settings of this run, from options or the environment, are written into the entry; secrets are not.

    Examples:

    recsys-mcp install claude-desktop

    recsys-mcp install vscode --project . --dataset shop/dataset.yaml

    recsys-mcp install cursor --url https://films.example.com/mcp --token TOKEN
    """
    if list_hosts or host == "list":
        _print_hosts(name, project, as_json)
        return
    if host is None:
        raise InvalidInputError("which host? `recsys-mcp install list` lists them")
    options = InstallOptions(name, project, url, token if url else None, prepare, print_only, as_json)
    _install(
        make_settings(dataset=dataset, state=state, data=data, sources=source, env_file=env_file),
        find_host(host),
        options,
    )


def _install(settings: Settings, host: Host, options: InstallOptions) -> None:
    machine = Machine.here()
    check_name(options.name)
    file = ConfigFile(host.file(machine, options.project))
    server = RemoteServer(options.url, options.token) if options.url else local_server(settings, machine.environment)
    if isinstance(server, LocalServer):
        find_spec_file(settings.dataset)  # refuse a wrong name now: nobody sees the server's own error
    change = plan_install(host, file, options.name, server)
    console = PlainConsole(soft_wrap=True, stderr=options.as_json)
    if options.print_only:
        _print_plan(console, host, change, options)
        return
    found = host.is_found(machine)  # before a file of ours makes it look so
    backup = None if change.action == "unchanged" else file.replace(change.text)
    print_change(console, host, change, options.name, backup)
    if options.project is None and not found:
        missing = (f"{host.title} was not found on this machine", "yellow")
        console.print(Text.assemble(missing, "; its file is ready for when it is."))
    for note in _notes(host, server, change, options):
        console.print(note)
    ready = isinstance(server, LocalServer) and options.prepare and _prepare(settings, console)
    asking = (one_line(_question(settings, server)), "bold")
    console.print(Text.assemble(("\nNext", "bold"), f": {host.next_step} Then ask: ", asking))
    if options.as_json:
        said = {"found": found, "prepared": ready, "next": host.next_step}
        print(json_text(change_as_json(host, change, backup) | said, indent=1))


def _prepare(settings: Settings, console: PlainConsole) -> bool:
    console.print("\nPreparing the dataset, so that the first question is answered at once:")
    try:
        prepare_and_report(settings)
    except RecsysError as error:
        raise RecsysError(
            f"the server is installed, but its dataset could not be prepared: {error}. The server tries again when the "
            "host starts it; `recsys-mcp doctor` says what is missing"
        ) from error
    return True


def _notes(host: Host, server: LocalServer | RemoteServer, change: Change, options: InstallOptions) -> list[Text]:
    """Remarks about secrets, and about a project's file."""
    notes, path = [], str(change.file.path)
    if isinstance(server, LocalServer) and change.new is not None:
        missing = [name for name in server.secrets if name not in change.new.get("env", {})]
        if missing:
            said = (
                ": secrets are not written into files. Add those you need "
                f'to "env" of the entry in {path}; until then the server starts without them.'
            )
            notes.append(Text.assemble((", ".join(missing), "yellow"), said))
        if server.secrets and not missing:
            notes.append(Text(f"{host.title} asks for {', '.join(server.secrets)} when it starts the server."))
    if options.project is not None:
        what = "a token" if options.token else "paths of this machine"
        notes.append(Text.assemble((f"{path} holds {what}", "yellow"), ": think before you commit it."))
    return notes


def _print_plan(console: PlainConsole, host: Host, change: Change, options: InstallOptions) -> None:
    """Print the entry for people to read or to paste, with nothing hidden."""
    if options.as_json:
        print(
            json_text({"host": host.name, "file": str(change.file.path), "would": change.action, "entry": change.new})
        )
        return
    would = {"added": "would be added to", "updated": "would be updated in", "unchanged": "is already in"}
    console.print(f"{options.name} {would[change.action]} {change.file.path}:", style="dim")
    assert change.new is not None
    print(several_lines(host.snippet(options.name, change.new)), end="")


def _question(settings: Settings, server: LocalServer | RemoteServer) -> str:
    """A first question that needs no ID of the dataset."""
    if isinstance(server, RemoteServer):
        return "Which tools for recommendations do you have?"
    return f"What are the most popular {load_spec(find_spec_file(settings.dataset)).nouns.items}?"


def _print_hosts(name: str, project: Path | None, as_json: bool) -> None:
    """Print all hosts: whether they were found on this machine, and whether our server is in their files."""
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


def _yes(value: bool) -> str:
    return "yes" if value else "-"
