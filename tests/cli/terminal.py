"""Commands as a person runs them: subprocesses, their output and their exit codes."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.commands import Ended, run
from tests.conftest import SHOP
from tests.running_servers import own_environment


@dataclass(frozen=True)
class Terminal:
    """Runs commands in an empty folder, without the settings of whoever runs the tests."""

    folder: Path

    def run(self, *words: object, **variables: str) -> Ended:
        return run(words, self.folder, own_environment(variables))

    def refused(self, *words: object, **variables: str) -> str:
        """What a command says that is refused: one line on stderr, progress aside."""
        ended = self.run(*words, **variables)
        assert ended.code == 2
        assert ended.out == ""
        (line,) = [line for line in ended.err.splitlines() if not re.search(r" \.\.\.$|: done in |^training ", line)]
        assert line.startswith("recsys-mcp: ")
        return line


def shop_options(state: Path, dataset: Path = SHOP) -> list[object]:
    return ["--dataset", dataset, "--state", state]
