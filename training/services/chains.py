"""Chains: runs launched as one, each beginning from what the one before it made."""

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from core.choices import JobState
from core.denied import ApplicationError
from core.models import Job, User
from core.services.events import event_record
from curation.choices import CorpusState
from training.choices import RunState
from training.models import BaseModel, Run
from training.selectors.estimates import forecast
from training.selectors.gate import launch_refusals
from training.services.launch import queue, run_launch
from training.services.news import tell_of
from training.services.states import run_move


def run_start(*, actor: User, run: Run) -> Run:
    """Launch a prepared run of either kind. Raises ApplicationError."""
    return (chain_launch if run.corpus_id else run_launch)(actor=actor, run=run)


@transaction.atomic
def chain_launch(*, actor: User, run: Run) -> Run:
    """Queue a prepared pretraining, and let what follows it wait; a corpus that is still being made is waited for. All
    may start, or nothing does."""
    run = Run.objects.select_for_update(of=("self",)).select_related("corpus", "base", "project").get(pk=run.pk)
    if run.state != RunState.DRAFT:
        return run
    followers = list(
        Run.objects.filter(after=run, state=RunState.DRAFT).select_related("version__task", "base", "audit")
    )
    denied = [one for each in (run, *followers) for one in launch_refusals(each)]
    if denied:
        raise ApplicationError(" ".join(map(str, denied)))
    for follower in followers:
        run_move(run=follower, to=RunState.WAITING)
    if run.corpus is not None and run.corpus.state != CorpusState.READY:
        event_record(actor=actor, action="run.launched", project=run.project, subject=run, summary=run.name)
        return run_move(run=run, to=RunState.WAITING)
    return begin(actor=actor, run=run)


def begin(*, actor: User | None, run: Run) -> Run:
    run.estimate = forecast(run).to_json()
    run.save(update_fields=["estimate"])
    return queue(actor=actor, run=run, action="run.launched")


def corpus_ended(job: Job) -> None:
    """A corpus was made: the pretrainings that wait for it begin. If it was not, they wait on and their people hear
    why; made again, it lets them begin. In the transaction that ends the job."""
    if job.kind != "corpus":
        return
    waiting = Run.objects.select_for_update(of=("self",)).select_related("corpus", "base", "project")
    for run in waiting.filter(corpus=job.arguments["corpus"], state=RunState.WAITING):
        if job.state == JobState.DONE:
            begin(actor=run.requested_by, run=run)
        else:
            values = {"name": run.name, "why": job.error or job.message}
            tell_of(run, _("“%(name)s” cannot begin, its corpus could not be made: %(why)s") % values)


def chain_go_on(*, run: Run, base: BaseModel) -> None:
    """A pretraining is done: what waited for it starts from the model that it made. In the caller's transaction."""
    for follower in Run.objects.select_for_update(of=("self",)).filter(after=run, state=RunState.WAITING):
        if follower.base.tokenizer_fingerprint != base.tokenizer_fingerprint:
            reason = _("“%(made)s” has another tokenizer than “%(base)s”, with which the pairs were examined.")
            chain_break(follower, reason % {"made": base.name, "base": follower.base.name})
            continue
        Run.objects.filter(pk=follower.pk).update(base=base)
        follower.refresh_from_db()
        queue(actor=follower.requested_by, run=follower, action="run.launched")


def chain_stop(*, run: Run) -> None:
    """A run was given up for good: what waited for it never starts, and says why."""
    for follower in Run.objects.select_for_update(of=("self",)).filter(after=run, state=RunState.WAITING):
        chain_break(follower, _("The run before it, “%s”, was given up.") % run.name)


def chain_break(run: Run, reason: str) -> None:
    run_move(run=run, to=RunState.FAILED, error=reason, ended_at=Now())
    event_record(actor=None, action="run.failed", project=run.project, subject=run, summary=run.name)
    tell_of(run, _("The training “%(name)s” failed: %(why)s") % {"name": run.name, "why": reason})
