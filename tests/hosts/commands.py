"""Commands as a person runs them, with a home folder of the test's own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


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
        done = subprocess.run(
            [sys.executable, "-m", "mcp_server", *map(str, words)],
            cwd=work,
            env={**kept, "HOME": str(self.home), "PATH": os.defpath, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)
