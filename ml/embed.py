"""Texts to vectors: mean-pooled, normalised sentence embeddings for search by meaning and near duplicates."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoModel

from ml.cli import fail
from ml.linear import use_onednn
from ml.loading import TRUST_REMOTE_CODE, best_device, use_threads
from ml.phrases import PhraseError, gettext_noop
from ml.score import batches_by_length
from ml.store import UnsafeModelError, check_safe_folder

# The published model was trained with this many tokens; longer texts are embedded by their beginning.
MAX_TOKENS = 256
_BATCH = 32
# Encoders whose hidden states are averaged over a text, by the `model_type` of config.json.
KINDS = ("bert", "roberta", "xlm-roberta", "camembert", "mpnet")
DIMENSIONS = 384  # of the vectors that the database keeps


class UnfitEmbedderError(PhraseError):
    """The model is none that texts are embedded with here."""

    code = "embedder"


class Embedder:
    """A sentence-embedding model in a folder. `dimensions` is the length of its vectors.

    A vector is the mean of the last hidden states over the text's tokens, divided by its length, so that the dot
    product of two is their cosine (Reimers and Gurevych 2019, mean pooling). Raises UnsafeModelError and
    UnfitEmbedderError.
    """

    def __init__(self, folder: Path | str) -> None:
        check_safe_folder(folder)
        _check_kind(Path(folder))
        self._tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        self._device = best_device()
        self._model: Any = AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=TRUST_REMOTE_CODE,
            dtype=torch.float32,
            add_pooling_layer=False,
        ).eval()
        self._model.to(self._device)
        use_onednn(self._model)
        self.dimensions = int(self._model.config.hidden_size)

    @torch.inference_mode()
    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector of length 1 for each text, in order."""
        encoded = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        vectors: list[list[float]] = [[]] * len(encoded)
        for batch in batches_by_length([len(ids) for ids in encoded], _BATCH):
            for index, vector in zip(batch, self._embed([encoded[index] for index in batch]), strict=True):
                vectors[index] = vector
        return vectors

    def _embed(self, rows: Sequence[list[int]]) -> list[list[float]]:
        longest = max(map(len, rows))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows], device=self._device)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=self._device)
        hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).float()
        mean = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
        return torch.nn.functional.normalize(mean, dim=-1).cpu().double().round(decimals=7).tolist()


def _check_kind(folder: Path) -> None:
    """Raise UnfitEmbedderError for a model whose vectors cannot be made or kept here, before any library tries it."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kind, dimensions = config.get("model_type"), config.get("hidden_size")
    except (OSError, ValueError, AttributeError) as error:
        raise UnfitEmbedderError(
            gettext_noop("The embedding model in %(folder)s has no readable config.json."), folder=str(folder)
        ) from error
    if kind not in KINDS:
        text = gettext_noop(
            "The embedding model in %(folder)s is of the kind “%(kind)s”. Supported are the kinds %(kinds)s, such as "
            "all-MiniLM-L6-v2 and paraphrase-multilingual-MiniLM-L12-v2."
        )
        raise UnfitEmbedderError(text, folder=str(folder), kind=str(kind), kinds=", ".join(KINDS))
    if dimensions != DIMENSIONS:
        text = gettext_noop(
            "The vectors of the embedding model in %(folder)s have %(found)s numbers. Supported are models of "
            "%(wanted)d, such as all-MiniLM-L6-v2 and paraphrase-multilingual-MiniLM-L12-v2."
        )
        raise UnfitEmbedderError(text, folder=str(folder), found=str(dimensions), wanted=DIMENSIONS)


def _embed_command(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ml embed", description="Embed JSON texts, one a line on standard input; one vector a line out."
    )
    parser.add_argument("model", type=Path)
    options = parser.parse_args(arguments)
    try:
        embedder = Embedder(options.model)
        texts = [str(json.loads(line)) for line in sys.stdin if line.strip()]
    except (UnsafeModelError, UnfitEmbedderError, json.JSONDecodeError, OSError) as error:
        return fail(str(error))
    use_threads(0)
    for vector in embedder.embed(texts) if texts else ():
        sys.stdout.write(json.dumps(vector) + "\n")
    return 0


COMMANDS = {"embed": _embed_command}
