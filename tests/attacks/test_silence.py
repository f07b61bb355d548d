"""Long work without a terminal: it says how far it is."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from mcp_server.preparation import progress_bars
from mcp_server.preparation.progress_bars import Progress


def test_a_long_step_without_a_terminal_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress_bars, "time", SimpleNamespace(monotonic=lambda: now[0]))
    printed = io.StringIO()
    with Progress(Console(file=printed)) as shown, shown.step("Embedding texts", 400) as step:
        for _ in range(25):  # seconds
            now[0] += 1
            step.advance(10)
    assert printed.getvalue().splitlines() == [
        "Embedding texts ...",
        "Embedding texts: 100 of 400 (25%)",
        "Embedding texts: 200 of 400 (50%)",
        "Embedding texts: done in 25.0 s",
    ]


def test_a_step_of_unknown_length_says_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress_bars, "time", SimpleNamespace(monotonic=lambda: now[0]))
    printed = io.StringIO()
    with Progress(Console(file=printed)) as shown, shown.step("Training BPR") as step:
        now[0] += 10
        step.update(3, label="Training BPR, epoch 3")
        assert printed.getvalue().splitlines()[-1] == "Training BPR, epoch 3: 3"


def test_on_a_terminal_there_are_no_such_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = io.StringIO()
    with Progress(Console(file=printed, force_terminal=True, width=80)) as shown:
        monkeypatch.setattr(progress_bars, "LINE_SECONDS", 0.0)
        with shown.step("Embedding texts", 400) as step:
            step.advance(100)
    assert "of 400 (" not in printed.getvalue()
