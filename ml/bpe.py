"""A tokenizer learnt from text: byte-level BPE, so that any text can be written, with the control tokens of a chat."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
LEAST = 256 + len(SPECIAL)  # one token a byte, and the control tokens


def train_bpe(texts: Iterable[str], vocabulary: int, special: tuple[str, ...] = SPECIAL) -> Tokenizer:
    """Learn at most `vocabulary` tokens from texts. The same texts give the same tokenizer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=max(LEAST, vocabulary),
        special_tokens=[AddedToken(token, special=True, normalized=False) for token in special],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def write_tokenizer(
    tokenizer: Tokenizer,
    folder: Path,
    longest: int,
    *,
    special: tuple[str, ...] = SPECIAL,
    chat_template: str = CHATML,
) -> int:
    """Write a tokenizer into a model folder; returns its number of tokens.

    Of the `special` tokens the first stands for the unknown, the second begins a text, the third ends it.
    """
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": special[1],
        "eos_token": special[2],
        "pad_token": special[2],
        "unk_token": special[0],
        "clean_up_tokenization_spaces": False,
        "model_max_length": longest,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2), encoding="utf-8")
    if chat_template:
        (folder / "chat_template.jinja").write_text(chat_template, encoding="utf-8")
    return tokenizer.get_vocab_size()
