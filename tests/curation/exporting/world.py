"""A file comes in whole and approved, is frozen, and goes out; and what our own import would make of that file."""

import json
from pathlib import Path

from django.core.files.uploadedfile import SimpleUploadedFile

from core.models import User
from curation.import_mapping import Mapping, Problem, Ready, read_row, recognise
from curation.import_reading import format_of, read_rows
from curation.import_tables import table_beginnings
from curation.models import DatasetVersion, Revision, Task
from curation.selectors.export_files import version_chunks
from curation.services.imports import import_start, import_upload
from curation.services.versions import version_freeze
from ml.prompting import Example, Template, render_messages
from ml.tables.shapes import KINDS
from tests.world import run_jobs


def bring(task: Task, owner: User, content: bytes, name: str) -> None:
    batch = import_upload(actor=owner, task=task, upload=SimpleUploadedFile(name, content))
    import_start(actor=owner, batch=batch, mapping=Mapping.from_json(batch.mapping), approve=True)
    run_jobs()


def freeze(task: Task, owner: User) -> DatasetVersion:
    version = version_freeze(actor=owner, task=task)
    run_jobs()
    version.refresh_from_db()
    return version


def written(version: DatasetVersion, format: str, kind: str) -> bytes:
    return b"".join(version_chunks(version, format, None, kind))


def read_back(content: bytes, name: str, folder: Path) -> list[str]:
    """What an import would make of the file: each row as the model sees it, or why it is refused; sorted."""
    path = folder / name
    path.write_bytes(content)
    format = format_of(name)
    tables = table_beginnings(path, format, 1)[0] or [""] if format in KINDS.values() else [""]
    rows = [row for table in tables for row in read_rows(path, format, table)]
    mapping = recognise(rows)
    return sorted(shown(read_row(row, mapping, "en")) for row in rows)


def shown(row: Ready | Problem) -> str:
    assert isinstance(row, Ready), row
    return as_said(row.texts.system, row.texts.instruction, row.texts.input, row.texts.response, row.texts.turns)


def said_by(version: DatasetVersion) -> list[str]:
    """Each row of a version as the model sees it; sorted."""
    rows = Revision.objects.filter(in_versions__version=version)
    names = ("instruction", "input", "response", "turns")
    return sorted(as_said(version.system_prompt, *row) for row in rows.values_list(*names))


def as_said(system: str, instruction: str, given: str, response: str, turns: list[dict[str, str]]) -> str:
    example = {
        "id": "1", "part": "train", "system": system, "instruction": instruction, "input": given,
        "response": response, "turns": turns, "language": "en",
    }  # fmt: skip
    return json.dumps([*render_messages(Example.from_json(example), Template()), response])
