"""`bundle`: the server as one file for hosts that install MCP bundles."""

from pathlib import Path

import typer

from mcp_server import __version__
from mcp_server.errors import InvalidInputError
from mcp_server.hosts.bundle import write_bundle
from recsys_shared.plain_text import one_line


def run_bundle(output: Path | None) -> None:
    """
    Raises:
        InvalidInputError: It cannot be written there.
    """
    path = output or Path(f"recsys-mcp-{__version__}.mcpb")
    try:
        write_bundle(path)
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be written: {error.strerror or error}") from error
    typer.echo(
        f"{one_line(str(path))} ({path.stat().st_size / 2**20:.1f} MB) is ready.\n"
        "Open it with Claude Desktop, or drop it on its settings for extensions. It needs the network once, when it is "
        "installed, and some minutes when it starts for the first time."
    )
