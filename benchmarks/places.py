"""Where the measurements find real models and pairs: what `make up` fetched, or what the environment names."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]


def home() -> Path:
    return Path(os.environ.get("APPRENTICE_HOME") or ROOT / "var").resolve()


def starter_model() -> Path | None:
    """The folder of the starter model, or of the one in APPRENTICE_BENCH_MODEL."""
    named = os.environ.get("APPRENTICE_BENCH_MODEL")
    return model_in(Path(named) if named else home() / "models" / "base" / "smollm2-135m-instruct")


def embedder() -> Path | None:
    """The folder of the embedding model, or of the one in APPRENTICE_BENCH_EMBEDDER."""
    named = os.environ.get("APPRENTICE_BENCH_EMBEDDER")
    return model_in(Path(named) if named else home() / "models" / "base" / "all-minilm-l6-v2")


def demo_pairs() -> Path | None:
    """The package with the demo pairs, or the JSONL file in APPRENTICE_BENCH_PAIRS."""
    named = os.environ.get("APPRENTICE_BENCH_PAIRS")
    if named:
        return Path(named)
    return next(iter(sorted(home().glob("downloads/zaragoza_construction_faq-*.whl"))), None)


def model_in(folder: Path) -> Path | None:
    return folder if (folder / "model.safetensors").is_file() else None
