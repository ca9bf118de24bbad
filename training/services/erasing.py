"""Taking erased texts out of what trainings keep, and naming the models that had learned from them."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from core.registries import Erased, LineageEntry, TextPlace
from core.scrubbing import Needles, lines_drop, told_erase
from core.tombstones import tombstone
from curation.choices import Part
from curation.models import VersionPair
from curation.services.erasing_material import corpus_forget
from ml.corpus.shapes import TEXTS
from training.models import Audit, BaseModel, ModelVersion, Run, RunEvent
from training.services.audits import audit_folder

DATA = ("lineage.json", "apprentice.json")  # of a model's folder; the rest is weights, tokens and settings
PLACES = [
    TextPlace(
        lambda project: Run.objects.filter(project=project), ("name", "error"), {"name": tombstone(), "error": ""}
    ),
    TextPlace(lambda project: RunEvent.objects.filter(run__project=project), ("data",), {"data": {}}),
    TextPlace(lambda project: ModelVersion.objects.filter(project=project), ("name",), {"name": tombstone()}),
    TextPlace(lambda project: Audit.objects.filter(version__task__project=project), ("error",), {"error": ""}),
]


def models_that_saw(revisions: frozenset[int], corpora: frozenset[int]) -> list[LineageEntry]:
    """Model versions whose run had one of these revisions in train or develop, and what became of these corpora:
    base models pretrained on them or whose tokenizer learned from them, and the model versions that rest on such."""
    rows = VersionPair.objects.filter(revision__in=revisions, part__in=(Part.TRAIN, Part.DEVELOP))
    bases = BaseModel.objects.filter(Q(run__corpus__in=corpora) | Q(corpus__in=corpora))
    saw = Q(run__version__in=rows.values("version")) | Q(base__in=bases)
    models = ModelVersion.objects.filter(saw).select_related("project")
    versions = [
        (_("Model version"), str(model), reverse("training:model-detail", args=[model.project.slug, model.pk]))
        for model in models
    ]
    grounds = [
        (_("Base model"), str(base), reverse("training:base-detail", args=[base.run.project.slug, base.pk]))
        for base in bases.select_related("run__project")
        if base.run is not None
    ]
    return [LineageEntry("down", *each) for each in (*versions, *grounds)]


def trainings_erase(erased: Erased) -> dict[str, int]:
    """Run directories, sample answers, audits, what lies beside the weights. A run that stopped half way cannot go on
    with other data than it had."""
    versions = VersionPair.objects.filter(revision__in=erased.revisions).values("version")
    keys = {str(pair) for pair in erased.pairs}
    runs = Run.objects.filter(project=erased.project).exclude(folder="")
    if not erased.texts.named_only():
        runs = runs.filter(Q(version__in=versions) | Q(corpus__in=erased.corpora))
    lines = 0
    for run in runs:
        lines += folder_erase(Path(settings.RUN_STORE) / run.folder, keys, erased.texts)
        lines += events_erase(RunEvent.objects.filter(run=run), erased.texts)
        for folder in (f"versions/{run.folder}", f"base/{run.folder}"):
            lines += model_erase(Path(settings.MODEL_STORE) / folder, erased.texts)
    for audit in Audit.objects.filter(version__in=versions):
        lines += audit_erase(audit, keys)
    shutil.rmtree(Path(settings.RUN_STORE) / "tokens", ignore_errors=True)  # texts as numbers, made anew when wanted
    return {"training": lines}


def folder_erase(folder: Path, keys: set[str], texts: Needles) -> int:
    """Data files lose the pairs' lines, and those with words that are to go; a corpus its texts; every other file of
    JSON lines or logs the lines in which a text stands."""
    count, named = 0, texts.named_only()
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.name == TEXTS:
            count += corpus_erase(path, texts)
        elif path.suffix == ".jsonl" and path.parent == folder:
            count += lines_drop(path, lambda row: is_row(row, keys) or named.hold(row))
        elif path.parent == folder or path.suffix in (".jsonl", ".log"):  # not what lies in checkpoints
            count += told_erase(path, texts)
    return count


def is_row(row: Any, keys: set[str]) -> bool:
    return isinstance(row, dict) and str(row.get("id")) in keys


def corpus_erase(path: Path, texts: Needles) -> int:
    """A run's own copy of a corpus, and the tokens made of it."""
    count = corpus_forget(path, texts)
    if count:
        path.with_name("tokens.npy").unlink(missing_ok=True)
    return count


def model_erase(folder: Path, texts: Needles) -> int:
    """What a model's folder says about its making. Weights and tokenizer stay: they are what was learned."""
    paths = sorted(folder.rglob("*")) if folder.is_dir() else []
    told = [path for path in paths if path.suffix in (".jsonl", ".md", ".log") or path.name in DATA]
    return sum(told_erase(path, texts) for path in told)


def events_erase(events: Iterable[RunEvent], texts: Needles) -> int:
    touched = [event for event in events if event.type == "sample" and texts.hold(event.data)]
    for event in touched:
        RunEvent.objects.filter(pk=event.pk).update(data=texts.without(event.data))
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
