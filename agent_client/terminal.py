"""The conversation in a terminal: what is written as it is written, a line for every tool call, a few commands."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from rich.console import Group, RenderableType
from rich.live import Live
from rich.markdown import Markdown
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text as Line

from agent_client.agent import text_of
from agent_client.conversation import Choices, Conversation, kept_in, opened
from agent_client.errors import AgentError
from agent_client.events import Answered, CallEnded, CallStarted, Event, Text
from recsys_shared.plain_text import error_line, json_text, one_line, several_lines
from recsys_shared.terminal import PlainConsole

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

ARGUMENTS_WIDTH = 160
"""Characters of arguments that a line shows."""

MESSAGE_WIDTH = 160

TOOL_WIDTH = 80
"""Characters of the name of a tool; a model may call one that there is not."""


def arguments_line(arguments: dict[str, Any]) -> str:
    """user=98, k=3, item_set='set_7v5p3o'"""
    return one_line(", ".join(f"{name}={value!r}" for name, value in arguments.items()), ARGUMENTS_WIDTH)


def call_line(call: CallEnded) -> Line:
    """One tool call, done."""
    mark, style = ("✗", "red") if call.failed else ("✓", "green")
    line = Line.assemble(
        (f"{mark} ", style),
        (one_line(call.tool, TOOL_WIDTH), "bold"),
        f"({arguments_line(call.arguments)})",
        (f"  {call.seconds:.2f} s", "dim"),
    )
    if message := message_of(call):
        line.append(f"\n  {message}", style="red" if call.failed else "dim")
    return line


def message_of(call: CallEnded) -> str:
    """What a tool says for people, where it does: its error, or the field `message` of its result."""
    text = call.text if call.failed else (call.structured or {}).get("message", "")
    return one_line(" ".join(str(text).split()), MESSAGE_WIDTH)


def formatted(text: str) -> Markdown:
    """What a model writes. Addresses of links are shown: a word that hides where it leads is not for a terminal."""
    return Markdown(several_lines(text), hyperlinks=False)


class AnswerView:
    """An answer while it comes: what is complete stands above, what moves is shown live below it."""

    def __init__(self, console: PlainConsole) -> None:
        self._console = console
        self._text = ""
        self._running: dict[str, CallStarted] = {}

    def __rich__(self) -> RenderableType:
        lines: list[RenderableType] = [formatted(self._text)] if self._text else []
        lines += [
            Spinner(
                "dots", Line.assemble((one_line(call.tool, TOOL_WIDTH), "bold"), f"({arguments_line(call.arguments)})")
            )
            for call in self._running.values()
        ]
        return Group(*lines) if lines else Spinner("dots", Line("thinking", style="dim"))

    def show(self, event: Event) -> None:
        match event:
            case Text(text):
                self._text += text
            case CallStarted():
                self._settle()
                self._running[event.id] = event
            case CallEnded():
                self._running.pop(event.id, None)
                self._console.print(call_line(event))
            case Answered():
                self._settle()
                if warning := warning_of(event):
                    self._console.print(warning, style="yellow")

    def _settle(self) -> None:
        """What the model has written is complete."""
        if self._text.strip():
            self._console.print(formatted(self._text))
        self._text = ""

    def stop(self) -> None:
        self._settle()
        self._running.clear()


def warning_of(answer: Answered) -> str:
    """What is to be said of names and IDs that come from no tool."""
    if not answer.unsupported:
        return ""
    shown = one_line(", ".join(answer.unsupported[:8]))
    more = f" and {len(answer.unsupported) - 8} more" if len(answer.unsupported) > 8 else ""
    return f"⚠ No tool has returned {shown}{more}: this may be the model's invention."


@contextlib.contextmanager
def interrupting(stop: Callable[[], object]) -> Iterator[None]:
    """While open, Ctrl-C calls this instead of ending the program."""
    loop = asyncio.get_running_loop()

    def handle(_: int, __: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


async def run_chat(choices: Choices, file: Path | None, session: str | None) -> int:
    """Talk until the person has had enough.

    Args:
        file: Where the conversation is kept; in memory where None.
    """
    console = PlainConsole()
    async with contextlib.AsyncExitStack() as stack:
        with console.status("starting the servers"):
            saver = await stack.enter_async_context(kept_in(file))
            conversation = await stack.enter_async_context(opened(choices, saver, session or "main"))
        await _Chat(console, conversation, session).run()
    return 0


class _Chat:
    def __init__(self, console: PlainConsole, conversation: Conversation, session: str | None) -> None:
        self._console, self._conversation, self._session = console, conversation, session
        self._last: Answered | None = None

    async def run(self) -> None:
        # Imported here: a script that asks one question needs none of it.
        from prompt_toolkit import PromptSession
        from prompt_toolkit.history import InMemoryHistory
        from prompt_toolkit.patch_stdout import patch_stdout

        said = [text_of(m.content) for m in await self._conversation.messages() if isinstance(m, HumanMessage)]
        history = InMemoryHistory()
        for question in said:
            history.append_string(question)
        prompt: PromptSession[str] = PromptSession(history=history)
        self._greet(len(said))
        while True:
            try:
                with patch_stdout(raw=True):
                    line = (await prompt.prompt_async("› ")).strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if line in ("/quit", "/exit"):
                return
            if line:
                await self._do(line)

    def _greet(self, n_said: int) -> None:
        model, n_tools = self._conversation.choices.model, len(self._conversation.tools)
        words = f" with {n_tools} tools. /help for help, Ctrl-D to end."
        self._console.print(Line.assemble((str(model), "bold"), words))
        if n_said:
            questions = "question" if n_said == 1 else "questions"
            self._console.print(f"Going on with session {one_line(self._session or '')}: {n_said} {questions} so far.")

    async def _do(self, line: str) -> None:
        command, _, rest = line.partition(" ")
        match command:
            case "/help":
                self._console.print(Markdown(HELP))
            case "/tools":
                self._console.print(tools_table(self._conversation))
            case "/steps":
                self._show_steps()
            case "/save":
                self._save(rest.strip(), transcript(await self._conversation.messages()))
            case "/why":
                await self._answer(WHY)
            case _ if command.startswith("/") and " " not in line:
                self._console.print(f"There is no command {one_line(command)}: /help lists them.")
            case _:
                await self._answer(line)

    async def _answer(self, question: str) -> None:
        view = AnswerView(self._console)
        answering = asyncio.create_task(self._follow(question, view))
        interrupted = False

        def interrupt() -> None:
            nonlocal interrupted
            interrupted = True
            answering.cancel()

        with (
            Live(view, console=self._console, transient=True, vertical_overflow="ellipsis"),
            interrupting(interrupt),
        ):
            await asyncio.wait({answering})
            view.stop()
        if interrupted:  # however the libraries below take it
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await answering
            self._console.print("stopped", style="dim")
            return
        try:
            await answering
        except AgentError as error:
            self._console.print(error_line(error), style="red")

    async def _follow(self, question: str, view: AnswerView) -> None:
        async for event in self._conversation.ask(question):
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


def tools_table(conversation: Conversation) -> Table:
    table = Table("tool", "what it does", show_lines=True)
    for tool in conversation.tools:
        table.add_row(tool.name, Line(" ".join(tool.description.split())))
    return table


def transcript(messages: list[AnyMessage]) -> str:
    """A conversation as Markdown."""
    parts = []
    for message in messages:
        text = text_of(message.content)
        if isinstance(message, HumanMessage):
            parts.append(f"## {text}")
        elif isinstance(message, AIMessage):
            parts += [text] if text else []
            parts += [f"- `{call['name']}({arguments_line(call['args'])})`" for call in message.tool_calls]
        elif isinstance(message, ToolMessage) and message.status == "error":
            parts.append(f"  - failed: {text}")
    return several_lines("\n\n".join(parts)) + "\n"


async def run_ask(choices: Choices, question: str, as_json: bool, file: Path | None, session: str | None) -> int:
    """One question. The answer goes to stdout; tool calls and warnings go to stderr."""
    if not question:
        raise AgentError("there is no question")
    console, aside = PlainConsole(), PlainConsole(stderr=True)
    async with kept_in(file) as saver, opened(choices, saver, session or "main") as conversation:
        async for event in conversation.ask(question):
            if isinstance(event, CallEnded) and not as_json:
                aside.print(call_line(event))
            if isinstance(event, Answered):
                answer = event
    if as_json:
        print(json_text(_as_json(answer), indent=1))
    elif console.is_terminal:
        console.print(formatted(answer.text))
    else:
        print(several_lines(answer.text))
    if (warning := warning_of(answer)) and not as_json:
        aside.print(warning, style="yellow")
    return 0 if answer.complete else 1


def _as_json(answer: Answered) -> dict[str, Any]:
    calls = []
    for call in answer.calls:
        fields = asdict(call)
        text, structured, failed = fields.pop("text"), fields.pop("structured"), fields.pop("failed")
        outcome = {"error": text} if failed else {"result": text if structured is None else structured}
        calls.append({**fields, "seconds": round(call.seconds, 3), **outcome})
    return {
        "answer": answer.text,
        "calls": calls,
        "unsupported": answer.unsupported,
        "complete": answer.complete,
    }
