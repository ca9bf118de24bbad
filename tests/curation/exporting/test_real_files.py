"""Files that others published go in and out again equal, in every form, read by our import and by other libraries."""

from itertools import islice
from pathlib import Path

import pytest

from core.models import Project, User
from curation.models import DatasetVersion
from curation.services.exports import export_pack, export_path
from curation.services.tasks import task_create
from tests.curation.exporting.apart import Said, asked, heard, opened, published
from tests.curation.exporting.world import bring, freeze, read_back, said_by, written
from tests.reference.shared_data import shared_data
from tests.world import run_jobs

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
FAQ = "zaragoza_construction_faq"
FILES = [
    *(f"{FAQ}/faq{language}{form}" for language in ("", "-en") for form in (
        "-alpaca.jsonl", "-sharegpt.jsonl", ".csv", ".json", ".jsonl")),
    "medquad/4_MPlus_Health_Topics_QA.jsonl",
    "medquad/5_NIDDK_QA.jsonl",
    "self_instruct/seed_tasks.jsonl",
    "self_instruct/user_oriented_instructions.jsonl",
    "self_instruct/predictions/text-davinci-003_predictions.jsonl",
]  # fmt: skip
SHAPES = ("apprentice", "messages", "sharegpt", "alpaca", "completion")
PACKAGES = ("xlsx", "parquet", "datasets")  # with the shapes by turns, so that the files have had each of each
ROWS_TAKEN = 200


def beginning(path: Path, folder: Path) -> Path:
    """The first rows of a file, as a file; a .json file is small and taken whole."""
    found = folder / path.name
    with path.open("rb") as file:
        found.write_bytes(file.read() if path.suffix == ".json" else b"".join(islice(file, ROWS_TAKEN + 1)))
    return found


def taken(version: DatasetVersion, owner: User, shape: str, kind: str) -> bytes:
    """The file of a version as somebody takes it away."""
    if kind not in ("parquet", "datasets"):
        return written(version, shape, kind)
    export = export_pack(actor=owner, version=version, shape=shape, kind=kind)
    run_jobs()
    return export_path(export).read_bytes()


@pytest.mark.parametrize(("number", "name"), list(enumerate(FILES)))
def test_real_files_go_in_and_out_equal_in_every_form(
    project: Project, owner: User, folders: Path, number: int, name: str
) -> None:
    path = beginning(shared_data(name), folders)
    task = task_create(actor=owner, project=project, name="Plain")
    bring(task, owner, path.read_bytes(), path.name)
    version = freeze(task, owner)
    expected, source = said_by(version), kept_of(version, published(path))
    assert len(expected) == len(source) >= 100
    package = (SHAPES[number % len(SHAPES)], PACKAGES[number % len(PACKAGES)])
    for shape, kind in [*((shape, kind) for shape in SHAPES for kind in ("jsonl", "csv")), package]:
        content = taken(version, owner, shape, kind)
        ending = kind if kind in ("jsonl", "csv", "xlsx") else "zip"
        assert read_back(content, f"{shape}.{ending}", folders) == expected, (shape, kind)
        assert sorted(map(heard, opened(content, kind, folders / kind))) == source, (shape, kind)


def kept_of(version: DatasetVersion, source: list[Said]) -> list[Said]:
    """The rows of the file, each once, without those that the freeze left out because they would tie test to train."""
    names = ("revision__instruction", "revision__input", "revision__response")
    left_out = {(asked(*question), answer) for *question, answer in version.left_out.values_list(*names)}
    return sorted({said for said in source if said[1].strip()} - left_out)
