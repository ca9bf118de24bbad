"""Taking back submissions, decisions, skips: the history keeps what was done, and that it was taken back."""

from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from core.choices import AssignmentState, Role, WorkKind, WorkState
from core.denied import ApplicationError
from core.models import Assignment, Event, Project, User, WorkItem
from core.services.people import membership_set
from core.services.work import work_claim_next, work_skip
from curation.choices import Decision, PairState
from curation.fingerprints import Texts
from curation.models import Answer, Document, Pair, Passage, Review, Revision, Task
from curation.selectors.actions import actions_undoable
from curation.services.answers import answer_submit
from curation.services.documents import passages_ask
from curation.services.pairs import pair_revise, pair_submit, pair_trash
from curation.services.questions import question_withdraw, questions_ask
from curation.services.reviews import review_decide, review_fix
from curation.services.tasks import task_create
from curation.services.undo import action_undo

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


@pytest.fixture
def pair(task: Task, expert: User) -> Pair:
    return pair_submit(actor=expert, task=task, texts=Texts(instruction="How high?", response="1.1 metres."))


def newest(user: User, project: Project) -> Event:
    return actions_undoable(user, project)[0]


def held(user: User, project: Project) -> Assignment:
    found = work_claim_next(user=user, project=project, kind="review")  # type: ignore[arg-type]
    assert found is not None
    return found


def decide(pair: Pair, user: User, decision: Decision, reason: str = "") -> Review:
    pair.refresh_from_db()
    assert pair.current_id is not None
    return review_decide(
        actor=user, pair=pair, revision_id=pair.current_id, decision=decision, reason=reason,
        assignment=held(user, pair.project),
    )  # fmt: skip


def test_a_submission_taken_back_is_a_draft_that_nobody_reviews_and_that_can_be_submitted_again(
    pair: Pair, expert: User, reviewer: User, as_user: AsUser
) -> None:
    client, root = as_user(expert), f"/p/{pair.project.slug}"
    answer = client.post(f"{root}/actions/undo/")
    assert answer["Location"] == f"{root}/pairs/{pair.pk}/edit/"
    pair.refresh_from_db()
    assert (pair.state, pair.version) == (PairState.DRAFT, 1)
    assert not WorkItem.objects.filter(state=WorkState.OPEN).exists()
    assert b"How high?" in client.get(f"{root}/write/").content
    body = {"instruction": "How high?", "response": "1.1 metres.", "language": "en", "base": 1}
    assert client.post(f"{root}/pairs/{pair.pk}/edit/", body).status_code == 302
    pair.refresh_from_db()
    assert (pair.state, pair.version) == (PairState.SUBMITTED, 2)
    assert held(reviewer, pair.project).item.subject_id == pair.pk
    told = Event.objects.filter(object_type="pair").order_by("pk").values_list("action", flat=True)
    assert list(told) == ["pair.submitted", "action.undone", "pair.revised"]


def test_an_approval_taken_back_stays_in_the_history_and_counts_for_nothing(
    pair: Pair, reviewer: User, as_user: AsUser
) -> None:
    decide(pair, reviewer, Decision.APPROVE)
    client, root = as_user(reviewer), f"/p/{pair.project.slug}"
    answer = client.post(f"{root}/actions/undo/")
    assignment = Assignment.objects.get()
    assert answer["Location"] == f"{root}/review/{assignment.pk}/"
    assert assignment.state == AssignmentState.CLAIMED
    pair.refresh_from_db()
    assert (pair.state, pair.approved_id) == (PairState.SUBMITTED, None)
    assert (Review.objects.count(), Review.ever.count()) == (0, 1)
    assert b"taken back at" in client.get(f"{root}/pairs/{pair.pk}/").content
    assert client.post(f"{root}/review/{assignment.pk}/approve/", {"revision": pair.current_id}).status_code == 302
    pair.refresh_from_db()
    assert (pair.state, pair.approved_id) == (PairState.APPROVED, pair.current_id)


def test_a_second_approval_taken_back_gives_the_first_one_its_place_again(
    pair: Pair, expert: User, reviewer: User
) -> None:
    decide(pair, reviewer, Decision.APPROVE)
    first = pair.current_id
    pair_revise(actor=expert, pair=pair, texts=Texts(instruction="How high?", response="1.2 metres."), version=1)
    decide(pair, reviewer, Decision.APPROVE)
    action_undo(actor=reviewer, project=pair.project, event=newest(reviewer, pair.project))
    pair.refresh_from_db()
    assert (pair.state, pair.approved_id, pair.version) == (PairState.SUBMITTED, first, 2)


@pytest.mark.parametrize("decision", [Decision.RETURN, Decision.ESCALATE])
def test_a_return_and_an_escalation_are_taken_back(pair: Pair, reviewer: User, decision: Decision) -> None:
    decide(pair, reviewer, decision, "Too short.")
    action_undo(actor=reviewer, project=pair.project, event=newest(reviewer, pair.project))
    pair.refresh_from_db()
    assert pair.state == PairState.SUBMITTED
    assert WorkItem.objects.get(state=WorkState.OPEN).kind == "review"
    assert held(reviewer, pair.project).item.subject_id == pair.pk


def test_a_mend_taken_back_gives_the_writer_their_text_and_the_reviewer_the_review(
    pair: Pair, expert: User, reviewer: User, as_user: AsUser
) -> None:
    """A reviewer may not write pairs, and yet takes back what they mended; they judge it then, being the writer's."""
    hold, mended = held(reviewer, pair.project), Texts(instruction="How high?", response="1.2 metres.")
    review_fix(actor=reviewer, pair=pair, texts=mended, version=1, assignment=hold)
    client, root = as_user(reviewer), f"/p/{pair.project.slug}"
    where = client.post(f"{root}/actions/undo/")["Location"]
    assert where.startswith(f"{root}/review/")
    pair.refresh_from_db()
    assert pair.current is not None
    assert (pair.state, pair.version, pair.current.number) == (PairState.SUBMITTED, 3, 3)
    assert (pair.current.response, pair.current.author) == ("1.1 metres.", expert)
    assert client.post(f"{where}approve/", {"revision": pair.current_id}).status_code == 302
    pair.refresh_from_db()
    assert (pair.state, pair.approved_id) == (PairState.APPROVED, pair.current_id)


def test_a_skip_is_taken_back(pair: Pair, reviewer: User) -> None:
    work_skip(assignment=held(reviewer, pair.project), reason="Not my field.")
    assert work_claim_next(user=reviewer, project=pair.project, kind="review") is None  # type: ignore[arg-type]
    undone = action_undo(actor=reviewer, project=pair.project, event=newest(reviewer, pair.project))
    assert undone.assignment == held(reviewer, pair.project).pk


def test_trash_is_taken_back_and_taking_back_is_no_action_of_its_own(pair: Pair, expert: User) -> None:
    pair_trash(actor=expert, pair=pair)
    action_undo(actor=expert, project=pair.project, event=newest(expert, pair.project))
    pair.refresh_from_db()
    assert pair.state == PairState.SUBMITTED
    assert [event.action for event in actions_undoable(expert, pair.project)] == ["pair.submitted"]


def test_what_others_have_built_on_stays(pair: Pair, expert: User, reviewer: User, owner: User) -> None:
    decide(pair, reviewer, Decision.RETURN, "Too short.")
    with pytest.raises(ApplicationError, match="Somebody has reviewed this text"):
        action_undo(actor=expert, project=pair.project, event=newest(expert, pair.project))
    pair_revise(actor=owner, pair=pair, texts=Texts(instruction="How high?", response="Longer."), version=1)
    with pytest.raises(ApplicationError, match="a newer text"):
        action_undo(actor=reviewer, project=pair.project, event=newest(reviewer, pair.project))
    pair.refresh_from_db()
    assert (pair.state, Review.objects.count(), Revision.objects.count()) == (PairState.SUBMITTED, 1, 2)


def test_an_action_is_taken_back_once_and_only_by_who_did_it(
    pair: Pair, expert: User, owner: User, stranger: User, viewer: User, as_user: AsUser
) -> None:
    event = newest(expert, pair.project)
    for other in (owner, stranger):
        with pytest.raises(ApplicationError, match="none of your last 20"):
            action_undo(actor=other, project=pair.project, event=event)
    action_undo(actor=expert, project=pair.project, event=event)
    with pytest.raises(ApplicationError, match="taken back already"):
        action_undo(actor=expert, project=pair.project, event=event)
    assert as_user(viewer).post(f"/p/{pair.project.slug}/actions/undo/").status_code == 403


@pytest.mark.slow
def test_twenty_actions_are_listed_and_each_can_be_taken_back_by_its_button(
    task: Task, expert: User, as_user: AsUser
) -> None:
    pairs = [
        pair_submit(actor=expert, task=task, texts=Texts(instruction=f"question {number}", response="a"))
        for number in range(22)
    ]
    client, root = as_user(expert), f"/p/{task.project.slug}"
    page = client.get(f"{root}/actions/").content.decode()
    assert page.count("Take back<span") == 20
    assert "question 1<" not in page
    older = Event.objects.get(object_id=str(pairs[10].pk))
    answer = client.post(f"{root}/actions/undo/", {"event": older.pk}, headers={"Accept": "application/json"}).json()
    assert answer["url"].endswith(f"/pairs/{pairs[10].pk}/edit/")
    refused = client.post(f"{root}/actions/undo/", {"event": older.pk}, headers={"Accept": "application/json"})
    assert (refused.status_code, refused.json()["detail"]) == (400, "There is nothing to take back.")


def test_a_role_that_was_lost_takes_nothing_back(pair: Pair, reviewer: User, owner: User, as_user: AsUser) -> None:
    decide(pair, reviewer, Decision.APPROVE)
    membership_set(actor=owner, project=pair.project, user=reviewer, role=Role.EXPERT)
    as_user(reviewer).post(f"/p/{pair.project.slug}/actions/undo/")
    assert Review.objects.count() == 1


def take(user: User, project: Project, kind: WorkKind) -> Assignment:
    found = work_claim_next(user=user, project=project, kind=kind)
    assert found is not None
    return found


def test_skipped_questions_and_passages_are_held_again(
    task: Task, expert: User, owner: User, as_user: AsUser, api_as: Callable[..., APIClient]
) -> None:
    questions_ask(actor=owner, task=task, rows=[{"instruction": "How high may a fence be?"}])
    document = Document.objects.create(
        project=task.project, file_name="a", kind="text", title="A", text="A.", characters=2, sha256="0"
    )
    passage = Passage.objects.create(document=document, ordinal=0, text="A permit is needed.")
    passages_ask(actor=owner, task=task, passages=[passage.pk])
    client, api, root = as_user(expert), api_as(expert), f"/p/{task.project.slug}"
    written, read = (take(expert, task.project, kind) for kind in (WorkKind.WRITE, WorkKind.PASSAGE))
    said = client.post(f"{root}/work/{written.pk}/skip/", {"reason": "Law"}, headers={"Accept": "application/json"})
    assert said.json() == {"said": "Skipped."}
    assert api.post(f"/api/v1/work-items/{read.pk}/skip/", {"reason": "A table"}).status_code == 204
    assert api.post(f"/api/v1/work-items/{read.pk}/skip/", {}).status_code == 204
    rows = api.get(f"/api/v1/actions/?project={task.project.slug}").json()
    assert [(row["action"], row["text"]) for row in rows] == [
        ("work.skipped", "A permit is needed."), ("work.skipped", "How high may a fence be?")
    ]  # fmt: skip
    page = client.get(f"{root}/actions/").content.decode()
    assert page.count("Take back<span") == 2
    undone = api.post("/api/v1/actions/undo/", {"project": task.project.slug}).json()
    assert (undone["assignment"], undone["url"], undone["pair"]) == (read.pk, f"{root}/work/{read.pk}/", None)
    assert client.post(f"{root}/actions/undo/")["Location"] == f"{root}/work/{written.pk}/"
    assert set(Assignment.objects.values_list("state", flat=True)) == {AssignmentState.CLAIMED}
    assert actions_undoable(expert, task.project) == []


def test_a_skip_of_what_waits_for_nobody_any_more_stays(task: Task, expert: User, owner: User) -> None:
    [question] = questions_ask(actor=owner, task=task, rows=[{"instruction": "How high may a fence be?"}])
    work_skip(assignment=take(expert, task.project, WorkKind.WRITE))
    question_withdraw(actor=owner, question=question)
    with pytest.raises(ApplicationError, match="waits for nobody"):
        action_undo(actor=expert, project=task.project, event=newest(expert, task.project))
    assert Assignment.objects.get().state == AssignmentState.SKIPPED


def test_one_of_several_answers_is_a_draft_again_until_all_are_in(
    task: Task, expert: User, owner: User, as_user: AsUser
) -> None:
    questions_ask(actor=owner, task=task, rows=[{"instruction": "How high?"}], needed=2)
    texts = Texts(instruction="How high?", response="1.1 metres.")
    mine = take(expert, task.project, WorkKind.WRITE)
    answer_submit(actor=expert, assignment=mine, texts=texts)
    client, root = as_user(expert), f"/p/{task.project.slug}"
    assert client.post(f"{root}/actions/undo/")["Location"] == f"{root}/work/{mine.pk}/"
    assert not Answer.objects.exists()
    assert "1.1 metres." in client.get(f"{root}/work/{mine.pk}/").content.decode()
    answer_submit(actor=expert, assignment=Assignment.objects.get(pk=mine.pk), texts=texts)
    answer_submit(actor=owner, assignment=take(owner, task.project, WorkKind.WRITE), texts=texts)
    with pytest.raises(ApplicationError, match="All answers to this question are in"):
        action_undo(actor=expert, project=task.project, event=newest(expert, task.project))
    assert Answer.objects.count() == 2
