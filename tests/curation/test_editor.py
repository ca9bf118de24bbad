"""The editor's page: drafts while typing, plain forms without script, conflicts with both texts, nothing by looking."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from core.models import Project, User, WorkItem
from curation.fingerprints import Texts
from curation.models import Dismissal, Draft, GlossaryWord, Pair, Revision, Task
from curation.services.pairs import pair_revise, pair_submit
from curation.services.tasks import task_create

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


@pytest.fixture
def pair(task: Task, expert: User) -> Pair:
    return pair_submit(actor=expert, task=task, texts=Texts(instruction="How high?", response="1.1 metres."))


def root(project: Project) -> str:
    return f"/p/{project.slug}"


def put(client: Client, path: str, body: Any) -> HttpResponse:
    return client.post(path, json.dumps(body), content_type="application/json")


def test_looking_at_the_editor_changes_nothing(task: Task, pair: Pair, expert: User, as_user: AsUser) -> None:
    client = as_user(expert)
    for path in (f"/tasks/{task.slug}/write/?key=k", f"/pairs/{pair.pk}/edit/", "/write/", f"/pairs/{pair.pk}/"):
        assert client.get(root(task.project) + path).status_code == 200
    assert (Draft.objects.count(), Revision.objects.count(), Pair.objects.count()) == (0, 1, 1)


def test_what_is_typed_is_kept_and_checked_and_comes_back(task: Task, expert: User, as_user: AsUser) -> None:
    client = as_user(expert)
    path = f"{root(task.project)}/tasks/{task.slug}/drafts/k/"
    fields = {"instruction": "How high?", "response": "A fense of wood.", "topic": "fences", "language": "en"}
    kept = put(client, path, {"version": 0, "fields": fields}).json()
    answer = put(client, f"{root(task.project)}/tasks/{task.slug}/look/", {"fields": fields}).json()
    [finding] = answer["findings"]["response"]
    assert (finding["check"], finding["start"], finding["end"], finding["excerpt"]) == ("misspelling", 2, 7, "fense")
    assert answer["remarks"] == []
    assert Draft.objects.get().fields == fields
    assert client.get(path).json() == {**kept, "fields": fields}
    page = client.get(f"{root(task.project)}/tasks/{task.slug}/write/", follow=True)
    assert page.redirect_chain[-1][0].endswith("?key=k")
    assert b"A fense of wood." in page.content


def test_another_windows_newer_draft_is_answered_with_409_and_its_text(
    task: Task, expert: User, as_user: AsUser
) -> None:
    client = as_user(expert)
    path = f"{root(task.project)}/tasks/{task.slug}/drafts/k/"
    kept = put(client, path, {"version": 0, "fields": {"response": "one"}}).json()
    answer = put(client, path, {"version": 0, "fields": {"response": "two"}})
    assert answer.status_code == 409
    assert (answer.json()["theirs"], answer.json()["version"]) == ({"response": "one"}, kept["version"])


def test_a_new_page_without_a_word_is_not_begun_and_one_is_known_by_whatever_words_it_has(
    task: Task, expert: User, as_user: AsUser
) -> None:
    client, path = as_user(expert), f"{root(task.project)}/tasks/{task.slug}/drafts"
    blank = {"instruction": "", "response": " ", "language": "en", "pasted": "0"}
    assert put(client, f"{path}/k/", {"version": 0, "fields": blank}).json() == {"version": 1}
    assert not Draft.objects.exists()
    kept = put(client, f"{path}/k/", {"version": 1, "fields": {**blank, "response": "Two metres."}}).json()
    begun = client.get(f"{root(task.project)}/begun/").content.decode()
    assert f'data-begun="task-{task.pk}-k"' in begun
    assert ">Two metres.</a>" in begun
    put(client, f"{path}/named/", {"version": 0, "fields": {"topic": "fences"}})
    assert ">(no words yet)</a>" in client.get(f"{root(task.project)}/begun/").content.decode()
    Draft.objects.filter(key="named").delete()
    emptied = put(client, f"{path}/k/", {"version": kept["version"], "fields": blank}).json()
    assert Draft.objects.get().version == emptied["version"], "what was emptied was emptied by somebody"


@pytest.mark.parametrize("body", ["", "[]", "{", '{"version": "x", "fields": {}}', '{"version": 1}', "[" * 5000])
def test_a_draft_that_cannot_be_read_is_refused(task: Task, expert: User, as_user: AsUser, body: str) -> None:
    path = f"{root(task.project)}/tasks/{task.slug}/drafts/k/"
    answer = as_user(expert).post(path, body, content_type="application/json")
    assert answer.status_code == 400
    assert not Draft.objects.exists()


def test_a_draft_is_its_writers_alone(task: Task, expert: User, owner: User, viewer: User, as_user: AsUser) -> None:
    path = f"{root(task.project)}/tasks/{task.slug}/drafts/k/"
    put(as_user(expert), path, {"version": 0, "fields": {"response": "mine"}})
    assert as_user(owner).get(path).json() == {"version": 0, "fields": {}}
    assert put(as_user(viewer), path, {"version": 0, "fields": {}}).status_code == 403


def test_the_plain_form_submits_keeps_line_ends_and_goes_on(task: Task, expert: User, as_user: AsUser) -> None:
    path = f"{root(task.project)}/tasks/{task.slug}/write/"
    texts = {
        "instruction": "  List:\r\n- a",
        "input": "",
        "response": "one\r\n\r\ntwo ",
        "language": "en",
        "topic": "t",
    }
    for _click in range(2):
        answer = as_user(expert).post(path, {**texts, "key": "k9", "base": 0})
        assert answer.status_code == 302
    assert "done=task-" in answer["Location"]
    revision = Revision.objects.get()
    assert (revision.instruction, revision.response, revision.topic) == ("  List:\n- a", "one\n\ntwo ", "t")


def test_a_page_sent_twice_is_one_pair_and_another_text_of_it_a_draft_on_top(
    task: Task, expert: User, as_user: AsUser
) -> None:
    """One page in two windows: the first text submitted is the pair, the second one waits as its correction."""
    client, path = as_user(expert), f"{root(task.project)}/tasks/{task.slug}"
    page, json_wanted = f"{path}/write/?key=k", {"Accept": "application/json"}
    typed = {"instruction": "How high?", "language": "en", "key": "k"}
    for _time in range(2):
        assert client.post(page, {**typed, "response": "First."}, headers=json_wanted).status_code == 200
    told = client.post(page, {**typed, "response": "Second."}, headers=json_wanted)
    assert (told.status_code, told.json()["done"]) == (409, f"task-{task.pk}-k")
    [pair] = Pair.objects.all()
    edit = f"{root(task.project)}/pairs/{pair.pk}/edit/"
    assert client.get(page)["Location"] == f"{edit}?of=k"
    assert b"Second." in client.get(edit).content
    again = client.post(page, {**typed, "response": "Second."})
    assert again["Location"] == f"{edit}?of=k&done=task-{task.pk}-k"
    third = client.post(page, {**typed, "response": "Third."}, headers=json_wanted)
    assert (third.status_code, "done" in third.json()) == (409, False)
    fields = {"instruction": "How high?", "response": "Second, longer."}
    known = Draft.objects.get().version
    assert put(client, f"{path}/drafts/k/", {"version": known, "fields": fields}).json() == {"version": known + 1}
    draft = Draft.objects.get()
    assert (draft.pair, draft.fields["response"], pair.version) == (pair, "Second, longer.", 1)


def test_what_is_missing_is_said_and_what_was_typed_stays(task: Task, expert: User, as_user: AsUser) -> None:
    path = f"{root(task.project)}/tasks/{task.slug}/write/"
    answer = as_user(expert).post(path, {"instruction": "kept text", "response": "", "language": "en", "key": "k"})
    assert answer.status_code == 400
    assert b"kept text" in answer.content
    assert b"The response is empty." in answer.content
    assert b"The instruction is empty." not in answer.content
    empty = as_user(expert).post(path, {"instruction": " ", "response": "", "language": "en", "key": "k"})
    assert empty.content.count(b"The instruction is empty.") == 2, "above, and beside its field"
    assert empty.content.count(b"The response is empty.") == 2
    assert not Pair.objects.exists()


def test_a_stale_correction_shows_both_texts_and_goes_through_on_top(
    pair: Pair, expert: User, owner: User, as_user: AsUser
) -> None:
    pair_revise(actor=owner, pair=pair, texts=Texts(instruction="How high?", response="Their newer text."), version=1)
    path = f"{root(pair.project)}/pairs/{pair.pk}/edit/"
    mine = {"instruction": "How high?", "input": "", "response": "My text.", "language": "en", "base": 1, "key": "k"}
    answer = as_user(expert).post(path, mine)
    assert answer.status_code == 409
    assert b"Their newer text." in answer.content
    assert b"My text." in answer.content
    assert b'name="base" value="2"' in answer.content
    assert Revision.objects.count() == 2
    assert as_user(expert).post(path, {**mine, "base": 2}).status_code == 302
    assert Revision.objects.order_by("-number")[0].response == "My text."


def test_words_can_be_suggested_accepted_and_findings_dismissed(task: Task, expert: User, as_user: AsUser) -> None:
    client, base = as_user(expert), root(task.project)
    assert "fence" in client.get(f"{base}/suggestions/?word=fense&language=en").json()["suggestions"]
    client.post(f"{base}/glossary/", {"word": "fense", "language": "en"}, headers={"Accept": "application/json"})
    assert GlossaryWord.objects.get().word == "fense"
    path = f"{base}/tasks/{task.slug}/look/"
    answer = put(client, path, {"fields": {"response": "A fense and a roff.", "language": "en"}})
    [finding] = answer.json()["findings"]["response"]
    assert finding["excerpt"] == "roff"
    body = {"text": "A fense and a roff.", "check": "misspelling", "excerpt": "roff", "reason": "a brand"}
    assert put(client, f"{base}/findings/dismiss/", {**body, "reason": " "}).status_code == 400
    assert put(client, f"{base}/findings/dismiss/", {**body, "check": "nix"}).status_code == 400
    assert put(client, f"{base}/findings/dismiss/", body).status_code == 200
    assert Dismissal.objects.get().user == expert
    answer = put(client, path, {"fields": {"response": "A fense and a roff.", "language": "en"}})
    assert answer.json()["findings"]["response"] == []


def test_a_stranger_a_viewer_and_a_reviewer_write_nothing(
    task: Task, pair: Pair, viewer: User, reviewer: User, stranger: User, as_user: AsUser
) -> None:
    base = root(task.project)
    mending = ["/glossary/", "/findings/dismiss/", f"/tasks/{task.slug}/drafts/k/discard/"]  # reviewers mend
    paths = [f"/tasks/{task.slug}/write/", f"/pairs/{pair.pk}/edit/", f"/pairs/{pair.pk}/trash/", *mending]
    for path in paths:
        assert as_user(viewer).post(base + path).status_code == 403, path
        if path not in mending:
            assert as_user(reviewer).post(base + path).status_code == 403, path
        assert as_user(stranger).post(base + path).status_code == 404, path
    assert (Pair.objects.count(), Revision.objects.count(), GlossaryWord.objects.count()) == (1, 1, 0)


def test_a_reviewer_decides_on_the_page_and_gets_the_next_one(
    task: Task, expert: User, reviewer: User, viewer: User, as_user: AsUser
) -> None:
    for number in range(3):
        pair_submit(actor=expert, task=task, texts=Texts(instruction=f"q{number}", response=f"a{number}"))
    client, base = as_user(reviewer), root(task.project)
    page = client.post(f"{base}/review/next/", follow=True)
    assert b"q0" in page.content
    first = page.redirect_chain[-1][0]
    revision = Revision.objects.get(instruction="q0").pk
    assert client.post(f"{first}return/", {"revision": revision, "reason": ""}).status_code == 400
    assert as_user(viewer).post(f"{first}approve/", {"revision": revision}).status_code == 403
    assert as_user(expert).post(f"{first}approve/", {"revision": revision}).status_code == 403
    page = client.post(f"{first}approve/", {"revision": revision}, follow=True)
    assert b"q1" in page.content
    second = page.redirect_chain[-1][0]
    page = client.post(
        f"{second}return/", {"revision": Revision.objects.get(instruction="q1").pk, "reason": "why"}, follow=True
    )
    third = page.redirect_chain[-1][0]
    page = client.post(f"{third}skip/", follow=True)
    assert b"Nothing waits for your review now." in page.content
    states = dict(Pair.objects.values_list("current__instruction", "state"))
    assert states == {"q0": "approved", "q1": "returned", "q2": "submitted"}
    assert WorkItem.objects.get(state="open").subject_id == Pair.objects.get(current__instruction="q2").pk


def test_a_decision_on_a_text_that_changed_meanwhile_shows_the_newer_one(
    pair: Pair, expert: User, reviewer: User, as_user: AsUser
) -> None:
    client, base = as_user(reviewer), root(pair.project)
    address = client.post(f"{base}/review/next/")["Location"]
    read = pair.current_id
    pair_revise(actor=expert, pair=pair, texts=Texts(instruction="How high?", response="Changed under you."), version=1)
    answer = client.post(f"{address}approve/", {"revision": read})
    assert answer.status_code == 409
    pair.refresh_from_db()
    assert f'name="revision" value="{pair.current_id}"' in answer.content.decode()
    assert b"Against revision 1" in answer.content
    assert pair.state == "submitted"


@pytest.mark.parametrize("key", ["a/b", "%00", "x" * 41, "<b>", "pair-99999999999999999999", "ü"])
def test_a_key_that_makes_no_sense_breaks_nothing(task: Task, expert: User, as_user: AsUser, key: str) -> None:
    client, base = as_user(expert), root(task.project)
    assert client.get(f"{base}/tasks/{task.slug}/write/", {"key": key}, follow=True).status_code == 200
    texts = {"instruction": "q", "response": "", "language": "nonsense!", "key": key, "base": "x"}
    assert client.post(f"{base}/tasks/{task.slug}/write/", texts).status_code == 400
    assert put(client, f"{base}/tasks/{task.slug}/drafts/{'x' * 41}/", {"version": 0, "fields": {}}).status_code == 404
    assert client.get(f"{base}/suggestions/", {"word": "a\x00b", "language": "\x00"}).status_code == 200
    body = {"text": "a", "check": "misspelling", "excerpt": "\x00", "reason": "x\ud800"}
    assert put(client, f"{base}/findings/dismiss/", body).status_code == 400
    assert not Pair.objects.exists()
