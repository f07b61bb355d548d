"""The Host and Origin headers that are accepted, and the refusal of all others.

``auth`` has the bearer tokens.
"""

import ipaddress
import re
from collections.abc import Collection, Iterable, Sequence

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_server.errors import InvalidInputError, quoted
from mcp_server.http.auth import HOW_TO_MAKE_A_TOKEN, Tokens
from mcp_server.http.middleware import problem
from mcp_server.http.refusals import Refusals
from mcp_server.settings import Settings
from recsys_shared.listening import is_this_machine

THIS_MACHINE = ("127.0.0.1", "localhost", "[::1]")
"""Names of this machine, as Host headers spell them."""

EVERY_ADDRESS = ("0.0.0.0", "::", "")
"""Addresses to listen on that are no name to be reached by."""


def check_exposure(settings: Settings, tokens: Tokens) -> None:
    """Refuse to serve anyone in the network unless the settings allow it.

    Raises:
        InvalidInputError: Other machines reach the server, no tokens are set, and anonymous use is not allowed.
    """
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
    """True if a host or an origin is one of those accepted.

    Args:
        canonical: The host or origin in its canonical spelling.
        accepted: Canonical spellings; "NAME:*" stands for any port.
    """
    name, colon, port = canonical.rpartition(":")
    return canonical in accepted or bool(colon and port.isdigit() and f"{name}:*" in accepted)


def accepted_hosts(settings: Settings) -> list[str]:
    """Host headers to accept, in their canonical spelling; "NAME:*" stands for any port.

    Raises:
        InvalidInputError: A configured name is not a host.
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
        InvalidInputError: A configured origin is not one.
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
    """A name with letters beyond ASCII as browsers send it (xn--...); a name that cannot be encoded stays as it is."""
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


TARGET_AUTHORITY = "recsys.target_authority"
"""Key in a scope of the host that a request names in its target as well (GET http://localhost/mcp)."""


class KnownHostsOnly:
    """Answers only requests whose Host and Origin are accepted: 400, 421 and 403 otherwise. A web page could reach a
    server on its visitor's machine by a name of its own (DNS rebinding).

    The application behind it sees both in their canonical spelling, and no header with blanks around its value, which
    are no part of it (RFC 9110, 5.5): httptools keeps those behind a value, and the SDK compares values with the body.

    Args:
        open_paths: Paths that are answered whatever the host is: orchestrators ask by address.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Sequence[str],
        origins: Sequence[str],
        open_paths: Collection[str],
        refusals: Refusals,
    ) -> None:
        self._app, self._hosts, self._origins = app, hosts, origins
        self._open_paths, self._refusals = open_paths, refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._open_paths:
            await self._app(scope, receive, send)
            return
        checked = self._checked(scope)
        if isinstance(checked, JSONResponse):
            await checked(scope, receive, send)
        else:
            await self._app({**scope, "headers": checked}, receive, send)

    def _checked(self, scope: Scope) -> list[tuple[bytes, bytes]] | JSONResponse:
        """The headers for the application, or the response that refuses the request."""
        hosts, origins = (_values(scope, name) for name in (b"host", b"origin"))
        if len(hosts) != 1 or len(origins) > 1:
            return self._refuse(400, "bad_request", "a request has one Host header, and one Origin header at most")
        host = canonical_host(hosts[0])
        authority = scope.get(TARGET_AUTHORITY)
        if host is None or (authority is not None and canonical_host(authority) != host):
            other = "" if authority is None else f" for {quoted(authority)}"
            return self._refuse(400, "bad_request", f"{quoted(hosts[0])} is not the host of a request{other}")
        if not is_accepted(host, self._hosts):
            text = f"{quoted(hosts[0])} is not a name of this server: add it to RECSYS_ALLOWED_HOSTS if it should be"
            return self._refuse(421, "unknown_host", text)
        origin = canonical_origin(origins[0]) if origins else None
        if origins and (origin is None or not is_accepted(origin, self._origins)):
            text = f"pages of {quoted(origins[0])} may not call: add it to RECSYS_ALLOWED_ORIGINS if they should"
            return self._refuse(403, "unknown_origin", text)
        canonical = {b"host": host.encode("ascii"), b"origin": (origin or "").encode("ascii")}
        return [(name, canonical.get(name, value.strip(b" \t"))) for name, value in scope["headers"]]

    def _refuse(self, status: int, error: str, text: str) -> JSONResponse:
        self._refusals.count("host", text)
        return problem(status, error, text)


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.strip(b" \t").decode("latin-1") for each, value in scope["headers"] if each == name]
