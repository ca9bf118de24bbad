"""The journal makes a restored database forget again, and only what is its own."""

import json
from pathlib import Path

import pytest
from django.conf import settings

from core import registries
from core.jobs import JobFailed
from core.models import Job, User
from curation.choices import ErasureScope
from curation.models import DatasetVersion, Erasure, Pair, Revision, Task, VersionPair
from curation.selectors.erasures import revisions_of_pair
from curation.services import erasure_journal
from curation.services.erasure_journal import journal_entries, journal_path
from curation.services.erasures import erasure_ask, erasure_run
from tests.curation.erasing.world import NAME, QUESTION, erase, tables_with

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.slow
def test_the_journal_makes_a_restored_database_forget_again(
    secret: Pair, version: DatasetVersion, owner: User, task: Task
) -> None:
    before = {row.pk: row.instruction for row in Revision.objects.all()}
    salt = VersionPair.objects.get(revision__pair=secret).salt
    done = erase(owner, task.project, revisions=revisions_of_pair(secret))
    assert NAME not in journal_path().read_text()
    # The database as a backup of yesterday has it.
    Erasure.objects.all().delete()
    Revision.objects.filter(pair=secret).update(instruction=before[secret.current_id or 0], erased_at=None)
    VersionPair.objects.filter(revision__pair=secret).update(salt=salt)
    told: list[str] = []
    for task_after in registries.after_restore:
        task_after(told.append)
    assert tables_with("Hemlok") == []
    assert told == ["Erased again what was erased after this backup: 1"]
    again = Erasure.objects.get()
    assert (again.key, again.state) == (done.key, "done")
    assert list(Job.objects.filter(state="queued").values_list("kind", flat=True)) == ["stock"]
    told.clear()
    for task_after in registries.after_restore:
        task_after(told.append)
    assert told == [], "nothing is left to do"


def test_the_journal_of_another_history_erases_nothing(secret: Pair, owner: User, task: Task) -> None:
    entry = {
        "key": "other", "project": task.project.slug, "scope": "pair", "person": None, "reason": "",
        "revisions": [secret.current_id], "pairs": {str(secret.pk): "2020-01-01T00:00:00+00:00"},
    }  # fmt: skip
    erasure_journal.write(entry)
    with journal_path().open("a") as file:
        file.write('{"key": "cut sho')
    for task_after in registries.after_restore:
        task_after(lambda _told: None)
    assert Revision.objects.get(pk=secret.current_id).instruction == QUESTION


def test_an_erasure_that_fails_is_withdrawn_and_one_without_a_journal_does_not_begin(
    secret: Pair, owner: User, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_erased: object) -> dict[str, int]:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(registries, "erasers", [broken])
    erasure = erasure_ask(
        actor=owner, project=task.project, scope=ErasureScope.PAIR, revisions=revisions_of_pair(secret), reason="R",
        confirmation=task.project.slug,
    )  # fmt: skip
    with pytest.raises(RuntimeError):
        erasure_run(erasure)
    assert journal_entries() == []
    assert len(journal_path().read_text().splitlines()) == 2
    journal_path().unlink()
    journal_path().mkdir()
    try:
        with pytest.raises(JobFailed, match="nothing was erased"):
            erasure_run(erasure)
    finally:
        journal_path().rmdir()
    assert Revision.objects.get(pk=secret.current_id).instruction == QUESTION


def test_the_journal_lies_beside_the_database_for_its_owner_alone(secret: Pair, owner: User, task: Task) -> None:
    erase(owner, task.project, revisions=revisions_of_pair(secret))
    path = journal_path()
    assert path == Path(settings.HOME) / "erasures" / "journal.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    entry, digests = (json.loads(line) for line in path.read_text().splitlines())
    assert entry["revisions"] == [secret.current_id]
    assert (digests["key"], digests["found"], len(digests["erased"])) == (entry["key"], [], 1)
