"""Nearest neighbours of items: cosines of who used them, of which the greatest are kept. For large catalogues.

With x_u the 0/1 row of user u and n_i the number of users of item i, each user counting n_u ** -activity, item j of a
history weighs towards item i

    S_ji = sum_u x_uj x_ui / (n_j ** (2 history_popularity) n_i ** (2 item_popularity))

which is the cosine where both exponents are one half (Sarwar et al. 2001); RP3beta (Paudel et al. 2017) has others. The
products are made by the library ``implicit``, which never has more than the neighbours that are kept in memory.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse
from implicit.nearest_neighbours import ItemItemRecommender

from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.own.validation import Report, sparse_scorer
from mcp_server.recommender.training.own.with_content import ContentSettings, Family, Fitted


@dataclass(frozen=True)
class KnnSettings(ContentSettings):
    """Settings of the model."""

    ABOVE_0: ClassVar = ("neighbours",)

    neighbours: int = 100
    """Number of weights towards each item that are kept."""
    activity: float = 0.5
    """Users with long histories count less: their number of interactions to the power of minus this."""
    history_popularity: float = 0.3
    """Exponent by which popular items of a history count less."""
    item_popularity: float = 0.45
    """Exponent by which popular items are recommended less."""


def fit(data: LearnedFrom, settings: KnnSettings, report: Report) -> Fitted:
    """Find the neighbours of each item."""
    report(f"neighbours of {data.n_items:,} items", 0, 1, None)
    n_each = np.bincount(data.user, minlength=data.n_users)
    root = np.maximum(n_each, 1) ** (-settings.activity / 2)
    values = root[data.user]
    squares = np.bincount(data.item, values**2, data.n_items)
    squares[squares == 0] = 1
    values *= squares[data.item] ** -settings.history_popularity
    shape = (data.n_users, data.n_items)
    neighbours = ItemItemRecommender(K=settings.neighbours + 1)
    neighbours.fit(scipy.sparse.csr_matrix((values, (data.user, data.item)), shape=shape), show_progress=False)
    # Rows are items that are scored. Both factors are now the history's: which neighbours are the greatest depends on
    # theirs alone.
    own = squares ** (settings.history_popularity - settings.item_popularity)
    towards = (scipy.sparse.diags(own) @ neighbours.similarity).astype(np.float32).tocsr()
    towards.setdiag(0)
    towards.eliminate_zeros()
    weights = towards.T.tocsr()
    arrays = {
        "indptr": weights.indptr.astype(np.int64),
        "indices": weights.indices.astype(np.int32),
        "values": weights.data.astype(np.float32),
        "offset": np.zeros(data.n_items, dtype=np.float32),
    }
    return Fitted("item_item_sparse", arrays, sparse_scorer(weights))


GRID = {"history_popularity": (0.3, 0.5), "item_popularity": (0.3, 0.45), "neighbours": (100, 300)}
"""Values to choose from."""

CKNN = Family("CKNN", KnnSettings(), GRID, fit)
