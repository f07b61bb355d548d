"""From a dataset's files to a state that can be served: read, load, embed, publish; then train, and publish again.

Every part is made aside and renamed into place, and left alone if it is there already. A manifest is published in one
step. So a preparation may be killed at any moment: what was published last is still served, and the next run goes on
with what is missing. Training takes longest, and a model serves a newer catalogue, too; so the catalogue does not wait.
"""

import contextlib
import functools
import time
from dataclasses import dataclass
from pathlib import Path

from mcp_server.catalog.schema import SCHEMA_VERSION
from mcp_server.dataset.records import Dataset
from mcp_server.dataset.spec import ModelSpec
from mcp_server.preparation.describe import describe
from mcp_server.preparation.embedding import INDEX_VERSION, SearchIndex, vectors_of_items
from mcp_server.preparation.progress_bars import Progress
from mcp_server.preparation.retraining import Decision, PresentModel, Retrain, decide
from mcp_server.preparation.training import Training, model_name
from mcp_server.reading.dataset import open_dataset
from mcp_server.reading.files import DatasetFiles
from mcp_server.recommender.drift import Drift
from mcp_server.recommender.trained_on import digest_ids
from mcp_server.state.manifest import Manifest, fingerprint
from mcp_server.state.open_state import OpenState
from mcp_server.types import FloatArray
from mcp_server.vectors.texts import item_texts


@dataclass(frozen=True)
class Outcome:
    """The result of a preparation."""

    manifest: Manifest
    made: list[str]
    """Kinds of the parts that had to be made: "catalog", "vectors", "model"."""


@dataclass(frozen=True)
class Wish:
    """The model that a user asks for."""

    model: ModelSpec | None = None
    """A model to train instead of the specification's, now and in later preparations."""
    keep: bool = True
    """Keep the model that was chosen earlier, instead of going back to the specification's."""
    retrain: Retrain | None = None
    """When to train again, instead of what the specification says."""


def prepare(
    state: OpenState, files: DatasetFiles, embedding_model: str, progress: Progress, wish: Wish = Wish()
) -> Outcome:
    """Bring a state up to date with a dataset.

    Raises:
        RecsysError: The data, the training, the embedding model or a server does not allow it. What was published
            last is still served: the state of before, or the new catalogue with the model of before.
    """
    with state.manifests.lock():
        return Preparation(state, files, embedding_model, progress, wish).run()


class Preparation:
    """One preparation. Whoever runs it holds the lock."""

    def __init__(
        self, state: OpenState, files: DatasetFiles, embedding_model: str, progress: Progress, wish: Wish
    ) -> None:
        self._state, self._files, self._progress = state, files, progress
        self._embedding_model = embedding_model
        self._before = state.manifests.published()
        kept = state.manifests.published_parts()  # of any version
        self._chosen = wish.model or (kept.chosen_model if kept is not None and wish.keep else None)
        self._wanted = self._chosen or files.spec.model
        self._retrain: Retrain = wish.retrain or files.spec.model.retrain
        self._made: list[str] = []

    def run(self) -> Outcome:
        """Bring the state up to date."""
        if self._before is not None:
            self._state.discard_damaged(self._before)
            if self._is_up_to_date(self._before):
                return Outcome(self._before, [])
        with self._state.folder.scratch() as scratch, contextlib.ExitStack() as opened:
            read_at = int(time.time())
            with self._progress.step("Reading the dataset", 3) as step:
                reading = open_dataset(
                    self._files, lambda part: step.update(step.done + 1, label=f"Reading {part}"), Path(scratch)
                )
                dataset = opened.enter_context(reading)
            return self._make_what_is_missing(dataset, read_at)

    def _make_what_is_missing(self, dataset: Dataset, read_at: int) -> Outcome:
        training = Training(dataset)
        newest = self._state_of(dataset, training, read_at)
        if not self._is_there(newest.model):
            present = self._present_model(training)
            decision = self._decide(present)
            self._progress.say(decision.sentence)
            if present is not None:
                served = self._publish(self._with_present_model(newest, present))
                if not decision.train:
                    return Outcome(served, self._kinds_made)
            vectors = functools.partial(self._vectors_of_items, dataset)
            training.make(self._state, newest.model, self._wanted, self._progress, vectors)
            self._made.append(newest.model)
        return Outcome(self._publish(newest), self._kinds_made)

    # What is there already

    def _is_up_to_date(self, before: Manifest) -> bool:
        """True if neither the dataset nor what the user asks for has changed, and the model need not be trained."""
        found = (before.catalog, before.chosen_model, before.embedding_model, before.index_version)
        if found != (catalog_name(self._files.fingerprint), self._chosen, self._embedding_model, INDEX_VERSION):
            return False
        drift = before.drift or Drift.none(before.card.n_pairs, before.card.n_items)
        model = PresentModel(self._is_wanted(before), before.trained_at, drift)
        decision = self._decide(model)
        if decision.train or not self._state.has(before):
            return False
        if not (drift.is_none and model.is_wanted):
            self._progress.say(decision.sentence)
        return True

    def _is_wanted(self, before: Manifest) -> bool:
        return before.model == model_name(before.training_fingerprint, self._wanted)

    def _present_model(self, training: Training) -> PresentModel | None:
        """The model that is published; None where it cannot serve the catalogue of now."""
        before = self._before
        if before is None or not self._is_there(before.model):
            return None
        trained_on = self._state.parts.trained_on(before)
        if trained_on is not None:
            drift = trained_on.drift(training.data)
        elif before.training_fingerprint == training.fingerprint:
            drift = Drift.none(training.data.n_pairs, len(training.data.items))
        else:
            return None
        return PresentModel(self._is_wanted(before), self._state.parts.model_header(before).trained_at, drift)

    def _with_present_model(self, newest: Manifest, present: PresentModel) -> Manifest:
        """The newest catalogue and vectors with the model of before."""
        assert self._before is not None  # or there would be no present model
        kept = {name: getattr(self._before, name) for name in ("model", "training_fingerprint", "chosen_model")}
        return newest.model_copy(update={**kept, "drift": present.drift})

    def _decide(self, present: PresentModel | None) -> Decision:
        return decide(self._retrain, present, self._files.spec.nouns, time.time())

    def _is_there(self, name: str) -> bool:
        """True if a part is there, as it was made. An interrupted preparation or an earlier state may have left it."""
        place = self._state.place_of(name)
        if not place.exists(name):
            return False
        if name in self._made or (self._before is not None and name in self._before.parts):  # which have been checked
            return True
        if place.is_whole(name):
            return True
        place.discard(name)
        return False

    # What is made

    def _state_of(self, dataset: Dataset, training: Training, read_at: int) -> Manifest:
        """The state of a dataset, with catalogue and vectors made, and a model that is still to be made."""
        before = self._before
        catalog, vectors, n_searchable = self._make_catalog(dataset), *self._make_vectors(dataset)
        unchanged = before is not None and before.catalog == catalog and before.read_at is not None
        return Manifest(
            spec=dataset.spec,
            fingerprint=self._files.fingerprint,
            training_fingerprint=training.fingerprint,
            card=describe(dataset),
            chosen_model=self._chosen,
            embedding_model=self._embedding_model,
            index_version=INDEX_VERSION,
            n_searchable=n_searchable,
            catalog=catalog,
            vectors=vectors,
            model=model_name(training.fingerprint, self._wanted),
            ids={"items": digest_ids(dataset.items.ids), "users": digest_ids(dataset.users.ids)},
            read_at=before.read_at if before is not None and unchanged else read_at,
            drift=Drift.none(training.data.n_pairs, len(dataset.items)),
        )

    def _make_catalog(self, dataset: Dataset) -> str:
        name = catalog_name(self._files.fingerprint)
        if not self._is_there(name):
            with self._progress.step("Loading the catalogue", len(dataset.interactions)) as step:
                self._state.parts.make_catalog(name, dataset, step.advance)
            self._made.append(name)
        return name

    def _make_vectors(self, dataset: Dataset) -> tuple[str | None, int]:
        """Name of the part, or None where there is nothing to search; and the number of items that can be found."""
        search, texts = dataset.spec.search, item_texts(dataset)
        if search is None or not texts:
            return None, 0
        index = SearchIndex(self._state, search, texts, self._embedding_model)
        index.keep_to_budget(self._progress.say)
        name = index.name
        if not self._is_there(name):
            index.make(name, self._progress)
            self._made.append(name)
        return name, len(texts)

    def _vectors_of_items(self, dataset: Dataset) -> FloatArray | None:
        folder = self._state.folder.folder
        return vectors_of_items(folder, self._embedding_model, item_texts(dataset), len(dataset.items))

    @property
    def _kinds_made(self) -> list[str]:
        return [name.partition("-")[0] for name in self._made]

    def _publish(self, manifest: Manifest) -> Manifest:
        """Publish a manifest, with what is known of its model and with the digests of its parts."""
        header = self._state.parts.model_header(manifest)
        notes = [*manifest.card.notes, *([_stand_in(manifest)] if header.kind == "popularity" else [])]
        card = manifest.card.model_copy(update={"notes": notes})
        known = {} if self._before is None else self._before.digests
        manifest = self._state.with_digests(
            manifest.model_copy(update={"card": card, "trained_at": header.trained_at}),
            {part: found for part, found in known.items() if part not in self._made},
        )
        if manifest != self._state.manifests.published():  # as it is where only vectors of this machine were missing
            self._state.publish(manifest, still_served=self._before)
        return manifest


def _stand_in(manifest: Manifest) -> str:
    nouns = manifest.spec.nouns
    return nouns.fill("There is too little to learn from, so the {items} with the most {interactions} are recommended.")


def catalog_name(dataset_fingerprint: str) -> str:
    """Name of the part that is a dataset's catalogue."""
    return f"catalog-{fingerprint(dataset_fingerprint, SCHEMA_VERSION)}"
