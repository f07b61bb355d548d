"""pip with visible progress: its own progress bars on a terminal, elsewhere a line every ten seconds."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from runner.messages import say

LINE_SECONDS = 10.0
"""Interval between lines where there is no terminal."""

LINES_OF_A_FAILURE = 30

TOLD = ("Collecting ", "Downloading ", "Building ", "Installing ", "Preparing ", "Using cached ")
"""Beginnings of the lines in which pip reports a step."""

ALL_AT_ONCE = "Installing collected packages: "
"""Beginning of a line with a list of names that is too long to read, and after which no line follows for a while."""


class Pip:
    """pip of one virtual environment.

    Args:
        python: The environment's interpreter.
        name: Prefix of the lines; several environments may be filled at once.
        bars: Whether pip has the terminal to itself and may draw on it.
    """

    def __init__(self, python: Path, name: str, bars: bool) -> None:
        self._command = (str(python), "-m", "pip", "--disable-pip-version-check")
        self._name = name
        self._bars = bars and sys.stderr.isatty() and sys.stdout.isatty()

    def settings(self) -> set[str]:
        """Names of the settings that pip takes from the environment and from files, such as "index-url"."""
        listed = subprocess.run([*self._command, "config", "list"], capture_output=True, text=True, check=False)
        return {line.partition("=")[0].rpartition(".")[2] for line in listed.stdout.splitlines()}

    def install(self, arguments: Sequence[str], needed: bool = True) -> bool:
        """Install packages; False where that failed, after pip's own error message.

        Args:
            arguments: Arguments of "pip install".
            needed: Whether to show pip's error message on failure.
        """
        command = [*self._command, "install"]
        if not os.environ.get("PYTHONDONTWRITEBYTECODE"):
            command.append("--no-compile")  # Python compiles what it imports, once
        if self._bars:
            return subprocess.run([*command, *arguments], check=False).returncode == 0
        command += ["--progress-bar", "off", *arguments]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as process:
            assert process.stdout is not None
            output = _Output(process.stdout)
            started = time.monotonic()
            while True:
                try:
                    code = process.wait(LINE_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    say(f"{self._name}: {time.monotonic() - started:.0f} s, {output.latest}")
            output.join()
        if code != 0 and needed:
            say("\n".join(output.lines[-LINES_OF_A_FAILURE:]))
        return code == 0


class _Output(threading.Thread):
    """A thread that reads what pip prints."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(daemon=True)
        self.lines: list[str] = []
        self.latest = "starting"
        self._stream = stream
        self.start()

    def run(self) -> None:
        for line in self._stream:
            text = line.strip()
            self.lines.append(text)
            if text.startswith(ALL_AT_ONCE):
                self.latest = f"Installing {text.count(',') + 1} packages"
            elif text.startswith(TOLD):
                self.latest = text if len(text) <= 120 else f"{text[:119]}…"
