"""Health: what is counted, in words, with the way to the rows; holes become work; meanings are embedded once."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from core.charts import Linked
from core.denied import ApplicationError
from core.model_server import ModelServerDown
from core.models import Job, Project, User, WorkItem
from curation.choices import Origin, PairState
from curation.fingerprints import Texts
from curation.models import Embedding, Pair, Question, Review, Revision, Task
from curation.selectors.health import health_of, projection_of, report_of
from curation.services import embedding
from curation.services.embedding import embeddings_update
from curation.services.gaps import gap_ask
from curation.services.health import health_count, telling_words
from curation.services.stock import stock_take
from curation.services.tasks import task_create
from tests.world import run_jobs

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
ApiAs = Callable[..., APIClient]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise", target_pairs=100)


def approved(task: Task, topic: str, *, tokens: int = 30, origin: str = Origin.HUMAN, response: str = "Yes.") -> Pair:
    number = Pair.objects.count()
    texts = Texts(instruction=f"What about {topic} {number}?", response=response, topic=topic)
    pair = Pair.objects.create(
        project=task.project,
        task=task,
        state=PairState.APPROVED,
        found=[],
        topic=topic,
        tokens=tokens,
        origin=origin,
        language=texts.language,
    )
    revision = Revision.objects.create(
        pair=pair, number=1, fingerprint=texts.fingerprint, tokens=tokens, origin=origin, **texts.to_json()
    )
    Pair.objects.filter(pk=pair.pk).update(current=revision, approved=revision)
    return pair


def listed(client: Client, url: str) -> int:
    """How many pairs the list behind a number shows."""
    return client.get(url).content.decode().count('<th scope="row"')


def test_the_numbers_are_those_of_the_approved_pairs(task: Task, owner: User, as_user: AsUser) -> None:
    for _ in range(4):
        approved(task, "roofs")
    approved(task, "roofs", tokens=500, response="She and he asked in Sweden, said Anna Berg.")
    mistaken = approved(task, "walls", tokens=120, origin=Origin.GENERATED, response="He went to Kenya.")
    Pair.objects.filter(pk=mistaken.pk).update(found=["misspelling"])
    Pair.objects.filter(pk=approved(task, "doors").pk).update(state=PairState.SUBMITTED, approved=None)
    health = health_of(task, health_count(task))
    assert (health.report.data["pairs"], health.report.data["topics"]) == (6, 2)
    assert [(row.topic, row.count, [cell.count for cell in row.cells]) for row in health.topics] == [
        ("roofs", 5, [0, 4, 0, 0, 0, 1]), ("walls", 1, [0, 0, 0, 1, 0, 0]),
    ]  # fmt: skip
    assert [row.is_thin for row in health.topics] == [False, True]
    assert [(row.label, row.count) for row in health.findings] == [("Misspelling", 1)]
    assert (health.real.count, health.real.share) == (5, pytest.approx(5 / 6))
    assert {row.label: row.count for row in health.genders} == {
        "Women only": 0, "Men only": 1, "Women and men": 1, "Nobody": 4,
    }  # fmt: skip
    assert {row.label for row in health.regions if row.count} == {"Europe", "Africa"}
    assert next(row for row in health.regions if not row.count).is_hole
    assert [row.label for row in health.names] == ["Anna Berg"]
    client = as_user(owner)
    assert listed(client, health.findings[0].url) == 1
    assert listed(client, health.topics[0].cells[1].url) == 4
    assert listed(client, health.topics[0].cells[5].url) == 1
    assert listed(client, next(row.url for row in health.origins if row.label == "Generated")) == 1
    for row in (*health.genders, *health.regions, *health.names, health.alike, health.real):
        assert listed(client, row.url) == row.count, row.label
    numbers = [*health.findings, *health.languages, *health.origins, *health.topics]
    numbers += [cell for topic in health.topics for cell in topic.cells if cell.count]
    for number in numbers:
        assert listed(client, number.url) == number.count, number
    nobody = f"{health.regions[0].url}x"
    assert listed(client, nobody) == 0
    page = client.get(f"/p/{task.project.slug}/tasks/{task.slug}/health/").content.decode()
    assert "ask for five that speak of" in page
    assert re.findall(r'<td class="num"[^>]*>[1-9][\d,.]*</td>', page) == [], (
        "no number of pairs stands without its link"
    )
    answer = client.post(f"/p/{task.project.slug}/tasks/{task.slug}/health/gap/", {"about": "Asia", "count": "5"})
    assert answer.status_code == 302
    assert Question.objects.filter(instruction__contains="whose texts speak of Asia").count() == 5


def test_a_hole_is_a_length_that_others_have_and_this_topic_has_not(task: Task) -> None:
    for _ in range(9):
        approved(task, "roofs", tokens=30)
    approved(task, "walls", tokens=120)
    approved(task, "walls", tokens=900)
    rows = {row.topic: row for row in health_of(task, health_count(task)).topics}
    assert [cell.is_hole for cell in rows["walls"].cells] == [False, True, False, False, False, False]
    assert [cell.is_hole for cell in rows["roofs"].cells] == [False] * 6, "one pair in eleven makes no usual length"


def test_an_empty_task_counts_nothing_and_shows_it(task: Task, owner: User, as_user: AsUser) -> None:
    path = f"/p/{task.project.slug}/tasks/{task.slug}/health/"
    assert b"Not counted yet" in as_user(owner).get(path).content
    health_count(task)
    assert b"Not counted yet" not in as_user(owner).get(path).content


def test_the_page_takes_no_more_queries_for_more_pairs(
    task: Task, owner: User, as_user: AsUser, django_assert_num_queries: Any
) -> None:
    client = as_user(owner)
    path = f"/p/{task.project.slug}/tasks/{task.slug}/health/"
    for topic in range(30):
        approved(task, f"topic {topic}")
    health_count(task)
    client.get(path)
    with django_assert_num_queries(12):
        assert client.get(path).status_code == 200


def test_what_takes_long_is_not_counted_again_at_each_submit(task: Task) -> None:
    approved(task, "roofs")
    assert stock_take(task, lambda *_: None, whole=False) == {"links": 0, "learned": []}
    approved(task, "roofs")
    assert stock_take(task, lambda *_: None, whole=False) == {"links": 0}
    assert report_of(task).data["pairs"] == 1  # type: ignore[union-attr]
    stock_take(task, lambda *_: None, whole=True)
    assert report_of(task).data["pairs"] == 2  # type: ignore[union-attr]


# --- amount -----------------------------------------------------------------------------------------------------------


def test_only_people_s_approvals_are_pace_and_each_week_leads_to_its_pairs(
    task: Task, owner: User, as_user: AsUser
) -> None:
    for days, basis in ((1, "second_person"), (10, "second_person"), (10, "import"), (200, "second_person")):
        pair = approved(task, "roofs", origin=Origin.IMPORTED)
        review = Review.objects.create(
            revision=Revision.objects.get(pair=pair), reviewer=owner, decision="approve", basis=basis, fingerprint="x"
        )
        Review.objects.filter(pk=review.pk).update(created_at=timezone.now() - timedelta(days=days))
    health = health_of(task, health_count(task))
    assert health.report.data["weeks"] == [0] * 10 + [1, 1]
    assert health.pace is not None
    assert health.pace.svg.count("<a href=") == 2, "weeks without an approval lead nowhere"
    assert [str(cell) for _week, cell in health.pace.rows] == ["0"] * 10 + ["1", "1"]
    last = health.pace.rows[-1][1]
    assert isinstance(last, Linked)
    assert listed(as_user(owner), last.url) == 1


@pytest.mark.parametrize(
    ("weeks", "approved_now", "sentence"),
    [
        ([0] * 12, 100, "The target is reached."),
        ([0] * 8 + [1, 2, 1, 3], 60, "40 to go. In the last 4 weeks people approved 7 pairs: too few to tell"),
        (
            [0] * 8 + [4, 4, 4, 4],
            84,
            "16 to go. At the pace of the last 4 weeks (16 approved) the target is reached about March 29, 2026; "
            "nineteen times in twenty such a pace means between March 20, 2026 and April 26, 2026.",
        ),
    ],
)
def test_the_date_comes_with_how_sure_it_is(weeks: list[int], approved_now: int, sentence: str) -> None:
    assert projection_of(weeks, approved_now, 100, NOW).startswith(sentence)


# --- holes become work ------------------------------------------------------------------------------------------------


def test_a_hole_becomes_work_for_writers_and_asked_again_more_of_it(
    task: Task, owner: User, expert: User, as_user: AsUser
) -> None:
    path = f"/p/{task.project.slug}/tasks/{task.slug}/health/gap/"
    body = {"topic": "roofs", "shortest": "50", "longest": "99", "count": "2"}
    assert as_user(expert).post(path, body).status_code == 403
    assert Question.objects.count() == 0
    for wanted in (2, 4):
        as_user(owner).post(path, body)
        assert Question.objects.filter(task=task, topic="roofs").count() == wanted
    assert Question.objects.order_by("pk")[2].instruction == (
        "Write a new question about “roofs” here; together 50 to 99 tokens. (3)"
    )
    assert WorkItem.objects.filter(kind="write", state="open").count() == 4
    begun = as_user(expert).post(f"/p/{task.project.slug}/work/next/", {"kind": "write"}, follow=True)
    assert "Write a new question about “roofs” here" in begun.content.decode(), "the writer begins from the wish"


@pytest.mark.parametrize("values", [{"count": 0}, {"count": 51}, {"shortest": 50, "longest": 50}])
def test_a_hole_that_makes_no_sense_is_refused(task: Task, owner: User, values: dict[str, int]) -> None:
    with pytest.raises(ApplicationError):
        gap_ask(actor=owner, task=task, topic="roofs", **values)
    assert Question.objects.count() == 0


# --- meanings ---------------------------------------------------------------------------------------------------------


def vectors_for(texts: list[str]) -> list[list[float]]:
    """Two directions of meaning, by the topic that the text names."""
    return [[1.0 if index == ("roofs" in text) else 0.001 * len(text) for index in range(384)] for text in texts]


def test_meanings_are_asked_for_once_and_again_only_where_a_text_changed(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def embed(texts: list[str]) -> list[list[float]]:
        asked.extend(texts)
        if len(asked) > 6:
            raise ModelServerDown("The model server does not answer.")
        return vectors_for(texts)

    monkeypatch.setattr(embedding, "embed", embed)
    monkeypatch.setattr(embedding, "BATCH", 3)
    pairs = [approved(task, topic) for topic in ("roofs", "walls") * 4]
    with pytest.raises(ModelServerDown, match="does not answer"):
        embeddings_update(task, lambda *_: None)
    assert Embedding.objects.count() == 6, "what was answered is kept"
    monkeypatch.setattr(embedding, "embed", vectors_for)
    assert embeddings_update(task, lambda *_: None) == 2
    assert embeddings_update(task, lambda *_: None) == 0
    Revision.objects.filter(pair=pairs[0]).update(number=9)
    newer = Revision.objects.create(pair=pairs[0], number=10, instruction="Anew", response="Yes", fingerprint="x")
    Pair.objects.filter(pk=pairs[0].pk).update(current=newer)
    assert embeddings_update(task, lambda *_: None) == 1
    row = Embedding.objects.get(pair=pairs[0])
    assert (row.revision_id, len(row.vector)) == (newer.pk, 384)


@pytest.mark.django_db(transaction=True)
def test_the_map_groups_what_is_alike_and_names_the_groups(
    task: Task, owner: User, as_user: AsUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "embed", vectors_for)
    for topic in ("roofs", "roofs", "walls") * 8:
        approved(task, topic)
    path = f"/p/{task.project.slug}/tasks/{task.slug}/health/"
    assert as_user(owner).post(f"{path}count/", {"map": "1"}).status_code == 302
    assert [job.kind for job in run_jobs()][:2] == ["embed-pairs", "stock"]
    report = report_of(task)
    assert report is not None
    assert [(one["size"], one["words"][0]) for one in report.data["map"]["clusters"]] == [(16, "roofs"), (8, "walls")]
    page = as_user(owner).get(path).content.decode()
    points = re.findall(rf'<a href="/p/{task.project.slug}/pairs/(\d+)/" tabindex="-1"><path', page)
    assert sorted(map(int, points)) == sorted(Pair.objects.values_list("pk", flat=True))
    assert "roofs" in page
    assert listed(as_user(owner), health_of(task, report).clusters[0]["url"]) == 16
    report.data["map"]["clusters"][1]["words"] = []  # of nothing but small words
    report.data["map"]["clusters"].append({"size": 0, "words": [], "pair": None})
    assert [one["name"] for one in health_of(task, report).clusters][1:] == ["Group 2"]


def test_a_group_is_named_by_words_that_tell_something() -> None:
    texts = [{"what", "which", "roofs"}, {"what", "which", "roofs"}, {"walls"}]
    assert telling_words(texts, np.array([True, True, False])) == ["roofs"]


def test_the_same_over_the_api(task: Task, expert: User, owner: User, api_as: ApiAs) -> None:
    approved(task, "roofs")
    path = f"/api/v1/tasks/{task.pk}/"
    assert api_as(expert).get(f"{path}health/").json()["counted_at"] is None
    assert api_as(expert).post(f"{path}health/").status_code == 202
    assert Job.objects.get(kind="stock").arguments == {"task": task.pk, "whole": True}
    health_count(task)
    body = api_as(expert).get(f"{path}health/").json()
    assert (body["numbers"]["pairs"], body["target"]) == (1, 100)
    assert api_as(expert).post(f"{path}gaps/", {"topic": "roofs"}, format="json").status_code == 403
    answer = api_as(owner).post(f"{path}gaps/", {"topic": "roofs", "count": 3}, format="json")
    assert (answer.status_code, answer.json()) == (201, {"asked": 3})
