"""Sessions with measured servers, statistics and tables for all benchmarks."""

import json
import statistics
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import get_default_environment, stdio_client
from rich.console import Console
from rich.table import Table

from mcp_server.errors import NotPreparedError
from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder

FOLDER = Path(__file__).parent


def prepared_state() -> StateFolder:
    """The state to measure, from RECSYS_STATE. The command ends where nothing is prepared."""
    state = StateFolder(Settings().state_folder)
    try:
        state.manifest()
    except NotPreparedError as error:
        sys.exit(f"{error}, or name another folder by RECSYS_STATE")
    return state


@asynccontextmanager
async def spawned(*command: str, **variables: str) -> AsyncIterator[ClientSession]:
    """A session, not yet initialized, with a Python program that serves MCP over stdio.

    Args:
        variables: Environment variables, beside the few that each program gets.
    """
    environment = {**get_default_environment(), **variables}
    parameters = StdioServerParameters(command=sys.executable, args=list(command), env=environment)
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        yield session


def resident_mb() -> float:
    """Resident memory of the only child process, in MB."""
    (child,) = psutil.Process().children()
    return float(child.memory_info().rss) / 1e6


def wire(message: Any) -> dict[str, Any]:
    """The JSON of an SDK object, on either line of the SDK."""
    content: dict[str, Any] = json.loads(message.model_dump_json(by_alias=True, exclude_none=True))
    return content


def quantile(values: Sequence[float], share: float) -> float:
    """The quantile of some values."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left")
    for position, name in enumerate(header):
        table.add_column(name, justify="left" if position == 0 else "right")
    for row in rows:
        table.add_row(*row)
    Console(width=130).print(table)
