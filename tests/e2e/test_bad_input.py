"""Bad input over real stdio: every argument of every tool gets what it should not, and the server goes on.

The tables below say for each value what it must get: an error, or an answer where it happens to be valid.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from mcp_server.protocol.client import Session, stdio_session
from mcp_server.settings import Settings
from tests.names import FILTER, FIND_USERS, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, SEARCH, STATISTICS, USER

LONGEST_TEXT = 5_000
"""Characters. No answer to these calls has reason to be longer: all go through an LLM."""

Verdict = Literal["error", "answer", "nothing"]
"""nothing: an answer without items, whose message says that the name was not found."""

Values = list[tuple[Any, Verdict]]


def optional(values: Values) -> Values:
    """The same for an argument that may be left out: what is empty counts as not given."""
    return [(value, "answer" if repr(value) in NOT_GIVEN else verdict) for value, verdict in values]


NOT_GIVEN = ["''", "' '", "[]", "['']", "[None]", "{}", "{'gt': None}", "{'gt': []}"]

DROP_TABLE, OR_TRUE, PATH, EMOJI, NUL = (
    "1; DROP TABLE items",
    "' OR 1=1 --",
    "../../etc/passwd",
    "🎬🍿",
    "qzxv\x00wkjqy",
)
FRAGMENTS = [DROP_TABLE, OR_TRUE, PATH, EMOJI, NUL]
LONG = "x" * 100_000
HUGE = 10**30

WRONG_IDS: Values = [
    (0, "error"),
    (-1, "error"),
    (10**9, "error"),
    (2**63, "error"),
    (HUGE, "error"),
    (4.5, "error"),
    (1e300, "error"),
    (True, "error"),
    ("four", "error"),
    ("", "error"),
    ("NaN", "error"),
    ("9" * 20, "error"),
    ("9" * 5_000, "error"),
    (LONG, "error"),
    ({}, "error"),
    ({"id": "four"}, "error"),
    (["four"], "error"),
    *((fragment, "error") for fragment in FRAGMENTS),
    # Meant well and clear:
    ("4", "answer"),
    (4.0, "answer"),
    ({"id": 4}, "answer"),
]

ONE_ID: Values = [*WRONG_IDS, ([4], "answer"), ([[4]], "error"), ([4, 5], "error"), ([], "error")]

SOME_IDS: Values = [
    *WRONG_IDS,
    ([], "error"),
    ([4, 0], "error"),
    ([4, None], "answer"),
    ([[4]], "answer"),
    ([None], "error"),
    ([4, "four"], "error"),
    ([True], "error"),
    ([{}], "error"),
    ([HUGE], "error"),
    (["9" * 20], "error"),
    (list(range(1, 100_001)), "error"),
    ([LONG], "error"),
    ([4] * 100_000, "answer"),
    ([4], "answer"),
    (4, "answer"),
    (["4"], "answer"),
]

MANY_IDS: Values = [(value, "error" if value == [] else verdict) for value, verdict in optional(SOME_IDS)]
"""IDs for an argument of which an empty list is not the same as none."""

ITEM_SETS: Values = [
    ("", "error"),
    ("set_", "error"),
    ("set_aaaaaa", "error"),
    ("set_AAAAAA", "error"),
    ("set_k3v7q2", "error"),
    ("set_" + "a" * 52, "error"),
    ("itemset://set_aaaaaa", "error"),
    (LONG, "error"),
    (True, "error"),
    ({}, "error"),
    ([], "error"),
    (["set_aaaaaa"], "error"),
    ("set_aaaaaa, set_bbbbbb", "error"),
    *((fragment, "error") for fragment in FRAGMENTS),
    *((f"set_{fragment}", "error") for fragment in FRAGMENTS),
]

COUNTS: Values = [
    (0, "error"),
    (-1, "error"),
    (101, "error"),
    (10**9, "error"),
    (HUGE, "error"),
    (1.5, "error"),
    (True, "error"),
    (None, "answer"),
    ("many", "error"),
    ("", "error"),
    ("NaN", "error"),
    ("Infinity", "error"),
    ([], "error"),
    ([5], "answer"),
    ({}, "error"),
    *((fragment, "error") for fragment in FRAGMENTS),
    ("5", "answer"),
    (5.0, "answer"),
]

OFFSETS: Values = [
    (-1, "error"),
    (10**9 + 1, "error"),
    (HUGE, "error"),
    (1.5, "error"),
    (True, "error"),
    (None, "answer"),
    ("first", "error"),
    ("NaN", "error"),
    ([], "error"),
    ({}, "error"),
    (0, "answer"),
    (10**9, "answer"),  # beyond the end, which the message says
]

SHARES: Values = [
    (-0.1, "error"),
    (1.1, "error"),
    (HUGE, "error"),
    (True, "error"),
    (None, "answer"),
    ("much", "error"),
    ("", "error"),
    ("NaN", "error"),
    ("Infinity", "error"),
    ([], "error"),
    ([0.5], "answer"),
    ({}, "error"),
    *((fragment, "error") for fragment in FRAGMENTS),
    ("0.5", "answer"),
    (0, "answer"),
    (1, "answer"),
]

FLAGS: Values = [
    (None, "answer"),
    (2, "error"),
    (-1, "error"),
    ("perhaps", "error"),
    ("", "error"),
    ([], "error"),
    ([True], "answer"),
    ({}, "error"),
    *((fragment, "error") for fragment in FRAGMENTS),
    ("true", "answer"),
]

QUERIES: Values = [
    ("", "error"),
    (" \n ", "error"),
    (LONG, "error"),
    (5, "error"),
    (True, "error"),
    ([], "error"),
    (["war"], "answer"),
    ({}, "error"),
    *((fragment, "answer") for fragment in FRAGMENTS),  # there is always a nearest film
    ("the of and", "answer"),
    ("x" * 10_000, "answer"),
]

FIELDS: Values = [
    ([], "error"),
    ("", "error"),
    ([""], "error"),
    (None, "error"),
    (5, "error"),
    (True, "error"),
    ({}, "error"),
    ([None], "error"),
    (["title", 5], "error"),
    ([["title"]], "error"),
    (["item_terms"], "error"),
    (["n_interactions"], "error"),
    (["*"], "answer"),
    ([LONG], "error"),
    ([DROP_TABLE] * 100_000, "error"),
    *((fragment, "error") for fragment in FRAGMENTS),
]

GROUPS: Values = [
    ([], "error"),
    ("", "error"),
    ([""], "error"),
    ("wizards", "error"),
    (["teenager", "wizards"], "error"),
    ("not teenagers", "error"),
    ("pensioners", "answer"),
    (5, "error"),
    (True, "error"),
    ({}, "error"),
    ([None], "error"),
    ([["teenager"]], "error"),
    ([LONG], "error"),
    *((fragment, "error") for fragment in FRAGMENTS),
    ("Young Adult", "answer"),
    (["teenager"] * 100_000, "answer"),
]

NAMES: Values = [
    ([], "error"),
    ("", "error"),
    ([""], "error"),
    (True, "error"),
    ({}, "error"),
    ([None], "error"),
    (LONG, "error"),
    (["x"] * 100_000, "error"),
    (" ", "error"),
    *((fragment, "nothing") for fragment in FRAGMENTS),
    ("%", "nothing"),
    ("_______________", "nothing"),
    ("x" * 255, "nothing"),
    (["Qzxv Wkjqy", "Wkjqy Qzxv"], "nothing"),
]

BOUNDS: Values = [
    ({}, "error"),
    ({"gt": None}, "error"),
    ({"gt": "many"}, "error"),
    ({"gt": "NaN"}, "error"),
    ({"gt": "Infinity"}, "error"),
    ({"gt": "-inf"}, "error"),
    ({"gt": True}, "error"),
    ({"gt": []}, "error"),
    ({"gt": {"gt": 5}}, "error"),
    ({"gt": DROP_TABLE}, "error"),
    ({"gt": 10**400}, "error"),
    ({"near": 5}, "error"),
    ({"over": 5}, "answer"),
    ({"gt": 5, "or 1=1": 5}, "error"),
    ({OR_TRUE: 5}, "error"),
    (10**400, "error"),
    (True, "error"),
    ("many", "error"),
    ("", "error"),
    ([], "error"),
    ([5], "answer"),
    *((fragment, "error") for fragment in FRAGMENTS),
    (5, "answer"),
    ({"gt": "5"}, "answer"),
    ({"lt": HUGE}, "answer"),
    ({"gt": -1e308}, "answer"),
    ({"gt": 1e308}, "answer"),
    ({"gt": 9, "lt": 1}, "error"),
]

MATCHES: Values = [
    ("", "error"),
    ("some", "error"),
    ("ALL OF THEM", "error"),
    (None, "answer"),
    (5, "error"),
    (True, "error"),
    ([], "error"),
    (["all"], "answer"),
    ({}, "error"),
    *((fragment, "error") for fragment in FRAGMENTS),
]

DETAILS: Values = [
    ("", "error"),
    ("FULL", "answer"),
    ("some", "error"),
    (None, "answer"),
    (5, "error"),
    (True, "error"),
    ([], "error"),
    (["full"], "answer"),
    ({}, "error"),
    *((fragment, "error") for fragment in FRAGMENTS),
    ("full", "answer"),
]

TERM_FIELDS = ("title", "genres", "actors", "director", "producer", "writer", "country")
NUMBER_FIELDS = ("imdb_rating", "imdb_votes", "duration", "release_year", "release_month")

GOOD: dict[str, dict[str, Any]] = {
    RECOMMEND: {"user": 9, "k": 2},
    FILTER: {"actors": ["Tom Cruise"]},
    SEARCH: {"query": "a heist", "k": 2},
    LIKE: {"items": [1, 2]},
    POPULAR: {"k": 2},
    USER: {"user": 9, "get": ["age"]},
    ITEM: {"items": [9], "get": ["title"]},
    HISTORY: {"user": 9, "k": 2},
    FIND_USERS: {"items": [943], "k": 2, "user_group": "kid"},
    STATISTICS: {"group_by": "genres", "k": 2},
}

GROUPINGS: Values = [
    ([], "error"),
    ("", "error"),
    ("mood", "error"),
    (["genres", "genres"], "answer"),
    (["genres", "gender", "director"], "error"),
    (["genres"] * 100_000, "answer"),
    (5, "error"),
    (True, "error"),
    ({}, "error"),
    ([None], "error"),
    ([["genres"]], "error"),
    ([LONG], "error"),
    *((fragment, "error") for fragment in FRAGMENTS),
    (["gender", "genres"], "answer"),
]

DATES: Values = [
    ("soon", "error"),
    ("1998-13", "error"),
    ("98", "error"),
    (10**400, "error"),
    (True, "error"),
    ([], "error"),
    ({}, "error"),
    *((fragment, "error") for fragment in FRAGMENTS),
    (1998, "answer"),
    ("1998-02", "answer"),
]

ORDERS: Values = [
    ("best", "error"),
    ("n_items up", "answer"),
    (5, "error"),
    ([], "error"),
    ({}, "error"),
    (LONG, "error"),
    *((fragment, "error") for fragment in FRAGMENTS),
    ("n_items asc", "answer"),
    ("genres desc", "answer"),
]

ITEM_ORDERS: Values = [
    ("title", "error"),
    ("duration upwards", "error"),
    (5, "error"),
    ([], "error"),
    ({}, "error"),
    (LONG, "error"),
    *((fragment, "error") for fragment in FRAGMENTS),
    ("-duration", "answer"),
    ({"field": "duration", "direction": "asc"}, "answer"),
]

EXCLUDED: Values = [
    (5, "error"),
    (True, "error"),
    ("Horror", "error"),
    (["Horror"], "error"),
    ([], "error"),
    ({}, "error"),
    ({"mood": "sad"}, "error"),
    ({"genres": True}, "error"),
    ({"imdb_rating": "good"}, "error"),
    ({LONG: 1}, "error"),
    *(({"genres": fragment}, "answer") for fragment in FRAGMENTS),
    *((fragment, "error") for fragment in FRAGMENTS),
    ({"genres": "Horror", "release_year": "1990s"}, "answer"),
]

WAYS: Values = [("", "error"), ("some", "error"), (5, "error"), ([], "error"), ({}, "error"), ("CONTENT", "answer")]

WINDOW = {"since": optional(DATES), "until": optional(DATES)}

TABLE: dict[str, dict[str, Values]] = {
    RECOMMEND: {
        "user": [*WRONG_IDS, ([4], "answer"), ([[4]], "error"), ([4, 5], "answer"), ([], "error")],  # several: users
        "users": SOME_IDS,
        "k": optional(COUNTS),
        "items": MANY_IDS,
        "item_set": optional(ITEM_SETS),
        "exclude_items": optional(SOME_IDS),
        "liked_items": [(value, "answer" if value == [] else verdict) for value, verdict in SOME_IDS],
        "exclude_seen": optional(FLAGS),
        "blend": optional(SHARES),
        "diversity": optional(SHARES),
        "reasons": optional(FLAGS),
        "detail": optional(DETAILS),
    },
    FILTER: {
        **dict.fromkeys(TERM_FIELDS, optional(NAMES)),
        "actors": NAMES,
        **dict.fromkeys(NUMBER_FIELDS, optional(BOUNDS)),
        "release_year": [(value, "error" if "5" in repr(value) else verdict) for value, verdict in optional(BOUNDS)],
        "release_month": [
            (value, "error" if re.search("e.308|0{30}", repr(value)) else verdict)
            for value, verdict in optional(BOUNDS)
        ],
        "exclude": optional(EXCLUDED),
        "order_by": optional(ITEM_ORDERS),
        "match": optional(MATCHES),
        "detail": optional(DETAILS),
    },
    SEARCH: {
        "query": QUERIES,
        "similar_to": ONE_ID,
        "by": optional(WAYS),
        "k": optional(COUNTS),
        "detail": optional(DETAILS),
        "items": MANY_IDS,
        "item_set": optional(ITEM_SETS),
        "exclude_items": optional(SOME_IDS),
    },
    LIKE: {"items": SOME_IDS, "item_set": optional(ITEM_SETS), "user_group": optional(GROUPS), **WINDOW},
    POPULAR: {
        "k": optional(COUNTS),
        "user_group": optional(GROUPS),
        **WINDOW,
        "detail": optional(DETAILS),
        "items": MANY_IDS,
        "item_set": optional(ITEM_SETS),
        "exclude_items": optional(SOME_IDS),
    },
    USER: {"user": ONE_ID, "get": [*FIELDS, (["age"] * 100_000, "answer")]},
    ITEM: {
        "items": SOME_IDS,
        "item_set": optional(ITEM_SETS),
        "get": [*FIELDS, (["title"] * 100_000, "answer")],
        "limit": optional(COUNTS),
        "offset": optional(OFFSETS),
    },
    HISTORY: {
        "user": ONE_ID,
        "k": optional(COUNTS),
        "offset": optional(OFFSETS),
        "rating": optional(BOUNDS),
        "liked": optional(FLAGS),
        **WINDOW,
        "detail": optional(DETAILS),
        "items": MANY_IDS,
        "item_set": optional(ITEM_SETS),
    },
    FIND_USERS: {
        "similar_to": ONE_ID,
        "k": optional(COUNTS),
        "user_group": optional(GROUPS),
        "items": SOME_IDS,
        "item_set": optional(ITEM_SETS),
    },
    STATISTICS: {
        "group_by": optional(GROUPINGS),
        "user": optional(ONE_ID),
        "user_group": optional(GROUPS),
        **WINDOW,
        "order_by": optional(ORDERS),
        "k": optional(COUNTS),
        "offset": optional(OFFSETS),
        "items": MANY_IDS,
        "item_set": optional(ITEM_SETS),
    },
}

ALTERNATIVES = {"similar_to": {"k": 2}, "liked_items": {"k": 2}, "users": {"k": 2}}
"""Good arguments beside which an argument is tried, where the tool's usual ones contradict it."""

WHOLE_CALLS: dict[str, Values] = {
    RECOMMEND: [
        ({}, "error"),
        ({"k": 5}, "error"),
        ({"user": None}, "error"),
        ({"user": 9, "liked_items": [1]}, "error"),
        ({"user": 9, "users": [8]}, "error"),
        ({"users": [8], "liked_items": [1]}, "error"),
        ({"users": list(range(1, 22))}, "error"),
        ({"user": 9, "items": [1], "item_set": "set_aaaaaa"}, "error"),
        ({"user": 9, "items": None, "item_set": None, "liked_items": None}, "answer"),
    ],
    FILTER: [
        ({}, "error"),
        ({"match": "any"}, "error"),
        ({"genres": None, "actors": None}, "error"),
        ({"genres": ["Comedy"], "actors": None, "imdb_rating": None}, "answer"),
        ({"genres": ["Comedy"], "imdb_rating": {"gt": "good"}, "match": "some"}, "error"),
    ],
    SEARCH: [
        ({}, "error"),
        ({"k": 5}, "error"),
        ({"query": None, "similar_to": None}, "error"),
        ({"query": "war", "similar_to": 1}, "error"),
        ({"query": "war", "similar_to": None}, "answer"),
        ({"similar_to": 267}, "answer"),  # a film without any text, which is liked
    ],
    LIKE: [({}, "error"), ({"items": None, "item_set": None}, "error")],
    POPULAR: [({}, "answer"), ({"items": None, "item_set": None, "user_group": None}, "answer")],
    USER: [({}, "error"), ({"user": 9}, "error"), ({"get": ["age"]}, "error"), ({"user": None, "get": "age"}, "error")],
    ITEM: [({}, "error"), ({"items": [9]}, "error"), ({"get": ["title"]}, "error")],
    HISTORY: [({}, "error"), ({"k": 5}, "error"), ({"user": None}, "error")],
    FIND_USERS: [({}, "error"), ({"k": 5}, "error"), ({"items": [9], "similar_to": 9}, "error")],
    STATISTICS: [({}, "answer"), ({"group_by": "gender", "user": 9}, "error")],
}

UNKNOWN_ARGUMENTS = ["limitt", "items; DROP TABLE items", "", "🎬", "__class__", "self", "x" * 100_000]


@dataclass(frozen=True)
class Case:
    arguments: dict[str, Any]
    verdict: Verdict

    def __str__(self) -> str:
        text = repr(self.arguments)
        return text if len(text) <= 120 else f"{text[:80]}...{text[-20:]}"


def cases(tool: str) -> Iterator[Case]:
    for argument, values in TABLE[tool].items():
        for value, verdict in values:
            yield Case({**ALTERNATIVES.get(argument, GOOD[tool]), argument: value}, verdict)
    for arguments, verdict in WHOLE_CALLS[tool]:
        yield Case(arguments, verdict)
    for name in UNKNOWN_ARGUMENTS:
        yield Case({**GOOD[tool], name: 1}, "error")
    yield Case({**GOOD[tool], **{f"unknown_{number}": 1 for number in range(10_000)}}, "error")


def only_text(result: dict[str, Any]) -> str:
    (content,) = result["content"]
    assert content["type"] == "text"
    text: str = content["text"]
    return text


def objection(case: Case, result: dict[str, Any]) -> str | None:
    """The fault of a result, or None."""
    text = only_text(result)
    if not text.strip():
        return "no text"
    for word in ("Traceback", "defect", "Error(", "sqlite", "pydantic"):
        if word in text:
            return f"{word!r} in {text[:200]!r}"
    if len(text) > LONGEST_TEXT:
        return f"{len(text):,} characters, beginning with {text[:100]!r}"
    if bool(result.get("isError")) != (case.verdict == "error"):
        return f"an {'error' if result.get('isError') else 'answer'}: {text[:200]!r}"
    if case.verdict == "error":
        return None if "structuredContent" not in result else "an error with structured content"
    content = result["structuredContent"]
    if case.verdict == "nothing":
        told = content["count"] == 0 and not content["items"] and "is not among the names" in content["message"]
        return None if told else f"found something, or does not say that it did not: {text[:200]!r}"
    return None if content["message"] else "an answer without a message"


@dataclass(frozen=True)
class Client:
    """A client of one real server, for tests that are not coroutines."""

    portal: BlockingPortal
    session: Session
    log: Path
    """Lines that the server writes to stderr."""

    def tools(self) -> list[dict[str, Any]]:
        return self.portal.call(self.session.list_tools)

    def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return self.portal.call(self.session.call, tool, arguments)

    def read(self, uri: str) -> dict[str, Any]:
        return self.portal.call(self.session.read, uri)


@pytest.fixture(scope="module")
def server(films_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    command = ["serve", "--dataset", films_settings.dataset, "--state", str(films_settings.state_folder)]
    path = tmp_path_factory.mktemp("server") / "log"
    with (
        path.open("w") as log,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(stdio_session(command, errlog=log)) as session,
    ):
        yield Client(portal, session, path)


@pytest.fixture
def client(server: Client) -> Iterator[Client]:
    """The same server for all tests of this module; it must not log a failure during any of them."""
    before = server.log.stat().st_size
    yield server
    assert b"Traceback" not in server.log.read_bytes()[before:]


def test_the_table_has_every_argument_of_every_tool(client: Client) -> None:
    assert {tool["name"]: set(tool["inputSchema"]["properties"]) for tool in client.tools()} == {
        tool: set(arguments) for tool, arguments in TABLE.items()
    }


@pytest.mark.parametrize("tool", TABLE)
def test_bad_values_get_an_error_and_the_next_call_its_answer(client: Client, tool: str) -> None:
    objections = []
    good = client.call(tool, GOOD[tool])
    assert not good["isError"]
    for case in cases(tool):
        wrong = objection(case, client.call(tool, case.arguments))
        if wrong is not None:
            objections.append(f"{case}: {case.verdict} expected, got {wrong}")
        assert client.call(tool, GOOD[tool]) == good, case
    assert not objections, "\n".join(objections)


@pytest.mark.parametrize(
    "name",
    ["recommend", f"{RECOMMEND} ", RECOMMEND.upper(), "", "../item_filter_tool", "🎬", "__init__", LONG],
    ids=lambda name: name[:40],
)
def test_an_unknown_tool_is_an_error_that_names_the_tools(client: Client, name: str) -> None:
    result = client.call(name, {"user": 9})
    assert result["isError"]
    assert len(only_text(result)) <= LONGEST_TEXT
    for tool in TABLE:
        assert tool in only_text(result)
    assert not client.call(HISTORY, GOOD[HISTORY])["isError"]


@pytest.mark.parametrize(
    "uri",
    [
        "itemset://",
        "itemset://set_aaaaaa",
        "itemset://passwd",
        "itemset://set_aaaaaa/../../etc/passwd",
        "file:///etc/passwd",
        "https://example.org/set_aaaaaa",
    ],
)
def test_an_unknown_resource_is_an_error_of_the_protocol(client: Client, uri: str) -> None:
    with pytest.raises(Exception, match=r"there is no resource|item set"):
        client.read(uri)
    assert not client.call(HISTORY, GOOD[HISTORY])["isError"]
