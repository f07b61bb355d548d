"""Choosing items that differ, by maximal marginal relevance (Carbonell and Goldstein 1998, "The use of MMR,
diversity-based reranking for reordering documents and producing summaries").

One item after the other is chosen: the one with the most of (1 - diversity) * relevance - diversity * the greatest
similarity to one that is already chosen. Of the candidates, the most and the least relevant one have a relevance of 1
and 0, and the two that are most alike have a similarity of 1.
"""

from collections.abc import Sequence

import numpy as np

from mcp_server.types import DoubleArray, FloatArray, IntArray

Name = tuple[int, int]
"""Number of a name, and the number of items in the catalogue that have it."""


def choose_diverse(relevance: DoubleArray, similarity: FloatArray, k: int, diversity: float) -> IntArray:
    """Places of the chosen candidates, at most k, in the order in which they are chosen.

    Args:
        relevance: (n,), of the candidates, best first, on any scale.
        similarity: (n, n), from 0 upwards, on any scale.
        diversity: From 0, for the order of relevance, to 1, where only similarity counts after the first item.
    """
    lowest, span = relevance.min(initial=np.inf), np.ptp(relevance) if len(relevance) else 0.0
    scaled = (relevance - lowest) / span if span else np.ones(len(relevance))
    greatest = similarity[~np.eye(len(relevance), dtype=bool)].max(initial=0)
    alike = similarity / greatest if greatest else similarity
    nearest = np.zeros(len(relevance))
    is_left = np.ones(len(relevance), dtype=bool)
    chosen = []
    for _ in range(min(k, len(relevance))):
        margin = np.where(is_left, (1 - diversity) * scaled - diversity * nearest, -np.inf)
        place = int(np.argmax(margin))
        chosen.append(place)
        is_left[place] = False
        nearest = np.maximum(nearest, alike[place])
    return np.array(chosen, dtype=np.int64)


def name_similarity(names: Sequence[Sequence[Name]], n_items: int) -> FloatArray:
    """(n, n): cosines of items' names of categories, where rare names weigh more: sqrt(ln(n_items / items with it)).

    Args:
        names: The names of each item.
        n_items: Number of items in the catalogue.
    """
    row = np.repeat(np.arange(len(names)), [len(each) for each in names])
    flat = np.array([name for each in names for name in each], dtype=np.int64).reshape(len(row), 2)
    _, column, n_with = np.unique(flat[:, 0], return_inverse=True, return_counts=True)
    square = np.log(n_items / flat[:, 1])
    lengths = np.sqrt(np.bincount(row, square, len(names)))
    shared = n_with[column] > 1  # only these make items similar, and they are far fewer than all
    _, column = np.unique(column[shared], return_inverse=True)
    matrix = np.zeros((len(names), column.max(initial=-1) + 1), dtype=np.float32)
    matrix[row[shared], column] = np.sqrt(square[shared])
    return _cosines(matrix, lengths)


def text_similarity(vectors: FloatArray) -> FloatArray:
    """(n, n): cosines of vectors, (n, dimension), and 0 where they are negative. A row of zeros is like no other."""
    return np.maximum(_cosines(vectors, np.linalg.norm(vectors, axis=1)), 0)


def _cosines(matrix: FloatArray, lengths: DoubleArray | FloatArray) -> FloatArray:
    units = matrix / np.where(lengths > 0, lengths, 1).astype(np.float32)[:, None]
    cosines: FloatArray = units @ units.T
    return cosines
