"""What the pages of corpora show, and where their texts lie."""

import json
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from core.models import Project
from core.sentences import kept_in_words
from curation.models import Corpus
from ml.corpus.shapes import REASONS, TEXTS

SHOWN = 20


@dataclass(frozen=True)
class DroppedRow:
    reason: str
    sentence: str
    count: int
    characters: int
    samples: list[dict[str, str]]


def corpora_of(project: Project) -> QuerySet[Corpus]:
    return Corpus.objects.filter(project=project).select_related("created_by")


def corpus_page(corpus: Corpus, part: str = "") -> dict[str, Any]:
    """Everything that the page of a ready corpus shows."""
    report = corpus.report
    dropped = [
        DroppedRow(reason, _(REASONS.get(reason, reason)), found["count"], found["characters"], found["samples"])
        for reason, found in report.get("dropped", {}).items()
    ]
    dropped.sort(key=lambda row: -row.count)
    return {
        "corpus": corpus,
        "report": report,
        "problems": problems_of(report),
        "dropped": dropped,
        "dropped_count": sum(row.count for row in dropped),
        "texts": texts_of(corpus, part),
        "part": part,
    }


def problems_of(report: dict[str, Any]) -> list[str]:
    """What could not be read, in the reader's language."""
    return [kept_in_words(problem) for problem in report.get("problems", [])]


def texts_of(corpus: Corpus, part: str = "", *, limit: int = SHOWN) -> list[dict[str, str]]:
    """The first texts of a corpus, of one part if it is named, each with its beginning."""
    path = corpus_texts(corpus)
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as file:
        rows = (json.loads(line) for line in file)
        wanted = (row for row in rows if not part or row["part"] == part)
        return [{**row, "text": row["text"][:2000]} for row in islice(wanted, limit)]


def corpus_folder(corpus: Corpus) -> Path:
    return Path(settings.CORPUS_STORE) / Path(corpus.folder).name


def corpus_texts(corpus: Corpus) -> Path:
    """The frozen file: a line is {"id", "text", "part"}."""
    return corpus_folder(corpus) / TEXTS
