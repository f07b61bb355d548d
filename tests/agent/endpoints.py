"""HTTP endpoints that answer as a test says, and what the APIs of Anthropic, Google and Azure stream."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    body: str = ""
    kind: str = "text/event-stream"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


SILENCE = Reply(status=0)
"""No answer at all, until the endpoint is closed."""


@dataclass(frozen=True)
class Asked:
    path: str
    headers: dict[str, str]
    """By names in lower case."""
    body: Body


class Endpoint:
    """Gives the replies in their order, and the last one again and again."""

    def __init__(self, *replies: Reply) -> None:
        self.asked: list[Asked] = []
        self.closed = threading.Event()
        self._replies = list(replies)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]

    def close(self) -> None:
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def endpoint(*replies: Reply) -> Iterator[Endpoint]:
    listening = Endpoint(*replies)
    try:
        yield listening
    finally:
        listening.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, endpoint: Endpoint, *arguments: Any) -> None:
        self.endpoint = endpoint
        super().__init__(*arguments)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: stderr is the tests'."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.endpoint.reply(Asked(self.path, headers, body))
        if reply is SILENCE:
            self.endpoint.closed.wait(60)
            self.close_connection = True
            return
        written = reply.body.encode()
        self.send_response(reply.status)
        for name, value in {"Content-Type": reply.kind, **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)


def anthropic_stream(text: str, tool: str = "", arguments: Body | None = None) -> Reply:
    """A message of Anthropic's API: text, and the call of a tool if one is named."""
    block: Body = {"type": "text", "text": ""}
    delta: Body = {"type": "text_delta", "text": text}
    blocks = [(block, delta)]
    if tool:
        written = json.dumps(arguments)
        called = {"type": "tool_use", "id": "toolu_1", "name": tool, "input": {}}
        blocks.append((called, {"type": "input_json_delta", "partial_json": written}))
    head = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "scripted"}
    usage = {"input_tokens": 3, "output_tokens": 5}
    events: list[Body] = [{"type": "message_start", "message": {**head, "usage": usage}}]
    for index, (block, delta) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    reason = {"stop_reason": "tool_use" if tool else "end_turn", "stop_sequence": None}
    events += [{"type": "message_delta", "delta": reason, "usage": usage}, {"type": "message_stop"}]
    return Reply("".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events))


def google_stream(text: str, tool: str = "", arguments: Body | None = None) -> Reply:
    """Content of Gemini's API: text, and the call of a tool if one is named."""
    parts: list[Body] = [{"text": text}]
    if tool:
        parts.append({"functionCall": {"name": tool, "args": arguments}})
    candidate = {"index": 0, "content": {"role": "model", "parts": parts}, "finishReason": "STOP"}
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 5, "totalTokenCount": 8}
    return Reply(f"data: {json.dumps({'candidates': [candidate], 'usageMetadata': usage})}\r\n\r\n")


def openai_stream(text: str, tool: str = "", arguments: Body | None = None) -> Reply:
    """Chat completions as OpenAI and Azure stream them."""
    delta: Body = {"role": "assistant", "content": text}
    if tool:
        function = {"name": tool, "arguments": json.dumps(arguments)}
        delta["tool_calls"] = [{"index": 0, "id": "call_1", "type": "function", "function": function}]
    choice = {"index": 0, "delta": delta, "finish_reason": "tool_calls" if tool else "stop"}
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": [choice]}
    return Reply(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n")
