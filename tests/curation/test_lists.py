"""The list of pairs: filters, words, pages by position, and a number of queries that does not grow with the rows."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.core.cache import caches
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from core.models import Project, User, WorkItem
from curation.choices import Decision
from curation.fingerprints import Texts
from curation.models import Embedding, Pair, SavedView, Task
from curation.selectors.editions import edition_asked
from curation.selectors.pair_filters import pairs_filtered
from curation.selectors.searching import index_terms, search_terms, word_shares
from curation.services.building import version_build
from curation.services.pairs import pair_revise, pair_submit, pair_trash
from curation.services.reviews import review_ask_again, review_decide
from curation.services.tasks import guideline_save, task_create
from curation.services.versions import version_freeze
from tests.world import api_client, run_jobs

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


def write(task: Task, user: User, instruction: str, response: str = "An answer.", topic: str = "") -> Pair:
    return pair_submit(actor=user, task=task, texts=Texts(instruction=instruction, response=response, topic=topic))


def found(task: Task, **query: Any) -> list[str]:
    rows = pairs_filtered(task, query).select_related("current").order_by("pk")
    return [pair.current.instruction for pair in rows if pair.current]


def test_each_filter_narrows_the_list(task: Task, expert: User, owner: User, reviewer: User) -> None:
    plain = write(task, expert, "plain", topic="walls")
    write(task, owner, "of the owner")
    write(task, expert, "misspelled", "A fense.")
    gone = write(task, expert, "gone")
    pair_trash(actor=expert, pair=gone)
    review_decide(actor=reviewer, pair=plain, revision_id=plain.current_id or 0, decision=Decision.APPROVE)
    assert found(task) == ["plain", "of the owner", "misspelled"]
    assert found(task, state="approved") == ["plain"]
    assert found(task, state="trashed") == ["gone"]
    assert found(task, topic="walls") == ["plain"]
    assert found(task, author=owner.pk) == ["of the owner"]
    assert found(task, finding="misspelling") == ["misspelled"]
    assert found(task, finding="none") == ["plain", "of the owner"]
    assert found(task, finding="unchecked") == []
    assert found(task, origin="imported") == []
    assert len(found(task, origin="human")) == 3
    assert found(task, reviewer=reviewer.pk) == ["plain"]
    assert found(task, language="sv") == []
    assert found(task, since=date(2000, 1, 1), until=date(2000, 1, 2)) == []
    assert len(found(task, since=date(2000, 1, 1), until=timezone.localdate())) == 3
    assert found(task, version="none") == ["plain"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("build perm", ["The building permit"]),
        ("PERMIT", ["The building permit"]),
        ("uild", []),
        ("räksmör", ["Räksmörgås & co"]),
        ("co & | ! ( ) :* <-> '", ["Räksmörgås & co"]),
        ("\x00 ' -- ;", ["The building permit", "Räksmörgås & co"]),
        ("", ["The building permit", "Räksmörgås & co"]),
        ('"building permit"', ["The building permit"]),
        ('"permit building"', []),
        ('"build permit"', []),
        ("-permit", ["Räksmörgås & co"]),
        ("the -räksmör", ["The building permit"]),
        ('answer -"building permit"', ["Räksmörgås & co"]),
        ('"answer', ["The building permit", "Räksmörgås & co"]),
    ],
)
def test_words_are_found_by_their_beginnings_and_signs_are_no_commands(
    task: Task, expert: User, words: str, expected: list[str]
) -> None:
    write(task, expert, "The building permit")
    write(task, expert, "Räksmörgås & co")
    assert found(task, q=words) == expected


@pytest.mark.parametrize("shares", [{}, {"the": 0.5, "building": 0.02}, {"build": 0.02, "permit": 0.03, "answer": 1.0}])
def test_what_is_frequent_is_looked_for_in_rows_and_the_same_is_found(
    task: Task, expert: User, shares: dict[str, float]
) -> None:
    caches["near"].set("word-shares", shares)
    write(task, expert, "The building permit")
    write(task, expert, "The builder of the house")
    for words, expected in (
        ("the build", ["The building permit", "The builder of the house"]),
        ("build -perm", ["The builder of the house"]),
        ('"the building" perm', ["The building permit"]),
        ("house permit", []),
    ):
        assert found(task, q=words) == expected
    caches["near"].delete("word-shares")


def test_frequent_words_are_not_asked_of_the_index() -> None:
    terms = search_terms('gone his "of the" -other')
    caches["near"].set("word-shares", {"his": 0.1, "history": 0.02, "of": 0.9, "the": 0.8, "goner": 0.004})
    assert [term.words for term in index_terms(terms)] == [("gone",)]
    assert [term.words for term in index_terms(terms[1:])] == [("his",)]
    caches["near"].delete("word-shares")
    assert word_shares() == {} or max(word_shares().values()) <= 1


def test_no_words_are_no_query() -> None:
    assert search_terms(" .,; ") == []


@pytest.mark.slow
def test_pages_go_by_position_and_cost_the_same_number_of_queries(
    task: Task, expert: User, as_user: AsUser, django_assert_num_queries: Any
) -> None:
    for number in range(60):
        write(task, expert, f"Question {number}")
    client = as_user(expert)
    path = f"/p/{task.project.slug}/pairs/"
    with django_assert_num_queries(10):
        first = client.get(path).content.decode()
    assert first.count('class="row-link') == 50
    assert "Question 59" in first
    assert "Question 9<" not in first
    older = client.get(f"{path}?task={task.slug}&before={Pair.objects.order_by('-pk')[49].pk}").content.decode()
    assert older.count('class="row-link') == 10


def test_tags_and_imported_columns_and_lengths_narrow_the_list(task: Task, expert: User) -> None:
    first, second, third = (write(task, expert, name) for name in ("first", "second", "third"))
    Pair.objects.filter(pk=first.pk).update(tags=["fire", "walls"], tokens=10, metadata={"page": 12, "law": "PBL"})
    Pair.objects.filter(pk=second.pk).update(tags=["walls"], tokens=200, metadata={"law": ["PBL", "BBR"], "old": True})
    Pair.objects.filter(pk=third.pk).update(tokens=None, metadata={"page": "12", "zip": "01067"})
    assert found(task, tag="walls") == ["first", "second"]
    assert found(task, tag="fire") == ["first"]
    assert found(task, metadata="law=PBL") == ["first", "second"]
    assert found(task, metadata="law = BBR") == ["second"]
    assert found(task, metadata="page=12") == ["first", "third"]
    assert found(task, metadata="old=true") == ["second"]
    assert found(task, metadata="zip=01067") == ["third"]
    assert found(task, metadata="page") == ["first", "third"]
    assert found(task, metadata="nix=1") == []
    assert found(task, shortest=11) == ["second"]
    assert found(task, longest=10) == ["first"]


def test_a_version_and_its_parts_narrow_the_list(task: Task, expert: User, reviewer: User, owner: User) -> None:
    pairs = [write(task, expert, f"What is number {number}?", f"It is {number * 7}.") for number in range(12)]
    for pair in pairs[:11]:
        review_decide(actor=reviewer, pair=pair, revision_id=pair.current_id or 0, decision=Decision.APPROVE)
    version = version_build(version_freeze(actor=owner, task=task), lambda *_: None, lambda: None)
    assert len(found(task, version=version.pk)) == 11 == version.counts["pairs"]
    by_part = {part: found(task, version=version.pk, part=part) for part in ("train", "develop", "test")}
    assert {part: len(rows) for part, rows in by_part.items()} == version.counts["parts"]
    assert {part: found(task, part=part) for part in by_part} == by_part
    assert found(task, version="none") == []
    late = pairs[11]
    review_decide(actor=reviewer, pair=late, revision_id=late.current_id or 0, decision=Decision.APPROVE)
    again = Texts(instruction="What is number 3, anew?", response="Three.")
    newer = pair_revise(actor=expert, pair=pairs[3], texts=again, version=1)
    review_decide(actor=reviewer, pair=newer, revision_id=newer.current_id or 0, decision=Decision.APPROVE)
    assert found(task, version="none") == [again.instruction, "What is number 11?"]


def test_filters_are_chips_in_words_that_can_be_taken_away_and_shared(
    task: Task, expert: User, reviewer: User, as_user: AsUser
) -> None:
    write(task, expert, "Mine", topic="walls")
    path = f"/p/{task.project.slug}/pairs/"
    page = as_user(expert).get(f"{path}?task={task.slug}&topic=walls&author=me&state=nonsense").content.decode()
    assert ">Mine<" in page
    assert re.findall(r'<span class="soft">(\w+):</span> (\w+)<', page) == [("Topic", "walls"), ("Author", "Me")]
    assert f'class="chip-close" href="?task={task.slug}&amp;topic=walls"' in page
    other = as_user(reviewer).get(f"{path}?task={task.slug}&author=me").content.decode()
    assert "No pair fits" in other


def test_a_view_is_kept_shared_and_removed(
    task: Task, expert: User, reviewer: User, owner: User, as_user: AsUser
) -> None:
    client, base = as_user(expert), f"/p/{task.project.slug}"
    answer = client.post(f"{base}/tasks/{task.slug}/views/new/?topic=a%26b&state=approved&after=5", {"name": "Walls"})
    assert answer["Location"] == f"{base}/pairs/?task={task.slug}&state=approved&topic=a%26b"
    view = SavedView.objects.get()
    assert view.query == {"state": "approved", "topic": "a&b"}
    assert b"Walls" in client.get(answer["Location"]).content
    assert b"Walls" not in as_user(reviewer).get(f"{base}/pairs/").content
    client.post(f"{base}/tasks/{task.slug}/views/new/?topic=new", {"name": "Walls", "shared": "on"})
    assert SavedView.objects.get().query == {"topic": "new"}
    assert b"Walls" in as_user(reviewer).get(f"{base}/pairs/").content
    for query, said in (("", "Set a filter first"), ("?nix=1", "There is no filter"), ("?author=x", "author:")):
        page = client.post(f"{base}/tasks/{task.slug}/views/new/{query}", {"name": "Bad"}, follow=True)
        assert said in page.content.decode()
    assert as_user(reviewer).post(f"{base}/views/{view.pk}/remove/").status_code == 404
    assert as_user(owner).post(f"{base}/views/{view.pk}/remove/").status_code == 302
    assert not SavedView.objects.exists()


def test_the_api_filters_and_refuses_a_filter_that_makes_no_sense(task: Task, expert: User, api_as: Any) -> None:
    write(task, expert, "Of walls", topic="walls")
    write(task, expert, "Of roofs", topic="roofs")
    api = api_as(expert)
    rows = api.get(f"/api/v1/pairs/?task={task.pk}&topic=walls&author=me&q=-roofs").json()["results"]
    assert [row["current"]["instruction"] for row in rows] == ["Of walls"]
    assert rows[0]["tags"] == []
    for query in ("state=nonsense", "topik=walls", "since=yesterday"):
        assert api.get(f"/api/v1/pairs/?task={task.pk}&{query}").status_code == 400, query
    made = api.post(
        "/api/v1/pair-views/", {"task": task.pk, "name": "Walls", "query": {"topic": "walls"}}, format="json"
    )
    assert made.status_code == 201
    assert [view["name"] for view in api.get(f"/api/v1/pair-views/?task={task.pk}").json()["results"]] == ["Walls"]
    assert api.delete(f"/api/v1/pair-views/{made.json()['id']}/").status_code == 204


def test_work_before_an_edition_that_asks_for_another_look_is_flagged_until_somebody_looked(
    task: Task, expert: User, reviewer: User, owner: User
) -> None:
    first, second = write(task, expert, "first"), write(task, expert, "second")
    guideline_save(actor=owner, task=task, text="Be brief.", number=0)
    assert edition_asked(task.pk) == 0
    guideline_save(actor=owner, task=task, text="Be brief and kind.", number=1, reflags=True)
    assert found(task, below_edition=edition_asked(task.pk)) == ["first", "second"]
    review_decide(actor=reviewer, pair=first, revision_id=first.current_id or 0, decision=Decision.APPROVE)
    pair_revise(actor=expert, pair=second, texts=Texts(instruction="second", response="Please, that."), version=1)
    write(task, expert, "third")
    assert found(task, below_edition=edition_asked(task.pk)) == []
    guideline_save(actor=owner, task=task, text="Be brief and kind!", number=2)
    assert edition_asked(task.pk) == 2


def test_a_flagged_text_that_still_holds_is_reviewed_anew_from_its_own_page(
    task: Task, expert: User, reviewer: User, owner: User, as_user: AsUser
) -> None:
    pair = write(task, expert, "first")
    review_decide(actor=reviewer, pair=pair, revision_id=pair.current_id or 0, decision=Decision.APPROVE)
    page = f"/p/{task.project.slug}/pairs/{pair.pk}/"
    assert "eview anew" not in as_user(reviewer).get(page).content.decode()
    guideline_save(actor=owner, task=task, text="Be brief and kind.", number=0, reflags=True)
    assert "Have it reviewed anew" in as_user(expert).get(page).content.decode()
    said = as_user(expert).post(f"{page}review/anew/", follow=True).content.decode()
    assert "It waits for a review again." in said
    pair.refresh_from_db()
    assert (pair.state, pair.approved_id) == ("submitted", pair.current_id), "the approval holds until then"
    Pair.objects.filter(pk=pair.pk).update(state="approved")
    WorkItem.objects.update(state="closed")
    assert "Review anew" in as_user(reviewer).get(page).content.decode()
    held = as_user(reviewer).post(f"{page}review/anew/")["Location"]
    assert "/review/" in held
    as_user(reviewer).post(f"{held}approve/", {"revision": pair.current_id})
    assert found(task, below_edition=edition_asked(task.pk)) == []
    pair.refresh_from_db()
    assert pair.state == "approved"
    review_ask_again(actor=expert, pair=pair)
    review_decide(
        actor=reviewer, pair=pair, revision_id=pair.current_id or 0, decision=Decision.RETURN, reason="No longer true."
    )
    asked = api_client(expert).post(f"/api/v1/pairs/{pair.pk}/review/anew/")
    assert (asked.status_code, asked.json()["detail"][:35]) == (400, "Only an approved text is reviewed a")


@pytest.mark.parametrize(
    "query",
    [
        "?author=9999999", "?batch=99999999999999999999", "?since=x&metadata==", "?metadata=a=", "?state=nonsense",
        "?author=x", "?batch=x'", "?before=abc&task=nix", "?finding=nix", "?q=%00", f"?counted={'9' * 30}",
        "?metadata=zip=01067", "?metadata=a=٣", f"?metadata=a={'9' * 390}",
    ],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_breaks_nothing(task: Task, expert: User, as_user: AsUser, query: str) -> None:
    assert as_user(expert).get(f"/p/{task.project.slug}/pairs/{query}").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_file_goes_through_the_pages_of_an_import(
    task: Task, owner: User, expert: User, as_user: AsUser, settings: Any, tmp_path: Any
) -> None:
    settings.UPLOADS = tmp_path
    base = f"/p/{task.project.slug}"
    text = "ask,tell,kind\nWhat?,That.,=cmd()\n,empty,x\nWho?,=HYPERLINK(1),y\n"
    upload = SimpleUploadedFile("p.csv", text.encode(), content_type="text/csv")
    client = as_user(expert)
    page = client.post(f"{base}/tasks/{task.slug}/import/", {"file": upload}, follow=True)
    address = page.redirect_chain[-1][0]
    assert b"None of the first rows fits" in page.content
    assert b"Approve these rows" not in page.content
    answer = client.post(f"{address}start/", {"column_instruction": "ask"})
    assert answer.status_code == 400
    assert b"Choose the column that holds the response." in answer.content
    chosen = {"column_instruction": "ask", "column_response": "tell", "column_topic": "kind", "source": "me"}
    preview = client.post(f"{address}start/", {**chosen, "preview": "1"})
    assert b"2 of the first 3 rows fit" in preview.content
    assert not Pair.objects.exists()
    assert client.post(f"{address}start/", {**chosen, "approve": "on"}).status_code == 302
    run_jobs()
    assert set(Pair.objects.values_list("state", flat=True)) == {"submitted"}
    done = client.get(address).content.decode()
    assert "The instruction is empty." in done
    csv = b"".join(client.get(f"{address}problems.csv").streaming_content).decode("utf-8-sig")
    assert csv.splitlines()[1].startswith("3,ask,The instruction is empty.,")


def test_a_cell_that_a_spreadsheet_would_run_is_made_plain() -> None:
    from curation.views.imports import unformula

    assert [unformula(text) for text in ("=1+1", "+1", "-1", "@x", "\tx", "plain")] == [
        "'=1+1", "'+1", "'-1", "'@x", "'\tx", "plain",
    ]  # fmt: skip


def test_an_export_is_a_file_to_save_with_the_version_it_is_of(
    task: Task, expert: User, reviewer: User, owner: User, stranger: User, as_user: AsUser
) -> None:
    from curation.models import DatasetVersion

    pair = write(task, expert, "Question")
    review_decide(actor=reviewer, pair=pair, revision_id=pair.current_id or 0, decision=Decision.APPROVE)
    version = version_build(version_freeze(actor=owner, task=task), lambda *_: None, lambda: None)
    path = f"/p/{task.project.slug}/versions/{version.pk}/export/?shape=apprentice"
    first, second = (as_user(expert).get(path) for _ in range(2))
    assert first["Content-Disposition"] == 'attachment; filename="advise-v1-apprentice.jsonl"'
    assert first["X-Dataset-Version"] == version.sha256 == DatasetVersion.objects.get().sha256
    assert b"".join(first.streaming_content) == b"".join(second.streaming_content)
    assert as_user(stranger).get(path).status_code == 404
    assert as_user(expert).get(path.replace("apprentice", "nix")).status_code == 404
    assert as_user(expert).get(f"{path}&part=nix").status_code == 404
    page = as_user(expert).get(f"/p/{task.project.slug}/versions/{version.pk}/")
    assert page.status_code == 200
    assert as_user(expert).post(f"/p/{task.project.slug}/versions/{version.pk}/verify/").status_code == 403


def test_more_like_this_goes_by_meaning_and_leaves_the_trash_out(
    task: Task, expert: User, as_user: AsUser, api_as: Any
) -> None:
    mine, near, far, gone = (write(task, expert, name) for name in ("mine", "near", "far", "gone"))
    path = f"/p/{task.project.slug}/pairs/{mine.pk}/alike/"
    assert "Not read for its meaning yet" in as_user(expert).get(path).content.decode()
    assert api_as(expert).get(f"/api/v1/pairs/{mine.pk}/alike/").status_code == 400
    for pair, angle in ((mine, 1.0), (near, 0.9), (far, 0.0), (gone, 1.0)):
        vector = [angle, (1 - angle**2) ** 0.5, *[0.0] * 382]
        Embedding.objects.create(pair=pair, task=task, revision_id=pair.current_id or 0, vector=vector)
    pair_trash(actor=expert, pair=gone)
    rows = api_as(expert).get(f"/api/v1/pairs/{mine.pk}/alike/").json()
    assert [(row["instruction"], round(row["similarity"], 4)) for row in rows] == [("near", 0.9), ("far", 0.0)]
    page = as_user(expert).get(path).content.decode()
    assert re.search(r">90\s%<", page)
    assert "gone" not in page
