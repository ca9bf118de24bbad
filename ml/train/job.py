"""What one training holds in its hands, put together from its run directory before the first step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoConfig, set_seed

from ml.hashing import json_sha256
from ml.loading import LoadedModel, best_device, check_fits, load_base, longest_context, use_threads
from ml.phrases import Phrase, gettext_noop
from ml.prompting import PROBLEMS, Example, Tokenizer
from ml.recipe import ADAPTERS, TEXT, Recipe
from ml.rundir import Attempt, Checkpoint, RunDir, RunSpec
from ml.score import TokenLoss
from ml.train.attention import use_packed_attention
from ml.train.batching import packing_leaks
from ml.train.data import TrainingData, load_data, read_examples
from ml.train.kernels import use_fused_kernels
from ml.train.measuring import ANSWERED, Measuring
from ml.train.methods import METHODS, MethodError, loading_options
from ml.train.pace import develop_pairs
from ml.train.precision import choose_precision
from ml.train.preferences import load_preferences
from ml.train.stopping import Stopper
from ml.train.texts import load_texts
from ml.train.trainer import TrainingError


@dataclass(slots=True)
class TrainingJob:
    """Everything that is decided before the first step."""

    run: RunDir
    spec: RunSpec
    recipe: Recipe
    attempt: Attempt
    stopper: Stopper
    checkpoint: Checkpoint | None
    data: TrainingData
    loaded: LoadedModel
    precision: str
    steps: int
    packing: bool
    measuring: Measuring
    questions: Sequence[Example] = field(default=())  # whose answers decide which state is the best


def prepare(run: RunDir, attempt: Attempt, stopper: Stopper) -> TrainingJob:
    """Read, verify and load. Raises the errors of loading and reading, TrainingError and MethodError."""
    spec = run.read_spec()
    if spec.recipe is None or spec.data is None:
        raise ValueError("This run directory is not for a training.")
    recipe = spec.recipe
    threads = use_threads(recipe.threads)
    attempt.events.write(
        "phase",
        name="load",
        message=Phrase(gettext_noop("Loading the model, with %(threads)d threads."), threads=threads),
    )
    spec.model.verify()
    tokenizer = Tokenizer.load(spec.model.path)
    stopper.check()
    attempt.events.write("phase", name="encode", message=Phrase(_ENCODING[recipe.objective == TEXT]))
    data = _load(run, spec, recipe, tokenizer)
    _tell_left_out(attempt, data)
    stopper.check()
    checkpoint = _checkpoint(run, spec, attempt)
    set_seed(recipe.seed)
    device = best_device()
    precision = _precision(spec, recipe, device, checkpoint)
    model = _model(spec, recipe, tokenizer, precision)
    model.to(device)
    attempt.events.write("phase", name="ready", message=_trainable(model, precision, use_fused_kernels(model)))
    longest = longest_context(model)
    packing = recipe.packing and recipe.objective != TEXT and _can_pack(model, data, attempt)
    loaded = LoadedModel(model, tokenizer, longest, device)
    steps = planned_steps(recipe, len(data.train))
    measured = data.develop if recipe.objective == TEXT else data.develop[: develop_pairs(recipe, steps)]
    measuring = Measuring(spec, loaded, precision, measured, stopper)
    job = TrainingJob(
        run, spec, recipe, attempt, stopper, checkpoint, data, loaded, precision, steps, packing, measuring
    )
    if recipe.best_by == "answers":
        job.questions = _questions(run, spec)
    if recipe.objective == "preferences":
        measuring.remember_reference([*data.train, *measured])
    return job


def planned_steps(recipe: Recipe, pairs: int) -> int:
    """Optimizer steps: the passes over the data, or `max_steps` if that is set and fewer."""
    a_pass = math.ceil(pairs / (recipe.batch_size * recipe.accumulation))
    from_passes = max(1, math.ceil(a_pass * recipe.epochs))
    return min(from_passes, recipe.max_steps) if recipe.max_steps else from_passes


def identity(spec: RunSpec) -> dict[str, str]:
    """What a checkpoint must agree with to be continued by this run: everything that decides what a step computes. How
    a step is divided into batches does not."""
    told = {key: value for key, value in spec.to_json().items() if key not in ("store", "provenance", "run_id")}
    recipe = {**told["recipe"], "batch_size": 1}
    recipe["accumulation"] = told["recipe"]["batch_size"] * told["recipe"]["accumulation"]
    return {
        "specification": json_sha256({**told, "recipe": recipe}),
        "tokenizer_fingerprint": spec.model.tokenizer_fingerprint,
        "fingerprint": spec.model.fingerprint,
    }


def weights(model: Any) -> tuple[int, int]:
    """Numbers of trained and of all weights."""
    # In 4 bits, two weights share a number.
    sizes = [
        (parameter.numel() * (1 + (parameter.dtype == torch.uint8)), parameter.requires_grad)
        for parameter in model.parameters()
    ]
    return sum(size for size, trained in sizes if trained), sum(size for size, _ in sizes)


def _load(run: RunDir, spec: RunSpec, recipe: Recipe, tokenizer: Tokenizer) -> TrainingData:
    assert spec.data is not None
    path = run.path / spec.data.pairs
    if recipe.objective == TEXT:
        return load_texts(path, spec.data.sha256, tokenizer, recipe)
    if recipe.objective == "preferences":
        return load_preferences(path, spec.data.sha256, spec.template, tokenizer, recipe.max_tokens)
    return load_data(path, spec.data.sha256, spec.template, tokenizer, recipe.max_tokens)


def _questions(run: RunDir, spec: RunSpec) -> list[Example]:
    assert spec.data is not None
    develop = (example for example in read_examples(run.path / spec.data.pairs) if example.part == "develop")
    return [example for example, _ in zip(develop, range(ANSWERED), strict=False)]


def _model(spec: RunSpec, recipe: Recipe, tokenizer: Tokenizer, precision: str) -> Any:
    """The model, ready to be trained. A warm start from an adapter goes on with it, or melts it into the weights."""
    # What is not trained need not be kept in more digits than are computed with.
    frozen = recipe.method in ADAPTERS and precision == "bfloat16"
    options = loading_options(recipe)
    base = load_base(spec.model.path, dtype=torch.bfloat16 if frozen else torch.float32, **options)
    check_fits(base, tokenizer)
    _check_length(recipe, longest_context(base))
    if spec.model.adapter is None:
        return METHODS[recipe.method].prepare(base, recipe)
    adapted: Any = PeftModel.from_pretrained(
        base, spec.model.adapter, is_trainable=recipe.method in ADAPTERS, local_files_only=True, use_safetensors=True
    )
    if recipe.method not in ADAPTERS:
        return METHODS[recipe.method].prepare(adapted.merge_and_unload(), recipe)
    if adapted.peft_config["default"].use_dora != (recipe.method == "dora"):
        text = gettext_noop(
            "An adapter can only be trained on by the method that made it; choose that one, or start anew."
        )
        raise MethodError(Phrase(text))
    return adapted


def _check_length(recipe: Recipe, longest: int) -> None:
    # A block holds one token more than it predicts: the last one of the block before.
    if recipe.objective == TEXT:
        field, most = "block_tokens", longest - 1
        text = gettext_noop("The model holds %(longest)d tokens; set the block of text to %(most)d or less.")
    else:
        field, most = "max_tokens", longest
        text = gettext_noop("The model holds %(longest)d tokens; set the longest pair to %(most)d or less.")
    if getattr(recipe, field) > most:
        raise TrainingError(field, Phrase(text, longest=longest, most=most))


def _can_pack(model: Any, data: TrainingData, attempt: Attempt) -> bool:
    """Whether pairs can lie behind each other in one row without seeing each other, tried with this very model."""
    longest = max(len(sample.ids) for sample in data.train)
    ordinary = model.config._attn_implementation
    model.eval()  # dropout would look like a leak
    tolerance = 1e-3 if next(model.parameters()).dtype == torch.float32 else 0.05
    if use_packed_attention(model, longest) and not packing_leaks(TokenLoss(model), model.device, tolerance):
        return True
    model.set_attn_implementation(ordinary)
    text = gettext_noop("This model cannot compute pairs behind each other; they are padded to equal length instead.")
    attempt.events.write("phase", name="padding", message=Phrase(text))
    return False


def _precision(spec: RunSpec, recipe: Recipe, device: torch.device, checkpoint: Checkpoint | None) -> str:
    if checkpoint:
        return str(checkpoint.facts["precision"])
    config = AutoConfig.from_pretrained(spec.model.path, local_files_only=True, trust_remote_code=False)
    width = int(getattr(config, "hidden_size", 512))
    return choose_precision(recipe.precision, width, 4 * width, device)


def _checkpoint(run: RunDir, spec: RunSpec, attempt: Attempt) -> Checkpoint | None:
    """The newest whole checkpoint, if it is one of this very run; says so when a newer one is damaged."""
    found = run.latest_complete_checkpoint()
    damaged = run.damaged_checkpoints(found.step if found else -1)
    if damaged:
        text = (
            gettext_noop("The checkpoint of step %(steps)s is damaged; the one of step %(taken)d is taken.")
            if found
            else gettext_noop("The checkpoint of step %(steps)s is damaged; the run starts from the beginning.")
        )
        message = Phrase(text, steps=", ".join(map(str, damaged)), taken=found.step if found else 0)
        attempt.events.write("warning", code="damaged_checkpoint", count=len(damaged), message=message)
    for name, value in identity(spec).items() if found else ():
        if found and found.facts.get(name) != value:
            raise TrainingError(
                "checkpoint",
                Phrase(
                    gettext_noop(
                        "The checkpoint of step %(step)d belongs to another run (its %(name)s differs). "
                        "Delete the folder checkpoints to start from the beginning."
                    ),
                    step=found.step,
                    name=name,
                ),
            )
    return found


def _tell_left_out(attempt: Attempt, data: TrainingData) -> None:
    for code, ids in data.left_out.items():
        if PROBLEMS[code].blocking:
            listed = ", ".join(ids[:10]) + (" …" if len(ids) > 10 else "")
            message = Phrase(
                gettext_noop("Pairs left out: %(count)d. %(why)s Their numbers: %(listed)s"),
                count=len(ids),
                why=Phrase(PROBLEMS[code].sentence),
                listed=listed,
            )
            attempt.events.write("warning", code=code, count=len(ids), message=message)


_ENCODING = (gettext_noop("Turning the pairs into tokens."), gettext_noop("Turning the text into tokens."))


def _trainable(model: Any, precision: str, fused: bool) -> Phrase:
    trained, total = weights(model)
    text = (
        gettext_noop("Training %(trained)s of %(total)s weights. Computing in %(precision)s, with fused kernels.")
        if fused
        else gettext_noop("Training %(trained)s of %(total)s weights. Computing in %(precision)s.")
    )
    return Phrase(text, trained=f"{trained:,}", total=f"{total:,}", precision=precision)
