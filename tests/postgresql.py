"""PostgreSQL for tests: a private server, where PostgreSQL and its driver are installed."""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MISSING = "no PostgreSQL: install postgresql, and psycopg"

USER, PASSWORD = "reader", "a secret+word/?"


def _folder_of_programs() -> Path | None:
    """Debian has the server's programs in a folder for each version, off the path."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin/initdb"), shutil.which("initdb")]
    return next((Path(program).parent for program in reversed(found) if program), None)


def installed() -> bool:
    return _folder_of_programs() is not None and importlib.util.find_spec("psycopg") is not None


class PrivatePostgres:
    """A server with a temporary folder and a free port of 127.0.0.1; USER signs in with a password."""

    def __init__(self) -> None:
        programs = _folder_of_programs()
        assert programs is not None
        self._programs = programs
        # Who may not be root: the server refuses it.
        self._account = "postgres" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="recsys-postgres-"))
        if self._account:
            shutil.chown(self.folder, self._account)
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            self.port = int(listening.getsockname()[1])

    def _run(self, program: str, *words: str) -> None:
        command = [str(self._programs / program), *words]
        subprocess.run(command, user=self._account, cwd="/", stdout=subprocess.DEVNULL, check=True)

    def start(self) -> None:
        data, secret = str(self.folder / "data"), self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._run("initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", "--pwfile", str(secret), "-E", "UTF8")
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c fsync=off"
        self._run("pg_ctl", "-D", data, "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of one statement, if it has any."""
        import psycopg

        arguments = {"host": "127.0.0.1", "port": self.port, "user": USER, "password": PASSWORD, "dbname": "postgres"}
        with psycopg.connect(**arguments, autocommit=True) as connection:
            done = connection.execute(statement)
            return done.fetchall() if done.description else []

    def url(self, password: str = "a%20secret%2Bword%2F%3F") -> str:
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/postgres"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PrivatePostgres]:
    """A server that the session's tests share."""
    if not installed():
        pytest.skip(MISSING)
    server = PrivatePostgres()
    server.start()
    yield server
    server.stop()
