"""`call`: one tool, called through a client and a server as in any MCP host."""

import contextlib
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from mcp_server.cli.options import AsJson, Dataset, EnvFile, State, make_settings
from mcp_server.cli.rendering import render_result, wide_console
from mcp_server.errors import InvalidInputError, RecsysError
from mcp_server.files.yaml_text import YamlTextError, read_yaml
from mcp_server.settings import Settings
from recsys_shared.plain_text import json_text

if TYPE_CHECKING:
    from mcp_server.protocol.client import Session


def call(
    tool: Annotated[str, typer.Argument(help="Name of the tool; `list` lists all tools.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE...", help="Arguments; lists and objects as JSON.")
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="URL of a running server, ending in /mcp for streamable HTTP or /sse for SSE. Without it, a server is "
            "started for this call.",
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="RECSYS_TOKEN",
            help="Bearer token for --server. Prefer the variable: other users of this machine can see options.",
        ),
    ] = None,
    as_json: AsJson = False,
    dataset: Dataset = None,
    state: State = None,
    env_file: EnvFile = None,
) -> None:
    """Call one tool, through a real MCP client and server.

    Examples:

    recsys-mcp call get_top_k_recommendations_tool user=4 reasons=true

    recsys-mcp call item_filter_tool genres=Comedy imdb_rating.gt=7 --json

    recsys-mcp call list --server http://127.0.0.1:8000/mcp
    """
    import anyio

    from mcp_server.state.open_state import OpenState

    settings = make_settings(dataset=dataset, state=state, env_file=env_file)
    if server is None:
        with contextlib.closing(OpenState(settings)) as opened:
            opened.manifests.manifest()  # refuse at once if nothing is prepared
    anyio.run(_call, settings, tool, arguments or [], as_json, server, token)


async def _call(
    settings: Settings, tool: str, pairs: list[str], as_json: bool, server: str | None, token: str | None
) -> None:
    from mcp_server.protocol.client import http_session

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
async def serving(settings: Settings) -> AsyncIterator["Session"]:
    """A session with a server started for it, with the same settings.

    Raises:
        RecsysError: The server ended, and the text is the last line of its log; or it broke the protocol.
    """
    from mcp_server.protocol.client import LOST, is_lost, protocol_error, stdio_session

    chosen = settings.chosen_dataset
    command = ["serve", "--state", str(settings.state_folder), *(["--dataset", chosen] if chosen else [])]
    command += settings.env_file_option
    with tempfile.TemporaryFile("w+") as log:
        try:
            async with stdio_session(command, errlog=log) as session:
                yield session
        except (protocol_error, *LOST) as error:
            if not is_lost(error):
                raise RecsysError(f"the server answered with an error: {error}") from error
            log.seek(0)
            lines = log.read().strip().splitlines()
            said = lines[-1].removeprefix("recsys-mcp: ") if lines else str(error)
            raise RecsysError(f"the server ended: {said}") from error


def parse_arguments(pairs: list[str], properties: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments made of KEY=VALUE pairs, as the tool's schema wants them; ``imdb_rating.gt=7`` sets a key inside.

    Raises:
        InvalidInputError: A pair is not KEY=VALUE, or contradicts one before it.
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
            raise InvalidInputError(f"{pair!r}: {name} was already given as a whole")
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
