"""Who may use the server over a network: bearer tokens, and the names and web pages under which it is reached.

Knows no protocol. Of tokens only digests are kept, and none is ever part of a text.
"""

import hashlib
import hmac
import ipaddress
import logging
import re
from collections.abc import Sequence
from pathlib import Path

from mcp_server.errors import InvalidInputError
from mcp_server.settings import Settings

logger = logging.getLogger(__name__)

LEAST_TOKEN_LENGTH = 16

HOW_TO_MAKE_A_TOKEN = 'python -c "import secrets; print(secrets.token_urlsafe(32))" makes one'

THIS_MACHINE = ("127.0.0.1", "localhost", "[::1]")
"""Names of this machine, as Host headers spell them."""

EVERY_ADDRESS = ("0.0.0.0", "::", "")
"""To listen on; no name to be reached by."""

Digest = bytes

FileStamp = tuple[int, int, int, int]
"""Changes whenever a file does."""


class Tokens:
    """The tokens that are accepted.

    Args:
        written: Tokens separated by commas.
        file: One token a line; blank lines and lines that begin with # are left out. It is read again when it
            changes; where it then cannot be used, the tokens known before stay.

    Raises:
        InvalidInputError: A token is too short or cannot be sent, or none is there where some were announced.
    """

    def __init__(self, written: str | None, file: Path | None) -> None:
        self._written = _digests(written.split(","), "RECSYS_TOKENS") if written and written.strip() else []
        self._file = file
        self._stamp: FileStamp | None = None
        self._from_file: list[Digest] = []
        if file is not None:
            self._stamp = _stamp(file)
            self._from_file = _read(file)

    def __bool__(self) -> bool:
        return bool(self._written or self._from_file)

    def owner(self, presented: str) -> str | None:
        """A name for whoever presents a token, the same for the same token; None where it is not accepted.

        Compares with every token, and in constant time, so that how long it takes tells nothing.
        """
        self._follow()
        given = _digest(presented)
        found = None
        for known in (*self._written, *self._from_file):
            if hmac.compare_digest(known, given):
                found = known
        return None if found is None else found.hex()[:16]

    def _follow(self) -> None:
        """Read the file again if it is another than before."""
        if self._file is None:
            return
        stamp = _stamp(self._file)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._from_file = _read(self._file)
        except InvalidInputError as error:
            logger.error("%s; the tokens known before stay", error)
        else:
            logger.info("%d tokens read from %s", len(self._from_file), self._file)


def _read(file: Path) -> list[Digest]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"the file of tokens {file} cannot be read: {error}") from error
    return _digests([line for line in lines if not line.lstrip().startswith("#")], str(file))


def _digests(written: Sequence[str], source: str) -> list[Digest]:
    tokens = [token.strip() for token in written if token.strip()]
    if not tokens:
        raise InvalidInputError(f"{source} holds no token: {HOW_TO_MAKE_A_TOKEN}")
    for number, token in enumerate(tokens, start=1):
        if len(token) < LEAST_TOKEN_LENGTH:
            raise InvalidInputError(
                f"token {number} of {source} is shorter than {LEAST_TOKEN_LENGTH} characters: {HOW_TO_MAKE_A_TOKEN}"
            )
        if not re.fullmatch(r"[!-~]+", token):
            raise InvalidInputError(
                f"token {number} of {source} has a character that no header can carry: letters, digits and -._~+/= "
                "serve"
            )
    return [_digest(token) for token in tokens]


def _digest(token: str) -> Digest:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _stamp(file: Path) -> FileStamp | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


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


def accepted_hosts(settings: Settings) -> list[str]:
    """Host headers to accept; "NAME:*" stands for any port."""
    names = [*THIS_MACHINE, *(in_url(name) for name in settings.allowed_hosts)]
    if settings.host not in EVERY_ADDRESS:
        names.append(in_url(settings.host))
    hosts = []
    for name in names:
        after_brackets = name.rpartition("]")[2]
        hosts += [name] if ":" in after_brackets else [name, f"{name}:*"]
    return list(dict.fromkeys(hosts))


def accepted_origins(settings: Settings) -> list[str]:
    """Origins to accept: pages of this machine, and those that the settings name.

    Raises:
        InvalidInputError: One is not an origin.
    """
    for origin in settings.allowed_origins:
        if not re.fullmatch(r"https?://[^/\s*]+", origin):
            raise InvalidInputError(
                f"RECSYS_ALLOWED_ORIGINS: {origin!r} is not an origin; https://app.example.com was expected"
            )
    return [*(f"http://{name}:*" for name in THIS_MACHINE), *settings.allowed_origins]


def in_url(name: str) -> str:
    """An IPv6 address as URLs and Host headers spell it; any other name as it is."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name
    return f"[{address}]" if address.version == 6 else name
