"""Pretraining on a processor: a new model from one text in two minutes, and a registered one that reads a handbook.

    python -m benchmarks pretraining

Needs public texts that are no part of this repository, in ../shared/data or $APPRENTICE_DATA; the second row also
needs the starter model. Each measurement is the whole way in processes of its own: corpus, new tokenizer and weights,
training, measuring; the clock starts before the first one. Bits per byte are over all of the held-out text.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.places import ROOT, starter_model
from benchmarks.rows import Row
from ml.corpus.shapes import TEXTS, CorpusSettings
from ml.hashing import file_sha256
from ml.prompting import Template
from ml.recipe import TEXT, Recipe
from ml.rundir import DataRef, RunDir, RunSpec
from ml.store import ModelRef

DATA = Path(os.environ.get("APPRENTICE_DATA") or ROOT.parent / "shared" / "data")
SECONDS, BITS = 120.0, 2.5
NEW = Recipe(
    objective=TEXT, method="full", learning_rate=6e-3, batch_size=8, block_tokens=128, weight_decay=0.1, epochs=2.0,
    heldout_bytes=10_000_000,
)  # fmt: skip
READ_ON = Recipe(
    objective=TEXT, method="lora", learning_rate=5e-4, batch_size=4, block_tokens=128, max_steps=30, eval_every=10,
    heldout_bytes=20_000,
)  # fmt: skip


def rows() -> Iterator[Row]:
    yield from_scratch()
    yield read_on()


def from_scratch() -> Row:
    """A tiny model from one text of a megabyte."""
    what, budget = "a new model from one text: bits per byte; all of it", f"≤ {BITS:g} in ≤ {SECONDS:g} s"
    text = DATA / "tinyshakespeare" / "input.txt"
    if not text.is_file():
        return Row(what, "not measured: no text", budget)
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        started = time.monotonic()
        corpus = made_corpus(Path(place) / "corpus", [text], CorpusSettings(similar=0))
        run_ml("scratch", str(corpus), str(Path(place) / "new"), "--size", "tiny")
        found = trained(Path(place) / "run", corpus, Path(place) / "new", NEW)
        seconds = time.monotonic() - started
    bits = found["bits_per_byte_after"]
    return Row(
        what,
        f"{bits:.2f}; {seconds:.0f} s",
        budget,
        f"untrained {found['bits_per_byte_before']:.2f}; {found['tokens_per_second']:.0f} tokens/s",
        bits <= BITS and seconds <= SECONDS,
    )


def read_on() -> Row:
    """The starter model reads an organisation's handbook for thirty steps."""
    what = "the starter model reads a handbook, 30 steps: bits per byte"
    model, pages = starter_model(), DATA / "handbook_18f" / "pages"
    if model is None or not pages.is_dir():
        return Row(what, "not measured: no starter model or no handbook", "falling")
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        corpus = made_corpus(Path(place) / "corpus", sorted(pages.rglob("*.md")), CorpusSettings(language="en"))
        found = trained(Path(place) / "run", corpus, model, READ_ON)
    before, after = found["bits_per_byte_before"], found["bits_per_byte_after"]
    told = f"{found['seconds']:.0f} s; {found['tokens_per_second']:.0f} tokens/s"
    return Row(what, f"{before:.3f} → {after:.3f}", "falling", told, after < before)


def made_corpus(folder: Path, files: list[Path], settings: CorpusSettings) -> Path:
    folder.mkdir(parents=True)
    listed = [{"path": str(path), "name": f"{number}-{path.name}"} for number, path in enumerate(files)]
    (folder / "corpus.json").write_text(json.dumps({"files": listed, "settings": settings.to_json()}))
    run_ml("corpus", str(folder))
    return folder / TEXTS


def trained(folder: Path, corpus: Path, model: Path, recipe: Recipe) -> dict[str, Any]:
    """What DONE says of a pretraining in a process of its own."""
    folder.mkdir(parents=True)
    shutil.copyfile(corpus, folder / TEXTS)
    data = DataRef(pairs=TEXTS, sha256=file_sha256(corpus), dataset_version="bench")
    run = RunDir(folder)
    plain = Template(kind="text", prompt="{{instruction}}")
    run.write_spec(RunSpec("train", "bench", ModelRef.of(model), plain, recipe=recipe, data=data))
    run_ml("train", str(folder))
    return run.read_done() or {}


def run_ml(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "ml", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"python -m ml {words[0]} failed:\n{done.stderr[-2000:]}")
