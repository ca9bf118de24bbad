"""Taking erased texts out of what evaluations keep: questions in run directories, answers, graders' comments."""

from pathlib import Path

from django.conf import settings
from django.db.models import Q

from core.registries import Erased, TextPlace
from core.scrubbing import Needles, lines_drop
from core.tombstones import tombstone
from curation.models import SuiteItem
from evaluation.models import Candidate, Evaluation, Grade, Output, Vote

PLACES = [
    TextPlace(
        lambda project: Output.objects.filter(candidate__evaluation__project=project),
        ("text",),
        {"text": "", "fingerprint": tombstone(), "asked": ""},
    ),
    TextPlace(
        lambda project: Grade.objects.filter(grading_round__evaluation__project=project),
        ("comment",),
        {"comment": "", "fingerprint": tombstone("output_id")},
    ),
    TextPlace(lambda project: Evaluation.objects.filter(project=project), ("error",), {"error": ""}),
    TextPlace(lambda project: Candidate.objects.filter(evaluation__project=project), ("error",), {"error": ""}),
]


def answers_erase(erased: Erased) -> dict[str, int]:
    """An answer to an erased question may repeat it, so it goes too; the scores stay."""
    items = SuiteItem.objects.filter(revision__in=erased.revisions)
    outputs = Output.objects.filter(item__in=items)
    keys = {str(key) for key in items.values_list("pk", flat=True)}
    candidates = Candidate.objects.filter(evaluation__project=erased.project).exclude(folder="")
    if not erased.texts.named_only():
        candidates = candidates.filter(evaluation__suite__in=items.values("suite"))
    lines = 0
    for folder in candidates.values_list("folder", flat=True):
        lines += folder_erase(Path(settings.RUN_STORE) / folder, keys, erased.texts)
    about = Q(output__in=outputs)
    grades = Grade.objects.filter(about)
    grades.update(fingerprint=tombstone("output_id"))
    for side in ("left", "right"):
        judged = Vote.objects.filter(**{f"comparison__{side}__in": outputs})
        judged.update(**{f"{side}_fingerprint": tombstone("comparison_id")})
    if erased.person:
        about |= Q(grader=erased.person, grading_round__evaluation__project=erased.project)
    comments = Grade.objects.filter(about).exclude(comment="").update(comment="")
    said = outputs.exclude(text="").update(text="", fingerprint=tombstone())
    outputs.update(asked="")  # what the erased question was could be guessed and tried
    return {"answers": said, "comments": comments, "evaluation": lines}


def folder_erase(folder: Path, keys: set[str], texts: Needles) -> int:
    files = [*folder.rglob("*.jsonl"), *folder.rglob("output.log")] if folder.is_dir() else []
    return sum(
        lines_drop(path, lambda row: (isinstance(row, dict) and str(row.get("id")) in keys) or texts.hold(row))
        for path in sorted(files)
    )
