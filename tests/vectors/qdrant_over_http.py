"""qdrant-client's in-memory Qdrant behind a socket, in the words of Qdrant's REST API.

Where no Qdrant server is at hand, the program's own clients talk to this one, from this process or from others. What
it cannot show is the server's own behaviour: approximate search, consensus, limits. RECSYS_TEST_QDRANT_URL is for that.
"""

import contextlib
import json
import re
import socket
import threading
import warnings
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json
from qdrant_client import QdrantClient, models

POLL_SECONDS = 0.02
"""Between looks whether to stop serving."""

_AliasOperations: TypeAdapter[list[models.AliasOperations]] = TypeAdapter(list[models.AliasOperations])


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # many may ask at once

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self._connections: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.append(request)
        super().process_request(request, client_address)

    def hang_up(self) -> None:
        """End the connections that are kept open, as a server does that is stopped."""
        for connection in self._connections:
            with contextlib.suppress(OSError):  # it has ended before
                connection.shutdown(socket.SHUT_RDWR)


class QdrantOverHttp:
    """A server on a port of this machine, with no collections. To be used in a with statement.

    Args:
        api_key: That requests must bring, if any.
        version: That it says it has.
        port: To listen on; a free one where 0.
    """

    def __init__(self, api_key: str | None = None, version: str = "1.16.0", port: int = 0) -> None:
        self.client = QdrantClient(":memory:")
        """What is in it."""
        self.api_key, self.version = api_key, version
        self.hang_ups = 0
        """Requests, from now on, whose connection is closed without an answer."""
        self.refusals: list[int] = []
        """Status codes of the next answers to writing points, which are not written then."""
        self.requests: list[str] = []
        """Methods and paths of all requests so far."""
        self._lock = threading.Lock()
        qdrant = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or answers on a connection that is kept take 40 ms

            def _handle(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with qdrant._lock:
                    qdrant.requests.append(f"{self.command} {self.path}")
                    if qdrant.hang_ups:
                        qdrant.hang_ups -= 1
                        self.close_connection = True
                        return
                    code, answer = qdrant._answer(self.command, self.path, dict(self.headers), body)
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._http = _Listener(port, Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=[POLL_SECONDS], daemon=True)

    @property
    def port(self) -> int:
        return self._http.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "QdrantOverHttp":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._http.shutdown()
        self._http.hang_up()
        self._http.server_close()
        self._thread.join()
        self.client.close()

    def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        path = path.partition("?")[0]
        if path == "/":  # a Qdrant server tells its version to everyone
            return 200, to_json({"title": "qdrant - vector search engine", "version": self.version})
        if self.api_key is not None and headers.get("api-key") != self.api_key:
            return 401, b"Invalid API key or JWT"
        for known_method, pattern, answer in ROUTES:
            match = re.fullmatch(pattern, path)
            if match is None or method != known_method:
                continue
            if answer is _upsert and self.refusals:
                return _refused(self.refusals.pop(0), "not now")
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # payload indices mean nothing in memory
                    result = answer(self.client, json.loads(body or b"{}"), *match.groups())
            except ValidationError as error:
                return _refused(400, f"Format error in JSON body: {error.errors()[0]['msg']}")
            except ValueError as error:
                return _refused(404 if "not found" in str(error) else 400, str(error))
            return 200, to_json({"result": result, "status": "ok", "time": 0.001})
        return 404, b""


def _refused(code: int, said: str) -> tuple[int, bytes]:
    return code, to_json({"status": {"error": said}, "time": 0.001})


def _create(client: QdrantClient, body: Any, name: str) -> Any:
    wanted = models.CreateCollection.model_validate(body)
    return client.create_collection(
        name,
        vectors_config=wanted.vectors,
        sparse_vectors_config=wanted.sparse_vectors,
        metadata=wanted.metadata,
    )


def _change_aliases(client: QdrantClient, body: Any) -> Any:
    return client.update_collection_aliases(_AliasOperations.validate_python(body["actions"]))


def _index(client: QdrantClient, body: Any, name: str) -> Any:
    wanted = models.CreateFieldIndex.model_validate(body)
    return client.create_payload_index(name, wanted.field_name, wanted.field_schema)


def _upsert(client: QdrantClient, body: Any, name: str) -> Any:
    return client.upsert(name, models.PointsList.model_validate(body).points)


def _retrieve(client: QdrantClient, body: Any, name: str) -> Any:
    wanted = models.PointRequest.model_validate(body)
    return client.retrieve(
        name, wanted.ids, with_payload=wanted.with_payload or False, with_vectors=wanted.with_vector or False
    )


def _scroll(client: QdrantClient, body: Any, name: str) -> Any:
    wanted = models.ScrollRequest.model_validate(body)
    records, following = client.scroll(
        name,
        limit=wanted.limit or 10,
        offset=wanted.offset,
        with_payload=wanted.with_payload or False,
        with_vectors=wanted.with_vector or False,
    )
    return models.ScrollResult(points=records, next_page_offset=following)


def _delete(client: QdrantClient, body: Any, name: str) -> Any:
    return client.delete(name, models.PointIdsList.model_validate(body))


def _count(client: QdrantClient, body: Any, name: str) -> Any:
    return client.count(name, count_filter=models.CountRequest.model_validate(body).filter)


def _query(client: QdrantClient, body: Any, name: str) -> Any:
    wanted = models.QueryRequest.model_validate(body)
    return client.query_points(
        name,
        query=wanted.query,
        using=wanted.using,
        query_filter=wanted.filter,
        limit=wanted.limit or 10,
        with_payload=wanted.with_payload or False,
    )


def _query_batch(client: QdrantClient, body: Any, name: str) -> Any:
    return [_query(client, search, name) for search in body["searches"]]


ROUTES: list[tuple[str, str, Callable[..., Any]]] = [
    ("GET", "/collections", lambda client, body: client.get_collections()),
    ("GET", "/aliases", lambda client, body: client.get_aliases()),
    ("POST", "/collections/aliases", _change_aliases),
    ("PUT", "/collections/([^/]+)", _create),
    ("GET", "/collections/([^/]+)", lambda client, body, name: client.get_collection(name)),
    ("DELETE", "/collections/([^/]+)", lambda client, body, name: client.delete_collection(name)),
    ("PUT", "/collections/([^/]+)/index", _index),
    ("PUT", "/collections/([^/]+)/points", _upsert),
    ("POST", "/collections/([^/]+)/points", _retrieve),
    ("POST", "/collections/([^/]+)/points/scroll", _scroll),
    ("POST", "/collections/([^/]+)/points/delete", _delete),
    ("POST", "/collections/([^/]+)/points/count", _count),
    ("POST", "/collections/([^/]+)/points/query", _query),
    ("POST", "/collections/([^/]+)/points/query/batch", _query_batch),
]
