"""Taking erased texts out of what evaluations keep: questions in run directories, answers, graders' comments."""

from pathlib import Path

from django.conf import settings
from django.db.models import F, Q, TextField, Value
from django.db.models.functions import Cast, Concat

from core.registries import Erased
from core.scrubbing import holds, lines_drop
from curation.models import SuiteItem
from curation.services.erasing import TOMBSTONE
from evaluation.models import Candidate, Grade, Output


def answers_erase(erased: Erased) -> dict[str, int]:
    """An answer to an erased question may repeat it, so it goes too; the scores stay."""
    items = SuiteItem.objects.filter(revision__in=erased.revisions)
    outputs = Output.objects.filter(item__in=items)
    keys = {str(key) for key in items.values_list("pk", flat=True)}
    candidates = Candidate.objects.filter(evaluation__suite__in=items.values("suite")).exclude(folder="")
    lines = 0
    for folder in candidates.values_list("folder", flat=True):
        lines += folder_erase(Path(settings.RUN_STORE) / folder, keys, erased.texts)
    about = Q(output__in=outputs)
    grades = Grade.objects.filter(about)
    grades.update(fingerprint=Concat(Value(TOMBSTONE), Cast(F("output_id"), TextField())))
    if erased.person:
        about |= Q(grader=erased.person, grading_round__evaluation__project=erased.project)
    comments = Grade.objects.filter(about).exclude(comment="").update(comment="")
    said = outputs.exclude(text="").update(text="", fingerprint=Concat(Value(TOMBSTONE), Cast(F("pk"), TextField())))
    return {"answers": said, "comments": comments, "evaluation": lines}


def folder_erase(folder: Path, keys: set[str], texts: tuple[str, ...]) -> int:
    files = [*folder.rglob("*.jsonl"), *folder.rglob("output.log")] if folder.is_dir() else []
    return sum(
        lines_drop(path, lambda row: (isinstance(row, dict) and str(row.get("id")) in keys) or holds(row, texts))
        for path in sorted(files)
    )
