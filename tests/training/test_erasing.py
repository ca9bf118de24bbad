"""An erased pair leaves the files and rows of trainings, and the models that learned from it are named."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from core import registries
from core.models import Project, User
from core.scrubbing import Needles, lines_drop
from curation.choices import ErasureScope, Part
from curation.models import VersionPair
from curation.selectors.erasures import revisions_of_pair
from curation.services.erasures import erasure_ask
from ml.train.texts import read_texts
from tests.world import run_jobs
from training.models import Audit, ModelVersion, Run, RunEvent
from training.services.erasing import folder_erase
from training.services.launch import run_launch

pytestmark = pytest.mark.django_db(transaction=True)


def row_of(run: Run, part: Part) -> VersionPair:
    row = VersionPair.objects.filter(version=run.version, part=part).select_related("revision__pair").first()
    assert row is not None
    return row


def files_with(folder: Path, text: str) -> list[str]:
    return [
        path.name
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in {".json", ".jsonl", ".log", ".txt", ".md"} and text in path.read_text()
    ]


@pytest.mark.slow
def test_run_directory_samples_and_audit_lose_it_and_the_model_is_named(
    prepare: Callable[..., Run], owner: User, project: Project
) -> None:
    run_launch(actor=owner, run=prepare())
    run_jobs("train")
    model = ModelVersion.objects.select_related("run__version").get()
    run, row = model.run, row_of(model.run, Part.DEVELOP)
    audit = Audit.objects.get(version=run.version)
    audit.report["segments"][str(row.revision.pair_id)] = [[row.revision.instruction, "context"]]
    audit.report["rows"].append({"id": str(row.revision.pair_id), "code": "too_long"})
    audit.save()
    question, other = row.revision.instruction, row_of(model.run, Part.TRAIN).revision.instruction
    folder = Path(settings.RUN_STORE) / run.folder
    beside = Path(settings.MODEL_STORE) / model.folder
    (beside / "samples.jsonl").write_text(json.dumps({"prompt": question}) + "\n")
    event = RunEvent.objects.filter(run=run).first()
    assert event is not None
    RunEvent.objects.filter(pk=event.pk).update(type="sample", data={"prompt": question, "text": "It is."})
    assert {"pairs.jsonl", "spec.json"} <= set(files_with(folder, question))
    assert [
        entry.label for find in registries.seen_by for entry in find(frozenset({row.revision_id}), frozenset())
    ] == [str(model)]
    tested = row_of(run, Part.TEST).revision_id
    assert [entry for find in registries.seen_by for entry in find(frozenset({tested}), frozenset())] == []
    erasure = erasure_ask(
        actor=owner, project=project, scope=ErasureScope.PAIR, revisions=revisions_of_pair(row.revision.pair),
        reason="Request", confirmation=project.slug,
    )  # fmt: skip
    run_jobs()
    erasure.refresh_from_db()
    assert erasure.state == "done", erasure.error
    assert [entry["label"] for entry in erasure.models_touched] == [str(model)]
    assert files_with(folder, question) == files_with(beside, question) == []
    assert other in (folder / "pairs.jsonl").read_text()
    assert RunEvent.objects.get(pk=event.pk).data["prompt"] == ""
    audit.refresh_from_db()
    ids = {
        str(each.get("id"))
        for rows in audit.report.values()
        if isinstance(rows, list)
        for each in rows
        if isinstance(each, dict)
    }
    assert str(row.revision.pair_id) not in ids


def test_lines_go_by_what_stands_in_them_and_short_texts_take_nothing_along(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"text": "a long text to be found"}\nno JSON but a long text to be found\n{"text": "Yes."}\n')
    texts = Needles(("long text to be found", "Yes."))
    assert lines_drop(path, texts.hold) == 2
    assert path.read_text() == '{"text": "Yes."}\n'
    assert lines_drop(path, texts.hold) == 0
    assert lines_drop(tmp_path / "nothing.jsonl", lambda row: True) == 0
    assert [each.name for each in tmp_path.iterdir()] == ["events.jsonl"]
    assert texts.without({"a": ["x long text to be found y", 1]}) == {"a": ["", 1]}


@pytest.mark.parametrize(
    ("whole", "text", "stands"),
    [
        ("Berg has 12 houses", "We know that Berg has 12 houses.", True),
        ("Berg has 12 houses", "Lindberg has 12 houses", False),
        ("Berg has 12 houses", "berg has 12 houses", False),
        ("has (12) houses?", "Who has (12) houses??", True),
        ("12 houses has he", "112 houses has he", False),
        ("他在山上有十二座房子吗现在", "我知道他在山上有十二座房子吗现在不知道", True),
    ],
)
def test_a_short_text_counts_as_a_whole(whole: str, text: str, stands: bool) -> None:
    needles = Needles(whole=[whole])
    assert needles.in_text(text) is stands
    assert bool(needles.found) is stands, "a restored backup is told by what was found"


def test_a_runs_copy_of_a_corpus_loses_it_with_its_tokens_and_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    rows = [{"id": f"{n}#0", "text": f"text number {n} of a corpus", "part": "train"} for n in range(3)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "tokens.npy").write_bytes(b"numbers")
    assert folder_erase(tmp_path, set(), Needles(words="NUMBER 1")) == 1
    assert list(read_texts(path, "train")) == [rows[0]["text"], rows[2]["text"]]
    assert [file.name for file in tmp_path.iterdir()] == ["texts.jsonl"]
