"""Pretraining: from a corpus and a base model, or a new one, to a run; and a chain of runs launched as one."""

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.models import Project, User
from core.services.events import event_record
from curation.choices import CorpusState
from curation.models import Corpus, DatasetVersion
from ml.recipe import TEXT
from training.choices import ModelState, RunState
from training.models import BaseModel, Run
from training.presets import recipe_from
from training.selectors.estimates import forecast
from training.selectors.gate import block_refusals, launch_refusals
from training.services.launch import NAME_LENGTH, Wishes, queue, run_launch, run_prepare
from training.services.names import free_name
from training.services.scratch import scratch_make
from training.services.states import run_move

PRESETS = ("quick", "balanced", "best")


@dataclass(frozen=True)
class NewModel:
    """A model that is to be made from nothing: a size named in ml.sizes, and how many tokens (0: the size's own)."""

    size: str
    vocabulary: int = 0


@dataclass(frozen=True)
class Next:
    """The finetuning that follows a pretraining: which pairs, how thorough (a preset of the program or the project's
    own), and what differs from that."""

    version: DatasetVersion
    preset: str = "balanced"
    method: str = ""
    changes: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def pretraining_prepare(
    *,
    actor: User,
    project: Project,
    corpus: Corpus,
    base: BaseModel | NewModel,
    preset: str = "balanced",
    method: str = "",
    changes: dict[str, Any] | None = None,
    name: str = "",
    then: Next | None = None,
    wishes: Wishes | None = None,
    run: Run | None = None,
) -> Run:
    """Write down a pretraining as a draft, or change one, and with `then` the finetuning after it. Nothing is trained
    yet.

    A new model is made at once by a job; the draft waits for it. Raises ApplicationError with the field at fault.
    """
    if run is not None and run.state != RunState.DRAFT:
        raise ApplicationError(_("This run was launched already; its settings never change. Prepare a new one."))
    if corpus.project_id != project.pk:
        raise ApplicationError(_("This corpus belongs to another project."), field="corpus")
    if corpus.state != CorpusState.READY:
        raise ApplicationError(_("This corpus is not ready yet."), field="corpus")
    if preset not in PRESETS:
        raise ApplicationError(_("There is no preset “%s”.") % preset, field="preset")
    if len(name) > NAME_LENGTH:
        raise ApplicationError(_("A name has at most %d characters.") % NAME_LENGTH, field="name")
    fresh = isinstance(base, NewModel)
    known = f"{'new' if fresh or base.size else 'on'}-{preset}"
    if fresh and method not in ("", "full"):
        raise ApplicationError(_("A new model knows nothing yet: all its weights have to learn."), field="method")
    chosen = {**(changes or {}), "objective": TEXT}
    recipe = recipe_from(project=project, preset=known, method=method, changes=chosen)
    if isinstance(base, NewModel):
        base = made_already(run, corpus, base) or scratch_make(
            actor=actor, corpus=corpus, size=base.size, vocabulary=base.vocabulary
        )
    for denied in block_refusals(base, recipe):
        raise ApplicationError(str(denied), field="block_tokens")
    wishes = wishes or Wishes()
    run = run or Run(project=project, requested_by=actor)
    run.corpus, run.base, run.preset, run.recipe = corpus, base, known, recipe.to_json()
    run.tell, run.wanted_by, run.nights = wishes.tell, wishes.wanted_by, wishes.nights
    run.name = name.strip() or f"{corpus} · {base}"[:NAME_LENGTH]
    run.save()
    event_record(actor=actor, action="run.prepared", project=project, subject=run, summary=run.name)
    follower_prepare(actor=actor, run=run, then=then)
    return run


def made_already(run: Run | None, corpus: Corpus, new: NewModel) -> BaseModel | None:
    """The new model that a draft has from before, if it is the one that is asked for."""
    base = run.base if run is not None else None
    if base is None or base.job is None or base.state == ModelState.REFUSED:
        return None
    had = (base.size, base.corpus_id, base.job.arguments.get("vocabulary"))
    return base if had == (new.size, corpus.pk, new.vocabulary) else None


def follower_prepare(*, actor: User, run: Run, then: Next | None) -> None:
    """The finetuning after a pretraining: prepared, changed, or none any more. It is examined with the tokenizer of
    the model before, which stays."""
    had = Run.objects.filter(after=run, state=RunState.DRAFT).first()
    if then is None:
        Run.objects.filter(after=run, state=RunState.DRAFT).delete()
        return
    if had is not None and (had.version_id, had.preset, had.base_id) == (then.version.pk, then.preset, run.base_id):
        return  # what was set on its own page stays
    follower = run_prepare(
        actor=actor,
        project=run.project,
        version=then.version,
        base=run.base,
        preset=then.preset,
        method=then.method,
        changes=then.changes,
        name=f"{run.name} → {then.version}"[:NAME_LENGTH],
        wishes=Wishes(tell=run.tell, nights=run.nights),
        run=had,
    )
    Run.objects.filter(pk=follower.pk).update(after=run)


def run_start(*, actor: User, run: Run) -> Run:
    """Launch a prepared run of either kind. Raises ApplicationError."""
    return (chain_launch if run.corpus_id else run_launch)(actor=actor, run=run)


@transaction.atomic
def chain_launch(*, actor: User, run: Run) -> Run:
    """Queue a prepared pretraining, and let what follows it wait. All may start, or nothing does."""
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
    run.estimate = forecast(run).to_json()
    run.save(update_fields=["estimate"])
    return queue(actor=actor, run=run, action="run.launched")


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


def base_from_run(*, run: Run, folder: str, result: dict[str, Any]) -> BaseModel:
    """The model that a pretraining made: the same shape and tokenizer as its base, other weights, known at once."""
    base, corpus = run.base, run.corpus
    assert corpus is not None
    made = BaseModel.objects.create(
        name=free_name(run.name),
        folder=folder,
        source=f"{base.name} + {corpus.name}"[:200],
        state=ModelState.READY,
        fingerprint=result["fingerprint"],
        tokenizer_fingerprint=base.tokenizer_fingerprint,
        architecture=base.architecture,
        parameters=base.parameters,
        context_length=base.context_length,
        has_chat_template=base.has_chat_template,
        licence=base.licence or corpus.licence[:80],
        note=_("Pretrained here on the corpus “%s”.") % corpus.name[:200],
        report={"problems": [], "chat_template": base.report.get("chat_template", {})},
        corpus=corpus,
        run=run,
        created_by=run.requested_by,
    )
    event_record(
        actor=run.requested_by, action="base_model.made", project=run.project, subject=made, summary=made.name,
        fingerprint=made.fingerprint,
    )  # fmt: skip
    return made
