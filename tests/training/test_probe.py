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
from training.selectors.probes import Trial, current_probe, recommendation, trials

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
    assert "LoRA" in recommendation(found)
    assert forecast(run).source == "probe"
    page = client.get(reverse("training:run-check", args=[project.slug, run.pk])).content.decode()
    assert "as prepared" in page
    assert launch_refusals(run) == []
    probe.report["trials"][0]["memory_at_most"] = 1000
    probe.save()
    assert "The probe needed" in str(launch_refusals(run)[0])
    Run.objects.filter(pk=run.pk).update(recipe={**run.recipe, "seed": 5})
    assert current_probe(Run.objects.select_related("base", "version").get(pk=run.pk)) is None


def tried(method: str, minutes: float, memory: int = 3_000_000_000) -> Trial:
    return Trial(method, memory=memory, most=4_000_000_000, speed=50, seconds=60 * minutes)


def test_the_recommendation_weighs_the_methods_against_each_other_in_words() -> None:
    lora, partial, full = tried("lora", 6), tried("partial", 3), tried("full", 15)
    said = recommendation([lora, partial, full]).replace("\xa0", " ")
    assert said.startswith("Take LoRA: about 6 min 00 s with 2.8 GB of memory. Partial training takes 3 min 00 s")
    assert "Full training takes 15 min 00 s" in said
    assert recommendation([lora, tried("full", 8)]).startswith("Both fit.")
    big = tried("full", 15, memory=3_900_000_000)
    assert recommendation([lora, big]).endswith("Full training does not fit into this machine's memory.")
    assert recommendation([Trial("lora", error="no"), partial]).startswith("Take Partial: about 3")
    assert recommendation([big]).startswith("None of the methods fits")
