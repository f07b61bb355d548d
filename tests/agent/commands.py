"""`recsys-agent` as a process: how its tests start it, and a recommendation that its model makes."""

import subprocess
import sys
from typing import Any

from tests.agent.scripted_models import Reading, Say, ScriptedModel, call
from tests.names import FILTER, RECOMMEND

COMMAND = [sys.executable, "-m", "agent_client"]

PATIENCE_SECONDS = 180
"""A command takes a few seconds, and many times that on a machine that has other things to do."""

QUESTION = "Recommend 3 comedies to user 98"


def endpoint(model: ScriptedModel) -> list[str]:
    return ["--model", "openai:scripted", "--base-url", f"{model.url}/v1"]


def _within(reading: Reading) -> dict[str, Any]:
    return {"user": 98, "k": 3, "item_set": reading.last(FILTER)["item_set"]}


def _table(reading: Reading) -> str:
    rows = (f"| {item['title']} | {item['item_id']} |" for item in reading.last(RECOMMEND)["items"])
    return "\n".join(["Three comedies:", "", "| title | ID |", "|---|---|", *rows])


RECOMMENDING = (
    call(FILTER, {"genres": ["Comedy"]}, text="First the comedies, then their ranking."),
    call(RECOMMEND, _within),
    Say(_table),
)


def run(words: list[str], environment: dict[str, str], text: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end.

    Args:
        text: What it reads from stdin.
    """
    return subprocess.run(
        [*COMMAND, *words],
        env=environment,
        input=text,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_SECONDS,
        check=False,
    )
