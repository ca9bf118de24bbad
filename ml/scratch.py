"""A new model from nothing but a corpus: a tokenizer learnt from its text, and a small Llama with random weights.

It knows nothing yet. Pretraining on the corpus teaches it to go on with a text; finetuning then teaches it to answer.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from ml.atomic import new_folder, write_json
from ml.bpe import train_bpe, write_tokenizer
from ml.cli import fail, print_json
from ml.isolation import IsolationError, isolate
from ml.lifeline import watch_lifeline
from ml.phrases import sentence_of
from ml.sizes import CONTEXT, SIZES, ModelSize
from ml.store import fingerprint, tokenizer_fingerprint
from ml.train.data import DataError
from ml.train.texts import NO_TEXT, TRAIN, read_texts

MOST_BYTES = 200_000_000  # of text are enough to choose the tokens of a small vocabulary


def make_scratch(
    texts: Path, out: Path, *, name: str, size: str, vocabulary: int = 0, seed: int = 0, source: str = ""
) -> dict[str, Any]:
    """Write a new model of a size named in `ml.sizes` into `out`; returns what apprentice.json says.

    1. Learn a byte-level BPE vocabulary from the training part of the corpus `texts` (0: as large as the size has it).
    2. Make a Llama of that size with random weights. 3. Save weights, tokenizer, chat template and facts in one step.
    The same arguments give the same bytes. Raises DataError if the corpus cannot be read or has no text.
    """
    shape = SIZES[size]
    tokenizer = train_bpe(_some(read_texts(texts, TRAIN)), vocabulary or shape.vocabulary)
    with new_folder(out) as folder:
        tokens = write_tokenizer(tokenizer, folder, CONTEXT)
        model = _random_model(shape, tokens, seed)
        model.save_pretrained(folder)
        facts = {
            "format": 1,
            "kind": "base",
            "name": name,
            "licence": "",
            "source": source,
            "remark": "from scratch, knows nothing yet",
            "size": size,
            "seed": seed,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "fingerprint": fingerprint(folder),
            "tokenizer_fingerprint": tokenizer_fingerprint(folder),
        }
        write_json(folder / "apprentice.json", facts)
    return facts


def _random_model(shape: ModelSize, tokens: int, seed: int) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=tokens,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=CONTEXT,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
        tie_word_embeddings=True,
    )
    state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    try:
        return LlamaForCausalLM(config)
    finally:
        torch.random.set_rng_state(state)


def _some(texts: Iterable[str]) -> Iterable[str]:
    """Texts up to MOST_BYTES together. Raises DataError if there are none."""
    iterator = iter(texts)
    first = next(iterator, None)
    if first is None:
        raise DataError(NO_TEXT)
    left = MOST_BYTES
    for text in chain([first], iterator):
        yield text
        left -= len(text)
        if left <= 0:
            return


def _scratch_command(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m ml scratch", description="Make a new model from a corpus.")
    parser.add_argument("texts", type=Path, help='JSONL: {"id", "text", "part"}, the part train or heldout')
    parser.add_argument("out", type=Path)
    parser.add_argument("--name", default="from scratch")
    parser.add_argument("--size", choices=list(SIZES), default="small")
    parser.add_argument("--vocabulary", type=int, default=0, help="tokens at most; 0 takes the size's own")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--source", default="")
    options = vars(parser.parse_args(arguments))
    try:
        isolate("forbidden")
        watch_lifeline()
        facts = make_scratch(options.pop("texts"), options.pop("out"), **options)
    except (DataError, IsolationError, OSError) as error:
        return fail(sentence_of(error))
    print_json(facts)
    return 0


COMMANDS = {"scratch": _scratch_command}
