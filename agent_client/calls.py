"""The calls of tools that a model asks for: each is made, told to whoever watches, and answered with a message."""

import logging
import time
from typing import Any

from langchain_core.messages import InvalidToolCall, ToolCall, ToolMessage
from langchain_core.tools import BaseTool, ToolException
from langgraph.config import get_stream_writer
from mcp import McpError
from pydantic import ValidationError

from agent_client.errors import ServerError
from agent_client.events import CallEnded, CallStarted
from agent_client.history import text_of

logger = logging.getLogger(__name__)


async def call_tool(tools: dict[str, BaseTool], call: ToolCall | InvalidToolCall) -> ToolMessage:
    """Call one tool. The model is told of any failure, and may correct its call."""
    write, identifier, name, given = get_stream_writer(), call["id"] or "", call["name"] or "", call["args"]
    arguments = given if isinstance(given, dict) else {}
    write(CallStarted(identifier, name, arguments))
    started = time.perf_counter()
    structured: dict[str, Any] | None = None
    try:
        if name not in tools:
            raise ServerError(f"there is no tool {name!r}. There are: {', '.join(tools)}")
        if not isinstance(given, dict):
            raise ServerError(f"its arguments are not a JSON object. They were: {(given or '')[:500]}")
        result = await tools[name].ainvoke({"type": "tool_call", "id": identifier, "name": name, "args": given})
        text, failed = text_of(result.content), result.status == "error"
        structured = (result.artifact or {}).get("structured_content")
    except (ServerError, ToolException, McpError, ValidationError) as error:
        text, failed = f"{name} failed: {error}", True
    except Exception as error:  # a defect of this program or of a library; the model can do nothing about it
        logger.exception("the call of %s has failed", name)
        text, failed = f"{name} failed unexpectedly ({type(error).__name__}); the log says more", True
    ended = CallEnded(identifier, name, arguments, text, structured, failed, time.perf_counter() - started)
    write(ended)
    return result_of(ended)


def result_of(ended: CallEnded) -> ToolMessage:
    """The result of a call as the model reads it."""
    return ToolMessage(
        ended.text,
        tool_call_id=ended.id,
        name=ended.tool,
        artifact=ended.structured,
        status="error" if ended.failed else "success",
        response_metadata={"seconds": ended.seconds},
    )
