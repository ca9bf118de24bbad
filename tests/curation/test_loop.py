"""A pair's way from the editor into a frozen version, through the services alone."""

import pytest

from core.choices import WorkKind
from core.models import Project, User
from core.services.work import work_claim_next
from curation.choices import Decision, PairState, ReviewBasis, VersionState
from curation.fingerprints import Texts
from curation.models import DatasetVersion, Pair, Task
from curation.selectors.examples import suite_examples, version_examples
from curation.services.pairs import pair_submit
from curation.services.reviews import review_decide
from curation.services.tasks import task_create
from curation.services.verifying import version_sha256
from curation.services.versions import version_freeze
from tests.world import run_jobs

pytestmark = pytest.mark.slow


@pytest.mark.django_db(transaction=True)
def test_a_pair_is_written_reviewed_frozen_and_read_again(
    project: Project, expert: User, reviewer: User, owner: User
) -> None:
    task = task_create(actor=owner, project=project, name="Answer questions", system_prompt="You advise builders.")
    for number in range(40):
        texts = Texts(instruction=f"What is rule {number}?", response=f"Rule {number} says so.")
        pair_submit(actor=expert, task=task, texts=texts)
    while assignment := work_claim_next(user=reviewer, project=project, kind=WorkKind.REVIEW):
        pair = Pair.objects.get(pk=assignment.item.subject_id)
        review_decide(
            actor=reviewer, pair=pair, revision_id=pair.current_id, decision=Decision.APPROVE, assignment=assignment
        )
    assert set(Pair.objects.values_list("state", flat=True)) == {PairState.APPROVED}
    version = version_freeze(actor=owner, task=Task.objects.get(pk=task.pk))
    jobs = [(job.kind, job.state) for job in run_jobs()]
    assert jobs == [("freeze", "done"), ("likeness", "done"), ("stock", "done")]
    version = DatasetVersion.objects.get(pk=version.pk)
    assert (version.number, version.state) == (1, VersionState.READY)
    rows = list(version_examples(version))
    assert len(rows) == 40 == version.counts["pairs"]
    assert {row["system"] for row in rows} == {"You advise builders."}
    assert sum(version.counts["parts"].values()) == 40
    assert version_sha256(version) == (version.sha256, 0)
    test_rows = list(version_examples(version, ["test"]))
    suite = version.suites.get(role="test")
    assert [example["instruction"] for _, example in suite_examples(suite)] == [row["instruction"] for row in test_rows]
    assert pair.approved.reviews.get().basis == ReviewBasis.SECOND_PERSON if pair.approved else True
