"""Every kind of question that a platform owner asks, through both classes of models, over the real server and data."""

import json
import re
from collections import Counter

import pytest

from tests.agent.conftest import Talk, Turn
from tests.agent.conversations.films import FAMILIES, Family, Question
from tests.agent.scripted_models import Reading, Say, call
from tests.names import FILTER, FIND_USERS, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, SEARCH, STATISTICS, USER

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
async def test_a_conversation_goes_as_its_model_plans(talk: Talk, family: Family) -> None:
    """Each call reaches the server, each result the model, and what it makes of them the person."""
    asked = []
    for question in family:
        turn = await talk.ask(question.asked, *question.steps)
        asked.append(question.asked)
        assert turn.last_reading.questions == asked
        check(turn, question)


def check(turn: Turn, question: Question) -> None:
    assert [event.tool for event in turn.started] == list(question.tools)
    assert [event.text for event in turn.ended if event.failed] == []
    assert sorted(event.id for event in turn.ended) == sorted(event.id for event in turn.started)
    n_calls = len(question.tools)
    read = turn.last_reading.exchanges[len(turn.last_reading.exchanges) - n_calls :]
    assert [exchange.tool for exchange in read] == list(question.tools)
    assert sorted(exchange.result for exchange in read) == sorted(event.text for event in turn.ended)
    for event in turn.ended:
        assert event.structured is not None
    told = "\n".join(exchange.result for exchange in read)
    for words in question.model_reads:
        assert words in told
    answered = turn.answered
    assert answered.complete
    assert answered.calls == turn.ended
    assert turn.written.endswith(answered.text)
    for words in question.answer_has:
        assert words in answered.text
    assert answered.unsupported == []


async def test_the_model_reads_the_servers_instructions_and_prompt(talk: Talk) -> None:
    turn = await talk.ask("Hello", Say("Hello."))
    system = turn.last_reading.system
    assert "Ask back where a viewer ID is missing" in system  # of the instructions
    assert "When you list the steps, give for each" in system  # of the prompt
    assert "1 to 943" in system
    assert "1 to 1682" in system
    assert turn.last_reading.messages[0]["role"] == "system"


async def test_the_model_is_told_nothing_twice(talk: Talk) -> None:
    turn = await talk.ask("Hello", Say("Hello."))
    words = re.findall(r"\w+", turn.last_reading.system.lower())
    runs = Counter(" ".join(words[start : start + 6]) for start in range(len(words) - 5))
    assert [run for run, times in runs.items() if times > 1] == []
    assert turn.last_reading.system.count("never from memory") == 1


async def test_the_model_gets_the_tools_with_their_arguments(talk: Talk) -> None:
    turn = await talk.ask("Hello", Say("Hello."))
    tools = turn.last_reading.tools
    assert set(tools) == {RECOMMEND, FILTER, SEARCH, LIKE, POPULAR, USER, ITEM, HISTORY, FIND_USERS, STATISTICS}
    for tool in tools.values():
        assert len(tool["description"]) > 80
        for name, argument in tool["parameters"]["properties"].items():
            assert argument["description"], name
    assert tools[USER]["parameters"]["required"] == ["user", "get"]
    assert "teenager" in tools[POPULAR]["parameters"]["properties"]["user_group"]["items"]["enum"]


async def test_the_model_learns_how_limits_of_numbers_are_written(talk: Talk) -> None:
    turn = await talk.ask("Hello", Say("Hello."))
    limits = turn.last_reading.tools[FILTER]["parameters"]["properties"]["imdb_rating"]
    for limit in ("gt", "gte", "lt", "lte", "eq"):
        assert re.search(rf"\b{limit}\b", json.dumps(limits)), limits


async def test_the_plan_is_shown_before_the_tools_are_called(talk: Talk) -> None:
    plan = "I ask the recommender, because it knows the viewer's ratings."
    turn = await talk.ask("For user 4?", call(RECOMMEND, {"user": 4}, plan), Say("Done."))
    first_call = next(place for place, event in enumerate(turn.events) if event in turn.started)
    assert "".join(event.text for event in turn.events[:first_call] if hasattr(event, "text")) == plan
    assert turn.answered.text == "Done."
    assert turn.last_reading.answers[-1] == plan


def with_an_invention(reading: Reading) -> str:
    item = reading.last(RECOMMEND)["items"][0]
    return f"1. **{item['title']}** (ID {item['item_id']})\n2. **The Clockmaker of Lisbon** (ID 4242)"


async def test_what_the_model_invents_is_flagged(talk: Talk) -> None:
    turn = await talk.ask(
        "Recommend a film for user 4.",
        call(RECOMMEND, {"user": 4, "k": 1}),
        Say(with_an_invention),
    )
    assert turn.answered.unsupported == ["no tool has returned “The Clockmaker of Lisbon” (ID 4242)"]
    assert turn.answered.complete


async def test_what_an_earlier_question_brought_supports_a_later_answer(talk: Talk) -> None:
    await talk.ask("About film 9?", call(ITEM, {"items": [9], "get": ["title"]}), Say("Found."))
    turn = await talk.ask("And its name?", Say('It is "Dead Man Walking", ID 9.'))
    assert turn.answered.unsupported == []
