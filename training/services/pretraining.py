"""Pretraining: from a corpus, or documents that become one, and a base model, or a new one, to a prepared run."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.models import Project, User
from core.services.events import event_record
from curation.choices import CorpusState
from curation.models import Corpus, DatasetVersion
from curation.services.corpora import corpus_make
from ml.recipe import TEXT
from training.choices import ModelState, RunState
from training.models import BaseModel, Run
from training.presets import recipe_from
from training.selectors.gate import block_refusals
from training.services.launch import NAME_LENGTH, Wishes, run_prepare
from training.services.names import free_name
from training.services.scratch import scratch_make

PRESETS = ("quick", "balanced", "best")


@dataclass(frozen=True)
class NewModel:
    """A model that is to be made from nothing: a size named in ml.sizes, and how many tokens (0: the size's own)."""

    size: str
    vocabulary: int = 0


@dataclass(frozen=True)
class OfDocuments:
    """A corpus that is to be made of the project's documents."""

    name: str = ""


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
    corpus: Corpus | OfDocuments,
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

    A new model is made at once by a job, and so is a corpus of documents; the draft waits for the one, the launched
    run for the other. Raises ApplicationError with the field at fault.
    """
    if run is not None and run.state != RunState.DRAFT:
        raise ApplicationError(_("This run was launched already; its settings never change. Prepare a new one."))
    if preset not in PRESETS:
        raise ApplicationError(_("There is no preset “%s”.") % preset, field="preset")
    if len(name) > NAME_LENGTH:
        raise ApplicationError(_("A name has at most %d characters.") % NAME_LENGTH, field="name")
    fresh = isinstance(base, NewModel)
    known = f"{'new' if fresh or base.size else 'on'}-{preset}"
    if fresh and method not in ("", "full"):
        raise ApplicationError(_("A new model knows nothing yet: all its weights have to learn."), field="method")
    refuse_corpus(project, corpus, fresh=fresh or bool(base.size))
    chosen = {**(changes or {}), "objective": TEXT}
    recipe = recipe_from(project=project, preset=known, method=method, changes=chosen)
    if isinstance(corpus, OfDocuments):
        corpus = corpus_make(
            actor=actor, project=project, name=corpus.name.strip() or free_corpus_name(project), documents=True
        )
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


def refuse_corpus(project: Project, corpus: Corpus | OfDocuments, *, fresh: bool) -> None:
    """A registered model may wait for its corpus; a new one learns its words from it first."""
    if isinstance(corpus, Corpus):
        if corpus.project_id != project.pk:
            raise ApplicationError(_("This corpus belongs to another project."), field="corpus")
        if corpus.state == CorpusState.FAILED:
            raise ApplicationError(_("This corpus could not be made; make it again first."), field="corpus")
    if fresh and (isinstance(corpus, OfDocuments) or corpus.state != CorpusState.READY):
        text = _("A new model learns its words from a corpus that is there. Make the corpus first, or go on from a "
                 "registered model, which can wait for it.")  # fmt: skip
        raise ApplicationError(text, field="base")


def free_corpus_name(project: Project) -> str:
    name = str(_("Documents"))
    taken = set(Corpus.objects.filter(project=project).values_list("name", flat=True))
    return next(each for number in count(1) if (each := name if number == 1 else f"{name} {number}") not in taken)


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
