"""`call`: one tool, through a client and a server as any MCP host has them."""

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
from rich.text import Text

from mcp_server.cli.rendering import render_result, wide_console
from mcp_server.errors import InvalidInputError, RecsysError
from mcp_server.files.yaml_text import YamlTextError, read_yaml
from mcp_server.protocol.client import Session, http_session, stdio_session
from mcp_server.settings import Settings
from mcp_server.state.record import open_record
from recsys_shared.plain_text import json_text


def run_call(
    settings: Settings, tool: str, pairs: list[str], as_json: bool, server: str | None = None, token: str | None = None
) -> None:
    """Args:
    server: URL of a running server; one is started for the call where it is None.
    token: For the running server.
    """
    if server is None:
        open_record(settings).current()  # refuse at once where nothing is prepared
    anyio.run(_call, settings, tool, pairs, as_json, server, token)


async def _call(
    settings: Settings, tool: str, pairs: list[str], as_json: bool, server: str | None, token: str | None
) -> None:
    async with serving(settings) if server is None else http_session(server, token) as session:
        tools = {found["name"]: found for found in await session.list_tools()}
        if tool == "list":
            _print_tools(list(tools.values()), as_json)
            return
        if tool not in tools:
            raise InvalidInputError(f"there is no tool {tool!r}. There are: {', '.join(tools)}")
        arguments = parse_arguments(pairs, tools[tool]["inputSchema"]["properties"])
        result = await session.call(tool, arguments)
    if result.get("isError"):
        raise InvalidInputError(result["content"][0]["text"])
    content = result["structuredContent"]
    if as_json:
        print(json_text(content, indent=1))
    else:
        wide_console().print(render_result(content))


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Session]:
    """Start a server with the same settings, and talk to it.

    Raises:
        RecsysError: The server ended; the text is what it said last.
    """
    chosen = settings.chosen_dataset
    command = ["serve", "--state", str(settings.state_folder), *(["--dataset", chosen] if chosen else [])]
    command += settings.env_file_option
    with tempfile.TemporaryFile("w+") as log:
        try:
            async with stdio_session(command, errlog=log) as session:
                yield session
        except RecsysError:
            raise
        except Exception as error:
            log.seek(0)
            lines = log.read().strip().splitlines()
            said = lines[-1].removeprefix("recsys-mcp: ") if lines else str(error)
            raise RecsysError(f"the server ended: {said}") from error


def parse_arguments(pairs: list[str], properties: Mapping[str, Any]) -> dict[str, Any]:
    """KEY=VALUE pairs into arguments, as the tool's schema wants them; ``imdb_rating.gt=7`` sets a key inside.

    Raises:
        InvalidInputError: Not KEY=VALUE.
    """
    arguments: dict[str, Any] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not key or not separator:
            raise InvalidInputError(f"{pair!r}: KEY=VALUE was expected, such as user=4")
        name, _, inner = key.partition(".")
        if not inner:
            arguments[name] = _parse_value(value, properties.get(name, {}))
        elif isinstance(within := arguments.setdefault(name, {}), dict):
            within[inner] = _parse_value(value, {})
        else:
            raise InvalidInputError(f"{pair!r}: {name} has been given as a whole before")
    return arguments


def _parse_value(value: str, schema: Mapping[str, Any]) -> Any:
    kind = schema.get("type")
    if kind == "string":
        return value
    if kind == "array" and not value.startswith("["):
        return [_parse_value(value, schema.get("items", {}))]
    try:
        return read_yaml(value)  # JSON is YAML
    except YamlTextError:
        return value


def _print_tools(tools: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json_text(tools, indent=1))
        return
    console = wide_console()
    for tool in tools:
        console.print(Text.assemble((tool["name"], "bold"), f"({', '.join(tool['inputSchema']['properties'])})"))
        console.print(f"  {tool['description']}\n")
