"""A chat in a terminal: answers while they are written, a line for every tool call, a few commands."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from rich.live import Live
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text as Line

from agent_client.choices import Choices
from agent_client.errors import AgentError
from agent_client.events import Answered
from agent_client.terminal.answer_view import AnswerView
from agent_client.terminal.call_lines import call_line
from agent_client.terminal.opening import open_conversation
from recsys_shared.plain_text import error_line, one_line
from recsys_shared.terminal import PlainConsole

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession

    from agent_client.conversation import Conversation

HELP = """
| command | does |
|---|---|
| /tools | lists the tools that the model can use |
| /why | asks why these were recommended |
| /steps | shows the tool calls of the last answer, with their arguments and times |
| /save FILE | writes the conversation as Markdown |
| /quit | ends (so does Ctrl-D) |

Ctrl-C stops an answer that is being written. The arrow keys bring back earlier questions.
""".strip()

WHY = "Why these? Explain the recommendations."


@contextlib.contextmanager
def interrupting(stop: Callable[[], object]) -> Iterator[None]:
    """A context in which Ctrl-C calls this function instead of ending the program."""
    loop = asyncio.get_running_loop()

    def handle(_: int, __: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


async def run_chat(choices: Choices, session: str | None) -> int:
    """Talk until the person ends it.

    Args:
        session: Name under which the conversation is kept; None keeps it in memory.
    """
    async with contextlib.AsyncExitStack() as stack:
        opening = asyncio.create_task(open_conversation(stack, choices, session))
        try:
            await _Chat(PlainConsole(), choices, opening, session).run()
        finally:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
    return 0


class _InterruptedError(Exception):
    """Ctrl-C while a line is typed. A KeyboardInterrupt would end the event loop with it."""


class _Chat:
    """A chat; the person can type while its conversation is being opened."""

    def __init__(
        self, console: PlainConsole, choices: Choices, opening: "asyncio.Task[Conversation]", session: str | None
    ) -> None:
        self._console, self._choices, self._opening, self._session = console, choices, opening, session
        self._last: Answered | None = None

    async def run(self) -> None:
        """Read lines and do what they say until the end.

        Raises:
            AgentError: The conversation cannot be opened.
        """
        # Imported here: `ask` needs none of it.
        from prompt_toolkit import PromptSession
        from prompt_toolkit.history import InMemoryHistory

        history = InMemoryHistory()
        said = [] if self._session is None else await self._said()
        for question in said:
            history.append_string(question)
        prompt: PromptSession[str] = PromptSession(history=history, interrupt_exception=_InterruptedError)
        self._greet(len(said))
        while True:
            try:
                line = (await self._line(prompt)).strip()
            except _InterruptedError:
                continue
            except EOFError:
                return
            if line in ("/quit", "/exit"):
                return
            if line:
                await self._do(line)

    async def _line(self, prompt: "PromptSession[str]") -> str:
        """A line that the person types.

        Raises:
            AgentError: Meanwhile it has turned out that the conversation cannot be opened.
        """
        from prompt_toolkit.patch_stdout import patch_stdout

        with patch_stdout(raw=True):
            reading = asyncio.create_task(prompt.prompt_async("› "))
            try:
                await asyncio.wait({reading, self._opening}, return_when=asyncio.FIRST_COMPLETED)
                if self._opening.done():
                    self._opening.result()
                return await reading
            finally:
                reading.cancel()
                await asyncio.wait({reading})

    async def _conversation(self) -> "Conversation":
        """The conversation, once it is open."""
        if not self._opening.done():
            with self._console.status("starting the servers"):
                await asyncio.wait({self._opening})
        return self._opening.result()

    async def _said(self) -> list[str]:
        """Earlier questions of this session."""
        messages = await (await self._conversation()).messages()
        from agent_client.terminal.transcript import questions_of

        return questions_of(messages)

    async def _transcript(self) -> str:
        messages = await (await self._conversation()).messages()
        from agent_client.terminal.transcript import transcript

        return transcript(messages)

    def _greet(self, n_said: int) -> None:
        self._console.print(Line.assemble((str(self._choices.model), "bold"), ". /help for help, Ctrl-D to end."))
        if n_said:
            questions = "question" if n_said == 1 else "questions"
            self._console.print(f"Going on with session {one_line(self._session or '')}: {n_said} {questions} so far.")

    async def _do(self, line: str) -> None:
        command, _, rest = line.partition(" ")
        match command:
            case "/help":
                self._console.print(Markdown(HELP))
            case "/tools":
                self._console.print(tools_table(await self._conversation()))
            case "/steps":
                self._show_steps()
            case "/save":
                self._save(rest.strip(), await self._transcript())
            case "/why":
                await self._answer(WHY)
            case _ if command.startswith("/") and " " not in line:
                self._console.print(f"There is no command {one_line(command)}: /help lists them.")
            case _:
                await self._answer(line)

    async def _answer(self, question: str) -> None:
        conversation, view = await self._conversation(), AnswerView(self._console)
        answering = asyncio.create_task(self._follow(conversation, question, view))
        interrupted = False

        def interrupt() -> None:
            nonlocal interrupted
            interrupted = True
            answering.cancel()

        with Live(view, console=self._console, transient=True, vertical_overflow="ellipsis"), interrupting(interrupt):
            await asyncio.wait({answering})
            view.stop()
        if interrupted:  # however the libraries below react to that
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await answering
            self._console.print("stopped", style="dim")
            return
        try:
            await answering
        except AgentError as error:
            self._console.print(error_line(error), style="red")

    async def _follow(self, conversation: "Conversation", question: str, view: AnswerView) -> None:
        async for event in conversation.ask(question):
            view.show(event)
            if isinstance(event, Answered):
                self._last = event

    def _show_steps(self) -> None:
        if self._last is None or not self._last.calls:
            self._console.print("The last answer took no tool calls." if self._last else "Nothing has been asked yet.")
            return
        for number, call in enumerate(self._last.calls, start=1):
            self._console.print(Line.assemble((f"{number}. ", "dim"), call_line(call)))

    def _save(self, name: str, text: str) -> None:
        if not name:
            self._console.print("/save needs a file: /save conversation.md")
            return
        try:
            Path(name).expanduser().write_text(text, encoding="utf-8")
        except OSError as error:
            self._console.print(f"{name} cannot be written: {error}", style="red")
        else:
            self._console.print(f"saved in {one_line(name)}")


def tools_table(conversation: "Conversation") -> Table:
    table = Table("tool", "what it does", show_lines=True)
    for tool in conversation.tools:
        table.add_row(tool.name, Line(" ".join(tool.description.split())))
    return table
