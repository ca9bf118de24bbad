"""The text checks on models' answers: the same checks as on people's pairs, with the reference at hand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from curation.fingerprints import Texts
from curation.selectors.checking import Surroundings
from curation.selectors.findings import Judged
from evaluation.models import Output
from ml.checks import CheckContext

FIELD = "response"


@dataclass(frozen=True)
class Answer:
    """An output with the item it answers, in the shape of ml.prompting.Example."""

    output: Output
    example: dict[str, Any]


def context_of(example: dict[str, Any], around: Surroundings) -> CheckContext:
    """What the checks know of an answer. The words of the reference are accepted like those of the question; the limit
    on a pair's tokens does not speak of answers, which end at the evaluation's own limit."""
    names = ("instruction", "input", "response", "language")
    context = around.context(Texts(**{name: example[name] for name in names}), FIELD, None)
    reference = example["response"]
    return replace(context, prompt=f"{context.prompt}\n{reference}", reference=reference, max_tokens=None)


def answers_judge(answers: Sequence[Answer], around: Surroundings) -> list[Judged]:
    """What the checks say of each answer; nothing is stored."""
    return around.judge([(answer.output.text, context_of(answer.example, around)) for answer in answers])
