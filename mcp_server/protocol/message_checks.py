"""What is no message of the protocol: found by its bytes, and answered, before the SDK sees it.

The SDK leaves a message that it cannot read without an answer, or logs it whole; so its client waits for ever. Whatever
passes here is JSON of a bounded depth, and one request, notification or answer of JSON-RPC.
"""

import json
import re
from typing import Any

from pydantic_core import from_json

from mcp_server.errors import MOST_CHARACTERS, quoted
from recsys_shared.plain_text import cut

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND = -32700, -32600, -32601

DEEPEST = 200
"""Levels of lists and objects; the JSON parser of pydantic, which the SDK uses, takes no more."""

TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
"""Of JSON. A text that does not end is one too, so that no message is looked through more than once."""

Message = dict[str, Any]


class NoMessageError(Exception):
    """What has come is no message.

    Args:
        identifier: Of the request that it was meant to be, where that can be read.
    """

    def __init__(self, identifier: int | str | None, code: int, text: str) -> None:
        super().__init__(text)
        self.answer: Message = {"jsonrpc": "2.0", "id": identifier, "error": {"code": code, "message": text}}


def read_message(raw: bytes) -> Message:
    """The message.

    Raises:
        NoMessageError: It is none.
    """
    try:
        message = from_json(raw)
    except ValueError as error:
        identifier, depth = _look_at(raw.rstrip())
        if depth > DEEPEST:
            text = f"this message is nested {depth:,} levels deep; {DEEPEST} are the most"
            raise NoMessageError(identifier, INVALID_REQUEST, text) from error
        raise NoMessageError(
            identifier, PARSE_ERROR, f"this message cannot be read as JSON: {cut(str(error), MOST_CHARACTERS)}"
        ) from error
    if isinstance(message, list):
        raise NoMessageError(None, INVALID_REQUEST, "batches are not taken: send each message by itself")
    if not isinstance(message, dict):
        raise NoMessageError(None, INVALID_REQUEST, f"a message is an object of JSON-RPC 2.0 (got {quoted(message)})")
    _check(message)
    return message


def _check(message: Message) -> None:
    given = message.get("id")
    identifier = given if _is_id(given) else None
    if "id" in message and identifier is None:
        raise NoMessageError(None, INVALID_REQUEST, f"id is a whole number or a text (got {quoted(given)})")
    if message.get("jsonrpc") != "2.0":
        raise NoMessageError(identifier, INVALID_REQUEST, 'jsonrpc is "2.0" in every message')
    if "method" not in message:
        if ("result" in message) == ("error" in message):
            raise NoMessageError(identifier, INVALID_REQUEST, "a request has a method")
        if identifier is None:
            raise NoMessageError(None, INVALID_REQUEST, "an answer has the id of a request")
        if not _is_answer(message):
            raise NoMessageError(None, INVALID_REQUEST, "an answer has an object as result, or an error of JSON-RPC")
        return
    method, params = message["method"], message.get("params")
    if not isinstance(method, str):
        raise NoMessageError(identifier, INVALID_REQUEST, f"method is a text (got {quoted(method)})")
    if params is not None and not isinstance(params, dict):
        raise NoMessageError(identifier, INVALID_REQUEST, f"params is an object (got {quoted(params)})")
    if len(method) > MOST_CHARACTERS and identifier is not None:
        raise NoMessageError(identifier, METHOD_NOT_FOUND, f"there is no method {quoted(method)}")


def _is_id(value: Any) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _is_answer(message: Message) -> bool:
    if "result" in message:
        return isinstance(message["result"], dict)
    match message["error"]:
        case {"code": int(), "message": str()}:
            return True
        case _:
            return False


def _look_at(raw: bytes) -> tuple[int | str | None, int]:
    """The ID of what may not even be JSON, where it can be read, and how deeply it is nested."""
    identifier, depth, deepest = None, 0, 0
    before, name = b"", b""
    for found in TOKEN.finditer(raw):
        token = found[0]
        if token in (b"{", b"["):
            depth += 1
            deepest = max(deepest, depth)
        elif token in (b"}", b"]"):
            depth -= 1
        elif token == b":":
            name = before
        elif depth == 1 and before == b":" and name == b'"id"' and found.end() < len(raw):
            identifier = _read_id(token)
        before = token
    return identifier, deepest


def _read_id(token: bytes) -> int | str | None:
    try:
        value = json.loads(token)
        str(value).encode()  # else half of a character, which no answer could carry
    except ValueError:
        return None
    return value if _is_id(value) else None
