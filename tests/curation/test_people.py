"""The numbers of each person: what counts, what does not, who sees whose, and times only where everybody was told."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.choices import Role, WorkKind
from core.models import Assignment, Event, Notice, Project, User, WorkItem
from core.services.people import membership_remove
from core.services.projects import speeds_set
from curation.choices import Decision, Origin
from curation.fingerprints import Texts
from curation.models import Pair, Review, Revision, Task
from curation.selectors.people import WEEKS, PersonRow, Share, people_of, weeks_chart
from curation.services.pairs import pair_revise, pair_submit
from curation.services.reviews import review_decide
from curation.services.tasks import task_create
from curation.services.topics import topics_set
from tests.world import api_client, join, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


def write(task: Task, user: User, name: str, origin: Origin = Origin.HUMAN) -> Pair:
    return pair_submit(actor=user, task=task, texts=Texts(instruction=name, response="That."), origin=origin)


def decide(pair: Pair, user: User, decision: Decision) -> None:
    review_decide(actor=user, pair=pair, revision_id=pair.current_id or 0, decision=decision, reason="So.")
    pair.refresh_from_db()


def rows(project: Project, viewer: User, *, everybody: bool = True) -> dict[str, PersonRow]:
    return {row.user.name: row for row in people_of(project, viewer, everybody=everybody)}


def test_texts_are_counted_for_their_writers_and_imports_and_topics_for_nobody(
    task: Task, owner: User, expert: User, reviewer: User
) -> None:
    first, second = write(task, expert, "one"), write(task, expert, "two", Origin.DRAFT_ACCEPTED)
    write(task, expert, "three", Origin.DRAFT_EDITED)
    write(task, owner, "brought", Origin.IMPORTED)
    decide(first, reviewer, Decision.RETURN)
    decide(second, owner, Decision.APPROVE)
    own = {"reviewer": expert, "decision": Decision.RETURN, "fingerprint": ""}  # no returned share of anybody's
    Review.objects.create(revision_id=second.current_id or 0, **own)
    pair_revise(actor=expert, pair=first, texts=Texts(instruction="one", response="Better."), version=1)
    first.refresh_from_db()
    topics_set([(first, "walls")], "for all")
    found = rows(task.project, owner)
    edda = found["Edda"]
    assert (edda.written, edda.corrected, edda.reviewed) == (3, 1, 1)
    assert (edda.returned, edda.unchanged) == (Share(1, 2), Share(1, 2))
    assert edda.weeks == (0,) * (WEEKS - 1) + (4,)
    assert (found["Olga"].written, found["Olga"].reviewed, found["Ravi"].reviewed) == (0, 1, 1)
    assert found["Olga"].returned.value is None


def test_agreement_is_of_texts_that_two_people_decided_about(
    task: Task, owner: User, expert: User, reviewer: User, make_user: Callable[..., User]
) -> None:
    other = join(task.project, make_user("Rita"), Role.REVIEWER)
    decisions = [("approve", "approve"), ("approve", "return"), ("return", "return")]
    for number, (one, two) in enumerate(decisions):
        revision = Revision.objects.get(pair=write(task, expert, f"text {number}"))
        for user, decision in ((reviewer, one), (other, two)):
            Review.objects.create(revision=revision, reviewer=user, decision=decision, fingerprint=revision.fingerprint)
    Review.objects.create(revision=revision, reviewer=owner, decision="approve", fingerprint="another text")
    found = rows(task.project, owner)
    assert (found["Ravi"].agreed, found["Rita"].agreed, found["Olga"].agreed) == (Share(2, 3), Share(2, 3), Share(0, 0))


def spent(user: User, project: Project, seconds: int, claimed: timedelta = timedelta()) -> None:
    item = WorkItem.objects.create(
        project=project, kind=WorkKind.REVIEW, subject_type="pair", subject_id=WorkItem.objects.count(), state="done"
    )
    start = timezone.now() - claimed
    work = Assignment.objects.create(
        item=item, user=user, slot=0, state="submitted", lease_until=start, ended_at=start + timedelta(seconds=seconds)
    )
    Assignment.objects.filter(pk=work.pk).update(claimed_at=start)


def test_times_of_others_are_shown_only_since_an_admin_turned_them_on_and_all_were_told(
    project: Project, owner: User, reviewer: User, viewer: User, admin: User, django_assert_num_queries: Any
) -> None:
    for seconds in (10, 30, 20):
        spent(reviewer, project, seconds, timedelta(hours=1))
    assert rows(project, owner)["Ravi"].seconds is None
    assert rows(project, reviewer, everybody=False)["Ravi"].seconds == {"review": (20.0, 3)}
    speeds_set(actor=admin, project=project, on=True)
    speeds_set(actor=admin, project=project, on=True)
    assert sorted(Notice.objects.values_list("user__name", "kind")) == [
        ("Olga", "speeds"), ("Ravi", "speeds"), ("Vera", "speeds"),
    ]  # fmt: skip
    assert Event.objects.filter(action="project.speeds").count() == 1
    spent(reviewer, project, 50)
    spent(reviewer, project, 61)
    spent(owner, project, 7, timedelta(hours=1))
    with django_assert_num_queries(8):  # however many take part
        found = rows(project, owner)
    assert {name: row.seconds for name, row in found.items()} == {
        "Ravi": {"review": (55.5, 2)}, "Olga": {"review": (7.0, 1)}, "Vera": {},
    }  # fmt: skip
    assert b"Times are measured" in sign_in(viewer).get(f"/p/{project.slug}/people/").content
    assert b"<span>Review: " in sign_in(owner).get(f"/p/{project.slug}/people/").content
    speeds_set(actor=admin, project=project, on=False)
    assert rows(project, owner)["Ravi"].seconds is None


def test_owners_see_everybody_and_everyone_else_themselves(
    task: Task, owner: User, expert: User, reviewer: User, admin: User, stranger: User
) -> None:
    write(task, expert, "one")
    path = f"/p/{task.project.slug}/people/"
    page = sign_in(owner).get(path).content.decode()
    assert "Edda" in page
    assert 'aria-label="Texts written and corrected a week' in page
    assert "Edda" not in sign_in(reviewer).get(path).content.decode()
    assert "Ada" not in rows(task.project, admin)
    mine, _left = write(task, admin, "two"), write(task, reviewer, "three")
    membership_remove(actor=owner, project=task.project, user=reviewer)
    found = rows(task.project, owner)
    assert {name: (row.role, row.written) for name, row in found.items() if name in {"Ada", "Ravi"}} == {
        "Ada": ("Admin", 1), "Ravi": ("No member any more", 1),
    }  # fmt: skip
    assert rows(task.project, admin, everybody=False)["Ada"].written == 1
    decide(mine, owner, Decision.APPROVE)
    assert rows(task.project, owner)["Ada"].returned == Share(0, 1)
    assert sign_in(stranger).get(path).status_code == 404
    assert sign_in(owner).post(f"{path}speeds/", {"on": "yes"}).status_code == 404
    assert sign_in(admin).post(f"{path}speeds/", {"on": "yes"}).status_code == 302
    assert Project.objects.get(pk=task.project_id).speeds_since is not None


def test_the_api_gives_the_same_numbers(task: Task, expert: User, owner: User, admin: User) -> None:
    write(task, expert, "one")
    (own,) = api_client(expert).get(f"/api/v1/projects/{task.project.slug}/people/").json()
    assert (own["user"]["name"], own["written"], own["returned"]) == ("Edda", 1, {"part": 0, "of": 0, "share": None})
    assert (own["times"], own["weeks"][-1]) == ([], 1)
    assert len(api_client(owner).get(f"/api/v1/projects/{task.project.slug}/people/").json()) == 2
    answer = api_client(admin).post(f"/api/v1/projects/{task.project.slug}/people/speeds/", {"on": True}, format="json")
    assert answer.json()["speeds_since"] is not None


def test_the_chart_has_a_table_and_draws_at_most_six(owner: User) -> None:
    nothing = Share(0, 0)
    made = [
        PersonRow(User(name=f"P{n}"), "Expert", n, 0, nothing, nothing, 0, nothing, None, (0,) * (WEEKS - 1) + (n,))
        for n in range(9)
    ]
    chart = weeks_chart(made)
    assert chart is not None
    assert chart.columns[1:] == ["P8", "P7", "P6", "P5", "P4", "P3"]
    assert chart.rows[-1] == ["0", "8", "7", "6", "5", "4", "3"]
    assert weeks_chart(made[:1]) is None
