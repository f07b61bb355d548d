"""The tables of `evaluate`."""

import io
import re

from rich.text import Text

from mcp_server.cli.evaluation_report import LeftOut, Report
from mcp_server.cli.evaluation_table import render_report
from recsys_shared.terminal import PlainConsole
from tests.cli.evaluations import measured, report


def _shown(of: Report, width: int = 120, *, styled: bool = False) -> list[str]:
    console = PlainConsole(
        file=io.StringIO(), width=width, force_terminal=styled, color_system="standard" if styled else None
    )
    console.print(render_report(of, console))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def _row(lines: list[str], model: str) -> str:
    return next(line for line in lines if re.match(rf"(\x1b\[1m)?{re.escape(model)} ", line))


def test_a_difference_is_shown_with_its_interval_and_a_word_where_it_may_be_chance() -> None:
    models = [measured("Good", 0.5), measured("Same", 0.499, noise=0.2), measured("Worse", 0.4, noise=0.05)]
    lines = _shown(report(*models))
    assert " best " in _row(lines, "Good")
    assert re.search(r" -0\.001 \[-0\.\d{3}, \+0\.\d{3}\] tie ", _row(lines, "Same"))
    assert re.search(r" -0\.100 \[-0\.1\d{2}, -0\.0\d{2}\] ", _row(lines, "Worse"))
    assert "tie" not in _row(lines, "Worse")
    assert any("tie: the interval contains 0" in line for line in lines)


def test_all_columns_for_readers_fit_into_120_characters() -> None:
    models = [measured("CEASE as served", 0.5), measured("Other", 0.499, noise=0.2)]
    lines = _shown(report(*models, by_time=models))
    assert max(map(len, lines)) <= 120
    cells = re.split(r"\s{2,}", _row(lines, "CEASE as served").strip())
    metrics = ["0.5000", "best", "0.2500", "0.2500", "0.2500"]
    assert cells == ["CEASE as served", *metrics, "25.0%", "2.50", "3 of 45", "1.5", "2.0"]
    assert [line for line in lines if line.startswith("Test: ")] == ["Test: by chance", "Test: the last ones"]
    assert "…" not in "".join(lines)


def test_a_narrow_console_shows_fewer_columns_and_a_wide_one_those_at_5() -> None:
    models = [measured("Good", 0.5), measured("Bad", 0.1)]
    heads = {
        width: next(line for line in _shown(report(*models), width) if line.startswith("model "))
        for width in (60, 120, 180)
    }
    assert "NDCG@10" in heads[60] and "novelty" not in heads[60]
    assert "novelty" in heads[120] and "NDCG@5" not in heads[120]
    assert "NDCG@5" in heads[180]
    assert all(len(head) <= width for width, head in heads.items())


def test_the_best_figure_of_each_column_is_bold() -> None:
    models = [
        measured("Good", 0.5, coverage=0.1, train_seconds=9.0),
        measured("Quick", 0.4, coverage=0.9, train_seconds=2.0),
    ]
    lines = _shown(report(*models), styled=True)
    bold = {model: re.findall(r"\x1b\[1m([^\x1b]+)", _row(lines, model)) for model in ("Good", "Quick")}
    assert {"0.5000"} <= set(bold["Good"])
    assert {"90.0%", "2.0"} <= set(bold["Quick"])
    assert "10.0%" not in bold["Good"] and "0.4000" not in bold["Quick"]
    assert "3 of 45" not in bold["Good"] + bold["Quick"]  # where all are the same, none is better


def test_a_model_that_failed_is_named_below_the_table() -> None:
    lines = _shown(report(measured("Good", 0.5), failed=[LeftOut(model="Odd", why="it needs more memory")]))
    assert lines.index("Odd could not be measured: it needs more memory") > lines.index(_row(lines, "Good"))


def test_users_drawn_by_chance_are_said_to_be_so() -> None:
    lines = _shown(report(measured("Good", 0.5, users=20_000, test_users=123_456)))
    assert "all items ranked for 20,000 users, drawn by chance from 123,456" in lines


def test_names_are_shown_as_they_are() -> None:
    lines = _shown(report(measured("[bold]x", 0.5)))
    assert any(Text(line).plain.startswith("[bold]x ") for line in lines)
