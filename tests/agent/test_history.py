"""What a model gets to read of any conversation: calls with results, whole turns, and no more than fits."""

import itertools
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.utils import count_tokens_approximately

from agent_client.history import (
    HEAD,
    INTERRUPTED,
    NOTHING_SAID,
    SHORTENED,
    STOPPED,
    calls_of,
    completed,
    is_answer,
    turns,
    within_budget,
)

TEXTS = st.text("ab ", max_size=400)

RESULTS = st.integers(0, 3 * HEAD).map(lambda length: "a" * length)

numbers = itertools.count(1)


def says(text: str, *identifiers: str, n_unreadable: int = 0) -> AIMessage:
    """Calls with these IDs; the arguments of the last ones cannot be read."""
    n_readable = len(identifiers) - n_unreadable
    return AIMessage(
        text,
        tool_calls=[
            {"id": identifier, "name": "find", "args": {"user": 4}, "type": "tool_call"}
            for identifier in identifiers[:n_readable]
        ],
        invalid_tool_calls=[
            {"id": identifier, "name": "find", "args": "user=4", "error": None, "type": "invalid_tool_call"}
            for identifier in identifiers[n_readable:]
        ],
    )


def result(identifier: str, text: str = "found") -> ToolMessage:
    return ToolMessage(text, tool_call_id=identifier, name="find")


@st.composite
def rounds(draw: st.DrawFn) -> tuple[list[AnyMessage], bool]:
    """A message with tool calls and what came of them; False where it was interrupted, before some had a result."""
    identifiers = [f"call_{next(numbers)}" for _ in range(draw(st.integers(1, 3)))]
    message = says(draw(TEXTS), *identifiers, n_unreadable=draw(st.integers(0, len(identifiers))))
    with_result = identifiers
    if draw(st.booleans()):
        with_result = [identifier for identifier in identifiers if draw(st.booleans())]
    results = [result(identifier, draw(RESULTS)) for identifier in with_result]
    return [message, *results], with_result == identifiers


@st.composite
def conversations(draw: st.DrawFn) -> list[AnyMessage]:
    """Questions; after each, rounds of calls until an answer, or until something broke."""
    messages: list[AnyMessage] = []
    for _ in range(draw(st.integers(1, 4))):
        messages.append(HumanMessage(draw(TEXTS)))
        whole = True
        for _ in range(draw(st.integers(0, 3))):
            round_, whole = draw(rounds())
            messages += round_
            if not whole:
                break
        if whole and draw(st.booleans()):
            messages.append(says(draw(TEXTS)))
    return messages


def check_accepted(messages: Sequence[AnyMessage]) -> None:
    """As endpoints check them: after calls come their results, all of them and nothing else, and none comes otherwise;
    two questions have an answer between them, and no answer is empty."""
    waiting: list[str] = []
    before = ""
    for message in messages:
        if isinstance(message, ToolMessage):
            assert message.tool_call_id in waiting
            waiting.remove(message.tool_call_id)
        else:
            assert waiting == []
            waiting = [identifier for identifier, _ in calls_of(message)]
        if isinstance(message, HumanMessage):
            assert before in ("", "ai")
        if is_answer(message):
            assert message.text.strip()
        before = message.type
    assert waiting == []


# Calls have results, and questions answers


@given(conversations())
def test_every_provider_accepts_the_messages(messages: list[AnyMessage]) -> None:
    check_accepted(completed(messages))


@given(conversations())
def test_what_was_said_is_kept_as_it_was(messages: list[AnyMessage]) -> None:
    said = [message for message in completed(messages) if message.content not in (INTERRUPTED, STOPPED)]
    nothing = [message.model_copy(update={"content": NOTHING_SAID}) for message in messages]
    assert said == [
        instead if is_answer(message) and not message.text.strip() else message
        for message, instead in zip(messages, nothing, strict=True)
    ]


@given(conversations())
def test_what_is_complete_is_left_alone(messages: list[AnyMessage]) -> None:
    whole = completed(messages)
    assert completed(whole) == whole


def test_an_interrupted_call_is_told_to_be_one() -> None:
    messages = [HumanMessage("?"), says("", "a", "b"), HumanMessage("Go on")]
    whole = completed(messages)
    assert [message.content for message in whole] == ["?", "", INTERRUPTED, INTERRUPTED, STOPPED, "Go on"]
    assert {message.status for message in whole if isinstance(message, ToolMessage)} == {"error"}


def test_the_newest_question_waits_for_its_answer() -> None:
    messages = [HumanMessage("?"), says("", "a"), result("a")]
    assert completed(messages) == messages


def test_ids_that_an_endpoint_uses_again_are_not_mistaken_for_answered() -> None:
    """Some endpoints number the calls of each answer from zero."""
    first = [HumanMessage("?"), says("", "call_0"), result("call_0"), says("Done.")]
    check_accepted(completed([*first, HumanMessage("And now?"), says("", "call_0"), HumanMessage("Go on")]))


# Turns


@given(conversations())
def test_each_turn_begins_with_its_question(messages: list[AnyMessage]) -> None:
    found = turns(messages)
    assert [message for turn in found for message in turn] == messages
    assert [turn[0] for turn in found] == [message for message in messages if isinstance(message, HumanMessage)]


def test_what_comes_before_any_question_is_a_turn() -> None:
    messages = [SystemMessage("Hello"), HumanMessage("?")]
    assert turns(messages) == [[messages[0]], [messages[1]]]


# The budget


BUDGETS = st.integers(0, 2000)


def results_of(messages: Sequence[AnyMessage]) -> list[str]:
    return [message.text for message in messages if isinstance(message, ToolMessage)]


def as_short_as_can_be(text: str) -> bool:
    return len(text) <= HEAD + len(SHORTENED)


@given(conversations(), BUDGETS)
def test_what_fits_a_budget_is_accepted(messages: list[AnyMessage], most: int) -> None:
    check_accepted(within_budget(messages, most))


@given(conversations(), BUDGETS)
def test_the_newest_turns_are_kept_and_the_newest_always(messages: list[AnyMessage], most: int) -> None:
    kept = within_budget(messages, most)
    all_turns = turns(completed(messages))
    n_kept = len(turns(kept))
    assert n_kept >= 1
    expected = [message for turn in all_turns[len(all_turns) - n_kept :] for message in turn]
    for message, before in zip(kept, expected, strict=True):
        if not (isinstance(message, ToolMessage) and message.text.endswith(SHORTENED)):
            assert message == before
        else:
            assert before.text.startswith(message.text.removesuffix(SHORTENED))


@given(conversations(), BUDGETS)
def test_the_budget_is_kept_where_it_can_be(messages: list[AnyMessage], most: int) -> None:
    kept = within_budget(messages, most)
    if count_tokens_approximately(kept) > most:
        assert len(turns(kept)) == 1
        assert all(len(text) <= len(SHORTENED) for text in results_of(kept[:-1]))


@given(conversations(), BUDGETS)
def test_old_results_are_shortened_before_any_turn_is_left_out(messages: list[AnyMessage], most: int) -> None:
    kept = turns(within_budget(messages, most))
    if len(kept) < len(turns(messages)):
        assert all(as_short_as_can_be(text) for turn in kept[:-1] for text in results_of(turn))


@given(conversations(), BUDGETS)
def test_the_newest_turn_is_shortened_last(messages: list[AnyMessage], most: int) -> None:
    kept = turns(within_budget(messages, most))
    if kept[-1] != turns(completed(messages))[-1]:
        assert len(kept) == 1


@given(conversations(), BUDGETS)
def test_the_oldest_results_are_shortened_first(messages: list[AnyMessage], most: int) -> None:
    earlier = [text for turn in turns(within_budget(messages, most))[:-1] for text in results_of(turn)]
    is_short = [text.endswith(SHORTENED) for text in earlier if not as_short_as_can_be(text) or SHORTENED in text]
    assert is_short == sorted(is_short, reverse=True)


@given(conversations(), BUDGETS)
def test_no_more_is_left_out_than_must_be(messages: list[AnyMessage], most: int) -> None:
    kept = within_budget(messages, most)
    all_turns = turns(completed(messages))
    if len(turns(kept)) < len(all_turns):
        newest = [*turns(kept)[:-1], all_turns[-1]]
        with_older = [*all_turns[len(all_turns) - len(newest) - 1], *(message for turn in newest for message in turn)]
        shortest = [
            message.model_copy(update={"content": message.text[:HEAD] + SHORTENED})
            if isinstance(message, ToolMessage) and not as_short_as_can_be(message.text)
            else message
            for message in with_older[: len(with_older) - len(newest[-1])]
        ]
        assert count_tokens_approximately([*shortest, *newest[-1]]) > most


@given(conversations(), BUDGETS)
def test_leaving_out_makes_nothing_longer(messages: list[AnyMessage], most: int) -> None:
    newest = turns(completed(messages))[-1]
    kept = turns(within_budget(messages, most))[-1]
    assert count_tokens_approximately(kept) <= count_tokens_approximately(newest)


@given(conversations())
def test_what_fits_is_not_touched(messages: list[AnyMessage]) -> None:
    whole = completed(messages)
    assert within_budget(messages, count_tokens_approximately(whole)) == whole


def test_in_one_long_turn_the_oldest_results_are_shortened_first() -> None:
    messages = [HumanMessage("?")]
    for name in "abc":
        messages += [says("", name), result(name, name * 4000)]
    kept = within_budget(messages, 2500)
    assert results_of(kept) == ["a" * HEAD + SHORTENED, "b" * 4000, "c" * 4000]
    assert results_of(within_budget(messages, 1300)) == [SHORTENED, "b" * HEAD + SHORTENED, "c" * 4000]
    assert messages[2].content == "a" * 4000  # the conversation itself is not changed
