"""Taking over what a model said before to the very same questions, instead of having it say it again.

The outputs lie in the run directory under the number of an attempt before the first: the child looks there for what is
known already, and answers the rest.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _

from core.jobs import JobContext
from evaluation.models import Candidate, Output
from evaluation.selectors.asking import asking_of, question_of, said_before, settled
from ml.atomic import write_text
from ml.rundir import RunDir

KNOWN = 0  # the number of that attempt
NOT_ASKED = "not_asked"  # the finish reason of ml.generate where only the reference is scored
CHUNK = 2000
Examples = Sequence[tuple[int, dict[str, Any]]]


def outputs_reuse(*, run: RunDir, candidate: Candidate, examples: Examples, answers: int, context: JobContext) -> None:
    """Lay down what is known; if that is everything, the run is done without a child.

    `answers` of the examples are to be answered, the others are only scored.
    """
    model = candidate.model_version or candidate.base
    assert model is not None
    evaluation = candidate.evaluation
    candidate.asking = asking_of(model, evaluation.suite, evaluation.settings["max_new_tokens"])
    candidate.save(update_fields=["asking"])
    if run.read_done() is not None:
        return
    rows = list(known_rows(candidate, examples, answers))
    path = run.attempt_path(KNOWN) / "outputs.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    if rows:
        told = _("%(known)d of %(total)d items are known from earlier evaluations.")
        context.log(told % {"known": len(rows), "total": len(examples)})
    if len(rows) == len(examples):
        run.write_done({"result": f"{path.parent.name}/{path.name}", "items": len(rows)})


def known_rows(candidate: Candidate, examples: Examples, answers: int) -> Iterator[dict[str, Any]]:
    """Lines as the child would write them, in the order of the examples."""
    before = said_before(candidate.asking, candidate.evaluation.project_id).exclude(candidate=candidate)
    for start in range(0, len(examples), CHUNK):
        part = [
            (place, item, question_of(each))
            for place, (item, each) in enumerate(examples[start : start + CHUNK], start)
        ]
        found = before.filter(asked__in={question for _place, _item, question in part}).order_by("pk")
        scored = {output.asked: output for output in found}
        given = {output.asked: output for output in found.filter(settled())}
        for place, item, question in part:
            output = (given if place < answers else scored).get(question)
            if output is not None:
                yield row_of(output, item, asked=place < answers)


def row_of(output: Output, item: int, *, asked: bool) -> dict[str, Any]:
    answer = {
        "text": output.text,
        "finish_reason": output.finish_reason,
        "new_tokens": output.new_tokens,
        "seconds": output.seconds,
    }
    return {
        "id": str(item),
        **(answer if asked else {"text": "", "finish_reason": NOT_ASKED, "new_tokens": 0, "seconds": 0.0}),
        "prompt_tokens": output.prompt_tokens,
        "reference_loss": output.reference_loss,
        "reference_tokens": output.reference_tokens,
        "truncated_prompt": False,
        "reused_from": output.reused_from_id or output.pk,
    }
