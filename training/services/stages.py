"""The same words to a model at three stages: one that knows nothing, one that has read, one that answers."""

import json
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.model_server import chat, next_tokens
from ml.prompting import Example
from training.models import BaseModel, ModelVersion
from training.selectors.refs import model_ref
from training.services.directories import AS_IT_STANDS

LONGEST = 1_000
NEW_TOKENS = 60
MOST_TOKENS = 300


@dataclass(frozen=True)
class Said:
    text: str
    seconds: float


def stage_answer(*, model: BaseModel | ModelVersion, prompt: str, new_tokens: int = NEW_TOKENS) -> Said:
    """What a model makes of a prompt: a base model goes on with it as it stands, a model version answers it as taught.

    Raises ApplicationError.
    """
    refuse_length(prompt)
    if not 1 <= new_tokens <= MOST_TOKENS:
        raise ApplicationError(_("Ask for 1 to %d tokens.") % MOST_TOKENS, field="new_tokens")
    if isinstance(model, ModelVersion):
        reference, template = model_ref(model.base, model), model.template
        example = Example(id="stage", instruction=prompt, system=model.run.version.system_prompt)
    else:
        reference, template = model_ref(model), AS_IT_STANDS.to_json()
        example = Example(id="stage", instruction=prompt)
    said, seconds = "", 0.0
    for line in chat(model=reference, template=template, example=example.to_json(), max_new_tokens=new_tokens):
        told: dict[str, Any] = json.loads(line)
        if "error" in told:
            raise ApplicationError(str(told["error"]))
        said += told.get("text", "")
        seconds = told.get("seconds", seconds)
    return Said(said, seconds)


def stage_tokens(*, model: BaseModel | ModelVersion, text: str) -> list[dict[str, Any]]:
    """How a model reads a text, and the five tokens it holds likeliest at each place. Raises ApplicationError."""
    refuse_length(text)
    base, version = (model.base, model) if isinstance(model, ModelVersion) else (model, None)
    return next_tokens(model=model_ref(base, version), text=text)


def refuse_length(text: str) -> None:
    if not text.strip() or len(text) > LONGEST:
        raise ApplicationError(_("Write from 1 to %d characters.") % LONGEST, field="prompt")
