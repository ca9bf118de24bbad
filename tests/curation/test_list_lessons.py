"""What users of other labeling tools lost, as tests: counts that disagree, exports that surprise, slow counts."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.models import Project, User
from curation.choices import Decision
from curation.fingerprints import Texts
from curation.models import Pair, Revision, Task
from curation.selectors.pair_filters import pairs_filtered
from curation.services.building import version_build
from curation.services.pairs import pair_submit
from curation.services.reviews import review_decide
from curation.services.tasks import guideline_save, task_create, task_update
from curation.services.versions import version_freeze

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
WIDE = ("metadata", "search", "instruction", "response", "turns")  # columns that hold texts or JSON


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


@pytest.fixture
def pairs(task: Task, expert: User, reviewer: User) -> list[Pair]:
    """Nine approved pairs and two that wait."""
    made = [
        pair_submit(
            actor=expert, task=task, texts=Texts(instruction=f"What is number {n}?", response=f"It is {n * 7}.")
        )
        for n in range(11)
    ]
    for pair in made[:9]:
        review_decide(actor=reviewer, pair=pair, revision_id=pair.current_id or 0, decision=Decision.APPROVE)
    return made


def test_export_equals_ui_counts(task: Task, pairs: list[Pair], owner: User, as_user: AsUser, api_as: Any) -> None:
    """The page, the list, the API and the file say the same number, whole and for each part."""
    version = version_build(version_freeze(actor=owner, task=task), lambda *_: None, lambda: None)
    base = f"/p/{task.project.slug}/versions/{version.pk}/export/?shape=apprentice"
    for part in ("", "train", "develop", "test"):
        lines = b"".join(as_user(owner).get(f"{base}&part={part}" if part else base).streaming_content).splitlines()
        shown = version.counts["parts"][part] if part else version.counts["pairs"]
        asked = f"/api/v1/pairs/?task={task.pk}&version={version.pk}{f'&part={part}' if part else ''}"
        listed = {str(row["id"]) for row in api_as(owner).get(asked).json()["results"]}
        assert len(lines) == shown == len(listed)
        assert {json.loads(line)["id"] for line in lines} == listed
        assert pairs_filtered(task, {"version": version.pk, "part": part}).count() == shown


@pytest.mark.parametrize(
    "page", ["", "pairs/", "pairs/?state=approved&q=number", "tasks/", "review/", "versions/", "people/"]
)
def test_count_queries_never_touch_the_wide_columns(
    task: Task, pairs: list[Pair], owner: User, as_user: AsUser, page: str
) -> None:
    client = as_user(owner)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(f"/p/{task.project.slug}/{page}").status_code == 200
    counts = [query["sql"] for query in seen.captured_queries if "COUNT(" in query["sql"].upper()]
    selected = [sql.upper().split(" WHERE ")[0] for sql in counts]
    assert [sql for sql in selected if any(f'"{column.upper()}"' in sql for column in WIDE)] == []
    assert not any(" OFFSET " in query["sql"].upper() for query in seen.captured_queries)


def test_changing_the_task_or_its_guidelines_deletes_no_answer(task: Task, pairs: list[Pair], owner: User) -> None:
    before = list(Revision.objects.order_by("pk").values_list("pk", "response"))
    task_update(actor=owner, task=task, kind="extraction", language="sv", system_prompt="Other.", max_tokens=16)
    guideline_save(actor=owner, task=task, text="All new.", number=0, reflags=True)
    assert list(Revision.objects.order_by("pk").values_list("pk", "response")) == before
    assert pairs_filtered(task, {}).count() == 11


def test_a_list_that_shrinks_while_it_is_read_skips_nothing(
    task: Task, pairs: list[Pair], api_as: Any, owner: User
) -> None:
    """Pages by number lose as many rows as left the filter meanwhile; pages by position do not."""
    api = api_as(owner)
    first = api.get(f"/api/v1/pairs/?task={task.pk}&state=approved&page_size=4").json()
    Pair.objects.filter(pk__in=[row["id"] for row in first["results"]]).update(state="returned")
    second = api.get(first["next"]).json()
    seen = [row["id"] for row in (*first["results"], *second["results"])]
    assert seen == sorted((pair.pk for pair in pairs[1:9]), reverse=True)


def test_unconfirmed_items_are_warned_of_before_a_version_is_made(
    task: Task, pairs: list[Pair], owner: User, as_user: AsUser
) -> None:
    page = as_user(owner).get(f"/p/{task.project.slug}/tasks/{task.slug}/freeze/").content.decode()
    assert "2 pairs are not approved and not in it." in page
    assert "since the guidelines changed" not in page


def test_a_freeze_says_how_many_of_its_pairs_nobody_looked_at_since_the_guidelines_changed(
    task: Task, pairs: list[Pair], owner: User, as_user: AsUser
) -> None:
    guideline_save(actor=owner, task=task, text="Be kind.", number=0, reflags=True)
    held = Pair.objects.filter(task=task, state="approved").count()
    page = as_user(owner).get(f"/p/{task.project.slug}/tasks/{task.slug}/freeze/").content.decode()
    assert f"{held} pairs were not looked at since the guidelines changed." in page
    assert "state=approved&amp;edition=older" in page


def test_line_ends_are_kept_through_edit_save_and_export(
    task: Task, expert: User, reviewer: User, owner: User, as_user: AsUser, api_as: Any
) -> None:
    """Typed in the editor's form, kept as a draft, corrected by a program, approved, frozen, exported."""
    typed, kept = "\r\n One\r\n\r\n\tTwo \r\n", "\n One\n\n\tTwo \n"
    root = f"/p/{task.project.slug}/tasks/{task.slug}"
    fields = {"instruction": typed, "response": typed, "language": "en"}
    client = as_user(expert)
    draft = {"version": 0, "fields": fields}
    assert client.post(f"{root}/drafts/k1/", draft, content_type="application/json").status_code == 200
    client.post(f"{root}/write/", {**fields, "key": "k1"})
    pair = Pair.objects.get()
    address = f"/api/v1/pairs/{pair.pk}/revisions/"
    made = api_as(expert).post(address, {"version": 1, "response": f"{kept}3.\r\n"}, format="json").json()
    assert made["current"]["instruction"] == kept
    review_decide(actor=reviewer, pair=pair, revision_id=made["current"]["id"], decision=Decision.APPROVE)
    version = version_build(version_freeze(actor=owner, task=task), lambda *_: None, lambda: None)
    base = f"/p/{task.project.slug}/versions/{version.pk}/export/?shape=apprentice"
    [line] = b"".join(as_user(owner).get(base).streaming_content).splitlines()
    row = json.loads(line)
    assert (row["instruction"], row["response"]) == (kept, f"{kept}3.\n")
