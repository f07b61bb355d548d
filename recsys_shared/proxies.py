"""The proxies that the environment names in HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, and the requests that go
through them.

Addresses of this machine are reached directly: behind a proxy they would mean the proxy itself.
"""

import importlib.util
import ipaddress
import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from recsys_shared.plain_text import one_line

KINDS = ("http", "https", "all")

SCHEMES = ("http", "https", "socks5", "socks5h")
"""Schemes of proxies that HTTPX can use."""


class ProxyError(Exception):
    """The environment names a proxy or certificates that cannot be used; the text is one line that says what to do."""


@dataclass(frozen=True)
class Proxy:
    """A proxy.

    Args:
        address: Its URL without user and password.
        variable: The environment variable that names it.
    """

    address: str
    variable: str

    def __str__(self) -> str:
        return f"the proxy {self.address} ({self.variable})"


def client_options(url: str) -> dict[str, Any]:
    """Options of an HTTPX client for requests to this address; they make it bypass proxies where it should.

    Raises:
        ProxyError: HTTPX cannot use the proxy, or the certificates cannot be read.
    """
    proxies = _proxies()
    if not proxies:
        return {}
    if proxy_for(url) is not None:
        check_proxies()
        return {}
    options: dict[str, Any] = {"trust_env": False}
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file or folder:  # HTTPX itself would read them only with trust_env
        import ssl

        try:
            options["verify"] = ssl.create_default_context(cafile=file, capath=folder)
        except OSError as error:
            raise ProxyError(f"certificates cannot be read from SSL_CERT_FILE, {file}: {error}") from error
    return options


def check_proxies() -> None:
    """Check that an HTTPX client without options of ours can be made at all.

    Raises:
        ProxyError: HTTPX cannot use one of the proxies.
    """
    for kind, value in _proxies().items():
        _check(kind, value)


def proxy_for(url: str) -> Proxy | None:
    """The proxy for requests to an address, if any."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    proxies = _proxies()
    kind = next((kind for kind in (parts.scheme, "all") if kind in proxies), None)
    if kind is None or not host or is_loopback(host):
        return None
    from urllib.request import proxy_bypass

    if proxy_bypass(host if port is None else f"{host}:{port}"):
        return None
    return _named(kind, proxies[kind])


def through_proxy(url: str) -> str:
    """The words " through the proxy ..." for the end of "... at URL" in an error; empty if there is no proxy."""
    proxy = proxy_for(url)
    return "" if proxy is None else f" through {proxy}"


def is_loopback(host: str) -> bool:
    """True if a host is this machine, judged by its name or address alone."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_unspecified)


def _proxies() -> dict[str, str]:
    """The proxies by kind, as HTTPX finds them."""
    from urllib.request import getproxies

    found = getproxies()
    return {kind: found[kind] for kind in KINDS if found.get(kind)}


def _named(kind: str, value: str) -> Proxy:
    variables = (f"{kind}_proxy", f"{kind}_proxy".upper())
    variable = next((name for name in variables if os.environ.get(name)), "of the system's settings")
    scheme, separator, rest = value.rpartition("://")
    place = rest.rpartition("@")[2].partition("/")[0]
    return Proxy(one_line(f"{scheme if separator else 'http'}://{place}", 200), variable)


def _check(kind: str, value: str) -> None:
    proxy = _named(kind, value)
    try:
        parts = urlsplit(proxy.address)
        usable = parts.scheme in SCHEMES and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise ProxyError(f"{proxy.variable} does not name a usable proxy: write http://HOST:PORT, or unset it")
    if parts.scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        raise ProxyError(
            f"{proxy.variable} names a SOCKS proxy ({proxy.address}), which needs one more package: "
            f"pip install socksio, or unset {proxy.variable}"
        )
