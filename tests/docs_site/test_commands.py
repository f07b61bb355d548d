"""The reference of the commands against what `--help` prints."""

import re
import typing

import pytest
import typer
from typer.testing import CliRunner

from agent_client.cli import app as agent_app
from docs_site.commands import commands_page
from mcp_server.cli.app import COMMANDS
from mcp_server.cli.app import app as server_app

PAGE = commands_page()
AGENT_COMMANDS = [command.name or typing.cast("typing.Any", command.callback).__name__
                  for command in agent_app.registered_commands]  # fmt: skip


def section(title: str) -> str:
    return PAGE.partition(f"\n### {title}\n")[2].partition("\n### ")[0].partition("\n## ")[0]


@pytest.mark.parametrize(("app", "program", "command"), [
    *((server_app, "recsys-mcp", command) for command in COMMANDS),
    *((agent_app, "recsys-agent", command) for command in AGENT_COMMANDS),
])  # fmt: skip
def test_all_options_of_a_command_are_listed(app: typer.Typer, program: str, command: str) -> None:
    printed = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"}).output
    options = set(re.findall(r"^\W*(?:-\w, )?(--[a-z-]+)", re.sub(r"\x1b\[[\d;]*m", "", printed), re.MULTILINE))
    listed = re.findall(r"^\| .*?`(--[a-z-]+)`", section(f"{program} {command}"), re.MULTILINE)
    assert options - {"--help"} == set(listed)


def test_usage_tells_which_arguments_are_needed() -> None:
    assert "```text\nrecsys-mcp call TOOL [KEY=VALUE... …] [OPTIONS]\n```" in section("recsys-mcp call")
