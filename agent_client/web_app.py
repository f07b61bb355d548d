"""The page, from the side of the server: what Chainlit calls when a page is opened, asks something, and is left."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import chainlit as cl
from chainlit.mode import Mode, ModeOption
from chainlit.types import ThreadDict
from chainlit.utils import utc_now
from langgraph.checkpoint.base import BaseCheckpointSaver
from mcp import ClientSession

from agent_client.choices import Choices
from agent_client.conversation import Conversation, kept_in, opened
from agent_client.errors import AgentError
from agent_client.events import Answered, CallEnded, CallStarted, Event, Text
from agent_client.model_address import ModelAddress
from agent_client.server_address import ServerAddress
from agent_client.servers import ASSISTANT_PROMPT, Server, needs_arguments
from agent_client.web_lists import listings_of, shortened, shown_value
from agent_client.web_threads import Threads

logger = logging.getLogger(__name__)

MODEL = "model"
"""The picker beside the question, and what of a page's session it is kept as."""

PAGE_PROMPT = """
The person reads your answer on a page that draws what tools list (names, IDs, numbers) below it. Do not repeat that in
a table: name the items that matter, and say in a few sentences what is to be said of them.
""".strip()
"""Comes after what the servers say."""

ARGUMENTS_LENGTH = 60
"""Characters of arguments in the line of a tool call; inside it they are whole."""

MOST_STARTERS = 5

GENERAL_STARTERS = (
    ("What can you do?", "What can you do for me, and what do you need to know from me for it?"),
    ("Which tools are there?", "Which tools do you have? Say of each what it is for."),
    ("What do you know?", "What data do you have, and how much of it?"),
    ("Show an example", "Show me by an example of your own choice what you can do, and how you do it."),
)

Starter = tuple[str, str]
"""Label and question."""


async def starters_of(servers: Sequence[ServerAddress]) -> list[Starter]:
    """Questions to begin with: the servers' prompts that need no arguments, else their tools by title.

    Raises:
        AgentError: A server cannot be used.
    """
    prompts: list[Starter] = []
    titles: list[str] = []
    for address in servers:
        server = Server(address)
        try:
            session = await server.open()
            prompts += await _prompts(session)
            titles += [tool.title for tool in (await session.list_tools()).tools if tool.title]
        finally:
            await server.close()
    if prompts:
        return prompts[:MOST_STARTERS]
    of_tools = [(title, f"{title}, please.") for title in titles]
    return [*GENERAL_STARTERS[:1], *of_tools][:MOST_STARTERS] if of_tools else list(GENERAL_STARTERS)


async def _prompts(session: ClientSession) -> list[Starter]:
    capabilities = session.get_server_capabilities()
    if capabilities is None or capabilities.prompts is None:
        return []
    found: list[Starter] = []
    for prompt in (await session.list_prompts()).prompts:
        if prompt.name != ASSISTANT_PROMPT and not needs_arguments(prompt):
            messages = (await session.get_prompt(prompt.name)).messages
            question = "\n\n".join(getattr(message.content, "text", "") for message in messages).strip()
            found += [(prompt.title or prompt.name, question)] if question else []
    return found


class WebApp:
    """All pages of one server.

    Args:
        models: Which a person can choose from; the first one is chosen for them.
        folder: Where conversations are kept.
    """

    def __init__(self, choices: Choices, models: Sequence[ModelAddress], starters: list[Starter], folder: Path) -> None:
        added = "\n\n".join(part for part in (PAGE_PROMPT, choices.added_prompt) if part)
        self._choices = replace(choices, added_prompt=added)
        self._models = {str(model): model for model in models}
        self._starters = starters
        self._folder = folder
        self._stack = AsyncExitStack()
        self._answering: dict[str, asyncio.Task[Any]] = {}
        """By thread; a page may be left, and another one opened, while an answer is written."""
        self._checkpointer: BaseCheckpointSaver[Any]
        self._threads: Threads

    def install(self) -> None:
        """Tell Chainlit what to call."""
        cl.on_app_startup(self.open)
        cl.on_app_shutdown(self.close)
        cl.data_layer(lambda: self._threads)
        cl.set_starters(self.starters)
        cl.on_chat_start(self.start)
        cl.on_chat_resume(self.resume)
        cl.on_message(self.answer)
        cl.on_chat_end(self.leave)

    async def open(self) -> None:
        self._checkpointer = await self._stack.enter_async_context(kept_in(self._folder / "conversations.sqlite"))
        self._threads = await self._stack.enter_async_context(
            Threads.opened(self._folder / "pages.sqlite", self._forget)
        )

    async def close(self) -> None:
        for task in list(self._answering.values()):
            task.cancel()
        if self._answering:
            await asyncio.wait(self._answering.values(), timeout=5)
        await self._stack.aclose()

    async def starters(self, user: cl.User | None = None, language: str | None = None) -> list[cl.Starter]:
        return [cl.Starter(label=label, message=question) for label, question in self._starters]

    async def start(self) -> None:
        await self._offer_models(next(iter(self._models)))

    async def resume(self, thread: ThreadDict) -> None:
        """Go on with a conversation; where it is still being answered for a page that was left, wait for that."""
        metadata = thread["metadata"] or {}
        await self._offer_models(metadata.get(MODEL, ""))
        answering = self._answering.get(thread["id"])
        if answering is not None:
            cl.context.session.current_task = answering  # what the stop button stops
            asyncio.create_task(self._follow(thread["id"], answering))  # noqa: RUF006  # Chainlit's context holds it

    async def _follow(self, thread_id: str, answering: asyncio.Task[Any]) -> None:
        emitter = cl.context.emitter
        await emitter.task_start()
        await asyncio.wait({answering})
        if (thread := await self._threads.get_thread(thread_id)) is not None:
            await emitter.resume_thread(thread)
        await emitter.task_end()

    async def _offer_models(self, chosen: str) -> None:
        options = [
            ModeOption(
                id=name, name=model.name, description=f"{model.provider} at {model.place}", default=name == chosen
            )
            for name, model in self._models.items()
        ]
        await cl.context.emitter.set_modes([Mode(id=MODEL, name="Model", options=options)])

    async def answer(self, message: cl.Message) -> None:
        thread = cl.context.session.thread_id
        if (before := self._answering.get(thread)) is not None:
            await asyncio.wait({before})
        task = asyncio.current_task()
        assert task is not None
        self._answering[thread] = task
        name = (message.modes or {}).get(MODEL, "")
        model = self._models.get(name) or next(iter(self._models.values()))
        cl.user_session.set(MODEL, str(model))
        await cl.send_window_message({"thread": thread})  # for the page's address
        chat = _chat()
        shown = _ShownAnswer()
        try:
            conversation = await chat.conversation(replace(self._choices, model=model), self._checkpointer, thread)
            async for event in conversation.ask(message.content):
                await shown.show(event)
        except AgentError as error:
            await shown.settle()
            await cl.ErrorMessage(content=str(error)).send()
        except Exception as error:  # which Chainlit would tell to the log alone
            logger.exception("an answer has failed")
            await shown.settle()
            await cl.ErrorMessage(content=f"recsys-agent has failed ({error!r}): its log says more").send()
        finally:
            await shown.settle()
            self._answering.pop(thread, None)
            await chat.answered()

    async def leave(self) -> None:
        await _chat().leave()

    async def _forget(self, thread: str) -> None:
        """A thread is deleted."""
        if (answering := self._answering.get(thread)) is not None:
            answering.cancel()
            await asyncio.wait({answering})
        await self._checkpointer.adelete_thread(thread)


class _Chat:
    """The sessions of one page with model and servers: opened by its first question, closed when it is left.

    A page that only lost its connection asks again, and they are opened again.
    """

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._conversation: Conversation | None = None
        self._busy = self._left = False

    async def conversation(self, choices: Choices, checkpointer: BaseCheckpointSaver[Any], thread: str) -> Conversation:
        """Raises: AgentError: model or servers cannot be used."""
        self._busy, self._left = True, False
        if self._conversation is None or self._conversation.choices != choices:
            await self._close()
            self._conversation = await self._stack.enter_async_context(opened(choices, checkpointer, thread))
        return self._conversation

    async def answered(self) -> None:
        self._busy = False
        if self._left:
            await self._close()

    async def leave(self) -> None:
        self._left = True
        if not self._busy:
            await self._close()

    async def _close(self) -> None:
        self._conversation = None
        await self._stack.aclose()


def _chat() -> _Chat:
    """Of this page."""
    chat = cl.user_session.get("chat")
    if not isinstance(chat, _Chat):
        chat = _Chat()
        cl.user_session.set("chat", chat)
    return chat


class _ShownAnswer:
    """An answer on the page, while it comes: texts, a step for each tool call, lists, a warning."""

    def __init__(self) -> None:
        self._text: cl.Message | None = None
        self._steps: dict[str, cl.Step] = {}
        """Of the calls that have not ended."""

    async def show(self, event: Event) -> None:
        match event:
            case Text(text):
                await self._write(text)
            case CallStarted():
                await self.settle_text()
                await self._begin(event)
            case CallEnded():
                await self._end(event)
            case Answered():
                await self._finish(event)

    async def _write(self, text: str) -> None:
        if self._text is None:
            if not text.strip():
                return
            self._text = cl.Message(content="")
        await self._text.stream_token(text)

    async def _begin(self, call: CallStarted) -> None:
        run = cl.context.current_run
        asked = shortened(shown_value("", call.arguments), ARGUMENTS_LENGTH)
        step = cl.Step(
            name=f"{call.tool}: {asked}" if asked else call.tool,
            type="tool",
            parent_id=None if run is None else run.id,
            show_input="json",
            icon="wrench",
        )
        step.input = call.arguments
        step.start = utc_now()
        self._steps[call.id] = step
        await step.send()

    async def _end(self, call: CallEnded) -> None:
        step = self._steps.pop(call.id)
        step.name += f" ({call.seconds:.2f} s)"
        step.output = call.text if call.structured is None else call.structured
        step.is_error = call.failed
        step.end = utc_now()
        await step.update()

    async def _finish(self, answer: Answered) -> None:
        if self._text is None and answer.text:
            self._text = cl.Message(content=answer.text)  # from an endpoint that does not stream
        if self._text is None:
            await cl.ErrorMessage(content="The model has given no answer: ask again, or choose another one.").send()
            return
        await self._text.send()
        elements = [cl.CustomElement(name="Listing", props=listing.as_props()) for listing in listings_of(answer)]
        if answer.unsupported:
            elements.append(cl.CustomElement(name="Unsupported", props={"names": answer.unsupported}))
        for element in elements:
            await element.send(for_id=self._text.id)
        self._text = None

    async def settle_text(self) -> None:
        """What the model has written so far is complete."""
        if self._text is not None:
            await self._text.send()
        self._text = None

    async def settle(self) -> None:
        """Nothing more comes: what has not ended was broken off."""
        await self.settle_text()
        for step in self._steps.values():
            step.output = "Broken off: there is no result."
            step.is_error = True
            step.end = utc_now()
            await step.update()
        self._steps.clear()
