"""The address of a MySQL or MariaDB server and how to sign in there, from the settings; and its errors in words.

Texts name host, port and database, never a user or a password.
"""

import re
import ssl
import time
from dataclasses import dataclass
from typing import Any

from pymysql.constants import CLIENT
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from mcp_server.errors import BackendError, InvalidInputError
from mcp_server.settings import Settings

EXAMPLE = "mysql+aiomysql://USER:PASSWORD@HOST:3306/DATABASE"

DRIVERS = ("mysql", "mysql+aiomysql", "mysql+pymysql", "mariadb", "mariadb+aiomysql", "mariadb+pymysql")
"""Names of drivers that a URL may have. All mean the same: aiomysql serves, PyMySQL prepares."""

DEFAULT_PORT = 3306

CONNECT_TIMEOUT_SECONDS = 5

READ_TIMEOUT_SECONDS = 30
"""Time for an answer while preparing. No statement takes that long, however large the catalogue is."""

SQL_MODE = "STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
"""The mode of every connection, whatever the server's own is: strict, and with backslashes that quote, on which the
drivers rely for binary values."""

RECYCLE_SECONDS = 1800
"""Age at which a connection is replaced, because servers and proxies drop connections that have long been idle."""

POOL_WAIT_SECONDS = 10
"""Time that a query waits for a connection when all are in use."""


MISSING_TABLE = 1146

NO_SAVEPOINT = 1305
"""Error number after a deadlock within a savepoint: the transaction is undone, and the savepoint is gone with it."""

UNREACHABLE = (2002, 2003, 2005, 2006, 2013, 2026)
"""Error numbers of the drivers for a server that cannot be reached or has gone."""


PING_AFTER_SECONDS = 1.0
"""Idle time after which a connection is checked before it is used again."""


@dataclass(frozen=True)
class MysqlAddress:
    """One database of a server."""

    url: URL
    tls: ssl.SSLContext | None
    pool_size: int

    @classmethod
    def from_settings(cls, settings: Settings) -> "MysqlAddress":
        """Read the address from the settings.

        Raises:
            InvalidInputError: The URL or a certificate cannot be used.
        """
        assert settings.database_url is not None
        written = settings.database_url.get_secret_value().strip()
        if written.count("@") > 1:  # before the URL is taken apart, which would make a host of what follows the first
            raise InvalidInputError(
                "RECSYS_DATABASE_URL has an @ in its user or password: write it as %40, or set RECSYS_DATABASE_PASSWORD"
            )
        try:
            url = make_url(written)
        except (ArgumentError, ValueError):  # their texts quote the URL, password and all
            raise InvalidInputError(f"RECSYS_DATABASE_URL is not a database URL: it looks like {EXAMPLE}") from None
        if url.drivername not in DRIVERS:
            raise InvalidInputError(
                f"RECSYS_DATABASE_URL names {url.drivername}; MySQL and MariaDB are supported: {EXAMPLE}"
            )
        if not url.host or not url.database:
            missing = "no database" if url.host else "no host"
            raise InvalidInputError(f"RECSYS_DATABASE_URL names {missing}: it looks like {EXAMPLE}")
        if not is_host(url.host) or not 0 < (url.port or DEFAULT_PORT) < 65536:
            raise InvalidInputError(f"RECSYS_DATABASE_URL has no usable host or port: it looks like {EXAMPLE}")
        if unknown := set(url.query) - {"charset"}:
            raise InvalidInputError(
                f"RECSYS_DATABASE_URL has the option {', '.join(sorted(unknown))}, which is not known here: TLS is set "
                "by RECSYS_DATABASE_TLS, RECSYS_DATABASE_CA, RECSYS_DATABASE_CERT and RECSYS_DATABASE_KEY"
            )
        if settings.database_password is not None:
            url = url.set(password=settings.database_password.get_secret_value().rstrip("\r\n"))
        if url.password is not None:  # the drivers send it as Latin-1, and servers take it as UTF-8
            url = url.set(password=str(url.password).encode().decode("latin-1"))
        return cls(url.set(query={"charset": "utf8mb4"}), _tls(settings), settings.database_pool_size)

    def __str__(self) -> str:
        return f"{self.url.host}:{self.url.port or DEFAULT_PORT}/{self.url.database}"

    @property
    def database(self) -> str:
        return self.url.database or ""

    def _arguments(self) -> dict[str, Any]:
        """Arguments of a connection, for both drivers."""
        return {
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "program_name": "recsys-mcp",
            "init_command": f"SET SESSION sql_mode = '{SQL_MODE}'",
        }

    def engine(self) -> Engine:
        """An engine for preparing and for reading the manifest, which use one connection at a time."""
        arguments = {**self._arguments(), "read_timeout": READ_TIMEOUT_SECONDS, "write_timeout": READ_TIMEOUT_SECONDS}
        arguments |= {"ssl": self.tls} if self.tls is not None else {"ssl_disabled": True}
        engine = create_engine(
            self.url.set(drivername="mysql+pymysql"),
            connect_args=arguments,
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            pool_recycle=RECYCLE_SECONDS,
            hide_parameters=True,
        )
        self._insist_on_tls(engine)
        return engine

    def async_engine(self) -> AsyncEngine:
        """An engine for serving."""
        arguments = self._arguments() | ({"ssl": self.tls} if self.tls is not None else {})
        engine = create_async_engine(
            self.url.set(drivername="mysql+aiomysql"),
            connect_args=arguments,
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            pool_size=self.pool_size,
            max_overflow=0,
            pool_timeout=POOL_WAIT_SECONDS,
            pool_recycle=RECYCLE_SECONDS,
            hide_parameters=True,
        )
        _ping_the_idle(engine.sync_engine)
        self._insist_on_tls(engine.sync_engine)
        return engine

    def _insist_on_tls(self, engine: Engine) -> None:
        """Refuse servers that do not offer TLS: both drivers go on without it then.

        Only the greeting shows that safely. Whoever poses as the server could answer a query for its cipher with a lie.
        """
        if self.tls is None:
            return

        @event.listens_for(engine, "connect")
        def check(connection: Any, _record: object) -> None:
            driver = getattr(connection, "driver_connection", connection)
            if not driver.server_capabilities & CLIENT.SSL:
                raise BackendError(
                    f"the database at {self} does not offer TLS: enable it there, or set RECSYS_DATABASE_TLS=off"
                )

    def explain(self, error: Exception) -> BackendError:
        """An error that says what went wrong, and what to do about it.

        Args:
            error: An error of SQLAlchemy or of a driver.
        """
        place = f"the database at {self}"
        if isinstance(error, PoolTimeoutError):
            return BackendError(
                f"{place} is busy: all {self.pool_size} connections are in use; try again, or raise "
                "RECSYS_DATABASE_POOL_SIZE"
            )
        refused = (
            f"{place} refuses the user or the password: check RECSYS_DATABASE_URL and RECSYS_DATABASE_PASSWORD; "
            "where it asks for TLS or a client certificate, RECSYS_DATABASE_TLS and RECSYS_DATABASE_CERT"
        )
        texts = {
            1040: f"{place} takes no more connections: lower RECSYS_DATABASE_POOL_SIZE, or raise its max_connections",
            1044: f"{place} gives this user no access: grant it rights on {self.database}",
            1045: refused,
            1049: f"the server at {self.url.host} has no database {self.database}: create it, or check "
            "RECSYS_DATABASE_URL",
            1142: f"{place} lacks a right for this user: grant it on {self.database}",
            MISSING_TABLE: f"{place} lacks a table: run `recsys-mcp prepare`",
            1698: refused,
            3159: f"{place} asks for TLS: set RECSYS_DATABASE_TLS=on",
        }
        code, cause = _code(error), _cause(error)
        if code in texts:
            return BackendError(texts[code])
        said = " ".join(str(cause.args[-1] if cause.args else cause).split())
        if tls := _tls_error(error):
            return BackendError(f"{place} fails the TLS check ({tls}): check RECSYS_DATABASE_TLS and its CA")
        if code in UNREACHABLE or not isinstance(code, int):
            return BackendError(f"{place} cannot be reached just now ({said}): is it running?")
        return BackendError(f"{place} cannot be used just now: {said}")


def _ping_the_idle(engine: Engine) -> None:
    """Check connections before use, unless they were used just now. SQLAlchemy's own ``pool_pre_ping`` does so every
    time, which makes up half of all round trips to the server.
    """

    @event.listens_for(engine, "checkin")
    def note(_: object, record: ConnectionPoolEntry) -> None:
        record.info["used"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ping(connection: Any, record: ConnectionPoolEntry, _: object) -> None:
        used = record.info.get("used")
        if used is None or time.monotonic() - used < PING_AFTER_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error  # the others have been idle as long, so all are opened again


def _cause(error: Exception) -> Exception:
    """The driver's own error."""
    return error.orig if isinstance(error, DBAPIError) and isinstance(error.orig, Exception) else error


def _code(error: Exception) -> object:
    """The server's or the driver's number of an error."""
    cause = _cause(error)
    return cause.args[0] if cause.args else None


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    """The reason why a TLS handshake failed, if one did."""
    reason: BaseException | None = error
    while reason is not None and not isinstance(reason, ssl.SSLError):
        reason = reason.__cause__ or reason.__context__
    return reason


def is_missing_table(error: Exception) -> bool:
    return _code(error) == MISSING_TABLE


def is_undone(error: Exception) -> bool:
    """True if the server has undone the transaction (deadlock, lock wait), so that it can be tried again."""
    return _code(error) in (1205, 1213, NO_SAVEPOINT)


def is_lost(error: Exception) -> bool:
    """True if the connection was lost, perhaps before the statement reached the server."""
    return getattr(error, "connection_invalidated", False) or _code(error) in (2006, 2013)


def is_host(name: str) -> bool:
    """True if this can be the name or the address of a machine."""
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return not re.search(r"[\s/?#]", name)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    files = (settings.database_ca, settings.database_cert, settings.database_key)
    if settings.database_tls == "off":
        if any(files):
            raise InvalidInputError("RECSYS_DATABASE_CA, _CERT and _KEY need RECSYS_DATABASE_TLS=verify (or on)")
        return None
    try:
        context = ssl.create_default_context(cafile=settings.database_ca)
        if settings.database_cert is not None:
            context.load_cert_chain(settings.database_cert, settings.database_key)
    except (OSError, ssl.SSLError) as error:
        raise InvalidInputError(f"the certificates of RECSYS_DATABASE_CA, _CERT or _KEY: {error}") from error
    if settings.database_tls == "on":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
