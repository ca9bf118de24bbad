"""Versions packed as files by a job. What is sent while it is read needs none of this (selectors/export_files.py)."""

import contextlib
import json
import subprocess
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.jobs import JobContext, JobFailed
from core.ml_program import ml_program
from core.models import User
from core.services.events import event_record
from core.services.jobs import job_create
from curation.choices import VersionState
from curation.models import DatasetVersion, Export
from curation.selectors.cards import dataset_card
from curation.selectors.export_files import PACKED, cell
from curation.selectors.exports import COLUMNS, FORMATS, PREFERENCE, columns_of, version_parts
from ml.hashing import file_sha256

EVERY = 5_000  # rows between two looks at the job


@transaction.atomic
def export_pack(*, actor: User, version: DatasetVersion, shape: str, kind: str) -> Export:
    """Queue the packing, or return the file that is there. Raises ApplicationError for what cannot be packed."""
    if shape not in FORMATS or kind not in PACKED:
        raise ApplicationError(_("There is no such form of export."), field="kind")
    if version.state != VersionState.READY:
        raise ApplicationError(_("This version is not frozen yet; it can be taken away when it is."))
    if shape == PREFERENCE and next(version_parts(version, shape), None) is None:
        sentence = _(
            "Nothing in this version says which of two answers is better: no worse answer, no corrected draft."
        )
        raise ApplicationError(sentence, field="shape")
    export, _created = Export.objects.select_for_update().get_or_create(
        version=version, shape=shape, kind=kind, defaults={"created_by": actor}
    )
    packed = export.sha256 and export_path(export).exists() and shape != PREFERENCE
    if packed or (export.job is not None and export.job.is_open):
        return export
    export.sha256, export.size = "", 0
    export.job = job_create(
        actor=actor,
        kind="export",
        project=version.task.project,
        subject=export.file_name,
        subject_url=f"/p/{version.task.project.slug}/exports/{export.pk}/",
        arguments={"export": export.pk},
        once_key=f"export-{export.pk}",
    )
    export.save(update_fields=["sha256", "size", "job"])
    event_record(
        actor=actor, action="export.asked", project=version.task.project, subject=version, shape=shape, kind=kind
    )
    return export


def export_path(export: Export) -> Path:
    return Path(settings.EXPORTS) / str(export.version_id) / f"{export.shape}-{export.kind}.zip"


def export_build(export: Export, context: JobContext) -> dict[str, Any]:
    """What the job does: a child packs the rows that we read. Tried again it starts over and gives the same bytes."""
    path = export_path(export)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    words = ("pack", str(path), "--kind", export.kind)
    with ml_program(*words, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        rows = rows_send(export, process, context)
        _out, errors = process.communicate()
    if process.returncode != 0:
        reason = errors.decode("utf-8", "replace").strip()[-400:] or _("the packing program died")
        raise JobFailed(_("The file could not be packed: %s") % reason)
    size, sha256 = path.stat().st_size, file_sha256(path)
    with transaction.atomic():
        context.fenced(message="")
        Export.objects.filter(pk=export.pk).update(size=size, sha256=sha256)
    return {"export": export.pk, "rows": rows, "size": size, "sha256": sha256}


def rows_send(export: Export, process: "subprocess.Popen[bytes]", context: JobContext) -> int:
    version = export.version
    columns = columns_of(version, export.shape)
    kept = [name for name in columns if name not in COLUMNS[export.shape]]
    facts = {
        "columns": columns, "card": dataset_card(version, export.shape, export.kind),
        "fingerprint": version.sha256,
    }  # fmt: skip
    encode = json.JSONEncoder(ensure_ascii=False).encode
    total, done = max(1, int(version.counts.get("pairs", 0))), 0
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # the child says why in its error output
        process.stdin.write(encode(facts).encode() + b"\n")
        for _pair, part, row in version_parts(version, export.shape):
            row |= {name: cell(row.get(name, "")) for name in kept}  # a table's column holds one kind: text
            process.stdin.write(encode([part, row]).encode() + b"\n")
            done += 1
            if done % EVERY == 0:
                context.checkpoint()
                context.progress(done, max(total, done), _("Packing the rows"))
    return done


def exports_forget(*, version: DatasetVersion) -> int:
    """Throw away every packed file of a version, as when something of it was erased. Returns how many."""
    found = list(Export.objects.filter(version=version).select_related("version__task"))
    for export in found:
        export_path(export).unlink(missing_ok=True)
    Export.objects.filter(version=version).delete()
    return len(found)
