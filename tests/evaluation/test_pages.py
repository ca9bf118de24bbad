"""The pages of evaluation, for whom they are there, and what they say."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from core.models import Job, Project, User
from evaluation.models import Evaluation
from evaluation.services.rounds import round_open
from evaluation.views.evaluations import closer
from training.models import ModelVersion

AsUser = Callable[[User], Client]
pytestmark = pytest.mark.django_db


def address(evaluation: Evaluation, rest: str = "") -> str:
    return f"/p/{evaluation.project.slug}/evaluations/{evaluation.pk}/{rest}"


def test_an_empty_project_says_what_to_do_first(project: Project, owner: User, as_user: AsUser) -> None:
    text = as_user(owner).get(f"/p/{project.slug}/evaluations/").content.decode()
    assert "No model to evaluate yet" in text
    text = as_user(owner).get(f"/p/{project.slug}/evaluations/new/").content.decode()
    assert "start a training first" in text


def test_the_form_has_base_and_newest_model_chosen_and_two_clicks_start_it(
    project: Project, owner: User, as_user: AsUser, taught_model: ModelVersion
) -> None:
    client = as_user(owner)
    text = client.get(f"/p/{project.slug}/evaluations/new/?model={taught_model.pk}").content.decode()
    assert "Its base model (recommended)" in text
    given = {"model": taught_model.pk, "against": "", "suite": "", "answers": 5, "max_new_tokens": 20, "batch_size": 4}
    answer = client.post(f"/p/{project.slug}/evaluations/new/", given)
    assert answer.status_code == 302
    evaluation = Evaluation.objects.get()
    assert [str(candidate) for candidate in evaluation.candidates.all()] == ["Plain", "Advice 1"]
    assert evaluation.suite.version == taught_model.run.version
    assert evaluation.settings == {"answers": 5, "max_new_tokens": 20, "batch_size": 4, "seed": 0}
    assert Job.objects.filter(kind="evaluate", queue="generate", state="queued").count() == 2
    page = client.get(answer["Location"]).content.decode()
    assert "Waits for its turn" in page
    assert 'hx-trigger="every 2s"' in page


def options_of(page: str, name: str) -> list[str]:
    select = page[page.index(f'id="id_{name}"') :]
    return re.findall(r'<option value="([^"]*)"', select[: select.index("</select>")])


def test_no_model_is_offered_or_taken_as_its_own_comparison(
    project: Project, owner: User, as_user: AsUser, taught_model: ModelVersion
) -> None:
    first, run = taught_model.pk, taught_model.run
    run.pk, run.name = None, "Second run"
    run.save()
    taught_model.run = run
    taught_model.pk, taught_model.number, taught_model.name = None, 2, "Advice 2"
    taught_model.save()
    second, base = taught_model.pk, f"base-{taught_model.base_id}"
    client, path = as_user(owner), f"/p/{project.slug}/evaluations/new/"
    assert options_of(client.get(path).content.decode(), "against") == ["", base, f"version-{first}"]
    asked = client.get(f"{path}?model={first}&against=version-{first}").content.decode()
    assert options_of(asked, "against") == ["", base, f"version-{second}"]
    given = {"model": first, "against": f"version-{first}", "answers": 5, "max_new_tokens": 20, "batch_size": 4}
    answer = client.post(path, given)
    assert answer.status_code == 400
    assert "A model cannot be compared with itself; choose two different ones." in answer.content.decode()
    assert (Evaluation.objects.count(), Job.objects.count()) == (0, 0)
    client.post(path, {**given, "against": f"version-{second}"})
    made = Evaluation.objects.get()
    closer_look = closer(made, list(made.candidates.order_by("ordinal")))
    assert f"model={first}&against=version-{second}" in closer_look


def test_impossible_settings_are_said_at_their_field_and_nothing_starts(
    project: Project, owner: User, as_user: AsUser, taught_model: ModelVersion
) -> None:
    given = {"model": taught_model.pk, "answers": 5, "max_new_tokens": 0, "batch_size": 4}
    answer = as_user(owner).post(f"/p/{project.slug}/evaluations/new/", given)
    assert answer.status_code == 400
    assert "greater than or equal to 1" in answer.content.decode()
    assert (Evaluation.objects.count(), Job.objects.count()) == (0, 0)


def test_the_result_page_answers_whether_finetuning_helped(
    evaluated: Evaluation, viewer: User, as_user: AsUser
) -> None:
    text = as_user(viewer).get(address(evaluated)).content.decode()
    size = evaluated.suite.size
    middle = 0.4 + (size - 1) / 200
    assert f"loss on unseen pairs is lower by {middle:.3f}" in text.replace("&#x27;", "'")
    assert "finetuning helped" in text
    assert f"Measured on the same {size} pairs" in text
    assert f"{round(400 / size)}\u00a0%" in text  # four of the base's answers ran into the limit
    assert "Better" in text
    assert 'aria-label="Held-out loss, lower is better' in text


def test_models_that_cannot_be_told_apart_are_called_undecided(evaluated: Evaluation) -> None:
    rows = {row["key"]: row for row in evaluated.summary["measures"]}
    repetition = rows["check.repetition"]["differences"][0]
    assert repetition["verdict"] == "undecided"
    assert (repetition["better"], repetition["worse"]) == (1, 0)
    assert rows["loss"]["differences"][0]["verdict"] == "better"
    assert rows["rouge_l"]["differences"][0]["verdict"] == "better"


def test_items_are_sorted_by_what_was_won_and_every_one_can_be_opened(
    evaluated: Evaluation, viewer: User, as_user: AsUser
) -> None:
    client = as_user(viewer)
    wins = client.get(address(evaluated, "items/")).content.decode()
    losses = client.get(address(evaluated, "items/?sort=loss")).content.decode()
    last, first = evaluated.suite.items.last(), evaluated.suite.items.first()
    most, least = (address(evaluated, f"items/{item.pk}/") for item in (last, first))
    assert wins.index(most) < wins.index(least)
    assert losses.index(address(evaluated, f"items/{first.pk}/")) < losses.index(
        address(evaluated, f"items/{last.pk}/")
    )
    page = client.get(address(evaluated, f"items/{first.pk}/")).content.decode()
    for text in (first.revision.instruction, first.revision.response, "Answer 0 to 0.", "Answer 1 to 0."):
        assert text in page
    assert "Ran into the length limit" in page
    assert "<ins>" in page


def test_a_number_leads_to_exactly_its_items(evaluated: Evaluation, viewer: User, as_user: AsUser) -> None:
    base = evaluated.candidates.get(ordinal=0)
    text = as_user(viewer).get(address(evaluated, f"items/?measure=limit&has={base.pk}&sort=order")).content.decode()
    assert text.count('class="row-link') == 4


def test_an_unknown_query_is_ignored_and_another_suite_s_item_is_not_there(
    evaluated: Evaluation, viewer: User, as_user: AsUser
) -> None:
    client = as_user(viewer)
    assert client.get(address(evaluated, "items/?measure=x&sort=y&model=z&after=q&item=1&has=0")).status_code == 200
    assert client.get(address(evaluated, "items/999999/")).status_code == 404


def test_a_list_of_items_takes_no_more_queries_for_more_items_and_a_result_reads_its_models_once(
    evaluated: Evaluation, viewer: User, as_user: AsUser, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = as_user(viewer)
    client.get(address(evaluated, "items/"))
    with django_assert_max_num_queries(11):
        client.get(address(evaluated, "items/"))
    with django_assert_max_num_queries(14) as seen:
        client.get(address(evaluated))
    assert sum('FROM "evaluation_candidate"' in query["sql"] and "ORDER" in query["sql"] for query in seen) == 1


def test_exports_hold_every_answer_and_disarm_formulas_only_for_spreadsheets(
    evaluated: Evaluation, viewer: User, as_user: AsUser
) -> None:
    output = evaluated.candidates.get(ordinal=1).outputs.order_by("item__ordinal").first()
    output.text = '=HYPERLINK("http://x")'
    output.save()
    client = as_user(viewer)
    rows = b"".join(client.get(address(evaluated, "export/?format=jsonl"))).decode().splitlines()
    assert len(rows) == 2 * evaluated.suite.size
    assert '"answer": "=HYPERLINK(\\"http://x\\")"' in rows[1]
    table = b"".join(client.get(address(evaluated, "export/?format=csv"))).decode().splitlines()
    assert len(table) == 2 * evaluated.suite.size + 1
    assert table[0].endswith("check.repetition,rouge_l")
    assert "\"'=HYPERLINK(" in table[2]


@pytest.mark.parametrize("page", ["", "live/", "items/", "export/"])
def test_strangers_find_nothing(page: str, evaluated: Evaluation, stranger: User, as_user: AsUser) -> None:
    assert as_user(stranger).get(address(evaluated, page)).status_code == 404


@pytest.mark.parametrize("page", ["cancel/", "retry/", "grade/"])
def test_members_who_do_not_own_change_nothing(page: str, evaluated: Evaluation, expert: User, as_user: AsUser) -> None:
    before = Evaluation.objects.values().get()
    assert as_user(expert).post(address(evaluated, page)).status_code == 403
    assert Evaluation.objects.values().get() == before


def test_while_people_grade_blind_nobody_sees_single_answers(
    evaluated: Evaluation, owner: User, viewer: User, as_user: AsUser
) -> None:
    item = evaluated.suite.items.first()
    grading = round_open(actor=owner, evaluation=evaluated, items=3)
    for page in ("items/", f"items/{item.pk}/", "export/"):
        answer = as_user(owner).get(address(evaluated, page))
        assert answer.status_code == 403
        assert "graded blind" in answer.content.decode()
    text = as_user(viewer).get(address(evaluated)).content.decode()
    assert "finetuning helped" in text
    assert "items/?" not in text
    assert as_user(owner).post(f"/p/{evaluated.project.slug}/grading/{grading.pk}/close/").status_code == 302
    assert as_user(viewer).get(address(evaluated, "items/")).status_code == 200
