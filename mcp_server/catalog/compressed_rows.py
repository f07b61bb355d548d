"""Rows of a sparse matrix that is kept as compressed rows (CSR)."""

import numpy as np

from mcp_server.types import IntArray


def entries_of(indptr: IntArray, rows: IntArray) -> tuple[IntArray, IntArray]:
    """The length of each of some rows, (n,), and the places of all their entries, one row after the other.

    Args:
        indptr: (n_rows + 1,), the place where each row begins.
        rows: (n,), the rows that are wanted.
    """
    starts = indptr[rows]
    lengths = indptr[rows + 1] - starts
    ends = np.cumsum(lengths)
    first = np.repeat(starts - (ends - lengths), lengths)
    return lengths, first + np.arange(len(first))
