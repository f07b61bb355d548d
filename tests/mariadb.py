"""MariaDB and MySQL for tests: the server that the session's tests share, and private ones to stop, kill or freeze.

The shared server is the one of RECSYS_TEST_DATABASE_URL, else root's without a password at 127.0.0.1:3306, else a
private one where MariaDB is installed. Tests that need a server are skipped, with this reason, where there is none.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import pymysql
import pytest
from sqlalchemy.engine import make_url

GIVEN = "RECSYS_TEST_DATABASE_URL"
"""Names the shared server: mysql+aiomysql://USER:PASSWORD@HOST:PORT. The user must be able to make databases whose
names begin with recsys."""

MISSING = f"no MySQL or MariaDB: install mariadb-server, or set {GIVEN}"

USER, PASSWORD = "recsys", "a secret+word/?"
"""The account on private servers. Its password has characters that URLs must quote."""

CERTIFIED_USER = "recsys_certified"
"""The user of a private server with TLS who must show a client certificate; the password is the same."""

START_SECONDS, STOP_SECONDS = 60, 60
"""After which a server that does not start is an error, and one that does not stop is killed."""


class Server:
    """A database server, and a user of it who may make databases."""

    def __init__(self, host: str, port: int, user: str, password: str) -> None:
        self.host = host
        self.port = port
        self.user = user
        self.password = password

    def url(self, database: str = "", user: str | None = None, password: str | None = None) -> str:
        """A value for RECSYS_DATABASE_URL; without a database, the server's own address.

        An empty ``password`` is left out of the URL.
        """
        word = self.password if password is None else password
        login = quote(user or self.user, safe="") + (f":{quote(word, safe='')}" if word else "")
        return f"mysql+aiomysql://{login}@{self.host}:{self.port}/{quote(database, safe='')}"

    def connect(self, database: str | None = None) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        """A connection that commits each statement, of the user who may make databases."""
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=database,
            autocommit=True,
            connect_timeout=5,
        )

    def query(self, statement: str, *values: object, database: str | None = None) -> list[tuple[object, ...]]:
        """Rows of one statement."""
        with contextlib.closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return [tuple(row) for row in cursor.fetchall()]

    def answers(self) -> bool:
        """True if the user can connect now."""
        try:
            self.query("SELECT 1")
        except pymysql.MySQLError:
            return False
        return True

    def create_database(self, name: str | None = None) -> str:
        """Make an empty database, with a unique name where none is given; gives the name."""
        name = name or f"recsys_test_{secrets.token_hex(6)}"
        self.query(f"CREATE DATABASE `{name}`")
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database with what is in it. Connections that use it are closed, for their locks would hold it."""
        for (connection,) in self.query("SELECT id FROM information_schema.processlist WHERE db = %s", name):
            with contextlib.suppress(pymysql.MySQLError):  # it has gone by itself
                self.query(f"KILL {connection}")
        self.query(f"DROP DATABASE IF EXISTS `{name}`")


class PrivateServer(Server):
    """A MariaDB of its own: a temporary folder, a free port of 127.0.0.1, small buffers.

    ``with PrivateServer() as server`` starts it, and at the end stops it and removes its folder. It keeps port and
    data when it is stopped or killed and started again. ``options`` are further options of mariadbd.

    With ``tls`` it has a certificate for 127.0.0.1 and localhost by an authority of its own (``ca``); a client
    certificate by the same authority is in ``client_cert`` and ``client_key``. USER may then connect with or without
    encryption, CERTIFIED_USER only with the client certificate.
    """

    def __init__(self, tls: bool = False, options: Sequence[str] = ()) -> None:
        super().__init__("127.0.0.1", _free_port(), USER, PASSWORD)
        # Not pytest's folder: the path of a Unix socket can have about a hundred characters.
        self.folder = Path(tempfile.mkdtemp(prefix="recsys-mariadb-"))
        self.socket = self.folder / "server.sock"
        self.log = self.folder / "server.log"
        self.ca, self.server_cert, self.server_key, self.client_cert, self.client_key = (
            self.folder / f"{name}.pem" for name in ("ca", "server-cert", "server-key", "client-cert", "client-key")
        )
        self.tls = tls
        self.options = [*options]
        self._process: subprocess.Popen[bytes] | None = None
        if tls:
            self._make_certificates()

    def __enter__(self) -> "PrivateServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    @property
    def running(self) -> bool:
        """True while the process is there, frozen or not."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and wait until USER can connect. Raises RuntimeError with the end of its log if it does not."""
        if self.running:
            return
        program = _program("mariadbd", "mysqld")
        if program is None:
            raise RuntimeError(MISSING)
        data = self.folder / "data"
        if not data.exists():
            self._install(data)
        common = self._common(data)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    program,
                    *common,
                    f"--socket={self.socket}",
                    f"--pid-file={self.folder / 'server.pid'}",
                    f"--init-file={self._init_file()}",
                    "--bind-address=127.0.0.1",
                    f"--port={self.port}",
                    "--skip-networking=0",
                    "--skip-name-resolve",
                    "--skip-log-bin",
                    "--innodb-flush-log-at-trx-commit=2",  # what is committed outlives the process, not the machine
                    "--innodb-buffer-pool-size=32M",
                    "--key-buffer-size=1M",
                    "--aria-pagecache-buffer-size=4M",
                    "--performance-schema=0",
                    *(
                        [f"--ssl-ca={self.ca}", f"--ssl-cert={self.server_cert}", f"--ssl-key={self.server_key}"]
                        if self.tls
                        else []
                    ),
                    *self.options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # an interrupted pytest stops it by its own teardown
            )
        end = time.monotonic() + START_SECONDS
        while not self.answers():
            if not self.running or time.monotonic() > end:
                self.kill()
                text = self.log.read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"MariaDB did not start:\n{text[-3000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it in order; it can be started again."""
        if self._process is None:
            return
        if self.running:
            self.thaw()  # a stopped process takes no SIGTERM
            self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, as a lack of memory would; what was committed is there when it is started again."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Let it accept connections, by the kernel, and answer nothing, until ``thaw``."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)  # each of its threads; until then some still answer

    def thaw(self) -> None:
        """Let a frozen server go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        """Stop it, and remove its folder with all data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _common(self, data: Path) -> list[str]:
        # Without --user, root is refused, and an ordinary user needs none.
        user = ["--user=root"] if os.geteuid() == 0 else []
        # A server that starts removes all temporary tables of its tmpdir, also those of a server that runs beside it.
        scratch = self.folder / "tmp"
        scratch.mkdir(exist_ok=True)
        return ["--no-defaults", *user, f"--datadir={data}", f"--tmpdir={scratch}", "--innodb-log-file-size=8M"]

    def _install(self, data: Path) -> None:
        program = _program("mariadb-install-db")
        if program is None:
            raise RuntimeError(MISSING)
        command = [program, *self._common(data), "--auth-root-authentication-method=normal", "--skip-test-db"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(data, ignore_errors=True)
            raise RuntimeError(f"mariadb-install-db failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")

    def _init_file(self) -> Path:
        """Statements that the server runs at each start before it takes connections. One line is one statement."""
        statements = [
            f"CREATE USER IF NOT EXISTS `{USER}`@`%` IDENTIFIED BY '{PASSWORD}';",
            f"GRANT ALL ON `recsys%`.* TO `{USER}`@`%`;",
        ]
        if self.tls:
            statements += [
                f"CREATE USER IF NOT EXISTS `{CERTIFIED_USER}`@`%` IDENTIFIED BY '{PASSWORD}' REQUIRE X509;",
                f"GRANT ALL ON `recsys%`.* TO `{CERTIFIED_USER}`@`%`;",
            ]
        file = self.folder / "users.sql"
        file.write_text("\n".join(statements) + "\n", encoding="utf-8")
        return file

    def _make_certificates(self) -> None:
        import trustme

        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca)
        for identity, cert, key in (
            (("127.0.0.1", "localhost"), self.server_cert, self.server_key),
            (("client.example",), self.client_cert, self.client_key),
        ):
            issued = authority.issue_cert(*identity)
            issued.private_key_pem.write_to_path(key)
            issued.cert_chain_pems[0].write_to_path(cert)


def find_server() -> Server | None:
    """The server that the session's tests share. A private one is started, and is the caller's to remove.

    Raises pymysql.MySQLError where RECSYS_TEST_DATABASE_URL names a server that does not answer: who names one wants
    the tests run.
    """
    if given := os.environ.get(GIVEN):
        url = make_url(given)
        server = Server(url.host or "127.0.0.1", url.port or 3306, url.username or "root", url.password or "")
        server.query("SELECT 1")
        return server
    local = Server("127.0.0.1", 3306, "root", "")
    if local.answers():
        return local
    if not installed():
        return None
    private = PrivateServer()
    private.start()
    return private


def installed() -> bool:
    """True where private servers can be started."""
    return _program("mariadbd", "mysqld") is not None and _program("mariadb-install-db") is not None


@pytest.fixture(scope="session")
def database_server() -> Iterator[Server]:
    """The server that the session's tests share."""
    server = find_server()
    if server is None:
        pytest.skip(MISSING)
    yield server
    if isinstance(server, PrivateServer):
        server.remove()


@pytest.fixture
def database_url(database_server: Server) -> Iterator[str]:
    """A database of the test's own on the shared server, empty; dropped afterwards."""
    name = database_server.create_database()
    yield database_server.url(name)
    database_server.drop_database(name)


def _private_server() -> Iterator[PrivateServer]:
    """A server of one's own, running; it may be stopped, killed, frozen or set up oddly."""
    if not installed():
        pytest.skip(MISSING)
    with PrivateServer() as server:
        yield server


private_database = pytest.fixture(_private_server, name="private_database")
"""A private server for one test."""

private_server = pytest.fixture(_private_server, scope="module", name="private_server")
"""A private server for the tests of a module, which leave it running."""


def _program(*names: str) -> str | None:
    # Debian has the server in /usr/sbin, which ordinary users do not have on their path.
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
