"""The commands that bring the server into MCP hosts: what each takes. What it does is in ``commands``."""

from pathlib import Path
from typing import Annotated

import typer

from mcp_server.cli.options import AsJson, Data, Dataset, EnvFile, State, make_settings
from mcp_server.errors import InvalidInputError

HostName = Annotated[
    str | None,
    typer.Argument(metavar="HOST", help="claude-desktop, cursor, vscode, ...; `list` lists them all."),
]
ServerName = Annotated[str, typer.Option("--name", help="Name of the server in the host.")]
Project = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="The file of a project instead of the user's own, where the host has one."),
]


def install(
    host: HostName = None,
    name: ServerName = "recsys",
    project: Project = None,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A running server, where the host can use one, instead of starting one."),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(envvar="RECSYS_TOKEN", help="Bearer token for --url; is written into the host's file."),
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
    env_file: EnvFile = None,
) -> None:
    """Enter the server into an MCP host's own file, and prepare the dataset.

    What is in the file stays, a copy is made before the first change, and a second run changes nothing. Settings of
    this run, from options or the environment, go along; secrets do not.

    Examples:

    recsys-mcp install claude-desktop

    recsys-mcp install vscode --project . --dataset shop/dataset.yaml

    recsys-mcp install cursor --url https://films.example.com/mcp --token TOKEN
    """
    from mcp_server.cli.install import InstallOptions, run_install, run_list

    if list_hosts or host == "list":
        run_list(name, project, as_json)
        return
    chosen = InstallOptions(name, project, url, token if url else None, prepare, print_only, as_json)
    run_install(make_settings(dataset=dataset, state=state, data=data, env_file=env_file), _named(host), chosen)


def uninstall(
    host: HostName = None, name: ServerName = "recsys", project: Project = None, as_json: AsJson = False
) -> None:
    """Take the server out of an MCP host's file; the rest of the file, and what was prepared, stay."""
    from mcp_server.cli.install import run_uninstall

    run_uninstall(_named(host), name, project, as_json)


def bundle(
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where it goes. [recsys-mcp-VERSION.mcpb in this folder]")
    ] = None,
) -> None:
    """Make an MCP bundle: one file that hosts such as Claude Desktop install by a double click."""
    from mcp_server.cli.bundle import run_bundle

    run_bundle(output)


def add_commands(app: typer.Typer) -> None:
    for command in (install, uninstall, bundle):
        app.command()(command)


def _named(host: str | None) -> str:
    if host is None:
        raise InvalidInputError("which host? `recsys-mcp install list` lists them")
    return host
