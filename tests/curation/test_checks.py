"""Checks in a project: settings, the project's own words, ties between pairs, freezes, dismissals that stay."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import translation
from rest_framework.test import APIClient

from core.denied import ApplicationError, Refused
from core.models import Job, Project, User
from curation.check_labels import parameter_label
from curation.choices import AtFreeze, AtSubmit, Origin, PairState, TaskKind
from curation.fingerprints import Texts
from curation.models import CheckSetting, Dismissal, Finding, Pair, PairLink, Revision, Task, Vocabulary
from curation.selectors.checking import Surroundings, texts_check
from curation.selectors.freeze_guard import freeze_warnings
from curation.services.check_settings import check_set
from curation.services.dismissals import dismissal_withdraw, finding_dismiss, link_dismiss
from curation.services.likeness import likeness_update
from curation.services.linking import links_update
from curation.services.pairs import pair_revise, pair_submit
from curation.services.tasks import task_create
from curation.services.versions import version_freeze
from curation.services.vocabulary import vocabulary_learn
from ml.checks import known_checks
from tests.world import run_jobs

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
ApiAs = Callable[..., APIClient]
LONG = (
    "Write to the municipality with a drawing and a plan of the plot; a decision takes at most ten weeks from then on."
)


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


def approved(task: Task, instruction: str, response: str, **texts: str) -> Pair:
    """An approved pair as an import leaves it."""
    given = Texts(instruction=instruction, response=response, **texts)
    checked = texts_check(given, Surroundings(task))
    pair = Pair.objects.create(project=task.project, task=task, state=PairState.APPROVED, found=checked.ids)
    revision = Revision.objects.create(
        pair=pair, number=1, fingerprint=given.fingerprint, origin=Origin.IMPORTED, **given.to_json()
    )
    Pair.objects.filter(pk=pair.pk).update(current=revision, approved=revision)
    pair.refresh_from_db()
    return pair


def stock(task: Task) -> int:
    likeness_update(task, lambda *_: None)
    return links_update(task, lambda *_: None)


def found(task: Task, response: str, **texts: str) -> list[str]:
    return texts_check(Texts(instruction="Why?", response=response, **texts), Surroundings(task)).ids


# --- settings ---------------------------------------------------------------------------------------------------------


def test_a_check_is_off_where_the_owner_switched_it_off_and_on_where_on(task: Task, owner: User) -> None:
    assert found(task, "A fense of shit.") == ["misspelling"]
    check_set(actor=owner, project=task.project, check_id="misspelling", is_on=False, parameters={})
    check_set(actor=owner, project=task.project, check_id="profanity", is_on=True, parameters={})
    assert found(task, "A fense of shit.") == ["profanity"]


def test_parameters_of_the_project_are_used_and_only_those_that_differ_are_kept(task: Task, owner: User) -> None:
    given = {"letters": 6, "findings": 100}
    row = check_set(actor=owner, project=task.project, check_id="misspelling", is_on=True, parameters=given)
    assert row.parameters == {"letters": 6}
    assert found(task, "A fense.") == []
    assert Surroundings(task).checks[0].parameters["letters"] == 6


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"check_id": "nix"}, "There is no such check."),
        ({"parameters": {"width": 1}}, "The check has no parameter “width”; it has: letters, "),
        ({"parameters": {"letters": float("nan")}}, "“letters” must be a number between 0 and 1,000,000."),
        ({"freeze_share": 1.5}, "A share lies between 0 and 1."),
    ],
)
def test_a_setting_that_makes_no_sense_changes_nothing(
    task: Task, owner: User, change: dict[str, object], sentence: str
) -> None:
    values = {"check_id": "misspelling", "is_on": False, "parameters": {}, **change}
    with pytest.raises(ApplicationError, match=sentence):
        check_set(actor=owner, project=task.project, **values)  # type: ignore[arg-type]
    assert not CheckSetting.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_after_a_change_the_stored_pairs_are_checked_again(task: Task, owner: User) -> None:
    pair = approved(task, "Why?", "A fense.")
    assert pair.found == ["misspelling"]
    check_set(actor=owner, project=task.project, check_id="misspelling", is_on=False, parameters={})
    assert [job.kind for job in run_jobs()] == ["recheck", "stock"]
    pair.refresh_from_db()
    assert pair.found == []
    before = Job.objects.count()
    check_set(actor=owner, project=task.project, check_id="misspelling", is_on=False, parameters={}, freeze_share=0.1)
    assert Job.objects.count() == before, "a threshold changes no finding"


def test_extractions_are_held_to_their_source_and_expansions_are_not(task: Task, owner: User) -> None:
    names = {"response": "It was Anna Lindgren.", "input": "A letter by Olle."}
    assert found(task, **names) == []
    Task.objects.filter(pk=task.pk).update(kind=TaskKind.EXTRACTION)
    task.refresh_from_db()
    assert found(task, **names) == ["unsupported"]


def test_sentences_are_shown_in_the_reader_s_language(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    from curation.selectors import findings

    catalogue = {"%(word)s is neither in the dictionary nor in the project's glossary.": "%(word)s står ingenstans."}
    monkeypatch.setattr(findings, "gettext", lambda text: catalogue.get(text, text))
    with translation.override("sv"):
        judged = texts_check(Texts(instruction="Why?", response="A fense."), Surroundings(task)).judged["response"]
        assert findings.sentence_of(judged.findings[0]) == "“fense” står ingenstans."


# --- the project's own words ------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_words_of_three_approved_texts_are_no_misspellings_any_more(task: Task) -> None:
    pairs = [approved(task, f"What about {what}?", f"Every altan of {what} is fine.") for what in ("wood", "stone")]
    assert vocabulary_learn(task.project) == ["en"]
    assert found(task, "An altan.") == ["misspelling"]
    pairs.append(approved(task, "What about glass?", "An altan of glass is fine."))
    assert vocabulary_learn(task.project) == ["en"]
    assert Vocabulary.objects.get().counts == {"altan": 3}
    assert found(task, "An altan.") == []
    run_jobs()
    assert {tuple(pair.found or ()) for pair in Pair.objects.all()} == {()}, "older pairs are checked again"
    assert vocabulary_learn(task.project) == [], "learned twice is learned once"


def test_a_language_without_a_dictionary_is_measured_by_the_project_and_the_page_says_so(
    project: Project, owner: User, as_user: AsUser
) -> None:
    task = task_create(actor=owner, project=project, name="Råd", language="sv")
    for number in range(50):
        approved(task, f"Fråga {number}?", "Du söker bygglov hos kommunen.", language="sv")
    assert found(task, "Du söker byygglov hos kommunen.", language="sv") == []
    vocabulary_learn(project)
    assert found(task, "Du söker byygglov hos kommunen.", language="sv") == ["misspelling"]
    page = as_user(owner).get(f"/p/{project.slug}/checks/").content.decode()
    assert "There is no dictionary for Swedish (sv)" in page
    editor = as_user(owner).get(f"/p/{project.slug}/tasks/{task.slug}/write/", follow=True).content.decode()
    assert "There is no dictionary for Swedish (sv)" in editor


# --- ties between pairs -----------------------------------------------------------------------------------------------


def test_ties_are_found_named_on_both_pairs_and_go_when_a_text_changes(task: Task, expert: User) -> None:
    one = approved(task, "How long does it take?", LONG)
    same = approved(task, "how long does it take", LONG.upper())
    near = approved(task, "How long does it take?", LONG.replace("drawing", "sketch"))
    other = approved(task, "How long does it take?", "Nobody knows, ask somebody else about all of that.")
    assert stock(task) == 6
    ids = {pair.pk: Pair.objects.get(pk=pair.pk).found for pair in (one, same, near, other)}
    assert ids[one.pk] == ["conflict", "duplicate", "near_duplicate"]
    assert ids[same.pk] == ["conflict", "duplicate", "near_duplicate"]
    assert ids[near.pk] == ["conflict", "near_duplicate"]
    assert ids[other.pk] == ["conflict"]
    before = set(PairLink.objects.values_list("pk", flat=True))
    stock(task)
    assert set(PairLink.objects.values_list("pk", flat=True)) == before, "twice is once"
    pair_revise(actor=expert, pair=same, texts=Texts(instruction="Where?", response="In the town hall."), version=1)
    stock(task)
    assert Pair.objects.get(pk=one.pk).found == ["conflict", "near_duplicate"]
    assert Pair.objects.get(pk=same.pk).found == []


def test_a_dismissed_tie_stays_dismissed_for_these_two_texts(task: Task, owner: User, expert: User) -> None:
    one = approved(task, "How long?", "10 weeks.")
    other = approved(task, "How long?", "8 weeks.")
    stock(task)
    link_dismiss(actor=owner, link=PairLink.objects.get(), reason="The law changed")
    for _ in range(2):
        assert [Pair.objects.get(pk=pair.pk).found for pair in (one, other)] == [[], []]
        stock(task)
    pair_revise(actor=expert, pair=other, texts=Texts(instruction="How long?", response="9 weeks."), version=1)
    stock(task)
    assert Pair.objects.get(pk=one.pk).found == ["conflict"], "another text is another matter"


def test_the_page_of_a_pair_leads_to_the_other_one(task: Task, owner: User, viewer: User, as_user: AsUser) -> None:
    one = approved(task, "How long?", "10 weeks.")
    other = approved(task, "How long?", "8 weeks.")
    stock(task)
    root = f"/p/{task.project.slug}"
    page = as_user(owner).get(f"{root}/pairs/{one.pk}/").content.decode()
    assert "Another pair answers the same question differently." in page
    assert f'href="{root}/pairs/{other.pk}/"' in page
    path = f"{root}/ties/{PairLink.objects.get().pk}/dismiss/"
    assert as_user(viewer).post(path, {"reason": "no"}).status_code == 403
    assert as_user(owner).post(path, {"reason": " ", "pair": one.pk}).status_code == 302
    assert not Dismissal.objects.exists()
    as_user(owner).post(path, {"reason": "Both hold", "pair": one.pk})
    assert Dismissal.objects.get().reason == "Both hold"


# --- freezing ---------------------------------------------------------------------------------------------------------


def test_a_freeze_is_refused_above_the_share_that_the_owner_allows(task: Task, owner: User, as_user: AsUser) -> None:
    for number in range(9):
        approved(task, f"What is {number}?", f"The answer to it is {number}.")
    approved(task, "What is a fence?", "A fense.")
    values = {"check_id": "misspelling", "is_on": True, "parameters": {}, "at_freeze": AtFreeze.BLOCK}
    check_set(actor=owner, project=task.project, freeze_share=0.05, **values)  # type: ignore[arg-type]
    with pytest.raises(Refused, match=r"1 of 10 approved pairs have the finding “Misspelling”; at most 0 may."):
        version_freeze(actor=owner, task=task)
    asked = {"note": "My note", "split": "80", "leaks": "exclude"}
    answer = as_user(owner).post(f"/p/{task.project.slug}/tasks/{task.slug}/freeze/", asked)
    page = answer.content.decode()
    assert (answer.status_code, page.count("at most 0 may. Mend or dismiss them")) == (400, 2)
    assert 'value="My note"' in page
    assert task.versions.count() == 0
    check_set(actor=owner, project=task.project, freeze_share=0.1, **values)  # type: ignore[arg-type]
    assert version_freeze(actor=owner, task=task).number == 1


def test_a_freeze_may_also_only_warn(task: Task, owner: User, as_user: AsUser) -> None:
    approved(task, "What is a fence?", "A fense.")
    check_set(
        actor=owner, project=task.project, check_id="misspelling", is_on=True, parameters={}, at_freeze=AtFreeze.WARN
    )
    sentence = "1 of 1 approved pairs have the finding “Misspelling”; at most 0 may."
    assert freeze_warnings(task) == [sentence]
    page = as_user(owner).get(f"/p/{task.project.slug}/tasks/{task.slug}/freeze/").content.decode()
    assert sentence in page
    assert version_freeze(actor=owner, task=task).number == 1


# --- dismissals -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_dismissal_survives_checks_that_run_again_and_can_be_recalled(task: Task, owner: User, expert: User) -> None:
    pair = pair_submit(actor=expert, task=task, texts=Texts(instruction="Why?", response="A fense."))
    finding_dismiss(
        actor=expert, project=task.project, text="A fense.", check_id="misspelling", excerpt="fense", reason="A brand",
        pair=pair,
    )  # fmt: skip
    Pair.objects.update(found=None)
    check_set(actor=owner, project=task.project, check_id="too_long", is_on=False, parameters={})
    run_jobs()
    pair.refresh_from_db()
    assert pair.found == []
    assert Finding.objects.filter(check_id="misspelling").exists(), "what was found is kept; that it counts is not"
    dismissal_withdraw(actor=owner, dismissal=Dismissal.objects.get())
    run_jobs()
    pair.refresh_from_db()
    assert pair.found == ["misspelling"]


def test_a_finding_may_be_refused_at_submit_or_want_a_reason(
    task: Task, owner: User, expert: User, as_user: AsUser, api_as: ApiAs
) -> None:
    project = task.project
    check_set(actor=owner, project=project, check_id="misspelling", is_on=True, parameters={}, at_submit=AtSubmit.ASK)
    check_set(actor=owner, project=project, check_id="repetition", is_on=True, parameters={}, at_submit=AtSubmit.BLOCK)
    client = as_user(expert)
    new = f"/p/{project.slug}/tasks/{task.slug}/write/?new=1"
    page = client.get(new, follow=True)
    assert "Why it is right in spite of the findings" in page.content.decode()
    url = page.redirect_chain[-1][0]
    key = url.split("key=")[1]
    typed = {"instruction": "Who pays?", "response": "The custumer pays for it.", "language": "en", "key": key}
    answer = client.post(url, typed)
    assert answer.status_code == 400
    assert "or say below why it is right as it stands: Misspelling." in answer.content.decode()
    assert not Pair.objects.exists()
    assert client.post(url, {**typed, "despite": "A name."}).status_code == 302
    pair = Pair.objects.get()
    assert pair.current is not None
    assert pair.current.note == "Despite “Misspelling”: A name."
    program = api_as(expert)
    loop = "The customer pays for all of it in the end. " * 12
    body = {"task": task.pk, "instruction": "Who pays?", "response": loop, "despite": "I say so."}
    refused = program.post("/api/v1/pairs/", body, format="json")
    assert (refused.status_code, Pair.objects.count()) == (400, 1)
    assert "This project takes no text with the finding" in str(refused.json())
    change = {"instruction": "Who pays?", "response": "The custumer pays for it all.", "version": 1}
    revised = program.post(f"/api/v1/pairs/{pair.pk}/revisions/", change, format="json")
    assert "Misspelling" in str(revised.json())
    assert Revision.objects.count() == 1
    answer = program.put(f"/api/v1/checks/misspelling/?project={project.slug}", {"at_submit": "tell"}, format="json")
    assert answer.status_code == 403
    told = api_as(owner).put(
        f"/api/v1/checks/misspelling/?project={project.slug}", {"at_submit": "tell"}, format="json"
    )
    assert told.json()["at_submit"] == "tell"
    assert program.post(f"/api/v1/pairs/{pair.pk}/revisions/", change, format="json").status_code == 201


def test_every_parameter_of_every_check_has_a_name_that_people_read() -> None:
    named = {check.id: [parameter_label(check.id, name) for name in check.defaults] for check in known_checks()}
    assert named["too_short"][0] == "Share of the length that 19 of 20 accepted texts reach"


# --- pages and API ----------------------------------------------------------------------------------------------------


def test_the_owner_decides_on_the_page_and_everybody_may_read(
    task: Task, owner: User, expert: User, as_user: AsUser
) -> None:
    root = f"/p/{task.project.slug}/checks/"
    assert as_user(expert).get(root).status_code == 200
    assert as_user(expert).get(f"{root}misspelling/").status_code == 403
    client = as_user(owner)
    assert client.get(f"{root}nix/").status_code == 404
    names = {"typical_factor": 2, "typical_texts": 20, "reference_factor": 3, "reference_words": 30}
    values = {f"parameter_{name}": value for name, value in names.items()}
    wrong = client.post(f"{root}too_long/", {**values, "is_on": "on", "at_freeze": "block", "freeze_share": "200"})
    assert wrong.status_code == 400
    assert not CheckSetting.objects.exists()
    right = client.post(f"{root}too_long/", {**values, "is_on": "on", "at_freeze": "block", "freeze_share": "2.5"})
    assert right.status_code == 302
    row = CheckSetting.objects.get()
    assert (row.parameters, row.at_freeze, row.freeze_share) == ({"typical_factor": 2.0}, "block", 0.025)
    finding_dismiss(
        actor=expert, project=task.project, text="A fense.", check_id="personal_data", excerpt="A", reason="So."
    )
    assert '<td data-label="Check">Personal data</td>' in client.get(root).content.decode()


def test_the_same_over_the_api(task: Task, owner: User, expert: User, api_as: ApiAs) -> None:
    slug = task.project.slug
    client = api_as(owner)
    listed = client.get(f"/api/v1/checks/?project={slug}").json()
    assert {row["id"]: row["is_on"] for row in listed}["profanity"] is False
    change = {"is_on": True, "at_freeze": "warn"}
    answer = client.put(f"/api/v1/checks/profanity/?project={slug}", change, format="json")
    assert (answer.status_code, answer.json()["is_on"], answer.json()["at_freeze"]) == (200, True, "warn")
    assert api_as(expert).put(f"/api/v1/checks/profanity/?project={slug}", change, format="json").status_code == 403
    assert client.put(f"/api/v1/checks/nix/?project={slug}", change, format="json").status_code == 404


def test_the_editor_offers_what_may_stand_there_instead(task: Task, expert: User, as_user: AsUser) -> None:
    texts = Texts(instruction="Whom do I ask?", response="Ask anna.berg@firma.se.\u200b")
    pair = pair_submit(actor=expert, task=task, texts=texts)
    page = as_user(expert).get(f"/p/{task.project.slug}/pairs/{pair.pk}/edit/").content.decode()
    assert 'data-excerpt="anna.berg@firma.se" data-replacement="[email]">Use “[email]”' in page
    assert 'data-replacement="">Remove it' in page


def test_findings_are_read_and_dismissed_over_the_api(task: Task, expert: User, owner: User, api_as: ApiAs) -> None:
    pair = pair_submit(actor=expert, task=task, texts=Texts(instruction="Why?", response="A fense."))
    client = api_as(expert)
    path = f"/api/v1/pairs/{pair.pk}/findings/"
    (finding,) = client.get(path).json()["response"]
    assert (finding["check"], finding["excerpt"]) == ("misspelling", "fense")
    body = {"field": "response", "check": "misspelling", "excerpt": "fense", "reason": "A brand"}
    assert client.post(path, {**body, "excerpt": "gate"}, format="json").status_code == 400
    assert client.post(path, {**body, "check": "nix"}, format="json").status_code == 400
    assert client.post(path, body, format="json").status_code == 201
    assert client.get(path).json()["response"] == []
    (row,) = client.get(f"/api/v1/dismissals/?project={task.project.slug}").json()["results"]
    assert row["reason"] == "A brand"
    assert client.delete(f"/api/v1/dismissals/{row['id']}/").status_code == 403
    assert api_as(owner).delete(f"/api/v1/dismissals/{row['id']}/").status_code == 204
    assert len(client.get(path).json()["response"]) == 1
