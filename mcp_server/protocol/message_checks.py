"""The check of each message before the SDK sees it, and the answer to an invalid one.

The SDK leaves a message that it cannot read without an answer, or logs it whole, so its client waits for ever. A
message that passes is JSON of bounded depth, and one request, notification or response of JSON-RPC.
"""

import json
import re
from typing import Any

from pydantic_core import from_json

from mcp_server.errors import MOST_CHARACTERS, quoted
from recsys_shared.plain_text import cut

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602

DEEPEST = 200
"""Upper bound on nested lists and objects; the JSON parser of pydantic, which the SDK uses, takes no more."""

TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
"""A token of JSON. An unterminated string is one too, so that no message is scanned more than once."""

JsonObject = dict[str, Any]
"""An object of the protocol's JSON."""


class ProtocolError(Exception):
    """A request is answered with an error of JSON-RPC.

    Args:
        data: Further details for the client.
    """

    def __init__(self, code: int, message: str, data: JsonObject | None = None) -> None:
        super().__init__(message)
        self.code, self.data = code, data


class InvalidMessageError(Exception):
    """A message is not one of the protocol.

    Args:
        identifier: ID of the request that it was meant to be, where it can be read.
    """

    def __init__(self, identifier: int | str | None, code: int, text: str) -> None:
        super().__init__(text)
        self.answer: JsonObject = {"jsonrpc": "2.0", "id": identifier, "error": {"code": code, "message": text}}


def read_message(raw: bytes) -> JsonObject:
    """The message that some bytes hold.

    Raises:
        InvalidMessageError: The bytes are not a message.
    """
    try:
        message = from_json(raw)
    except ValueError as error:
        identifier, depth = _scan(raw.rstrip())
        if depth > DEEPEST:
            text = f"this message is nested {depth:,} levels deep; {DEEPEST} are the most"
            raise InvalidMessageError(identifier, INVALID_REQUEST, text) from error
        raise InvalidMessageError(
            identifier, PARSE_ERROR, f"this message cannot be read as JSON: {cut(str(error), MOST_CHARACTERS)}"
        ) from error
    if isinstance(message, list):
        raise InvalidMessageError(None, INVALID_REQUEST, "batches are not taken: send each message by itself")
    if not isinstance(message, dict):
        raise InvalidMessageError(None, INVALID_REQUEST, f"a message is a JSON-RPC 2.0 object (got {quoted(message)})")
    _check(message)
    return message


def _check(message: JsonObject) -> None:
    given = message.get("id")
    identifier = given if _is_id(given) else None
    if "id" in message and identifier is None:
        raise InvalidMessageError(None, INVALID_REQUEST, f"id is a whole number or a text (got {quoted(given)})")
    if message.get("jsonrpc") != "2.0":
        raise InvalidMessageError(identifier, INVALID_REQUEST, 'jsonrpc is "2.0" in every message')
    if "method" not in message:
        if ("result" in message) == ("error" in message):
            raise InvalidMessageError(identifier, INVALID_REQUEST, "a request has a method")
        if identifier is None:
            raise InvalidMessageError(None, INVALID_REQUEST, "an answer has the id of a request")
        if not _is_response(message):
            raise InvalidMessageError(None, INVALID_REQUEST, "an answer has an object as result, or a JSON-RPC error")
        return
    method, params = message["method"], message.get("params")
    if not isinstance(method, str):
        raise InvalidMessageError(identifier, INVALID_REQUEST, f"method is a text (got {quoted(method)})")
    if params is not None and not isinstance(params, dict):
        raise InvalidMessageError(identifier, INVALID_REQUEST, f"params is an object (got {quoted(params)})")
    if len(method) > MOST_CHARACTERS and identifier is not None:
        raise InvalidMessageError(identifier, METHOD_NOT_FOUND, f"there is no method {quoted(method)}")


def _is_id(value: Any) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _is_response(message: JsonObject) -> bool:
    if "result" in message:
        return isinstance(message["result"], dict)
    match message["error"]:
        case {"code": int(), "message": str()}:
            return True
        case _:
            return False


def _scan(raw: bytes) -> tuple[int | str | None, int]:
    """The ID in bytes that may not even be JSON, where it can be read, and how deeply they are nested."""
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
