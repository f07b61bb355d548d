"""Rankings of all items for test users, by the model of RecBole that has been fitted, ours among them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from mcp_server.recommender.training.ranking_metrics import NO_ITEM, Rankings
from mcp_server.recommender.training.recbole.compat import Interaction, own_positions, torch
from mcp_server.recommender.training.reporting import UnsuitableError
from mcp_server.types import IntArray

SCORES_AT_ONCE = 2**20
"""Scores that are asked of a model at once: they and what it needs for them stay small in any catalogue."""

MOST_TEST_USERS = 20_000
"""Users who are measured, drawn by chance where there are more: 100,000 scores of a user may take 2 ms."""

SEED = 2020


def rank_test_users(model: Any, train: Any, valid: Any, test: Any, *, length: int, n_items: int) -> Rankings:
    """Rank, for each user with held-out interactions, all items but those of the user's other interactions.

    Args:
        model: A fitted recommender of RecBole.
        train, valid, test: RecBole's datasets of the three parts.
        length: Length of the rankings.
        n_items: Number of items in our catalogue, of which RecBole knows those with interactions.

    Raises:
        UnsuitableError: Nothing is held out, or a score is not a number.
    """
    model.eval()
    held_out = test.inter_matrix(form="csr")
    known = train.inter_matrix(form="csr") + valid.inter_matrix(form="csr")
    test_users = np.flatnonzero(np.diff(held_out.indptr))
    if not len(test_users):
        raise UnsuitableError("no user has two interactions, so that one could be held out to measure on")
    users = _sampled(test_users)
    items = own_positions(train, train.iid_field)
    ranked = np.concatenate(list(_ranked(model, train, users, known, length)))
    held_out = held_out[users].tocoo()
    n_trained = np.zeros(n_items, dtype=np.int64)
    n_trained[items] = np.bincount(train.inter_feat[train.iid_field].numpy(), minlength=train.item_num)[1:]
    return Rankings(
        users=own_positions(train, train.uid_field)[users - 1],
        items=np.where(ranked > 0, items[ranked - 1], NO_ITEM),
        held_out_row=held_out.row.astype(np.int64),
        held_out_item=items[held_out.col - 1],
        n_trained=n_trained,
        n_trained_users=len(np.unique(train.inter_feat[train.uid_field].numpy())),
        n_test_users=len(test_users),
    )


def _sampled(users: IntArray) -> IntArray:
    if len(users) <= MOST_TEST_USERS:
        return users
    return np.sort(np.random.default_rng(SEED).choice(users, MOST_TEST_USERS, replace=False))


def _ranked(model: Any, dataset: Any, users: IntArray, known: Any, length: int) -> Iterator[IntArray]:
    """RecBole's numbers of the best items, (n_users, length), in batches of users; 0 where there is none left."""
    n_at_once = max(1, SCORES_AT_ONCE // dataset.item_num)
    for start in range(0, len(users), n_at_once):
        some = users[start : start + n_at_once]
        scores = scores_of(model, dataset, some)
        if bool(torch.isnan(scores).any()):
            raise UnsuitableError(f"{type(model).__name__} gives scores that are no numbers")
        rows, columns = known[some].nonzero()
        scores[:, 0] = scores[rows, columns] = -torch.inf
        best = torch.topk(scores, length, dim=-1)
        yield torch.where(torch.isneginf(best.values), 0, best.indices).numpy()


def scores_of(model: Any, dataset: Any, users: IntArray) -> Any:
    """A model's own scores of all items, a tensor (n_users, dataset.item_num) on the CPU.

    Args:
        dataset: RecBole's dataset.
        users: RecBole's numbers of users.
    """
    n_items = dataset.item_num
    with torch.no_grad():
        interaction = Interaction({dataset.uid_field: torch.from_numpy(users)}).to(model.device)
        try:
            scores = model.full_sort_predict(interaction)
        except NotImplementedError:  # some models only score pairs; user by user, because pairs are many
            scores = torch.cat([model.predict(_pairs(dataset, user).to(model.device)) for user in users.tolist()])
    return scores.reshape(-1, n_items).cpu()


def _pairs(dataset: Any, user: int) -> Any:
    n_items = dataset.item_num
    return Interaction({dataset.uid_field: torch.full((n_items,), user), dataset.iid_field: torch.arange(n_items)})
