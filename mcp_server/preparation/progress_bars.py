"""Progress of long work: bars on stderr, and a small file that other processes can read.

On a terminal the bars are drawn by rich; elsewhere each step is one line when it begins, one every ten seconds while it
goes on, and one when it ends.
"""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from mcp_server.files.atomic import write_atomically
from recsys_shared.plain_text import one_line

FILE_SECONDS = 0.5
"""Least time between two writes of the file."""

LINE_SECONDS = 10.0
"""Least time between two lines, where there is no terminal."""


class Step:
    """One step of the work, being done."""

    def __init__(self, progress: "Progress", label: str, total: int | None) -> None:
        self._progress, self.label, self.total, self.done = progress, label, total, 0
        self._task = progress.bars.add_task(one_line(label), total=total)

    def advance(self, count: int = 1) -> None:
        self.update(self.done + count)

    def update(self, done: int, total: int | None = None, label: str | None = None) -> None:
        """Report how far the step is, and what is being done."""
        self.done, self.total = done, total if total is not None else self.total
        self.label = label or self.label
        self._progress.bars.update(self._task, completed=done, total=self.total, description=one_line(self.label))
        self._progress.write_file(self)
        self._progress.print_line(self)

    def finish(self) -> None:
        total = self.total if self.total is not None else max(self.done, 1)
        self._progress.bars.update(self._task, completed=total, total=total)


class Progress:
    """Reports the steps of one command.

    Args:
        file: A file from which other processes read how far the work is. It is removed at the end.
    """

    def __init__(self, console: Console, file: Path | None = None) -> None:
        self._console, self._file, self._written, self._printed = console, file, 0.0, 0.0
        self.bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> "Progress":
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()
        if self._file is not None:
            with contextlib.suppress(OSError):  # in that case it could not be written either
                self._file.unlink(missing_ok=True)

    @contextlib.contextmanager
    def step(self, label: str, total: int | None = None) -> Iterator[Step]:
        started = time.monotonic()
        step = Step(self, label, total)
        self._written, self._printed = 0.0, started
        self.write_file(step)
        if not self._console.is_terminal:
            self._console.print(f"{one_line(label)} ...", markup=False, highlight=False)
        yield step
        step.finish()
        if not self._console.is_terminal:
            seconds = time.monotonic() - started
            self._console.print(f"{one_line(label)}: done in {seconds:.1f} s", markup=False, highlight=False)

    def say(self, sentence: str) -> None:
        """Print a sentence, above the bars."""
        self._console.print(one_line(sentence), markup=False, highlight=False, soft_wrap=True)

    def write_file(self, step: Step) -> None:
        if self._file is None or time.monotonic() - self._written < FILE_SECONDS:
            return
        self._written = time.monotonic()
        with contextlib.suppress(OSError):  # if the work cannot write either, it reports that itself
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._file, json.dumps({"label": step.label, "done": step.done, "total": step.total}))

    def print_line(self, step: Step) -> None:
        """Print how far a step is, where there is no bar."""
        if self._console.is_terminal or time.monotonic() - self._printed < LINE_SECONDS:
            return
        self._printed = time.monotonic()
        share = f" of {step.total} ({100 * step.done // step.total}%)" if step.total else ""
        self._console.print(f"{one_line(step.label)}: {step.done}{share}", markup=False, highlight=False)
