"""Feedback: what a column of ratings, counts or events says, and columns that look like another kind than declared."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mcp_server.dataset.spec import InteractionSpec
from mcp_server.errors import DatasetError, quoted
from mcp_server.types import DoubleArray

COUNT_WORDS = frozenset({
    "amount", "clicks", "cnt", "count", "counts", "duration", "freq", "frequency", "hours", "listen", "listencount",
    "listens", "loans", "minutes", "n", "num", "number", "play", "playcount", "plays", "playtime", "purchases", "qty",
    "quantity", "seconds", "sessions", "times", "units", "viewcount", "views", "visits", "watchtime", "weight",
})  # fmt: skip
"""Words in the names of columns that hold counts."""

MOST_RATING = 100
"""Larger values are no ratings, unless a range is declared."""

LONG_TAIL = 10
"""A column of whole numbers whose largest value is more than so many times its median looks like counts."""

FEW_LEVELS = 20
"""Scales of ratings rarely have more whole numbers than this."""


@dataclass(frozen=True)
class Values:
    """Statistics of a column of numbers."""

    least: float
    greatest: float
    median: float
    n_distinct: int
    are_whole: bool
    n_zeros: int

    @classmethod
    def of(cls, values: DoubleArray) -> "Values":
        ordered = np.sort(values)
        distinct = ordered[np.append(True, ordered[1:] != ordered[:-1])]
        return cls(
            float(distinct[0]),
            float(distinct[-1]),
            float(ordered[len(ordered) // 2]),
            len(distinct),
            bool((distinct == np.floor(distinct)).all()),
            int(np.count_nonzero(values == 0)),
        )


def check_ratings(spec: InteractionSpec, values: DoubleArray) -> None:
    """Refuse a column that does not look like ratings, unless it is declared to hold some.

    Raises:
        DatasetError: It looks like counts, or its zeros may mean that there is no rating.
    """
    if spec.feedback is not None or spec.kind != "ratings" or spec.rating_range is not None or not len(values):
        return
    assert spec.rating is not None
    found, column = Values.of(values), quoted(spec.rating)
    span = f"from {found.least:g} to {found.greatest:g}, with a median of {found.median:g}"
    words = set(re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", spec.rating).lower()))
    has_long_tail = (
        found.are_whole and found.n_distinct > FEW_LEVELS and found.greatest > LONG_TAIL * max(found.median, 1)
    )
    if words & COUNT_WORDS or found.greatest > MOST_RATING or has_long_tail:
        raise DatasetError(
            f"interactions: the column {column} looks like counts ({span}): declare feedback: counts, or "
            "feedback: ratings if these are opinions on a scale"
        )
    if found.least == 0 and found.n_zeros and found.greatest > 1:
        raise DatasetError(
            f"interactions: {found.n_zeros:,} of {len(values):,} values of the column {column} are 0 ({span}). If 0 is "
            f"a rating, declare rating_range: [0, {found.greatest:g}]; if it means that there is none, leave such rows "
            f'out with where: "{spec.rating} > 0"; if these are counts, declare feedback: counts'
        )
    if found.n_distinct == 1 and len(values) > FEW_LEVELS:
        raise DatasetError(
            f"interactions: all values of the column {column} are {found.least:g}, which tells nobody's opinion: leave "
            "out rating and like_threshold, so that every interaction is a like, or declare feedback: ratings"
        )


def refuse_names(spec: InteractionSpec, names: Sequence[str]) -> DatasetError:
    """An error for a column of names where ratings were declared or assumed."""
    weights = ", ".join(f"{name}: 1" for name in names)
    return DatasetError(
        f"interactions: the column {quoted(spec.rating)} holds names ({', '.join(map(quoted, names))}), not ratings: "
        f"declare feedback: events with a weight for each, such as weights: {{{weights}}}"
    )
