"""Options that several commands share, and the settings made of them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from mcp_server.errors import InvalidInputError
from mcp_server.logs import configure_logs
from mcp_server.settings import Settings, check_source_name

Dataset = Annotated[
    str | None,
    typer.Option("--dataset", help="A dataset.yaml, or the name of a bundled dataset. [RECSYS_DATASET; ml-100k]"),
]
State = Annotated[
    Path | None, typer.Option("--state", help="Folder of all prepared state. [RECSYS_STATE; the user's data folder]")
]
Data = Annotated[
    Path | None,
    typer.Option("--data", help="Folder with the dataset's files, if they are not beside dataset.yaml. [RECSYS_DATA]"),
]
EnvFile = Annotated[
    Path | None,
    typer.Option(
        "--env-file",
        help="A file of settings that you trust: environment variables, one a line. A .env file that merely lies in "
        "the working directory may set harmless ones only. [RECSYS_ENV_FILE]",
    ),
]
Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="NAME=URL",
        help="A database that the dataset reads from, by the name that it has for it. Repeat it for more. Other users "
        "of the machine can see options: give URLs with passwords by environment or --env-file. [RECSYS_SOURCE_NAME]",
    ),
]
HostName = Annotated[
    str | None,
    typer.Argument(
        metavar="HOST", help="claude-desktop, cursor, vscode, ...; `recsys-mcp install list` lists them all."
    ),
]
ServerName = Annotated[str, typer.Option("--name", help="The server's name in the host.")]
Project = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Use the file of a project instead of the user's own, if the host has one."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def make_settings(**changes: Any) -> Settings:
    """The settings of this run, with the options that were given; the log is set up by them."""
    given = {name: value for name, value in changes.items() if value is not None}
    if "sources" in given:
        given["sources"] = _parse_sources(given["sources"])
    settings = Settings(**given)
    configure_logs(settings.log_level, settings.log_format)
    return settings


def _parse_sources(given: list[str]) -> dict[str, str]:
    """The URLs of databases by name."""
    sources = {}
    for text in given:
        name, equals, url = text.partition("=")
        if not equals or not url or "://" in name:
            raise InvalidInputError("--source: NAME=URL was expected, such as shop=mysql://USER@HOST/DATABASE")
        check_source_name(name, "--source")
        sources[name] = url
    return sources
