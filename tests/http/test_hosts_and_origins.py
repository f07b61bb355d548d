"""Tokens, and the names under which a server is reached."""

from pathlib import Path

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.http.auth import Tokens
from mcp_server.http.hosts_and_origins import accepted_hosts, accepted_origins, check_exposure
from mcp_server.settings import Settings
from recsys_shared.listening import is_this_machine

ONE, OTHER, THIRD = "one-token-of-sixteen", "other.token/of+sixteen=", "~third_token_of_sixteen~"


def settings(**values: object) -> Settings:
    return Settings(_env_file=None, **values)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "tokens"
    file.write_text(f"# who may connect\n\n{ONE}\n  {OTHER}  \n", encoding="utf-8")
    return file


def replace(file: Path, text: str) -> None:
    """Replace a file as mounted secrets are replaced: another file takes its name."""
    other = file.with_suffix(".new")
    other.write_text(text, encoding="utf-8")
    other.replace(file)


# Tokens


def test_every_token_is_accepted_and_no_other() -> None:
    tokens = Tokens(f"{ONE}, {OTHER},", None)
    assert tokens.owner(ONE)
    assert tokens.owner(OTHER)
    for wrong in ("", ONE[:-1], ONE + "x", ONE.upper(), f" {ONE}", f"{ONE},{OTHER}", THIRD, "ü" * 20, "\udcff"):
        assert tokens.owner(wrong) is None, wrong


def test_owners_differ_by_token_and_do_not_show_it() -> None:
    tokens = Tokens(f"{ONE},{OTHER}", None)
    one, other = tokens.owner(ONE), tokens.owner(OTHER)
    assert one is not None
    assert other is not None
    assert one != other
    assert one == Tokens(f"{THIRD},{ONE}", None).owner(ONE)
    assert ONE not in one
    assert ONE not in repr(vars(tokens))


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_without_any_there_are_none(nothing: str | None) -> None:
    tokens = Tokens(nothing, None)
    assert not tokens
    assert tokens.owner("") is None


def test_a_file_has_one_a_line(file: Path) -> None:
    tokens = Tokens(None, file)
    assert tokens
    assert tokens.owner(ONE)
    assert tokens.owner(OTHER)
    assert tokens.owner("# who may connect") is None
    assert tokens.owner("") is None


def test_tokens_of_the_file_and_of_the_setting_are_accepted(file: Path) -> None:
    tokens = Tokens(THIRD, file)
    assert tokens.owner(ONE)
    assert tokens.owner(THIRD)


def test_the_file_is_read_again_when_it_changes(file: Path) -> None:
    tokens = Tokens(None, file)
    replace(file, THIRD)
    assert tokens.owner(THIRD)
    assert tokens.owner(ONE) is None


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("fifteen-letters", "token 1 of RECSYS_TOKENS is shorter than 16"),
        (f"{ONE},fifteen-letters", "token 2 of RECSYS_TOKENS is shorter than 16"),
        ("sixteen letters and a space", "no header can carry"),
        ("sechzehn-zeichen-ü", "no header can carry"),
        (" , ", "RECSYS_TOKENS holds no token"),
    ],
)
def test_an_unusable_token_is_refused_without_being_shown(written: str, said: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        Tokens(written, None)
    assert said in str(refusal.value)
    assert "letters and" not in str(refusal.value)
    assert "fifteen" not in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b"\n# nothing\n", b"short", b"\xff\xfe" * 20, None])
def test_a_file_without_tokens_is_refused_at_the_start(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "tokens"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidInputError, match=str(file)):
        Tokens(ONE, file)


# Where to listen


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_addresses_of_this_machine(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.0.1", "example.com", "localhost.example.com"])
def test_addresses_that_others_reach(host: str) -> None:
    assert not is_this_machine(host)
    none = Tokens(None, None)
    with pytest.raises(InvalidInputError, match="RECSYS_TOKENS"):
        check_exposure(settings(host=host), none)
    check_exposure(settings(host=host, allow_anonymous=True), none)
    check_exposure(settings(host=host), Tokens(ONE, None))


# Names


def test_hosts_of_this_machine_are_accepted_with_any_port() -> None:
    hosts = accepted_hosts(settings())
    for name in ("localhost", "127.0.0.1", "[::1]"):
        assert name in hosts
        assert f"{name}:*" in hosts
    assert len(hosts) == 6


def test_the_address_listened_on_is_accepted() -> None:
    assert {"192.168.0.1", "192.168.0.1:*"} <= set(accepted_hosts(settings(host="192.168.0.1")))
    assert {"[fe80::1]", "[fe80::1]:*"} <= set(accepted_hosts(settings(host="fe80::1")))
    assert accepted_hosts(settings(host="0.0.0.0")) == accepted_hosts(settings(host="::")) == accepted_hosts(settings())


def test_an_allowed_host_without_a_port_is_accepted_with_any() -> None:
    own = accepted_hosts(settings())
    hosts = accepted_hosts(settings(allowed_hosts="films.example.com, api.example.com:8443, ::2, [::3]:80"))
    assert [host for host in hosts if host not in own] == [
        "films.example.com",
        "films.example.com:*",
        "api.example.com:8443",
        "[::2]",
        "[::2]:*",
        "[::3]:80",
    ]


def test_allowed_origins_are_accepted_as_they_are() -> None:
    origins = accepted_origins(settings(allowed_origins="https://app.example.com"))
    assert "https://app.example.com" in origins
    assert "http://localhost:*" in origins


@pytest.mark.parametrize("wrong", ["app.example.com", "*", "https://app.example.com/", "https://*.example.com"])
def test_what_is_no_origin_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidInputError, match="not an origin"):
        accepted_origins(settings(allowed_origins=wrong))
