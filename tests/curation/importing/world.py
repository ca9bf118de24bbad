"""A file comes in, and what its import refused of it."""

import json
from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from core.models import User
from curation.import_mapping import Mapping
from curation.models import Import, Task
from curation.services.imports import import_choose, import_start, import_upload
from tests.world import run_jobs

Bring = Callable[..., Import]


def brought(
    task: Task,
    owner: User,
    content: bytes | str,
    name: str = "pairs.jsonl",
    *,
    table: str = "",
    start: bool = True,
    approve: bool = False,
) -> Import:
    """Upload, choose the sheet, start with the recognised columns, and do the job."""
    data = content.encode() if isinstance(content, str) else content
    batch = import_upload(actor=owner, task=task, upload=SimpleUploadedFile(name, data))
    if table:
        import_choose(batch=batch, table=table)
    if start:
        import_start(actor=owner, batch=batch, mapping=Mapping.from_json(batch.mapping), approve=approve)
        run_jobs()
        batch.refresh_from_db()
    return batch


def lines(*rows: Any) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def alpaca(number: int) -> dict[str, str]:
    return {"instruction": f"What is {number}?", "input": "", "output": f"It is {number}."}


def reasons(batch: Import) -> list[tuple[int, str, str]]:
    return [(problem.row, problem.column, problem.reason) for problem in batch.problems.all()]
