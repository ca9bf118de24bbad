"""The supervision audit: what each pair of a version becomes under a model's tokenizer, before anything is trained."""

from collections import Counter
from typing import Any

from django.conf import settings
from django.db import transaction

from core.models import User
from core.services.jobs import job_create
from curation.models import DatasetVersion
from ml.audit import FORMAT
from ml.prompting import Template
from ml.recipe import Recipe
from training.choices import AuditState, ModelState, RunState
from training.models import Audit, BaseModel, Run

ROWS_A_CODE = 500  # of each problem; the counts are always complete
SHOWN = 12  # pairs shown in colours


@transaction.atomic
def audit_request(*, actor: User | None, version: DatasetVersion, base: BaseModel, max_tokens: int) -> Audit:
    """The audit of this question: the one that was made before, or a new one by a job. A failed one is made again."""
    key: dict[str, Any] = {
        "version": version,
        "base": base,
        "max_tokens": max_tokens,
        "template_sha256": Template.from_json(version.template).fingerprint,
    }
    audit, made = Audit.objects.select_for_update().get_or_create(**key)
    if made or audit.state == AuditState.FAILED or outdated(audit):
        audit.job = job_create(
            actor=actor,
            kind="audit",
            project=version.task.project,
            subject=str(audit),
            arguments={"audit": audit.pk},
            once_key=f"audit-{audit.pk}",
        )
        audit.state, audit.error = AuditState.RUNNING, ""
        audit.save(update_fields=["job", "state", "error"])
    return audit


def drafts_examine(*, base: BaseModel) -> None:
    """A model that drafts were waiting for is ready: have their pairs examined."""
    if base.state != ModelState.READY:
        return
    waiting = Run.objects.filter(base=base, audit=None, state=RunState.DRAFT, corpus=None)
    for run in waiting.select_related("version__task__project", "requested_by"):
        tokens = Recipe.from_json(run.recipe).max_tokens
        audit = audit_request(actor=run.requested_by, version=run.version, base=base, max_tokens=tokens)
        Run.objects.filter(pk=run.pk).update(audit=audit)


def outdated(audit: Audit) -> bool:
    """Whether an earlier version of the program made the report and looked for less."""
    return audit.state == AuditState.READY and audit.report.get("format") != FORMAT


def audit_store(*, audit: Audit, report: dict[str, Any]) -> None:
    """Keep the report, with at most ROWS_A_CODE rows of each problem."""
    kept: Counter[str] = Counter()
    rows = []
    for row in report["rows"]:
        kept[row["code"]] += 1
        if kept[row["code"]] <= ROWS_A_CODE:
            rows.append(row)
    Audit.objects.filter(pk=audit.pk).update(state=AuditState.READY, report={**report, "rows": rows}, error="")


def audit_failed(*, audit: Audit, reason: str) -> None:
    Audit.objects.filter(pk=audit.pk, state=AuditState.RUNNING).update(state=AuditState.FAILED, error=reason)


def audit_folder(audit: Audit) -> Any:
    return settings.RUN_STORE / f"audit-{audit.pk}"
