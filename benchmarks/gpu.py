"""What only a GPU can show: training speed with and without fused kernels, QLoRA, memory that is too small, the probe,
answering.

    python -m benchmarks.gpu OUT            everything, in at most ten minutes; OUT/gpu.json says what was found
    python -m benchmarks.gpu OUT generate   only these parts

Models of the shapes of SmolLM2-135M and of a Llama with 1.1 billion weights are made with random weights, and pairs are
made up, so nothing needs to be there. What is missing or fails is told where it failed; the rest goes on. Without a GPU
the parts run with tiny models, which tries them and measures nothing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.places import ROOT
from benchmarks.samples import samples

SECONDS = 600.0
LIMIT = 150.0  # of one part; importing the libraries takes 15 to 20 seconds of each process there
# width, inner, layers, heads, heads of keys, vocabulary
SHAPES = {"small": (576, 1536, 30, 9, 3, 49152), "large": (2048, 8192, 16, 32, 8, 49152)}
TINY = (64, 128, 4, 4, 2, 4096)
PAIRS, LEARNT = 400, 320
LEFT_FREE = 9 << 30  # of the GPU, for a training that needs more


def main(out: Path, wanted: list[str]) -> int:
    """Every part in a process of its own with a limit of time; what each has found so far is kept."""
    began = time.monotonic()
    found: dict[str, Any] = {}
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gpu-") as scratch:
        for part in PARTS:
            left = SECONDS - (time.monotonic() - began)
            if left <= 0 or (wanted and part not in ("models", *wanted)):
                continue
            found[part] = finished(part, start(part, Path(scratch)), Path(scratch), min(LIMIT, left))
            found["seconds"] = round(time.monotonic() - began, 1)
            (out / "gpu.json").write_text(json.dumps(found, indent=1))
    print(json.dumps(found, indent=1))
    return 0


def start(part: str, scratch: Path) -> subprocess.Popen[bytes]:
    with (scratch / f"{part}.log").open("wb") as log:
        command = [sys.executable, "-m", "benchmarks.gpu", "--part", part, str(scratch)]
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)


def finished(part: str, process: subprocess.Popen[bytes], scratch: Path, seconds: float) -> dict[str, Any]:
    began = time.monotonic()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    path = scratch / f"{part}.json"
    told = json.loads(path.read_text()) if path.is_file() else {}
    if process.returncode:
        told["ended"] = {"code": process.returncode, "log": (scratch / f"{part}.log").read_text()[-1500:]}
    return {**told, "seconds": round(time.monotonic() - began, 1)}


class Findings:
    """What one part finds, written down after each step; a step that fails says how and does not end the part."""

    def __init__(self, part: str, scratch: Path) -> None:
        self.path, self.scratch, self.values = scratch / f"{part}.json", scratch, dict[str, Any]()

    def __call__(self, name: str, work: Callable[[], Any]) -> Any:
        began = time.monotonic()
        try:
            value = work()
        except Exception as error:
            value = {"error": str(error)[-600:], "traceback": traceback.format_exc()[-1500:]}
        took = {"took": round(time.monotonic() - began, 2)}
        self.values[name] = {**value, **took} if isinstance(value, dict) else value
        self.path.write_text(json.dumps(self.values))
        return value


def models(found: Findings) -> None:
    """Both models and the pairs, on disk."""
    import torch
    import transformers

    found("software", lambda: {"torch": torch.__version__, "transformers": transformers.__version__, "where": where()})
    write_pairs(found.scratch / "pairs.jsonl")
    for name, shape in SHAPES.items():
        found(name, lambda name=name, shape=shape: made(found.scratch / name, shape if on_gpu() else TINY))  # type: ignore[misc]


def made(folder: Path, shape: tuple[int, int, int, int, int, int]) -> dict[str, Any]:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from ml.bpe import train_bpe, write_tokenizer

    folder.mkdir()
    width, inner, layers, heads, keys, vocabulary = shape
    write_tokenizer(train_bpe((each.text for each in samples(2000, seed=3)), min(vocabulary, 8000)), folder, 2048)
    config = LlamaConfig(
        vocab_size=vocabulary if on_gpu() else 8000, hidden_size=width, intermediate_size=inner,
        num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=keys, max_position_embeddings=2048,
        bos_token_id=1, eos_token_id=2, pad_token_id=2, tie_word_embeddings=True,
    )  # fmt: skip
    torch.manual_seed(0)
    with torch.device("cuda" if on_gpu() else "cpu"):
        model = LlamaForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    return {"weights": sum(each.numel() for each in model.parameters())}


def write_pairs(path: Path) -> None:
    rows = ({"instruction": each.instruction, "output": each.response} for each in samples(PAIRS, seed=9))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def speed(found: Findings, name: str, size: int, methods: tuple[str, ...], beside: tuple[str, ...]) -> None:
    """Ours, TRL's defaults `beside` it, and ours with fused kernels: once taken they stay for the rest of a process."""
    import benchmarks.training as both

    both.TRAIN, both.BATCH = (LEARNT, size) if on_gpu() else (24, 8)
    model, pairs = found.scratch / name, found.scratch / "pairs.jsonl"
    sys.modules["liger_kernel"] = None  # type: ignore[assignment]
    for how in beside:
        found(f"{how}-ours", lambda how=how: trained(both.ours, how, model, pairs))  # type: ignore[misc]
        found(f"{how}-trl", lambda how=how: trained(both.trl, how, model, pairs))  # type: ignore[misc]
    del sys.modules["liger_kernel"]
    for how in methods:
        found(f"{how}-fused", lambda how=how: trained(both.ours, how, model, pairs))  # type: ignore[misc]


def trained(work: Callable[..., dict[str, Any]], method: str, model: Path, pairs: Path) -> dict[str, Any]:
    import gc

    import torch

    gc.collect()
    if on_gpu():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    with tempfile.TemporaryDirectory() as place:
        told = work(method, model, pairs, Path(place))
    memory = torch.cuda.max_memory_allocated() if on_gpu() else 0
    return {**told, "memory_gb": round(memory / 1e9, 3)}


def qlora(found: Findings) -> None:
    """Killed and resumed as a worker does it, its adapter loaded again, beside LoRA on the same pairs."""
    settings = {"epochs": 1.0, "save_every": 10, "batch_size": 8}
    lora = prepared(found.scratch / "run-lora", found.scratch / "large", method="lora", **settings)
    found("lora", lambda: run_through(lora, 1))
    squeezed = prepared(found.scratch / "run-qlora", found.scratch / "large", method="qlora", **settings)
    found("killed", lambda: killed(squeezed, 15 if on_gpu() else 2))
    found("qlora", lambda: run_through(squeezed, 2))
    found("again", lambda: loaded_again(squeezed))


def loaded_again(run: Any) -> dict[str, Any]:
    """The adapter over the whole weights: how far its loss is from the one that was measured over the squeezed ones."""
    from benchmarks.training import held_out_loss
    from ml.loading import load_model
    from ml.store import ModelRef

    reference = ModelRef.from_json(run.read_done()["model"])
    loaded = load_model(reference)
    return {"held_out_loss": held_out_loss(loaded.model, Path(reference.path), run.path.parent / "pairs.jsonl")}


def probe(found: Findings) -> None:
    """What a trial foretells; `qlora` beside it says what the same LoRA run then took."""
    run = prepared(found.scratch / "run-probe", found.scratch / "large", epochs=1.0, save_every=10, batch_size=8)
    for method in ("lora", "full", "partial", "qlora"):
        words = ["probe", str(run.path), "--method", method, "--seconds", "4"]
        found(method, lambda words=words: json.loads(ml(*words)))  # type: ignore[misc]


def answers(found: Findings) -> None:
    """New tokens a second of both models, and beside them the model library's own way to generate."""
    for name in SHAPES:
        for size in (8, 64):
            found(f"{name}-{size}", lambda name=name, size=size: answered(found.scratch, name, size))  # type: ignore[misc]
        found(f"{name}-library-64", lambda name=name: by_library(found.scratch / name, 64))  # type: ignore[misc]


def answered(scratch: Path, name: str, size: int) -> dict[str, Any]:
    from ml.prompting import Template
    from ml.rundir import GenerateSettings, RunDir, RunSpec
    from ml.store import ModelRef

    run = RunDir(scratch / f"answers-{name}-{size}")
    asked = GenerateSettings(max_new_tokens=64, batch_size=size)
    run.write_spec(RunSpec("generate", "bench", ModelRef.of(scratch / name), Template(), generate=asked))
    run.items_path.write_text("".join(json.dumps(each.to_json()) + "\n" for each in examples(128 if on_gpu() else 8)))
    ml("generate", str(run.path), "--attempt", "1")
    done = run.read_done() or {}
    return {key: done[key] for key in ("items", "new_tokens", "seconds", "tokens_per_second")}


def by_library(model: Path, size: int) -> dict[str, Any]:
    import torch

    from ml.loading import load_model
    from ml.prompting import Template, encode_prompt
    from ml.store import ModelRef

    loaded = load_model(ModelRef.of(model))
    prompts = [encode_prompt(each, Template(), loaded.tokenizer) for each in examples(size if on_gpu() else 4)]
    longest = max(map(len, prompts))
    ids = torch.tensor([[2] * (longest - len(each)) + each for each in prompts], device=loaded.device)
    mask = torch.tensor([[0] * (longest - len(each)) + [1] * len(each) for each in prompts], device=loaded.device)
    asked = {"input_ids": ids, "attention_mask": mask, "do_sample": False, "max_new_tokens": 64}
    loaded.model.generate(**{**asked, "max_new_tokens": 2})
    began = time.perf_counter()
    given = loaded.model.generate(**asked, min_new_tokens=64)
    count = (given.shape[1] - longest) * len(prompts)
    return {"tokens_per_second": round(count / (time.perf_counter() - began), 1), "new_tokens": count}


def memory(found: Findings) -> None:
    """A training that does not fit beside what others hold: what it says, and that half the pairs at once fit."""
    import torch

    held = None
    if on_gpu():
        free, _ = torch.cuda.mem_get_info()
        held = torch.empty(max(0, free - LEFT_FREE), dtype=torch.uint8, device="cuda")
    size, times = 16, 1
    for number in range(1, 5):
        settings = {"method": "full", "batch_size": size, "accumulation": times, "max_steps": 3, "learning_rate": 2e-5}
        run = prepared(found.scratch / f"run-memory-{number}", found.scratch / "small", long=True, **settings)
        told = found(f"{size} at once, {times} times", lambda run=run: run_through(run, 1))  # type: ignore[misc]
        if "step_losses" in told and not told.get("error"):
            break
        size, times = size // 2, times * 2
    found("held_gb", lambda: {"bytes": held.numel() if held is not None else 0})


def examples(count: int, long: bool = False) -> list[Any]:
    from ml.prompting import Example

    found = []
    for number, each in enumerate(samples(count, seed=11)):
        response = each.response * 12 if long else each.response
        part = "train" if number % 10 else "develop"
        found.append(Example(id=str(number), instruction=each.instruction, response=response, part=part))
    return found


def prepared(path: Path, model: Path, long: bool = False, **settings: Any) -> Any:
    """A run directory as a worker writes it."""
    from ml.hashing import file_sha256
    from ml.prompting import Template
    from ml.recipe import Recipe
    from ml.rundir import DataRef, RunDir, RunSpec
    from ml.store import ModelRef

    path.mkdir()
    run = RunDir(path)
    pairs = examples((100 if long else LEARNT) if on_gpu() else 40, long)
    run.pairs_path.write_text("".join(json.dumps(each.to_json()) + "\n" for each in pairs))
    recipe = replace(Recipe(), **{"max_tokens": 2048, "learning_rate": 2e-4, **settings})
    data = DataRef(sha256=file_sha256(run.pairs_path))
    run.write_spec(RunSpec("train", path.name, ModelRef.of(model), Template(), recipe=recipe, data=data))
    return run


def run_through(run: Any, attempt: int) -> dict[str, Any]:
    """The attempt to its end, and what it told."""
    process = train(run, attempt)
    code = process.wait(90)
    events = run.read_events(attempt)
    steps = [event for event in events if event["type"] == "step"]
    errors = [event for event in events if event["type"] == "error"]
    done = run.read_done() or {}
    kept = ("develop_loss_before", "develop_loss_after", "tokens_per_second", "seconds", "precision", "resumed_from")
    return {
        "code": code,
        "error": {"code": errors[0]["code"], "message": errors[0]["message"][:300]} if errors else None,
        "ready": [event["message"] for event in events if event.get("name") in ("ready", "padding")],
        "step_losses": [round(event["loss"], 3) for event in steps[:2] + steps[-2:]],
        "memory_gb": round(max((event["memory"] for event in steps), default=0) / 1e9, 3),
        **{key: done.get(key) for key in kept},
        **({} if done else {"log": (run.path / f"log-{attempt}").read_text()[-800:]}),
    }


def killed(run: Any, step: int) -> dict[str, Any]:
    """An attempt that is killed after a step."""
    process = train(run, 1)
    deadline = time.monotonic() + 80
    while time.monotonic() < deadline and process.poll() is None:
        if any(event["type"] == "step" and event["step"] >= step for event in run.read_events(1)):
            break
        time.sleep(0.02)
    alive = process.poll() is None
    if alive:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    log = {} if alive else {"log": (run.path / "log-1").read_text()[-1500:]}
    return {"killed": alive, "steps": sum(event["type"] == "step" for event in run.read_events(1)), **log}


def train(run: Any, attempt: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ml", "train", str(run.path), "--attempt", str(attempt)]
    with (run.path / f"log-{attempt}").open("wb") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)


def ml(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", "ml", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"python -m ml {words[0]} failed: {done.stderr[-1200:]}")
    return done.stdout


def on_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def where() -> str:
    from benchmarks.training import where as named

    return named()


PARTS: dict[str, Callable[[Findings], None]] = {
    "models": models,
    "speed-small": lambda found: speed(found, "small", 8, ("lora", "full"), ("lora", "full")),
    "speed-large": lambda found: speed(found, "large", 8, ("lora", "full"), ("lora",)),
    "speed-wide": lambda found: speed(found, "small", 32, ("lora",), ("lora",)),
    "qlora": qlora,
    "probe": probe,
    "answers": answers,
    "memory": memory,
}

if __name__ == "__main__":
    os.environ |= {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}
    if sys.argv[1] == "--part":
        PARTS[sys.argv[2]](Findings(sys.argv[2], Path(sys.argv[3])))
    else:
        sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
