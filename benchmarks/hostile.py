"""Values and messages that no well-meaning client sends. The fuzzer puts them in place of good ones."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]

Answered = Literal["id", "null", "nothing", "at most once"]
"""The ID that the answer to a message carries: its own, or null; or no answer at all. A request that is given up may be
answered or not.
"""

INJECTIONS = [
    "1; DROP TABLE items",
    "' OR 1=1 --",
    '" OR ""="',
    "1 UNION SELECT * FROM users",
    "'; ATTACH DATABASE '/tmp/x' AS x; --",
    "%",
    "_",
    "%%%_%\\%",
    "\\",
    "$(touch /tmp/fuzzed)",
    "`id`; id | id && id",
    "../../../../etc/passwd",
    "..\\..\\boot.ini",
    "/dev/zero",
    "file:///etc/passwd",
    "{item}",
    "{0.__class__.__mro__}",
    "%s%n%x",
    "${jndi:ldap://127.0.0.1/x}",
    "<script>alert(1)</script>",
    "__import__('os').system('id')",
    "!!python/object/apply:os.system [id]",
]

CHARACTERS = [
    "\x00",
    "a\x00b",
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31m",
    "\r\nX-Injected: 1\n",
    "\u202e\u2066evil\u2069",
    "\u2028\u2029",
    "\ufeff",
    "\ufffe",
    "🎬🍿",
    "e\u0301" * 40,
    "\u0336" * 60,
    "ﷺ" * 30,
    "İıſßŉ",
    "٣٤",
    "\U0010ffff",
    "[/b][bold]x",
]

URIS = [
    "item://1%00",
    "item://%",
    "item://1%ff",
    "item://1\x00",
    "item://[::1",
    "item://]",
    "item://\u2100",
    "item://1\n2",
    "item://1?offset=1e9",
    "item://1?offset=" + "9" * 40,
    "item://1?" + "&".join(f"a{n}=1" for n in range(2_000)),
    "item://99999999999999999999",
    "item://-1",
    "item://٣",
    "item:///1",
    "item:1",
    "item",
    "itemset://../../x",
    "itemset://set_%2e%2e",
    "itemset://set_aaaaaa?offset=-1",
    "user://1/../2",
    "user://user:password@1:99999",
    "user://" + "9" * 5_000,
    "user://1#fragment",
    "dataset://../ml-100k",
    "dataset://ml-100k/",
    "ui://../../../etc/passwd",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data",
    "javascript:alert(1)",
    "://",
    "",
    " ",
]

NUMBERS = [0, -1, 2**31, 2**53 + 1, 2**63, -(2**63), 10**30, 10**400, 0.5, -0.0, 1e308, 5e-324, True, False]

LENGTHS = [300, 5_000, 100_000, 1_000_000]


def long_text(rng: random.Random) -> str:
    """A text that is too long for any argument, and now and then a very long one."""
    (length,) = rng.choices(LENGTHS, [60, 30, 7, 3])
    piece = rng.choice(["x", "word ", "é", "🎬", "\n", "'", "%", "(", "1"])
    return (piece * (length // len(piece)))[:length]


def nested(rng: random.Random, levels: int) -> Any:
    """Nested lists or objects, not too deep for the server."""
    value: Any = 1
    for _ in range(levels):
        value = [value] if rng.random() < 0.5 else {"a": value}
    return value


def value(rng: random.Random) -> Any:
    """Any value at all."""
    kind = rng.randrange(12)
    if kind < 3:
        return rng.choice(INJECTIONS)
    if kind < 5:
        return rng.choice(CHARACTERS)
    if kind < 7:
        return rng.choice(NUMBERS)
    if kind == 7:
        return long_text(rng)
    if kind == 8:
        return nested(rng, rng.choice([1, 5, 60, 150]))
    if kind == 9:
        return [value(rng) for _ in range(rng.randrange(4))]
    if kind == 10:
        return {key(rng): value(rng) for _ in range(rng.randrange(4))}
    return rng.choice([None, "", [], {}, "null", "NaN", float("nan"), float("inf"), [None], [1] * 3_000])


def key(rng: random.Random) -> str:
    """An unexpected name for an argument or a member."""
    return rng.choice([rng.choice(INJECTIONS), rng.choice(CHARACTERS), "__class__", "items", "", long_text(rng)])


@dataclass(frozen=True)
class Malformed:
    raw: bytes
    answered: Answered


def malformed(rng: random.Random, request: Json) -> Malformed:
    """A malformed message.

    Args:
        request: A valid request to begin with. Its ID can still be read from the result.
    """
    return rng.choice(_WAYS)(rng, request)


def _encoded(message: Any) -> bytes:
    return json.dumps(message).encode()


def _without(request: Json, *names: str) -> Json:
    return {name: part for name, part in request.items() if name not in names}


def _with(request: Json, **parts: Any) -> bytes:
    return _encoded({**request, **parts})


def _spliced(request: Json, raw: bytes) -> bytes:
    """The request with a member that the ``json`` module would not write."""
    return _encoded(request)[:-1] + b', "x": ' + raw + b"}"


def _wrong_id(rng: random.Random, request: Json) -> Malformed:
    return Malformed(_with(request, id=rng.choice([None, 1.5, True, [], {}, [1], float("nan"), 1e300])), "null")


def _wrong_params(rng: random.Random, request: Json) -> Malformed:
    return Malformed(_with(request, params=rng.choice([[], [1], "x", 1, True, ["name"]])), "id")


def _wrong_method(rng: random.Random, request: Json) -> Malformed:
    return Malformed(_with(request, method=rng.choice([None, 1, [], {}, True])), "id")


def _no_method(_: random.Random, request: Json) -> Malformed:
    return Malformed(_encoded(_without(request, "method")), "id")


def _wrong_version(rng: random.Random, request: Json) -> Malformed:
    message = _without(request, "jsonrpc")
    if rng.random() < 0.7:
        message["jsonrpc"] = rng.choice(["1.0", 2.0, None, "", [], "2.00"])
    return Malformed(_encoded(message), "id")


def _batch(rng: random.Random, request: Json) -> Malformed:
    return Malformed(_encoded([request] * rng.choice([0, 1, 2, 50])), "null")


def _no_object(rng: random.Random, _: Json) -> Malformed:
    return Malformed(
        rng.choice([b"1", b'"ping"', b"null", b"true", b"nonsense", b"{", b"}", b"GET / HTTP/1.1"]), "null"
    )


def _cut(rng: random.Random, request: Json) -> Malformed:
    """A message that is cut off. Its ID comes first, so that it can still be read."""
    whole = _encoded({"id": request["id"], **request})
    start = len(_encoded({"id": request["id"]})) + 1
    return Malformed(whole[: rng.randrange(start, len(whole))], "id")


def _not_utf8(rng: random.Random, request: Json) -> Malformed:
    return Malformed(
        _spliced(request, b'"' + rng.choice([b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5"]) + b'"'), "id"
    )


def _surrogate(rng: random.Random, request: Json) -> Malformed:
    return Malformed(_spliced(request, b'"' + rng.choice([b"\\ud800", b"\\udc00x", b"\\ud83d\\ud83d"]) + b'"'), "id")


def _control(rng: random.Random, request: Json) -> Malformed:
    return Malformed(_spliced(request, b'"' + rng.choice([b"\x00", b"\x1b", b"\t"]) + b'"'), "id")


def _deep(rng: random.Random, request: Json) -> Malformed:
    levels = rng.choice([250, 1_000, 20_000])
    opening, closing = rng.choice([(b"[", b"]"), (b'{"a":', b"}")])
    return Malformed(_spliced(request, opening * levels + b"1" + closing * levels), "id")


def _huge_number(_: random.Random, request: Json) -> Malformed:
    return Malformed(_spliced(request, b"1" * 5_001), "id")


def _unknown_answer(rng: random.Random, request: Json) -> Malformed:
    """An answer to a question that the server never asked."""
    answer = rng.choice([{"result": {}}, {"error": {"code": 1, "message": long_text(rng)}}])
    return Malformed(_encoded({"jsonrpc": "2.0", "id": rng.choice([request["id"], "x", 0]), **answer}), "nothing")


def _wrong_notification(rng: random.Random, _: Json) -> Malformed:
    method = rng.choice(["notifications/cancelled", "notifications/progress", "notifications/x", long_text(rng)])
    message: Json = {"jsonrpc": "2.0", "method": method}
    if rng.random() < 0.8:
        message["params"] = {
            rng.choice(["requestId", "progressToken", "x"]): value(rng),
            rng.choice(["progress", "reason", "_meta"]): value(rng),
        }
    return Malformed(_encoded(message), "nothing")


_WAYS: list[Callable[[random.Random, Json], Malformed]] = [
    _wrong_id,
    _wrong_params,
    _wrong_method,
    _no_method,
    _wrong_version,
    _batch,
    _no_object,
    _cut,
    _not_utf8,
    _surrogate,
    _control,
    _deep,
    _huge_number,
    _unknown_answer,
    _wrong_notification,
]
