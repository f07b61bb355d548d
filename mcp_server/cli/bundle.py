"""`bundle`: the server as one file for hosts that install MCP bundles."""

from pathlib import Path
from typing import Annotated

import typer

from mcp_server import __version__
from mcp_server.errors import InvalidInputError
from recsys_shared.plain_text import one_line


def bundle(
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File to write. [recsys-mcp-VERSION.mcpb in the working directory]"),
    ] = None,
) -> None:
    """Make an MCP bundle: one file that hosts such as Claude Desktop install by a double click."""
    from mcp_server.hosts.bundle import write_bundle

    path = output or Path(f"recsys-mcp-{__version__}.mcpb")
    try:
        write_bundle(path)
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be written: {error.strerror or error}") from error
    typer.echo(
        f"{one_line(str(path))} ({path.stat().st_size / 2**20:.1f} MB) is ready.\n"
        "Open it with Claude Desktop, or drop it on the extensions page of its settings. Installing it needs the "
        "network once, and its first start takes some minutes."
    )
