"""The command `recsys-agent`: its subcommands, and errors as one line and exit code 2.

Bad input is refused before LangChain is imported, which takes seconds.
"""

import asyncio
import functools
import inspect
import logging
import os
import sys
import tomllib
from collections.abc import Callable, Coroutine
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from agent_client.choices import CONTEXT_TOKENS, MAX_STEPS, Choices
from agent_client.errors import AgentError
from agent_client.models.address import ANSWER_SECONDS, models_of
from agent_client.servers.address import own_server, server_at, servers_of
from recsys_shared.log_lines import TextLines
from recsys_shared.plain_text import error_line

WORDS = tomllib.loads(Path(__file__).with_name("options.toml").read_text("utf-8"))
"""The words about options: under `several` those of `_choices`, those of a command under its name, and what stands for
their values.
"""

app = typer.Typer(name="recsys-agent", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("recsys-mcp"))
        raise typer.Exit


@app.callback()
def options(
    shown: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help=WORDS["version"])] = False,
) -> None:
    """Ask your recommender in plain words: a language model plans, and the tools of MCP servers answer."""


DEFAULT_MODELS = ["openai:gpt-4.1"]

SessionName = Annotated[str | None, typer.Option("--session")]


def _choices(
    model: Annotated[list[str], typer.Option("--model", "-m", envvar="RECSYS_AGENT_MODEL")] = DEFAULT_MODELS,
    base_url: Annotated[list[str] | None, typer.Option(envvar="RECSYS_AGENT_BASE_URL")] = None,
    key_variable: Annotated[list[str] | None, typer.Option(envvar="RECSYS_AGENT_KEY_VARIABLE")] = None,
    server: Annotated[str | None, typer.Option("--server", "-s", envvar="RECSYS_AGENT_SERVER")] = None,
    token: Annotated[str | None, typer.Option(envvar="RECSYS_TOKEN")] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c")] = None,
    add_prompt: Annotated[Path | None, typer.Option()] = None,
    prompt: Annotated[Path | None, typer.Option()] = None,
    max_steps: Annotated[int, typer.Option(min=1)] = MAX_STEPS,
    context: Annotated[int, typer.Option(min=2_000)] = CONTEXT_TOKENS,
    timeout: Annotated[float, typer.Option(min=1)] = ANSWER_SECONDS,
    temperature: Annotated[float | None, typer.Option(min=0, max=2)] = None,
    plan: Annotated[bool | None, typer.Option()] = None,
) -> Choices:
    """The choices that the options of every command make."""
    if server is not None and config is not None:
        raise AgentError("give either --server or --config, not both")
    if config is not None:
        servers = servers_of(config)
    else:
        servers = [own_server() if server is None else server_at(server, token)]
    offered = models_of(model, base_url or (), key_variable or (), timeout, temperature)
    choices = Choices(
        model=offered[0],
        models=offered,
        servers=servers,
        added_prompt=_read(add_prompt) or "",
        own_prompt=_read(prompt),
        max_steps=max_steps,
        context_tokens=context,
        plan=plan,
    )
    choices.check()
    return choices


def _with_choices(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of `_choices` beside its own, in place of its argument `choices`, and with the words
    about all of them.
    """
    shared, own = inspect.signature(_choices), inspect.signature(command)

    @functools.wraps(command)
    def chosen(**given: Any) -> None:
        choices = _choices(**{name: given.pop(name) for name in shared.parameters})
        command(choices=choices, **given)

    parameters = [*own.parameters.values(), *shared.parameters.values()]
    kept = [parameter for parameter in parameters if parameter.name != "choices"]
    words = WORDS["several"] | WORDS.get(command.__name__, {})
    for parameter in kept:
        shown = parameter.annotation.__metadata__[0]
        shown.help, shown.metavar = words[parameter.name], WORDS["values"].get(parameter.name)
    chosen.__signature__ = inspect.Signature(kept)  # type: ignore[attr-defined]
    chosen.__annotations__ = {parameter.name: parameter.annotation for parameter in kept}
    return chosen


def _read(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise AgentError(f"{file} cannot be read: {error}") from error


def _run(work: Coroutine[Any, Any, int | None]) -> NoReturn:
    """Run to the end, and exit with the code that comes back, if any."""
    try:
        sys.exit(asyncio.run(work))
    except KeyboardInterrupt:
        sys.exit(130)


@app.command()
@_with_choices
def chat(choices: Choices, session: SessionName = None) -> None:
    """Talk in the terminal. Type /help there for its commands."""
    from agent_client.terminal.chat import run_chat

    _run(run_chat(choices, session))


@app.command()
@_with_choices
def ask(
    choices: Choices,
    question: Annotated[str, typer.Argument()],
    session: SessionName = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Ask one question. Exit code 0: answered; 1: no whole answer; 2: it could not be asked."""
    text = sys.stdin.read().strip() if question == "-" else question
    if not text:
        raise AgentError("the question is empty")
    from agent_client.terminal.ask import run_ask

    _run(run_ask(choices, text, as_json, session))


@app.command()
@_with_choices
def web(
    choices: Choices,
    host: Annotated[str, typer.Option()] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535)] = 8001,
    password_file: Annotated[Path | None, typer.Option()] = None,
) -> None:
    """Talk in the browser. This needs the extra "web"."""
    from agent_client.web.server import run_web

    run_web(choices, host, port, password_file)


@app.command()
@_with_choices
def evaluate(
    choices: Choices,
    questions: Annotated[Path | None, typer.Option()] = None,
    n: Annotated[int | None, typer.Option("--n", min=1)] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    family: Annotated[list[str] | None, typer.Option()] = None,
    out: Annotated[Path, typer.Option()] = Path("evaluation"),
    jobs: Annotated[int | None, typer.Option(min=1)] = None,
    price: Annotated[list[str] | None, typer.Option()] = None,
    program: Annotated[str | None, typer.Option("--questions-program", envvar="RECSYS_AGENT_QUESTIONS_PROGRAM")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Compare models: ask them questions about your catalogue whose answers are known, and count what is right.

    Exit code 0: all were asked; 1: some brought an error, and are asked again by the same command; 2: it was given up.
    """
    from agent_client.evaluation.prices import parse_prices
    from agent_client.evaluation.questions import prepare_folder

    prices = parse_prices(price or [], choices.models)
    number = [] if n is None else ["--n", str(n)]
    families = [word for name in family or [] for word in ("--family", name)]
    file = prepare_folder(out, questions or ["--seed", str(seed), *number, *families], program)
    from agent_client.evaluation.run import evaluate

    _run(evaluate(choices, file, jobs, prices, program, as_json))


def _configure_log(level: str) -> None:
    if level.upper() not in logging.getLevelNamesMapping():
        raise AgentError(f"RECSYS_AGENT_LOG_LEVEL is {level!r}: it has to be ERROR, WARNING, INFO or DEBUG")
    log = logging.StreamHandler(sys.stderr)
    log.setFormatter(TextLines())
    logging.basicConfig(level=level.upper(), handlers=[log])
    if level.upper() == "ERROR":  # lost connections, which the SDK logs with tracebacks, are told in one line
        logging.getLogger("mcp.client").setLevel(logging.CRITICAL)


def main() -> None:
    try:
        _configure_log(os.environ.get("RECSYS_AGENT_LOG_LEVEL") or "ERROR")
        app()
    except AgentError as error:
        print(f"recsys-agent: {error_line(error)}", file=sys.stderr)
        sys.exit(2)
