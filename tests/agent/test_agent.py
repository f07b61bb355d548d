"""The loop of model and tools: calls at once, calls that fail, the limit of steps, and what the model is told."""

import json

import pytest

from agent_client.choices import MAX_STEPS, Choices
from agent_client.conversation import kept_in
from agent_client.events import CallEnded, CallStarted
from agent_client.prompts import NOTES
from tests.agent.conftest import Talk, address_of
from tests.agent.opening import opened
from tests.agent.scripted_models import Call, Say, ScriptedModel, call
from tests.names import HISTORY, ITEM, RECOMMEND, USER

pytestmark = pytest.mark.asyncio(loop_scope="module")

AGE = {"user": 198, "get": ["age"]}


# Calls


async def test_calls_of_one_step_run_at_once(talk: Talk) -> None:
    calls = (Call(HISTORY, {"user": 4}), Call(USER, AGE), Call(RECOMMEND, {"user": 4}))
    turn = await talk.ask("?", Say("", calls), Say("Done."))
    assert [type(event) for event in turn.events[:6]] == [CallStarted] * 3 + [CallEnded] * 3
    assert [exchange.tool for exchange in turn.last_reading.exchanges] == [HISTORY, USER, RECOMMEND]


async def test_an_answer_from_no_tool_at_all_says_so(talk: Talk) -> None:
    greeting = await talk.ask("Hello", Say("Hello! What would you like to know?"))
    assert greeting.answered.notes == []
    invented = await talk.ask("Three comedies for 98", Say("- The Laughing Policeman\n- Two more"))
    assert (invented.answered.complete, invented.answered.notes) == (True, [NOTES["uncalled"]])
    looked_up = await talk.ask("How old is 198?", call(USER, AGE), Say("The tool has told me: about 20."))
    assert looked_up.answered.notes == []
    again = await talk.ask("Once more?", Say("About 20."))
    assert again.answered.notes == []


async def test_calls_of_one_tool_are_told_apart(talk: Talk) -> None:
    calls = tuple(Call(USER, {"user": user, "get": ["age"]}) for user in (1, 2, 3))
    turn = await talk.ask("?", Say("", calls), Say("Done."))
    assert [exchange.data["user"] for exchange in turn.last_reading.exchanges] == [1, 2, 3]
    for event in turn.ended:
        assert event.structured is not None
        assert event.structured["user"] == event.arguments["user"]
    assert len({event.id for event in turn.started}) == 3


async def test_an_event_says_what_was_called_and_how_long_it_took(talk: Talk) -> None:
    turn = await talk.ask("?", call(USER, AGE), Say("Done."))
    (started,), (ended,) = turn.started, turn.ended
    assert (started.id, started.tool, started.arguments) == (ended.id, USER, AGE)
    assert ended.arguments == AGE
    assert 0 < ended.seconds < 30
    assert not ended.failed
    assert turn.answered.calls == [ended]


# Calls that fail


async def test_the_error_of_a_tool_goes_to_the_model_which_may_correct_its_call(talk: Talk) -> None:
    turn = await talk.ask(
        "Recommend for user 5000.",
        call(RECOMMEND, {"user": 5000}),
        call(RECOMMEND, {"user": 500}),
        Say("Done."),
    )
    wrong, right = turn.last_reading.exchanges
    assert "viewer 5000 is not in ml-100k" in wrong.result
    assert "1 to 943" in wrong.result
    assert "viewer 500" in right.data["message"]
    assert [event.failed for event in turn.ended] == [True, False]
    assert turn.ended[0].structured is None


async def test_arguments_of_a_wrong_type_are_told_by_the_server(talk: Talk) -> None:
    turn = await talk.ask(
        "?", call(RECOMMEND, {"user": "four", "number": 5}), call(RECOMMEND, {"user": 4}), Say("Done.")
    )
    wrong = turn.last_reading.exchanges[0].result
    assert "user" in wrong
    assert "'four'" in wrong
    assert "number" in wrong
    assert [event.failed for event in turn.ended] == [True, False]


async def test_an_unknown_tool_is_answered_with_those_that_there_are(talk: Talk) -> None:
    turn = await talk.ask("?", call("recommend_films", {"user": 4}), call(RECOMMEND, {"user": 4}), Say("Done."))
    wrong = turn.last_reading.exchanges[0].result
    assert "no tool 'recommend_films'" in wrong
    assert RECOMMEND in wrong
    assert ITEM in wrong
    assert [event.failed for event in turn.ended] == [True, False]


async def test_one_failed_call_does_not_stop_those_beside_it(talk: Talk) -> None:
    calls = (Call(RECOMMEND, {"user": 5000}), Call("nothing"), Call(RECOMMEND, {"user": 4}))
    turn = await talk.ask("?", Say("", calls), Say("Done."))
    failed = {event.id: event.failed for event in turn.ended}
    assert [failed[event.id] for event in turn.started] == [True, True, False]


@pytest.mark.parametrize("written", ["user=4", '{"user": four}', '["user", 4]', "4", ""])
async def test_arguments_that_cannot_be_read_are_told_to_the_model(scripted_model: ScriptedModel, written: str) -> None:
    async with kept_in(None) as saver, opened(Choices(address_of("openai", scripted_model), []), saver) as conversation:
        malformed = Say("", (Call("find", written=written),))
        turn = await Talk(conversation, scripted_model).ask("?", malformed, Say("I give up."))
    (exchange,) = turn.last_reading.exchanges
    assert "find" in exchange.result
    assert [event.failed for event in turn.ended] == [True]
    assert turn.answered.text == "I give up."


async def test_arguments_that_are_json_in_json_are_read(talk: Talk) -> None:
    if talk.conversation.choices.model.provider == "ollama":
        pytest.skip("Ollama parses the arguments before its client gets them")
    turn = await talk.ask("?", Say("", (Call(USER, written=json.dumps(json.dumps(AGE))),)), Say("Done."))
    (exchange,) = turn.last_reading.exchanges
    assert '"age":' in exchange.result
    assert [event.arguments for event in turn.ended] == [AGE]


async def test_a_call_beside_an_unreadable_one_is_made(talk: Talk) -> None:
    if talk.conversation.choices.model.provider == "ollama":
        pytest.skip("Ollama parses the arguments before its client gets them")
    turn = await talk.ask("?", Say("", (Call(HISTORY, written="user=4"), Call(USER, AGE))), Say("Done."))
    by_tool = {exchange.tool: exchange.result for exchange in turn.last_reading.exchanges}
    assert "not a JSON object" in by_tool[HISTORY]
    assert "user=4" in by_tool[HISTORY]
    assert '"age":' in by_tool[USER]


# The limit of steps


async def test_an_endless_loop_of_calls_ends_with_an_honest_message(talk: Talk) -> None:
    turn = await talk.ask("?", then=call(USER, AGE))
    assert not turn.answered.complete
    assert f"stopped: after {MAX_STEPS} rounds" in turn.answered.text
    assert turn.written.endswith(turn.answered.text)
    assert len(turn.answered.calls) == MAX_STEPS
    assert len(turn.readings) == MAX_STEPS + 1
    assert turn.answered.unsupported == []


async def test_a_conversation_goes_on_after_the_limit(talk: Talk) -> None:
    await talk.ask("?", then=call(USER, AGE))
    turn = await talk.ask("Then the age of user 4?", call(USER, {"user": 4, "get": ["age"]}), Say("Found."))
    assert turn.answered.complete
    assert turn.answered.text == "Found."
    assert [exchange.data["user"] for exchange in turn.last_reading.exchanges if exchange.result[0] == "{"][-1] == 4
    assert any("limit of steps" in exchange.result for exchange in turn.last_reading.exchanges)


@pytest.mark.parametrize("n_steps", [1, 3])
async def test_the_limit_can_be_chosen_and_reached_without_being_passed(
    scripted_model: ScriptedModel, n_steps: int
) -> None:
    choices = Choices(address_of("openai", scripted_model), [], max_steps=n_steps)
    async with kept_in(None) as saver, opened(choices, saver) as conversation:
        talk = Talk(conversation, scripted_model)
        turn = await talk.ask("?", *[call("find", {})] * n_steps, Say("Just in time."))
        assert turn.answered.text == "Just in time."
        assert turn.answered.complete
        turn = await talk.ask("?", then=call("find", {}))
        assert not turn.answered.complete
        assert len(turn.answered.calls) == n_steps


# What the model is told


async def test_words_of_ones_own_come_after_the_servers(talk: Talk, scripted_model: ScriptedModel) -> None:
    choices = Choices(talk.conversation.choices.model, [], added_prompt="Answer in French.")
    async with kept_in(None) as saver, opened(choices, saver) as conversation:
        turn = await Talk(conversation, scripted_model).ask("?", Say("Oui."))
    assert turn.last_reading.system.endswith("\n\nAnswer in French.")
    assert "tools" in turn.last_reading.system


async def test_a_prompt_of_ones_own_takes_the_place_of_all_others(talk: Talk, scripted_model: ScriptedModel) -> None:
    choices = Choices(talk.conversation.choices.model, [], added_prompt="Not this.", own_prompt="Be brief.")
    async with kept_in(None) as saver, opened(choices, saver) as conversation:
        turn = await Talk(conversation, scripted_model).ask("?", Say("Yes."))
    assert turn.last_reading.system == "Be brief."


async def test_only_the_newest_turns_are_read_where_all_are_too_long(talk: Talk, scripted_model: ScriptedModel) -> None:
    choices = Choices(talk.conversation.choices.model, [], context_tokens=300)
    async with kept_in(None) as saver, opened(choices, saver) as conversation:
        brief = Talk(conversation, scripted_model)
        for number in range(5):
            turn = await brief.ask(f"Question {number}? " + "word " * 80, Say("Yes."))
        everything = await conversation.messages()
    assert [question[:11] for question in turn.last_reading.questions] == ["Question 3?", "Question 4?"]
    assert len(everything) == 10


async def test_a_question_of_an_unknown_id_takes_the_place_that_the_page_knows(talk: Talk) -> None:
    for question in ("First?", "Second?", "Third?"):
        await talk.ask(question, call(USER, AGE), Say(f"The answer to {question}"))
    talk.model.play(Say("Edited."), Say("Next."))
    for question, n_before in (("Another second?", 1), ("Next?", None)):
        async for _ in talk.conversation.ask(question, f"page's own {question}", n_before):
            pass
    assert talk.model.readings[-1].questions == ["First?", "Another second?", "Next?"]
    assert talk.model.readings[-1].answers == ["The answer to First?", "Edited."]
