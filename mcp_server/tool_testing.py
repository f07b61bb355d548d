"""Calls of your own tools for tests: in this process, over a prepared state, without a host or a protocol."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from mcp_server.serving.service import Service
from mcp_server.settings import Settings

Call = Callable[[str, Mapping[str, Any]], Coroutine[Any, Any, dict[str, Any]]]
"""Calls a tool by name with arguments. The result is JSON values."""


@asynccontextmanager
async def open_tools(**settings: Any) -> AsyncIterator[Call]:
    """Open the tools of a server: its own and yours.

    Args:
        settings: Settings as in the environment, without RECSYS_: ``open_tools(tools_path="tools", state="...")``.

    Raises:
        RecsysError: Nothing has been prepared, or a call asks for what cannot be done.
    """
    service = Service(Settings(**settings), prepare_if_needed=False)
    try:
        yield service.call
    finally:
        await service.close()
