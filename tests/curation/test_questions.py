"""Questions become work, work becomes answers, answers become pairs; nothing counts before a person has answered."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from core.choices import Role, WorkKind
from core.denied import ApplicationError, Conflict
from core.models import Assignment, Project, User, WorkItem
from core.services.people import user_deactivate
from core.services.work import work_claim_next
from curation.choices import Decision, PairState, QuestionKind, QuestionState
from curation.fingerprints import Texts
from curation.models import Answer, Draft, Pair, Question, Review, Task
from curation.selectors.questions import asked_kinds, declined_share, own_numbers
from curation.selectors.tasks import task_row
from curation.services.answers import answer_submit, answers_choose, answers_merge, draft_key
from curation.services.drafts import draft_save
from curation.services.pairs import pair_submit
from curation.services.questions import declines_ask, question_withdraw, questions_ask
from curation.services.reviews import review_decide
from curation.services.tasks import task_create
from tests.world import api_client, join

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
JSON = {"Accept": "application/json"}
ASKED = {"instruction": "How high may a fence be?", "topic": "fences"}


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


@pytest.fixture
def second(make_user: Callable[..., User], project: Project) -> User:
    return join(project, make_user("Emil"), Role.EXPERT)


def ask(task: Task, needed: int = 1, **row: str) -> Question:
    [made] = questions_ask(actor=task.created_by, task=task, rows=[row or ASKED], needed=needed)
    return made


def hold(user: User, project: Project, kind: WorkKind = WorkKind.WRITE) -> Assignment:
    found = work_claim_next(user=user, project=project, kind=kind)
    assert found is not None
    return found


def texts(response: str, instruction: str = ASKED["instruction"]) -> Texts:
    return Texts(instruction=instruction, response=response, topic="fences")


def answer(user: User, project: Project, response: str) -> Answer:
    return answer_submit(actor=user, assignment=hold(user, project), texts=texts(response))


def test_a_question_counts_nowhere_until_it_is_answered(task: Task, project: Project, expert: User) -> None:
    asked = ask(task)
    assert (task_row(task).pairs, Pair.objects.count()) == (0, 0)
    made = answer(expert, project, "One metre.")
    asked.refresh_from_db()
    assert (asked.state, asked.pair) == (QuestionState.ANSWERED, made.pair)
    assert made.pair is not None
    assert (made.pair.state, made.pair.author, made.pair.current.topic) == (PairState.SUBMITTED, expert, "fences")
    assert WorkItem.objects.get(state="open").kind == WorkKind.REVIEW


def test_what_was_asked_before_is_not_asked_again(task: Task, owner: User) -> None:
    rows = [ASKED, ASKED, {"instruction": "How deep is a footing?"}]
    assert len(questions_ask(actor=owner, task=task, rows=rows)) == 2
    assert questions_ask(actor=owner, task=task, rows=rows) == []
    assert WorkItem.objects.filter(kind=WorkKind.WRITE).count() == 2


@pytest.mark.parametrize(
    ("rows", "needed", "sentence"),
    [([], 1, "no question"), ([{"instruction": " "}], 1, "is empty"), ([ASKED], 6, "One to 5"), ([ASKED], 0, "One to")],
)
def test_nonsense_is_not_asked(task: Task, owner: User, rows: list[dict[str, str]], needed: int, sentence: str) -> None:
    with pytest.raises(ApplicationError, match=sentence):
        questions_ask(actor=owner, task=task, rows=rows, needed=needed)
    assert not Question.objects.exists()


def test_who_finds_nothing_is_told_whether_others_hold_it(
    task: Task, project: Project, expert: User, second: User, as_user: AsUser
) -> None:
    ask(task)
    held = hold(expert, project)
    client, path = as_user(second), f"/p/{project.slug}/work/next/"
    assert "in other people’s hands" in client.post(path, {"kind": "write"}, follow=True).content.decode()
    answer_submit(actor=expert, assignment=held, texts=texts("One metre."))
    assert "Nothing of this kind waits" in client.post(path, {"kind": "write"}, follow=True).content.decode()


def test_double_submit_is_idempotent(task: Task, project: Project, expert: User) -> None:
    asked = ask(task)
    held = hold(expert, project)
    first = answer_submit(actor=expert, assignment=held, texts=texts("One metre."))
    held.refresh_from_db()
    late = {"system": "", "instruction": ASKED["instruction"], "response": "One metre.", "topic": "fences"}
    draft_save(actor=expert, task=task, key=draft_key(asked), fields=late, version=3)
    assert not Draft.objects.exists(), "a save that its submit overtook is no draft"
    assert answer_submit(actor=expert, assignment=held, texts=texts("One metre.")) == first
    with pytest.raises(Conflict, match="answered this already"):
        answer_submit(actor=expert, assignment=held, texts=texts("Two metres."))
    assert (Answer.objects.get().texts["response"], Pair.objects.count()) == ("One metre.", 1)


def test_the_text_of_a_second_window_is_kept_as_a_draft(
    task: Task, project: Project, expert: User, as_user: AsUser
) -> None:
    """Whether it waits beside the pair that the first window made, or others still answer the same question."""
    root, client = f"/p/{project.slug}", as_user(expert)
    for needed in (1, 2):
        asked = ask(task, needed=needed, instruction=f"How high is wall {needed}?")
        typed = {"instruction": asked.instruction, "language": "en"}
        page = f"{root}/work/{hold(expert, project).pk}/"
        assert client.post(page, {**typed, "response": "First."}, headers=JSON).status_code == 200
        told = client.post(page, {**typed, "response": "Second."}, headers=JSON)
        assert (told.status_code, told.json()["done"]) == (409, f"task-{task.pk}-work-{asked.pk}")
        kept = Draft.objects.get()
        assert (kept.fields["response"], kept.pair) == ("Second.", Pair.objects.first() if needed == 1 else None)
        there = client.get(page)["Location"]
        assert "Second." in client.get(there).content.decode()
        kept.delete()


def test_what_was_typed_for_a_question_that_went_to_others_is_found_again(
    task: Task, project: Project, expert: User, second: User, as_user: AsUser
) -> None:
    asked = ask(task)
    held, client = hold(expert, project), as_user(expert)
    Assignment.objects.filter(pk=held.pk).update(lease_until=timezone.now() - timedelta(hours=1))
    answer(second, project, "One metre.")
    page = f"/p/{project.slug}/work/{held.pk}/"
    typed = {**ASKED, "response": "Typed meanwhile.", "language": "en"}
    told = client.post(page, typed, headers=JSON)
    assert (told.status_code, Pair.objects.count()) == (400, 1)
    assert "Typed meanwhile." in client.get(page, follow=True).content.decode()
    assert f"?key=work-{asked.pk}" in client.get(f"/p/{project.slug}/write/").content.decode()


def test_several_answer_apart_and_an_owner_chooses(
    task: Task, project: Project, expert: User, second: User, owner: User
) -> None:
    asked = ask(task, needed=2)
    mine, theirs = answer(expert, project, "One metre."), answer(second, project, "1.1 metres, by the plan.")
    asked.refresh_from_db()
    assert (asked.state, Pair.objects.count()) == (QuestionState.TO_SETTLE, 0)
    pair = answers_choose(actor=owner, assignment=hold(owner, project, WorkKind.ADJUDICATE), answer=theirs)
    assert (pair.author, pair.state) == (second, PairState.APPROVED)
    assert Review.objects.get().reviewer == owner
    asked.refresh_from_db()
    mine.refresh_from_db()
    assert (asked.state, asked.pair, mine.pair) == (QuestionState.ANSWERED, pair, None)
    assert not WorkItem.objects.filter(state="open").exists()


def test_a_merged_text_is_the_owners_and_somebody_else_reviews_it(
    task: Task, project: Project, expert: User, second: User, owner: User, reviewer: User
) -> None:
    ask(task, needed=2)
    answer(expert, project, "One metre.")
    answer(second, project, "By the plan.")
    pair = answers_merge(
        actor=owner, assignment=hold(owner, project, WorkKind.ADJUDICATE), texts=texts("One metre, by the plan.")
    )
    assert (pair.author, pair.state) == (owner, PairState.SUBMITTED)
    assert work_claim_next(user=owner, project=project, kind=WorkKind.REVIEW) is None
    assert work_claim_next(user=reviewer, project=project, kind=WorkKind.REVIEW) is not None


def test_what_an_owner_types_while_merging_is_kept_until_it_is_submitted(
    task: Task, project: Project, expert: User, second: User, owner: User, as_user: AsUser
) -> None:
    asked = ask(task, needed=2)
    answer(expert, project, "One metre.")
    answer(second, project, "By the plan.")
    client, root = as_user(owner), f"/p/{project.slug}"
    page = client.post(f"{root}/review/next/", {"kind": "adjudicate"})["Location"]
    draft = f"{root}/tasks/{task.slug}/drafts/settle-{asked.pk}/"
    assert f'data-autosave="{draft}"' in client.get(page).content.decode()
    body = json.dumps({"version": 0, "fields": {"response": "One metre, by"}})
    assert client.post(draft, body, content_type="application/json").json() == {"version": 1}
    assert "\nOne metre, by</textarea>" in client.get(page).content.decode()
    whole = client.post(f"{page}merge/", {**ASKED, "response": "One metre, by the plan.", "language": "en", "base": 0})
    assert whole["Location"].endswith(f"?done=task-{task.pk}-settle-{asked.pk}")
    assert (Draft.objects.count(), Pair.objects.get().author) == (0, owner)


def test_who_answered_does_not_choose(task: Task, project: Project, expert: User, owner: User) -> None:
    ask(task, needed=2)
    answer(expert, project, "One metre.")
    answer(owner, project, "By the plan.")
    assert work_claim_next(user=owner, project=project, kind=WorkKind.ADJUDICATE) is None


def test_overlap_of_n_people_is_held_by_the_database(task: Task, project: Project, expert: User, second: User) -> None:
    ask(task, needed=2)
    answer(expert, project, "One metre.")
    answer(second, project, "By the plan.")
    item = WorkItem.objects.get(kind=WorkKind.WRITE)
    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.objects.create(item=item, user=task.created_by, slot=2, lease_until=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        Answer.objects.create(question=Question.objects.get(), author=expert, texts={}, fingerprint="x")
    assert Answer.objects.count() == 2


def test_a_question_to_be_turned_down_must_be_changed(
    task: Task, project: Project, expert: User, owner: User, reviewer: User
) -> None:
    pair = pair_submit(actor=expert, task=task, texts=texts("One metre."))
    review_decide(actor=reviewer, pair=pair, revision_id=pair.current_id or 0, decision=Decision.APPROVE)
    [asked] = declines_ask(actor=owner, task=task, count=5, wanted="I do not know; ask the office.")
    assert (asked.kind, asked.instruction, asked.wanted) == (
        QuestionKind.DECLINE, ASKED["instruction"], "I do not know; ask the office.",
    )  # fmt: skip
    held = hold(expert, project, WorkKind.DECLINE)
    with pytest.raises(ApplicationError) as refused:
        answer_submit(actor=expert, assignment=held, texts=texts(asked.wanted))
    assert refused.value.field == "instruction"
    made = answer_submit(
        actor=expert, assignment=held, texts=texts(asked.wanted, "How high may a fence be on the moon?")
    )
    assert made.pair is not None
    assert declined_share(task) == (0, 1)
    review_decide(actor=reviewer, pair=made.pair, revision_id=made.pair.current_id or 0, decision=Decision.APPROVE)
    assert declined_share(task) == (1, 2)


def test_a_withdrawn_question_is_asked_of_nobody(task: Task, project: Project, owner: User, expert: User) -> None:
    asked = ask(task)
    question_withdraw(actor=owner, question=asked)
    assert asked_kinds(project, expert) == []
    with pytest.raises(ApplicationError, match="already"):
        question_withdraw(actor=owner, question=asked)


def test_user_deactivation_keeps_work_and_ends_sessions_and_tokens(
    task: Task, project: Project, expert: User, second: User, admin: User, as_user: AsUser
) -> None:
    ask(task, needed=2)
    browser, program = as_user(expert), api_client(expert)
    made = answer(expert, project, "One metre.")
    pair = pair_submit(actor=expert, task=task, texts=texts("Two metres."))
    ask(task, instruction="How deep is a footing?")
    held = hold(expert, project)
    assert browser.get(f"/p/{project.slug}/work/").status_code == 200
    user_deactivate(actor=admin, user=expert)
    assert browser.get(f"/p/{project.slug}/work/").status_code == 302
    assert program.get("/api/v1/projects/").status_code == 401
    assert Answer.objects.filter(pk=made.pk, author=expert).exists()
    assert Pair.objects.filter(pk=pair.pk, author=expert).exists()
    assert own_numbers(project, expert)["answers"] == 1
    # Nothing is kept for them: what they held is somebody else's when the lease has run out.
    Assignment.objects.filter(pk=held.pk).update(lease_until=timezone.now())
    taken = [hold(second, project)]
    answer_submit(actor=second, assignment=taken[0], texts=texts("By the plan."))
    assert hold(second, project).item == held.item


def test_the_page_takes_an_answer_and_brings_the_next(
    task: Task, project: Project, expert: User, as_user: AsUser
) -> None:
    ask(task)
    ask(task, instruction="How deep is a footing?")
    browser = as_user(expert)
    page = browser.post(f"/p/{project.slug}/work/next/", {"kind": "write"}).headers["Location"]
    assert ASKED["instruction"] in browser.get(page).content.decode()
    typed = {**ASKED, "input": "", "response": "One\nmetre.", "language": "en", "key": "k", "base": "0", "opened": "1"}
    found = browser.post(page, typed)
    assert found.status_code == 302
    assert found.headers["Location"].split("?")[0] != page
    made = Answer.objects.get()
    assert (made.response, made.seconds) == ("One\nmetre.", 4 * 3600)
    assert "footing" in browser.get(found.headers["Location"]).content.decode()
    again = browser.get(page)  # back in the browser: what was submitted can be corrected
    assert again.headers["Location"].split("?")[0] == f"/p/{project.slug}/pairs/{made.pair_id}/edit/"


def test_opening_the_editor_creates_no_correction_and_no_draft(
    task: Task, project: Project, expert: User, as_user: AsUser
) -> None:
    ask(task)
    browser = as_user(expert)
    page = browser.post(f"/p/{project.slug}/work/next/", {"kind": "write"}).headers["Location"]
    for _look in range(2):
        browser.get(page)
    assert (Draft.objects.count(), Answer.objects.count(), Pair.objects.count()) == (0, 0, 0)


def test_lease_expiry_mid_edit_keeps_the_draft(
    task: Task, project: Project, expert: User, second: User, as_user: AsUser
) -> None:
    asked = ask(task)
    browser = as_user(expert)
    page = browser.post(f"/p/{project.slug}/work/next/", {"kind": "write"}).headers["Location"]
    draft = f"/p/{project.slug}/tasks/{task.slug}/drafts/work-{asked.pk}/"
    body = {"version": 0, "fields": {"response": "One met"}}
    assert browser.post(draft, body, content_type="application/json").status_code == 200
    Assignment.objects.update(lease_until=timezone.now())
    assert "One met" in browser.get(page).content.decode()
    Assignment.objects.update(lease_until=timezone.now())
    hold(second, project)
    typed = {**ASKED, "input": "", "response": "One metre.", "language": "en", "key": "k", "base": "0"}
    refused = browser.post(page, typed)
    assert refused.status_code == 400
    assert "Somebody else took this item over" in refused.content.decode()
    assert "One metre." in refused.content.decode()
    assert Draft.objects.get().fields["response"] == "One met"
    assert not Answer.objects.exists()


def test_skipping_keeps_the_reason_and_offers_the_question_to_others(
    task: Task, project: Project, expert: User, second: User, as_user: AsUser
) -> None:
    ask(task)
    browser = as_user(expert)
    page = browser.post(f"/p/{project.slug}/work/next/", {"kind": "write"}).headers["Location"]
    found = browser.post(f"{page}skip/", {"reason": "Not my field"})
    assert found.headers["Location"] == f"/p/{project.slug}/write/"
    assert "Not my field" in browser.get(f"/p/{project.slug}/work/").content.decode()
    hold(second, project)


def test_what_was_claimed_ahead_is_kept_and_given_back_by_the_page(
    task: Task, project: Project, expert: User, as_user: AsUser
) -> None:
    ask(task)
    browser = as_user(expert)
    page = browser.post(f"/p/{project.slug}/work/next/", {"kind": "write"}).headers["Location"]
    assert browser.post(f"{page}renew/").status_code == 204
    number = Assignment.objects.get().pk
    answered = browser.post(f"/p/{project.slug}/work/release/", {"assignment": [number, "x", 10**20]})
    assert answered.json() == {"released": 1}
    assert browser.post(f"{page}renew/").status_code == 410


def test_answers_stay_hidden_until_the_question_is_settled(
    task: Task, project: Project, expert: User, second: User, owner: User, as_user: AsUser
) -> None:
    asked = ask(task, needed=2)
    answer(expert, project, "One metre exactly.")
    page = f"/p/{project.slug}/questions/{asked.pk}/"
    assert "One metre exactly" not in as_user(second).get(page).content.decode()
    assert api_client(second).get(f"/api/v1/questions/{asked.pk}/").json()["answers"] == []
    answer(second, project, "By the plan.")
    browser = as_user(owner)
    choice = browser.post(f"/p/{project.slug}/review/next/", {"kind": "adjudicate"}).headers["Location"]
    shown = browser.get(choice).content.decode()
    assert "One metre exactly" in shown
    assert "Edda" not in shown
    chosen = Answer.objects.get(author=second)
    browser.post(f"{choice}choose/", {"answer": chosen.pk})
    assert "One metre exactly" in as_user(second).get(page).content.decode()


def test_programs_ask_claim_answer_and_settle(
    task: Task, project: Project, expert: User, second: User, owner: User
) -> None:
    chief = api_client(owner)
    body = {"task": task.pk, "questions": [{"instruction": "Why?"}], "needed": 2}
    [asked] = chief.post("/api/v1/questions/", body, format="json").json()
    for user, said in ((expert, "Because."), (second, "By law.")):
        client = api_client(user)
        held = client.post(
            "/api/v1/work-items/claim/", {"project": project.slug, "kind": "write"}, format="json"
        ).json()
        assert held["question"]["instruction"] == "Why?"
        done = client.post(f"/api/v1/work-items/{held['id']}/answer/", {"response": said}, format="json")
        assert done.status_code == 201
    body = {"project": project.slug, "kind": "adjudicate"}
    held = chief.post("/api/v1/work-items/claim/", body, format="json").json()
    chosen = held["question"]["answers"][0]
    pair = chief.post(f"/api/v1/work-items/{held['id']}/settle/", {"answer": chosen["id"]}, format="json").json()
    assert (pair["state"], pair["current"]["response"]) == ("approved", chosen["texts"]["response"])
    detail = chief.get(f"/api/v1/questions/{asked['id']}/").json()
    assert (detail["state"], len(detail["answers"])) == ("answered", 2)


def test_the_owners_pages_ask_and_list(task: Task, project: Project, owner: User, as_user: AsUser) -> None:
    browser = as_user(owner)
    lines = {"task": task.pk, "questions": "Why?\n\n How? \n", "topic": "", "needed": "1"}
    assert browser.post(f"/p/{project.slug}/questions/ask/", lines).status_code == 302
    listed = browser.get(f"/p/{project.slug}/questions/?state=open").content.decode()
    assert "Why?" in listed
    assert "How?" in listed
    refused = browser.post(
        f"/p/{project.slug}/questions/ask/declines/", {"decline-task": task.pk, "decline-count": "2"}
    )
    assert refused.status_code == 400
    asked = {"decline-task": task.pk, "decline-count": "2", "decline-wanted": "I do not know."}
    assert "approved yet" in browser.post(f"/p/{project.slug}/questions/ask/declines/", asked).content.decode()
