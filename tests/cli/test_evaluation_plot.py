"""The plot of `evaluate`."""

import sys
from pathlib import Path

import pytest

from mcp_server.cli.evaluation_plot import check_plot, draw
from mcp_server.errors import InvalidInputError
from tests.cli.evaluations import measured, report

MODELS = [
    measured("Good", 0.5, noise=0.1),
    measured("Near", 0.499, noise=0.1),
    measured("Slow", 0.2, train_seconds=900),
]


def test_each_split_is_a_panel_with_the_names_of_its_models(tmp_path: Path) -> None:
    draw(report(*MODELS, by_time=MODELS[:2]), tmp_path / "new" / "plot.svg")
    text = (tmp_path / "new" / "plot.svg").read_text(encoding="utf-8")
    assert text.count(">Good<") == text.count(">Near<") == 2
    assert text.count(">Slow<") == 1
    assert ">films, split at random<" in text and ">films, split by time<" in text
    assert ">1,000<" in text  # seconds, in plain figures


def test_a_plot_can_be_a_png_of_one_split_with_one_model(tmp_path: Path) -> None:
    draw(report(measured("Alone", 0.5, train_seconds=0.0)), tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"end in \.png or \.svg"):
        check_plot(tmp_path / "plot.jpeg")
    check_plot(tmp_path / "plot.PNG")


def test_without_matplotlib_the_command_that_installs_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InvalidInputError, match=r"pip install 'recsys-mcp\[plot\]'"):
        check_plot(tmp_path / "plot.png")
