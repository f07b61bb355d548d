"""A Qdrant server or cloud: its address, clients for it, and its failures in words.

Whatever goes wrong between this program and the server becomes a BackendError of one line. It names the server, never
its key or password, and says what to do. Mistakes of this program pass through as they are.
"""

import contextlib
import json
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
from qdrant_client import AsyncQdrantClient, QdrantClient
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse
from urllib3.util import parse_url

from mcp_server.errors import BackendError
from recsys_shared.proxies import ProxyError, client_options, through_proxy

PORT = 6333
"""The port of a URL that names none, with https too: Qdrant Cloud listens there."""

ANSWER_SECONDS = 5
"""Time allowed to connect, and again to answer. Whole seconds, because the client rounds up."""

CONNECTIONS = httpx.Limits(max_connections=100, max_keepalive_connections=20)
"""Connections of one client. Without this, the client connects anew for each request to the same machine, which takes
longer than the search."""

MOST_CHARACTERS = 200
"""Length to which a server's own words are cut in messages."""

_FAILURES = (ApiException, QdrantException, httpx.HTTPError, httpx.InvalidURL, OSError)
"""Errors that mean that a server cannot be used."""

_LOST = (httpx.ReadError, httpx.WriteError, httpx.CloseError, httpx.RemoteProtocolError)


class QdrantServer:
    """One server, with the credentials to use it.

    Args:
        url: http://HOST:PORT or https://HOST:PORT, perhaps with a path. A user and a password in it are for a proxy in
            front of the server, as basic authentication.

    Raises:
        BackendError: The URL or the key cannot be used.
    """

    def __init__(self, url: str, api_key: str | None = None) -> None:
        try:
            parts = urlsplit(url.strip())
            after_host = parts.path + parts.query + parts.fragment
            if parts.scheme not in ("http", "https") or not parts.hostname or "@" in after_host:
                raise ValueError  # with an @ so late, what looks like the host is a part of a password
            host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
            address = f"{parts.scheme}://{host}:{parts.port or PORT}"
            parse_url(address)  # as the client does, which refuses more than urlsplit
        except ValueError:
            # The URL itself is not shown: it may hold a password.
            raise BackendError(
                "RECSYS_QDRANT_URL is not the address of a Qdrant server: it should look like http://HOST:6333 or "
                "https://HOST:6333"
            ) from None
        self.name = f"Qdrant at {address}"
        self._url = f"{address}{parts.path.rstrip('/')}"
        self._api_key = (api_key or "").strip()
        if not (self._api_key.isascii() and self._api_key.isprintable()):  # httpx would show the key in its error
            raise BackendError(f"the API key of {self.name} cannot be sent: check RECSYS_QDRANT_API_KEY")
        self._auth = None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))

    def client(self) -> QdrantClient:
        """A client for making collections."""
        with self.answering():
            return QdrantClient(**self._access())

    def async_client(self) -> AsyncQdrantClient:
        """A client for searching. It belongs to the event loop that first uses it."""
        with self.answering():
            return AsyncQdrantClient(**self._access())

    def _access(self) -> dict[str, Any]:
        return {
            "url": self._url,
            "timeout": ANSWER_SECONDS,
            "limits": CONNECTIONS,
            "check_compatibility": False,  # it would ask in a thread of its own, and only warn
            # As a header: with `api_key`, the client warns wherever the scheme is http, as it is between containers.
            "headers": {"api-key": self._api_key} if self._api_key else {},
            **({"auth": self._auth} if self._auth else {}),
            **client_options(self._url),
        }

    @contextlib.contextmanager
    def answering(self, collection: str | None = None) -> Iterator[None]:
        """Turn a failure of the server into an error that says what to do.

        Args:
            collection: The collection that is asked for, if any.

        Raises:
            BackendError: The server cannot be reached, lets nobody in, or does not have what is asked for.
        """
        try:
            yield
        except (*_FAILURES, ValueError, AssertionError) as error:
            if not (isinstance(error, _FAILURES) or _is_useless_answer(error)):
                raise
            named = f"{self.name}{through_proxy(self._url)}"
            raise BackendError(f"{named} {self._explain(error, collection)}") from error
        except ProxyError as error:
            raise BackendError(f"{self.name} cannot be asked: {error}") from error

    def _explain(self, error: Exception, collection: str | None) -> str:
        error = cause(error)
        if isinstance(error, UnexpectedResponse):
            return self._explain_refusal(error, collection)
        if isinstance(error, ResourceExhaustedResponse):
            return f"has too much to do just now: try again in {error.retry_after_s} seconds"
        if isinstance(error, httpx.TimeoutException):
            return _unreachable(f"no answer in {ANSWER_SECONDS} seconds")
        if isinstance(error, httpx.TransportError):
            return _unreachable(_one_line(str(error)) or type(error).__name__)
        if isinstance(error, ValueError | AssertionError | httpx.DecodingError):
            return "does not answer as Qdrant does: is RECSYS_QDRANT_URL right?"
        return f"cannot be used ({type(error).__name__}: {_one_line(str(error))})"

    def _explain_refusal(self, error: UnexpectedResponse, collection: str | None) -> str:
        code = error.status_code or 0
        status = _one_line(f"{code} {error.reason_phrase}")
        said = _said(error.content)
        reason = f"{status}: {said}" if said else status
        if code in (401, 403):
            if not self._api_key:
                return f"wants an API key ({reason}): set RECSYS_QDRANT_API_KEY"
            return f"refuses the API key ({reason}): check RECSYS_QDRANT_API_KEY"
        if code >= 500:
            return _unreachable(reason) if said is None else f"has failed ({reason}): try again, or look into its log"
        if code == 429:
            return f"has too much to do just now ({reason}): try again"
        if said is None:
            return f"does not answer as Qdrant does ({reason}): is RECSYS_QDRANT_URL right?"
        if code == 404 and collection is not None:
            return f"has no collection {collection}: run `recsys-mcp prepare`"
        return f"refuses what it was asked ({reason}): run `recsys-mcp doctor`"


def _is_useless_answer(error: Exception) -> bool:
    """True if the client could not read an answer. It lets errors of JSON through, and asserts that there is a result.

    The traceback tells these from errors of this program, which are no fault of the server.
    """
    frames = traceback.walk_tb(error.__traceback__)
    from_client = [str(frame.f_globals.get("__name__")).startswith("qdrant_client.") for frame, _ in frames]
    if isinstance(error, AssertionError):
        return from_client[-1]
    return isinstance(error, json.JSONDecodeError | UnicodeDecodeError) and any(from_client)


def cause(error: Exception) -> Exception:
    """The error that the client has wrapped, or the error itself."""
    return error.source if isinstance(error, ResponseHandlingException) else error


def is_lost_connection(error: Exception) -> bool:
    """True if a connection ended before the answer came."""
    return isinstance(cause(error), _LOST)


def passing_seconds(error: Exception) -> float | None:
    """Least time to wait before asking again; None if it is no use to ask again."""
    error = cause(error)
    if isinstance(error, ResourceExhaustedResponse):
        return float(error.retry_after_s)
    if isinstance(error, UnexpectedResponse):
        return 0.0 if error.status_code == 429 or (error.status_code or 0) >= 500 else None
    return 0.0 if isinstance(error, httpx.TransportError) else None


def _unreachable(reason: str) -> str:
    return f"cannot be reached just now ({reason}): is it running, and is RECSYS_QDRANT_URL right?"


def _said(content: bytes) -> str | None:
    """The error in an answer of Qdrant; None if the answer is not Qdrant's."""
    try:
        return _one_line(str(json.loads(content)["status"]["error"]))
    except (ValueError, LookupError, TypeError):
        return None


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MOST_CHARACTERS else f"{line[:MOST_CHARACTERS]}..."
