"""Texts of models, taken apart into thoughts, prose and tool calls: every form in which models write calls as text,
and what resembles one.
"""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent_client.models.written import Written, taken_apart

TOOLS = ("find", "get_top_k")
ARGUMENTS = {"user": 4, "genres": ["Crime"], "name": 'An "odd" {name}'}
WRITTEN = json.dumps(ARGUMENTS)
CALL = json.dumps({"name": "find", "arguments": ARGUMENTS})


def elements(opening: str, closing: str) -> str:
    """The arguments as XML; NAME stands for their names."""
    values = {"user": "4", "genres": '["Crime"]', "name": str(ARGUMENTS["name"])}
    return "\n".join(f"{opening}\n{value}\n{closing}".replace("NAME", name) for name, value in values.items())


FORMS = {
    "bare": CALL,
    "fenced": f"```json\n{CALL}\n```",
    "fenced without a language": f"```\n{CALL}\n```",
    "in a list": f"[{CALL}]",
    "Hermes and Qwen": f"<tool_call>\n{CALL}\n</tool_call>",
    "Mistral": f"[TOOL_CALLS] [{CALL}]",
    "newer Mistral": f"[TOOL_CALLS]find[ARGS]{WRITTEN}",
    "Llama": f"<|python_tag|>{CALL.replace('arguments', 'parameters')}",
    "Llama's function": f"<function=find>{WRITTEN}</function>",
    "OpenAI's": json.dumps({"type": "function", "function": {"name": "find", "arguments": WRITTEN}}),
    "OpenAI's message": json.dumps({"tool_calls": [{"function": {"name": "find", "arguments": WRITTEN}}]}),
    "tool and args": json.dumps({"tool": "find", "args": ARGUMENTS}),
    "thought and action": json.dumps({"thought": "Hm.", "action": "find", "action_input": ARGUMENTS}),
    "arguments beside the name": json.dumps({"tool": "find", "user": 4, "genres": ["Crime"]}),
    "name before the arguments": f"find\n{WRITTEN}",
    "Python": f"find(user=4, genres=['Crime'], name={ARGUMENTS['name']!r})",
    "Python in a list": f"[find(user=4, genres=['Crime'], name={ARGUMENTS['name']!r})]",
    "Python in a fence": f"```tool_code\nfind(user=4, genres=['Crime'], name={ARGUMENTS['name']!r})\n```",
    "Python for Llama": f"<|python_tag|>find(user=4, genres=['Crime'], name={ARGUMENTS['name']!r})",
    "Python's dictionary": str({"name": "find", "arguments": ARGUMENTS}),
    "Python that is printed": f"```tool_code\nprint(find(user=4, genres=['Crime'], name={ARGUMENTS['name']!r}))\n```",
    "OpenAI's functions": CALL.replace('"find"', '"functions.find"'),
    "LM Studio": f"[TOOL_REQUEST]\n{CALL}\n[END_TOOL_REQUEST]",
    "DeepSeek": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>find\n"
    f"```json\n{WRITTEN}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "Kimi": "<|tool_calls_section_begin|><|tool_call_begin|>functions.find:0<|tool_call_argument_begin|>"
    f"{WRITTEN}<|tool_call_end|><|tool_calls_section_end|>",
    "gpt-oss": f"<|channel|>commentary to=functions.find <|constrain|>json<|message|>{WRITTEN}<|call|>",
    "Qwen3-Coder": "<tool_call>\n<function=find>\n"
    f"{elements('<parameter=NAME>', '</parameter>')}\n</function>\n</tool_call>",
    "elements with attributes": '<function_calls>\n<invoke name="find">\n'
    + elements('<parameter name="NAME">', "</parameter>")
    + "\n</invoke>\n</function_calls>",
    "newer DeepSeek": '<｜DSML｜function_calls>\n<｜DSML｜invoke name="find">\n'
    + elements('<｜DSML｜parameter name="NAME" string="false">', "</｜DSML｜parameter>")
    + "\n</｜DSML｜invoke>\n</｜DSML｜function_calls>",
    "GLM": "<tool_call>find\n" + elements("<arg_key>NAME</arg_key>\n<arg_value>", "</arg_value>") + "\n</tool_call>",
    "elements with names of their own": f"<find>{elements('<NAME>', '</NAME>')}</find>",
    "JSON in an element": f"<find>{WRITTEN}</find>",
    "without the last bracket": CALL[:-1],
    "without the last bracket in a mark": f"<tool_call>{CALL[:-1]}</tool_call>",
    "with a line break in a word": CALL.replace("odd", "odd\n"),
}

ANSWERS = (
    "Two films fit: **Heat** (ID 4) and **Casino** (ID 5).",
    "A [link](https://example.org), a {word}, `code`, 2 < 3, <b>bold</b> and a list [1, 2].",
    "```sql\nSELECT 1\n```",
    '{"name": "Heat", "year": 1995}',
    '[{"name": "Heat", "parameters": {}}]',
    '```json\n{"title": "Heat"}\n```\nThat is all.',
    json.dumps([{"name": "find", "description": "Finds."}]),
    "find",
    "Finding films is easy.",
    "I called find(user=4).",
    "Name: Finding Nemo",
    "Tool: find or get_top_k, whichever you like",
    "The <find> button of the page, and <find> again.",
    "Action: none\nAction Input: none\nFinal Answer: Heat",
    "Genres:\n\nAction: 120 films",
    "{}",
)

UNREADABLE = (
    '{"name": "find", "arguments": {"user": four}}',
    "<tool_call>find the user 4</tool_call>",
    "find(4)",
    "tool: find\narguments:\n  user: 4",
    "```yaml\nTool: find\narguments:\n  user: 4\n```",
    "<find>the user 4</find>",
    '{"name": "find", "arguments": "four"}',
    f"{CALL[:-1]} I wait.",
)


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_a_call_is_read_in_every_form(text: str) -> None:
    written = taken_apart(text, TOOLS)
    ((name, arguments),) = written.calls
    assert name == "find"
    assert arguments.items() <= {**ARGUMENTS, "name": arguments.get("name")}.items()
    assert arguments["user"] == 4
    assert arguments["genres"] == ["Crime"]
    assert not written.unreadable
    assert written.prose == ""


WITHIN_PROSE = [form for name, form in FORMS.items() if name != "without the last bracket" and "Python" not in name]


@pytest.mark.parametrize("text", [form for form in WITHIN_PROSE if not form.startswith("find")])
def test_prose_around_a_call_is_no_part_of_it(text: str) -> None:
    written = taken_apart(f"I look it up.\n\n{text}\n\nHere it is.", TOOLS)
    assert [name for name, _ in written.calls] == ["find"]
    assert written.prose == "I look it up."


@pytest.mark.parametrize(
    "text",
    [
        f"<tool_call>{CALL}</tool_call>\n<tool_call>{CALL}</tool_call>",
        f"[{CALL}, {CALL}]",
        f"{CALL}\n{CALL}",
        f"[TOOL_CALLS][{CALL}, {CALL}]",
        f"<function=find>{WRITTEN}</function><function=find>{WRITTEN}</function>",
    ],
)
def test_several_calls_are_read(text: str) -> None:
    assert taken_apart(text, TOOLS).calls == [("find", ARGUMENTS)] * 2


@pytest.mark.parametrize(
    "text",
    [
        "<function=find>{}</function>",
        '{"name": "find"}',
        "find()",
        "<tool_call>\n<function=find>\n</function>\n</tool_call>",
        '<invoke name="find"></invoke>',
        "<tool_call>find</tool_call>",
    ],
)
def test_a_call_may_have_no_arguments(text: str) -> None:
    assert taken_apart(text, TOOLS).calls == [("find", {})]


def test_the_call_of_a_model_that_reasons_and_acts_is_read() -> None:
    text = f"Thought: Hm.\n\nAction: find\nAction Input: {WRITTEN}\nObservation: none"
    assert taken_apart(text, TOOLS) == Written("", "Thought: Hm.", [("find", ARGUMENTS)], False)
    for length in range(text.index("Action:") + len("Action:"), len(text)):
        assert taken_apart(text[:length], TOOLS, whole=False).prose.strip() == "Thought: Hm."


def test_an_unknown_tool_is_called_to_be_told_so() -> None:
    assert taken_apart('{"name": "look_up", "arguments": {"user": 4}}', TOOLS).calls == [("look_up", {"user": 4})]


@pytest.mark.parametrize("text", ANSWERS)
def test_an_answer_is_left_alone(text: str) -> None:
    assert taken_apart(text, TOOLS) == Written("", text, [], False)


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_nothing_is_a_call_without_tools(text: str) -> None:
    assert taken_apart(text, ()) == Written("", text, [], False)


@pytest.mark.parametrize("text", UNREADABLE)
def test_an_attempt_that_cannot_be_read_is_no_answer(text: str) -> None:
    written = taken_apart(f"{text}", TOOLS)
    assert written.unreadable
    assert written.calls == []
    assert written.prose == ""


@pytest.mark.parametrize(
    ("text", "thought", "prose"),
    [
        ("<think>Hm.</think>\n\nHeat.", "Hm.", "Heat."),
        ("<thinking>Hm.</thinking>Heat.", "Hm.", "Heat."),
        ("<Think>Hm.</Think>Heat.", "Hm.", "Heat."),
        ("<seed:think>Hm.</seed:think>Heat.", "Hm.", "Heat."),
        ("<thought>Hm.</thought>Heat.", "Hm.", "Heat."),
        ("<reasoning>Hm.</reasoning>Heat.", "Hm.", "Heat."),
        ("[THINK]Hm. <b>No</b>.[/THINK]Heat.", "Hm. <b>No</b>.", "Heat."),
        ("Hm.</think>\nHeat.", "Hm.", "Heat."),
        ("Hm.[/THINK]Heat.", "Hm.", "Heat."),
        (
            "<|begin_of_thought|>Hm.<|end_of_thought|>\n<|begin_of_solution|>Heat.<|end_of_solution|>",
            "Hm.",
            "Heat.",
        ),
        ("<think>Hm.", "Hm.", ""),
        ("Heat.<think>Hm.</think> Yes.", "Hm.", "Heat. Yes."),
        ("<think></think>Heat.", "", "Heat."),
    ],
)
def test_thoughts_are_no_prose(text: str, thought: str, prose: str) -> None:
    assert taken_apart(text, TOOLS) == Written(thought, prose, [], False)


def test_the_channels_of_gpt_oss_are_told_apart() -> None:
    assert taken_apart(HARMONY, TOOLS) == Written("Hm.", "Heat.", [], False)


def test_a_call_in_a_thought_is_not_made() -> None:
    written = taken_apart(f"<think>Should I call {CALL}?</think>No.", TOOLS)
    assert (written.calls, written.prose) == ([], "No.")


# While a text is being written

HARMONY = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Heat.<|return|>"
PIECES = st.one_of(
    st.sampled_from(
        [*FORMS.values(), *ANSWERS, *UNREADABLE, HARMONY, "<think>Hm.</think>", "\n\n", " ", "<", "[", "{", "```"]
    ),
    st.text('ab {}[]<>"`:_|=\n', max_size=8),
)


@settings(deadline=None)
@example(HARMONY)
@example(f"```sql\nSELECT 1\n```{FORMS['Mistral']}")
@given(st.lists(PIECES, max_size=5).map("".join))
def test_no_call_is_ever_shown_as_prose(text: str) -> None:
    """The part of a text that is shown while it comes is the beginning of the prose that is left in the end."""
    end = taken_apart(text, TOOLS)
    for length in range(len(text) + 1):
        now = taken_apart(text[:length], TOOLS, whole=False)
        assert end.prose.startswith(now.prose)
        assert end.thought.startswith(now.thought)


@settings(deadline=None)
@given(st.text("bcd hij.,\n", min_size=1, max_size=60))
def test_ordinary_prose_is_shown_at_once(text: str) -> None:
    shown = taken_apart(text, TOOLS, whole=False).prose
    assert shown == text.strip()


@settings(deadline=None)
@given(st.text("finde({[\"'name:,}])<>/tol_c |=`\n", max_size=60))
def test_any_text_is_taken_apart(text: str) -> None:
    written = taken_apart(text, TOOLS)
    assert not (written.calls and written.unreadable)
    assert written.prose in text or written.thought


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call><function=find><parameter=q>" + "\n" * 50_000,
        "<find><a>" * 10_000,
        '{"title": "Heat"} ' * 3_000,
        "Déjà vu. " * 10_000,
    ],
)
def test_long_texts_are_taken_apart_while_somebody_waits(text: str) -> None:
    """A pattern that goes back over such a text again and again never ends."""
    assert taken_apart(text, TOOLS).calls == []
    for length in range(0, len(text), len(text) // 20):
        assert taken_apart(text[:length], TOOLS, whole=False).calls == []
