"""From a dataset's files to a state that can be served: read, load, embed, train, publish.

Every part is made aside and renamed into place, and left alone if it is there already. The manifest is published in one
step at the end. So a preparation may be killed at any moment: the previous state is still served, and the next run
goes on with the parts that are missing.
"""

import contextlib
import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mcp_server.catalog.schema import SCHEMA_VERSION
from mcp_server.dataset.records import Dataset
from mcp_server.dataset.spec import ModelSpec
from mcp_server.preparation.describe import describe
from mcp_server.preparation.progress_bars import Progress
from mcp_server.reading.dataset import open_dataset
from mcp_server.reading.files import DatasetFiles
from mcp_server.recommender.training.jobs import TrainJob, run_job
from mcp_server.state.folder import MODELS_FOLDER
from mcp_server.state.folder_parts import StoreContents
from mcp_server.state.manifest import Manifest, fingerprint
from mcp_server.state.open_state import OpenState
from mcp_server.types import FloatArray
from mcp_server.vectors.embedder import Embedder
from mcp_server.vectors.embedding_cache import embed_cached
from mcp_server.vectors.store import Point
from mcp_server.vectors.texts import ItemText, item_texts
from mcp_server.vectors.words import Bm25Indexer

TRAINING_VERSION = 1
"""A number in the fingerprint of models. Raise it when training changes."""

INDEX_VERSION = 2
"""A number in the fingerprint of vectors. Raise it when the embedded texts change."""


@dataclass(frozen=True)
class Outcome:
    """The result of a preparation."""

    manifest: Manifest
    made: list[str]
    """Kinds of the parts that had to be made: "catalog", "vectors", "model"."""


def prepare(
    state: OpenState,
    files: DatasetFiles,
    embedding_model: str,
    progress: Progress,
    *,
    choose_model: ModelSpec | None = None,
    keep_model: bool = True,
) -> Outcome:
    """Bring a state up to date with a dataset.

    Args:
        choose_model: A model to train instead of the specification's, now and in later preparations.
        keep_model: Keep the model that was chosen earlier, instead of going back to the specification's.

    Raises:
        RecsysError: The data, the training, the embedding model or a server does not allow it. The previous state is
            still served.
    """
    with state.manifests.lock(), contextlib.ExitStack() as opened:
        before, kept = state.manifests.published(), state.manifests.published_parts()
        chosen = choose_model or (kept.chosen_model if kept is not None and keep_model else None)
        if before is not None:
            state.discard_damaged(before)
            if _is_up_to_date(before, files, embedding_model, chosen) and state.has(before):
                return Outcome(before, [])
        with progress.step("Reading the dataset", 3) as step:
            scratch = Path(opened.enter_context(state.folder.scratch()))
            dataset = opened.enter_context(
                open_dataset(files, lambda part: step.update(step.done + 1, label=f"Reading {part}"), scratch)
            )
        wanted, texts, trained_on = chosen or dataset.spec.model, item_texts(dataset), _training_fingerprint(dataset)
        checked = [] if before is None else before.parts
        made: list[str] = []

        catalog = catalog_name(files.fingerprint)
        if not _is_there(state, catalog, checked):
            _make_catalog(state, catalog, dataset, progress)
            made.append(catalog)

        vectors = _vectors_name(dataset, texts, embedding_model)
        if vectors is not None and not _is_there(state, vectors, checked):
            _make_vectors(state, vectors, dataset, texts, embedding_model, progress)
            made.append(vectors)

        model = model_name(trained_on, wanted)
        if not _is_there(state, model, checked):
            _make_model(state, model, dataset, wanted, trained_on, progress)
            made.append(model)

        manifest = Manifest(
            spec=dataset.spec,
            fingerprint=files.fingerprint,
            training_fingerprint=trained_on,
            card=describe(dataset),
            chosen_model=chosen,
            embedding_model=embedding_model,
            index_version=INDEX_VERSION,
            n_searchable=len(texts),
            catalog=catalog,
            vectors=vectors,
            model=model,
        )
        known = {} if before is None else {part: found for part, found in before.digests.items() if part not in made}
        manifest = state.with_digests(manifest, known)
        if manifest != before:  # as it is where only vectors of this machine were missing
            state.publish(manifest)
        return Outcome(manifest, [part.partition("-")[0] for part in made])


def _is_up_to_date(before: Manifest, files: DatasetFiles, embedding_model: str, chosen: ModelSpec | None) -> bool:
    catalog = catalog_name(files.fingerprint)
    model = model_name(before.training_fingerprint, chosen or files.spec.model)
    return (
        (before.catalog, before.model) == (catalog, model)
        and (before.embedding_model, before.index_version) == (embedding_model, INDEX_VERSION)
        and before.chosen_model == chosen
    )


def _is_there(state: OpenState, name: str, checked: Collection[str]) -> bool:
    """True if a part is there, as it was made. An interrupted preparation or an earlier state may have left it.

    Args:
        checked: Names of parts that are known to be as they were made.
    """
    place = state.place_of(name)
    if not place.exists(name):
        return False
    if name in checked or place.is_whole(name):
        return True
    place.discard(name)
    return False


def catalog_name(dataset_fingerprint: str) -> str:
    """Name of the part that is a dataset's catalogue."""
    return f"catalog-{fingerprint(dataset_fingerprint, SCHEMA_VERSION)}"


def _make_catalog(state: OpenState, name: str, dataset: Dataset, progress: Progress) -> None:
    with progress.step("Loading the catalogue", len(dataset.interactions)) as step:
        state.parts.make_catalog(name, dataset, step.advance)


def _vectors_name(dataset: Dataset, texts: list[ItemText], embedding_model: str) -> str | None:
    """Name of the part that is a dataset's vector store, or None where there is nothing to search."""
    search = dataset.spec.search
    if search is None or not texts:
        return None
    content = fingerprint([vars(text) for text in texts])
    return f"vectors-{fingerprint(content, embedding_model, search.language, INDEX_VERSION)}"


def _make_vectors(
    state: OpenState, name: str, dataset: Dataset, texts: list[ItemText], embedding_model: str, progress: Progress
) -> None:
    assert dataset.spec.search is not None
    indexer = Bm25Indexer(dataset.spec.search.language)
    folder = state.folder.folder
    embedder = Embedder(embedding_model, folder / MODELS_FOLDER)
    pieces = list(dict.fromkeys(piece for text in texts for piece in [text.whole, *text.sentences]))
    with progress.step("Embedding texts", len(pieces)) as step:
        vectors = embed_cached(folder / "embeddings.sqlite", embedder, pieces, step.advance)
    points = (_point(text, vectors, indexer) for text in texts)
    with progress.step("Indexing vectors", len(texts)) as step:
        dimension = len(next(iter(vectors.values())))
        state.vectors.make_vectors(name, StoreContents(points, len(texts), dimension, embedding_model), step.advance)


def _point(text: ItemText, vectors: dict[str, FloatArray], indexer: Bm25Indexer) -> Point:
    return Point(
        text.item,
        vectors[text.whole],
        np.stack([vectors[sentence] for sentence in text.sentences]),
        indexer.document(text.words),
        text.digests,
    )


def model_name(training_fingerprint: str, model: ModelSpec) -> str:
    """Name of the part that is a model trained on certain interactions."""
    chosen = model.model_dump(include={"name", "settings"})
    return f"model-{fingerprint(training_fingerprint, chosen, TRAINING_VERSION)}"


def _make_model(
    state: OpenState, name: str, dataset: Dataset, wanted: ModelSpec, trained_on: str, progress: Progress
) -> None:
    def train(folder: Path) -> None:
        job = TrainJob(
            model=wanted.name,
            settings=wanted.settings,
            n_users=len(dataset.users),
            n_items=len(dataset.items),
            dataset=dataset.spec.name,
            fingerprint=trained_on,
            output=str(folder),
        )
        with progress.step(f"Training {wanted.name}") as step, state.folder.scratch() as scratch:

            def report(label: str, done: int, total: int, score: float | None) -> None:
                measured = "" if score is None else f" (NDCG@10 {score:.3f})"
                step.update(done, total, f"Training {label}{measured}")

            run_job(job, dataset.interactions, Path(scratch), report)

    state.parts.make_model(name, train)


def _training_fingerprint(dataset: Dataset) -> str:
    digest = hashlib.sha256(dataset.interactions.user.tobytes() + dataset.interactions.item.tobytes())
    return fingerprint(dataset.items.ids, dataset.users.ids, digest.hexdigest())
