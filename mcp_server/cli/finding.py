"""Findings of `doctor`: the result of each check, as a line and as data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from mcp_server.errors import RecsysError

Status = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    check: str
    status: Status
    text: str
    details: Mapping[str, Any] = field(default_factory=dict)
    """Details of the finding, for programs."""

    def as_json(self) -> dict[str, Any]:
        """The finding for programs, without empty details."""
        return {name: value for name, value in asdict(self).items() if value or name != "details"}


def failed(check: str, error: RecsysError) -> Finding:
    """The finding of a check that an error has ended."""
    return Finding(check, "error", str(error))
