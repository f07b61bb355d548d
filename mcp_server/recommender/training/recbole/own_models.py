"""Our own models as models of RecBole, so that they are measured like the others."""

from pathlib import Path
from typing import Any

import numpy as np

from mcp_server.recommender.training.jobs import OWN_MODELS
from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.own.histories import collect_histories
from mcp_server.recommender.training.own.learned import Learned
from mcp_server.recommender.training.own.models import choose_settings
from mcp_server.recommender.training.recbole.compat import (
    GeneralRecommender,
    InputType,
    ModelType,
    own_positions,
    torch,
)


class OwnRecommender(GeneralRecommender):  # type: ignore[misc]
    """A model of one training split, with settings chosen within it, in the form in which it is served.

    RecBole's other models see all that users interacted with, and no times on a split by chance. So does this one
    there.
    """

    type = ModelType.TRADITIONAL
    input_type = InputType.POINTWISE

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        self._items = own_positions(dataset, dataset.iid_field)
        self._users = own_positions(dataset, dataset.uid_field)
        data = _training_part(LearnedFrom.load(Path(config["learned_from"])), dataset, self._users, self._items)
        if not config["by_time"]:
            data = data.without_times()
        if config["all_speaks"]:
            data = data.all_liked()
        self.learned: Learned = choose_settings(config["model"], data, config["given"], lambda *_: None).learn()
        self._recommender = self.learned.recommender()
        self._histories = collect_histories(data, np.flatnonzero(data.liked), np.arange(data.n_users))
        self._nothing = torch.nn.Parameter(torch.zeros(1))

    def forward(self) -> None:
        """RecBole's models are modules, which have this method. There is nothing to do in it."""

    def calculate_loss(self, interaction: Any) -> Any:
        """The loss of a model in closed form: nothing is left to learn."""
        return self._nothing

    def full_sort_predict(self, interaction: Any) -> Any:
        """Scores of all items for each user: (n_users * n_items,), by RecBole's numbers."""
        users = self._users[interaction[self.USER_ID].cpu().numpy() - 1]
        scores = np.zeros((len(users), self.n_items), dtype=np.float32)
        for row, user in enumerate(users.tolist()):
            history = self._histories[user]
            weights = self.learned.weighting.weights(history)
            scores[row, 1:] = self._recommender.score(user, history.items, weights)[self._items]
        return torch.from_numpy(scores).flatten()

    def predict(self, interaction: Any) -> Any:
        """The score of each pair of user and item: (n_pairs,)."""
        items = interaction[self.ITEM_ID].cpu()
        return self.full_sort_predict(interaction).view(len(items), -1)[torch.arange(len(items)), items]


RECBOLE_CLASSES = {name: type(name, (OwnRecommender,), {}) for name in OWN_MODELS}
"""A class for each of our models, because RecBole takes the name of a model from its class."""


def _training_part(data: LearnedFrom, dataset: Any, users: Any, items: Any) -> LearnedFrom:
    """The interactions that RecBole's training split has."""
    user = users[dataset.inter_feat[dataset.uid_field].numpy() - 1]
    item = items[dataset.inter_feat[dataset.iid_field].numpy() - 1]
    known = data.user * data.n_items + data.item
    order = np.argsort(known)
    rows = order[np.searchsorted(known, user * data.n_items + item, sorter=order)]
    return data.part(np.sort(rows))
