"""Commands as a person runs them, with a home folder of the test's own."""

import os
from dataclasses import dataclass
from pathlib import Path

from tests.commands import Ended, run


@dataclass(frozen=True)
class Desk:
    """A person at a machine with nothing on it.

    Args:
        folder: Has the home folder, and the folder in which commands are run.
    """

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def files(self) -> dict[str, bytes]:
        """All files in the home folder."""
        found = [path for path in self.home.rglob("*") if path.is_file()]
        return {path.relative_to(self.home).as_posix(): path.read_bytes() for path in found}

    def run(self, *words: object, **variables: str) -> Ended:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RECSYS_", "XDG_"))}
        self.home.mkdir(parents=True, exist_ok=True)
        work = self.folder / "work"
        work.mkdir(exist_ok=True)
        return run(words, work, {**kept, "HOME": str(self.home), "PATH": os.defpath, **variables})
