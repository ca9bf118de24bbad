"""A trial of a prepared run: real steps by each method, in numbers and in words; a changed run is tried again."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from core.models import Project, User
from ml.recipe import Recipe
from tests.world import run_jobs
from training.choices import AuditState
from training.models import Probe, Run
from training.selectors.estimates import forecast
from training.selectors.gate import launch_refusals
from training.selectors.probes import current_probe, recommendation, trials

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_a_trial_foretells_and_refuses_what_does_not_fit(
    monkeypatch: pytest.MonkeyPatch, as_user: Callable[[User], Client], owner: User, project: Project,
    prepare: Callable[..., Run],
) -> None:  # fmt: skip
    monkeypatch.setattr("training.jobs.SECONDS", 0.2)
    monkeypatch.setattr("training.services.probes.TRIED", ("lora", "full"))
    run, client = prepare(), as_user(owner)
    client.post(reverse("training:run-probe", args=[project.slug, run.pk]))
    run_jobs("train")
    probe = Probe.objects.get(run=run)
    assert probe.state == AuditState.READY, probe.error
    found = trials(probe, Recipe.from_json(run.recipe))
    assert [trial.method for trial in found] == ["lora", "full"]
    assert all(trial.fits and trial.speed > 0 and trial.memory > 10**8 for trial in found)
    assert "LoRA" in recommendation(found) or "lora" in recommendation(found)
    assert forecast(run).source == "probe"
    page = client.get(reverse("training:run-check", args=[project.slug, run.pk])).content.decode()
    assert "as prepared" in page
    assert launch_refusals(run) == []
    probe.report["trials"][0]["memory_at_most"] = 1000
    probe.save()
    assert "The probe needed" in str(launch_refusals(run)[0])
    Run.objects.filter(pk=run.pk).update(recipe={**run.recipe, "seed": 5})
    assert current_probe(Run.objects.select_related("base", "version").get(pk=run.pk)) is None
