"""Between two versions: which pairs came, changed, went or moved, by whom and why. A version stays byte for byte."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from core.models import Project, User
from curation.choices import Decision, PairState, Part
from curation.fingerprints import Texts
from curation.import_mapping import Mapping
from curation.models import DatasetVersion, Pair, Task
from curation.selectors.differences import version_difference
from curation.selectors.examples import version_examples
from curation.selectors.exports import FORMATS, version_lines
from curation.selectors.subsets import Subset, subset_ordinals
from curation.services.import_undo import import_undo
from curation.services.imports import import_start, import_upload
from curation.services.pairs import pair_revise, pair_submit, pair_trash
from curation.services.reviews import review_decide
from curation.services.tasks import task_create, task_update
from curation.services.verifying import version_sha256
from curation.services.versions import version_freeze
from ml.hashing import text_sha256
from tests.world import api_client, run_jobs, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


def approve(reviewer: User, pair: Pair) -> Pair:
    pair.refresh_from_db()
    review_decide(actor=reviewer, pair=pair, revision_id=pair.current_id or 0, decision=Decision.APPROVE)
    return pair


def many(task: Task, expert: User, reviewer: User, count: int) -> list[Pair]:
    return [
        approve(
            reviewer, pair_submit(actor=expert, task=task, texts=Texts(instruction=f"question {n}", response=f"{n}."))
        )
        for n in range(count)
    ]


def freeze(task: Task, owner: User, **options: object) -> DatasetVersion:
    version = version_freeze(actor=owner, task=task, **options)
    run_jobs()
    version.refresh_from_db()
    assert version.state == "ready", version.error
    return version


@pytest.fixture
def grown(task: Task, owner: User, expert: User, reviewer: User) -> tuple[DatasetVersion, DatasetVersion, list[Pair]]:
    """Version 1 of twelve pairs, and version 2: one added, one changed, one trashed, some moved by the ratio."""
    pairs = many(task, expert, reviewer, 12)
    first = freeze(task, owner)
    changed = Texts(instruction="question 3", response="Three, exactly.")
    pair_revise(actor=expert, pair=pairs[3], texts=changed, version=1, note="It was too short.")
    approve(reviewer, pairs[3])
    pair_trash(actor=owner, pair=pairs[4])
    added = pair_submit(actor=owner, task=task, texts=Texts(instruction="one more", response="Yes."))
    approve(reviewer, added)
    task_update(actor=owner, task=task, system_prompt="Be brief.")
    return first, freeze(task, owner, train_share=0.5), [*pairs, added]


def test_each_difference_names_the_pair_the_person_and_the_reason(
    grown: tuple[DatasetVersion, DatasetVersion, list[Pair]], owner: User, expert: User, reviewer: User,
    django_assert_num_queries: object,
) -> None:  # fmt: skip
    first, second, pairs = grown
    with django_assert_num_queries(6):  # type: ignore[operator]
        found = version_difference(first, second)
    rows = {row.pair_id: row for row in found.rows}
    changed, removed, added = rows[pairs[3].pk], rows[pairs[4].pk], rows[pairs[12].pk]
    assert (changed.kind, changed.who, changed.why, changed.approved_by) == (
        "changed", expert, "It was too short.", reviewer,
    )  # fmt: skip
    assert changed.diff == {"Response": [("delete", "3"), ("insert", "Three, exactly"), ("equal", ".")]}
    assert (removed.kind, removed.who, removed.why, removed.new_part) == ("removed", owner, "Moved to the trash.", "")
    assert (added.kind, added.who, added.old_part, added.approved_by) == ("added", owner, "", reviewer)
    moved = [row for row in found.rows if row.kind == "moved"]
    assert moved
    assert {row.new_part for row in moved} <= {"test", "develop", "train"}
    assert found.counts == {"added": 1, "changed": 1, "removed": 1, "moved": len(moved)}
    assert [name for name, _before, _after in found.settings] == ["Share for training", "System prompt"]


def test_what_went_without_the_trash_says_why_and_what_came_says_from_where(
    task: Task, owner: User, expert: User, reviewer: User, tmp_path: Path, settings: Any
) -> None:
    settings.UPLOADS = tmp_path
    first, returned = many(task, expert, reviewer, 2)
    rows = b"".join(json.dumps({"question": f"row {n}", "answer": f"{n}!"}).encode() + b"\n" for n in range(2))
    batch = import_upload(actor=owner, task=task, upload=SimpleUploadedFile("faq.jsonl", rows))
    import_start(actor=owner, batch=batch, mapping=Mapping.from_json(batch.mapping), approve=True, source="faq.jsonl")
    run_jobs()
    one = freeze(task, owner)
    batch.refresh_from_db()
    import_undo(actor=expert, batch=batch)
    Pair.objects.filter(pk=returned.pk).update(state=PairState.RETURNED, approved=None)
    run_jobs()
    two = freeze(task, owner)
    gone = {row.pair_id: (row.who, row.why) for row in version_difference(one, two, kind="removed").rows}
    assert gone.pop(returned.pk) == (None, "It was no longer approved at the freeze.")
    assert list(gone.values()) == [(expert, "The import that brought it was taken back.")] * 2
    back = version_difference(two, one, kind="added").rows
    assert {row.why for row in back if row.pair_id in gone} == {"Imported. faq.jsonl"}
    assert first.pk not in gone


def test_pages_go_on_behind_the_last_pair_and_kinds_narrow(
    grown: tuple[DatasetVersion, DatasetVersion, list[Pair]],
) -> None:
    first, second, pairs = grown
    whole = [row.pair_id for row in version_difference(first, second).rows]
    seen, start = [], 0
    while True:
        page = version_difference(first, second, start=start, size=2)
        seen += [row.pair_id for row in page.rows]
        if page.following is None:
            break
        start = page.following
    assert seen == whole
    assert [row.pair_id for row in version_difference(first, second, kind="added").rows] == [pairs[12].pk]


def test_page_and_api_show_it_and_strangers_see_nothing(
    grown: tuple[DatasetVersion, DatasetVersion, list[Pair]], viewer: User, stranger: User, task: Task
) -> None:
    first, second, _pairs = grown
    root = f"/p/{task.project.slug}/versions"
    page = sign_in(viewer).get(f"{root}/{second.pk}/changes/").content.decode()
    assert "It was too short." in page
    assert "Moved to the trash." not in page
    page = sign_in(viewer).get(f"{root}/{second.pk}/changes/?since={first.pk}&kind=removed").content.decode()
    assert "Moved to the trash." in page
    page = sign_in(viewer).get(f"{root}/{second.pk}/changes/?kind=moved").content.decode()
    moved = next(row for row in version_difference(first, second, kind="moved").rows)
    assert f">{Part(moved.old_part).label}<" in page
    assert f">{Part(moved.new_part).label}<" in page
    assert "first version of its task" in sign_in(viewer).get(f"{root}/{first.pk}/changes/").content.decode()
    assert sign_in(viewer).get(f"{root}/{second.pk}/changes/?since=99999").status_code == 404
    assert sign_in(stranger).get(f"{root}/{second.pk}/changes/").status_code == 404
    answer = api_client(viewer).get(f"/api/v1/dataset-versions/{second.pk}/diff/?kind=changed").json()
    assert (answer["older"], answer["newer"], answer["following"]) == (first.pk, second.pk, None)
    assert answer["counts"]["changed"] == 1
    assert answer["rows"][0]["after"]["response"] == "Three, exactly."
    assert answer["settings"][1] == {"name": "System prompt", "before": "", "after": "Be brief."}
    assert api_client(viewer).get(f"/api/v1/dataset-versions/{first.pk}/diff/").status_code == 404
    assert api_client(stranger).get(f"/api/v1/dataset-versions/{second.pk}/diff/").status_code == 404


def test_every_form_is_the_same_bytes_from_another_state_of_the_database(
    grown: tuple[DatasetVersion, DatasetVersion, list[Pair]], owner: User
) -> None:
    """Rows are written anew in reverse order, so they come back otherwise unless an order is asked for."""
    first, _second, pairs = grown
    before = {name: b"".join(version_lines(first, name)) for name in FORMATS}
    with connection.cursor() as cursor:
        for table in ("curation_versionpair", "curation_revision", "curation_pair"):
            cursor.execute(f"CREATE TEMP TABLE turned AS SELECT id FROM {table} ORDER BY id DESC")
            for (row,) in cursor.execute("SELECT id FROM turned").fetchall():
                cursor.execute(f"UPDATE {table} SET id = id WHERE id = %s", [row])
            cursor.execute("DROP TABLE turned")
            cursor.execute(f"VACUUM FULL {table}")
    pair_trash(actor=owner, pair=pairs[0])
    again = DatasetVersion.objects.get(pk=first.pk)
    assert {name: b"".join(version_lines(again, name)) for name in FORMATS} == before
    assert version_sha256(again) == (first.sha256, 0)


def test_subsets_lie_inside_each_other_and_differ_by_seed(
    task: Task, owner: User, expert: User, reviewer: User
) -> None:
    many(task, expert, reviewer, 60)
    version = freeze(task, owner)
    size = version.counts["parts"]["train"]
    found = [subset_ordinals(version, Subset(share)) for share in (0.05, 0.1, 0.25, 0.5, 0.9, 1)]
    assert all(small < large for small, large in itertools.pairwise(found))
    assert [len(each) for each in found] == [round(share * size) for share in (0.05, 0.1, 0.25, 0.5, 0.9, 1)]
    assert found[3] == subset_ordinals(version, Subset(0.5)) != subset_ordinals(version, Subset(0.5, seed=1))
    train = sorted(version.rows.filter(part="train"), key=lambda row: text_sha256(f"0 {row.digest}"))
    assert found[2] == {row.ordinal for row in train[: len(found[2])]}, "what runs were trained on stays the same"
    rows = list(version_examples(version, subset=Subset(0.25)))
    parts = [row["part"] for row in rows]
    assert parts.count("train") == len(found[2])
    assert parts.count("test") == version.counts["parts"]["test"]
    with pytest.raises(ValueError, match="above 0 and up to 1"):
        Subset(0)
    client, url = api_client(owner), f"/api/v1/dataset-versions/{version.pk}/rows/?page_size=500"
    listed = client.get(f"{url}&share=0.25&part=train").json()["results"]
    assert {row["ordinal"] for row in listed} == found[2]
    assert len(client.get(f"{url}&share=0.25").json()["results"]) == len(rows)
    for wrong in ("share=0", "share=x", "share=2", "share=0.5&seed=x", "share=nan"):
        assert client.get(f"{url}&{wrong}").status_code == 400, wrong
