"""Texts become vectors of length 1, the same alone as among others; a random model stands for the published one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from transformers import AutoConfig, AutoModel

from ml.embed import KINDS, Embedder, UnfitEmbedderError
from ml.tiny import make_tiny_embedder, make_tiny_model


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


def test_a_model_that_texts_are_not_embedded_with_is_refused_by_name_with_what_is_supported(tmp_path: Path) -> None:
    decoder = make_tiny_model(tmp_path / "decoder")
    with pytest.raises(UnfitEmbedderError, match=r"of the kind “llama”\. Supported are the kinds bert, roberta"):
        Embedder(decoder)
    narrow = make_tiny_embedder(tmp_path / "narrow", dimensions=64)
    with pytest.raises(UnfitEmbedderError, match=r"have 64 numbers\. Supported are models of 384, such as all-MiniLM"):
        Embedder(narrow)
    (narrow / "config.json").write_text("[]")
    with pytest.raises(UnfitEmbedderError, match=r"has no readable config\.json"):
        Embedder(narrow)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_that_is_named_embeds(kind: str, tmp_path: Path) -> None:
    folder = make_tiny_embedder(tmp_path)
    sizes = {"hidden_size": 384, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4}
    config = AutoConfig.for_model(kind, vocab_size=400, max_position_embeddings=300, **sizes)
    AutoModel.from_config(config, add_pooling_layer=False).save_pretrained(folder)
    vectors = np.array(Embedder(folder).embed(["A beam.", "A beam carries the roof. " * 90]))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
