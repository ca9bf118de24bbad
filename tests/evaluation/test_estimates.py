"""How long an evaluation will take: foretold from measured speed, and followed as a whole."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from core.choices import JobState
from core.models import Job, Project, User
from curation.models import Suite
from evaluation.choices import EvaluationState
from evaluation.models import Candidate, Evaluation, Output
from evaluation.selectors.amounts import amounts_of, points_off
from evaluation.selectors.estimates import START, answer_limit, estimate_of, suite_size
from evaluation.selectors.evaluations import candidates_of
from evaluation.selectors.progress import whole_of
from evaluation.services.evaluations import evaluation_create
from training.models import BaseModel, ModelVersion

AsUser = Callable[[User], Client]
pytestmark = pytest.mark.django_db


@pytest.fixture
def measured(plain_base: BaseModel) -> BaseModel:
    """A base that was found to read 400 tokens a second, and to take 0.1 s a step, when it was registered."""
    plain_base.report = {"speed": {"step": 0.1, "reading": 400.0, "device": "CPU"}}
    plain_base.save()
    return plain_base


def test_without_a_measurement_nothing_is_foretold(
    advice_suite: Suite, plain_base: BaseModel, taught_model: ModelVersion
) -> None:
    assert estimate_of(advice_suite, [plain_base, taught_model], answers=5, max_new_tokens=40) is None


def test_the_speed_at_registration_foretells_the_first_evaluation(
    advice_suite: Suite, measured: BaseModel, taught_model: ModelVersion
) -> None:
    size = suite_size(advice_suite)
    found = estimate_of(advice_suite, [measured, taught_model], answers=5, max_new_tokens=200)
    assert found is not None
    assert found.source == "registered"
    reading = size.items * size.item_tokens / 400
    base, taught = found.parts
    assert base == pytest.approx(START + reading + 200 * 0.1, abs=0.1), "it may never stop by itself"
    assert taught == pytest.approx(START + reading + size.longest_answer * 0.1, abs=0.1)
    assert found.low == pytest.approx(found.seconds / 2, abs=0.1)
    assert found.high > 2 * base
    assert found.text.startswith("about ")


def test_an_earlier_evaluation_is_believed_more(
    evaluated: Evaluation, advice_suite: Suite, measured: BaseModel, taught_model: ModelVersion, owner: User
) -> None:
    speed = {"steps": 100, "answering_seconds": 2.0, "read_tokens": 1000, "reading_seconds": 4.0}
    job = Job.objects.create(kind="evaluate", state=JobState.DONE, result=speed)
    Candidate.objects.filter(evaluation=evaluated, ordinal=1).update(job=job)
    found = estimate_of(advice_suite, [measured, taught_model], answers=4, max_new_tokens=200)
    assert found is not None
    assert found.source == "earlier"
    size = suite_size(advice_suite)
    expected = START + size.items * size.item_tokens / 250 + 5 / 50  # its answers had five tokens
    assert found.parts == (pytest.approx(expected, abs=0.1), pytest.approx(expected, abs=0.1))


def test_an_answer_may_be_a_quarter_longer_than_the_longest_reference(
    advice_suite: Suite, measured: BaseModel, taught_model: ModelVersion, project: Project, owner: User
) -> None:
    size = suite_size(advice_suite)
    limit = answer_limit(size)
    assert limit >= 32
    assert limit % 8 == 0
    models = [measured, taught_model]
    evaluation = evaluation_create(actor=owner, project=project, suite=advice_suite, models=models)
    assert evaluation.settings == {"answers": 30, "max_new_tokens": limit, "batch_size": 32, "seed": 0}
    assert evaluation.estimate["seconds"] == pytest.approx(sum(evaluation.estimate["parts"]), abs=0.1)


def test_a_suite_offers_no_amount_that_it_does_not_have(
    advice_suite: Suite, measured: BaseModel, taught_model: ModelVersion
) -> None:
    models = [measured, taught_model]
    assert [amount.key for amount in amounts_of(advice_suite, models)] == ["all"]
    advice_suite.size = 101
    assert [amount.key for amount in amounts_of(advice_suite, models)] == ["look", "all"]
    advice_suite.size = 126
    offered = amounts_of(advice_suite, models)
    assert [(amount.key, amount.items) for amount in offered] == [("look", 30), ("closer", 100), ("all", 126)]
    assert "right to within 17 percentage points" in offered[0].text
    assert [points_off(number) for number in (30, 100, 1000)] == [17, 10, 3]


def test_the_form_tells_the_time_of_each_amount_and_the_page_that_of_the_whole(
    project: Project, owner: User, as_user: AsUser, measured: BaseModel, taught_model: ModelVersion
) -> None:
    client = as_user(owner)
    page = client.get(f"/p/{project.slug}/evaluations/new/?model=x&suite=99999&against=base-y&amount=look")
    assert "Takes about" in page.content.decode()
    answer = client.post(
        f"/p/{project.slug}/evaluations/new/", {"model": taught_model.pk, "amount": "all", "batch_size": 32}
    )
    evaluation = Evaluation.objects.get()
    assert evaluation.settings["answers"] == 0
    text = client.get(answer["Location"]).content.decode()
    assert "Model 1 of 2" in text
    assert "Expected to take about" in text
    found = client.get(f"/api/v1/evaluations/{evaluation.pk}/").json()
    assert found["estimate"] == evaluation.estimate
    assert found["progress"] == {"share": 0.0, "eta_seconds": round(evaluation.estimate["seconds"])}


def test_the_whole_has_one_share_and_one_time_left(
    advice_suite: Suite, measured: BaseModel, taught_model: ModelVersion, project: Project, owner: User
) -> None:
    models = [measured, taught_model]
    evaluation = evaluation_create(actor=owner, project=project, suite=advice_suite, models=models)
    evaluation.estimate = {"seconds": 100, "parts": [60, 40]}
    now = timezone.now()
    first = candidates_of(evaluation)[0]
    Candidate.objects.filter(pk=first.pk).update(state=EvaluationState.RUNNING)
    Job.objects.filter(pk=first.job_id).update(state=JobState.RUNNING, started_at=now - timedelta(seconds=15))
    whole = whole_of(evaluation, candidates_of(evaluation))
    assert whole is not None
    assert (whole.share, whole.eta_seconds, whole.turn) == (0.0, 85, 1)

    # Half of the first is done, at a rate that makes it take twice what was foretold: so will the second.
    Job.objects.filter(pk=first.job_id).update(
        started_at=timezone.now() - timedelta(seconds=60), progress_done=60, progress_total=120, result={"rate": 1.0}
    )
    whole = whole_of(evaluation, candidates_of(evaluation))
    assert whole is not None
    assert (whole.share, whole.eta_seconds) == (0.25, 60 + 80)

    Candidate.objects.filter(pk=first.pk).update(state=EvaluationState.DONE)
    Job.objects.filter(pk=first.job_id).update(
        state=JobState.DONE, started_at=now - timedelta(seconds=90), ended_at=now
    )
    whole = whole_of(evaluation, candidates_of(evaluation))
    assert whole is not None
    assert (whole.share, whole.eta_seconds, whole.turn) == (0.5, 60, 2)
    evaluation.state = EvaluationState.DONE
    assert whole_of(evaluation, candidates_of(evaluation)) is None


def test_a_model_that_never_answered_here_has_no_time_left_before_its_first_answers(
    advice_suite: Suite, plain_base: BaseModel, taught_model: ModelVersion, project: Project, owner: User
) -> None:
    models = [plain_base, taught_model]
    evaluation = evaluation_create(actor=owner, project=project, suite=advice_suite, models=models)
    assert evaluation.estimate == {}
    whole = whole_of(evaluation, candidates_of(evaluation))
    assert whole is not None
    assert whole.eta_seconds is None
    assert Output.objects.count() == 0
