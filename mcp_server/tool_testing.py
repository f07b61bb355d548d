"""For tests of your own tools: calls them in this process, over a prepared state, without a host or a protocol."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from mcp_server.serving.service import Service
from mcp_server.settings import Settings

Call = Callable[[str, Mapping[str, Any]], Coroutine[Any, Any, dict[str, Any]]]
"""Takes the name of a tool and its arguments, gives its result as JSON values."""


@asynccontextmanager
async def open_tools(**settings: Any) -> AsyncIterator[Call]:
    """The tools of a server: its own and yours.

    Args:
        settings: As in the environment, without RECSYS_: ``open_tools(tools_path="tools", state="...")``.

    Raises:
        RecsysError: Nothing has been prepared, or a call asks for what cannot be done.
    """
    service = Service(Settings(**settings), prepare_if_needed=False)
    try:
        yield service.call
    finally:
        await service.close()
