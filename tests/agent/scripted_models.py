"""A language model that follows a script, behind real HTTP: OpenAI's chat completions, and Ollama's chat beside it.

A script is a list of steps, one for each request: what the model says and which tools it calls, or how it fails. Texts
and arguments may depend on what the request lets the model read. As real endpoints do, it refuses a conversation in
which a tool call has no result, a result no call, or a question no answer.
"""

import itertools
import json
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NAME = "scripted"
"""Of the model."""

CREATED = 1_700_000_000
CREATED_AT = "2023-11-14T22:13:20.000000Z"

OFF_SCRIPT = 422
"""What a test has not planned is answered with this status, which no client tries again."""

HANG_SECONDS = 30

Body = dict[str, Any]


@dataclass(frozen=True)
class Exchange:
    """A tool call that was made, and what the model gets to read of it."""

    tool: str
    arguments: Any
    """Text where it is not JSON."""
    result: str

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.result)
        return found


class Reading:
    """What a model gets to read: the body of one request."""

    def __init__(self, body: Body, authorization: str) -> None:
        self.body = body
        self.authorization = authorization
        self.messages: list[Body] = body["messages"]

    @property
    def system(self) -> str:
        return "\n".join(self._texts("system"))

    @property
    def questions(self) -> list[str]:
        return self._texts("user")

    @property
    def answers(self) -> list[str]:
        """What the model has said itself, plans too."""
        return self._texts("assistant")

    def _texts(self, role: str) -> list[str]:
        texts = [message.get("content") for message in self.messages if message["role"] == role]
        return [text for text in texts if text]

    @property
    def tools(self) -> dict[str, Body]:
        """Descriptions and parameters by name."""
        return {tool["function"]["name"]: tool["function"] for tool in self.body.get("tools") or []}

    @cached_property
    def exchanges(self) -> list[Exchange]:
        """Raises: ValueError: a call has no result, a result no call, or a question no answer, in endpoints' words."""
        found = []
        waiting: list[Body] = []
        for before, message in itertools.pairwise([{"role": "begin"}, *self.messages, {"role": "end"}]):
            if message["role"] == "user" and before["role"] not in ("begin", "system", "assistant"):
                raise ValueError("conversation roles must alternate user/assistant/user/assistant/...")
            if message["role"] == "tool":
                call = _answered_by(message, waiting)
                waiting.remove(call)
                name, arguments = call["function"]["name"], call["function"]["arguments"]
                found.append(Exchange(name, _parsed(arguments), message["content"]))
            elif waiting:
                raise ValueError("'tool_calls' must be followed by tool messages responding to each 'tool_call_id'")
            else:
                waiting = list(message.get("tool_calls") or [])
        return found

    def all(self, tool: str) -> list[dict[str, Any]]:
        """Results of a tool, oldest first."""
        return [exchange.data for exchange in self.exchanges if exchange.tool == tool]

    def last(self, tool: str) -> dict[str, Any]:
        """The newest result of a tool."""
        return self.all(tool)[-1]


def _answered_by(result: Body, waiting: list[Body]) -> Body:
    """The call that a result belongs to: by its ID, or, as Ollama knows none, in their order."""
    named = result.get("tool_call_id")
    for call in waiting:
        if named is None or call["id"] == named:
            return call
    raise ValueError("messages with role 'tool' must be a response to a preceding message with 'tool_calls'")


def _parsed(arguments: Any) -> Any:
    if isinstance(arguments, str):
        try:
            return json.loads(arguments)
        except ValueError:
            return arguments
    return arguments


@dataclass(frozen=True)
class Call:
    """A tool call."""

    tool: str
    arguments: Mapping[str, Any] | Callable[[Reading], Mapping[str, Any]] = field(default_factory=dict)
    written: str | None = None
    """In place of the arguments: what the model writes where it does not write JSON. Not with Ollama, which parses
    them itself."""


@dataclass(frozen=True)
class Say:
    """Text, and calls of tools at once."""

    text: str | Callable[[Reading], str] = ""
    calls: tuple[Call, ...] = ()
    thought: str = ""
    """Written into the endpoint's own field for thoughts."""
    end: str | None = None
    """The reason for which the answer ends, if it is not the usual one; empty for a stream that ends without one."""


def call(tool: str, arguments: Mapping[str, Any] | Callable[[Reading], Mapping[str, Any]], text: str = "") -> Say:
    """A step with one call."""
    return Say(text, (Call(tool, arguments),))


@dataclass(frozen=True)
class Refuse:
    """An error in place of an answer."""

    status: int
    message: str
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BreakOff:
    """The connection ends before the answer does."""

    said: Say
    error: str | None = None
    """With these words in the stream, where the endpoint can still say so."""


@dataclass(frozen=True)
class Hang:
    """Some text, and nothing more until the client has gone."""

    text: str


Step = Say | Refuse | BreakOff | Hang


@dataclass(frozen=True)
class _Asked:
    id: str
    tool: str
    arguments: Mapping[str, Any]
    written: str


def usage(asked: Body) -> Body:
    """Tokens, as many as a tokenizer with four characters a token would count in what was read; ten were written."""
    n = len(json.dumps([asked["messages"], asked.get("tools")])) // 4
    return {"prompt_tokens": n, "completion_tokens": 10, "total_tokens": n + 10}


class _OpenAI:
    """Chat completions."""

    content_type = "text/event-stream"

    def spoken(self, text: str, calls: list[_Asked], thought: str) -> Iterator[str]:
        yield self._event({"role": "assistant", "content": ""})
        if thought:
            yield self._event({"reasoning_content": thought})
        for piece in _pieces(text, 12):
            yield self._event({"content": piece})
        for index, asked in enumerate(calls):
            head = {"id": asked.id, "type": "function", "function": {"name": asked.tool, "arguments": ""}}
            yield self._event({"tool_calls": [{"index": index, **head}]})
            for piece in _pieces(asked.written, 7):
                yield self._event({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})

    def ending(self, calls: list[_Asked], reason: str | None, asked: Body) -> str:
        end = self._event({}, reason or ("tool_calls" if calls else "stop"))
        if (asked.get("stream_options") or {}).get("include_usage"):
            counts = {**self._head("chat.completion.chunk"), "choices": [], "usage": usage(asked)}
            end += f"data: {json.dumps(counts)}\n\n"
        return f"{end}data: [DONE]\n\n"

    def _event(self, delta: Body, finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return f"data: {json.dumps({**self._head('chat.completion.chunk'), 'choices': [choice]})}\n\n"

    def whole(self, text: str, calls: list[_Asked], reason: str | None, asked: Body) -> Body:
        message: Body = {"role": "assistant", "content": text}
        if calls:
            message["tool_calls"] = [
                {"id": each.id, "type": "function", "function": {"name": each.tool, "arguments": each.written}}
                for each in calls
            ]
        choice = {"index": 0, "message": message, "finish_reason": reason or ("tool_calls" if calls else "stop")}
        return {**self._head("chat.completion"), "choices": [choice], "usage": usage(asked)}

    def _head(self, kind: str) -> Body:
        return {"id": "chatcmpl-1", "object": kind, "created": CREATED, "model": NAME}

    def refusal(self, step: Refuse) -> Body:
        return {"error": {"message": step.message, "type": "invalid_request_error", "param": None, "code": step.code}}

    def failure(self, message: str) -> str:
        return f"data: {json.dumps({'error': {'message': message, 'type': 'server_error'}})}\n\n"


class _Ollama:
    """Ollama's chat. It has no IDs of calls, and arguments are objects."""

    content_type = "application/x-ndjson"

    def spoken(self, text: str, calls: list[_Asked], thought: str) -> Iterator[str]:
        if thought:
            yield self._line({"content": "", "thinking": thought})
        for piece in _pieces(text, 12):
            yield self._line({"content": piece})
        for asked in calls:
            yield self._line({"content": "", "tool_calls": [self._call(asked)]})

    def ending(self, calls: list[_Asked], reason: str | None, asked: Body) -> str:
        return self._line({"content": ""}, **self._done(reason))

    def _line(self, message: Body, **more: Any) -> str:
        return json.dumps({**self._head(message), "done": False, **more}) + "\n"

    def whole(self, text: str, calls: list[_Asked], reason: str | None, asked: Body) -> Body:
        message: Body = {"content": text}
        if calls:
            message["tool_calls"] = [self._call(each) for each in calls]
        return {**self._head(message), **self._done(reason)}

    def _head(self, message: Body) -> Body:
        return {"model": NAME, "created_at": CREATED_AT, "message": {"role": "assistant", **message}}

    def _done(self, reason: str | None) -> Body:
        counts = {"total_duration": 1, "prompt_eval_count": 1, "eval_count": 1}
        return {"done": True, "done_reason": reason or "stop", **counts}

    def _call(self, asked: _Asked) -> Body:
        return {"function": {"name": asked.tool, "arguments": asked.arguments}}

    def refusal(self, step: Refuse) -> Body:
        return {"error": step.message}

    def failure(self, message: str) -> str:
        return json.dumps({"error": message}) + "\n"


_PROTOCOLS = {"/v1/chat/completions": _OpenAI(), "/api/chat": _Ollama()}


def _pieces(text: str, length: int) -> list[str]:
    return [text[start : start + length] for start in range(0, len(text), length)]


class ScriptedModel:
    """The endpoint, in a thread of its own."""

    def __init__(self, port: int = 0) -> None:
        self.readings: list[Reading] = []
        """What was read, one a request, also of those that were refused."""
        self.leave = threading.Event()
        """Ends hanging."""
        self._steps: deque[Step] = deque()
        self._then: Step | None = None
        self._numbers = itertools.count(1)
        self._server = _Listener(("127.0.0.1", port), partial(_Handler, self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def play(self, *steps: Step, then: Step | None = None) -> None:
        """Begin a new script.

        Args:
            then: What every further request gets.
        """
        self._steps, self._then = deque(steps), then

    @property
    def n_steps_left(self) -> int:
        return len(self._steps)

    def next_step(self, reading: Reading) -> Step:
        self.readings.append(reading)
        try:
            _ = reading.exchanges
        except ValueError as error:
            return Refuse(400, str(error))
        if self._steps:
            return self._steps.popleft()
        return self._then or Refuse(OFF_SCRIPT, "the script has no further step")

    def asked(self, calls: tuple[Call, ...], reading: Reading) -> list[_Asked]:
        found = []
        for each in calls:
            arguments = each.arguments(reading) if callable(each.arguments) else each.arguments
            written = json.dumps(arguments) if each.written is None else each.written
            found.append(_Asked(f"call_{next(self._numbers)}", each.tool, arguments, written))
        return found

    def close(self) -> None:
        self.leave.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Listener(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client may leave at any moment, which ends the thread that was answering it."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every piece of a stream waits for the last one's acknowledgement

    def __init__(self, model: ScriptedModel, *arguments: Any) -> None:
        self.model = model
        super().__init__(*arguments)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: stderr is the tests'."""

    def do_GET(self) -> None:
        if self.path == "/api/tags":
            self._send(200, {"models": [{"name": NAME, "model": NAME}]})
        else:
            self._send(404, {"error": f"nothing is at {self.path}"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/api/show":
            self._send(200, {"details": {}, "model_info": {}, "capabilities": ["completion", "tools"]})
        elif self.path in _PROTOCOLS:
            self._chat(_PROTOCOLS[self.path], Reading(body, self.headers.get("Authorization", "")))
        else:
            self._send(404, {"error": f"nothing is at {self.path}"})

    def _chat(self, protocol: _OpenAI | _Ollama, reading: Reading) -> None:
        step = self.model.next_step(reading)
        if isinstance(step, Refuse):
            self._send(step.status, protocol.refusal(step), step.headers)
            return
        said = step if isinstance(step, Say) else step.said if isinstance(step, BreakOff) else Say(step.text)
        try:
            text = said.text(reading) if callable(said.text) else said.text
            calls = self.model.asked(said.calls, reading)
        except Exception as error:
            self._send(OFF_SCRIPT, protocol.refusal(Refuse(OFF_SCRIPT, f"the script fails: {error!r}")))
            return
        if not reading.body.get("stream"):
            self._send(200, protocol.whole(text, calls, said.end, reading.body))
            return
        self.send_response(200)
        self.send_header("Content-Type", protocol.content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in protocol.spoken(text, calls, said.thought):
            self._chunk(piece)
        if isinstance(step, Hang):
            self.model.leave.wait(HANG_SECONDS)
        last = protocol.ending(calls, said.end, reading.body) if isinstance(step, Say) else None
        if said.end == "":
            last = ""
        if isinstance(step, BreakOff) and step.error is not None:
            last = protocol.failure(step.error)
        if last is not None:
            if last:
                self._chunk(last)
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _chunk(self, text: str) -> None:
        written = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(written), written))

    def _send(self, status: int, body: Body, headers: Mapping[str, str] | None = None) -> None:
        written = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)
