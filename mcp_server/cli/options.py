"""Options that several commands take, and the settings that they make."""

from pathlib import Path
from typing import Annotated, Any

import typer

from mcp_server.logs import configure_logs
from mcp_server.settings import Settings

Dataset = Annotated[
    str | None,
    typer.Option("--dataset", help="A dataset.yaml, or a bundled dataset's name. [RECSYS_DATASET; ml-100k]"),
]
State = Annotated[
    Path | None,
    typer.Option("--state", help="Folder of all prepared state. [RECSYS_STATE; the user's data folder]"),
]
Data = Annotated[
    Path | None,
    typer.Option("--data", help="Folder with the dataset's files, where they are elsewhere. [RECSYS_DATA]"),
]
EnvFile = Annotated[
    Path | None,
    typer.Option(
        "--env-file",
        help="File of settings that you trust: environment variables, one a line. Without it, a .env of the working "
        "directory may have harmless settings only. [RECSYS_ENV_FILE]",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def make_settings(**changes: Any) -> Settings:
    """The settings, with the options that were given."""
    settings = Settings(**{name: value for name, value in changes.items() if value is not None})
    configure_logs(settings.log_level, settings.log_format)
    return settings
