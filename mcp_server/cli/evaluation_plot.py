"""The plot of `evaluate`: how good a model is against how long it takes to train. Needs matplotlib."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcp_server.cli.evaluation_report import AS_SERVED, COMPARED_BY, ModelReport, Report, SplitReport
from mcp_server.errors import InvalidInputError
from mcp_server.recommender.comparison import CONFIDENCE

SUFFIXES = (".png", ".svg")
INCHES = (7.2, 5.4)
"""Width and height of a panel."""

POINT = 4
"""Half the width of a point, in pixels of the screen."""

NAME_OFFSETS = [(side * 7, up) for up in (4, -4, 14, -14, 26, -26, 38, -38) for side in (1, -1)]
"""The places where a name may be written, in points from its model's point, best first."""

LEAST_SECONDS = 0.01
"""Stands for 0 on the logarithmic scale."""

TITLES = ("split at random", "split by time")


def check_plot(file: Path) -> None:
    """Find out whether a plot can be drawn, before anything is trained.

    Raises:
        InvalidInputError: The name of the file has another ending, or matplotlib is not installed.
    """
    if file.suffix.lower() not in SUFFIXES:
        raise InvalidInputError(f"--plot {file}: the file's name has to end in {' or '.join(SUFFIXES)}")
    if importlib.util.find_spec("matplotlib") is None:
        raise InvalidInputError("--plot needs matplotlib: pip install 'recsys-mcp[plot]'")


def draw(report: Report, file: Path) -> None:
    """Draw a panel for each split: COMPARED_BY with its interval against the seconds of training."""
    import matplotlib

    matplotlib.use("Agg")  # no display is needed
    from matplotlib import pyplot

    splits = {title: split for title, split in zip(TITLES, report.splits, strict=False) if split.models}
    names = dict.fromkeys(model.model for split in splits.values() for model in split.models)
    kinds = list(dict.fromkeys(name.removesuffix(AS_SERVED) for name in names))
    colours = {name: f"C{kinds.index(name.removesuffix(AS_SERVED)) % 10}" for name in names}
    size = (INCHES[0] * len(splits), INCHES[1])
    with matplotlib.rc_context({"svg.fonttype": "none"}):  # texts stay texts
        figure, panels = pyplot.subplots(1, len(splits), figsize=size, squeeze=False, layout="constrained")
        for panel, (title, split) in zip(panels[0], splits.items(), strict=True):
            panel.set_title(f"{report.dataset}, {title}")
            panel.set_xlabel("seconds of training")
            panel.set_ylabel(f"NDCG@10 with its {CONFIDENCE:.0%} interval over users")
            _draw_points(panel, split, colours)
        figure.draw_without_rendering()  # to know where the points are
        for panel, split in zip(panels[0], splits.values(), strict=True):
            _write_names(panel, split, colours)
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file, dpi=150)
        pyplot.close(figure)


def _draw_points(panel: Any, split: SplitReport, colours: Mapping[str, str]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for model in split.models:
        low, high = model.interval
        seconds, quality = _place(model)
        error = [[max(quality - low, 0)], [max(high - quality, 0)]]
        colour, is_hollow = colours[model.model], model.model.endswith(AS_SERVED)
        filled = "white" if is_hollow else colour
        panel.errorbar(seconds, quality, yerr=error, fmt="o", capsize=3, color=colour, markerfacecolor=filled)
    times = [_place(model)[0] for model in split.models]
    panel.set_xscale("log")
    panel.set_xlim(min(times) / 2, max(times) * 4)  # there is room for a name at the right
    panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.grid(alpha=0.3)


def _write_names(panel: Any, split: SplitReport, colours: Mapping[str, str]) -> None:
    """Write the name of each model beside its point, where it covers no other name and no point."""
    from matplotlib.transforms import Bbox

    points = panel.transData.transform([_place(model) for model in split.models])
    written = [Bbox.from_bounds(x - POINT, y - POINT, 2 * POINT, 2 * POINT) for x, y in points]
    for model in sorted(split.models, key=lambda model: model.metrics[COMPARED_BY], reverse=True):
        for right, up in NAME_OFFSETS:
            name = panel.annotate(
                model.model,
                _place(model),
                xytext=(right, up),
                textcoords="offset points",
                ha="left" if right > 0 else "right",
                va="center",
                color=colours[model.model],
            )
            covered = name.get_window_extent()
            if not any(covered.overlaps(other) for other in written):
                break
            if (right, up) != NAME_OFFSETS[-1]:
                name.remove()
        written.append(covered)


def _place(model: ModelReport) -> tuple[float, float]:
    return max(model.train_seconds, LEAST_SECONDS), model.metrics[COMPARED_BY]
