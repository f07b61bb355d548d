"""Estimates of what preparing a dataset costs: time, memory and disk.

How fast this machine embeds is measured at once on a small sample; all else is in constants that were measured on 2
cores of a server, and is good to a factor of two.
"""

import time
from dataclasses import dataclass, replace

from mcp_server.dataset.records import Dataset
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.errors import TrainingError
from mcp_server.recommender.training.costs import Shape, cost_of, free_memory, plan
from mcp_server.recommender.training.jobs import AUTO
from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.trainable import trainable
from mcp_server.vectors.embedder import Embedder, dimension_of
from mcp_server.vectors.texts import item_texts

N_SAMPLED_TEXTS = 24

READ_ROWS_PER_SECOND = 400_000
"""Rows of CSV that are read and checked."""

LOADED_ROWS_PER_SECOND = 200_000
"""Rows that are written into the catalogue."""

BYTES_PER_ROW = 40
"""Bytes of an interaction in the catalogue, with its places in arrays."""

BYTES_PER_VECTOR = 4_500
"""Bytes of an embedded text: its vector in the store and in the cache of vectors."""

STORE_BYTES = 140e6
"""Bytes of a vector store that is nearly empty: the engine allots its files in advance."""

BASE_MEMORY = 600e6
"""Memory of PyTorch, the embedding model and the reading."""

ARTIFACT_BYTES = 0.3
"""Size of a model's file to the memory that its training takes, roughly."""


@dataclass(frozen=True)
class Costs:
    """Costs of a whole preparation, if nothing of it has been done before."""

    model: str
    seconds: dict[str, float]
    """By step: reading, loading, embedding, training. That of training is missing where nobody has measured it."""
    n_texts: int
    texts_per_second: float
    memory_bytes: float
    no_room: str | None
    """Why no model can be trained on this machine; None where one can."""
    disk_bytes: float

    @property
    def total_seconds(self) -> float:
        return sum(self.seconds.values())


def estimate(dataset: Dataset, n_rows: int, embedder: Embedder) -> Costs:
    """Estimate the costs of preparing a dataset.

    Args:
        n_rows: Rows of all sources.
    """
    texts = item_texts(dataset)
    pieces = list(dict.fromkeys(piece for text in texts for piece in text.pieces))
    speed = _texts_per_second(pieces, embedder)
    n_interactions = len(dataset.interactions)
    seconds = {
        "reading": n_rows / READ_ROWS_PER_SECOND,
        "loading": (n_interactions + len(dataset.items)) / LOADED_ROWS_PER_SECOND,
        "embedding": len(pieces) / speed if pieces else 0.0,
    }
    shape = _shape(dataset, dimension_of(embedder.model) if texts else 0)
    models, no_room = _models(dataset.spec, shape)
    found = [cost_of(model, shape) for model in models]
    known = [cost for cost in found if cost is not None]
    if len(known) == len(found):
        seconds["training"] = sum(cost.seconds for cost in known)
    of_training = max((cost.n_bytes for cost in known), default=0.0)
    vectors = STORE_BYTES + BYTES_PER_VECTOR * (len(pieces) + len(texts)) if pieces else 0.0
    return Costs(
        model=" or ".join(models),
        seconds=seconds,
        n_texts=len(pieces),
        texts_per_second=speed,
        memory_bytes=max(BASE_MEMORY, of_training),
        no_room=no_room,
        disk_bytes=ARTIFACT_BYTES * of_training + BYTES_PER_ROW * (n_interactions + len(dataset.items)) + vectors,
    )


def _models(spec: DatasetSpec, shape: Shape) -> tuple[tuple[str, ...], str | None]:
    """The models that would be trained, and why this machine has no room for them, if it has none."""
    if spec.model.name != AUTO:
        return (spec.model.name,), None
    try:
        return plan(shape, spec.nouns, free_memory()).models, None
    except TrainingError as error:
        return ("CKNN",), str(error)


def _shape(dataset: Dataset, dimension: int) -> Shape:
    """The size of what a model will be learned from.

    Args:
        dimension: Length of the vectors of texts.
    """
    interactions = trainable(dataset.interactions, dataset.spec.interactions.kind)
    shape = Shape.of(LearnedFrom.of(dataset, interactions, None))
    return replace(shape, n_rows=shape.n_rows + dimension)


def _texts_per_second(pieces: list[str], embedder: Embedder) -> float:
    """The speed of the embedding model, measured on a few of the texts."""
    if not pieces:
        return 0.0
    sample = sorted(pieces, key=len)[:: max(1, len(pieces) // N_SAMPLED_TEXTS)][:N_SAMPLED_TEXTS]
    embedder.embed_query("a test")  # loads the model
    began = time.perf_counter()
    embedder.embed(sample, lambda n: None)
    return len(sample) / (time.perf_counter() - began)
