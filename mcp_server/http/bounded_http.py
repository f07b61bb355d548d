"""uvicorn's HTTP protocol with limits on what a client can do before the application sees a request: the size of a head
and the time it takes, the number of pipelined requests, and the time that an answer waits to be read.
"""

import asyncio
import http
import json
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from mcp_server.http.connections import Connections, client_network
from mcp_server.http.hosts_and_origins import TARGET_AUTHORITY
from mcp_server.http.refusals import Reason, Refusals

MOST_HEAD_BYTES = 64 * 1024
"""Upper bound on the target of a request, and on all its header fields together (trailers as well)."""

PIECE_BYTES = 8 * 1024
"""Bytes that are parsed at once. The parser reports a header field only when it is complete, so the bytes of an
unfinished one are counted in pieces of this size."""

HEAD_SECONDS = 10.0
"""Time from the opening of a connection, or the first byte of a further request, to the end of the request's head. The
rest of a body that nobody waits for has as long."""

UNREAD_SECONDS = 60.0
"""Time after which a client that does not read what it is sent is given up."""

LINGER_SECONDS = 2.0
"""Time for which a refused client may go on sending. A connection that is closed while data arrive is reset, and the
refusal could be lost."""

LINGER_BYTES = 1024 * 1024
"""Upper bound on the bytes that are read meanwhile."""

MOST_LINGERING = 64
"""Upper bound on refused clients that may go on sending at once; others are reset."""

MOST_PIPELINED = 16
"""Upper bound on requests of a connection that wait for the one before. No MCP client sends any; whoever does has to
expect that a connection is closed after any answer (RFC 9112, 9.3.2)."""

RETRY_SECONDS = 5
"""Seconds after which a client that found no place is told to retry."""


class _TooMuchError(Exception):
    """Ends parsing at a limit; the connection has noted which."""


class BoundedHttp(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, connections: Connections, refusals: Refusals, **options: Any) -> None:
        super().__init__(*args, **options)
        self._places, self._refusals = connections, refusals
        self.network = ""
        self._target_bytes = self._field_bytes = self._unparsed_bytes = self._discarded_bytes = 0
        self._parsed = False  # the parser has reported something of the current bytes
        self._in_request = self._in_head = False
        self._answering: RequestResponseCycle | None = None
        self._discards = False  # further bytes are discarded
        self._lingers = False
        self._deadline: asyncio.TimerHandle | None = None
        self._given_up: asyncio.TimerHandle | None = None

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.network = client_network(self.client[0]) if self.client else ""
        if self._places.admit(self):
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_slow)
        else:
            text = f"{self._places.most:,} connections are open, as many as there may be: try again in a moment"
            self._refuse("connections", 503, "too_many_connections", text)

    def connection_lost(self, exc: Exception | None) -> None:
        self._places.leave(self)
        self._stop_timers()
        self._places.refused -= self._lingers
        self._lingers = False
        self.pipeline.clear()
        if self._answering is not None:  # not the last one, where several came in one go
            self._answering.disconnected = True
            self._answering.message_event.set()
            self._answering = None
        super().connection_lost(exc)

    def give_way(self) -> None:
        self._refusals.count("connections", f"a connection from {self.network} gave way, because there are too many")
        self.transport.abort()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._give_up_after(UNREAD_SECONDS)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._given_up is not None and not self.transport.is_closing():
            self._given_up.cancel()
            self._given_up = None

    def timeout_keep_alive_handler(self) -> None:
        self._close()

    def _close(self) -> None:
        """Close once the client has read everything; soon in any case."""
        self.transport.close()
        self._give_up_after(LINGER_SECONDS)

    def _give_up_after(self, seconds: float) -> None:
        if self._given_up is None:
            self._given_up = self.loop.call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        if not self._discards:
            self._refusals.count("slow", f"{self.network} did not read what it was sent, and was given up")
        self.transport.abort()

    def _stop_timers(self) -> None:
        for timer in (self._deadline, self._given_up):
            if timer is not None:
                timer.cancel()
        self._deadline = self._given_up = None
        self._unset_keepalive_if_required()

    # Bytes from the client

    def data_received(self, data: bytes) -> None:
        if self._discards:
            self._discarded_bytes += len(data)
            if self._lingers and self._discarded_bytes > LINGER_BYTES:
                self.transport.abort()
            return
        self._unset_keepalive_if_required()
        for start in range(0, len(data), PIECE_BYTES):
            if not self._parse(data[start : start + PIECE_BYTES]):
                return
        if self._answering is None:
            self._await_request()

    def _parse(self, data: bytes) -> bool:
        """Parse some bytes; whether more may follow."""
        self._parsed = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # to what is not spoken here: the request is answered as it is
        except httptools.HttpParserError as error:
            if not isinstance(error.__context__, _TooMuchError):
                self._refuse("bad_request", 400, "bad_request", "this is not a request of HTTP/1.1")
            return False
        self._unparsed_bytes = 0 if self._parsed else self._unparsed_bytes + len(data)
        return self._has_right_size()

    def _has_right_size(self) -> bool:
        """True if the request so far is within the limits; it is refused otherwise."""
        if self._target_bytes > MOST_HEAD_BYTES:
            status, what = 414, "target"
        elif self._field_bytes + self._unparsed_bytes > MOST_HEAD_BYTES:
            status, what = 431, "header fields"
        else:
            return True
        text = f"the {what} of a request may have {MOST_HEAD_BYTES:,} bytes at most"
        self._refuse("head", status, "request_head_too_large", text)
        return False

    def _await_request(self) -> None:
        """Wait for a request, for a limited time where it has begun."""
        if self._in_request or self._unparsed_bytes:
            self._places.silent(self)
            if self._deadline is None:
                self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_slow)
        else:
            self._places.idle(self)
            self._end_deadline()
            if self.timeout_keep_alive_task is None:
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )

    def _end_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if self._answering is not None:
            return
        if self._in_head or (self._unparsed_bytes and not self._in_request):
            text = f"the head of a request did not come in {HEAD_SECONDS:g} s"
            self._refuse("slow", 408, "request_timeout", text)
        else:  # nothing was sent, or only the rest of a request that has been answered is missing
            self._close()

    # Callbacks of the parser

    def on_message_begin(self) -> None:
        self._parsed = self._in_request = self._in_head = True
        self._target_bytes = self._field_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._parsed = True
        self._target_bytes += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._parsed = True
        self._unparsed_bytes = 0
        self._field_bytes += len(name) + len(value) + 4
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._parsed = True
        self._in_head = False
        if not self._has_right_size():
            raise _TooMuchError
        if len(self.pipeline) >= MOST_PIPELINED:
            self._stop_listening()
            raise _TooMuchError
        parsed = httptools.parse_url(self.url)
        if parsed.host is not None:
            authority = self.url.partition(b"://")[2]
            for end in (b"/", b"?", b"#"):
                authority = authority.partition(end)[0]
            self.scope[TARGET_AUTHORITY] = authority.decode("latin-1")  # type: ignore[literal-required]
        self._field_bytes = 0  # those behind the body are counted anew
        self._end_deadline()
        super().on_headers_complete()
        if not self.pipeline:
            self._answering = self.cycle

    def on_body(self, body: bytes) -> None:
        self._parsed = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._parsed = True
        self._in_request = False
        self._end_deadline()
        if self._answering is not None:
            self._places.busy(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        following = self.pipeline[-1][0] if self.pipeline else None
        super().on_response_complete()
        if self.transport.is_closing():
            self._answering = None
            self._give_up_after(UNREAD_SECONDS)
            return
        self._answering = following
        if following is None:
            if self._in_request or self._unparsed_bytes:
                self._unset_keepalive_if_required()
            self._await_request()

    # Refusals

    def _stop_listening(self) -> None:
        """Close the connection after the last of the requests that wait."""
        self._refusals.count("pipelined", f"more than {MOST_PIPELINED} requests of {self.network} in one go")
        self._discards = True
        self.pipeline[0][0].keep_alive = False

    def _refuse(self, reason: Reason, status: int, error: str, description: str) -> None:
        """Send a refusal, unless another answer is being sent, and close."""
        self._refusals.count(reason, f"{self.network}: {description}")
        self._discards = True
        self._stop_timers()
        if self._answering is not None or self.transport.is_closing():
            self._close()
            return
        self.transport.write(_refusal(status, error, description))
        self._lingers = self._places.refused < MOST_LINGERING and self.transport.can_write_eof()
        self._places.leave(self)
        if self._lingers:
            self._places.refused += 1
            self.transport.write_eof()
            self._give_up_after(LINGER_SECONDS)
        else:
            self._close()


def _refusal(status: int, error: str, description: str) -> bytes:
    body = json.dumps({"error": error, "error_description": description}).encode()
    head = [
        f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        "connection: close",
        *([f"retry-after: {RETRY_SECONDS}"] if status == 503 else []),
        "\r\n",
    ]
    return "\r\n".join(head).encode("ascii") + body
