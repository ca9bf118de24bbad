"""A spent test item teaches from the next version on with its whole group, and no later comparison asks it."""

import pytest
from django.utils import timezone

from core.access import Access
from core.denied import ApplicationError
from core.models import Event, Project, User
from curation.choices import Decision, Part
from curation.fingerprints import Texts
from curation.models import DatasetVersion, Pair, Place, Spent, Suite, Task, VersionPair
from curation.selectors.examples import suite_examples
from curation.selectors.freezing import freeze_preview
from curation.services.likeness import likeness_due
from curation.services.pairs import pair_submit
from curation.services.reviews import review_decide
from curation.services.spending import test_item_spend as item_spend
from curation.services.tasks import task_create
from curation.services.versions import version_freeze
from curation.wiring import next_actions
from tests.world import api_client, run_jobs, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    project.solo = True
    project.save()
    return task_create(actor=owner, project=project, name="Advise")


def approved(task: Task, owner: User, instruction: str, response: str = "Yes.") -> Pair:
    pair = pair_submit(actor=owner, task=task, texts=Texts(instruction=instruction, response=response))
    review_decide(actor=owner, pair=pair, revision_id=pair.current_id or 0, decision=Decision.APPROVE)
    return pair


def freeze(task: Task, owner: User) -> DatasetVersion:
    version = version_freeze(actor=owner, task=task)
    run_jobs()
    version.refresh_from_db()
    assert version.state == "ready", version.error
    return version


def parts_of(version: DatasetVersion) -> dict[int, str]:
    return dict(VersionPair.objects.filter(version=version).values_list("revision__pair_id", "part"))


@pytest.fixture
def version(task: Task, owner: User) -> DatasetVersion:
    """Twelve questions, each asked twice, so that every group has two pairs."""
    for number in range(12):
        for mark in ("?", "!"):
            approved(task, owner, f"question{number} about{number}{mark}", f"answer {number}{mark}")
    return freeze(task, owner)


def item_of(version: DatasetVersion, part: str = Part.TEST) -> Pair:
    row = VersionPair.objects.filter(version=version, part=part).select_related("revision__pair__project").first()
    assert row is not None
    return row.revision.pair


@pytest.mark.slow
def test_the_group_moves_to_train_and_new_pairs_like_it_follow(
    task: Task, owner: User, version: DatasetVersion
) -> None:
    item = item_of(version)
    spent = item_spend(actor=owner, pair=item, reason="It shows what goes wrong.")
    assert len(spent) == 2
    assert item_spend(actor=owner, pair=item, reason="Again") == spent
    assert Event.objects.filter(action="pair.spent").count() == 1
    assert item.current is not None
    follower = approved(task, owner, item.current.instruction.upper(), "Something else.")
    second = freeze(task, owner)
    before, after = parts_of(version), parts_of(second)
    moved = {pair for pair in before if before[pair] != after[pair]}
    assert moved == {row.pair_id for row in spent}
    assert {after[pair] for pair in moved} == {Part.TRAIN} == {after[follower.pk]}
    assert second.counts["left_out"] == 0, "the older suite's item gives nothing away any more"
    assert Place.objects.get(pair=follower).pinned == Part.TRAIN
    assert parts_of(freeze(task, owner)) == after


def test_it_leaves_comparisons_made_afterwards_and_stays_in_earlier_ones(
    task: Task, owner: User, version: DatasetVersion
) -> None:
    suite = Suite.objects.get(version=version, role="test")
    before = timezone.now()
    spent = item_spend(actor=owner, pair=item_of(version), reason="Why not")
    assert len(list(suite_examples(suite, at=before))) == suite.size
    assert len(list(suite_examples(suite, at=timezone.now()))) == suite.size - len(spent)
    assert len(list(suite_examples(suite))) == suite.size


def test_only_a_test_item_can_be_spent_and_only_with_a_reason(task: Task, owner: User, version: DatasetVersion) -> None:
    with pytest.raises(ApplicationError, match="test part of the newest version"):
        item_spend(actor=owner, pair=item_of(version, Part.TRAIN), reason="Why")
    with pytest.raises(ApplicationError, match="test part of the newest version"):
        item_spend(actor=owner, pair=approved(task, owner, "never frozen"), reason="Why")
    with pytest.raises(ApplicationError, match="Say why"):
        item_spend(actor=owner, pair=item_of(version), reason=" ")
    assert not Spent.objects.exists()
    assert not Place.objects.exclude(pinned="").exists()


def test_a_fresh_question_is_asked_for_until_the_next_version(
    task: Task, owner: User, version: DatasetVersion, django_assert_max_num_queries: object
) -> None:
    item_spend(actor=owner, pair=item_of(version), reason="Why not")
    texts = [str(action.text) for action in next_actions(Access(task.project, owner, "owner"))]
    assert "A test item of “Advise” was spent: write a fresh question" in texts
    freeze(task, owner)
    assert not any("was spent" in str(action.text) for action in next_actions(Access(task.project, owner, "owner")))


@pytest.mark.slow
def test_page_and_api_spend_it_for_owners(task: Task, owner: User, expert: User, version: DatasetVersion) -> None:
    first = item_of(version)
    client, page = sign_in(owner), f"/p/{task.project.slug}/pairs/{first.pk}/"
    assert "Spend this test item" in client.get(page).content.decode()
    assert "Spend this test item" not in sign_in(expert).get(page).content.decode()
    client.post(f"{page}spend/", {"reason": "A good lesson"})
    shown = client.get(page).content.decode()
    assert "A test item given up as a lesson" in shown
    assert "A good lesson" in shown
    left = VersionPair.objects.filter(version=version, part=Part.TEST).exclude(revision__pair__spent__isnull=False)
    other = left.select_related("revision").first()
    assert other is not None
    url = f"/api/v1/pairs/{other.revision.pair_id}/spend/"
    assert api_client(expert).post(url, {"reason": "R"}, format="json").status_code == 403
    answer = api_client(owner).post(url, {"reason": "R"}, format="json").json()
    assert {row["because"] for row in answer} == {other.revision.pair_id}
    listed = api_client(owner).get(f"/api/v1/spent-items/?task={task.pk}").json()["results"]
    assert len(listed) == 4
    likeness_due()
    facts = freeze_preview(task, 0.8).facts
    assert facts is not None
    assert facts.parts["test"] == version.counts["parts"]["test"] - 4
