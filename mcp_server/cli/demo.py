"""`demo`: the server asked a dozen questions, by fixed sequences of tools and without an LLM.

The questions are in a file demo.yaml beside the dataset.yaml; without one, a few are made for any dataset.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from mcp_server.cli.call import serving
from mcp_server.cli.options import AsJson, Data, Dataset, EnvFile, State, make_settings
from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.cli.rendering import render_result, say_call, wide_console
from mcp_server.dataset.spec import find_spec_file
from mcp_server.errors import DatasetError, RecsysError
from mcp_server.files.yaml_text import YamlTextError, read_yaml_file
from mcp_server.settings import Settings
from recsys_shared.plain_text import json_text, one_line
from recsys_shared.terminal import PlainConsole

if TYPE_CHECKING:
    from mcp_server.protocol.client import Session
    from mcp_server.state.manifest import Manifest

REFERENCE = re.compile(r"^\$(\d+)\.([\w.]+)$")


class Step(BaseModel):
    """One call. The argument ``$1.item_set`` stands for that value of the first call's result, and ``$1.items`` for
    the IDs of its items.
    """

    model_config = ConfigDict(extra="forbid")

    tool: str
    arguments: dict[str, Any] = {}


class Question(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ask: str
    steps: list[Step]


def demo(
    dataset: Dataset = None, state: State = None, data: Data = None, env_file: EnvFile = None, as_json: AsJson = False
) -> None:
    """Prepare if needed, start the server, and ask it a dozen questions by fixed sequences of tools.

    Shows each question, the calls made and the answer. It needs no LLM and no API key.
    """
    import anyio

    settings = make_settings(dataset=dataset, state=state, data=data, env_file=env_file)
    outcome = prepare_with_progress(settings, PlainConsole(stderr=True))
    file = find_spec_file(settings.dataset).parent / "demo.yaml"
    questions = read_questions(file) if file.is_file() else general_questions(outcome.manifest)
    answers = anyio.run(_ask_all, settings, questions, PlainConsole(quiet=True) if as_json else wide_console())
    if as_json:
        print(json_text(answers, indent=1))


def read_questions(file: Path) -> list[Question]:
    """The questions in a file.

    Raises:
        DatasetError: The file is not a list of questions with steps.
    """
    try:
        return TypeAdapter(list[Question]).validate_python(read_yaml_file(file))
    except (YamlTextError, ValidationError) as error:
        raise DatasetError(f"{file}: {error}") from error


def general_questions(manifest: "Manifest") -> list[Question]:
    """Questions that suit any dataset, with IDs of this one."""
    nouns, users = manifest.spec.nouns, manifest.card.example_users
    item, user = manifest.card.example_items[0], users[0]
    recommend = "get_top_k_recommendations_tool"
    return [
        Question(
            ask=f"What do we recommend to {nouns.user} {user}, and why?",
            steps=[Step(tool=recommend, arguments={"user": user, "reasons": True})],
        ),
        Question(
            ask=f"What did {nouns.user} {user} have before?",
            steps=[Step(tool="get_interacted_items_tool", arguments={"user": user, "k": 5})],
        ),
        Question(
            ask=f"Which {nouns.items} are popular, and which of them suit {nouns.user} {users[-1]}?",
            steps=[
                Step(tool="get_popular_items_tool"),
                Step(tool=recommend, arguments={"user": users[-1], "items": "$1.items"}),
            ],
        ),
        Question(
            ask=f"What share of {nouns.users} likes {nouns.item} {item}?",
            steps=[Step(tool="get_like_percentage_tool", arguments={"items": [item]})],
        ),
        Question(
            ask=f"What do we recommend to somebody new who likes {nouns.item} {item}?",
            steps=[Step(tool=recommend, arguments={"liked_items": [item]})],
        ),
    ]


async def _ask_all(settings: Settings, questions: list[Question], console: PlainConsole) -> list[dict[str, Any]]:
    answers = []
    async with serving(settings) as session:
        for number, question in enumerate(questions, start=1):
            title = Text(one_line(f"{number}. {question.ask}"), style="bold")
            console.print(Rule(title, align="left", style="dim"))
            answers.append({"ask": question.ask, "calls": await _ask(session, question, console)})
            console.print()
    return answers


async def _ask(session: "Session", question: Question, console: PlainConsole) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []
    for step in question.steps:
        arguments = {name: _resolve(value, calls) for name, value in step.arguments.items()}
        console.print(say_call(step.tool, arguments))
        result = await session.call(step.tool, arguments)
        if result.get("isError"):
            raise RecsysError(f"{step.tool}: {result['content'][0]['text']}")
        content = result["structuredContent"]
        calls.append({"tool": step.tool, "arguments": arguments, "result": content})
        last = len(calls) == len(question.steps)
        console.print(Padding(render_result(content if last else {"message": content["message"]}), (0, 0, 0, 2)))
    return calls


def _resolve(value: Any, calls: list[dict[str, Any]]) -> Any:
    """An argument with earlier results in place of references."""
    if isinstance(value, list):
        return [_resolve(part, calls) for part in value]
    found = REFERENCE.match(value) if isinstance(value, str) else None
    if found is None:
        return value
    result = calls[int(found[1]) - 1]["result"]
    for name in found[2].split("."):
        result = result[name]
    if found[2] == "items":
        return [item["item_id"] for item in result]
    return result
