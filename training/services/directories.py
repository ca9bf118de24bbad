"""What a worker writes before a child starts: the pairs and the frozen specification."""

import json
import os
import shutil
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from core.jobs import JobFailed
from curation.models import Corpus, DatasetVersion
from curation.selectors.corpora import corpus_texts, texts_of
from curation.selectors.examples import version_examples
from curation.selectors.preferences import preference_examples
from curation.selectors.subsets import Subset
from ml.corpus.shapes import HELDOUT, TEXTS
from ml.hashing import file_sha256
from ml.prompting import Template
from ml.recipe import Recipe
from ml.rundir import DataRef, RunDir, RunSpec
from ml.store import ModelRef
from training.models import BaseModel, ModelVersion, Run
from training.selectors.refs import model_ref

SAMPLES = 2
SAMPLE_CHARACTERS = 400
BEGINNING = 60
AS_IT_STANDS = Template(kind="text", prompt="{{instruction}}")  # a text is gone on with, nothing around it


def run_directory(run: Run) -> RunDir:
    return RunDir(settings.RUN_STORE / run.folder)


def result_folder(run: Run) -> str:
    """Where what a run makes will lie, from the model store: a model version, or the base model of a pretraining."""
    return f"base/{run.folder}" if run.corpus_id else f"versions/{run.folder}"


def run_write(run: Run) -> RunDir:
    """Pairs and spec.json, unless they are there already: the specification of a run never changes.

    The data's own digest is in the specification, so a child notices if the pairs are not those.
    """
    directory = run_directory(run)
    if (directory.path / "spec.json").exists():
        return directory
    if run.follows is not None and run.follows.folder:
        take_over(run_directory(run.follows), directory)
    if run.corpus:
        text_spec_write(directory, run, run.corpus)
        return directory
    provenance = {
        "project": run.project.name,
        "task": run.version.task.name,
        "dataset_version": str(run.version),
        "run": run.name,
        "preset": run.preset,
        "requested_by": str(run.requested_by or ""),
        "subset": run.subset,
        "origins": run.version.counts.get("origins") or run.version.counts.get("origin") or {},
    }
    spec_write(
        directory,
        run_id=str(run.pk),
        version=run.version,
        base=run.base,
        start=run.start,
        recipe=Recipe.from_json(run.recipe),
        **learnt(run),
        store=str(settings.MODEL_STORE / result_folder(run)),
        provenance=provenance,
        samples=sample_prompts(run.version),
    )
    return directory


def learnt(run: Run) -> dict[str, Any]:
    """What a run leaves out of its version: pairs at fault by hand, and all but a share."""
    return {
        "excluded": frozenset(pair for ids in run.excluded.values() for pair in ids),
        "subset": Subset(**run.subset) if run.subset else None,
    }


def text_spec_write(directory: RunDir, run: Run, corpus: Corpus) -> None:
    """The texts of a pretraining, as they were frozen, and its specification."""
    directory.path.mkdir(parents=True, exist_ok=True)
    texts = directory.path / TEXTS
    texts.unlink(missing_ok=True)
    try:
        shutil.copyfile(corpus_texts(corpus), texts)
    except FileNotFoundError as error:
        raise JobFailed(_("The texts of the corpus “%s” are not on this machine.") % corpus.name) from error
    directory.write_spec(
        RunSpec(
            kind="train",
            run_id=str(run.pk),
            model=ModelRef.from_json(model_ref(run.base)),
            template=AS_IT_STANDS,
            recipe=Recipe.from_json(run.recipe),
            data=DataRef(
                pairs=TEXTS,
                sha256=file_sha256(texts) if corpus.erased else corpus.sha256,
                dataset_version=corpus.sha256,
                counts=corpus.counts,
            ),
            sample_prompts=beginnings(corpus),
            provenance={
                "project": run.project.name,
                "corpus": corpus.name,
                "run": run.name,
                "name": run.name,
                "preset": run.preset,
                "requested_by": str(run.requested_by or ""),
            },
            store=str(settings.MODEL_STORE / result_folder(run)),
        )
    )


def beginnings(corpus: Corpus) -> tuple[str, ...]:
    """How a few held-out texts begin; the run page shows how the model goes on."""
    texts = (row["text"].strip()[:BEGINNING].rsplit(" ", 1)[0] for row in texts_of(corpus, HELDOUT, limit=SAMPLES))
    return tuple(text for text in texts if text)


def take_over(earlier: RunDir, directory: RunDir) -> None:
    """Give a run the checkpoints of the one it follows, without copying their bytes."""
    shutil.rmtree(directory.checkpoints_path, ignore_errors=True)
    if earlier.checkpoints_path.is_dir():
        directory.path.mkdir(parents=True, exist_ok=True)
        shutil.copytree(earlier.checkpoints_path, directory.checkpoints_path, copy_function=os.link)


def spec_write(
    directory: RunDir,
    *,
    run_id: str,
    version: DatasetVersion,
    base: BaseModel,
    recipe: Recipe,
    start: ModelVersion | None = None,
    excluded: frozenset[str] = frozenset(),
    subset: Subset | None = None,
    store: str = "",
    provenance: dict[str, Any] | None = None,
    samples: tuple[str, ...] = (),
) -> None:
    directory.path.mkdir(parents=True, exist_ok=True)
    parts = ("train", "develop", "test")
    if recipe.objective == "preferences":
        examples = preference_examples(version, parts)
    else:
        examples = version_examples(version, parts, subset)
    counts = pairs_write(directory.pairs_path, (each for each in examples if each["id"] not in excluded))
    if not counts.get("train"):
        raise JobFailed(_("%(version)s has no pair to train on.") % {"version": version})
    directory.write_spec(
        RunSpec(
            kind="train",
            run_id=run_id,
            model=ModelRef.from_json(model_ref(base, start)),
            template=Template.from_json(version.template),
            recipe=recipe,
            data=DataRef(
                sha256=file_sha256(directory.pairs_path),
                dataset_version=version.sha256,
                counts=counts,
                excluded=tuple(sorted(excluded, key=int)),
            ),
            sample_prompts=samples,
            provenance=provenance or {},
            store=store,
        )
    )


def pairs_write(path: Path, examples: Iterable[dict[str, Any]]) -> dict[str, int]:
    """One JSON line an example, all or nothing; returns how many of each part."""
    counts: dict[str, int] = {}
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        for example in examples:
            counts[example["part"]] = counts.get(example["part"], 0) + 1
            file.write(json.dumps(example, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    return counts


def sample_prompts(version: DatasetVersion) -> tuple[str, ...]:
    """A few develop questions that stand on their own; the run page shows how the answers change."""
    usable = (
        example["instruction"]
        for example in version_examples(version, ("develop",))
        if not example["input"] and not example["turns"] and len(example["instruction"]) <= SAMPLE_CHARACTERS
    )
    return tuple(islice(usable, SAMPLES))
