"""The embedding model gives the similarities that its publishers show, and vectors of length 1.

The three similarities are those of the model's published example (sentence-transformers/all-MiniLM-L6-v2).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

_FOLDER = Path(os.environ.get("APPRENTICE_EMBEDDER", Path(__file__).parents[2] / "var/models/base/all-minilm-l6-v2"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (_FOLDER / "model.safetensors").is_file(), reason="the embedding model is not unpacked; run `make up` once"
    ),
]


def test_similarities_equal_the_published_ones() -> None:
    from ml.embed import Embedder

    embedder = Embedder(_FOLDER)
    texts = ["That is a happy person", "That is a happy dog", "That is a very happy person", "Today is a sunny day"]
    vectors = np.array(embedder.embed(texts))
    assert vectors.shape == (4, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[1:] @ vectors[0] == pytest.approx([0.69457, 0.94291, 0.25687], abs=2e-4)
    again = np.array([embedder.embed([text])[0] for text in texts])
    assert np.allclose(again, vectors, atol=1e-5)
