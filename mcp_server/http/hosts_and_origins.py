"""Who may use the server over a network: the names and the web pages under which it is reached.

Knows no protocol. ``tokens`` has the bearer tokens.
"""

import ipaddress
import re
from collections.abc import Iterable

from mcp_server.errors import InvalidInputError
from mcp_server.http.tokens import HOW_TO_MAKE_A_TOKEN, Tokens
from mcp_server.settings import Settings

THIS_MACHINE = ("127.0.0.1", "localhost", "[::1]")
"""Names of this machine, as Host headers spell them."""

EVERY_ADDRESS = ("0.0.0.0", "::", "")
"""To listen on; no name to be reached by."""


def is_this_machine(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_exposure(settings: Settings, tokens: Tokens) -> None:
    """Raises: InvalidInputError: anyone in the network could use the server, and nobody said that they may."""
    if tokens or settings.allow_anonymous or is_this_machine(settings.host):
        return
    raise InvalidInputError(
        f"{settings.host} is reached from other machines, and no tokens are set: set RECSYS_TOKENS or "
        f"RECSYS_TOKENS_FILE ({HOW_TO_MAKE_A_TOKEN}), or pass --allow-anonymous"
    )


def canonical_host(written: str) -> str | None:
    """A Host header's value in the one spelling that is compared: lower case, no dot at the end, addresses of IPv6 at
    their shortest and without a zone. None where it is not a name or an address, with a port of digits or none.
    """
    match = re.fullmatch(r"([A-Za-z0-9._-]{1,255}?)\.?(?::([0-9]{1,5}))?", written)
    if match is None:
        match = re.fullmatch(r"\[([0-9A-Fa-f:.]{2,45})(?:%[A-Za-z0-9._~%-]{1,32})?\](?::([0-9]{1,5}))?", written)
        if match is None:
            return None
        try:
            name = f"[{ipaddress.IPv6Address(match[1])}]"
        except ValueError:
            return None
    else:
        name = match[1].lower()
    if match[2] is None:
        return name
    return f"{name}:{int(match[2])}" if int(match[2]) <= 65535 else None


def canonical_origin(written: str) -> str | None:
    """An Origin header's value in the one spelling that is compared; None where it is not a page of HTTP or HTTPS."""
    scheme, found, rest = written.partition("://")
    host = canonical_host(rest) if found and scheme.lower() in ("http", "https") else None
    return None if host is None else f"{scheme.lower()}://{host}"


def is_accepted(canonical: str, accepted: Iterable[str]) -> bool:
    """Whether a host or an origin is one of those accepted.

    Args:
        canonical: In its canonical spelling.
        accepted: The same; "NAME:*" stands for any port.
    """
    name, colon, port = canonical.rpartition(":")
    return canonical in accepted or bool(colon and port.isdigit() and f"{name}:*" in accepted)


def accepted_hosts(settings: Settings) -> list[str]:
    """Host headers to accept, in their canonical spelling; "NAME:*" stands for any port.

    Raises:
        InvalidInputError: One is not a host.
    """
    names = list(THIS_MACHINE)
    for name in settings.allowed_hosts:
        host = canonical_host(_in_ascii(in_url(name)))
        if host is None:
            raise InvalidInputError(
                f"RECSYS_ALLOWED_HOSTS: {name!r} is not a host; recs.example.com or recs.example.com:8443 was expected"
            )
        names.append(host)
    if settings.host not in EVERY_ADDRESS and (own := canonical_host(_in_ascii(in_url(settings.host)))):
        names.append(own)
    hosts = []
    for name in names:
        after_brackets = name.rpartition("]")[2]
        hosts += [name] if ":" in after_brackets else [name, f"{name}:*"]
    return list(dict.fromkeys(hosts))


def accepted_origins(settings: Settings) -> list[str]:
    """Origins to accept, in their canonical spelling: pages of this machine, and those that the settings name.

    Raises:
        InvalidInputError: One is not an origin.
    """
    origins = [f"http://{name}:*" for name in THIS_MACHINE]
    for written in settings.allowed_origins:
        scheme, found, host = written.partition("://")
        origin = canonical_origin(f"{scheme}{found}{_in_ascii(host)}")
        if origin is None:
            raise InvalidInputError(
                f"RECSYS_ALLOWED_ORIGINS: {written!r} is not an origin; https://app.example.com was expected"
            )
        origins.append(origin)
    return origins


def _in_ascii(written: str) -> str:
    """Names of other letters as browsers send them (xn--...); what cannot be sent stays as it is."""
    try:
        return written if written.isascii() else written.encode("idna").decode("ascii")
    except UnicodeError:
        return written


def in_url(name: str) -> str:
    """An IPv6 address as URLs and Host headers spell it; any other name as it is."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name
    return f"[{address}]" if address.version == 6 else name
