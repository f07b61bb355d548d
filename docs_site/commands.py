"""The reference of the commands: every command with its help, its arguments and its options."""

from typing import Any

import typer
from typer.core import TyperArgument

from agent_client.cli import app as agent_app
from docs_site.markdown import block, page, table
from mcp_server.cli.app import app as server_app

INTRODUCTION = """
`python3 run.py recsys-mcp …` and `python3 run.py recsys-agent …` run these commands in environments that they make by
themselves. `--help` shows the same in a terminal. In brackets: the [setting](settings.md) that an option stands for,
and its default.
"""


def commands_page() -> str:
    """The page, in Markdown."""
    parts = [part for app in (server_app, agent_app) for part in _program(app)]
    return page("Commands", INTRODUCTION, *parts)


def _program(app: typer.Typer) -> list[str]:
    name = app.info.name or ""
    group: Any = typer.main.get_command(app)
    context = group.context_class(group, info_name=name)
    parts = [f"## {name}", group.help or ""]
    for command in group.list_commands(context):
        parts += _command(f"{name} {command}", group.get_command(context, command))
    return parts


def _command(name: str, command: Any) -> list[str]:
    arguments = [each for each in command.params if isinstance(each, TyperArgument)]
    options = [each for each in command.params if not isinstance(each, TyperArgument) and each.name != "help"]
    usage = " ".join([name, *map(_argument, arguments), *(["[OPTIONS]"] if options else [])])
    parts = [f"### {name}", block(usage, "text"), command.help or ""]
    if arguments:
        parts.append(table(("argument", "meaning"), ((f"`{_word(each)}`", each.help or "") for each in arguments)))
    if options:
        parts.append(table(("option", "meaning"), map(_option, options)))
    return parts


def _word(parameter: Any) -> str:
    """The word that stands for a value."""
    return str(parameter.metavar or parameter.name.upper()).replace("|", "/")


def _argument(argument: Any) -> str:
    word = f"{_word(argument)}{' …' if argument.nargs == -1 else ''}"
    return word if argument.required else f"[{word}]"


def _option(option: Any) -> tuple[str, str]:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    value = "" if option.is_flag else f" `{_word(option)}`"
    remarks = [f"[{option.envvar}]"] if option.envvar else []
    if option.default not in (None, False, True, "", []) and not callable(option.default):
        default = " ".join(option.default) if isinstance(option.default, list | tuple) else option.default
        remarks.append(f"Default: `{default}`.")
    return names + value, " ".join([option.help or "", *remarks])
