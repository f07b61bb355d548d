"""A chat in a terminal: answers while they are written, a line for every tool call, a few commands."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.patch_stdout import patch_stdout
from rich.live import Live
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text as Line

from agent_client.choices import Choices
from agent_client.errors import AgentError
from agent_client.events import Event
from agent_client.state import state_folder
from agent_client.terminal.answer_view import AnswerView, call_line, formatted, print_warnings
from agent_client.terminal.opening import SESSIONS, Opened, open_conversation
from recsys_shared.plain_text import error_line, one_line
from recsys_shared.terminal import PlainConsole

if TYPE_CHECKING:
    from langchain_core.messages import AnyMessage

HELP = Path(__file__).with_name("help.md").read_text("utf-8")

WHY = "Why these? Explain the recommendations."


@contextlib.contextmanager
def interrupting(task: "asyncio.Task[None]") -> Iterator[None]:
    """A context in which Ctrl-C cancels this task instead of ending the program."""
    loop = asyncio.get_running_loop()
    before = signal.signal(signal.SIGINT, lambda *_: loop.call_soon_threadsafe(task.cancel))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


async def run_chat(choices: Choices, session: str | None) -> None:
    """Talk until the person ends it.

    Args:
        session: Name under which the conversation is kept; None keeps it in memory.
    """
    async with contextlib.AsyncExitStack() as stack:
        opening = asyncio.create_task(open_conversation(stack, choices, session))
        try:
            await _Chat(opening, session).run(str(choices.model))
        finally:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)


class _InterruptedError(Exception):
    """Ctrl-C while a line is typed. A KeyboardInterrupt would end the event loop with it."""


class _Chat:
    """A chat; the person can type while its conversation is being opened."""

    def __init__(self, opening: "asyncio.Task[Opened]", session: str | None) -> None:
        self._console, self._opening, self._session = PlainConsole(), opening, session
        self._prompt: PromptSession[str] = PromptSession(interrupt_exception=_InterruptedError)

    async def run(self, model: str) -> None:
        """Read lines and do what they say until the end.

        Args:
            model: Name of the model that answers at first.

        Raises:
            AgentError: The conversation cannot be opened.
        """
        self._console.print(Line.assemble((model, "bold"), ". /help for help, Ctrl-D to end."))
        if self._session is not None:
            await self._resume()
        while True:
            try:
                line = (await self._line()).strip()
            except _InterruptedError:
                continue
            except EOFError:
                return
            if line in ("/quit", "/exit"):
                return
            try:
                if line:
                    await self._do(line)
            except AgentError as error:
                if self._opening.exception():
                    raise
                self._console.print(error_line(error), style="red")

    async def _line(self) -> str:
        """A line that the person types.

        Raises:
            AgentError: Meanwhile it has turned out that the conversation cannot be opened.
        """
        with patch_stdout(raw=True):
            reading = asyncio.create_task(self._prompt.prompt_async("› "))
            try:
                await asyncio.wait({reading, self._opening}, return_when=asyncio.FIRST_COMPLETED)
                if self._opening.done():
                    self._opening.result()
                return await reading
            finally:
                reading.cancel()
                await asyncio.wait({reading})

    async def _opened(self) -> Opened:
        """The conversation, once it is open."""
        if not self._opening.done():
            with self._console.status("starting the servers"):
                await asyncio.wait({self._opening})
        return self._opening.result()

    async def _messages(self) -> "list[AnyMessage]":
        return await (await self._opened()).conversation.messages()

    async def _resume(self) -> None:
        """Show the last exchange of this session, and have its questions at hand."""
        messages = await self._messages()
        from agent_client.transcript import last_exchange, questions_of

        for question in (said := questions_of(messages)):
            self._prompt.history.append_string(question)
        if (exchange := last_exchange(messages)) is not None:
            so_far = f"{len(said)} {'question' if len(said) == 1 else 'questions'} so far"
            self._console.print(f"Going on with session {one_line(self._session or '')}: {so_far}.")
            question, answered = exchange
            self._console.print(question, style="bold")
            self._console.print(formatted(answered.text))
            print_warnings(self._console, answered)

    async def _do(self, line: str) -> None:
        command, _, rest = line.partition(" ")
        match command:
            case "/help":
                self._console.print(Markdown(HELP))
            case "/tools":
                self._console.print(_tools_table(await self._opened()))
            case "/steps":
                self._show_steps(await self._messages())
            case "/save":
                self._save(rest.strip(), await self._messages())
            case "/why":
                await self._answer(WHY)
            case "/retry":
                await self._retry()
            case "/new":
                await self._begin_anew()
            case "/model":
                await self._change_model(rest.strip())
            case "/sessions":
                self._console.print(await _sessions_table(state_folder() / SESSIONS))
            case _ if command.startswith("/") and " " not in line:
                self._console.print(f"There is no command {one_line(command)}: /help lists them.")
            case _:
                await self._answer(line)

    async def _begin_anew(self) -> None:
        opened, name, number = await self._opened(), self._session or "main", 2
        while await opened.saver.aget_tuple({"configurable": {"thread_id": f"{name}-{number}"}}):
            number += 1
        await opened.begin(opened.conversation.choices, f"{name}-{number}")
        kept = "" if self._session is None else f", kept as session {one_line(opened.thread)}"
        self._console.print(f"A new conversation{kept}.")

    async def _change_model(self, name: str) -> None:
        opened = await self._opened()
        if name:
            choices = opened.conversation.choices.asking(name)
            choices.check()
            await opened.begin(choices, opened.thread)
        choices = opened.conversation.choices
        others = ", ".join(str(model) for model in choices.models if model != choices.model)
        also = f", such as {others}" if others else ""
        self._console.print(f"{choices.model} answers. /model NAME goes on with another one{one_line(also)}.")

    async def _retry(self) -> None:
        from agent_client.history import text_of, turns

        if messages := await self._messages():
            last = turns(messages)[-1][0]
            await self._answer(text_of(last.content), last.id)
        else:
            self._console.print("Nothing has been asked yet.")

    async def _answer(self, question: str, identifier: str | None = None) -> None:
        conversation, view = (await self._opened()).conversation, AnswerView(self._console)
        answering = asyncio.create_task(self._follow(conversation.ask(question, identifier), view))
        with Live(view, console=self._console, transient=True), interrupting(answering):
            await asyncio.wait({answering})
            view.stop()
        if answering.cancelling():  # however the libraries below react to that
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await answering
            self._console.print("stopped", style="dim")
            return
        await answering

    async def _follow(self, events: AsyncIterator[Event], view: AnswerView) -> None:
        async for event in events:
            view.show(event)

    def _show_steps(self, messages: "list[AnyMessage]") -> None:
        from agent_client.transcript import last_exchange

        if (exchange := last_exchange(messages)) is None or not exchange[1].calls:
            self._console.print("The last answer took no tool calls." if exchange else "Nothing has been asked yet.")
            return
        for number, call in enumerate(exchange[1].calls, start=1):
            self._console.print(Line.assemble((f"{number}. ", "dim"), call_line(call)))

    def _save(self, name: str, messages: "list[AnyMessage]") -> None:
        from agent_client.transcript import transcript

        if not name:
            self._console.print("/save needs a file: /save conversation.md")
            return
        try:
            Path(name).expanduser().write_text(transcript(messages), encoding="utf-8")
        except OSError as error:
            raise AgentError(f"{name} cannot be written: {error}") from error
        self._console.print(f"saved in {one_line(name)}")


def _tools_table(opened: Opened) -> Table:
    table = Table("tool", "what it does", show_lines=True)
    for tool in opened.conversation.tools:
        table.add_row(tool.name, Line(" ".join(tool.description.split())))
    return table


async def _sessions_table(file: Path) -> Table:
    """The conversations of a file, the one that was used last first."""
    from agent_client.conversation import kept_in
    from agent_client.transcript import questions_of

    table = Table("session", "questions", "last used")
    async with kept_in(file) as saver:
        async for kept in saver.alist(None):  # the newest first, and one of each conversation
            used = datetime.fromisoformat(kept.checkpoint["ts"]).astimezone()
            n_questions = len(questions_of(kept.checkpoint["channel_values"].get("messages", [])))
            table.add_row(kept.config["configurable"]["thread_id"], str(n_questions), f"{used:%Y-%m-%d %H:%M}")
    return table
