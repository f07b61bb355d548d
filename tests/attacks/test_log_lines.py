"""Input from the network neither forges lines of the log nor controls the terminal that shows it."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from mcp_server.logs import JsonLines
from mcp_server.settings import Settings
from recsys_shared.log_lines import LONGEST_MESSAGE, TextLines
from tests.running_servers import HttpServer, http_server, initialize, post
from tests.shared.test_plain_text import commands_in

FORGED = "x\r\n2026-01-01 00:00:00,000 INFO forged: all is well\x1b]0;owned\x07\x9b2J\u202e\u2028forged"


@pytest.fixture(params=["text", "json"])
def server(films_settings: Settings, request: pytest.FixtureRequest) -> Iterator[HttpServer]:
    variables = {"RECSYS_LOG_LEVEL": "DEBUG", "RECSYS_LOG_FORMAT": str(request.param)}
    with http_server(films_settings.state_folder, **variables) as running:
        yield running


def test_each_line_is_the_programs_own(server: HttpServer) -> None:
    with server.client() as client:
        session = initialize(client).headers["mcp-session-id"]
        names = {"mcp_session_id": session}
        post(client, "mcp", 2, "tools/call", {"name": FORGED * 100, "arguments": {FORGED: FORGED}}, **names)
        post(client, "mcp", 3, "resources/read", {"uri": f"itemset://{FORGED}"}, **names)
        post(client, "mcp", 4, FORGED, {}, **names)
        post(client, "mcp", 5, "prompts/get", {"name": FORGED}, **names)
        client.get("mcp", headers={"Host": b"evil.test\x9b2J"})
        client.get("no/such/path%0D%0Aforged%1B%5B2J")
    server.end()
    assert server.log
    for line in server.log:
        assert not commands_in(line), repr(line)
        assert len(line) < 2 * LONGEST_MESSAGE
        assert not line.startswith("2026-01-01 00:00:00,000 INFO forged")
        assert not line.startswith("forged")


@pytest.fixture
def record() -> logging.LogRecord:
    return logging.makeLogRecord({"name": "mcp_server", "levelname": "INFO", "msg": "%s", "args": (FORGED * 100,)})


def test_a_message_is_one_line_that_can_be_seen_and_is_not_endless(record: logging.LogRecord) -> None:
    line = TextLines().format(record)
    assert not commands_in(line)
    assert 0.8 * LONGEST_MESSAGE < len(line) <= LONGEST_MESSAGE
    assert "x␍␊2026-01-01" in line


def test_in_json_it_is_the_same_text(record: logging.LogRecord) -> None:
    line = JsonLines().format(record)
    assert not commands_in(line)
    message = json.loads(line)["message"]
    assert 0.8 * LONGEST_MESSAGE < len(message) <= LONGEST_MESSAGE
    assert message.startswith(FORGED)


def test_a_traceback_keeps_its_lines_and_nothing_else_of_what_it_was_about() -> None:
    try:
        raise ValueError(FORGED)
    except ValueError:
        record = logging.getLogger("test").makeRecord("test", logging.ERROR, __file__, 1, FORGED, (), None)
        record.exc_info = sys.exc_info()
    lines = TextLines().format(record).split("\n")
    assert len(lines) > 3
    assert not any(map(commands_in, lines))
