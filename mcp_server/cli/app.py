"""The command `recsys-mcp`: its subcommands, and errors as one line and exit code 2.

The module of a subcommand is imported when it is needed, so that `serve` starts without the imports of others. For
`--help` all of them are needed, so each does its heavy imports inside functions.
"""

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mcp_server import __version__
from mcp_server.errors import RecsysError
from recsys_shared.plain_text import error_line

EXIT_REFUSED = 2
"""Exit code where the user has to change something; one line on stderr says what."""

COMMANDS = ("init", "prepare", "train", "evaluate", "questions", "serve", "call", "doctor", "demo", "install",
            "uninstall", "bundle")  # fmt: skip
"""Subcommands in the order of `--help`: each is the function of this name in the module of this name."""


class Subcommands(TyperGroup):
    """The subcommands, each imported when it is asked for; all of them for a wrong name, to suggest the right one."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        for name in [cmd_name] if cmd_name in COMMANDS else COMMANDS:
            single = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)
            single.command(name)(getattr(import_module(f"mcp_server.cli.{name}"), name))
            self.commands[name] = typer.main.get_command(single)
        return self.commands.get(cmd_name)


app = typer.Typer(
    cls=Subcommands,
    name="recsys-mcp",
    help="Recommendation tools for LLM assistants, over the Model Context Protocol.\n\n"
    "Start with `recsys-mcp demo`: it prepares the MovieLens catalogue and asks it a dozen questions.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Recommendation tools for LLM assistants, over the Model Context Protocol."""


def main() -> None:
    """Run the command line; errors meant for the user become one line and exit code 2."""
    from pydantic import ValidationError

    try:
        app()
    except RecsysError as error:
        typer.echo(f"recsys-mcp: {error_line(error)}", err=True)
        sys.exit(EXIT_REFUSED)
    except ValidationError as error:  # in the settings
        problems = "; ".join(f"RECSYS_{str(p['loc'][0]).upper()}: {p['msg']}" for p in error.errors() if p["loc"])
        typer.echo(f"recsys-mcp: {error_line(problems or error)}", err=True)
        sys.exit(EXIT_REFUSED)
    except KeyboardInterrupt:
        sys.exit(130)
