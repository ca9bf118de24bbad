"""Agreement on free text: likeness, people's own verdicts, what is beyond chance, and words where no number is."""

from collections.abc import Callable

import pytest
from django.test import Client

from core.choices import Role, WorkKind
from core.denied import ApplicationError
from core.models import Job, Project, User
from core.services.projects import project_update
from core.services.work import work_claim_next
from curation.choices import Decision
from curation.fingerprints import Texts
from curation.models import Acceptance, Answer, Pair, Question, Task
from curation.selectors.agreement import agreement_of, reviews_agreement, to_judge
from curation.services.agreement import acceptance_give, likeness_measure
from curation.services.answers import answer_submit
from curation.services.pairs import pair_submit
from curation.services.questions import questions_ask
from curation.services.reviews import review_decide
from curation.services.tasks import task_create
from tests.world import api_client, join, run_jobs

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


@pytest.fixture
def second(make_user: Callable[..., User], project: Project) -> User:
    return join(project, make_user("Emil"), Role.EXPERT)


@pytest.fixture
def third(make_user: Callable[..., User], project: Project) -> User:
    return join(project, make_user("Esra"), Role.EXPERT)


def answered(task: Task, said: dict[User, str], text: str = "How high may a fence be?") -> list[Answer]:
    questions_ask(actor=task.created_by, task=task, rows=[{"instruction": text}], needed=len(said))
    found = []
    for user, response in said.items():
        held = work_claim_next(user=user, project=task.project, kind=WorkKind.WRITE)
        assert held is not None
        found.append(answer_submit(actor=user, assignment=held, texts=Texts(instruction=text, response=response)))
    return found


def test_likeness_in_words_is_measured_without_a_model_server(task: Task, expert: User, second: User) -> None:
    answered(task, {expert: "One metre by the plan", second: "Two metres by the plan"})
    assert Job.objects.get(kind="agreement").state == "queued"
    [job] = run_jobs()
    assert job.result["questions"] == 1
    assert "model server" in job.result["without_meaning"]
    found = agreement_of(task.project)
    assert found.words is not None
    assert (found.questions, found.words.estimate, found.meaning) == (1, pytest.approx(0.6), None)


def test_likeness_in_words_is_measured_where_the_model_server_has_no_embedder(
    task: Task, expert: User, second: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(texts: list[str]) -> list[list[float]]:
        raise ApplicationError("There is no embedding model.")

    monkeypatch.setattr("curation.services.agreement.embed", refuse)
    answered(task, {expert: "One metre by the plan", second: "Two metres by the plan"})
    assert likeness_measure(task) == {"questions": 1, "without_meaning": "There is no embedding model."}
    assert Question.objects.get().alike_in_words == pytest.approx(0.6)


def test_of_many_the_newest_are_looked_at_and_the_page_says_so(
    task: Task, project: Project, expert: User, second: User, as_user: AsUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("services", "selectors"):
        monkeypatch.setattr(f"curation.{module}.agreement.MOST", 2)
    for number in range(3):
        answered(task, {expert: f"{number} metres.", second: f"{number} feet."}, f"How high is fence {number}?")
    assert likeness_measure(task)["questions"] == 2
    assert [q.alike_in_words is None for q in Question.objects.order_by("pk")] == [True, False, False]
    assert likeness_measure(task)["questions"] == 1  # the server is asked once more, and as it does not answer, once
    shown = as_user(expert).get(f"/p/{project.slug}/agreement/").content.decode()
    assert "Of the newest 2 of each." in shown
    told = api_client(expert).get(f"/api/v1/projects/{project.slug}/agreement/").json()
    assert (told["questions"], told["newest"]) == (2, 2)


def test_likeness_in_meaning_is_the_mean_cosine(
    task: Task, expert: User, second: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(task, {expert: "One metre.", second: "A metre."})
    # The server's own tests show that it embeds; here only what is made of its vectors.
    monkeypatch.setattr("curation.services.agreement.embed", lambda texts: [[0.6, 0.8], [1.0, 0.0]])
    likeness_measure(task)
    assert Question.objects.get().alike_in_meaning == pytest.approx(0.6)


def test_people_judge_each_others_answers_blind_and_only_those(
    task: Task, project: Project, expert: User, second: User, third: User, owner: User, as_user: AsUser
) -> None:
    mine, theirs = answered(task, {expert: "One metre exactly.", second: "By the plan."})
    assert [list(to_judge(project, user)) for user in (expert, second, third)] == [[theirs], [mine], []]
    browser = as_user(second)
    page = f"/p/{project.slug}/agreement/judge/"
    shown = browser.get(page).content.decode()
    assert "One metre exactly." in shown
    assert "Edda" not in shown
    browser.post(f"{page}{mine.pk}/", {"ships": "yes"})
    assert "Nothing to judge" in browser.get(page).content.decode()
    for judge, answer in ((third, mine), (expert, mine)):
        with pytest.raises(ApplicationError, match="answered this question themselves"):
            acceptance_give(actor=judge, answer=answer, ships=True)
    told = api_client(expert).post(f"/api/v1/answers/{theirs.pk}/judge/", {"ships": False}, format="json")
    assert told.status_code == 201
    assert {(row.answer, row.judge, row.ships) for row in Acceptance.objects.all()} == {
        (mine, second, True), (theirs, expert, False),
    }  # fmt: skip
    found = agreement_of(project)
    assert found.accepted is not None
    assert (found.verdicts, found.accepted.estimate, found.chance) == (2, 0.5, None)
    assert "judged by one person" in found.why
    shown = as_user(owner).get(f"/p/{project.slug}/agreement/").content.decode()
    assert "Would send the other’s answer" in shown
    assert "judged by one person" in shown


def test_nobody_judges_before_all_have_answered(task: Task, project: Project, expert: User, second: User) -> None:
    questions_ask(actor=task.created_by, task=task, rows=[{"instruction": "Why?"}], needed=3)
    for user in (expert, second):
        held = work_claim_next(user=user, project=project, kind=WorkKind.WRITE)
        assert held is not None
        answer_submit(actor=user, assignment=held, texts=Texts(instruction="Why?", response="Because."))
    assert not to_judge(project, expert).exists()
    with pytest.raises(ApplicationError, match="have not answered"):
        acceptance_give(actor=expert, answer=Answer.objects.get(author=second), ships=True)


def test_with_three_people_chance_is_taken_out(
    task: Task, project: Project, expert: User, second: User, third: User
) -> None:
    people = (expert, second, third)
    made = answered(task, {expert: "A good answer.", second: "A bad answer.", third: "Another good answer."})
    for answer in made:
        for judge in people:
            if judge != answer.author:
                acceptance_give(actor=judge, answer=answer, ships="good" in answer.response)
    found = agreement_of(project)
    assert (found.chance, found.verdicts) == (1.0, 6)
    assert "beyond what chance gives" in found.why
    Acceptance.objects.update(ships=True)
    found = agreement_of(project)
    assert found.chance is None
    assert "All verdicts are alike" in found.why


def test_two_reviewers_of_the_same_texts_are_compared(
    task: Task, project: Project, expert: User, reviewer: User, owner: User, make_user: Callable[..., User]
) -> None:
    project_update(actor=owner, project=project, reviewers=2)
    other = join(project, make_user("Rosa"), Role.REVIEWER)
    kept = Task.objects.select_related("project").get(pk=task.pk)
    for number, verdict in enumerate((Decision.APPROVE, Decision.APPROVE, Decision.RETURN)):
        texts = Texts(instruction=f"Why {number}?", response=f"Because of {number}.")
        pair = pair_submit(actor=expert, task=kept, texts=texts)
        for user, decision in ((reviewer, Decision.APPROVE), (other, verdict)):
            found = Pair.objects.get(pk=pair.pk)
            review_decide(
                actor=user, pair=found, revision_id=pair.current_id or 0, decision=decision, reason="Unclear."
            )
    found = reviews_agreement(project)
    assert (found.texts, found.raw) == (3, pytest.approx(2 / 3))
    # Krippendorff (2011): 1 - (n - 1) * observed disagreement / expected; 5 approvals and 1 return in three units.
    assert found.chance == pytest.approx(1 - 5 * 2 / (2 * 5 * 1))
    assert api_client(owner).get(f"/api/v1/projects/{project.slug}/agreement/").json()["reviews"]["texts"] == 3
