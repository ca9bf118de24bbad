"""Answering and multiple-choice scoring on a processor: our engine beside lm-evaluation-harness' `hf` backend.

    python -m benchmarks generation

Needs the starter model. The harness is no part of this project: where `lm_eval` is not installed, the column says so.
Both get the same prompts as text, float32, greedy; 16 at a time there, and here as many as an evaluation asks. Each
measurement is a process of its own.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.places import ROOT, starter_model
from benchmarks.rows import Row, count_from
from benchmarks.samples import samples
from ml.prompting import Example, Template, Tokenizer, render

ANSWERED, NEW_TOKENS = 32, 48
CHOSEN, CHOICES = 24, 4
BATCH = 16
FACTOR = 1.5
BUDGET = f"≥ {FACTOR:g}× lm-evaluation-harness"


def rows() -> Iterator[Row]:
    model = starter_model()
    if model is None:
        yield Row("generation on CPU", "not measured: no starter model", BUDGET)
        return
    harness = importlib.util.find_spec("lm_eval") is not None
    for what, unit in (("answer", "new tokens/s"), ("choose", "four-choice items/s")):
        ours = measure("ours", what, model)
        name = f"{'generation' if what == 'answer' else 'multiple-choice scoring'} on CPU, {model.name}"
        told = f"{ours['count'] / ours['seconds']:.1f} {unit}"
        if not harness:
            yield Row(name, told, BUDGET, "not measured: lm_eval is not installed")
            continue
        theirs = measure("harness", what, model)
        ratio = theirs["seconds"] / ours["seconds"]
        same = sum(one == other for one, other in zip(ours["answers"], theirs["answers"], strict=True))
        reference = (
            f"{theirs['count'] / theirs['seconds']:.1f}: {ratio:.2f}×, {same} of {len(ours['answers'])} the same"
        )
        yield Row(name, told, BUDGET, reference, ratio >= FACTOR)


def measure(who: str, what: str, model: Path) -> dict[str, Any]:
    """{"seconds", "count", "answers"} of one of both, without loading and one warm-up batch."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.generation", who, what, str(model)],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"The measurement {who} {what} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def examples(count: int) -> list[Example]:
    return [
        Example(id=str(number), instruction=pair.instruction, input=pair.input, response=pair.response)
        for number, pair in enumerate(samples(count, seed=7))
    ]


def choice_texts(tokenizer: Tokenizer) -> list[tuple[str, list[str]]]:
    """Prompts, each with four texts to choose from; the first sentence of its own response and of the next three."""
    found = examples(count_from("BENCH_CHOSEN", CHOSEN) + CHOICES)
    prompts = [render(example, Template(), tokenizer).prompt for example in found]
    texts = [example.response.split(".")[0] + "." for example in found]
    return [(prompts[n], texts[n : n + CHOICES]) for n in range(len(found) - CHOICES)]


def best(losses: Sequence[float]) -> list[int]:
    """Which choice of each item is the likeliest."""
    groups = [losses[start : start + CHOICES] for start in range(0, len(losses), CHOICES)]
    return [min(range(CHOICES), key=lambda choice, group=group: group[choice]) for group in groups]  # type: ignore[misc]


def our_answer(model: Path, out: Path) -> dict[str, Any]:
    from ml.generate import run_generation
    from ml.rundir import GenerateSettings, RunDir, RunSpec
    from ml.store import ModelRef
    from ml.train.stopping import Stopper

    items = examples(count_from("BENCH_ANSWERED", ANSWERED))
    asked = GenerateSettings(max_new_tokens=NEW_TOKENS)
    run = RunDir(out / "run")
    run.write_spec(RunSpec("generate", "bench", ModelRef.of(model), Template(), generate=asked))
    (run.path / asked.items).write_text("".join(json.dumps(item.to_json()) + "\n" for item in items))
    with run.start_attempt(1) as attempt:
        run_generation(run, attempt, Stopper())
    outputs = [json.loads(line) for line in attempt.outputs_path.read_text().splitlines()]
    return {
        "seconds": sum(row["seconds"] for row in outputs),
        "count": sum(row["new_tokens"] for row in outputs),
        "answers": [row["text"].strip() for row in outputs],
    }


def our_choice(model: Path, out: Path) -> dict[str, Any]:
    from ml.choosing import Question, score_answers
    from ml.loading import load_model, use_threads
    from ml.score import TokenLoss
    from ml.store import ModelRef

    use_threads(0)
    loaded = load_model(ModelRef.of(model))
    tokenizer = loaded.tokenizer
    items = choice_texts(tokenizer)
    asked = [Question(tokenizer.encode(prompt), [tokenizer.encode(text) for text in texts]) for prompt, texts in items]
    loss = TokenLoss(loaded.model)
    score_answers(loss, asked[: BATCH // CHOICES], pad_id=tokenizer.pad_id)
    start = time.perf_counter()
    scores = score_answers(loss, asked, pad_id=tokenizer.pad_id)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "count": len(items), "answers": best([each.total for one in scores for each in one])}


def harness(model: Path) -> Any:
    from lm_eval.models.huggingface import HFLM

    return HFLM(pretrained=str(model), device="cpu", dtype="float32", batch_size=BATCH)


def harness_answer(model: Path, out: Path) -> dict[str, Any]:
    from lm_eval.api.instance import Instance

    backend, tokenizer = harness(model), Tokenizer.load(model)
    prompts = [
        render(example, Template(), tokenizer).prompt for example in examples(count_from("BENCH_ANSWERED", ANSWERED))
    ]
    settings = {"until": ["<|im_end|>"], "max_gen_toks": NEW_TOKENS, "do_sample": False}
    asked = [Instance("generate_until", {}, (prompt, settings), number) for number, prompt in enumerate(prompts)]
    start = time.perf_counter()
    answers = backend.generate_until(asked, disable_tqdm=True)
    seconds = time.perf_counter() - start
    count = sum(min(len(tokenizer.encode(text)), NEW_TOKENS) for text in answers)
    return {"seconds": seconds, "count": count, "answers": [text.strip() for text in answers]}


def harness_choice(model: Path, out: Path) -> dict[str, Any]:
    from lm_eval.api.instance import Instance

    backend, items = harness(model), choice_texts(Tokenizer.load(model))
    asked = [
        Instance("loglikelihood", {}, (prompt, text), number)
        for number, (prompt, text) in enumerate((prompt, text) for prompt, texts in items for text in texts)
    ]
    backend.loglikelihood(asked[:BATCH], disable_tqdm=True)
    start = time.perf_counter()
    found = backend.loglikelihood(asked, disable_tqdm=True)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "count": len(items), "answers": best([-likelihood for likelihood, _ in found])}


MEASURES = {
    ("ours", "answer"): our_answer,
    ("ours", "choose"): our_choice,
    ("harness", "answer"): harness_answer,
    ("harness", "choose"): harness_choice,
}

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(MEASURES[sys.argv[1], sys.argv[2]](Path(sys.argv[3]), Path(scratch))))
