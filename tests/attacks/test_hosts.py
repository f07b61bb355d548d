"""Hosts and origins as foreign pages, proxies and handwritten requests spell them."""

import json
import re
from collections.abc import Iterator

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.http.hosts_and_origins import accepted_hosts, accepted_origins, canonical_host, canonical_origin
from mcp_server.settings import Settings
from tests.attacks.raw_http import Answer, ask
from tests.running_servers import GREETING, HttpServer, http_server

TOKEN = "a-token-for-these-tests"

KNOWN = "Host: localhost\r\n"


@pytest.fixture(scope="module")
def server(films_settings: Settings) -> Iterator[HttpServer]:
    variables = {
        "RECSYS_ALLOWED_HOSTS": "Films.Example.com,api.example.com:8443,bücher.example,fe80::7%eth0",
        "RECSYS_ALLOWED_ORIGINS": "https://App.Example.com",
        "RECSYS_PATH_PREFIX": "/films",
        "RECSYS_TOKENS": TOKEN,
    }
    with http_server(films_settings.state_folder, **variables) as server:
        yield server
        server.end()
        assert not any("Traceback" in line for line in server.log)


def greet(server: HttpServer, headers: str, target: str = "/films/mcp", version: str = "1.1") -> Answer:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": GREETING})
    fixed = (
        f"Authorization: Bearer {TOKEN}\r\nAccept: application/json, text/event-stream\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    )
    return ask(server, f"POST {target} HTTP/{version}\r\n{headers}{fixed}\r\n{body}".encode("latin-1"))


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "LocalHost:8000",
        "localhost.",
        "localhost.:80",
        "127.0.0.1:65535",
        "[::1]:1",
        "[0:0::1]",
        "films.example.com",
        "FILMS.example.COM:81",
        "API.example.com:8443",
        "xn--bcher-kva.example",
        " localhost\t",
        "[FE80::7]",
        "[fe80::7%25eth0]:9",
    ],
)
def test_a_host_is_known_in_every_spelling(server: HttpServer, host: str) -> None:
    assert greet(server, f"Host: {host}\r\n").status == 200


@pytest.mark.parametrize(
    "host",
    [
        "localhost:x@evil",
        "localhost:80@evil",
        "x@localhost",
        "localhost:",
        "localhost:x",
        "localhost:-1",
        "localhost:65536",
        "localhost:²",
        "localhost:80:80",
        "localhost/",
        "localhost,evil",
        "localhost evil",
        "localhost..evil/",
        "*",
        "[::1",
        "::1",
        "[::1]x",
        "[::g]",
        "[::1]:x",
        "[localhost]",
        "",
        "%6cocalhost",
        "bücher.example",
        "localhost\xad",
    ],
)
def test_what_is_no_host_is_refused(server: HttpServer, host: str) -> None:
    answer = greet(server, f"Host: {host}\r\n")
    assert answer.status == 400
    assert answer.json["error"] == "bad_request"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.com",
        "localhost.evil.example.com",
        "localhost-evil.com",
        "api.example.com:80",
        "localhost..",
        "127.1",
        "a" * 250,
        "xn--bcher-kva.example.evil.com",
        "[::2]",
        "[::ffff:127.0.0.1]",
        "films.example.comm",
    ],
)
def test_a_name_of_others_is_refused(server: HttpServer, host: str) -> None:
    answer = greet(server, f"Host: {host}\r\n")
    assert answer.status == 421
    assert "RECSYS_ALLOWED_HOSTS" in answer.json["error_description"]
    assert len(answer.body) < 500


@pytest.mark.parametrize("hosts", ["", KNOWN * 2, f"{KNOWN}host: evil.example.com\r\n", f"HOST: evil\r\n{KNOWN}"])
def test_a_request_has_one_host(server: HttpServer, hosts: str) -> None:
    assert greet(server, hosts).status == 400
    assert greet(server, hosts, version="1.0").status == 400


@pytest.mark.parametrize("origin", ["http://LOCALHOST:3000", "HTTPS://APP.example.com", "https://app.example.com"])
def test_a_page_is_known_in_every_spelling(server: HttpServer, origin: str) -> None:
    assert greet(server, f"{KNOWN}Origin: {origin}\r\n").status == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:x@evil.example.com",
        "http://localhost:80@evil",
        "https://app.example.com.evil.com",
        "null",
        "",
        "https://app.example.com:444",
        "https://app.example.com/",
        "ftp://localhost:1",
        "http://localhost:99999",
        "localhost:1",
        "http://localhost:1 http://evil",
        "javascript://localhost:1",
    ],
)
def test_a_page_of_others_is_refused(server: HttpServer, origin: str) -> None:
    assert greet(server, f"{KNOWN}Origin: {origin}\r\n").status == 403


def test_a_request_has_one_origin_at_most(server: HttpServer) -> None:
    page = "Origin: http://localhost:1\r\n"
    assert greet(server, f"{KNOWN}{page}{page}").status == 400


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://localhost/films/mcp", 200),
        ("HTTP://LocalHost/films/mcp", 200),
        ("http://evil.example.com/films/mcp", 400),
        ("http://localhost@evil.example.com/films/mcp", 400),
        ("http://localhost:x@evil.example.com/films/mcp", 400),
        ("http://evil@localhost/films/mcp", 400),
        ("http://localhost:81/films/mcp", 400),
        ("http://evil.example.com", 400),
        ("*", 404),
        ("//evil.example.com/films/mcp", 404),
    ],
)
def test_a_target_cannot_name_another_host_than_the_header(server: HttpServer, target: str, status: int) -> None:
    assert greet(server, KNOWN, target).status == status


@pytest.mark.parametrize("path", ["/films/mcp", "/films/sse", "/films/metrics", "/films/health", "/films/ready"])
def test_a_slash_at_the_end_changes_nothing(server: HttpServer, path: str) -> None:
    """A redirect would go to the host and scheme that the request names."""
    asked = f"HTTP/1.1\r\n{KNOWN}Accept: text/event-stream\r\nConnection: close\r\n\r\n".encode()
    answers = [ask(server, f"GET {path}{end} ".encode() + asked) for end in ("", "/")]
    assert answers[0].status == answers[1].status
    assert answers[0].body == answers[1].body
    assert greet(server, KNOWN, "/films/mcp/").status == 200


@pytest.mark.parametrize(
    "path", ["/films/mcp/", "/films/sse/", "/films/metrics/", "/", "/nothing", "/films/nothing/", "//"]
)
def test_nothing_is_told_before_the_host_is_known(server: HttpServer, path: str) -> None:
    for method in ("GET", "POST", "DELETE", "OPTIONS", "PUT"):
        head = f"{method} {path} HTTP/1.1\r\nHost: evil.example.com\r\nConnection: close\r\n\r\n"
        answer = ask(server, head.encode())
        assert answer.status == 421
        assert "location" not in answer.headers


def test_controls_and_long_hosts_do_not_reach_the_log(server: HttpServer) -> None:
    before = len(server.log)
    for host in ("evil\x1b[2Jexample", "evil\x9b31m", "evil\nFAKE LINE", "x" * 60_000, "\u202eevil"):
        head = f"GET /films/mcp HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        assert ask(server, head.encode("utf-8")).status in (400, 421)
    for path in ("/films/%0aFAKE%20LINE", "/films/%1b%5b2J", "/%c2%9b", f"/{'x' * 60_000}"):
        assert ask(server, f"GET {path} HTTP/1.1\r\n{KNOWN}Connection: close\r\n\r\n".encode()).status == 404
    said = server.log[before:]
    assert all(re.fullmatch(r"[ -~]*", line) and len(line) < 500 for line in said)
    assert not any(line.startswith("FAKE") for line in said)


# As functions


@pytest.mark.parametrize(
    "host", ["a" * 100_000, "1" * 100_000, "[" + ":" * 100_000 + "]", "localhost:" + "1" * 100_000]
)
def test_endless_hosts_are_none(host: str) -> None:
    assert canonical_host(host) is None
    assert canonical_origin(f"http://{host}") is None


@pytest.mark.parametrize("wrong", ["a b", "http://films.example.com", "films.example.com/", "*", "[::1"])
def test_an_allowed_host_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidInputError, match="RECSYS_ALLOWED_HOSTS"):
        accepted_hosts(Settings(_env_file=None, allowed_hosts=wrong))


def test_names_of_other_letters_are_known_as_they_are_sent() -> None:
    settings = Settings(_env_file=None, allowed_hosts="bücher.example:81", allowed_origins="https://bücher.example")
    assert "xn--bcher-kva.example:81" in accepted_hosts(settings)
    assert "https://xn--bcher-kva.example" in accepted_origins(settings)
