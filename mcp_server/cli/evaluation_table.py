"""The report of `evaluate` as tables for people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from mcp_server.cli.evaluation_report import AgainstBest, ModelReport, Report, SplitReport
from mcp_server.recommender.comparison import CONFIDENCE, N_RESAMPLES

LEGEND = (
    f"against the best: difference in NDCG@10 with its {CONFIDENCE:.0%} interval, by paired bootstrap over the "
    f"same users, {N_RESAMPLES:,} resamples; tie: the interval contains 0, so it may be chance. "
    "Recall, Hit, MRR: at 10, too. "
    "cover: share of the catalogue in anybody's ten. "
    "novelty: mean log2(users / users of the item) of the items in the tens, in bits. "
    "cold: test interactions with items that have none in training, and how many of them are in the user's ten. "
    "train s: choosing settings included."
)

UNLIMITED = 10_000
"""Characters: more than any table needs."""


@dataclass(frozen=True)
class Column:
    """A column of the table."""

    name: str
    cell: Callable[[ModelReport], str]
    figure: Callable[[ModelReport], float] | None = None
    """A figure of which the best model has most; None where no cell is better than another."""
    rank: int = 0
    """Columns of the highest ranks are left out first where there is little room."""


def _metric(name: str, key: str, rank: int) -> Column:
    return Column(name, lambda model: f"{model.metrics[key]:.4f}", lambda model: model.metrics[key], rank)


def _difference(against: AgainstBest | None) -> str:
    if against is None:
        return "best"
    tie = " tie" if against.may_be_chance else ""
    return f"{against.difference:+.3f} [{against.low:+.3f}, {against.high:+.3f}]{tie}"


def _cold(model: ModelReport) -> str:
    return f"{model.cold_items.hits} of {model.cold_items.interactions}"


def _size(model: ModelReport) -> str:
    megabytes = model.artifact_bytes / 1e6
    return f"{megabytes:.1f}" if megabytes >= 0.05 else "<0.1"


COLUMNS: Sequence[Column] = (
    _metric("NDCG@10", "ndcg@10", 0),
    Column("against the best", lambda model: _difference(model.against_best), rank=1),
    _metric("Recall", "recall@10", 2),
    _metric("Hit", "hit@10", 3),
    _metric("MRR", "mrr@10", 4),
    _metric("NDCG@5", "ndcg@5", 9),
    _metric("Recall@5", "recall@5", 9),
    _metric("Hit@5", "hit@5", 9),
    _metric("MRR@5", "mrr@5", 9),
    Column("cover", lambda model: f"{model.coverage:.1%}", lambda model: model.coverage, 5),
    Column("novelty", lambda model: f"{model.novelty:.2f}", lambda model: model.novelty, 6),
    Column("cold", _cold, lambda model: model.cold_items.hits, 7),
    Column("train s", lambda model: f"{model.train_seconds:.1f}", lambda model: -model.train_seconds, 1),
    Column("MB", _size, lambda model: -model.artifact_bytes, 8),
)


def render_report(report: Report, console: Console) -> RenderableType:
    """The tables of a report, with as many columns as the console has room for."""
    parts: list[RenderableType] = []
    for split in report.splits:
        if split.models:
            parts += [Text(f"Test: {split.split}", style="bold"), Text(_users(split)), _fitting(split, console)]
        parts += [Text(f"{each.model} could not be measured: {each.why}") for each in split.failed]
        parts.append(Text(""))
    return Group(*parts, Text(LEGEND, style="dim"))


def _users(split: SplitReport) -> str:
    first = split.models[0]
    if first.users == first.test_users:
        return f"all items ranked for {first.users:,} users"
    return f"all items ranked for {first.users:,} users, drawn by chance from {first.test_users:,}"


def _fitting(split: SplitReport, console: Console) -> Table:
    unlimited = console.options.update(width=UNLIMITED)
    for most in sorted({column.rank for column in COLUMNS}, reverse=True):
        table = _table(split, [column for column in COLUMNS if column.rank <= most])
        if Measurement.get(console, unlimited, table).maximum <= console.width:
            break
    return table


def _table(split: SplitReport, columns: Sequence[Column]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("model", header_style="dim", no_wrap=True)
    for column in columns:
        table.add_column(column.name, justify="right", header_style="dim", no_wrap=True)
    best = {column.name: _best_cells(column, split.models) for column in columns}
    for model in split.models:
        cells = [Text(column.cell(model)) for column in columns]
        for column, cell in zip(columns, cells, strict=True):
            if cell.plain in best[column.name]:
                cell.stylize("bold")
        table.add_row(Text(model.model), *cells)
    return table


def _best_cells(column: Column, models: Sequence[ModelReport]) -> set[str]:
    """The cells that are printed bold: none where all are the same."""
    figure = column.figure
    if figure is None or len({column.cell(model) for model in models}) == 1:
        return set()
    return {column.cell(max(models, key=figure))}
