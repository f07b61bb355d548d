"""The addresses of MCP servers: where they run, or how they are started."""

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from agent_client.errors import AgentError, ServerError
from recsys_shared.proxies import ProxyError, client_options, through_proxy


@dataclass(frozen=True)
class ServerAddress:
    """A server's URL, or the command that starts it."""

    name: str
    connection: dict[str, Any]
    """The connection in the form of langchain-mcp-adapters."""

    @property
    def is_program(self) -> bool:
        """True if the server is a program that is started here."""
        return "url" not in self.connection

    @property
    def described(self) -> str:
        if not self.is_program:
            url = self.connection["url"]
            return f"the server at {url}{through_proxy(url)}"
        return f"the server {self.name!r} ({' '.join([self.connection['command'], *self.connection['args']])})"

    def client_options(self) -> dict[str, Any]:
        """Options of the HTTPX client that talks to the server; a ServerError for a bad proxy or a missing program."""
        if not self.is_program:
            try:
                return client_options(self.connection["url"])
            except ProxyError as error:
                raise ServerError(f"the server at {self.connection['url']} cannot be used: {error}") from error
        command = self.connection["command"]
        if shutil.which(command, path=(self.connection.get("env") or os.environ).get("PATH")) is None:
            raise ServerError(f"{self.described} cannot be used: there is no program {command!r}")
        return {}


def own_server() -> ServerAddress:
    """The recsys-mcp of this environment, over stdio."""
    variables = {"RECSYS_LOG_LEVEL": "WARNING", **os.environ}
    return _program("recsys", sys.executable, ["-P", "-m", "mcp_server", "serve"], variables)


def _program(name: str, command: str, arguments: list[str], variables: Mapping[str, str]) -> ServerAddress:
    """A server that is started here, with these environment variables besides our own."""
    environment = {**os.environ, **variables}
    return ServerAddress(name, {"transport": "stdio", "command": command, "args": arguments, "env": environment})


def server_at(
    url: str, token: str | None = None, name: str = "server", headers: Mapping[str, str] | None = None, kind: str = ""
) -> ServerAddress:
    """A running server, over SSE if it is of that kind or its path ends in /sse; an AgentError if it is no URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise AgentError(f"{url!r} is not the URL of a server, such as http://127.0.0.1:8000/mcp")
    over_sse = kind == "sse" or (not kind and parts.path.rstrip("/").endswith("/sse"))
    sent = {"Authorization": f"Bearer {token}"} if token else dict(headers or {})
    return ServerAddress(name, {"transport": "sse" if over_sse else "streamable_http", "url": url, "headers": sent})


def servers_of(config: Path) -> list[ServerAddress]:
    """The servers in a file of Claude Desktop's form; an AgentError if it has another one.

    {"mcpServers": {NAME: {"command", "args", "env"} or {"url", "headers"}}}
    """
    try:
        content = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AgentError(f"{config} cannot be read: {error}") from error
    entries = content.get("mcpServers") if isinstance(content, dict) else None
    if not isinstance(entries, dict) or not entries:
        raise AgentError(f'{config} names no servers: it needs {{"mcpServers": {{NAME: {{"command": ...}}}}}}')
    return [_entry(config, name, entry) for name, entry in entries.items()]


def _entry(config: Path, name: str, entry: Any) -> ServerAddress:
    entry = entry if isinstance(entry, dict) else {}
    url, command = entry.get("url"), entry.get("command")
    for key, form, needed in (("args", list, "a list"), ("env", dict, "an object"), ("headers", dict, "an object")):
        if not isinstance(entry.get(key) or form(), form):
            raise AgentError(f"{config}: {key} of server {name!r} has to be {needed}")
    if isinstance(url, str):
        kind = entry.get("type") or entry.get("transport") or ""
        return server_at(url, name=name, headers=_filled(entry.get("headers")), kind=kind)
    if isinstance(command, str):
        arguments = [str(argument) for argument in entry.get("args") or []]
        return _program(name, command, arguments, _filled(entry.get("env")))
    raise AgentError(f"{config}: server {name!r} has neither a command nor a url")


def _filled(words: Mapping[str, Any] | None) -> dict[str, str]:
    """Texts with the values of environment variables in place of ${NAME}, so that no key has to stand in the file."""
    return {
        key: re.sub(r"\$\{(\w+)\}", lambda found: os.environ.get(found[1], found[0]), str(text))
        for key, text in (words or {}).items()
    }
