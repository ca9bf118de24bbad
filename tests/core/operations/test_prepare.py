"""Bringing an installation up to date: what runs once, what is skipped, what is refused."""

from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from core import registries
from core.models import Event
from core.operations import prepare
from core.operations.errors import OperatorError

pytestmark = pytest.mark.django_db


def test_a_first_start_hook_runs_once_and_a_new_one_at_the_next_start(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def bring_demo() -> None:
        """Bring in the demo project."""
        ran.append("demo")

    def bring_more() -> None:
        ran.append("more")

    told: list[str] = []
    monkeypatch.setattr(prepare, "first_start", [bring_demo])
    prepare.run_first_start(told.append)
    monkeypatch.setattr(prepare, "first_start", [bring_demo, bring_more])
    prepare.run_first_start(told.append)
    prepare.run_first_start(told.append)
    assert ran == ["demo", "more"]
    assert told[0] == "First start: Bring in the demo project"
    assert Event.objects.filter(action=prepare.FIRST_START).count() == 2


def test_a_hook_that_fails_leaves_nothing_stops_nothing_and_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def write_and_fail() -> None:
        Event.objects.create(action="half")
        raise ValueError("no data")

    ran: list[str] = []
    told: list[str] = []
    monkeypatch.setattr(prepare, "first_start", [write_and_fail, lambda: ran.append("other")])
    prepare.run_first_start(told.append)
    prepare.run_first_start(told.append)
    assert ran == ["other"]
    assert told.count("That did not work and is tried again at the next start: no data") == 2
    assert not Event.objects.filter(action="half").exists()


def test_the_registry_is_the_one_that_apps_fill() -> None:
    assert prepare.first_start is registries.first_start


def test_a_database_that_is_up_to_date_is_left_alone() -> None:
    told: list[str] = []
    prepare.migrate(told.append)
    assert told == []


def test_a_database_of_a_newer_version_is_refused_by_the_name_of_its_migration() -> None:
    MigrationRecorder(connection).record_applied("core", "9999_from_the_future")
    with pytest.raises(
        OperatorError, match=r"changed by a newer version of Apprentice \(it has core.9999_from_the_future\)"
    ):
        prepare.migrate(lambda text: None)


def test_a_migration_of_a_removed_package_is_no_newer_version() -> None:
    MigrationRecorder(connection).record_applied("package_we_once_used", "0001_initial")
    prepare.migrate(lambda text: None)


def test_static_files_are_collected_only_after_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.css").write_text("a{}")
    settings.STATICFILES_DIRS = [source]  # type: ignore[attr-defined]
    settings.STATIC_ROOT = tmp_path / "collected"  # type: ignore[attr-defined]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]  # type: ignore[attr-defined]
    told: list[str] = []
    for change in ("", "", "b{}"):
        if change:
            (source / "b.css").write_text(change)
        prepare.collect_static(told.append)
    assert told == ["Collecting static files"] * 2
    assert (tmp_path / "collected" / "b.css").read_text() == "b{}"


def test_the_models_are_there_before_a_first_start_hook_looks_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    monkeypatch.setattr(prepare, "collect_static", lambda tell: order.append("static files"))
    monkeypatch.setattr(prepare, "first_start", [lambda: order.append("hook")])
    prepare.prepare(lambda text: None, lambda: order.append("models"))
    assert order == ["static files", "models", "hook"]
