"""The page's side in the server: Chainlit calls it when a page is opened, asks something, and is left."""

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import chainlit as cl
from chainlit.mode import Mode, ModeOption
from chainlit.types import ThreadDict
from langgraph.checkpoint.base import BaseCheckpointSaver
from mcp import McpError

from agent_client.choices import Choices
from agent_client.conversation import Conversation, begun, kept_in
from agent_client.errors import AgentError
from agent_client.models.address import ModelAddress
from agent_client.models.loading import load_model
from agent_client.prompts import PROMPTS
from agent_client.servers.connected import Servers, connected
from agent_client.transcript import transcript
from agent_client.web.page import ADDRESS, BROWSER
from agent_client.web.password import Password
from agent_client.web.published import Published
from agent_client.web.shown_answer import ShownAnswer
from agent_client.web.starters import GENERAL_STARTERS, MOST_STARTERS
from agent_client.web.threads import Threads

logger = logging.getLogger(__name__)

MODEL = "model"
"""Name of the model picker beside the question, and its key in a page's session."""


class WebApp:
    """All pages of this process, which share the sessions with the servers.

    Args:
        folder: Folder to keep conversations in.
        password: Asked for, if there is one.
    """

    def __init__(self, choices: Choices, folder: Path, password: Password | None) -> None:
        added = "\n\n".join(part for part in (PROMPTS["page"], choices.added_prompt) if part)
        self._choices = replace(choices, added_prompt=added)
        self._models = {str(model): model for model in choices.models}
        self._folder, self._password = folder, password
        self._stack = AsyncExitStack()
        self._answering: dict[str, asyncio.Task[Any]] = {}
        """Answers that are being written, by thread; meanwhile a page may be left, and another one opened."""
        self._beginning = asyncio.Lock()
        self._servers: Servers
        self.published = Published(folder / "public" / "cards")
        self._checkpointer: BaseCheckpointSaver[Any]
        self._threads: Threads

    async def open(self) -> None:
        """Open the servers and the conversations that are kept, and register these methods with Chainlit.

        Raises:
            AgentError: No server can be used.
        """
        async with AsyncExitStack() as stack:
            self._servers = await stack.enter_async_context(connected(self._choices.servers))
            await self.published.read(self._servers)
            self._checkpointer = await stack.enter_async_context(kept_in(self._folder / "conversations.sqlite"))
            pages = Threads.opened(self._folder / "pages.sqlite", self._forget)
            self._threads = await stack.enter_async_context(pages)
            self._stack = stack.pop_all()
        cl.on_app_shutdown(self.close)
        cl.data_layer(lambda: self._threads)
        cl.set_starters(self.starters)
        cl.on_chat_start(self._offer_models)
        cl.on_chat_resume(self.resume)
        cl.on_message(self.answer)
        cl.on_stop(self.unsay)
        cl.action_callback("call_tool")(self.call_for_card)
        cl.action_callback("transcript")(self.transcript)
        cl.action_callback("choose_model")(self.choose_model)
        login = cl.header_auth_callback if self._password is None else cl.password_auth_callback
        login(self.visitor)

    async def close(self) -> None:
        for task in list(self._answering.values()):
            task.cancel()
        if self._answering:
            await asyncio.wait(self._answering.values(), timeout=5)
        await self._stack.aclose()

    async def visitor(self, name_or_headers: Any, password: str = "") -> cl.User | None:
        """A browser, if it has given the password; nobody is asked who they are."""
        admitted = self._password is None or await self._password.admits(password, ADDRESS.get())
        return cl.User(identifier=BROWSER.get(), display_name="This browser") if admitted else None

    async def starters(self, user: cl.User | None = None, language: str | None = None) -> list[cl.Starter]:
        return [cl.Starter(*each) for each in self.published.starters[:MOST_STARTERS] or GENERAL_STARTERS]

    async def resume(self, thread: ThreadDict) -> None:
        """Go on with a conversation; if an answer is still being written for a page that was left, wait for it."""
        await self._offer_models()
        answering = self._answering.get(thread["id"])
        if answering is not None:
            cl.context.session.current_task = answering  # the task that the stop button stops
            asyncio.create_task(self._follow(thread["id"], answering))  # noqa: RUF006  # Chainlit's context holds it

    async def _follow(self, thread_id: str, answering: asyncio.Task[Any]) -> None:
        emitter = cl.context.emitter
        await emitter.task_start()
        await asyncio.wait({answering})
        if (thread := await self._threads.get_thread(thread_id)) is not None:
            await emitter.resume_thread(thread)
        await emitter.task_end()

    async def _offer_models(self) -> None:
        chosen = self._chosen()  # of a conversation that is loaded again, Chainlit has brought back the choice
        options = [
            ModeOption(name, model.name, f"{model.provider} at {model.place}", default=model is chosen)
            for name, model in self._models.items()
        ]
        await cl.context.emitter.set_modes([Mode(id=MODEL, name="Model", options=options)])

    async def answer(self, message: cl.Message) -> None:
        """Answer a question. One that was edited, or is asked again, takes the place of what was said after it."""
        thread = cl.context.session.thread_id
        while (before := self._answering.get(thread)) is not None:
            await asyncio.wait({before})
        task = asyncio.current_task()
        assert task is not None
        self._answering[thread] = task
        task.add_done_callback(lambda _: self._answering.pop(thread))
        cl.context.session.current_task = task  # Chainlit does not set it for a question that was edited
        run = cl.context.current_run
        n_before = await self._threads.cut(thread, message.id, run.id if run else "")
        if n_before is None or not cl.user_session.get(MODEL):
            cl.user_session.set(MODEL, (message.modes or {}).get(MODEL))
        await cl.send_window_message({"thread": thread})  # for the page's address
        shown = ShownAnswer(self.published, message.id, self._chosen().name if len(self._models) > 1 else "")
        try:
            conversation = await self._conversation()
            shown.read(await conversation.messages())
            async for event in conversation.ask(message.content, message.id, n_before):
                await shown.show(event)
        except asyncio.CancelledError:
            await shown.stop()
            raise
        except AgentError as error:
            await shown.fail(str(error))
        except Exception as error:  # Chainlit would only log it
            logger.exception("an answer has failed")
            await shown.fail(f"recsys-agent has failed ({error!r}): its log says more")

    async def unsay(self) -> None:
        """Take back what Chainlit says of a stop; the answer that was stopped says so itself."""
        if (said := cl.chat_context.get()[-1]).content == "Task manually stopped.":
            await said.remove()

    def _chosen(self) -> ModelAddress:
        """The model that is chosen on the page that is calling."""
        return self._models.get(cl.user_session.get(MODEL) or "") or next(iter(self._models.values()))

    async def _conversation(self) -> Conversation:
        """The conversation of the page that is calling, with the model that is chosen there.

        Raises:
            AgentError: The model cannot be used, or no server.
        """
        model = self._chosen()
        known = cl.user_session.get("conversation")
        if isinstance(known, Conversation) and known.choices.model == model:
            return known
        choices = replace(self._choices, model=model)
        loaded = await asyncio.to_thread(load_model, model, choices.context_tokens)
        async with self._beginning:  # for another page, too, the servers' tools may be being listed
            await self._servers.open()
            await self.published.read(self._servers)
            thread = cl.context.session.thread_id
            conversation = await begun(choices, self._servers, loaded, self._checkpointer, thread)
        cl.user_session.set("conversation", conversation)
        return conversation

    async def call_for_card(self, action: cl.Action) -> dict[str, Any]:
        """Answer a card (MCP App) that calls a tool of its own server. The model does not hear of it."""
        try:
            result = await self._servers.read(*(action.payload[key] for key in ("server", "name", "arguments")))
        except (AgentError, McpError) as error:
            return {"content": [{"type": "text", "text": str(error)}], "isError": True}
        return result.model_dump(mode="json", by_alias=True, exclude_none=True)

    async def transcript(self, action: cl.Action) -> str:
        """The conversation of the page that asks for it, as Markdown."""
        kept = await self._checkpointer.aget({"configurable": {"thread_id": cl.context.session.thread_id}})
        return transcript(kept["channel_values"]["messages"]) if kept else ""

    async def choose_model(self, action: cl.Action) -> None:
        """Take a model for a question that is asked again; a new question says itself which one it is for."""
        cl.user_session.set(MODEL, action.payload["model"])

    async def _forget(self, thread: str) -> None:
        """Delete what the model reads of a thread."""
        if (answering := self._answering.get(thread)) is not None:
            answering.cancel()
            await asyncio.wait({answering})
        await self._checkpointer.adelete_thread(thread)
