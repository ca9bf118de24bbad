"""One person, several windows: a submit ends the draft that its page knows, and what another saved since goes on."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from core.choices import WorkKind
from core.denied import Conflict
from core.models import Assignment, Project, User
from curation.models import Answer, Document, Draft, Pair, Passage, Task
from curation.selectors.actions import actions_undoable
from curation.services.answers import answer_submit, answers_choose, draft_key, merge_key
from curation.services.documents import passages_ask
from curation.services.drafts import draft_drop, draft_save
from curation.services.pairs import pair_revise, pair_submit
from curation.services.settling import Seen
from curation.services.undo import action_undo
from tests.asking_world import (  # noqa: F401  the fixtures are used by their names
    ASKED,
    answer,
    ask,
    hold,
    second_fixture,
    task_fixture,
    texts,
)
from tests.world import api_client

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
TYPED = {"instruction": ASKED["instruction"], "response": "One metre.", "language": "en", "topic": "fences"}
LATER = {**TYPED, "response": "One metre, says the other window."}
KEPT = LATER["response"]
TOLD = "Submitted. Another window of yours had saved a newer text, which was no part of this. It is kept."


class Place:
    """A page on which one person writes: where a draft of it is saved, where it is submitted."""

    def __init__(self, client: Client, user: User, task: Task, key: str, submit: str, **more: Any) -> None:
        self.client, self.user, self.key, self.submit_to, self.more = client, user, key, submit, more
        self.draft = f"/p/{task.project.slug}/tasks/{task.slug}/drafts/{key}/"

    def save(self, fields: dict[str, str], version: int, window: str) -> HttpResponse:
        body = {"version": version, "window": window, "fields": fields}
        return self.client.post(self.draft, body, content_type="application/json")

    def submit(self, version: int, window: str, **how: Any) -> HttpResponse:
        sent = {**TYPED, "key": self.key, **self.more, "version": version, "window": window}
        return self.client.post(self.submit_to, sent, **how)


def place_of(name: str, people: dict[str, User], task: Task, as_user: AsUser) -> Place:
    project, root = task.project, f"/p/{task.project.slug}"
    if name == "merge":
        asked = ask(task, needed=2)
        answer(people["expert"], project, "By the plan.")
        answer(people["second"], project, "By the law.")
        held = hold(people["owner"], project, WorkKind.ADJUDICATE)
        client = as_user(people["owner"])
        return Place(client, people["owner"], task, merge_key(asked), f"{root}/work/{held.pk}/answers/merge/")
    user = people["expert"]
    if name == "answer":
        asked = ask(task)
        return Place(as_user(user), user, task, draft_key(asked), f"{root}/work/{hold(user, project).pk}/")
    if name == "passage":
        document = Document.objects.create(
            project=project, file_name="p.md", kind="text", title="P", text="A permit.", characters=9, sha256="0"
        )
        passage = Passage.objects.create(document=document, ordinal=0, text=document.text)
        passages_ask(actor=people["owner"], task=task, passages=[passage.pk])
        held = hold(user, project, WorkKind.PASSAGE)
        return Place(as_user(user), user, task, f"passage-{passage.pk}-work{held.pk}", f"{root}/work/{held.pk}/")
    if name == "new":
        return Place(as_user(user), user, task, "k", f"{root}/tasks/{task.slug}/write/")
    pair = pair_submit(actor=user, task=task, texts=texts("Two metres."))
    if name == "correction":
        user, submit = people["owner"], f"{root}/pairs/{pair.pk}/edit/"
    else:
        user = people["owner"]
        submit = f"{root}/review/{hold(user, project, WorkKind.REVIEW).pk}/mend/"
    return Place(as_user(user), user, task, f"pair-{pair.pk}", submit, base=1)


@pytest.mark.parametrize("name", ["new", "correction", "answer", "passage", "mend", "merge"])
def test_a_submit_keeps_what_another_window_saved_since_as_a_correction(
    name: str, task: Task, project: Project, expert: User, second: User, owner: User, as_user: AsUser
) -> None:
    place = place_of(name, {"expert": expert, "second": second, "owner": owner}, task, as_user)
    known = place.save(TYPED | {"response": "One"}, 0, "a").json()["version"]
    assert place.save(LATER, known, "b").json() == {"version": known + 1}
    assert place.submit(known, "a").status_code == 302
    [pair], [kept] = Pair.objects.all(), Draft.objects.all()
    assert (kept.key, kept.pair, kept.fields["response"]) == (f"pair-{pair.pk}", pair, KEPT)
    assert pair.current is not None
    assert pair.current.response == TYPED["response"]
    edit, begun = f"/p/{project.slug}/pairs/{pair.pk}/edit/", f"/p/{project.slug}/begun/"
    page = place.client.get(f"/p/{project.slug}/write/").content.decode()
    assert edit in page
    assert f'{TOLD} <a href="{begun}">' in page
    assert KEPT in place.client.get(edit).content.decode()
    if name in ("new", "answer", "passage"):  # sent again by a page that went on, which heard no answer
        told = place.submit(known, "a", headers={"Accept": "application/json"}).json()
        assert (told["said"], told["url"]) == (TOLD, begun)


@pytest.mark.parametrize("name", ["new", "answer", "mend"])
def test_a_submit_ends_what_its_own_window_saved_unheard_and_what_says_the_same(
    name: str, task: Task, expert: User, second: User, owner: User, as_user: AsUser
) -> None:
    place = place_of(name, {"expert": expert, "second": second, "owner": owner}, task, as_user)
    known = place.save(TYPED | {"response": "One"}, 0, "a").json()["version"]
    if name == "mend":
        place.save(TYPED, known, "b")  # the same words from another window
    else:
        place.save(TYPED | {"response": "One met"}, known, "a")  # arrived, though no answer was heard
    assert place.submit(known, "a").status_code == 302
    assert not Draft.objects.exists()
    assert TOLD not in place.client.get(f"/p/{task.project.slug}/write/").content.decode()


def test_discarding_throws_away_what_its_page_knows_and_no_other_windows_newer_text(
    task: Task, expert: User, as_user: AsUser
) -> None:
    place = place_of("new", {"expert": expert}, task, as_user)
    known = place.save(TYPED, 0, "a").json()["version"]
    place.save(LATER, known, "b")
    page = place.client.get(f"{place.submit_to}?key=k").content.decode()
    assert f'name="version" value="{known + 1}" form="discard"' in page
    for seen, said, left in (
        ({"version": known, "window": "a"}, "another window of yours saved stays", 1),
        ({"version": known, "window": "b"}, "The draft is discarded.", 0),
    ):
        page = place.client.post(f"{place.draft}discard/", seen, follow=True).content.decode()
        assert (said in page, Draft.objects.count()) == (True, left)


def test_a_program_that_names_no_save_ends_only_a_draft_that_says_the_same(
    task: Task, project: Project, expert: User
) -> None:
    api = api_client(expert)
    for key, fields, tells, left in (("a", LATER, False, 1), ("b", LATER, True, 0), ("c", TYPED, False, 0)):
        saved = {"version": 0, "fields": fields}
        kept = api.put(f"/api/v1/tasks/{task.pk}/drafts/{key}/", saved, format="json").json()
        sent = {"task": task.pk, "key": key, **TYPED, **({"draft_version": kept["version"]} if tells else {})}
        made = api.post("/api/v1/pairs/", sent, format="json").json()["id"]
        assert Draft.objects.filter(pair=made).count() == left, key
        assert Draft.objects.count() == left, key
        Draft.objects.all().delete()
    asked = ask(task)
    draft_save(actor=expert, task=task, key=draft_key(asked), fields=LATER, version=0)
    held = hold(expert, project)
    api.post(f"/api/v1/work-items/{held.pk}/answer/", {"response": "One metre."}, format="json")
    asked.refresh_from_db()
    assert Draft.objects.get().pair == asked.pair


def test_a_correction_that_met_a_colleagues_text_leaves_the_other_windows_draft_to_be_asked_about(
    task: Task, expert: User, second: User, owner: User, as_user: AsUser
) -> None:
    place = place_of("correction", {"expert": expert, "second": second, "owner": owner}, task, as_user)
    known = place.save(TYPED | {"response": "One"}, 0, "a").json()["version"]
    place.save(LATER, known, "b")
    pair = Pair.objects.get()
    pair_revise(actor=expert, pair=pair, texts=texts("Three metres."), version=1)
    page = place.submit(known, "a")
    assert (page.status_code, Draft.objects.get().fields["response"]) == (409, KEPT)
    assert f'data-autosave-version="{known}"' in page.content.decode()
    assert f'name="version" value="{known}" form="take-theirs"' in page.content.decode()
    [named] = re.findall(r'data-autosave-unkept="([^"]*)"', page.content.decode())
    assert json.loads(unescape(named))["response"] == "Two metres.", "what the text and the draft both stand on"
    asked = place.save(TYPED, known, "c")
    assert (asked.status_code, asked.json()["theirs"]["response"]) == (409, KEPT)


def test_a_refused_submit_is_drawn_again_with_the_save_that_its_page_knew(
    task: Task, expert: User, second: User, owner: User, as_user: AsUser
) -> None:
    place = place_of("new", {"expert": expert, "second": second, "owner": owner}, task, as_user)
    first = place.save(TYPED, 0, "a").json()["version"]
    place.save(LATER, first, "b")
    place.more["response"] = " "
    for window, known in (("a", first), ("b", first + 1)):
        page = place.submit(first, window)
        assert page.status_code == 400
        assert f'data-autosave-version="{known}"' in page.content.decode()
    assert Draft.objects.get().fields["response"] == KEPT


@pytest.mark.parametrize("ended", ["submitted", "discarded"])
def test_a_window_left_open_overwrites_nothing_that_was_begun_after_its_draft_ended(
    ended: str, task: Task, expert: User
) -> None:
    pair = pair_submit(actor=expert, task=task, texts=texts("Two metres."))
    key = f"pair-{pair.pk}"
    known = draft_save(actor=expert, task=task, key=key, fields=TYPED, version=0, pair=pair).version
    if ended == "submitted":
        pair_revise(actor=expert, pair=pair, texts=texts("One"), version=1, draft_key=key, seen=Seen(known))
    else:
        assert draft_drop(actor=expert, task=task, key=key)
    draft_save(actor=expert, task=task, key=key, fields=LATER, version=0, pair=pair)
    for version in (known, known + 1):
        with pytest.raises(Conflict):
            draft_save(actor=expert, task=task, key=key, fields=TYPED, version=version, pair=pair)
    assert Draft.objects.get().fields["response"] == KEPT


def test_what_is_typed_on_an_older_text_is_put_together_with_the_newer_one_even_after_a_reload(
    task: Task, expert: User, second: User, owner: User, as_user: AsUser
) -> None:
    place = place_of("correction", {"expert": expert, "second": second, "owner": owner}, task, as_user)
    pair = Pair.objects.get()
    pair_revise(actor=expert, pair=pair, texts=texts("Three metres."), version=1)
    body = {"version": 0, "window": "a", "base": 1, "fields": LATER}
    place.client.post(place.draft, body, content_type="application/json")
    page = place.client.get(place.submit_to)
    place.more["base"] = page.context["form"]["base"].value()
    assert place.submit(page.context["known"], "a").status_code == 409
    pair.refresh_from_db()
    assert pair.version == 2


def test_what_was_begun_of_one_text_for_several_answers_leads_back_to_it_and_then_to_its_pair(
    task: Task, project: Project, expert: User, second: User, owner: User, as_user: AsUser
) -> None:
    place = place_of("merge", {"expert": expert, "second": second, "owner": owner}, task, as_user)
    place.save(LATER, 0, "a")
    root = f"/p/{project.slug}"
    begun = f"{root}/tasks/{task.slug}/write/?key={place.key}"
    assert begun in place.client.get(f"{root}/write/").content.decode()
    page = place.client.get(begun)["Location"]
    assert page == place.submit_to.removesuffix("merge/")
    held = hold(owner, project, WorkKind.ADJUDICATE)
    chosen = answers_choose(actor=owner, assignment=held, answer=Answer.objects.get(author=expert))
    assert place.client.get(begun)["Location"] == f"{root}/pairs/{chosen.pk}/edit/?of={place.key}"
    assert KEPT in place.client.get(f"{root}/pairs/{chosen.pk}/edit/").content.decode()


def test_what_is_typed_on_after_a_question_went_away_and_became_a_pair_is_found_on_that_pair(
    task: Task, project: Project, expert: User, second: User, as_user: AsUser
) -> None:
    asked = ask(task)
    mine = hold(expert, project)
    Assignment.objects.filter(pk=mine.pk).update(lease_until=timezone.now() - timedelta(minutes=1))
    hold(second, project)
    page = f"/p/{project.slug}/tasks/{task.slug}/write/"
    place = Place(as_user(expert), expert, task, draft_key(asked), page)
    assert place.submit(0, "a").status_code == 302
    [pair] = Pair.objects.all()
    place.save(LATER, 0, "a")
    assert Draft.objects.get().pair == pair
    edit = place.client.get(f"{page}?key={place.key}")["Location"]
    assert KEPT in place.client.get(edit).content.decode()
    lying = draft_save(actor=expert, task=task, key="k", fields={"response": "Beside it."}, version=0)
    Draft.objects.filter(pk=lying.pk).update(key=place.key)
    assert "Beside it." in place.client.get(f"{page}?key={place.key}").content.decode()


def test_an_answer_that_is_taken_back_leaves_what_was_typed_after_it(
    task: Task, project: Project, expert: User
) -> None:
    asked = ask(task, needed=2)
    answer_submit(actor=expert, assignment=hold(expert, project), texts=texts("One metre."))
    draft_save(actor=expert, task=task, key=draft_key(asked), fields=LATER, version=0)
    action_undo(actor=expert, project=project, event=actions_undoable(expert, project)[0])
    kept = {draft.key == draft_key(asked): draft.fields["response"] for draft in Draft.objects.all()}
    assert kept == {True: "One metre.", False: KEPT}


def test_everything_begun_is_found_and_a_reviewer_reads_what_their_mending_left(
    task: Task, project: Project, expert: User, reviewer: User, as_user: AsUser
) -> None:
    for number in range(21):
        draft_save(actor=expert, task=task, key=f"k{number}", fields={"instruction": f"Beam {number:02d}?"}, version=0)
    client, root = as_user(expert), f"/p/{project.slug}"
    page = client.get(f"{root}/write/").content.decode()
    assert ("Beam 00?" in page, "Beam 01?" in page, f"{root}/begun/" in page) == (False, True, True)
    page = client.get(f"{root}/begun/").content.decode()
    assert all(f"Beam {number:02d}?" in page for number in range(21))
    listed = api_client(expert).get(f"/api/v1/begun/?project={project.slug}&page_size=20").json()
    assert (len(listed["results"]), listed["results"][0]["key"], bool(listed["next"])) == (20, "k20", True)
    draft_save(actor=reviewer, task=task, key="k", fields=LATER, version=0)
    client = as_user(reviewer)
    assert f"{root}/begun/" in client.get(f"{root}/work/").content.decode()
    page = client.get(f"{root}/begun/").content.decode()
    assert (KEPT in page, "Beam" in page, "/write/?key=" in page) == (True, False, False)
