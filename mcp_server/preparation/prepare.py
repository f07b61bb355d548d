"""From a dataset's files to a state that can be served: read, load, embed, train, publish.

Every part is made aside and renamed into place, and is skipped when it is there already; the new state is
published in one step at the end. So a preparation may be killed at any moment: what was served before still
is, and the next run goes on with the parts that are missing.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mcp_server.catalog.schema import SCHEMA_VERSION
from mcp_server.dataset.facts import DatasetCard
from mcp_server.dataset.records import Dataset, DatasetFiles, read_dataset
from mcp_server.dataset.spec import ModelSpec
from mcp_server.preparation.progress_bars import Progress
from mcp_server.recommender.training.jobs import TrainJob, run_job
from mcp_server.state.folder import MODELS_FOLDER
from mcp_server.state.manifest import Manifest, fingerprint
from mcp_server.state.open_state import Storage
from mcp_server.state.parts import Parts
from mcp_server.state.vectors import StoreContents
from mcp_server.types import FloatArray, Id
from mcp_server.vectors.embedder import Embedder
from mcp_server.vectors.embedding_cache import embed_cached
from mcp_server.vectors.store import Point
from mcp_server.vectors.texts import ItemText, item_texts
from mcp_server.vectors.words import Bm25Indexer

TRAINING_VERSION = 1
"""Goes into the fingerprint of models; raise it when training changes."""

INDEX_VERSION = 2
"""Goes into the fingerprint of vectors; raise it when what is embedded changes."""

TERMS_IN_CARD = 40
"""So many names of each category are kept for descriptions."""


@dataclass(frozen=True)
class Outcome:
    """What a preparation did."""

    current: Manifest
    made: list[str]
    """Kinds of the parts that had to be made: "catalog", "vectors", "model"; or "digests" of a state that had none."""


def prepare(
    storage: Storage,
    files: DatasetFiles,
    embedding_model: str,
    progress: Progress,
    *,
    choose_model: ModelSpec | None = None,
    keep_model: bool = True,
) -> Outcome:
    """Bring a state up to date with a dataset.

    Args:
        choose_model: A model to train in place of the specification's, from now on.
        keep_model: Keep the model that was chosen earlier; else go back to the specification's.

    Raises:
        RecsysError: The data, the training, the embedding model or a server does not allow it; what is served does
            not change then.
    """
    with storage.locked():
        before = storage.record.published()
        chosen = choose_model or (before.chosen_model if before is not None and keep_model else None)
        if before is not None:
            storage.discard_damaged(before)
            if _is_up_to_date(before, files, embedding_model, chosen) and storage.has(before):
                return _brought_up_to_date(storage, before)
        with progress.step("Reading the dataset", 3) as step:
            dataset = read_dataset(files, lambda part: step.update(step.done + 1, label=f"Reading {part}"))
        maker = _PartsMaker(storage, dataset, progress, checked=[] if before is None else before.parts)
        current = Manifest(
            spec=dataset.spec,
            fingerprint=files.fingerprint,
            training_fingerprint=maker.training_fingerprint,
            card=describe(dataset),
            chosen_model=chosen,
            embedding_model=embedding_model,
            index_version=INDEX_VERSION,
            n_searchable=len(maker.texts),
            catalog=maker.catalog(files.fingerprint),
            vectors=maker.vectors(embedding_model),
            model=maker.model(chosen or dataset.spec.model),
        )
        known = {} if before is None else before.digests
        current = storage.with_digests(current, {part: known[part] for part in known if part not in maker.made})
        storage.publish(current)
        return Outcome(current, [part.partition("-")[0] for part in maker.made])


def _brought_up_to_date(storage: Storage, current: Manifest) -> Outcome:
    """A state whose parts are all as they should be; one of version 0.1 lacks what they are."""
    if not current.is_former:
        return Outcome(current, [])
    current = storage.with_digests(current, {})
    storage.publish(current)
    return Outcome(current, ["digests"])


def _is_up_to_date(before: Manifest, files: DatasetFiles, embedding_model: str, chosen: ModelSpec | None) -> bool:
    catalog = catalog_name(files.fingerprint)
    model = model_name(before.training_fingerprint, chosen or files.spec.model)
    return (
        (before.catalog, before.model) == (catalog, model)
        and (before.embedding_model, before.index_version) == (embedding_model, INDEX_VERSION)
        and before.chosen_model == chosen
    )


class _PartsMaker:
    """Makes the parts that are missing. Each method gives the name of its part.

    Args:
        checked: Names of parts that are known to be as they were made.
    """

    def __init__(self, storage: Storage, dataset: Dataset, progress: Progress, *, checked: Collection[str]) -> None:
        self._storage, self._dataset, self._progress = storage, dataset, progress
        self._checked = checked
        self._folder = storage.folder
        self.texts = item_texts(dataset)
        self.training_fingerprint = _training_fingerprint(dataset)
        self.made: list[str] = []
        """Names of the parts that had to be made."""

    def _is_there(self, parts: Parts, name: str) -> bool:
        """Is there such a part, as it was made? An interrupted preparation or a former state may have left it."""
        if not parts.exists(name):
            return False
        if name in self._checked or parts.is_whole(name):
            return True
        parts.discard(name)
        return False

    def catalog(self, dataset_fingerprint: str) -> str:
        """The tables of the catalogue."""
        name = catalog_name(dataset_fingerprint)
        if not self._is_there(self._storage.catalogs, name):
            with self._progress.step("Loading the catalogue", len(self._dataset.interactions)) as step:
                self._storage.catalogs.make(name, self._dataset, step.advance)
            self.made.append(name)
        return name

    def vectors(self, embedding_model: str) -> str | None:
        """The vector store; None where nothing is to be searched."""
        search = self._dataset.spec.search
        if search is None or not self.texts:
            return None
        content = fingerprint([vars(text) for text in self.texts])
        name = f"vectors-{fingerprint(content, embedding_model, search.language, INDEX_VERSION)}"
        indexer = Bm25Indexer(search.language)
        if self._is_there(self._storage.vectors, name):
            return name
        embedder = Embedder(embedding_model, self._folder.folder / MODELS_FOLDER)
        pieces = list(dict.fromkeys(piece for text in self.texts for piece in [text.whole, *text.sentences]))
        with self._progress.step("Embedding texts", len(pieces)) as step:
            vectors = embed_cached(self._folder.folder / "embeddings.sqlite", embedder, pieces, step.advance)
        points = (_point(text, vectors, indexer) for text in self.texts)
        with self._progress.step("Indexing vectors", len(self.texts)) as step:
            dimension = len(next(iter(vectors.values())))
            contents = StoreContents(points, len(self.texts), dimension, embedding_model)
            self._storage.vectors.make(name, contents, step.advance)
        self.made.append(name)
        return name

    def model(self, wanted: ModelSpec) -> str:
        """The trained model."""
        name = model_name(self.training_fingerprint, wanted)

        def fill(folder: Path) -> None:
            job = TrainJob(
                model=wanted.name,
                settings=wanted.settings,
                n_users=len(self._dataset.users),
                n_items=len(self._dataset.items),
                dataset=self._dataset.spec.name,
                fingerprint=self.training_fingerprint,
                output=str(folder),
            )
            with self._progress.step(f"Training {wanted.name}") as step, self._folder.scratch() as scratch:

                def report(label: str, done: int, total: int, score: float | None) -> None:
                    measured = "" if score is None else f" (NDCG@10 {score:.3f})"
                    step.update(done, total, f"Training {label}{measured}")

                run_job(job, self._dataset.interactions, Path(scratch), report)

        if not self._is_there(self._storage.models.parts, name):
            self._storage.models.parts.make_files(name, fill)
            self.made.append(name)
        return name


def catalog_name(dataset_fingerprint: str) -> str:
    """The part of a dataset's catalogue."""
    return f"catalog-{fingerprint(dataset_fingerprint, SCHEMA_VERSION)}"


def model_name(training_fingerprint: str, model: ModelSpec) -> str:
    """The part of a model that is trained on some interactions."""
    return f"model-{fingerprint(training_fingerprint, model.model_dump(), TRAINING_VERSION)}"


def _point(text: ItemText, vectors: dict[str, FloatArray], indexer: Bm25Indexer) -> Point:
    return Point(
        text.item,
        vectors[text.whole],
        np.stack([vectors[sentence] for sentence in text.sentences]),
        indexer.document(text.words),
        text.digests,
    )


def _training_fingerprint(dataset: Dataset) -> str:
    digest = hashlib.sha256(dataset.interactions.user.tobytes() + dataset.interactions.item.tobytes())
    return fingerprint(dataset.item_ids, dataset.user_ids, digest.hexdigest())


def describe(dataset: Dataset) -> DatasetCard:
    """The facts about a dataset that descriptions and messages need."""
    names: dict[str, dict[str, int]] = {}
    for field in dataset.spec.categories:
        counts: dict[str, int] = {}
        for item in dataset.items:
            value = item[field.name]
            for name in value if isinstance(value, list) else [value] if value else []:
                counts[str(name)] = counts.get(str(name), 0) + 1
        names[field.name] = counts
    ranges = {}
    for field in dataset.spec.columns:
        values = [float(value) for item in dataset.items if isinstance(value := item[field.name], int | float)]
        if field.kind == "number" and values:
            ranges[field.name] = (min(values), max(values))
    groups = {}
    for name in dataset.spec.users.groups:
        bands = list(next(field for field in dataset.spec.users.fields if field.name == name).bands)
        present = {str(user[name]) for user in dataset.users if user[name]}
        groups[name] = bands or sorted(present)
    busiest = np.bincount(dataset.interactions.item, minlength=len(dataset.items)).argsort(kind="stable")[::-1]
    active = np.unique(dataset.interactions.user)[:3]
    return DatasetCard(
        n_items=len(dataset.items),
        n_users=len(dataset.users),
        n_interactions=len(dataset.interactions),
        n_dropped=dataset.interactions.n_dropped,
        item_ids=_describe_ids(dataset.item_ids),
        user_ids=_describe_ids(dataset.user_ids),
        example_items=[dataset.item_ids[position] for position in busiest[:3]],
        example_users=[dataset.user_ids[position] for position in active],
        terms={field: sorted(c, key=lambda n: -c[n])[:TERMS_IN_CARD] for field, c in names.items()},
        term_counts={field: len(counts) for field, counts in names.items()},
        ranges=ranges,
        groups=groups,
    )


def _describe_ids(ids: list[Id]) -> str:
    if isinstance(ids[0], int):
        return f"IDs run from {ids[0]} to {ids[-1]}"
    return f"IDs look like {', '.join(map(repr, ids[:3]))}"
