"""Background work that asks a model: a child process over a run directory does the asking (core/child.py)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.child import supervise
from core.choices import Queue
from core.jobs import JobContext, JobFailed, JobRunner, job_kind
from core.models import Job
from core.registries import AskableModel
from curation.models import Drafting, Task
from curation.selectors.examples import task_template
from curation.selectors.uncertainty import sample_examples, scored_examples
from curation.services.agreement import KIND as KIND_AGREEMENT
from curation.services.agreement import likeness_measure
from curation.services.drafting import KIND as KIND_DRAFT
from curation.services.drafting import (
    draft_store,
    drafting_ended,
    drafting_example,
    model_named,
    passage_example,
    question_read,
)
from curation.services.ordering import KIND, KIND_UNCERTAIN, work_reorder
from curation.services.uncertainty import losses_store, uncertainty_store
from ml.atomic import write_text
from ml.prompting import Template
from ml.rundir import GenerateSettings, RunDir, RunSpec
from ml.store import ModelRef

BATCH = 8
ASKING = GenerateSettings(max_new_tokens=60, batch_size=BATCH)
SAMPLING = GenerateSettings(max_new_tokens=60, batch_size=BATCH, temperature=0.8, top_p=0.95, seed=1)
# Answers are not wanted here, but one is asked for: none at all would mean all of them.
SCORING = GenerateSettings(answers=1, max_new_tokens=1, batch_size=BATCH, score_references=True)


@job_kind
class WriteDrafts(JobRunner):
    kind, queue, title = KIND_DRAFT, Queue.GENERATE, gettext_lazy("Write drafts")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        """1. Describe what is asked. 2. Let the child answer; from a passage it writes the question before. 3. Put each
        answer beside its question."""
        drafting = Drafting.objects.select_related("task__project").filter(pk=context.arguments["drafting"]).first()
        if drafting is None:
            raise JobFailed(_("This was removed meanwhile."))
        parts = ("question__task", "passage__document", "drafting__task")
        drafts = list(drafting.drafts.select_related(*parts).order_by("pk"))
        if not drafts:
            raise JobFailed(_("No question of this is left without an answer; ask a model anew."))
        asked = GenerateSettings(max_new_tokens=drafting.settings["max_new_tokens"], batch_size=BATCH)
        model = model_named(drafting.task, drafting.model_key)
        template = model.template or task_template(drafting.task)
        folder, by_id = f"drafts-{drafting.pk}", {str(draft.pk): draft for draft in drafts}
        bare = [passage_example(draft, template) for draft in drafts if draft.question is None]
        said = model_asked(context, f"{folder}-questions", model, template, bare, ASKING)
        asked_for = {example["id"] for example in bare}
        read = {row["id"]: question_read(row["text"]) for row in said if row["id"] in asked_for}
        questions = {key: found for key, found in read.items() if found}
        examples = [drafting_example(draft) for draft in drafts if draft.question is not None]
        examples += [passage_example(by_id[key], template, found) for key, found in questions.items()]
        written = sum(
            draft_store(
                draft=by_id[row["id"]], text=row["text"].strip(), finish_reason=row["finish_reason"],
                question=questions.get(row["id"], ""),
            )
            for row in model_asked(context, folder, model, template, examples, asked)
        )  # fmt: skip
        return {"asked": len(drafts), "written": written}

    def ended(self, job: Job) -> None:
        drafting = Drafting.objects.filter(pk=job.arguments["drafting"]).first()
        if drafting is not None:
            drafting_ended(drafting)


def model_asked(
    context: JobContext,
    folder: str,
    model: AskableModel,
    template: dict[str, Any],
    examples: list[dict[str, Any]],
    asked: GenerateSettings,
) -> Iterator[dict[str, Any]]:
    """The model's outputs (ml.generate), in the order of the examples; none for none. A restart goes on from what was
    answered.

    Raises JobFailed for a model or template that cannot be used, and what `supervise` raises.
    """
    if not examples:
        return iter(())
    run = RunDir(settings.RUN_STORE / folder)
    try:
        run.write_spec(
            RunSpec(
                kind="generate",
                run_id=folder,
                model=ModelRef.from_json(model.ref),
                template=Template.from_json(template),
                generate=asked,
                provenance={"model": model.key},
            )
        )
    except ValueError as error:
        raise JobFailed(str(error)) from error
    write_text(run.items_path, "".join(json.dumps(example, ensure_ascii=False) + "\n" for example in examples))

    def follow(_attempt: int, event: dict[str, Any]) -> None:
        if event.get("type") == "progress":
            words = ngettext("%(done)d of %(total)d text", "%(done)d of %(total)d texts", event["total"]) % {
                "done": event["done"],
                "total": event["total"],
            }
            context.progress(event["done"], event["total"], words)

    done = supervise(
        context, directory=run.path, command="generate", on_event=follow, grace=settings.STOP_GRACE_SECONDS
    )
    path = (run.path / str(done.get("result", ""))).resolve()
    if run.path.resolve() not in path.parents or not path.is_file():
        raise JobFailed(_("The texts are missing in %(folder)s. Start it again.") % {"folder": run.path})
    return outputs_read(path)


def outputs_read(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


@job_kind
class MeasureUncertainty(JobRunner):
    """Four sampled answers to each open question: the more they differ, the less the model knows. For pairs under
    review, how unlikely the model finds the response. Both become the order of the work."""

    kind, queue, title = KIND_UNCERTAIN, Queue.GENERATE, gettext_lazy("Order work by a model’s uncertainty")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        task = Task.objects.select_related("project").filter(pk=context.arguments["task"]).first()
        if task is None:
            raise JobFailed(_("This was removed meanwhile."))
        model = model_named(task, context.arguments["model"])
        work_reorder(task)
        template = model.template or task_template(task)
        folder = f"uncertainty-{context.job.pk}"
        sampled = model_asked(context, f"{folder}-samples", model, template, sample_examples(task), SAMPLING)
        questions = uncertainty_store(task, sampled)
        scored = model_asked(context, f"{folder}-losses", model, template, scored_examples(task), SCORING)
        return {"questions": questions, "reviews": losses_store(task, scored)}


@job_kind
class OrderWork(JobRunner):
    kind, queue, title = KIND, Queue.DEFAULT, gettext_lazy("Order work")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        task = Task.objects.filter(pk=context.arguments["task"]).first()
        return {"items": work_reorder(task)} if task else None


@job_kind
class CompareAnswers(JobRunner):
    kind, queue, title = KIND_AGREEMENT, Queue.DEFAULT, gettext_lazy("Compare people’s answers")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        task = Task.objects.filter(pk=context.arguments["task"]).first()
        return likeness_measure(task) if task else None
