"""Which addresses are reached through a proxy of the environment."""

import os
from pathlib import Path

import pytest
import trustme

from recsys_shared.proxies import ProxyError, client_options, is_loopback, proxy_for, through_proxy
from tests.proxies import VARIABLES


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper() in (*VARIABLES, "SSL_CERT_FILE", "SSL_CERT_DIR")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.10", "::1", "localhost", "LOCALHOST.", "::ffff:127.0.0.1", "0.0.0.0"]
)
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "128.0.0.1", "::2", "localhost.example", "127.0.0.1.example", "example"])
def test_another_machine(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/mcp", "https://localhost/sse", "http://[::1]:6333", "127.0.0.1:11434"]
)
def test_addresses_of_this_machine_take_no_proxy(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy.test:1080")
    assert proxy_for(url) is None
    assert client_options(url)["trust_env"] is False


def test_the_variable_for_the_scheme_goes_before_that_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://all.test:1")
    monkeypatch.setenv("https_proxy", "secure.test:2")
    assert str(proxy_for("https://a.test")) == "the proxy http://secure.test:2 (https_proxy)"
    assert str(proxy_for("http://a.test")) == "the proxy http://all.test:1 (ALL_PROXY)"


def test_user_and_password_of_a_proxy_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:pass@word@proxy.test:3128/")
    assert through_proxy("http://a.test/mcp") == " through the proxy http://proxy.test:3128 (HTTP_PROXY)"


def test_no_proxy_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", "a.test,.b.test")
    assert through_proxy("http://a.test/mcp") == through_proxy("http://c.b.test") == ""
    assert through_proxy("http://d.test/mcp")


def test_without_proxies_clients_are_as_they_are() -> None:
    assert client_options("http://127.0.0.1:8000") == client_options("http://a.test") == {}


@pytest.mark.parametrize("proxy", ["ftp://p.test:1", "http://:3128", "http://p.test:x", "http://p.test:99999"])
def test_a_proxy_that_cannot_be_used_is_refused(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(ProxyError, match="HTTP_PROXY does not name a usable proxy"):
        client_options("http://a.test")


def test_certificates_of_the_environment_still_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What an HTTPX client takes no proxies from, it takes no certificates from either."""
    file = tmp_path / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    assert client_options("https://localhost")["verify"].cert_store_stats()["x509_ca"] == 1
