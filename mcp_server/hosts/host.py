"""An MCP host, and the forms in which hosts write their servers down."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mcp_server.errors import InvalidInputError
from mcp_server.hosts.json_text import JsonText
from mcp_server.hosts.machine import Machine
from mcp_server.hosts.server_entry import LocalServer, RemoteServer
from mcp_server.hosts.toml_text import TomlText

Entry = dict[str, Any]
"""One server in a host's file."""

Notation = Literal["json", "json with comments", "toml"]


@dataclass(frozen=True)
class Host:
    """One program that can use MCP servers.

    Args:
        name: Name on the command line.
        find_file: The file of the user's servers on a machine.
        find_signs: Files and folders; if one of them exists, the host is installed.
        next_step: Words to the user about how the host notices the change.
        programs: Commands; if one of them exists, the host is installed.
        project_file: The file of servers in a project's folder, if the host has one.
        servers_key: Key of the servers in the file.
        write_remote: Makes the entry of a running server; None if the host's file holds no such servers.
        takes_sse: Whether a running server may speak SSE.
        names_transport: Whether an entry says "type": "stdio".
        asks_for_secrets: Whether the file can make the host ask for a value, as VS Code's does.
    """

    name: str
    title: str
    find_file: Callable[[Machine], Path]
    find_signs: Callable[[Machine], Sequence[Path]]
    next_step: str
    programs: tuple[str, ...] = ()
    project_file: str | None = None
    servers_key: str = "mcpServers"
    notation: Notation = "json"
    write_remote: Callable[[RemoteServer], Entry] | None = None
    takes_sse: bool = True
    names_transport: bool = False
    asks_for_secrets: bool = False

    def is_found(self, machine: Machine) -> bool:
        return any(sign.exists() for sign in self.find_signs(machine)) or any(map(machine.has_program, self.programs))

    def file(self, machine: Machine, project: Path | None) -> Path:
        """The file of the user's servers, or of a project's.

        Raises:
            InvalidInputError: The host has no file for projects.
        """
        if project is None:
            return self.find_file(machine)
        if self.project_file is None:
            raise InvalidInputError(f"{self.title} keeps no servers in projects: leave --project out")
        return project.expanduser().absolute() / self.project_file

    def entry(self, server: LocalServer | RemoteServer) -> Entry:
        """The server in this host's form.

        Raises:
            InvalidInputError: The host does not know this kind of server.
        """
        if isinstance(server, RemoteServer):
            if self.write_remote is None:
                raise InvalidInputError(
                    f"the file of {self.title} holds only servers that it starts itself, no URLs: leave --url out, or "
                    "add the URL as a connector in its settings"
                )
            if server.over_sse and not self.takes_sse:
                raise InvalidInputError(f"{self.title} does not speak SSE: give the server's URL for streamable HTTP")
            return self.write_remote(server)
        entry: Entry = {"type": "stdio"} if self.names_transport else {}
        entry |= {"command": server.command, "args": list(server.args)}
        return entry | ({"env": dict(server.env)} if server.env else {})

    def read(self, text: str) -> "JsonText | TomlText":
        """A text of the file, parsed so that it can be changed.

        Raises:
            ValueError: The text is damaged, or contains a number of thousands of digits.
        """
        if self.notation == "toml":
            return TomlText(text)
        return JsonText(text, comments=self.notation == "json with comments")

    def snippet(self, name: str, entry: Mapping[str, Any]) -> str:
        """An entry in a file of its own, for people to paste."""
        return self.read("").put([self.servers_key, name], entry)


def url_entry(server: RemoteServer) -> Entry:
    return {"url": server.url} | _headers(server, "headers")


def typed_url_entry(server: RemoteServer) -> Entry:
    return {"type": "sse" if server.over_sse else "http"} | url_entry(server)


def server_url_entry(server: RemoteServer) -> Entry:
    return {"serverUrl": server.url} | _headers(server, "headers")


def gemini_entry(server: RemoteServer) -> Entry:
    """An entry for Gemini CLI, in which "url" means SSE."""
    return {"url" if server.over_sse else "httpUrl": server.url} | _headers(server, "headers")


def codex_entry(server: RemoteServer) -> Entry:
    return {"url": server.url} | _headers(server, "http_headers")


def _headers(server: RemoteServer, key: str) -> Entry:
    return {key: server.headers} if server.headers else {}


def describe_damage(error: ValueError) -> str:
    """The place and the kind of a text's damage."""
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}: {error.msg}"
    return str(error)
