"""What is refused before it starts, how time left is told, and which items are asked."""

import shutil
from types import SimpleNamespace
from typing import Any

import pytest

from core.denied import ApplicationError
from core.models import Job, Project, User
from core.services.projects import project_create
from curation.models import Suite, SuiteItem, VersionPair
from evaluation.choices import EvaluationState
from evaluation.jobs import TOKENS_A_REFERENCE, Follow
from evaluation.measures import LIMIT, LOSS, Measure
from evaluation.models import Candidate, Evaluation
from evaluation.selectors.results import decimal, signed
from evaluation.selectors.suites import in_order_of_asking, suite_for, taught_items
from evaluation.services.evaluations import NEEDED_BYTES, evaluation_create
from evaluation.services.states import candidate_move, joint_state
from tests.evaluation_world import make_evaluation
from training.choices import ModelState
from training.models import BaseModel, ModelVersion

pytestmark = pytest.mark.django_db


def refused(owner: User, project: Project, suite: Suite, models: list[Any], **settings: int) -> str:
    with pytest.raises(ApplicationError) as error:
        evaluation_create(actor=owner, project=project, suite=suite, models=models, **settings)
    assert (Evaluation.objects.count(), Candidate.objects.count(), Job.objects.count()) == (0, 0, 0)
    return str(error.value)


@pytest.mark.slow
def test_a_model_is_not_measured_on_what_it_was_taught(
    owner: User, project: Project, advice_suite: Suite, plain_base: BaseModel, taught_model: ModelVersion
) -> None:
    row = VersionPair.objects.filter(version=advice_suite.version, part="train").first()
    assert row is not None
    assert taught_items(advice_suite, taught_model) == 0
    SuiteItem.objects.create(suite=advice_suite, ordinal=999, revision=row.revision, fingerprint="0" * 64)
    text = refused(owner, project, advice_suite, [plain_base, taught_model])
    assert "was trained on 1 of this suite's items" in text
    assert "Choose the test suite of Advice v1" in text


def test_a_model_that_is_not_ready_or_whose_files_are_gone_is_refused_with_the_cure(
    owner: User, project: Project, advice_suite: Suite, plain_base: BaseModel, taught_model: ModelVersion
) -> None:
    BaseModel.objects.filter(pk=plain_base.pk).update(state=ModelState.CHECKING)
    plain_base.refresh_from_db()
    assert "is not ready: Being checked" in refused(owner, project, advice_suite, [plain_base])
    BaseModel.objects.filter(pk=plain_base.pk).update(state=ModelState.READY)
    ModelVersion.objects.filter(pk=taught_model.pk).update(folder="versions/gone")
    gone = ModelVersion.objects.get(pk=taught_model.pk)
    assert "missing in the model store (versions/gone)" in refused(owner, project, advice_suite, [gone])


def test_one_model_twice_none_at_all_or_too_many_are_refused(
    owner: User, project: Project, advice_suite: Suite, plain_base: BaseModel
) -> None:
    assert "compared with itself" in refused(owner, project, advice_suite, [plain_base, plain_base])
    assert "one to 6 models" in refused(owner, project, advice_suite, [])


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({"answers": -1}, "0 to"), ({"max_new_tokens": 0}, "1 to 8192"), ({"batch_size": 257}, "1 to 256")],
)
def test_numbers_out_of_range_are_refused(
    settings: dict[str, int], reason: str, owner: User, project: Project, advice_suite: Suite, plain_base: BaseModel
) -> None:
    assert reason in refused(owner, project, advice_suite, [plain_base], **settings)


def test_nothing_crosses_projects(
    owner: User, project: Project, advice_suite: Suite, plain_base: BaseModel, taught_model: ModelVersion
) -> None:
    other = project_create(actor=owner, name="Other")
    assert "another project" in refused(owner, other, advice_suite, [plain_base])
    Suite.objects.filter(pk=advice_suite.pk).update(project=other)
    advice_suite.refresh_from_db()
    assert "model belongs to another project" in refused(owner, other, advice_suite, [taught_model])


def test_a_suite_without_items_and_a_full_disk_are_refused(
    owner: User, project: Project, advice_suite: Suite, plain_base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=NEEDED_BYTES - 1))
    assert "Less than 100 MB of disk are free" in refused(owner, project, advice_suite, [plain_base])
    advice_suite.items.all().delete()
    assert "has no items" in refused(owner, project, advice_suite, [plain_base])


def test_asking_more_items_asks_the_same_ones_again() -> None:
    order = in_order_of_asking(list(range(100)), seed=3)
    assert sorted(order) == list(range(100))
    assert order == in_order_of_asking(list(range(99, -1, -1)), seed=3)
    assert order != in_order_of_asking(list(range(100)), seed=4)


def test_the_test_part_of_its_own_version_is_a_model_s_suite(taught_model: ModelVersion, advice_suite: Suite) -> None:
    assert suite_for(taught_model) == advice_suite


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        ({"queued"}, "queued"),
        ({"queued", "done"}, "running"),
        ({"failed", "running"}, "running"),
        ({"done", "failed", "cancelled"}, "failed"),
        ({"done", "cancelled"}, "cancelled"),
        ({"done"}, "done"),
    ],
)
def test_the_whole_is_as_far_as_its_parts(states: set[str], whole: str) -> None:
    assert joint_state(states) == whole


def test_a_candidate_goes_only_where_it_may(evaluated: Evaluation) -> None:
    candidate = evaluated.candidates.get(ordinal=0)
    assert not candidate_move(candidate=candidate, state=EvaluationState.FAILED, error="late")
    assert (candidate.state, candidate.error) == (EvaluationState.DONE, "")


def test_when_finetuning_did_harm_the_page_says_so(
    project: Project, advice_suite: Suite, plain_base: BaseModel, taught_model: ModelVersion, owner: User
) -> None:
    worse = make_evaluation(
        project, advice_suite, plain_base, taught_model, owner, loss=lambda ordinal, place: 2 + ordinal + place / 100
    )
    same = make_evaluation(
        project, advice_suite, plain_base, taught_model, owner, loss=lambda ordinal, place: 2 + ordinal * (-1) ** place
    )
    verdicts = [row.summary["measures"][0]["differences"][0]["verdict"] for row in (worse, same)]
    assert verdicts == ["worse", "undecided"]


class Told:
    """Stands where the job's context stands, and keeps what it is told."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, str, float | None]] = []

    def progress(self, done: int, total: int, message: str, *, rate: float | None) -> None:
        self.rows.append((done, total, message, rate))


def test_an_answer_weighs_more_than_a_score_in_the_time_that_is_left() -> None:
    told = Told()
    follow = Follow(told, answers=10, longest=3 * TOKENS_A_REFERENCE)  # type: ignore[arg-type]
    follow(1, {"type": "phase", "time": 0.0})
    follow(1, {"type": "progress", "time": 10.0, "done": 2, "total": 40})
    follow(1, {"type": "progress", "time": 20.0, "done": 2, "part": 2.5, "total": 40})
    follow(1, {"type": "progress", "time": 30.0, "done": 6, "total": 40})
    follow(1, {"type": "progress", "time": 60.0, "done": 20, "total": 40})
    assert told.rows == [
        (80, 700, "About 2 of 10 answers written, several at a time", None),
        (180, 700, "About 4 of 10 answers written, several at a time", 10.0),
        (240, 700, "About 6 of 10 answers written, several at a time", 8.0),
        (500, 700, "References scored: 20 of 40", 8.4),
    ]


def test_the_time_left_leans_on_what_was_foretold_until_enough_is_measured() -> None:
    told = Told()
    follow = Follow(told, answers=10, longest=3 * TOKENS_A_REFERENCE, expected=70.0)  # type: ignore[arg-type]
    follow(1, {"type": "progress", "time": 0.0, "done": 0, "total": 40})
    follow(1, {"type": "progress", "time": 2.0, "done": 0, "part": 0.025, "total": 40})
    follow(1, {"type": "progress", "time": 70.0, "done": 20, "total": 40})
    rates = [rate for *_, rate in told.rows]
    assert rates[0] == 10.0, "as foretold"
    assert 8.9 < rates[1] < 9.1, "a slow beginning alone does not multiply the time"
    assert rates[2] == pytest.approx((500 + 175) / (70 + 17.5))


@pytest.mark.parametrize(
    ("value", "text"), [(4.1191508, "4.12"), (0.99951, "1.000"), (25.26, "25.3"), (0.0004, "0.000"), (-0.53, "-0.530")]
)
def test_numbers_are_rounded_and_not_cut(value: float, text: str) -> None:
    assert decimal(value) == text


@pytest.mark.parametrize(
    ("measure", "value", "text"),
    [
        (LIMIT, 5 / 30, "+17\u00a0%"),
        (LIMIT, -0.001, "±0\u00a0%"),
        (LOSS, -0.50692, "−0.507"),
        (LOSS, -0.0001, "±0.000"),
        (LOSS, None, "–"),
    ],
)
def test_a_difference_shows_its_side_unless_it_rounds_to_nothing(measure: Measure, value: float, text: str) -> None:
    assert signed(measure, value) == text
