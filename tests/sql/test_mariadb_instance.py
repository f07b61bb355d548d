"""The private MariaDB that other tests rely on: it keeps data, can be stopped in three ways, and speaks TLS."""

import ssl
from collections.abc import Iterator

import pymysql
import pytest
from sqlalchemy.engine import make_url

from tests.mariadb import CERTIFIED_USER, MISSING, PASSWORD, PrivateServer, Server, installed

pytestmark = pytest.mark.skipif(not installed(), reason=MISSING)

NUMBERS = "CREATE TABLE numbers (value INT) ENGINE=InnoDB"


@pytest.fixture(scope="module")
def encrypted() -> Iterator[PrivateServer]:
    with PrivateServer(tls=True) as server:
        server.create_database("recsys_tls")
        yield server


def connect_encrypted(server: PrivateServer, host: str, **options: object) -> str:
    """The cipher of a new connection; empty where it is not encrypted."""
    arguments: dict[str, object] = {"user": server.user, "password": PASSWORD, "database": "recsys_tls", **options}
    with pymysql.connect(host=host, port=server.port, **arguments) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        row = cursor.fetchone()
        assert row is not None
        return str(row[1])


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_data_and_port_outlive_a_restart(way: str) -> None:
    with PrivateServer() as server:
        name = server.create_database()
        server.query(NUMBERS, database=name)
        server.query("INSERT INTO numbers VALUES (7)", database=name)
        port = server.port
        getattr(server, way)()
        assert not server.running
        assert not server.answers()
        server.start()
        assert server.port == port
        assert server.query("SELECT value FROM numbers", database=name) == [(7,)]
    assert not server.running
    assert not server.folder.exists()


def test_a_frozen_server_answers_again_when_thawed() -> None:
    with PrivateServer() as server:
        server.freeze()
        with pytest.raises(pymysql.OperationalError):
            pymysql.connect(host=server.host, port=server.port, user=server.user, password=PASSWORD, read_timeout=1)
        server.thaw()
        assert server.query("SELECT 1") == [(1,)]
        server.freeze()
    assert not server.running


def test_the_url_carries_the_password_whole() -> None:
    server = Server("127.0.0.1", 3307, "some@one", PASSWORD)
    url = make_url(server.url("recsys_a"))
    assert (url.username, url.password, url.port, url.database) == ("some@one", PASSWORD, 3307, "recsys_a")
    assert make_url(server.url("recsys_a", user="root", password="")).password is None


def test_two_servers_run_side_by_side() -> None:
    with PrivateServer() as one, PrivateServer() as other:
        one.create_database("recsys_only_here")
        assert ("recsys_only_here",) in one.query("SHOW DATABASES")
        assert ("recsys_only_here",) not in other.query("SHOW DATABASES")


def test_options_reach_the_server() -> None:
    with PrivateServer(options=["--character-set-server=latin1", "--max-connections=11"]) as server:
        assert server.query("SELECT @@max_connections, @@character_set_server") == [(11, "latin1")]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_certificate_is_good_for_its_names(encrypted: PrivateServer, host: str) -> None:
    checked = {"ssl_ca": str(encrypted.ca), "ssl_verify_cert": True, "ssl_verify_identity": True}
    assert connect_encrypted(encrypted, host, **checked)


def test_the_system_does_not_trust_the_certificate(encrypted: PrivateServer) -> None:
    with pytest.raises(pymysql.OperationalError, match="CERTIFICATE_VERIFY_FAILED"):
        connect_encrypted(encrypted, "127.0.0.1", ssl=ssl.create_default_context())


def test_one_user_needs_a_client_certificate(encrypted: PrivateServer) -> None:
    trusted = {"user": CERTIFIED_USER, "ssl_ca": str(encrypted.ca)}
    with pytest.raises(pymysql.OperationalError, match="Access denied"):
        connect_encrypted(encrypted, "127.0.0.1", **trusted)
    shown = {"ssl_cert": str(encrypted.client_cert), "ssl_key": str(encrypted.client_key)}
    assert connect_encrypted(encrypted, "127.0.0.1", **trusted, **shown)


def test_databases_have_names_of_their_own_and_are_dropped_while_used(database_server: Server) -> None:
    one, other = database_server.create_database(), database_server.create_database()
    assert one != other
    assert one.startswith("recsys_test_")
    held = database_server.connect(one)
    with held.cursor() as cursor:
        cursor.execute(NUMBERS)
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM numbers")  # a dropping connection would wait for this transaction
    for name in (one, other):
        database_server.drop_database(name)
    names = database_server.query("SHOW DATABASES")
    assert (one,) not in names
    assert (other,) not in names
