"""A short measured trial of a prepared run on this machine."""

import shutil
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.models import User
from core.services.events import event_record
from core.services.jobs import job_create
from curation.choices import CorpusState
from ml.devices import can_squeeze
from training.choices import AuditState, ModelState, RunState
from training.models import Probe, Run
from training.selectors.probes import probe_key

TRIED = ("lora", "partial", "full")
TRIED_ON_TEXT = ("lora", "full")
SECONDS = 20.0  # of training for each method


@transaction.atomic
def probe_request(*, actor: User, run: Run) -> Probe:
    """Have a prepared run tried by LoRA, partial and full training, and by its own method. An answer that is there
    already is kept; a pretraining is tried by the methods that it has. Raises ApplicationError if the run was launched
    or is not prepared yet."""
    run = (
        Run.objects.select_for_update(of=("self",))
        .select_related("project", "base", "version", "corpus", "audit")
        .get(pk=run.pk)
    )
    if run.state != RunState.DRAFT:
        raise ApplicationError(_("This run was launched already; its settings never change. Prepare a new one."))
    if run.base.state != ModelState.READY:
        raise ApplicationError(_("The model is not ready yet; try the run afterwards."))
    if run.corpus is not None and run.corpus.state != CorpusState.READY:
        raise ApplicationError(_("The corpus is not ready yet; try the run afterwards."))
    if run.corpus is None and (run.audit is None or run.audit.state != AuditState.READY):
        raise ApplicationError(_("The pairs are still being examined; try the run afterwards."))
    key = probe_key(run)
    probe, _made = Probe.objects.get_or_create(run=run, defaults={"base": run.base, "key": ""})
    if probe.key == key and probe.state != AuditState.FAILED:
        return probe
    probe.base, probe.key, probe.state, probe.error, probe.report = run.base, key, AuditState.RUNNING, "", {}
    probe.job = job_create(
        actor=actor,
        kind="probe",
        project=run.project,
        subject=run.name,
        subject_url=f"/p/{run.project.slug}/training/{run.pk}/check/",
        arguments={"probe": probe.pk, "key": key},
        once_key=f"probe-{probe.pk}-{key[:12]}",
        priority=1,
    )
    probe.save()
    event_record(actor=actor, action="run.probed", project=run.project, subject=run, summary=run.name)
    return probe


def methods_tried(run: Run) -> list[str]:
    own = run.recipe["method"]
    if run.corpus_id:
        # A model that was made here knows nothing yet: all its weights have to learn.
        return [own, *(method for method in TRIED_ON_TEXT if method != own and not run.base.size)]
    return [own, *(method for method in (*TRIED, *(("qlora",) if can_squeeze() else ())) if method != own)]


def probe_store(*, probe: Probe, key: str, trials: list[dict[str, Any]]) -> None:
    """Keep what was measured, unless the run was changed meanwhile."""
    found = Probe.objects.filter(pk=probe.pk, key=key)
    found.update(state=AuditState.READY, report={"trials": trials}, error="")


def probe_failed(*, probe: Probe, key: str, reason: str) -> None:
    Probe.objects.filter(pk=probe.pk, key=key, state=AuditState.RUNNING).update(state=AuditState.FAILED, error=reason)


def probe_folder(probe: Probe) -> Any:
    return settings.RUN_STORE / f"probe-{probe.pk}"


def probe_clear(probe: Probe) -> None:
    shutil.rmtree(probe_folder(probe), ignore_errors=True)
