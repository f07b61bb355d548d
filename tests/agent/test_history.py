"""What a model gets to read of any conversation: calls with results, whole turns, and no more than fits."""

import itertools
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.utils import count_tokens_approximately

from agent_client.history import INTERRUPTED, LEFT_OUT, calls_of, completed, turns, within_budget

TEXTS = st.text("ab ", max_size=400)

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
    results = [result(identifier, draw(TEXTS)) for identifier in with_result]
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


def check_pairs(messages: Sequence[AnyMessage]) -> None:
    """As endpoints check them: after calls come their results, all of them and nothing else, and none comes
    otherwise."""
    waiting: list[str] = []
    for message in messages:
        if isinstance(message, ToolMessage):
            assert message.tool_call_id in waiting
            waiting.remove(message.tool_call_id)
        else:
            assert waiting == []
            waiting = [identifier for identifier, _ in calls_of(message)]
    assert waiting == []


# Every call has a result


@given(conversations())
def test_no_call_is_without_a_result_and_no_result_without_a_call(messages: list[AnyMessage]) -> None:
    check_pairs(completed(messages))


@given(conversations())
def test_what_was_said_is_kept_as_it_was(messages: list[AnyMessage]) -> None:
    added = [message for message in completed(messages) if message.content == INTERRUPTED]
    assert [message for message in completed(messages) if message not in added] == messages


@given(conversations())
def test_what_is_complete_is_left_alone(messages: list[AnyMessage]) -> None:
    whole = completed(messages)
    assert completed(whole) == whole


def test_an_interrupted_call_is_told_to_be_one() -> None:
    messages = [HumanMessage("?"), says("", "a", "b"), HumanMessage("Go on")]
    assert [message.content for message in completed(messages)] == ["?", "", INTERRUPTED, INTERRUPTED, "Go on"]
    assert {message.status for message in completed(messages) if isinstance(message, ToolMessage)} == {"error"}


def test_ids_that_an_endpoint_uses_again_are_not_mistaken_for_answered() -> None:
    """Some endpoints number the calls of each answer from zero."""
    first = [HumanMessage("?"), says("", "call_0"), result("call_0"), says("Done.")]
    check_pairs(completed([*first, HumanMessage("And now?"), says("", "call_0"), HumanMessage("Go on")]))


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


@given(conversations(), st.integers(0, 600))
def test_what_fits_a_budget_has_calls_with_results(messages: list[AnyMessage], most: int) -> None:
    check_pairs(within_budget(messages, most))


@given(conversations(), st.integers(0, 600))
def test_the_newest_turns_are_kept_and_the_newest_always(messages: list[AnyMessage], most: int) -> None:
    kept = within_budget(messages, most)
    all_turns = turns(completed(messages))
    n_kept = len(turns(kept))
    assert n_kept >= 1
    expected = [message for turn in all_turns[len(all_turns) - n_kept :] for message in turn]
    assert [message.content for message in kept if not isinstance(message, ToolMessage)] == [
        message.content for message in expected if not isinstance(message, ToolMessage)
    ]
    if n_kept > 1:
        assert kept == expected


@given(conversations(), st.integers(0, 600))
def test_the_budget_is_kept_where_it_can_be(messages: list[AnyMessage], most: int) -> None:
    kept = within_budget(messages, most)
    if count_tokens_approximately(kept) > most:
        assert len(turns(kept)) == 1
        shortened = [message for message in kept[:-1] if isinstance(message, ToolMessage)]
        assert all(len(message.content) <= len(LEFT_OUT) for message in shortened)


@given(conversations(), st.integers(0, 600))
def test_no_more_is_left_out_than_must_be(messages: list[AnyMessage], most: int) -> None:
    kept = within_budget(messages, most)
    all_turns = turns(completed(messages))
    if len(turns(kept)) < len(all_turns):
        older = all_turns[len(all_turns) - len(turns(kept)) - 1]
        assert count_tokens_approximately([*older, *kept]) > most


@given(conversations(), st.integers(0, 600))
def test_leaving_out_makes_nothing_longer(messages: list[AnyMessage], most: int) -> None:
    newest = turns(completed(messages))[-1]
    kept = turns(within_budget(messages, most))[-1]
    assert count_tokens_approximately(kept) <= count_tokens_approximately(newest)


@given(conversations())
def test_what_fits_is_not_touched(messages: list[AnyMessage]) -> None:
    whole = completed(messages)
    assert within_budget(messages, count_tokens_approximately(whole)) == whole


def test_in_one_long_turn_the_oldest_results_are_left_out_first() -> None:
    messages = [HumanMessage("?")]
    for name in "abc":
        messages += [says("", name), result(name, name * 4000)]
    kept = within_budget(messages, 2500)
    results = [message.content for message in kept if isinstance(message, ToolMessage)]
    assert results == [LEFT_OUT, "b" * 4000, "c" * 4000]
    assert messages[2].content == "a" * 4000  # the conversation itself is not changed
