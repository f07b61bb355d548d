"""Bearer tokens: which are accepted, the file that they may come from, and the check of each request.

Only digests of tokens are kept, and no token is ever part of a log line or a message.
"""

import hashlib
import hmac
import logging
import re
from collections.abc import Sequence
from pathlib import Path

from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.types import ASGIApp

from mcp_server.errors import InvalidInputError
from mcp_server.files.permissions import all_can_read, all_can_replace_in, all_can_write, mode

logger = logging.getLogger(__name__)

LEAST_TOKEN_LENGTH = 16

HOW_TO_MAKE_A_TOKEN = 'python -c "import secrets; print(secrets.token_urlsafe(32))" makes one'

Digest = bytes

FileStamp = tuple[int, int, int, int, int]
"""Changes whenever a file or the permissions around it do."""


class Tokens:
    """The accepted tokens.

    Where tokens were configured at the start, one is required for as long as the server lives: emptying or deleting the
    file revokes its tokens and opens nothing.

    Args:
        written: Tokens separated by commas.
        file: A file with one token a line; blank lines and lines that begin with # are skipped. It is read again when
            it changes, and from then on only the tokens in it are accepted.
        secrets_folder: Where an orchestrator mounts secrets. Files there may be readable by everyone.

    Raises:
        InvalidInputError: A token is too short or cannot be sent in a header, no token was found in a configured
            source, or others could write to the file.
    """

    def __init__(self, written: str | None, file: Path | None, secrets_folder: Path | None = None) -> None:
        self._written = _digests(written.split(","), "RECSYS_TOKENS") if written and written.strip() else []
        self._file = file
        self._stamp: FileStamp | None = None
        self._from_file: list[Digest] = []
        if file is not None:
            self._stamp = _stamp(file)
            self._from_file = _digests(_lines(file), str(file))
            if not (secrets_folder and file.absolute().is_relative_to(secrets_folder)) and all_can_read(file):
                logger.warning("the tokens in %s can be read by every user of this machine: chmod o-r %s", file, file)
        self._needed = bool(self._written or file is not None)

    def __bool__(self) -> bool:
        """True if a token is required."""
        return self._needed

    def owner(self, presented: str) -> str | None:
        """A name for whoever presents a token, the same for the same token; None where it is not accepted.

        The comparison is with every token and in constant time, so that its duration tells nothing.
        """
        self._reload_if_changed()
        given = _digest(presented)
        found = None
        for known in (*self._written, *self._from_file):
            if hmac.compare_digest(known, given):
                found = known
        return None if found is None else found.hex()[:16]

    def _reload_if_changed(self) -> None:
        """Read the file again if it has changed."""
        if self._file is None:
            return
        stamp = _stamp(self._file)
        if stamp == self._stamp:
            return
        self._stamp, self._from_file = stamp, []
        try:
            for number, token in enumerate(_lines(self._file), start=1):
                try:
                    self._from_file.append(_checked_digest(token, number, str(self._file)))
                except InvalidInputError as error:
                    logger.error("%s; it is not accepted", error)
        except InvalidInputError as error:
            logger.error("%s; no token of it is accepted any more", error)
        else:
            logger.log(
                logging.INFO if self._from_file else logging.ERROR,
                "%d tokens read from %s; no others of it are accepted any more",
                len(self._from_file),
                self._file,
            )


class _Verifier:
    """The accepted tokens in the form that the SDK asks for."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def verify_token(self, token: str) -> AccessToken | None:
        owner = self._tokens.owner(token)
        # The name stands in for the token as well, so that no log of the SDK can show the token.
        return None if owner is None else AccessToken(token=owner, client_id=owner, scopes=[])


def authentication(tokens: Tokens) -> Middleware:
    """Middleware that finds out whose token came with a request; it refuses nobody."""
    return Middleware(AuthenticationMiddleware, backend=BearerAuthBackend(_Verifier(tokens)))


def with_token_only(app: ASGIApp) -> ASGIApp:
    """An application that answers 401 to requests without an accepted token."""
    return RequireAuthMiddleware(app, required_scopes=[])


def _lines(file: Path) -> list[str]:
    """The tokens in a file, as they are written there.

    Raises:
        InvalidInputError: The file cannot be read, or others could write to it.
    """
    _check_that_only_we_write(file)
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"the file of tokens {file} cannot be read: {error}") from error
    return [stripped for line in lines if (stripped := line.strip()) and not stripped.startswith("#")]


def _digests(written: Sequence[str], source: str) -> list[Digest]:
    tokens = [token.strip() for token in written if token.strip()]
    if not tokens:
        raise InvalidInputError(f"{source} holds no token: {HOW_TO_MAKE_A_TOKEN}")
    return [_checked_digest(token, number, source) for number, token in enumerate(tokens, start=1)]


def _checked_digest(token: str, number: int, source: str) -> Digest:
    if len(token) < LEAST_TOKEN_LENGTH:
        raise InvalidInputError(
            f"token {number} of {source} is shorter than {LEAST_TOKEN_LENGTH} characters: {HOW_TO_MAKE_A_TOKEN}"
        )
    if not re.fullmatch(r"[!-~]+", token):
        raise InvalidInputError(
            f"token {number} of {source} has a character that no header can carry: letters, digits and -._~+/= serve"
        )
    return _digest(token)


def _digest(token: str) -> Digest:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _stamp(file: Path) -> FileStamp | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, mode(file.absolute().parent)


def _check_that_only_we_write(file: Path) -> None:
    """Refuse a file to which every user of this machine could add a token.

    Raises:
        InvalidInputError: The file or its folder can be written to by everyone.
    """
    if all_can_write(file):
        raise InvalidInputError(f"every user of this machine can write to the file of tokens {file}: chmod o-w {file}")
    folder = file.absolute().parent
    if all_can_replace_in(folder):
        raise InvalidInputError(
            f"every user of this machine can replace the file of tokens {file}, because its folder can be written to "
            f"by all: chmod o-w {folder}"
        )
