from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from core.choices import Queue
from core.models import Heartbeat
from core.operations import doctor

pytestmark = pytest.mark.django_db


def beat(seconds: int) -> None:
    """Every worker and the scheduler, last heard of that long ago."""
    for queue in [*Queue.values, ""]:
        name = f"worker-{queue}" if queue else "beat"
        Heartbeat.objects.create(
            name=name, queue=queue, seen_at=timezone.now() - timedelta(seconds=seconds), details={}
        )


def test_workers_that_are_heard_of_are_well_and_silent_ones_are_named() -> None:
    assert doctor.workers().text == "no sign of life from: default, generate, train, beat"
    beat(5)
    assert doctor.workers().ok
    Heartbeat.objects.filter(queue="train").update(seen_at=timezone.now() - timedelta(minutes=5))
    finding = doctor.workers()
    assert finding.text == "no sign of life from: train"
    assert finding.cure.startswith("Start it with `make up`.")


def test_the_database_is_named_with_its_versions() -> None:
    finding = doctor.database()
    assert finding.ok
    assert finding.text.startswith("PostgreSQL 1")
    assert "pgvector 0." in finding.text


def test_a_missing_and_a_broken_model_are_named_with_their_cures(settings: Any, tmp_path: Path) -> None:
    settings.STARTER_MODEL = tmp_path / "starter"
    finding = doctor.store()
    assert finding.text == f"{tmp_path / 'starter'} is missing"
    assert finding.cure == "Run `make up`, which fetches it."
    settings.STARTER_MODEL.mkdir()
    finding = doctor.store()
    assert finding.text == f"{tmp_path / 'starter'} is incomplete"
    assert finding.cure == "Remove that folder and run `make up`."


def test_it_says_how_trainings_are_cut_off_the_network_and_when_they_cannot_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert doctor.isolation().text in {
        f"trainings run without network ({way})"
        for way in ("network namespace", "user and network namespace", "seccomp filter")
    }
    monkeypatch.setattr(doctor, "ROOT", tmp_path)  # a child that cannot even find the code
    finding = doctor.isolation()
    assert (finding.ok, finding.text) == (False, "trainings cannot be cut off the network")


def test_a_check_that_cannot_be_made_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def model_server() -> doctor.Finding:
        raise RuntimeError("out of\norder")

    finding = doctor.outcome(model_server)
    assert (finding.name, finding.text, finding.ok) == ("Model server", "RuntimeError: out of order", False)


def test_the_command_fails_when_a_part_does_and_passes_when_all_are_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    well = doctor.Finding("Disk", "large")
    warning = doctor.Finding("Memory", "2.0 GB", "Use more.", warning=True)
    failed = doctor.Finding("Redis", "is gone", "Start it.")
    for findings, code in (([well, warning], False), ([well, failed], True)):
        monkeypatch.setattr("core.management.commands.doctor.examine", lambda findings=findings: findings)
        with pytest.raises(SystemExit) as caught:
            call_command("doctor")
        assert bool(caught.value.code) is code
    assert capsys.readouterr().out == (
        "ok    Disk: large\nwarn  Memory: 2.0 GB\n      Use more.\n"
        "ok    Disk: large\nFAIL  Redis: is gone\n      Start it.\n"
    )
