"""Tokenizers in the web process, and how long a pair is by them. One load a process, about 0.2 s each."""

from functools import lru_cache
from os.path import relpath
from pathlib import Path

from django.conf import settings

from core.models import Tokenizer as TokenizerRow
from curation.fingerprints import Texts
from curation.models import Task
from ml.prompting import Example, Template, Tokenizer, Turn, characters_within, encode_pair


def task_tokenizer(task: Task) -> Tokenizer | None:
    """The task's own tokenizer, else the usual one; None while no model is registered."""
    return load_row(task.tokenizer or usual_tokenizer())


def usual_tokenizer() -> TokenizerRow | None:
    """The starter model's, so that no model that comes later changes what was counted; without it the first by name."""
    starter = relpath(settings.STARTER_MODEL, settings.MODEL_STORE)
    return min(TokenizerRow.objects.all(), key=lambda row: (row.folder != starter, row.name), default=None)


def load_row(row: TokenizerRow | None) -> Tokenizer | None:
    return load(str(Path(settings.MODEL_STORE) / row.folder)) if row else None


@lru_cache(maxsize=4)
def load(folder: str) -> Tokenizer | None:
    """None when the folder is gone: a missing model must not keep people from writing."""
    try:
        return Tokenizer.load(folder)
    except (OSError, ValueError):
        return None


def limit_in_response(texts: Texts, task: Task, tokenizer: Tokenizer) -> int | None:
    """The character of the response at which the task's longest pair ends; None when the pair is not too long."""
    encoded = encode_pair(as_example(texts, task), Template.from_json(task.template), tokenizer, task.max_tokens)
    return characters_within(encoded, tokenizer, task.max_tokens)


def count_tokens(texts: Texts, task: Task, tokenizer: Tokenizer) -> int:
    """Tokens of prompt, response and end mark together, as a training would see them."""
    encoded = encode_pair(as_example(texts, task), Template.from_json(task.template), tokenizer, task.max_tokens)
    if encoded.ids:
        return len(encoded.ids)
    # A model without a chat template cannot render a chat; the plain texts are the nearest honest number.
    return sum(
        map(tokenizer.count, (texts.system or task.system_prompt, texts.instruction, texts.input, texts.response))
    )


def as_example(texts: Texts, task: Task, key: str = "0") -> Example:
    return Example(
        id=key,
        system=texts.system or task.system_prompt,
        instruction=texts.instruction,
        input=texts.input,
        response=texts.response,
        turns=tuple(Turn(turn["role"], turn["content"]) for turn in texts.turns),  # type: ignore[arg-type]
        language=texts.language,
    )
