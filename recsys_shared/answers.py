"""Answers of an assistant to questions with a known truth, as they are written in JSON lines. Needs pydantic."""

from typing import Any

from pydantic import BaseModel, Field


class Step(BaseModel, extra="forbid", frozen=True):
    """A tool call that was made for an answer."""

    tool: str
    arguments: dict[str, Any] = {}
    error: str | None = None
    """The tool's error, if the call has failed."""


class Answer(BaseModel, extra="forbid", frozen=True):
    """An answer to a question. What is given in a form of its own counts; otherwise it is looked for in the text. All
    from `calls` on is for the report.
    """

    id: str
    answer: str = ""
    """The text that the person would read."""
    items: list[int | str] | None = None
    """IDs of the items that the answer names, in its order."""
    users: list[int | str] | None = None
    """IDs of the users that the answer names, in its order."""
    names: list[str] | None = None
    """Values of the field that was asked for."""
    number: float | None = None
    """The number that was asked for; of a percentage, 41.5 for 41.5%."""
    calls: int | None = Field(None, ge=0)
    """Calls of tools that it took."""
    by: str | None = None
    """The assistant that has answered; the report calls it by this name, or else by that of the file."""
    setting: str | None = None
    """A digest of what the answer hangs on besides the assistant, such as its prompt and its tools."""
    error: str | None = None
    """The reason why there is no answer. It counts as wrong."""
    steps: list[Step] = []
    seconds: float | None = None
    tokens_in: int | None = None
    tokens_cached: int | None = None
    """Those of the tokens read that the provider had in its cache."""
    tokens_out: int | None = None
    dollars: float | None = None
    remarks: list[str] = []
    """Remarks of the program around the assistant about the answer, such as names that no tool has returned."""
