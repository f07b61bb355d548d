"""Files of conversations: only the newest state of each is kept, and files of before are made smaller."""

import itertools
import json
import random
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from agent_client.agent import build_agent
from agent_client.choices import Choices
from agent_client.conversation import Conversation, kept_in
from agent_client.models.address import ModelAddress
from tests.agent.test_defects import Model

MEGABYTE = 1_000_000
N_ITEMS = 40
ANSWER = "Here are the films that suit this viewer best, each with its reasons. " * 10

chance = random.Random(4)
numbers = itertools.count(1)


def listing() -> dict[str, Any]:
    """A result as long as a long list of recommendations."""
    titles = (" ".join(f"{chance.getrandbits(24):x}" for _ in range(3)) for _ in range(N_ITEMS))
    items = [{"item_id": chance.randrange(9999), "title": title, "score": chance.random()} for title in titles]
    return {"message": "These are the best, best first.", "items": items}


async def recommend() -> tuple[str, dict[str, Any]]:
    found = listing()
    return json.dumps(found), {"structured_content": found}


def recommender() -> BaseTool:
    return StructuredTool.from_function(
        coroutine=recommend, name="recommend", description="?", response_format="content_and_artifact"
    )


def asks() -> AIMessage:
    return AIMessage("I look.", tool_calls=[{"id": f"call_{next(numbers)}", "name": "recommend", "args": {}}])


def conversation_in(saver: BaseCheckpointSaver[Any], thread: str = "main") -> Conversation:
    model = Model(responses=[said for _ in range(100) for said in (asks(), AIMessage(ANSWER))])
    tools = [recommender()]
    graph = build_agent(model, tools, "", saver)
    return Conversation(graph, tools, Choices(ModelAddress("openai", "x"), []), "", thread)


async def talk(conversation: Conversation, n_turns: int) -> list[AnyMessage]:
    for number in range(n_turns):
        async for _ in conversation.ask(f"Question {number}?"):
            pass
    return await conversation.messages()


def size(file: Path) -> int:
    return sum(each.stat().st_size for each in file.parent.glob(f"{file.name}*"))


async def test_a_hundred_turns_stay_below_five_megabytes(tmp_path: Path) -> None:
    file = tmp_path / "kept.sqlite"
    async with kept_in(file) as saver:
        messages = await talk(conversation_in(saver), 100)
        while_open = size(file)
    assert len(messages) == 100 * 4
    assert sum(len(str(message)) for message in messages) > MEGABYTE / 2
    assert while_open < 5 * MEGABYTE  # with the log of SQLite, which stays where the program is killed
    assert size(file) < while_open
    async with kept_in(file) as saver:
        assert await conversation_in(saver).messages() == messages


async def test_one_checkpoint_of_each_thread_is_kept(tmp_path: Path) -> None:
    async with kept_in(tmp_path / "kept.sqlite") as saver:
        first = await talk(conversation_in(saver, "first"), 3)
        await talk(conversation_in(saver, "second"), 2)
        kept = [checkpoint.config["configurable"]["thread_id"] async for checkpoint in saver.alist(None)]
        assert sorted(kept) == ["first", "second"]
        assert await conversation_in(saver, "first").messages() == first


async def test_a_file_of_before_is_made_smaller_and_read_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "kept.sqlite"
    async with AsyncSqliteSaver.from_conn_string(str(file)) as saver:
        messages = await talk(conversation_in(saver), 12)
    before = size(file)
    async with kept_in(file) as saver:
        assert await conversation_in(saver).messages() == messages
    assert size(file) < before / 8
    async with kept_in(file) as saver:
        assert (await talk(conversation_in(saver), 1))[: len(messages)] == messages
