"""The command line: what each command takes. What it does is in ``commands``, one module each.

Modules are imported when their command runs, so that `serve` starts without what only others need.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from mcp_server import __version__
from mcp_server.cli import host_commands
from mcp_server.cli.options import AsJson, Data, Dataset, EnvFile, State, make_settings
from mcp_server.errors import InvalidInputError, RecsysError
from recsys_shared.plain_text import error_line

EXIT_REFUSED = 2
"""Something that the user can mend is wrong; one line on stderr says what."""

app = typer.Typer(
    name="recsys-mcp",
    help="Recommendation tools for LLM assistants, over the Model Context Protocol.\n\n"
    "Start with `recsys-mcp demo`: it prepares the MovieLens catalogue and asks it a dozen questions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

SettingPairs = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A hyper-parameter of the model. May be repeated."),
]
RecboleConfig = Annotated[
    Path | None,
    typer.Option("--config", help="A RecBole YAML file of hyper-parameters; --set goes before it."),
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Recommendation tools for LLM assistants, over the Model Context Protocol."""


@app.command()
def prepare(dataset: Dataset = None, state: State = None, data: Data = None, env_file: EnvFile = None) -> None:
    """Read the dataset, load the catalogue, embed the texts, train the model.

    Does only what is missing or out of date, and may be interrupted at any moment: the next run goes on.
    """
    from mcp_server.cli.prepare import run_prepare

    run_prepare(make_settings(dataset=dataset, state=state, data=data, env_file=env_file))


@app.command()
def train(
    model: Annotated[
        str | None, typer.Option(help="Any general recommender of RecBole: EASE, BPR, LightGCN, ...")
    ] = None,
    setting: SettingPairs = None,
    config: RecboleConfig = None,
    dataset: Dataset = None,
    state: State = None,
    data: Data = None,
    env_file: EnvFile = None,
) -> None:
    """Train another model and serve it from now on; without --model, the dataset's own.

    The final model is trained on all interactions. What is not set is chosen on a validation split: the
    regularisation of EASE, the number of epochs of others.

    Example: recsys-mcp train --model BPR --set embedding_size=128 --set learning_rate=0.002
    """
    from mcp_server.cli.prepare import run_train

    run_train(make_settings(dataset=dataset, state=state, data=data, env_file=env_file), model, setting or [], config)


@app.command()
def evaluate(
    models: Annotated[str, typer.Option(help="Models to compare, separated by commas.")] = "EASE,BPR,LightGCN",
    setting: SettingPairs = None,
    config: RecboleConfig = None,
    output: Annotated[
        Path | None, typer.Option(help="Where the JSON goes. [evaluation.json in the state folder]")
    ] = None,
    as_json: AsJson = False,
    dataset: Dataset = None,
    state: State = None,
    data: Data = None,
    env_file: EnvFile = None,
) -> None:
    """Compare models on RecBole's default split: 80% of each user's interactions to train, 10% to test.

    Ranks all items; prints NDCG, Recall, Hit and MRR at 5 and 10. Changes nothing that is served.
    """
    from mcp_server.cli.evaluate import run_evaluate

    settings = make_settings(dataset=dataset, state=state, data=data, env_file=env_file)
    names = [name.strip() for name in models.split(",") if name.strip()]
    run_evaluate(settings, names, setting or [], config, output, as_json)


@app.command()
def serve(
    transport: Annotated[
        str | None,
        typer.Option(
            metavar="stdio|sse|streamable-http|http",
            help="How clients connect; http is streamable HTTP at /mcp with SSE at /sse beside it. "
            "[RECSYS_TRANSPORT; stdio]",
        ),
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 0.0.0.0 is every one. [RECSYS_HOST; 127.0.0.1]")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 takes any that is free. [RECSYS_PORT; 8000]")
    ] = None,
    path_prefix: Annotated[
        str | None,
        typer.Option(help="Goes before every path, such as /recommender. [RECSYS_PATH_PREFIX]"),
    ] = None,
    stateless: Annotated[
        bool | None,
        typer.Option(
            "--stateless",
            help="Streamable HTTP without sessions, so that any replica can answer any request. [RECSYS_STATELESS]",
        ),
    ] = None,
    allow_anonymous: Annotated[
        bool | None,
        typer.Option(
            "--allow-anonymous",
            help="Listen beyond this machine although no tokens are set. [RECSYS_ALLOW_ANONYMOUS]",
        ),
    ] = None,
    dataset: Dataset = None,
    state: State = None,
    data: Data = None,
    env_file: EnvFile = None,
) -> None:
    """Serve the tools to an MCP host over stdin and stdout, or to many clients over HTTP.

    Prepares in the background where nothing has been prepared. SIGTERM and Ctrl+C let running calls finish.

    Over HTTP there are also /health, /ready and /metrics.

    Clients need a bearer token of RECSYS_TOKENS or RECSYS_TOKENS_FILE, where one is set; beyond this machine one
    has to be.

    RECSYS_ALLOWED_HOSTS names the hosts under which clients reach the server, besides localhost.

    Examples:

    recsys-mcp serve --transport http

    RECSYS_TOKENS_FILE=tokens RECSYS_ALLOWED_HOSTS=films.example.com recsys-mcp serve --transport http --host 0.0.0.0
    """
    from mcp_server.cli.serve import run_serve

    over_http = {
        "host": host,
        "port": port,
        "path_prefix": path_prefix,
        "stateless": stateless,
        "allow_anonymous": allow_anonymous,
    }
    settings = make_settings(
        transport=transport, dataset=dataset, state=state, data=data, env_file=env_file, **over_http
    )
    useless = [f"--{name.replace('_', '-')}" for name, value in over_http.items() if value is not None]
    if useless and settings.transport == "stdio":
        raise InvalidInputError(f"{useless[0]} means nothing over stdio: add --transport http")
    run_serve(settings)


@app.command()
def call(
    tool: Annotated[str, typer.Argument(help="Name of the tool, or `list` to list them.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE...", help="Arguments; lists and objects as JSON.")
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="A running server: its /mcp for streamable HTTP, its /sse for SSE. Without one, a server is "
            "started for this call.",
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(envvar="RECSYS_TOKEN", help="Bearer token for --server. Others on this machine can see options."),
    ] = None,
    as_json: AsJson = False,
    dataset: Dataset = None,
    state: State = None,
    env_file: EnvFile = None,
) -> None:
    """Call one tool, through a real MCP client and server.

    Examples:

    recsys-mcp call get_top_k_recommendations_tool user=4 reasons=true

    recsys-mcp call item_filter_tool genres=Comedy imdb_rating.gt=7 --json

    recsys-mcp call list --server http://127.0.0.1:8000/mcp
    """
    from mcp_server.cli.call import run_call

    run_call(
        make_settings(dataset=dataset, state=state, env_file=env_file), tool, arguments or [], as_json, server, token
    )


@app.command()
def doctor(
    as_json: AsJson = False, dataset: Dataset = None, state: State = None, data: Data = None, env_file: EnvFile = None
) -> None:
    """Check state, catalogue, model, vectors, embedder and versions, and say what to do."""
    from mcp_server.cli.doctor import run_doctor

    raise typer.Exit(
        0 if run_doctor(make_settings(dataset=dataset, state=state, data=data, env_file=env_file), as_json) else 1
    )


@app.command()
def demo(
    dataset: Dataset = None, state: State = None, data: Data = None, env_file: EnvFile = None, as_json: AsJson = False
) -> None:
    """Prepare if needed, start the server, and ask it a dozen questions by fixed sequences of tools.

    Shows each question, the calls made and the answer. No LLM and no API key take part.
    """
    from mcp_server.cli.demo import run_demo

    run_demo(make_settings(dataset=dataset, state=state, data=data, env_file=env_file), as_json)


host_commands.add_commands(app)


def main() -> None:
    """Entry point: errors meant for the user become one line and exit code 2."""
    from pydantic import ValidationError

    try:
        app()
    except RecsysError as error:
        typer.echo(f"recsys-mcp: {error_line(error)}", err=True)
        sys.exit(EXIT_REFUSED)
    except ValidationError as error:  # of the settings
        problems = "; ".join(f"RECSYS_{str(p['loc'][0]).upper()}: {p['msg']}" for p in error.errors() if p["loc"])
        typer.echo(f"recsys-mcp: {error_line(problems or error)}", err=True)
        sys.exit(EXIT_REFUSED)
    except KeyboardInterrupt:
        sys.exit(130)
