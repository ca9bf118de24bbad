"""New models: a tokenizer learnt from a corpus and random weights, made by a job and registered like any other."""

import secrets

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.models import User
from core.services.events import event_record
from core.services.jobs import job_create
from curation.choices import CorpusState
from curation.models import Corpus
from ml.bpe import LEAST
from ml.sizes import SIZES
from training.models import BaseModel
from training.services.names import free_name

MOST_TOKENS = 64_000


@transaction.atomic
def scratch_make(
    *, actor: User, corpus: Corpus, size: str, vocabulary: int = 0, name: str = "", seed: int = 0
) -> BaseModel:
    """A new base model that knows nothing yet, with a tokenizer learnt from a corpus. A job makes and examines it.

    Raises ApplicationError with the field at fault.
    """
    if size not in SIZES:
        raise ApplicationError(_("There is no size “%(size)s”; there are %(known)s.") % {
            "size": size, "known": ", ".join(SIZES)}, field="size")  # fmt: skip
    if vocabulary and not LEAST <= vocabulary <= MOST_TOKENS:
        limits = {"least": LEAST, "most": MOST_TOKENS}
        raise ApplicationError(
            _("A vocabulary has from %(least)d to %(most)d tokens; 0 takes as many as suit the size.") % limits,
            field="vocabulary",
        )
    if corpus.state != CorpusState.READY:
        raise ApplicationError(_("This corpus is not ready yet."), field="corpus")
    if name.strip() and BaseModel.objects.filter(name=name.strip()).exists():
        raise ApplicationError(_("Another model has this name already; choose another."), field="name")
    label = SIZES[size].label.lower()
    base = BaseModel.objects.create(
        name=name.strip()[:120] or free_name(_("New %(size)s model, words of %(corpus)s") % {
            "size": label, "corpus": corpus.name[:80]}),
        folder=f"base/new-{secrets.token_hex(6)}",
        source=_("from scratch"),
        size=size,
        corpus=corpus,
        licence=corpus.licence[:80],
        created_by=actor,
        report={"asked": {"vocabulary": vocabulary or SIZES[size].vocabulary, "seed": seed}},
    )  # fmt: skip
    base.job = job_create(
        actor=actor,
        kind="scratch",
        subject=base.name,
        arguments={"base": base.pk, "vocabulary": vocabulary, "seed": seed},
        once_key=f"scratch-{base.pk}",
    )
    base.save(update_fields=["job"])
    event_record(actor=actor, action="base_model.asked", subject=base, summary=base.name, size=size, corpus=corpus.pk)
    return base


def scratch_words(base: BaseModel, texts: str, *, vocabulary: int, seed: int) -> list[str]:
    """The command that makes it."""
    return [
        "scratch", texts, str(settings.MODEL_STORE / base.folder), "--name", base.name, "--size", base.size,
        "--vocabulary", str(vocabulary), "--seed", str(seed), "--source", base.source,
    ]  # fmt: skip
