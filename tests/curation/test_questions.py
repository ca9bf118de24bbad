"""Questions become work, work becomes answers, answers become pairs; nothing counts before a person has answered."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from core.choices import WorkKind
from core.denied import ApplicationError, Conflict
from core.models import Assignment, Project, User, WorkItem
from core.services.people import user_deactivate, user_reactivate
from core.services.work import work_release
from curation.choices import Decision, PairState, QuestionKind, QuestionState
from curation.models import Answer, Draft, Pair, Question, Task
from curation.selectors import checking
from curation.selectors.checking import Surroundings, texts_check
from curation.selectors.questions import asked_kinds, declined_share, own_numbers
from curation.selectors.tasks import task_row
from curation.services.answers import answer_submit, answers_choose, draft_key
from curation.services.drafts import draft_save
from curation.services.pairs import pair_submit
from curation.services.questions import declines_ask, question_withdraw, questions_ask
from curation.services.reviews import review_decide
from ml.checks import TypicalLengths
from tests.asking_world import (  # noqa: F401  the fixtures are used by their names
    ASKED,
    answer,
    ask,
    hold,
    second_fixture,
    task_fixture,
    texts,
)
from tests.world import PASSWORD, api_client

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
JSON = {"Accept": "application/json"}


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
    beside = Assignment.objects.select_related("item").get(pk=held.pk)  # read by a second request before the first ends
    first = answer_submit(actor=expert, assignment=held, texts=texts("One metre."))
    assert answer_submit(actor=expert, assignment=beside, texts=texts("One metre.")) == first
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


def test_what_is_saved_after_an_answer_is_found_in_the_editor_of_its_pair(
    task: Task, project: Project, expert: User, second: User, owner: User, as_user: AsUser
) -> None:
    """Another window saved late: for a pair that is there already, and for one that an owner makes of the answer."""
    client, root = as_user(expert), f"/p/{project.slug}"
    for needed in (1, 2):
        asked = ask(task, needed=needed, instruction=f"How high is wall {needed}?")
        mine = answer(expert, project, "First.")
        saved = f"{root}/tasks/{task.slug}/drafts/work-{asked.pk}/"
        typed = {"fields": {"instruction": asked.instruction, "response": "Typed later."}, "version": 0}
        assert client.put(saved, typed, content_type="application/json").json()["version"] > 0
        if needed == 2:
            answer(second, project, "Another.")
            chosen = hold(owner, project, WorkKind.ADJUDICATE)
            answers_choose(actor=owner, assignment=chosen, answer=mine)
        mine.refresh_from_db()
        assert client.get(saved).json()["fields"]["response"] == "Typed later."
        begun = client.get(f"{root}/write/").content.decode()
        assert f"{root}/pairs/{mine.pair_id}/edit/" in begun
        assert "Typed later." in client.get(f"{root}/pairs/{mine.pair_id}/edit/").content.decode()
        Draft.objects.get().delete()


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


def test_what_was_begun_for_a_question_is_listed_and_leads_back_to_it_while_it_is_free_or_held(
    task: Task, project: Project, expert: User, second: User, as_user: AsUser
) -> None:
    asked, client = ask(task), as_user(expert)
    held = hold(expert, project)
    draft_save(actor=expert, task=task, key=draft_key(asked), fields={**ASKED, "response": "Half a"}, version=0)
    work_release(user=expert, assignments=[held.pk])
    root = f"/p/{project.slug}"
    begun, page = f"{root}/tasks/{task.slug}/write/?key=work-{asked.pk}", f"{root}/work/{held.pk}/"
    assert begun in client.get(f"{root}/write/").content.decode()
    assert client.get(begun)["Location"] == page, "it was free and is held again"
    work_release(user=expert, assignments=[held.pk])
    hold(second, project)
    assert begun in client.get(f"{root}/write/").content.decode()
    assert "Half a" in client.get(begun).content.decode(), "in the hands of another, it is a text of one's own"


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


def test_an_answer_that_turns_a_question_down_as_asked_is_not_too_short(
    task: Task, owner: User, expert: User, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "typical_lengths", lambda _task: TypicalLengths.of_counts([60] * 30))
    pair = pair_submit(actor=expert, task=task, texts=texts("One metre."))
    review_decide(actor=reviewer, pair=pair, revision_id=pair.current_id or 0, decision=Decision.APPROVE)
    declines_ask(actor=owner, task=task, count=1, wanted="I do not know; ask the office.")
    caches["near"].delete(f"declines-{task.pk}")  # a minute later

    def found(response: str) -> list[str]:
        return texts_check(texts(response), Surroundings(task)).ids

    assert "too_short" in found("I do not know, my friend.")
    assert "too_short" not in found("I do not know: ask the office!")


def test_a_withdrawn_question_is_asked_of_nobody(task: Task, project: Project, owner: User, expert: User) -> None:
    asked = ask(task)
    question_withdraw(actor=owner, question=asked)
    assert asked_kinds(project, expert) == []
    with pytest.raises(ApplicationError, match="already"):
        question_withdraw(actor=owner, question=asked)


def test_user_deactivation_keeps_work_and_ends_sessions_and_tokens(
    task: Task, project: Project, expert: User, second: User, admin: User
) -> None:
    ask(task, needed=2)
    browser, program = Client(), api_client(expert)
    browser.post("/accounts/login/", {"login": expert.email, "password": PASSWORD})
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
    # Who comes back shows again who they are: what had been open stays shut.
    user_reactivate(actor=admin, user=expert)
    assert browser.get(f"/p/{project.slug}/work/").status_code == 302
    assert program.get("/api/v1/projects/").status_code == 401


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
    assert "One met" in browser.get(page, follow=True).content.decode()
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
