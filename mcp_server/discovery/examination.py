"""An examination of a dataset: what is in its data, what is missing, and what preparing it will cost."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

import numpy as np

from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.records import NO_TIME, Dataset, Interactions, Records, Value
from mcp_server.discovery.costs import Costs, estimate
from mcp_server.discovery.languages import language_of
from mcp_server.discovery.source_reports import SourceReport, report_sources
from mcp_server.reading.dataset import open_dataset
from mcp_server.reading.files import DatasetFiles
from mcp_server.vectors.embedder import Embedder

MOST_NAMES = 100_000
"""Different values of a field that are counted."""

N_EXAMPLES = 3

N_READ_FOR_LANGUAGE = 300
"""Items by whose texts the language is told."""


@dataclass
class FieldReport:
    """The values of a field."""

    name: str
    kind: str
    n_records: int
    n_known: int = 0
    least: float | str | None = None
    """Least number or earliest date."""
    greatest: float | str | None = None
    names: dict[str, None] = field(default_factory=dict, repr=False)
    """Different values, in the order in which they come."""

    @property
    def missing_share(self) -> float:
        """Share of records without a value."""
        return 1 - self.n_known / self.n_records if self.n_records else 0.0

    @property
    def examples(self) -> list[str]:
        return list(self.names)[:N_EXAMPLES]

    def add(self, value: Value) -> None:
        """Count a value."""
        if value is None or value == []:
            return
        self.n_known += 1
        for each in value if isinstance(value, list) else [value]:
            if len(self.names) < MOST_NAMES:
                self.names.setdefault(str(each), None)
        if self.kind in ("number", "date") and not isinstance(value, list):
            self.least = value if self.least is None else min(self.least, value)
            self.greatest = value if self.greatest is None else max(self.greatest, value)


@dataclass(frozen=True)
class Pictures:
    """The pictures of items."""

    base: str
    """Place that they are declared to be in."""
    n_shown: int
    elsewhere: list[str]
    """Addresses that are not in the declared place, by which no page shows anything."""


@dataclass(frozen=True)
class Examination:
    """Content of a dataset."""

    sources: list[SourceReport]
    n_items: int
    n_users: int
    n_interactions: int
    n_pairs_possible: int
    n_dropped: int
    n_unavailable: int
    n_untitled: int
    n_items_without_interactions: int
    liked_share: float
    earliest: str | None
    latest: str | None
    item_fields: list[FieldReport]
    user_fields: list[FieldReport]
    pictures: Pictures | None
    """None where no pictures are declared."""
    language: str | None
    """Language that the searched texts seem to be in; None where it cannot be told, or where none are searched."""
    notes: list[str]
    costs: Costs


def examine_data(
    files: DatasetFiles, embedder: Embedder, advance: Callable[[str], None] = lambda step: None
) -> Examination:
    """Read all data of a dataset.

    Args:
        advance: Called with the name of each step when it begins.

    Raises:
        RecsysError: The data is not what the specification says, or the embedding model cannot be loaded.
    """
    advance("sources")
    sources = report_sources(files)
    with open_dataset(files, advance) as dataset:
        advance("fields")
        spec, interactions = dataset.spec, dataset.interactions
        item_fields = _reports(dataset.items, spec.items.fields)
        title = next(report for report in item_fields if report.name == spec.items.title)
        earliest, latest = _span(interactions)
        return Examination(
            sources=sources,
            n_items=len(dataset.items),
            n_users=len(dataset.users),
            n_interactions=len(interactions),
            n_pairs_possible=len(dataset.items) * len(dataset.users),
            n_dropped=dataset.n_dropped,
            n_unavailable=0 if dataset.available is None else int(np.count_nonzero(~dataset.available)),
            n_untitled=len(dataset.items) - title.n_known,
            n_items_without_interactions=len(dataset.items) - len(np.unique(interactions.item)),
            liked_share=float(interactions.liked.mean()) if len(interactions) else 0.0,
            earliest=earliest,
            latest=latest,
            item_fields=item_fields,
            user_fields=_reports(dataset.users, spec.users.fields),
            pictures=_pictures(dataset),
            language=_language(dataset),
            notes=list(dataset.notes),
            costs=_costs(dataset, sources, embedder, advance),
        )


def _pictures(dataset: Dataset) -> Pictures | None:
    image = dataset.spec.items.image
    if image is None:
        return None
    named = [str(value) for (value,) in dataset.items.rows([image.field]) if value]
    elsewhere = [each for each in named if image.address(each) is None]
    return Pictures(image.base, len(named) - len(elsewhere), elsewhere)


def _language(dataset: Dataset) -> str | None:
    """The language of the searched texts, by some from all over the catalogue."""
    if dataset.spec.search is None:
        return None
    step = max(len(dataset.items) // N_READ_FOR_LANGUAGE, 1)
    rows = islice(dataset.items.rows(dataset.spec.search.texts), 0, None, step)
    return language_of(str(text) for row in rows for text in row if text)


def _costs(
    dataset: Dataset, sources: Iterable[SourceReport], embedder: Embedder, advance: Callable[[str], None]
) -> Costs:
    advance("costs")
    return estimate(dataset, sum(source.n_rows for source in sources), embedder)


def _reports(records: Records, fields: Sequence[FieldSpec]) -> list[FieldReport]:
    reports = [FieldReport(each.name, each.kind, len(records)) for each in fields]
    if reports:
        for values in records.rows([each.name for each in fields]):
            for report, value in zip(reports, values, strict=True):
                report.add(value)
    return reports


def _span(interactions: Interactions) -> tuple[str | None, str | None]:
    """The days of the first and of the last interaction."""
    if interactions.timestamp is None:
        return None, None
    known = interactions.timestamp[interactions.timestamp != NO_TIME]
    if not len(known):
        return None, None
    first, last = (datetime.fromtimestamp(int(each), UTC).date().isoformat() for each in (known.min(), known.max()))
    return first, last
