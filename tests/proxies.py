"""A proxy that only notes who comes: it reads what it is asked, and hangs up."""

import contextlib
import socket
import threading
from collections.abc import Iterator

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


class Recorder:
    """Listens at a port of its own.

    `asked` has the first bytes of each connection.
    """

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listening.getsockname()[1]}"

    def environment(self, scheme: str = "http", user: str = "") -> dict[str, str]:
        """Variables that send every request here."""
        url = f"{scheme}://{user}{self.address}"
        return {name: url for name in VARIABLES if name != "NO_PROXY"}

    def _listen(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._listening.accept()
                with connection:
                    self.asked.append(connection.recv(1_000))

    def close(self) -> None:
        with contextlib.suppress(OSError):  # not connected, as some systems say of a socket that listens
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)


@contextlib.contextmanager
def recorder() -> Iterator[Recorder]:
    listening = Recorder()
    try:
        yield listening
    finally:
        listening.close()


def without_proxies(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.upper() not in VARIABLES}
