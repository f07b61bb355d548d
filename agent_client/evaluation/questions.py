"""The questions of an evaluation. `recsys-mcp questions` writes them and grades their answers, as a program of its own:
it reads the dataset, for which the agent's environment has no libraries.
"""

import importlib.util
import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from agent_client.errors import AgentError


def prepare_folder(folder: Path, asked: Path | Sequence[str], program: str | None) -> Path:
    """The file of the questions, in a folder that is made.

    Args:
        asked: A file of questions, or options of the program that writes them.
    """
    file = folder / "questions.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(asked, Path):
            file.write_text(asked.read_text(encoding="utf-8"), encoding="utf-8")
    except (OSError, ValueError) as error:
        raise AgentError(f"the questions cannot be read, or cannot be kept in {folder}: {error}") from error
    if not isinstance(asked, Path):
        run_program(program, "--output", str(file), *asked)
    return file


def read_questions(file: Path) -> dict[str, list[str]]:
    """The questions of a file by their IDs, each with all its turns; an AgentError if it is another file."""
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
        return {line["id"]: line.get("turns") or [line["question"]] for line in lines}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise AgentError(f"{file} is not a file of `recsys-mcp questions`: {error!r}") from error


def run_program(named: str | None, *options: str, shown: bool = False) -> None:
    """Run `recsys-mcp questions`: as named, or this environment's if it can read datasets, or one on the PATH.

    Args:
        shown: Show its output.

    Raises:
        AgentError: It cannot be run, or refuses.
    """
    found = None if importlib.util.find_spec("duckdb") else shutil.which("recsys-mcp")
    own = [found] if found else [sys.executable, "-P", "-m", "mcp_server"]
    command = [*(shlex.split(named) if named else own), "questions"]
    out = None if shown else subprocess.DEVNULL
    try:
        ended = subprocess.run([*command, *options], encoding="utf-8", check=False, stdout=out, stderr=subprocess.PIPE)
    except OSError as error:
        raise AgentError(f"{shlex.join(command)} cannot be run: {error}") from error
    if ended.returncode != 0:
        said = (ended.stderr.strip().splitlines() or ["it has failed"])[-1].removeprefix("recsys-mcp: ")
        raise AgentError(f"`{shlex.join(command)}`: {said} (--questions-program names another recsys-mcp)")
