"""Judging answers: the rules that every answer must meet, and a tally of outcomes."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jsonschema

from benchmarks.fuzz_messages import Message

Json = dict[str, Any]

MOST_ECHOED = 200
"""Largest number of characters of its own input that a client may find in an error text."""

FAULTS = ("crash", "hang", "traceback", "schema violation", "wrong answer", "long echo")
"""Faults, none of which may happen."""

SERVER_FAULTS = (-32603, 0)
"""Codes of internal errors, which no message may cause."""

EXAMPLES = 20
"""Number of faults of each kind that are described. The rest are counted."""


@dataclass
class Tally:
    """The outcomes of the calls of one session."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Number of messages by kind and outcome."""
    faults: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    longest_echo: int = 0
    longest_error: int = 0
    slowest: tuple[float, int] = 0.0, 0
    """The slowest answer in seconds, and the number of its message."""
    seconds: float = 0.0
    memory: tuple[float, float] = (0.0, 0.0)
    """Memory of the server at the start and at the end, in MB."""
    longest_log_line: int = 0

    @property
    def calls(self) -> int:
        return sum(self.outcomes.values())

    def blame(self, fault: str, what: str) -> None:
        self.faults[fault] += 1
        if len(self.examples[fault]) < EXAMPLES:
            self.examples[fault].append(what[:500])

    def outcome(self, name: str) -> int:
        return sum(number for (_, outcome), number in self.outcomes.items() if outcome == name)


class Judge:
    """Judges answers, and adds the outcomes to a tally.

    Args:
        output_schemas: Output schemas of the tools, by name.
    """

    def __init__(self, tally: Tally, output_schemas: Mapping[str, Json]) -> None:
        self._tally = tally
        self._validators = {
            name: jsonschema.validators.validator_for(schema)(schema) for name, schema in output_schemas.items()
        }

    def judge(self, number: int, message: Message, answers: Sequence[Json]) -> None:
        """Judge the answers to one message."""
        expected = len(message.raw)
        right = {"id": (expected,), "null": (expected,), "nothing": (0,), "at most once": (0, 1)}[message.answered]
        if len(answers) not in right:
            self._tally.blame("wrong answer", f"{number} ({message.kind}): {len(answers)} answers to {message.raw!r}")
        for answer in answers or (None,):
            objection, outcome = self._objection(message, answer)
            self._tally.outcomes[message.kind, outcome] += 1
            if objection is not None:
                self._tally.blame(objection[0], f"{number} ({message.kind}): {objection[1]}")

    def _objection(self, message: Message, answer: Json | None) -> tuple[tuple[str, str] | None, str]:
        """The fault of an answer, if any, and its outcome."""
        if answer is None:
            return None, "none"
        identifier = message.id if message.answered in ("id", "at most once") else None
        if (
            answer.get("jsonrpc") != "2.0"
            or answer.get("id", "") != identifier
            or ("result" in answer) == ("error" in answer)
        ):
            return ("wrong answer", f"not JSON-RPC, or another's: {str(answer)[:300]}"), "wrong"
        if "error" in answer:
            return self._of_error(message, answer["error"]), "protocol error"
        result = answer["result"]
        if message.tool is None:
            return None, "ok"
        if result.get("isError"):
            return self._of_failure(message, result), "tool error"
        return self._of_result(message, result), "ok"

    def _of_error(self, message: Message, error: Json) -> tuple[str, str] | None:
        if not isinstance(error.get("code"), int) or not isinstance(error.get("message"), str) or not error["message"]:
            return "wrong answer", f"no error of JSON-RPC: {error}"
        if error["code"] in SERVER_FAULTS and message.answered != "at most once":  # line 1.x says so that it gave up
            return "wrong answer", f"the server takes a client's fault for its own: {str(error)[:300]}"
        return self._of_text(message, error["message"]) or self._of_text(message, *_texts(error.get("data")))

    def _of_failure(self, message: Message, result: Json) -> tuple[str, str] | None:
        if "structuredContent" in result or len(result["content"]) != 1 or not result["content"][0].get("text"):
            return "schema violation", f"a failure is one text: {str(result)[:300]}"
        if "defect" in result["content"][0]["text"]:
            return "wrong answer", result["content"][0]["text"]
        return self._of_text(message, result["content"][0]["text"])

    def _of_text(self, message: Message, *texts: str) -> tuple[str, str] | None:
        sent = "\n".join(_sent(message)) if any(len(text) > MOST_ECHOED for text in texts) else ""
        for text in texts:
            self._tally.longest_error = max(self._tally.longest_error, len(text))
            length = longest_echo(text, sent)
            self._tally.longest_echo = max(self._tally.longest_echo, length)
            if length > MOST_ECHOED:
                return "long echo", f"{length} characters of the input in {text[:300]!r}"
            if "Traceback" in text or 'File "' in text:
                return "traceback", text
        return None

    def _of_result(self, message: Message, result: Json) -> tuple[str, str] | None:
        structured = result.get("structuredContent")
        if message.tool not in self._validators or not isinstance(structured, dict):
            return "schema violation", f"no structured content: {str(result)[:300]}"
        for violation in self._validators[message.tool].iter_errors(structured):
            return "schema violation", violation.message
        if [json.loads(part["text"]) for part in result["content"]] != [structured]:
            return "schema violation", "the text is not the structured content"
        return None


def _texts(value: Any) -> Iterator[str]:
    """All texts in a JSON value."""
    match value:
        case str():
            yield value
        case list():
            for part in value:
                yield from _texts(part)
        case dict():
            for name, part in value.items():
                yield name
                yield from _texts(part)


def _sent(message: Message) -> Iterator[str]:
    """The content of a message, in every form in which it may be echoed."""
    for raw in message.raw:
        text = raw.decode(errors="replace")
        yield text
        try:
            parts = list(_texts(json.loads(text)))
        except (ValueError, RecursionError):
            continue
        yield from parts
        yield from (repr(part) for part in parts if not part.isprintable())


def longest_echo(text: str, sent: str) -> int:
    """The length of the longest echo of what was sent. Below `MOST_ECHOED` the number is only an upper bound."""
    if not sent:
        return min(len(text), MOST_ECHOED)
    step, longest = MOST_ECHOED // 2, 0
    for start in range(0, len(text) - step + 1, step):
        place = sent.find(text[start : start + step])
        if place < 0:
            continue
        first = 0
        while first < min(start, place) and text[start - first - 1] == sent[place - first - 1]:
            first += 1
        length = first + step
        while (
            start - first + length < len(text)
            and text[start - first + length] == sent[place - first + length : place - first + length + 1]
        ):
            length += 1
        longest = max(longest, length)
    return longest
