"""A look at a folder or a database, and the dataset that is proposed for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcp_server.discovery.discover import find_place, open_workspace
from mcp_server.discovery.propose import look_for_roles, propose
from mcp_server.discovery.questions import Question
from mcp_server.discovery.trial import Trial, try_out


@dataclass(frozen=True)
class Look:
    """A trial, and the questions that were asked on the way."""

    trial: Trial
    questions: list[Question]

    @property
    def declared(self) -> Any:
        """The content of the dataset.yaml."""
        return yaml.safe_load(self.trial.text)

    @property
    def fields(self) -> dict[str, Any]:
        """The declared fields of items by name."""
        return {field["name"]: field for field in self.declared["items"]["fields"]}


LookAt = Callable[..., Look]


@pytest.fixture(scope="session")
def look_at() -> LookAt:
    """Looks at a place, answers questions by their keys or with their defaults, and tries the proposal out."""

    def look(source: Path | str, answers: Mapping[str, str] | None = None) -> Look:
        asked: list[Question] = []

        def choose(question: Question) -> str:
            asked.append(question)
            return (answers or {}).get(question.key, question.default)

        place = find_place(str(source))
        with open_workspace(place) as workspace:
            found = look_for_roles(workspace.read(), choose)
            proposal = propose(found, place.name, choose)
        return Look(try_out(proposal, place.folder, place.urls), asked)

    return look
