"""What the examination of the pairs allows: a block is lifted by leaving pairs out; pairs go back to the experts."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.choices import WorkKind, WorkState
from core.denied import ApplicationError
from core.models import Event, Project, User, WorkItem
from curation.choices import Part
from curation.models import DatasetVersion, Revision, Task
from tests.training_world import version_make
from tests.world import api_client
from training.models import Run
from training.selectors.gate import launch_refusals
from training.services.directories import run_write
from training.services.exclusions import pairs_send_back, run_exclude
from training.services.launch import run_launch

pytestmark = pytest.mark.django_db(transaction=True)
AsUser = Callable[[User], Client]
Prepare = Callable[..., Run]


@pytest.fixture
def leaky(advice: Task, owner: User) -> DatasetVersion:
    """Six pairs to train on, of which the first stands in the test part as well."""
    version = version_make(advice, owner, [Part.TRAIN] * 6 + [Part.DEVELOP] * 2 + [Part.TEST] * 2, "It is {n}.")
    rows = list(version.rows.order_by("ordinal").select_related("revision"))
    Revision.objects.filter(pk=rows[-1].revision_id).update(instruction=rows[0].revision.instruction)
    return version


def url(name: str, project: Project, *args: object) -> str:
    return reverse(f"training:{name}", args=[project.slug, *args])


@pytest.mark.slow
def test_a_block_is_lifted_by_leaving_the_trained_pairs_out_and_the_recipe_says_so(
    as_user: AsUser, owner: User, project: Project, prepare: Prepare, leaky: DatasetVersion
) -> None:
    run = prepare(of=leaky)
    client = as_user(owner)
    code = "shared_across_parts"
    assert next(denied.cure for denied in launch_refusals(run)).startswith("Leave the trained ones out")
    rows = client.get(url("run-check-rows", project, run.pk, code)).content.decode()
    assert "Leave 1 pair out of this run" in rows
    assert "2 of 2 shown" in rows
    assert ("None" in rows, "Train" in rows) == (False, True)
    client.post(url("run-exclude", project, run.pk, code))
    run = Run.objects.get(pk=run.pk)
    first = str(leaky.rows.order_by("ordinal")[0].revision.pair_id)
    assert run.excluded == {code: [first]}
    assert launch_refusals(run) == []
    checked = client.get(url("run-check", project, run.pk)).content.decode()
    assert "1 pair at fault is left out" in checked
    assert ("Left out by hand" in checked, "No launch" in checked) == (True, False)
    assert re.search(r"Pairs to learn from</span>\s*<span class=\"stat-value\">5<", checked)
    folder = run_write(run_launch(actor=owner, run=run)).path
    assert json.loads((folder / "spec.json").read_text())["data"]["excluded"] == [first]
    written = [json.loads(line) for line in (folder / "pairs.jsonl").read_text().splitlines()]
    assert [row["part"] for row in written].count("train") == 5
    assert first not in {row["id"] for row in written}


def test_taking_them_in_again_brings_the_block_back(owner: User, prepare: Prepare, leaky: DatasetVersion) -> None:
    run = run_exclude(actor=owner, run=prepare(of=leaky), code="shared_across_parts")
    run = run_exclude(actor=owner, run=run, code="shared_across_parts", exclude=False)
    assert run.excluded == {}
    with pytest.raises(ApplicationError, match="same question"):
        run_launch(actor=owner, run=run)


def test_what_only_leaves_pairs_out_or_warns_cannot_be_lifted(owner: User, prepare: Prepare) -> None:
    with pytest.raises(ApplicationError, match="No pair of this run"):
        run_exclude(actor=owner, run=prepare(max_tokens=40), code="too_long")


def test_pairs_with_a_problem_go_to_the_experts_once_with_what_is_wrong(
    as_user: AsUser, owner: User, project: Project, prepare: Prepare, freeze: Callable[..., DatasetVersion]
) -> None:
    run = prepare(of=freeze(train=3, develop=0, test=0, response="word " * 80), max_tokens=60)
    client = as_user(owner)
    for _ in range(2):
        answer = client.post(url("run-send-back", project, run.pk, "too_long"), follow=True)
        assert "3 pairs are with the experts" in answer.content.decode()
    items = WorkItem.objects.filter(kind=WorkKind.CORRECT, state=WorkState.OPEN)
    assert items.count() == 3
    note = items[0].note
    assert "longer than the limit" in note
    assert "tokens too many" in note
    assert Event.objects.filter(action="run.pairs_sent").count() == 2


def test_sending_nothing_is_refused(owner: User, prepare: Prepare) -> None:
    with pytest.raises(ApplicationError, match="No pair of this run"):
        pairs_send_back(actor=owner, run=prepare(), code="too_long")


def test_the_api_does_the_same(owner: User, viewer: User, prepare: Prepare, leaky: DatasetVersion) -> None:
    run = prepare(of=leaky)
    asked: dict[str, Any] = {"code": "shared_across_parts"}
    assert api_client(viewer).post(f"/api/v1/runs/{run.pk}/exclude/", asked, format="json").status_code == 403
    mine = api_client(owner)
    found = mine.post(f"/api/v1/runs/{run.pk}/exclude/", asked, format="json").json()
    assert found["refusals"] == []
    assert len(found["excluded"]["shared_across_parts"]) == 1
    sent = mine.post(f"/api/v1/runs/{run.pk}/send-back/", asked, format="json").json()
    assert sent == {"pairs": 2}
    wrong = mine.post(f"/api/v1/runs/{run.pk}/exclude/", {"code": "too_long"}, format="json")
    assert wrong.status_code == 400
