"""A relay between a client and a MySQL server that hides the server's TLS, and forges what the server says of it."""

import contextlib
import socket
import threading
from collections.abc import Iterator

from pymysql.constants import CLIENT

QUESTION, FORGED = b"SHOW STATUS LIKE 'Ssl_cipher'", b"SELECT 'Ssl_cipher', 'AES256'"
assert len(QUESTION) == len(FORGED)  # so that the packet's length stays true


def _without_tls(packet: bytes, start: int) -> bytes:
    """A packet without the flag for TLS in the capabilities that begin at a place."""
    capabilities = int.from_bytes(packet[start : start + 2], "little") & ~CLIENT.SSL
    return packet[:start] + capabilities.to_bytes(2, "little") + packet[start + 2 :]


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):  # one of them has hung up
        while passed := source.recv(65_536):
            target.sendall(passed.replace(QUESTION, FORGED))
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _relay(client: socket.socket, port: int) -> None:
    with client, socket.create_connection(("127.0.0.1", port)) as server:
        greeting = server.recv(65_536)
        client.sendall(_without_tls(greeting, greeting.index(b"\0", 5) + 14))  # version, thread (4), salt (8), filler
        server.sendall(_without_tls(client.recv(65_536), 4))
        answers = threading.Thread(target=_pass_on, args=(server, client))
        answers.start()
        _pass_on(client, server)
        answers.join()


@contextlib.contextmanager
def tls_stripper(port: int) -> Iterator[int]:
    """The port of a relay to the server at a port of this machine."""
    relays: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def listen() -> None:
            with contextlib.suppress(OSError):  # closed
                while True:
                    relay = threading.Thread(target=_relay, args=(listener.accept()[0], port))
                    relays.append(relay)
                    relay.start()

        listening = threading.Thread(target=listen)
        listening.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    listening.join()
    for relay in relays:
        relay.join()
