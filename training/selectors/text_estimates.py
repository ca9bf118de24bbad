"""How much text a prepared pretraining learns from, and how long that takes, by its first texts."""

from dataclasses import dataclass
from pathlib import Path

from curation.selectors.corpora import texts_of
from ml.prompting import Tokenizer, TokenizerError
from ml.recipe import Recipe
from training.choices import RunState
from training.models import Run
from training.selectors.refs import folder_of

LOOKED_AT = 40  # texts whose tokens are counted for the estimate


@dataclass(frozen=True)
class TextForecast:
    """From the first texts: bytes a token, tokens of the training part, steps; seconds if a speed is known."""

    bytes_a_token: float
    tokens: int
    steps: int
    seen: int
    seconds: float | None


def text_forecast(run: Run, recipe: Recipe) -> TextForecast | None:
    """None if the tokenizer or the texts cannot be read."""
    assert run.corpus is not None
    texts = [row["text"] for row in texts_of(run.corpus, "train", limit=LOOKED_AT)]
    try:
        tokenizer = Tokenizer.load(Path(folder_of(run.base)))
    except (TokenizerError, OSError):
        return None
    counted = sum(map(len, tokenizer.encode_texts(texts)))
    size = sum(len(text.encode()) for text in texts)
    if not counted:
        return None
    tokens = round(run.corpus.train_bytes * counted / size)
    a_step = recipe.block_tokens * recipe.batch_size * recipe.accumulation
    steps = max(1, round(tokens * recipe.epochs / a_step))
    steps = min(steps, recipe.max_steps) if recipe.max_steps else steps
    return TextForecast(size / counted, tokens, steps, steps * a_step, seconds(run, recipe, steps * a_step))


def seconds(run: Run, recipe: Recipe, seen: int) -> float | None:
    """By the measured speed of the last pretraining of a model of this size by this method."""
    done = Run.objects.filter(state=RunState.DONE, recipe__method=recipe.method, base__parameters=run.base.parameters)
    last = done.exclude(corpus=None).first()
    speed = (last.result.get("tokens_per_second") or 0) if last else 0
    return seen / speed if speed else None
