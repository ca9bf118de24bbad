"""One model answers a suite: the worker's side. The answering itself is a child process over a run directory."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.child import supervise
from core.choices import JobState, Queue
from core.jobs import JobContext, JobFailed, JobRunner, job_kind
from core.models import Job
from curation.selectors.examples import suite_examples
from evaluation.choices import EvaluationState
from evaluation.models import Candidate
from evaluation.selectors.asking import template_of
from evaluation.selectors.suites import in_order_of_asking
from evaluation.services.evaluations import KIND
from evaluation.services.ingest import outputs_ingest
from evaluation.services.reuse import outputs_reuse
from evaluation.services.states import candidate_move
from ml.atomic import write_text
from ml.prompting import Template
from ml.rundir import GenerateSettings, RunDir, RunSpec
from ml.store import ModelRef
from training.selectors.refs import model_ref

# Measured on two cores, 30 answers at a time: so many tokens are written in the time that one reference is scored.
TOKENS_A_REFERENCE = 50
LEAN = 0.25  # of the whole that counts as done at the speed foretold
FINE = 10  # units of progress to one scored reference
# What the child says of its speed; selectors/estimates.py reads it.
MEASURED = (
    "seconds", "tokens_per_second", "loading_seconds", "answering_seconds", "reading_seconds", "steps", "new_tokens",
    "read_tokens",
)  # fmt: skip
ENDS = {
    JobState.DONE: EvaluationState.DONE,
    JobState.FAILED: EvaluationState.FAILED,
    JobState.CANCELLED: EvaluationState.CANCELLED,
}


@job_kind
class Evaluate(JobRunner):
    kind, queue, title = KIND, Queue.GENERATE, gettext_lazy("Evaluate a model")

    def run(self, context: JobContext) -> dict[str, Any]:
        """1. Describe the work in a run directory. 2. Lay down what the model said before to the same. 3. Let the child
        do the rest. 4. Take over its outputs and score them."""
        candidate = candidate_of(context.arguments["candidate"])
        candidate_move(candidate=candidate, state=EvaluationState.RUNNING)
        run = RunDir(settings.RUN_STORE / candidate.folder)
        examples = suite_in_order(candidate)
        write_directory(run, candidate, examples)
        longest = candidate.evaluation.settings["max_new_tokens"]
        answers = answers_of(candidate, len(examples))
        outputs_reuse(run=run, candidate=candidate, examples=examples, answers=answers, context=context)
        follow = Follow(context, answers, longest, self.expected_seconds(context.job))
        done = supervise(
            context,
            directory=run.path,
            command="generate",
            on_event=follow,
            grace=settings.STOP_GRACE_SECONDS,
        )
        context.log(_("Taking over the answers and scoring them."))
        count = outputs_ingest(
            candidate=candidate,
            path=outputs_path(run, done),
            examples=dict(examples),
            tell=context.log,
            guard=context.checkpoint,
        )
        return {"outputs": count, **{key: done.get(key) for key in MEASURED}}

    @classmethod
    def expected_seconds(cls, job: Job) -> float | None:
        candidate = Candidate.objects.select_related("evaluation").filter(pk=job.arguments["candidate"]).first()
        parts = candidate.evaluation.estimate.get("parts", []) if candidate else []
        return parts[candidate.ordinal] if candidate and len(parts) > candidate.ordinal else None

    def ended(self, job: Job) -> None:
        candidate = Candidate.objects.filter(pk=job.arguments["candidate"]).first()
        if candidate is not None:
            candidate_move(candidate=candidate, state=ENDS[JobState(job.state)], error=job.error)


class Follow:
    """Turns the child's progress into the job's: an answer counts for more than a score, so that the time left is
    honest while both are under way."""

    def __init__(self, context: JobContext, answers: int, longest: int, expected: float | None = None) -> None:
        self.context, self.answers, self.expected = context, answers, expected
        self.cost = 1 + longest / TOKENS_A_REFERENCE  # of an answer with the scoring of its reference
        self.first: tuple[float, int] | None = None

    def __call__(self, attempt: int, event: dict[str, Any]) -> None:
        if event.get("type") != "progress":
            return
        done, total = self.units(event["done"], event.get("part", 0.0)), self.units(event["total"])
        if self.first is None:
            self.first = (event["time"], done)
        rate = self.rate(event["time"] - self.first[0], done - self.first[1], total)
        self.context.progress(done, total, self.text(event), rate=rate)

    def text(self, event: dict[str, Any]) -> str:
        if event["done"] >= self.answers:
            return _("References scored: %(done)d of %(total)d") % {"done": event["done"], "total": event["total"]}
        written = min(self.answers, event["done"] + int(event.get("part", 0.0)))
        told = ngettext(
            "About %(done)d of %(total)d answer written, several at a time",
            "About %(done)d of %(total)d answers written, several at a time",
            self.answers,
        )
        return told % {"done": written, "total": self.answers}

    def rate(self, seconds: float, gained: float, total: int) -> float | None:
        """Units a second: what was measured, leant on what was foretold while little was measured, so that the time
        left does not jump about at the beginning."""
        if self.expected:
            return (gained + LEAN * total) / (seconds + LEAN * self.expected)
        return gained / seconds if seconds > 0 and gained else None

    def units(self, items: int, part: float = 0.0) -> int:
        """`part` is how many answers' worth the batch under way is done."""
        answers = min(items, self.answers)
        return round(((answers + part) * self.cost + items - answers) * FINE)


def candidate_of(candidate_id: int) -> Candidate:
    found = (
        Candidate.objects.select_related(
            "evaluation__suite__version", "evaluation__suite__task__project", "base", "model_version__base"
        )
        .filter(pk=candidate_id)
        .first()
    )
    if found is None:
        raise JobFailed(_("This evaluation was removed meanwhile."))
    return found


def answers_of(candidate: Candidate, items: int) -> int:
    return min(candidate.evaluation.settings["answers"] or items, items)


def suite_in_order(candidate: Candidate) -> list[tuple[int, dict[str, Any]]]:
    """(item id, example) in the order in which items are asked."""
    found = dict(suite_examples(candidate.evaluation.suite, at=candidate.evaluation.created_at))
    return [(item, found[item]) for item in in_order_of_asking(list(found), candidate.evaluation.settings["seed"])]


def write_directory(run: RunDir, candidate: Candidate, examples: list[tuple[int, dict[str, Any]]]) -> None:
    evaluation, version = candidate.evaluation, candidate.model_version
    base = candidate.base or (version.base if version else None)
    if base is None:
        raise JobFailed(_("This candidate names no model."))
    try:
        run.write_spec(
            RunSpec(
                kind="generate",
                run_id=str(candidate.pk),
                model=ModelRef.from_json(model_ref(base, version)),
                template=Template.from_json(template_of(version or base, evaluation.suite)),
                generate=GenerateSettings(**evaluation.settings, score_references=True),
                provenance={"evaluation": evaluation.pk, "suite": evaluation.suite.sha256},
            )
        )
    except ValueError as error:  # a wrong reference, a malformed template, or another specification in its place
        raise JobFailed(str(error)) from error
    write_text(run.items_path, "".join(json.dumps(example, ensure_ascii=False) + "\n" for _item, example in examples))


def outputs_path(run: RunDir, done: dict[str, Any]) -> Path:
    path = (run.path / str(done.get("result", ""))).resolve()
    if run.path.resolve() not in path.parents or not path.is_file():
        raise JobFailed(_("The answers are missing in %(folder)s. Evaluate again.") % {"folder": run.path})
    return path
