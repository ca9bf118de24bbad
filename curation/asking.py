"""Background work that asks a model: a child process over a run directory does the asking (core/child.py)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.child import supervise
from core.choices import Queue
from core.denied import ApplicationError
from core.jobs import JobContext, JobFailed, JobRunner, job_kind
from core.models import Job
from core.registries import AskableModel
from curation.models import Drafting
from curation.selectors.examples import task_template
from curation.services.drafting import KIND, draft_store, drafting_ended, drafting_example, model_named
from ml.atomic import write_text
from ml.prompting import Template
from ml.rundir import GenerateSettings, RunDir, RunSpec
from ml.store import ModelRef

BATCH = 8


@job_kind
class WriteDrafts(JobRunner):
    kind, queue, title = KIND, Queue.GENERATE, gettext_lazy("Write drafts")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        """1. Describe what is asked. 2. Let the child answer. 3. Put each answer beside its question."""
        drafting = Drafting.objects.select_related("task__project").filter(pk=context.arguments["drafting"]).first()
        if drafting is None:
            raise JobFailed(_("This was removed meanwhile."))
        drafts = list(drafting.drafts.select_related("question__task").order_by("pk"))
        if not drafts:
            raise JobFailed(_("No question of this is left without an answer; ask a model anew."))
        examples = [drafting_example(draft) for draft in drafts]
        asked = GenerateSettings(max_new_tokens=drafting.settings["max_new_tokens"], batch_size=BATCH)
        try:
            model = model_named(drafting.task, drafting.model_key)
        except ApplicationError as error:
            raise JobFailed(str(error)) from error
        template = model.template or task_template(drafting.task)
        outputs = model_asked(context, f"drafts-{drafting.pk}", model, template, examples, asked)
        by_id = {str(draft.pk): draft for draft in drafts}
        written = sum(
            draft_store(draft=by_id[row["id"]], text=row["text"].strip(), finish_reason=row["finish_reason"])
            for row in outputs
        )
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
    """The model's outputs (ml.generate), in the order of the examples. A restart goes on from what was answered.

    Raises JobFailed for a model or template that cannot be used, and what `supervise` raises.
    """
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
            words = _("%(done)d of %(total)d texts") % {"done": event["done"], "total": event["total"]}
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
