"""Commands of the server as processes of their own."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_server import OWN_PROGRAM


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


def run(words: Sequence[object], folder: Path, environment: Mapping[str, str]) -> Ended:
    """Run a command to its end, in a folder and with this environment alone; it has no stdin."""
    done = subprocess.run(
        [*OWN_PROGRAM, *map(str, words)],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
