"""The walls of docs/architecture.md, held by machines."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "transformers", "peft", "trl", "accelerate", "datasets")


def run_python(code: str, home: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "APPRENTICE_HOME": str(home), "DJANGO_SETTINGS_MODULE": "config.settings"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_contracts_between_the_parts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "start",
    [
        "import django; django.setup(); import config.urls",
        "from config.wsgi import application",
        "import config.celery; config.celery.app.loader.import_default_modules()",
    ],
    ids=["urls", "web", "worker"],
)
def test_a_process_of_ours_holds_no_torch_and_collects_garbage_once_it_is_loaded(start: str, tmp_path: Path) -> None:
    collects = "import gc; assert gc.isenabled(); assert gc.get_freeze_count() > 100_000"
    loaded = run_python(f"{start}\n{collects}\nimport sys; print(*sorted(sys.modules))", tmp_path).split()
    assert "django" in loaded
    assert not [name for name in HEAVY if name in loaded]
