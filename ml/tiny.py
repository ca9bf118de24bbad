"""A tiny random model with its own tokenizer and chat template: made in a moment, for tests and dry runs.

It has the shape of a real one (Llama architecture, byte-level BPE, ChatML template), so every code path is the real
path; it only knows nothing. Needs torch and transformers.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM, PreTrainedModel

from ml.bpe import CHATML, SPECIAL, train_bpe, write_tokenizer
from ml.cli import print_json
from ml.store import ModelRef

_CORPUS = (
    "The apprentice learns from pairs that experts wrote. Ask a question and read the answer: who, what, when, where? "
    "A floor, a wall, a roof and a window; order, deliver, measure, cut. Numbers 0 1 2 3 4 5 6 7 8 9. "
    "Yes, no, perhaps. user assistant system question answer instruction input response category short long "
) * 4


def make_tiny_model(
    folder: Path | str,
    *,
    seed: int = 0,
    chat_template: str = CHATML,
    hidden_size: int = 32,
    layers: int = 2,
    vocabulary_size: int = 400,
    tie_embeddings: bool = True,
    special: tuple[str, ...] = SPECIAL,
) -> Path:
    """Write a random Llama model and its tokenizer into `folder` as safetensors, and return the folder.

    The same arguments give the same bytes. `vocabulary_size` counts tokens, at least 260.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    size = write_tiny_tokenizer(root, chat_template=chat_template, vocabulary_size=vocabulary_size, special=special)
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=hidden_size,
        intermediate_size=hidden_size * 2,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
        tie_word_embeddings=tie_embeddings,
    )
    drawn(lambda: LlamaForCausalLM(config), seed).save_pretrained(root)
    return root


def make_tiny_embedder(folder: Path | str, *, seed: int = 0, dimensions: int = 384) -> Path:
    """Write a random sentence-embedding model and its tokenizer into `folder`, and return the folder.

    Its vectors tell texts apart by the pieces that they are made of, and say nothing of what they mean.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    config = BertConfig(
        vocab_size=write_tiny_tokenizer(root, chat_template=""),
        hidden_size=dimensions,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=4,
    )
    drawn(lambda: BertModel(config, add_pooling_layer=False), seed).save_pretrained(root)
    return root


def drawn(make: Callable[[], PreTrainedModel], seed: int) -> PreTrainedModel:
    """A model whose weights are drawn by the seed; what is drawn afterwards is as it would have been."""
    state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    model = make()
    torch.random.set_rng_state(state)
    return model


def write_tiny_tokenizer(
    folder: Path, *, chat_template: str = CHATML, vocabulary_size: int = 400, special: tuple[str, ...] = SPECIAL
) -> int:
    """Write a byte-level BPE tokenizer into `folder`; returns its number of tokens.

    The first three of the `special` tokens are the unknown, begin-of-text and end-of-text ones.
    """
    tokenizer = train_bpe([_CORPUS], vocabulary_size, special)
    return write_tokenizer(tokenizer, folder, 2048, special=special, chat_template=chat_template)


def _tiny_command(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m ml tiny", description="Make a tiny random model for tests.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    print_json(ModelRef.of(make_tiny_model(options.out, seed=options.seed)).to_json())
    return 0


COMMANDS = {"tiny": _tiny_command}
