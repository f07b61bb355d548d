"""How to sign in to a database server, from the settings; and what is said when it cannot be done.

Whatever is wrong gives one line that says what to change, and never holds a user or a password.
"""

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import pytest
from sqlalchemy import Connection, text

from mcp_server.errors import BackendError, InvalidInputError, RecsysError
from mcp_server.settings import Settings
from mcp_server.sql.mysql import MysqlDatabase
from mcp_server.sql.mysql_address import MysqlAddress
from mcp_server.state.database import StateDatabase
from mcp_server.state.folder import StateFolder
from tests.mariadb import CERTIFIED_USER, MISSING, PASSWORD, PrivateServer, installed
from tests.sql.tls_stripper import tls_stripper

WHO, SECRET = "somebody", "topsecret"
"""In URLs: what no text may show."""

DATABASE = "recsys_addresses"
READER, STRANGER, ENCRYPTED_ONLY = "recsys_reader", "recsys_stranger", "recsys_encrypted_only"
"""Users of the server with the password of all: one that may only read, one that may do nothing, one that must use
TLS."""

EXAMPLE = r"mysql\+aiomysql://USER:PASSWORD@HOST:3306/DATABASE"


def settings_of(url: str | None = None, **values: Any) -> Settings:
    """Without a file .env of whoever runs the tests."""
    return Settings(_env_file=None, database_url=url, **values)


def administer(server: PrivateServer, *statements: str) -> None:
    """Run statements as root, whom private servers let in through their socket."""
    with pymysql.connect(unix_socket=str(server.socket), user="root", autocommit=True) as root, root.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture(scope="module")
def server() -> Iterator[PrivateServer]:
    """With TLS, a database and users of several kinds."""
    if not installed():
        pytest.skip(MISSING)
    with PrivateServer(tls=True) as started:
        started.create_database(DATABASE)
        users = (READER, STRANGER, ENCRYPTED_ONLY)
        administer(started, *(f"CREATE USER {user}@`%` IDENTIFIED BY '{PASSWORD}'" for user in users))
        administer(
            started,
            f"GRANT SELECT ON {DATABASE}.* TO {READER}@`%`",
            f"GRANT ALL ON {DATABASE}.* TO {ENCRYPTED_ONLY}@`%` REQUIRE SSL",
        )
        yield started


def ask_who(connection: Connection) -> str:
    return str(connection.scalar(text("SELECT substring_index(current_user(), '@', 1)")))


def is_encrypted(connection: Connection) -> bool:
    return bool(connection.execute(text("SHOW STATUS LIKE 'Ssl_cipher'")).one()[1])


async def _preparing(settings: Settings, query: Callable[[Connection], Any] = ask_who) -> Any:
    record = StateDatabase(MysqlAddress.from_settings(settings), StateFolder(settings.state_folder))
    try:
        with record.connected() as connection:
            return query(connection)
    finally:
        record.close()


async def _serving(settings: Settings, query: Callable[[Connection], Any] = ask_who) -> Any:
    database = MysqlDatabase(MysqlAddress.from_settings(settings))
    try:
        return await database.read(query)
    finally:
        await database.close()


Connect = Callable[..., Awaitable[Any]]


@pytest.fixture(params=[_preparing, _serving], ids=["preparing", "serving"])
def connect(request: pytest.FixtureRequest) -> Connect:
    """Asks the database of some settings something, in one of two ways; a query may be given."""
    found: Connect = request.param
    return found


def one_line(error: BaseException) -> str:
    """The text of an error, if it can be shown."""
    said = str(error)
    assert len(said.splitlines()) == 1, said
    for hidden in (WHO, SECRET, PASSWORD, READER, STRANGER, CERTIFIED_USER):
        assert hidden not in said
    return said


async def refusal(connect: Connect, settings: Settings, kind: type[RecsysError] = BackendError) -> str:
    """What is said to settings that cannot be used."""
    with pytest.raises(kind) as caught:
        await connect(settings)
    return one_line(caught.value)


# What is wrong in itself


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", rf"not a database URL: it looks like {EXAMPLE}"),
        ("mysql", rf"not a database URL: it looks like {EXAMPLE}"),
        (SECRET, rf"not a database URL: it looks like {EXAMPLE}"),
        (f"{WHO}:{SECRET}@host/films", rf"not a database URL: it looks like {EXAMPLE}"),
        (f"mysql+aiomysql//{WHO}:{SECRET}@host/films", rf"not a database URL: it looks like {EXAMPLE}"),
        (f"mysql+aiomysql://{WHO}:{SECRET}@host:many/films", rf"not a database URL: it looks like {EXAMPLE}"),
        (f"mysql+aiomysql://{WHO}:{SECRET}@host:/films", rf"not a database URL: it looks like {EXAMPLE}"),
        (f"mysql+aiomysql://{WHO}:{SECRET}@/films", rf"names no host: it looks like {EXAMPLE}"),
        ("mysql+aiomysql:///films", rf"names no host: it looks like {EXAMPLE}"),
        ("mysql://", rf"names no host: it looks like {EXAMPLE}"),
        (f"mysql+aiomysql://{WHO}:{SECRET}@host", rf"names no database: it looks like {EXAMPLE}"),
        (f"mysql+aiomysql://{WHO}:{SECRET}@host:3306/", rf"names no database: it looks like {EXAMPLE}"),
        (f"postgresql://{WHO}:{SECRET}@host/films", rf"names postgresql; MySQL and MariaDB are supported: {EXAMPLE}"),
        (f"postgresql+asyncpg://{WHO}:{SECRET}@host/films", r"names postgresql\+asyncpg; MySQL and MariaDB"),
        ("sqlite:////var/lib/films.sqlite", "names sqlite; MySQL and MariaDB are supported"),
        (f"mysql+mysqldb://{WHO}:{SECRET}@host/films", rf"names mysql\+mysqldb; .*supported: {EXAMPLE}"),
        (f"mysql+aiomysql://{WHO}:{SECRET}@host/films?ssl_ca=ca.pem", "the option ssl_ca.*RECSYS_DATABASE_CA"),
        (f"mysql+aiomysql://{WHO}:{SECRET}@host/films?zeal=1&ardour=2", "the option ardour, zeal, which is not known"),
    ],
)
def test_an_unusable_url_is_told_of(url: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"^RECSYS_DATABASE_URL .*{said}") as caught:
        MysqlAddress.from_settings(settings_of(url))
    one_line(caught.value)


@pytest.mark.parametrize(
    "word",
    [f"{SECRET}@1", f"1@{SECRET}", f"@{SECRET}", f"1@{SECRET}@2", f"1@{SECRET}/2", f"1@2/{SECRET}", f"1@{SECRET}?a=b"],
)
async def test_a_password_with_an_unquoted_at_sign_is_not_shown(connect: Connect, word: str) -> None:
    said = await refusal(connect, settings_of(f"mysql+aiomysql://{WHO}:{word}@127.0.0.1:1/films"), RecsysError)
    assert "RECSYS_DATABASE_URL" in said


@pytest.mark.parametrize("place", ["127.0.0.1:99999", "127.0.0.1:65536", "films..example", "f" * 70 + ".example"])
async def test_a_host_or_a_port_that_cannot_be_is_told_of(connect: Connect, place: str) -> None:
    said = await refusal(connect, settings_of(f"mysql+aiomysql://{WHO}:{SECRET}@{place}/films"), RecsysError)
    assert place in said or "RECSYS_DATABASE_URL" in said


async def test_a_url_with_a_newline_gives_one_line(connect: Connect) -> None:
    """As files and shells leave them at the end."""
    await refusal(connect, settings_of(f"mysql+aiomysql://{WHO}:{SECRET}@127.0.0.1:1/films\n"), RecsysError)


@pytest.mark.parametrize(
    "driver", ["mysql", "mysql+aiomysql", "mysql+pymysql", "mariadb", "mariadb+aiomysql", "mariadb+pymysql"]
)
async def test_every_name_of_the_two_databases_means_the_same(
    connect: Connect, server: PrivateServer, driver: str
) -> None:
    url = server.url(DATABASE).replace("mysql+aiomysql:", f"{driver}:")
    assert await connect(settings_of(url)) == server.user


def test_an_address_is_shown_as_host_port_and_database() -> None:
    shown = [
        str(MysqlAddress.from_settings(settings_of(f"mysql://{WHO}:{SECRET}@{place}")))
        for place in ("db.example/films", "db.example:3307/films", "10.0.0.1:3306/films?charset=latin1")
    ]
    assert shown == ["db.example:3306/films", "db.example:3307/films", "10.0.0.1:3306/films"]


# What the server says


async def test_a_wrong_password_is_told_of(connect: Connect, server: PrivateServer) -> None:
    said = await refusal(connect, settings_of(server.url(DATABASE, password=SECRET)))
    place = f"the database at 127.0.0.1:{server.port}/{DATABASE}"
    assert said.startswith(f"{place} refuses the user or the password: ")
    assert "RECSYS_DATABASE_URL and RECSYS_DATABASE_PASSWORD" in said


async def test_an_unknown_user_is_told_of(connect: Connect, server: PrivateServer) -> None:
    said = await refusal(connect, settings_of(server.url(DATABASE, user=WHO)))
    assert "refuses the user or the password: check RECSYS_DATABASE_URL" in said


async def test_a_port_where_nothing_listens_is_told_of(connect: Connect) -> None:
    said = await refusal(connect, settings_of(f"mysql+aiomysql://{WHO}:{SECRET}@127.0.0.1:1/films"))
    assert re.match(r"the database at 127\.0\.0\.1:1/films cannot be reached just now \(.*\): is it running\?$", said)


async def test_an_unknown_host_is_told_of(connect: Connect) -> None:
    said = await refusal(connect, settings_of(f"mysql+aiomysql://{WHO}:{SECRET}@nowhere.invalid/films"))
    assert said.startswith("the database at nowhere.invalid:3306/films cannot be reached just now (")


async def test_a_database_that_does_not_exist_is_told_of(connect: Connect, server: PrivateServer) -> None:
    said = await refusal(connect, settings_of(server.url("recsys_elsewhere")))
    assert said == "the server at 127.0.0.1 has no database recsys_elsewhere: create it, or check RECSYS_DATABASE_URL"


async def test_a_user_without_rights_is_told_of(connect: Connect, server: PrivateServer) -> None:
    said = await refusal(connect, settings_of(server.url(DATABASE, user=STRANGER)))
    assert said.endswith(f"gives this user no access: grant it rights on {DATABASE}")


async def test_a_user_who_may_not_write_is_told_of(server: PrivateServer) -> None:
    settings = settings_of(server.url(DATABASE, user=READER))
    record = StateDatabase(MysqlAddress.from_settings(settings), StateFolder(settings.state_folder))
    assert record.version() is None
    with (
        pytest.raises(BackendError, match=f"lacks a right for this user: grant it on {DATABASE}$") as caught,
        record.lock(),
    ):
        pass
    one_line(caught.value)
    record.close()


async def test_missing_tables_are_told_of(connect: Connect, server: PrivateServer) -> None:
    with pytest.raises(BackendError, match=r"lacks a table: run `recsys-mcp prepare`$") as caught:
        await connect(settings_of(server.url(DATABASE)), lambda c: c.execute(text("SELECT * FROM recsys_nothing")))
    one_line(caught.value)


async def test_a_server_with_too_many_connections_is_told_of(connect: Connect, server: PrivateServer) -> None:
    administer(server, "SET GLOBAL max_connections = 10")
    others = []
    try:
        with pytest.raises(pymysql.MySQLError):
            while True:
                others.append(server.connect())
        said = await refusal(connect, settings_of(server.url(DATABASE)))
    finally:
        administer(server, "SET GLOBAL max_connections = 151")
        for other in others:
            other.close()
    assert said.endswith("takes no more connections: lower RECSYS_DATABASE_POOL_SIZE, or raise its max_connections")


# TLS


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("way", ["on", "verify"])
async def test_connections_are_encrypted_where_that_is_asked(
    connect: Connect, server: PrivateServer, host: str, way: str
) -> None:
    url = server.url(DATABASE).replace("127.0.0.1", host)
    assert await connect(settings_of(url, database_tls=way, database_ca=server.ca), is_encrypted)
    assert not await connect(settings_of(url), is_encrypted)


async def test_on_takes_any_certificate(connect: Connect, server: PrivateServer) -> None:
    assert await connect(settings_of(server.url(DATABASE), database_tls="on"), is_encrypted)


async def test_an_unknown_authority_is_told_of(connect: Connect, server: PrivateServer) -> None:
    said = await refusal(connect, settings_of(server.url(DATABASE), database_tls="verify"))
    assert "fails the TLS check (" in said
    assert said.endswith("check RECSYS_DATABASE_TLS and its CA")


async def test_a_certificate_of_another_host_is_told_of(connect: Connect, server: PrivateServer) -> None:
    url = server.url(DATABASE).replace("127.0.0.1", "127.1")  # the same place by another name
    assert await connect(settings_of(url, database_tls="on"), is_encrypted)
    said = await refusal(connect, settings_of(url, database_tls="verify", database_ca=server.ca))
    assert re.search(r"fails the TLS check \(.*127\.1.*\): check RECSYS_DATABASE_TLS", said)


@pytest.fixture(scope="module")
def without_tls() -> Iterator[PrivateServer]:
    """A server that offers no TLS, with a database."""
    if not installed():
        pytest.skip(MISSING)
    with PrivateServer(options=["--skip-ssl"]) as started:
        started.create_database(DATABASE)
        yield started


@pytest.mark.parametrize("way", ["on", "verify"])
async def test_tls_that_the_server_does_not_offer_is_told_of(
    connect: Connect, without_tls: PrivateServer, way: str
) -> None:
    assert not await connect(settings_of(without_tls.url(DATABASE)), is_encrypted)
    said = await refusal(connect, settings_of(without_tls.url(DATABASE), database_tls=way))
    assert said.endswith("does not offer TLS: enable it there, or set RECSYS_DATABASE_TLS=off")


@pytest.mark.parametrize("way", ["on", "verify"])
async def test_whoever_is_in_between_cannot_pretend_that_there_is_tls(
    connect: Connect, server: PrivateServer, way: str
) -> None:
    """Both drivers go on without TLS where it is not offered, and what the server says of it can be forged then."""
    with tls_stripper(server.port) as port:
        url = server.url(DATABASE).replace(str(server.port), str(port))
        assert await connect(settings_of(url), is_encrypted)  # or so it seems
        said = await refusal(connect, settings_of(url, database_tls=way, database_ca=server.ca))
    assert said.endswith("does not offer TLS: enable it there, or set RECSYS_DATABASE_TLS=off")


async def test_a_server_that_requires_tls_is_told_of(connect: Connect, server: PrivateServer) -> None:
    administer(server, "SET GLOBAL require_secure_transport = ON")
    try:
        said = await refusal(connect, settings_of(server.url(DATABASE)))
        assert await connect(settings_of(server.url(DATABASE), database_tls="on")) == server.user
    finally:
        administer(server, "SET GLOBAL require_secure_transport = OFF")
    assert "RECSYS_DATABASE_TLS" in said


async def test_a_user_who_must_use_tls_is_told_of(connect: Connect, server: PrivateServer) -> None:
    """The server says just that access is denied, so every reason has to be named."""
    url = server.url(DATABASE, user=ENCRYPTED_ONLY)
    assert await connect(settings_of(url, database_tls="on")) == ENCRYPTED_ONLY
    said = await refusal(connect, settings_of(url))
    assert "RECSYS_DATABASE_TLS" in said


async def test_a_client_certificate_that_is_needed_and_missing_is_told_of(
    connect: Connect, server: PrivateServer
) -> None:
    values: dict[str, Any] = {"database_tls": "verify", "database_ca": server.ca}
    said = await refusal(connect, settings_of(server.url(DATABASE, user=CERTIFIED_USER), **values))
    assert "RECSYS_DATABASE_CERT" in said


async def test_a_client_certificate_is_shown_where_there_is_one(connect: Connect, server: PrivateServer) -> None:
    values: dict[str, Any] = {
        "database_tls": "verify",
        "database_ca": server.ca,
        "database_cert": server.client_cert,
        "database_key": server.client_key,
    }
    assert await connect(settings_of(server.url(DATABASE, user=CERTIFIED_USER), **values)) == CERTIFIED_USER


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"database_ca": "nowhere.pem"}, "RECSYS_DATABASE_CA.*No such file"),
        ({"database_ca": "not-a-certificate.pem"}, "RECSYS_DATABASE_CA.*no certificate"),
        ({"database_cert": "not-a-certificate.pem"}, "_CERT or _KEY"),
        ({"database_cert": "client-cert.pem"}, "_CERT or _KEY"),
        ({"database_cert": "client-cert.pem", "database_key": "server-key.pem"}, "_CERT or _KEY.*MISMATCH"),
    ],
)
def test_unusable_certificates_are_told_of(
    server: PrivateServer, files: dict[str, str], said: str, tmp_path: Path
) -> None:
    (server.folder / "not-a-certificate.pem").write_text("nothing of the kind\n", encoding="utf-8")
    paths: dict[str, Any] = {name: server.folder / file for name, file in files.items()}
    with pytest.raises(InvalidInputError, match=said) as caught:
        MysqlAddress.from_settings(settings_of(server.url(DATABASE), database_tls="verify", **paths))
    one_line(caught.value)


@pytest.mark.parametrize("file", ["database_ca", "database_cert", "database_key"])
def test_certificates_without_tls_are_told_of(file: str, tmp_path: Path) -> None:
    values: dict[str, Any] = {file: tmp_path / "some.pem"}
    with pytest.raises(InvalidInputError, match="need RECSYS_DATABASE_TLS=verify"):
        MysqlAddress.from_settings(settings_of("mysql://host/films", **values))


# Passwords

AWKWARD = ["at@colon:slash/", "100%25 & #1?", "+plus plus+", "'quotes\" \\", "pa%73s", "grüße", "пароль", "🔑"]


@pytest.fixture(params=AWKWARD)
def awkward(request: pytest.FixtureRequest, server: PrivateServer) -> Iterator[str]:
    """A password, that of WHO."""
    word = str(request.param)
    quoted = pymysql.converters.escape_string(word)
    administer(server, f"CREATE USER {WHO}@`%` IDENTIFIED BY '{quoted}'", f"GRANT SELECT ON {DATABASE}.* TO {WHO}@`%`")
    yield word
    administer(server, f"DROP USER {WHO}@`%`")


async def test_any_password_may_be_in_the_url_or_beside_it(
    connect: Connect, server: PrivateServer, awkward: str
) -> None:
    assert await connect(settings_of(server.url(DATABASE, user=WHO, password=awkward))) == WHO
    beside = settings_of(server.url(DATABASE, user=WHO, password=""), database_password=awkward)
    assert await connect(beside) == WHO


async def test_the_password_beside_the_url_goes_before_the_one_in_it(connect: Connect, server: PrivateServer) -> None:
    url = server.url(DATABASE, password=SECRET)
    assert await connect(settings_of(url, database_password=PASSWORD)) == server.user
    said = await refusal(connect, settings_of(server.url(DATABASE), database_password=SECRET))
    assert "refuses the user or the password" in said


async def test_settings_are_read_from_the_environment(
    connect: Connect, server: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECSYS_DATABASE_URL", server.url(DATABASE, password=SECRET))
    monkeypatch.setenv("RECSYS_DATABASE_PASSWORD", PASSWORD)
    assert await connect(Settings(_env_file=None)) == server.user


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
async def test_secrets_are_read_from_files(
    connect: Connect, server: PrivateServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, end: str
) -> None:
    for name in ("RECSYS_DATABASE_URL", "RECSYS_DATABASE_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RECSYS_SECRETS_DIR", str(tmp_path))
    (tmp_path / "recsys_database_url").write_bytes(f"{server.url(DATABASE, password='')}{end}".encode())
    (tmp_path / "recsys_database_password").write_bytes(f"{PASSWORD}{end}".encode())
    assert await connect(Settings(_env_file=None)) == server.user


def test_the_environment_goes_before_files_of_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RECSYS_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("RECSYS_DATABASE_PASSWORD", "of the environment")
    (tmp_path / "recsys_database_password").write_text("of the file", encoding="utf-8")
    found = Settings(_env_file=None).database_password
    assert found is not None
    assert found.get_secret_value() == "of the environment"


def test_settings_and_addresses_show_no_password(server: PrivateServer) -> None:
    settings = settings_of(f"mysql://{WHO}:{SECRET}@host/films", database_password=f"{SECRET}-2")
    address = MysqlAddress.from_settings(settings)
    for shown in (repr(settings), str(settings), settings.model_dump_json(), repr(address), str(address)):
        assert SECRET not in shown


async def test_no_password_is_logged(connect: Connect, server: PrivateServer, caplog: pytest.LogCaptureFixture) -> None:
    names = [None, "sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool", "aiomysql", "mcp_server"]
    for name in names:
        caplog.set_level(logging.DEBUG, name)
    await connect(settings_of(server.url(DATABASE), database_password=PASSWORD))
    await refusal(connect, settings_of(server.url(DATABASE, password=SECRET)))
    await refusal(connect, settings_of(f"mysql+aiomysql://{WHO}:{SECRET}@127.0.0.1:1/films"))
    assert "SELECT" in caplog.text  # the statements are logged at this level
    for hidden in (SECRET, PASSWORD, "a%20secret"):
        assert hidden not in caplog.text


# Commands

COMMANDS = {"serve": ["serve"], "prepare": ["prepare"], "call": ["call", "list"], "doctor": ["doctor", "--json"]}


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str


def run_all(folder: Path, variables: dict[str, str], names: list[str] | None = None) -> dict[str, Ended]:
    """Run commands side by side in an empty folder, without the settings of whoever runs the tests."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("RECSYS_")}
    running = {}
    for name in names or list(COMMANDS):
        here = folder / name
        here.mkdir()
        running[name] = subprocess.Popen(
            [sys.executable, "-m", "mcp_server", *COMMANDS[name]],
            cwd=here,
            env={**env, "RECSYS_STATE": str(here / "state"), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
    ended = {}
    for name, process in running.items():
        out, err = process.communicate(timeout=120)
        ended[name] = Ended(process.returncode, out, err)
    return ended


def assert_refused(ended: dict[str, Ended], said: str) -> None:
    """Each has ended with one line that says this."""
    for name, command in ended.items():
        if name == "doctor":
            assert command.code == 1
            assert all(line.startswith("Reading ") for line in command.err.splitlines())
            (line,) = [found["text"] for found in json.loads(command.out) if found["status"] == "error"]
        else:
            assert command.code == 2, command.err
            assert command.out == ""
            assert command.err.startswith("recsys-mcp: ")
            (line,) = command.err.splitlines()
        assert re.search(said, line), line
        for hidden in (WHO, SECRET, PASSWORD):
            assert hidden not in command.out + command.err


def test_every_command_tells_of_an_unusable_url(tmp_path: Path) -> None:
    ended = run_all(tmp_path, {"RECSYS_DATABASE_URL": f"postgresql://{WHO}:{SECRET}@host/films"})
    assert_refused(ended, r"RECSYS_DATABASE_URL names postgresql; MySQL and MariaDB are supported")


def test_every_command_tells_of_a_wrong_password(server: PrivateServer, tmp_path: Path) -> None:
    url = server.url(DATABASE, user=WHO, password="")
    ended = run_all(tmp_path, {"RECSYS_DATABASE_URL": url, "RECSYS_DATABASE_PASSWORD": SECRET})
    assert_refused(ended, rf"127\.0\.0\.1:{server.port}/{DATABASE} refuses the user or the password")


def test_commands_tell_of_a_server_that_is_not_there(tmp_path: Path) -> None:
    ended = run_all(tmp_path, {"RECSYS_DATABASE_URL": f"mysql://{WHO}:{SECRET}@127.0.0.1:1/films"}, ["serve", "call"])
    assert_refused(ended, r"the database at 127\.0\.0\.1:1/films cannot be reached just now")


def test_commands_tell_of_settings_out_of_range(tmp_path: Path) -> None:
    variables = {"RECSYS_DATABASE_URL": f"mysql://{WHO}:{SECRET}@host/films", "RECSYS_DATABASE_POOL_SIZE": "0"}
    assert_refused(run_all(tmp_path, variables, ["call"]), r"RECSYS_DATABASE_POOL_SIZE: .*greater than or equal to 1")


def test_a_command_takes_the_password_from_a_file_and_does_not_log_it(server: PrivateServer, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "recsys_database_password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    variables = {
        "RECSYS_DATABASE_URL": server.url(DATABASE, password=SECRET),
        "RECSYS_SECRETS_DIR": str(secrets),
        "RECSYS_LOG_LEVEL": "DEBUG",
    }
    ended = run_all(tmp_path, variables, ["call"])["call"]
    assert ended.code == 2
    place = rf"the database at 127\.0\.0\.1:{server.port}/{DATABASE}"
    assert re.search(rf"^recsys-mcp: nothing has been prepared in {place}: run `recsys-mcp prepare`$", ended.err, re.M)
    for hidden in (SECRET, PASSWORD, server.url(DATABASE)):
        assert hidden not in ended.out + ended.err
