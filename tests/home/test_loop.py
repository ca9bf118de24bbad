"""`manage.py loop` with a tiny model and made-up pairs: the command, its servers and its workers are the real ones."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.operations.downloads import DEMO
from curation.demo import MEMBER
from home.operations.stage import environment, link_tree, run_to_end
from ml.tiny import make_tiny_model

if TYPE_CHECKING:
    from tests.conftest import Servers

ROOT = Path(__file__).resolve().parents[2]
NOUNS = ("roof", "wall", "floor", "door", "window", "beam", "stair", "gutter", "chimney", "tile")
VERBS = ("mend", "paint", "order", "measure", "cut", "lift", "insure", "clean")


def run_loop(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "loop", "--inside", *words],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=540,
    )


@pytest.fixture
def home(servers: Servers, tmp_path: Path) -> Path:
    """A folder as the outer half of the command prepares it, with a tiny model where the starter would be."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "downloads").mkdir()
    make_tiny_model(tmp_path / "models" / "base" / "smollm2-135m-instruct", hidden_size=64)
    rows = [
        {
            "q": f"How do I {verb} a {noun} in spring?",
            "a": f"You {verb} it slowly, order {10 * n + m}.",
            "category": verb,
        }
        for n, verb in enumerate(VERBS)
        for m, noun in enumerate(NOUNS)
    ]
    with zipfile.ZipFile(tmp_path / "downloads" / DEMO.file, "w") as wheel:
        wheel.writestr(MEMBER, "".join(json.dumps(row) + "\n" for row in rows))
    servers.put_migrated(tmp_path)
    return tmp_path


@pytest.mark.slow(seconds=40)
def test_the_loop_goes_round_and_tells_what_came_of_it(home: Path) -> None:
    done = run_loop(home, "--answers", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Imported and approved 80 pairs; 0 rows refused" in done.stdout
    assert re.search(r"Trained [1-9]\d* steps", done.stdout)
    assert "Both models answered 3 questions" in done.stdout
    assert "Held-out loss" in done.stdout
    assert "finetuning helped" in done.stdout


@pytest.mark.slow
def test_a_step_that_fails_is_named_and_the_exit_code_says_so(home: Path) -> None:
    config = home / "models" / "base" / "smollm2-135m-instruct" / "config.json"
    config.write_text("{}")
    done = run_loop(home)
    assert done.returncode == 1
    assert "inspect of “SmolLM2-135M-Instruct” failed" in done.stderr
    assert not (home / "run" / "redis.sock").exists()


def test_the_folder_of_a_run_shares_the_models_without_copying_them(tmp_path: Path) -> None:
    (tmp_path / "models" / "base").mkdir(parents=True)
    (tmp_path / "models" / "base" / "weights").write_text("x")
    link_tree(tmp_path / "models", tmp_path / "loop-1" / "models")
    linked = tmp_path / "loop-1" / "models" / "base" / "weights"
    assert linked.samefile(tmp_path / "models" / "base" / "weights")


def test_the_run_inside_has_its_own_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/else")
    monkeypatch.setenv("REDIS_URL", "redis://somewhere")
    found = environment(tmp_path)
    assert found["APPRENTICE_HOME"] == str(tmp_path)
    assert {"DATABASE_URL", "REDIS_URL"} & set(found) == set()


def test_the_exit_code_is_the_one_of_the_run_inside() -> None:
    assert run_to_end(subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])) == 3
