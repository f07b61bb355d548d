"""The planner: plans as weak models write them, references, the one repair, and the change to it where calls fail."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from agent_client.choices import Choices
from agent_client.conversation import begun, kept_in
from agent_client.errors import ModelError
from agent_client.events import CallEnded, CallStarted, Thought
from agent_client.models.loading import load_model
from agent_client.prompts import NOTES
from agent_client.servers.address import ServerAddress
from agent_client.servers.connected import Servers, connected
from tests.agent.commands import QUESTION, run
from tests.agent.conftest import PROVIDERS, Talk, address_of
from tests.agent.scripted_models import Reading, Refuse, Say, ScriptedModel, call
from tests.names import FILTER, ITEM, RECOMMEND, USER

Opened = Callable[..., Any]

shares_the_servers = pytest.mark.asyncio(loop_scope="module")

AGE = {"user": 198, "get": ["age"]}
COMEDIES = {"name": FILTER, "arguments": {"genres": ["Comedy"]}}
AMONG_THEM = {"name": RECOMMEND, "arguments": {"user": 98, "k": 3, "item_set": "$1.item_set"}}
NO_TOOLS = Refuse(400, "registry.ollama.ai/library/gemma:2b does not support tools")


def plan(*calls: dict[str, Any], **more: Any) -> Say:
    return Say(json.dumps({"tool_calls": calls, **more}))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers(films_server: ServerAddress) -> AsyncIterator[Servers]:
    async with connected([films_server]) as servers:
        yield servers


@pytest_asyncio.fixture(loop_scope="module", params=PROVIDERS)
async def talk_with(
    request: pytest.FixtureRequest, scripted_model: ScriptedModel, servers: Servers
) -> AsyncIterator[Opened]:
    """A new conversation on the same thread, with a plan or without."""
    address = address_of(request.param, scripted_model)
    async with kept_in(None) as saver:

        async def opened(plan: bool | None, **limits: int) -> Talk:
            choices = Choices(address, [], plan=plan, **limits)
            return Talk(await begun(choices, servers, load_model(address, 32_000), saver), scripted_model)

        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def talk(talk_with: Opened) -> Talk:
    found: Talk = await talk_with(True)
    return found


def schema_of(reading: Reading) -> Any:
    """The schema that the request asked the endpoint to hold the model to."""
    if "format" in reading.body:
        return reading.body["format"]
    return reading.body.get("response_format", {}).get("json_schema", {}).get("schema")


# A plan that is run


@shares_the_servers
async def test_a_plan_is_run_and_the_model_answers_from_its_results(talk: Talk) -> None:
    turn = await talk.ask(QUESTION, plan(COMEDIES, AMONG_THEM), Say("Three comedies."))
    assert [(event.tool, event.failed) for event in turn.ended] == [(FILTER, False), (RECOMMEND, False)]
    found = turn.ended[0].structured
    assert found is not None
    assert turn.started[1].arguments == {"user": 98, "k": 3, "item_set": found["item_set"]}
    assert turn.written == turn.answered.text == "Three comedies."
    assert turn.answered.complete
    planning, answering = turn.readings
    assert all(not reading.tools and not reading.exchanges for reading in turn.readings)
    assert schema_of(planning) is not None
    assert schema_of(answering) is None
    assert answering.questions[-1].startswith(QUESTION)
    assert "3 films for viewer 98" in answering.questions[-1]


@shares_the_servers
async def test_calls_that_do_not_need_each_other_run_at_once(talk: Talk) -> None:
    last = {"name": RECOMMEND, "arguments": {"user": "$3.user", "item_set": "$2.item_set"}}
    turn = await talk.ask("?", plan(last, COMEDIES, {"name": USER, "arguments": AGE}), Say("Done."))
    kinds = [type(event) for event in turn.events[:6]]
    assert kinds == [CallStarted, CallStarted, CallEnded, CallEnded, CallStarted, CallEnded]
    assert [event.tool for event in turn.started] == [FILTER, USER, RECOMMEND]
    assert turn.started[2].arguments["user"] == 198


@shares_the_servers
async def test_a_reference_may_take_a_whole_list(talk: Talk) -> None:
    read = {"name": ITEM, "arguments": {"items": "$1.items[*].item_id", "get": ["release_year"]}}
    turn = await talk.ask("?", plan(COMEDIES, read), Say("Done."))
    found, fields = (event.structured for event in turn.ended)
    assert found is not None
    assert fields is not None
    assert [item["item_id"] for item in fields["items"]] == [item["item_id"] for item in found["items"]]


@shares_the_servers
async def test_an_answer_without_calls_is_given_at_once(talk: Talk) -> None:
    turn = await talk.ask("Recommend me something.", plan(answer="For which viewer?"))
    assert turn.written == turn.answered.text == "For which viewer?"
    assert turn.answered.complete


@shares_the_servers
async def test_the_tools_are_described_once_and_the_schema_admits_their_calls_and_references(talk: Talk) -> None:
    from jsonschema import Draft202012Validator

    turn = await talk.ask("?", plan(answer="Yes."))
    (reading,) = turn.readings
    assert reading.system.count("Viewer ID; never guess.") >= 1
    schema = schema_of(reading)
    Draft202012Validator.check_schema(schema)
    admits = Draft202012Validator(schema).is_valid
    assert admits({"tool_calls": [COMEDIES, AMONG_THEM]})
    assert admits({"tool_calls": [{**AMONG_THEM, "arguments": {"user": "$1.users[0].user"}}]})
    assert not admits({"tool_calls": [{**AMONG_THEM, "arguments": {"user": "$1.00"}}]})
    assert not admits({"tool_calls": [{**COMEDIES, "name": "filter"}]})
    assert not admits({"tool_calls": [{**AMONG_THEM, "arguments": {"viewer": 98}}]})
    assert not admits({"tool_calls": [{**AMONG_THEM, "arguments": {"user": "98"}}]})


@shares_the_servers
async def test_a_follow_up_is_planned_with_the_results_before_it(talk: Talk) -> None:
    await talk.ask(QUESTION, plan(COMEDIES, AMONG_THEM), Say("Three comedies."))
    turn = await talk.ask("And for user 4?", plan(answer="No."))
    before, now = turn.last_reading.questions
    assert before.startswith(QUESTION)
    assert '"item_set":' in before
    assert now == "And for user 4?"
    assert turn.last_reading.answers == ["Three comedies."]


@shares_the_servers
async def test_calls_of_the_model_itself_may_follow_planned_ones(talk_with: Opened) -> None:
    await (await talk_with(True)).ask(QUESTION, plan(COMEDIES, AMONG_THEM), Say("Three comedies."))
    turn = await (await talk_with(False)).ask("His age?", call(USER, AGE), Say("Young."))
    assert [exchange.tool for exchange in turn.last_reading.exchanges] == [FILTER, RECOMMEND, USER]


@shares_the_servers
@pytest.mark.parametrize("begin", ["<think>", ""], ids=["thought", "end of a thought"])
async def test_what_the_model_thinks_beside_its_plan_is_no_part_of_it(talk: Talk, begin: str) -> None:
    thinking = Say(f'{begin}I take {{"tool_calls": []}}.</think>{json.dumps({"tool_calls": [COMEDIES, AMONG_THEM]})}')
    turn = await talk.ask(QUESTION, thinking, Say("Three comedies."))
    assert next(event.text for event in turn.events if isinstance(event, Thought)) == 'I take {"tool_calls": []}.'
    assert [event.tool for event in turn.ended] == [FILTER, RECOMMEND]
    assert turn.written == "Three comedies."


# Repair


@shares_the_servers
async def test_all_that_is_wrong_with_a_plan_is_told_at_once_and_it_may_be_repaired(talk: Talk) -> None:
    wrong = (
        {"name": "filter_films", "arguments": {}},
        {"name": USER, "arguments": {"user": "four"}},
        {"name": RECOMMEND, "arguments": {"user": 4, "number": 3, "item_set": "$9.item_set"}},
    )
    turn = await talk.ask(QUESTION, plan(*wrong), plan(COMEDIES, AMONG_THEM), Say("Three comedies."))
    told = turn.readings[1].questions[-1]
    for problem in (
        "no such tool",
        "'four' is not of type",
        "'get' is a required",
        "'number' was unexpected",
        "there is no call 9",
    ):
        assert problem in told
    assert [event.tool for event in turn.ended] == [FILTER, RECOMMEND]
    assert turn.answered.text == "Three comedies."


@shares_the_servers
@pytest.mark.parametrize("text", ["I would filter first.", '{"tool_calls": [{"name": "filter"'])
async def test_without_a_plan_that_can_be_run_the_question_stays_open_and_it_is_said(talk: Talk, text: str) -> None:
    turn = await talk.ask(QUESTION, Say(text), Say(text))
    assert not turn.answered.complete
    assert "no plan of tool calls that can be run" in turn.answered.text
    assert turn.written == turn.answered.text
    turn = await talk.ask("Then the age of user 198?", plan({"name": USER, "arguments": AGE}), Say("Found."))
    assert turn.answered.complete


@shares_the_servers
async def test_a_reference_to_nothing_is_repaired_with_the_results_that_there_are(talk: Talk) -> None:
    wrong = {**AMONG_THEM, "arguments": {"user": 98, "item_set": "$1.films"}}
    turn = await talk.ask(QUESTION, plan(COMEDIES, wrong), plan(COMEDIES, AMONG_THEM), Say("Three comedies."))
    told = turn.readings[1].questions[-1]
    assert "$1.films is not in that result" in told
    assert "Result of " + FILTER in told
    assert [(event.tool, event.failed) for event in turn.ended] == [(FILTER, False), (RECOMMEND, False)]


@shares_the_servers
async def test_a_call_that_fails_is_repaired_once_and_then_told(talk: Talk) -> None:
    unknown = {"name": RECOMMEND, "arguments": {"user": 5000}}
    turn = await talk.ask("?", plan(unknown), plan(unknown), Say("There is no viewer 5000."))
    assert "viewer 5000 is not in ml-100k" in turn.readings[1].questions[-1]
    assert [event.failed for event in turn.ended] == [True, True]
    assert "Say that this could not be done" in turn.readings[2].questions[-1]
    assert turn.answered.text == "There is no viewer 5000."


@shares_the_servers
async def test_calls_that_wait_for_each_other_end_in_an_answer_that_says_so(talk: Talk) -> None:
    circle = (
        {"name": RECOMMEND, "arguments": {"user": 4, "item_set": "$2.item_set"}},
        {"name": FILTER, "arguments": {"title": "$1.message"}},
    )
    turn = await talk.ask("?", plan(*circle), plan(*circle))
    assert not turn.ended
    assert not turn.answered.complete


@shares_the_servers
async def test_a_plan_has_as_many_calls_as_steps_are_allowed(talk_with: Opened) -> None:
    talk = await talk_with(True, max_steps=2)
    asked = [{"name": USER, "arguments": {"user": user, "get": ["age"]}} for user in (1, 2, 3)]
    turn = await talk.ask("?", plan(*asked), plan(*asked[:2]), Say("Done."))
    assert "At most 2 calls" in turn.readings[1].questions[-1]
    assert len(turn.ended) == 2


@shares_the_servers
async def test_what_could_not_be_done_is_told_though_other_calls_went_on(talk: Talk) -> None:
    wrong = {**AMONG_THEM, "arguments": {"user": 98, "item_set": "$1.films"}}
    read = {"name": ITEM, "arguments": {"items": "$3.items[*].item_id", "get": ["release_year"]}}
    calls = (COMEDIES, wrong, AMONG_THEM, read)
    turn = await talk.ask(QUESTION, plan(*calls), plan(*calls), Say("Three comedies."))
    assert [event.tool for event in turn.ended] == [FILTER, RECOMMEND, ITEM]
    assert "$1.films is not in that result" in turn.last_reading.questions[-1]


# Endpoints


@shares_the_servers
async def test_an_endpoint_that_refuses_the_schema_is_asked_without_it_from_then_on(talk: Talk) -> None:
    refusal = Refuse(400, "response_format json_schema is not supported")
    turn = await talk.ask("?", refusal, plan(answer="Yes."))
    assert [schema_of(reading) is None for reading in turn.readings] == [False, True]
    assert turn.answered.text == "Yes."
    turn = await talk.ask("Again?", plan(answer="Yes."))
    assert schema_of(turn.last_reading) is None


@shares_the_servers
async def test_a_key_that_is_not_accepted_is_told(talk: Talk) -> None:
    with pytest.raises(ModelError, match=r"does not accept the key|asks for a key"):
        await talk.ask("?", Refuse(401, "Incorrect API key provided", "invalid_api_key"))


# By itself


AGE_OF_198 = plan({"name": USER, "arguments": AGE})


@shares_the_servers
@pytest.mark.parametrize(
    "steps",
    [
        (NO_TOOLS,),
        (call("get_age", {"user": 198}), call("find_age", {"user": 198})),
        (call(USER, {"user": "one"}), Say("I am sorry, I do not know.")),
        (Say('<tool_call>{"name": user'), Say('<tool_call>{"name": user')),
    ],
    ids=["no tools", "unknown tools", "wrong arguments", "unreadable text"],
)
async def test_where_the_first_calls_fail_the_question_is_answered_by_a_plan(
    talk_with: Opened, steps: tuple[Any, ...]
) -> None:
    talk = await talk_with(None)
    turn = await talk.ask("How old is user 198?", *steps, AGE_OF_198, Say("He is 21."))
    assert turn.answered.text == "He is 21."
    assert turn.answered.notes == [NOTES["switched"]]
    assert turn.answered.complete
    assert not turn.ended[-1].failed
    turn = await talk.ask("And of user 4?", plan(answer="I have not looked."))
    assert turn.answered.notes == []
    assert turn.last_reading.questions[0].count("How old") == 1
    assert "get_age" not in str(turn.last_reading.messages[1:])


@shares_the_servers
async def test_a_model_that_corrects_its_call_goes_on_with_calls(talk_with: Opened) -> None:
    talk = await talk_with(None)
    turn = await talk.ask("?", call("get_age", {"user": 198}), call(USER, AGE), Say("He is 21."))
    assert turn.answered.text == "He is 21."
    assert turn.answered.notes == []
    turn = await talk.ask("?", call("get_age", {}), call("find_age", {}), Say("Sorry."))
    assert turn.answered.text == "Sorry."


@shares_the_servers
async def test_an_answer_without_calls_settles_nothing(talk_with: Opened) -> None:
    talk = await talk_with(None)
    turn = await talk.ask("Hello?", Say("Hello."))
    assert (turn.answered.text, turn.answered.notes) == ("Hello.", [])
    turn = await talk.ask("How old is user 198?", NO_TOOLS, AGE_OF_198, Say("He is 21."))
    assert turn.answered.text == "He is 21."
    assert turn.last_reading.answers == ["Hello."]


@shares_the_servers
async def test_a_question_that_takes_the_place_of_another_may_be_answered_by_a_plan(talk_with: Opened) -> None:
    talk = await talk_with(None)
    await talk.ask("Hello?", Say("Hello."))
    (question, _) = await talk.conversation.messages()
    talk.model.play(NO_TOOLS, AGE_OF_198, Say("He is 21."))
    events = [event async for event in talk.conversation.ask("How old is user 198?", identifier=question.id)]
    assert events[-1].text == "He is 21."
    assert [asked.split("\n")[0] for asked in talk.model.readings[-1].questions] == ["How old is user 198?"]


@shares_the_servers
async def test_a_question_that_is_asked_again_may_lead_to_plans_and_keeps_its_place(talk_with: Opened) -> None:
    talk = await talk_with(None)
    await talk.ask("Hello?", Say("Hello."))
    await talk.ask("How old is user 198?", Say("I do not know."))
    talk.model.play(NO_TOOLS, AGE_OF_198, Say("He is 21."))
    question = (await talk.conversation.messages())[-2]
    *_, answered = [event async for event in talk.conversation.ask("How old is user 198?", identifier=question.id)]
    assert (answered.text, answered.notes) == ("He is 21.", [NOTES["switched"]])
    messages = await talk.conversation.messages()
    assert [message.text for message in messages if message.type == "human"] == ["Hello?", "How old is user 198?"]
    assert "I do not know." not in [message.text for message in messages]


@shares_the_servers
async def test_without_leave_nothing_is_planned(talk_with: Opened) -> None:
    talk = await talk_with(False)
    with pytest.raises(ModelError, match="cannot call tools"):
        await talk.ask("?", NO_TOOLS)
    turn = await talk.ask("?", call("get_age", {}), call("find_age", {}), Say("Sorry."))
    assert turn.answered.text == "Sorry."


# The command


@pytest.mark.parametrize(("option", "steps"), [(["--plan"], ()), ([], (NO_TOOLS,))], ids=["asked for", "by itself"])
def test_the_command_plans_where_it_is_asked_to_or_has_to(
    model: ScriptedModel, environment: dict[str, str], there: list[str], option: list[str], steps: tuple[Any, ...]
) -> None:
    kept = [*there, *option, "--session", "monday"]
    model.play(*steps, plan(COMEDIES, AMONG_THEM), Say("Three comedies."))
    ended = run(["ask", QUESTION, *kept], environment)
    assert (ended.returncode, ended.stdout.strip()) == (0, "Three comedies."), ended.stderr
    assert f"{FILTER}(genres=['Comedy'])" in ended.stderr
    model.play(*steps, plan(answer="That was all."))
    ended = run(["ask", "And then?", *kept], environment)
    assert (ended.returncode, ended.stdout.strip()) == (0, "That was all."), ended.stderr
    assert model.readings[-1].answers == ["Three comedies."]
