"""HTTP by hand, for requests that no client would send."""

import contextlib
import json
import socket
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from tests.running_servers import PATIENCE_SECONDS, HttpServer


@dataclass(frozen=True)
class Answer:
    """Everything that arrived before the server closed the connection."""

    raw: bytes

    @property
    def status(self) -> int:
        assert self.raw.startswith(b"HTTP/1.1 "), self.raw[:200]
        return int(self.raw.split(b" ", 2)[1])

    @cached_property
    def headers(self) -> dict[str, str]:
        lines = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def connect(server: HttpServer) -> socket.socket:
    parts = urlsplit(server.base)
    assert parts.hostname is not None
    return socket.create_connection((parts.hostname, parts.port or 80), timeout=PATIENCE_SECONDS)


def rest(connection: socket.socket) -> Answer:
    """All that comes until the server closes or resets the connection."""
    raw = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            raw += chunk
    return Answer(bytes(raw))


def ask(server: HttpServer, request: bytes) -> Answer:
    """Send bytes on a connection of their own, and read until the server closes it."""
    with connect(server) as connection:
        connection.sendall(request)
        return rest(connection)
