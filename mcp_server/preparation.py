"""From a dataset's files to a state that can be served: read, load, embed, train, publish.

Every part is made aside and renamed into place, and is skipped when it is there already; the new state is
published in one step at the end. So a preparation may be killed at any moment: what was served before still
is, and the next run goes on with the parts that are missing.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import create_engine
from sqlalchemy.engine import URL

from mcp_server.catalog.loader import load_catalog
from mcp_server.catalog.schema import SCHEMA_VERSION
from mcp_server.dataset.records import Dataset, DatasetFiles, FloatArray, Id, read_dataset
from mcp_server.dataset.spec import ModelSpec
from mcp_server.errors import ArtifactError, BackendError
from mcp_server.parts import open_catalog, open_model, open_store
from mcp_server.progress import Progress
from mcp_server.recommender.training import TrainJob, run_job
from mcp_server.state import (
    CATALOG_FILE,
    MODELS_FOLDER,
    STORE_FOLDER,
    Current,
    DatasetCard,
    State,
    fingerprint,
)
from mcp_server.vectors.cache import embed_cached
from mcp_server.vectors.embedder import Embedder
from mcp_server.vectors.qdrant_edge_store import Bm25Indexer, write_store
from mcp_server.vectors.store import Point
from mcp_server.vectors.texts import ItemText, item_texts

TRAINING_VERSION = 1
"""Goes into the fingerprint of models; raise it when training changes."""

INDEX_VERSION = 2
"""Goes into the fingerprint of vectors; raise it when what is embedded changes."""

TERMS_IN_CARD = 40
"""So many names of each category are kept for descriptions."""


@dataclass(frozen=True)
class Outcome:
    """What a preparation did."""

    current: Current
    made: list[str]
    """Kinds of the parts that had to be made: "catalog", "vectors", "model"."""


def prepare(
    state: State,
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
        RecsysError: The data, the training or the embedding model does not allow it; nothing is changed then.
    """
    with state.lock():
        before = state.published()
        chosen = choose_model or (before.chosen_model if before is not None and keep_model else None)
        if before is not None:
            for name in damaged_parts(state, before):
                state.discard_part(name)
            if _up_to_date(before, state, files, embedding_model, chosen):
                return Outcome(before, [])
        with progress.step("Reading the dataset", 3) as step:
            dataset = read_dataset(files, lambda part: step.update(step.done + 1, label=f"Reading {part}"))
        maker = _PartsMaker(state, dataset, progress)
        current = Current(
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
        state.publish(current)
        return Outcome(current, maker.made)


def _up_to_date(
    before: Current, state: State, files: DatasetFiles, embedding_model: str, chosen: ModelSpec | None
) -> bool:
    catalog = catalog_name(files.fingerprint)
    model = model_name(before.training_fingerprint, chosen or files.spec.model)
    return (
        (before.catalog, before.model) == (catalog, model)
        and (before.embedding_model, before.index_version) == (embedding_model, INDEX_VERSION)
        and before.chosen_model == chosen
        and all(state.part(name).is_dir() for name in before.parts)
    )


def damaged_parts(state: State, current: Current) -> list[str]:
    """Names of published parts that cannot be opened, or are not what they should be."""
    damaged = []
    try:
        open_catalog(state, current).close()
    except BackendError:
        damaged.append(current.catalog)
    try:
        open_model(state, current)
    except ArtifactError:
        damaged.append(current.model)
    if current.vectors is not None:
        try:
            open_store(state, current).close()
        except BackendError:
            damaged.append(current.vectors)
    return damaged


class _PartsMaker:
    """Makes the parts that are missing. Each method gives the name of its part."""

    def __init__(self, state: State, dataset: Dataset, progress: Progress) -> None:
        self._state, self._dataset, self._progress = state, dataset, progress
        self.texts = item_texts(dataset)
        self.training_fingerprint = _training_fingerprint(dataset)
        self.made: list[str] = []

    def _make(self, kind: str, name: str, make: Callable[[Path], None]) -> str:
        if self._state.make_part(name, make):
            self.made.append(kind)
        return name

    def catalog(self, dataset_fingerprint: str) -> str:
        """The tables of the catalogue."""

        def make(folder: Path) -> None:
            engine = create_engine(URL.create("sqlite", database=str(folder / CATALOG_FILE)))
            rows = len(self._dataset.interactions)
            with self._progress.step("Loading the catalogue", rows) as step, engine.begin() as connection:
                load_catalog(connection, self._dataset, step.advance)
            with engine.connect() as connection:
                connection.exec_driver_sql("ANALYZE")
                connection.commit()
            engine.dispose()

        return self._make("catalog", catalog_name(dataset_fingerprint), make)

    def vectors(self, embedding_model: str) -> str | None:
        """The vector store; None where nothing is to be searched."""
        search = self._dataset.spec.search
        if search is None or not self.texts:
            return None
        indexer = Bm25Indexer(search.language)
        embedder = Embedder(embedding_model, self._state.folder / MODELS_FOLDER)

        def make(folder: Path) -> None:
            pieces = list(dict.fromkeys(piece for text in self.texts for piece in [text.whole, *text.sentences]))
            with self._progress.step("Embedding texts", len(pieces)) as step:
                vectors = embed_cached(self._state.folder / "embeddings.sqlite", embedder, pieces, step.advance)
            points = (_point(text, vectors, indexer) for text in self.texts)
            dimension = len(next(iter(vectors.values())))
            with self._progress.step("Indexing vectors", len(self.texts)) as step:
                write_store(folder / STORE_FOLDER, points, dimension, step.advance)

        content = fingerprint([vars(text) for text in self.texts])
        name = f"vectors-{fingerprint(content, embedding_model, search.language, INDEX_VERSION)}"
        return self._make("vectors", name, make)

    def model(self, wanted: ModelSpec) -> str:
        """The trained model."""

        def make(folder: Path) -> None:
            job = TrainJob(
                model=wanted.name,
                settings=wanted.settings,
                n_users=len(self._dataset.users),
                n_items=len(self._dataset.items),
                dataset=self._dataset.spec.name,
                fingerprint=self.training_fingerprint,
                output=str(folder),
            )
            with self._progress.step(f"Training {wanted.name}") as step, self._state.scratch() as scratch:

                def report(label: str, done: int, total: int, score: float | None) -> None:
                    measured = "" if score is None else f" (NDCG@10 {score:.3f})"
                    step.update(done, total, f"Training {label}{measured}")

                run_job(job, self._dataset.interactions, Path(scratch), report)

        return self._make("model", model_name(self.training_fingerprint, wanted), make)


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
