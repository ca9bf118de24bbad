"""Taking erased texts out of what trainings keep, and naming the models that had learned from them."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from core.registries import Erased, LineageEntry
from core.scrubbing import holds, lines_drop, without
from curation.choices import Part
from curation.models import VersionPair
from ml.atomic import write_text
from training.models import Audit, ModelVersion, Run, RunEvent
from training.services.audits import audit_folder


def models_that_saw(revisions: frozenset[int]) -> list[LineageEntry]:
    """Model versions whose run had one of these revisions in train or develop."""
    rows = VersionPair.objects.filter(revision__in=revisions, part__in=(Part.TRAIN, Part.DEVELOP))
    models = ModelVersion.objects.filter(run__version__in=rows.values("version")).select_related("project")
    return [
        LineageEntry(
            "down",
            _("Model version"),
            str(model),
            reverse("training:model-detail", args=[model.project.slug, model.pk]),
        )
        for model in models
    ]


def trainings_erase(erased: Erased) -> dict[str, int]:
    """Run directories, sample answers, audits. A run that stopped half way cannot go on with other data than it had."""
    versions = VersionPair.objects.filter(revision__in=erased.revisions).values("version")
    keys = {str(pair) for pair in erased.pairs}
    lines = 0
    for run in Run.objects.filter(version__in=versions).exclude(folder=""):
        lines += folder_erase(Path(settings.RUN_STORE) / run.folder, keys, erased.texts)
        lines += events_erase(RunEvent.objects.filter(run=run), erased.texts)
    for audit in Audit.objects.filter(version__in=versions):
        lines += audit_erase(audit, keys)
    shutil.rmtree(Path(settings.RUN_STORE) / "tokens", ignore_errors=True)  # texts as numbers, made anew when wanted
    return {"training": lines}


def folder_erase(folder: Path, keys: set[str], texts: tuple[str, ...]) -> int:
    """Data files lose the pairs' lines; every other file of JSON lines or logs those in which a text stands."""
    count = 0
    for path in sorted(folder.rglob("*.jsonl")) if folder.is_dir() else ():
        if path.parent == folder:
            count += lines_drop(path, lambda row: isinstance(row, dict) and str(row.get("id")) in keys)
        else:
            count += lines_drop(path, lambda row: holds(row, texts))
    for path in sorted(folder.rglob("output.log")) if folder.is_dir() else ():
        count += lines_drop(path, lambda row: holds(row, texts))
    return count + spec_erase(folder / "spec.json", texts)


def spec_erase(path: Path, texts: tuple[str, ...]) -> int:
    """The specification names a few questions as samples."""
    if not path.is_file():
        return 0
    spec = json.loads(path.read_text(encoding="utf-8"))
    if not holds(spec, texts):
        return 0
    write_text(path, json.dumps(without(spec, texts), ensure_ascii=False, indent=1))
    return 1


def events_erase(events: Iterable[RunEvent], texts: tuple[str, ...]) -> int:
    touched = [event for event in events if event.type == "sample" and holds(event.data, texts)]
    for event in touched:
        RunEvent.objects.filter(pk=event.pk).update(data=without(event.data, texts))
    return len(touched)


def audit_erase(audit: Audit, keys: set[str]) -> int:
    """What the audit shows of these pairs, and its working folder."""
    shutil.rmtree(audit_folder(audit), ignore_errors=True)
    report = {name: rows_without(value, keys) for name, value in audit.report.items()}
    count = sum(
        len(value) - len(report[name]) for name, value in audit.report.items() if isinstance(value, (list, dict))
    )
    if count:
        Audit.objects.filter(pk=audit.pk).update(report=report)
    return count


def rows_without(value: Any, keys: set[str]) -> Any:
    """A list of rows without those whose `id` is one of the keys; a mapping without the keys."""
    if isinstance(value, dict):
        return {key: each for key, each in value.items() if key not in keys}
    if isinstance(value, list):
        return [row for row in value if not (isinstance(row, dict) and str(row.get("id")) in keys)]
    return value
