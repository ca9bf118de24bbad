"""Texts become vectors of length 1, the same alone as among others; a random model stands for the published one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml.embed import Embedder
from ml.tiny import make_tiny_embedder


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    return Embedder(make_tiny_embedder(tmp_path_factory.mktemp("embedder")))


def test_vectors_have_length_one_and_do_not_depend_on_what_stands_beside_a_text(embedder: Embedder) -> None:
    texts = ["A beam.", "A beam carries the roof, and the wall carries the beam. " * 9, "A beam.", "Wer trägt es?"]
    vectors = np.array(embedder.embed(texts))
    assert vectors.shape == (4, embedder.dimensions) == (4, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    alone = np.array([embedder.embed([text])[0] for text in texts])
    assert np.allclose(alone, vectors, atol=1e-5)
    assert np.allclose(vectors[0], vectors[2])
    assert vectors[0] @ vectors[3] < 0.99


def test_the_same_seed_gives_the_same_model(tmp_path: Path) -> None:
    weights = [(make_tiny_embedder(tmp_path / name) / "model.safetensors").read_bytes() for name in ("one", "two")]
    assert weights[0] == weights[1]
