"""Plug-ins to write into folders."""

from pathlib import Path

GREETING = """
from mcp_server.tool_api import Arguments, Backends, DatasetFacts, Result, Tool, make_tool


class Nobody(Arguments):
    pass


async def greet(backends: Backends, arguments: Nobody) -> Result:
    return Result(message=f"hello from {NAME}")


def build(facts: DatasetFacts) -> Tool:
    return make_tool(
        facts,
        name=NAME,
        title="Greeting",
        description="Greets {users}.",
        arguments=Nobody,
        result=Result,
        run=greet,
    )
"""


def greeting(name: str) -> str:
    """A plug-in whose tool says its name."""
    return f"NAME = {name!r}\n{GREETING}"


def write(folder: Path, **files: str) -> Path:
    """A folder with Python files; names without their ending."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.py").write_text(content, encoding="utf-8")
    return folder
