"""What a run is told: the frozen, validated contents of spec.json."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ml.prompting.shapes import Template
from ml.recipe import Recipe
from ml.store import ModelRef

FORMAT = 1
NETWORK = ("forbidden", "allowed")


class SpecError(ValueError):
    """A specification is malformed; the message names the field."""

    code = "specification"


@dataclass(frozen=True, slots=True)
class DataRef:
    """The pairs of a training: file name in the run directory, its sha256, the dataset version it came from, and the
    pairs of that version that a person left out to lift a block."""

    pairs: str = "pairs.jsonl"
    sha256: str = ""
    dataset_version: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GenerateSettings:
    """How to answer items.

    At most `max_new_tokens` each, `batch_size` at a time; `temperature` 0 is greedy, else sampling within `top_p` from
    `seed`; the texts in `stop` end an answer and are left out of it; `score_references` adds the mean negative
    log-likelihood (nats a token, end token included) of each item's own response. With `answers` above 0 only the first
    so many items are answered; the rest are scored alone and have the finish reason "not_asked".
    """

    items: str = "items.jsonl"
    answers: int = 0
    max_new_tokens: int = 200
    batch_size: int = 32  # a third less work an answer than with eight, and half the steps, on a processor
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    score_references: bool = False
    stop: tuple[str, ...] = ()
    threads: int = 0


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One run: `recipe` and `data` are there for kind `train`, `generate` for kind `generate`."""

    kind: Literal["train", "generate"]
    run_id: str
    model: ModelRef
    template: Template
    recipe: Recipe | None = None
    data: DataRef | None = None
    generate: GenerateSettings | None = None
    sample_prompts: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)
    store: str = ""
    network: Literal["forbidden", "allowed"] = "forbidden"

    def __post_init__(self) -> None:
        if self.kind == "train" and (self.recipe is None or self.data is None):
            raise SpecError("A training needs a recipe and data.")
        if self.kind == "generate" and self.generate is None:
            raise SpecError("A generation needs its settings.")
        if self.store and not Path(self.store).is_absolute():
            raise SpecError("The field store must be an absolute folder or empty.")

    @classmethod
    def from_json(cls, value: Any) -> RunSpec:
        """Read the JSON form of either kind. Raises SpecError with the field at fault."""
        if not isinstance(value, dict):
            raise SpecError("A specification must be a JSON object.")
        if value.get("format") != FORMAT:
            raise SpecError(f"The specification has format {value.get('format')!r}; this version reads {FORMAT}.")
        kind = value.get("kind")
        if kind not in ("train", "generate"):
            raise SpecError(f"The kind of a specification is train or generate, not {kind!r}.")
        if value.get("network", "forbidden") not in NETWORK:
            raise SpecError("The field network is forbidden or allowed.")
        try:
            return cls(kind=kind, **_common(value), **(_training(value) if kind == "train" else _generation(value)))
        except SpecError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise SpecError(f"The specification cannot be used: {error}") from error

    def to_json(self) -> dict[str, Any]:
        common = {
            "format": FORMAT,
            "kind": self.kind,
            "run_id": self.run_id,
            "model": self.model.to_json(),
            "template": self.template.to_json(),
            "provenance": self.provenance,
            "network": self.network,
        }
        if self.kind == "train" and self.recipe and self.data:
            return {
                **common,
                "recipe": self.recipe.to_json(),
                "data": {**_fields(self.data), "excluded": list(self.data.excluded)},
                "sample_prompts": list(self.sample_prompts),
                "store": self.store,
            }
        settings = _fields(self.generate) if self.generate else {}
        return {**common, **settings, "stop": list(settings.get("stop", ()))}


def _common(value: dict[str, Any]) -> dict[str, Any]:
    run_id, provenance = value.get("run_id", ""), value.get("provenance", {})
    if not isinstance(run_id, str | int) or not isinstance(provenance, dict):
        raise SpecError("The field run_id is a text and provenance an object.")
    return {
        "run_id": str(run_id),
        "model": ModelRef.from_json(value["model"]),
        "template": Template.from_json(value["template"]),
        "provenance": provenance,
        "network": value.get("network", "forbidden"),
    }


def _training(value: dict[str, Any]) -> dict[str, Any]:
    data = {key: value["data"][key] for key in DataRef.__dataclass_fields__ if key in value["data"]}
    return {
        "recipe": Recipe.from_json(value["recipe"]),
        "data": DataRef(
            **{
                **data,
                "pairs": _plain_name(data.get("pairs", "pairs.jsonl"), "data.pairs"),
                "excluded": tuple(str(pair) for pair in data.get("excluded", ())),
            }
        ),
        "sample_prompts": tuple(str(prompt) for prompt in value.get("sample_prompts", ())),
        "store": str(value.get("store") or ""),
    }


def _generation(value: dict[str, Any]) -> dict[str, Any]:
    given = {key: value[key] for key in GenerateSettings.__dataclass_fields__ if key in value}
    given["items"] = _plain_name(given.get("items", "items.jsonl"), "items")
    given["stop"] = tuple(str(text) for text in given.get("stop", ()) if text)
    settings = GenerateSettings(**given)
    for name, low, high in (
        ("answers", 0, 100_000_000),
        ("max_new_tokens", 1, 32768),
        ("batch_size", 1, 1024),
        ("temperature", 0, 10),
        ("top_p", 0, 1),
        ("threads", 0, 1024),
    ):
        number = getattr(settings, name)
        if isinstance(number, bool) or not isinstance(number, int | float) or not low <= number <= high:
            raise SpecError(f"The field {name} must be a number from {low} to {high}, not {number!r}.")
    return {"generate": settings}


def _plain_name(name: Any, key: str) -> str:
    if not isinstance(name, str) or not name or Path(name).name != name:
        raise SpecError(f"The field {key} must be the name of a file in the run directory, not {name!r}.")
    return name


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
