"""The list of pairs: filters, words, pages by position, and a number of queries that does not grow with the rows."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core.models import Project, User
from curation.choices import Decision
from curation.fingerprints import Texts
from curation.models import Pair, Task
from curation.selectors.pairs import pairs_filtered, pairs_of, search_query
from curation.services.pairs import pair_submit, pair_trash
from curation.services.reviews import review_decide
from curation.services.tasks import task_create
from tests.world import run_jobs

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


def write(task: Task, user: User, instruction: str, response: str = "An answer.", topic: str = "") -> Pair:
    return pair_submit(actor=user, task=task, texts=Texts(instruction=instruction, response=response, topic=topic))


def found(task: Task, **query: Any) -> list[str]:
    rows = pairs_filtered(pairs_of(task), query).order_by("pk")
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
    ],
)
def test_words_are_found_by_their_beginnings_and_signs_are_no_commands(
    task: Task, expert: User, words: str, expected: list[str]
) -> None:
    write(task, expert, "The building permit")
    write(task, expert, "Räksmörgås & co")
    assert found(task, q=words) == expected


def test_no_words_are_no_query() -> None:
    assert search_query(" .,; ") is None


def test_pages_go_by_position_and_cost_the_same_number_of_queries(
    task: Task, expert: User, as_user: AsUser, django_assert_max_num_queries: Any
) -> None:
    for number in range(60):
        write(task, expert, f"Question {number}")
    client = as_user(expert)
    path = f"/p/{task.project.slug}/pairs/"
    with django_assert_max_num_queries(17):
        first = client.get(path).content.decode()
    assert first.count('class="row-link') == 50
    assert "Question 59" in first
    assert "Question 9<" not in first
    older = client.get(f"{path}?task={task.slug}&before={Pair.objects.order_by('-pk')[49].pk}").content.decode()
    assert older.count('class="row-link') == 10


@pytest.mark.parametrize(
    "query", ["?state=nonsense", "?author=x", "?batch=x'", "?before=abc&task=nix", "?finding=nix", "?q=%00"]
)
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
    from curation.services.building import version_build
    from curation.services.versions import version_freeze

    pair = write(task, expert, "Question")
    review_decide(actor=reviewer, pair=pair, revision_id=pair.current_id or 0, decision=Decision.APPROVE)
    version = version_build(version_freeze(actor=owner, task=task), lambda *_: None, lambda: None)
    path = f"/p/{task.project.slug}/versions/{version.pk}/export/apprentice.jsonl"
    first, second = (as_user(expert).get(path) for _ in range(2))
    assert first["Content-Disposition"] == 'attachment; filename="advise-v1-apprentice.jsonl"'
    assert first["X-Dataset-Version"] == version.sha256 == DatasetVersion.objects.get().sha256
    assert b"".join(first.streaming_content) == b"".join(second.streaming_content)
    assert as_user(stranger).get(path).status_code == 404
    assert as_user(expert).get(path.replace("apprentice", "nix")).status_code == 404
    assert as_user(expert).get(f"{path}?part=nix").status_code == 404
    page = as_user(expert).get(f"/p/{task.project.slug}/versions/{version.pk}/")
    assert page.status_code == 200
    assert as_user(expert).post(f"/p/{task.project.slug}/versions/{version.pk}/verify/").status_code == 403
