"""Models in memory, the least recently used leaving first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ml.loading import LoadedModel, load_model
from ml.store import ModelRef


class RefusedError(ValueError):
    """A request cannot be served: `status` is the HTTP status, `code` a stable name, the message a sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class ModelPool:
    """Loaded models within `memory_bytes` of weights. Used by one thread only.

    Only folders below `store` are ever opened.
    """

    def __init__(self, store: Path, memory_bytes: int, load: Callable[[ModelRef], LoadedModel] = load_model) -> None:
        self._store = store.resolve()
        self._memory = memory_bytes
        self._load = load
        self._models: OrderedDict[ModelRef, tuple[LoadedModel, int]] = OrderedDict()

    def check(self, ref: ModelRef) -> None:
        """Raise RefusedError unless every folder of the reference lies in the store."""
        for place in (ref.path, ref.adapter):
            if place and not Path(place).resolve().is_relative_to(self._store):
                raise RefusedError(403, "outside_store", f"{place} is not in the model store.")
            if place and not Path(place).is_dir():
                raise RefusedError(404, "no_such_model", f"There is no model in {place}.")

    def get(self, ref: ModelRef) -> LoadedModel:
        """The model, loaded if need be after others have left. Raises RefusedError and the errors of loading."""
        self.check(ref)
        if ref not in self._models:
            needed = _bytes_on_disk(ref)
            if needed > self._memory:
                raise RefusedError(
                    507,
                    "too_large",
                    f"The model needs {needed >> 20} MB, but the model server may use {self._memory >> 20} MB.",
                )
            while self._models and self.used + needed > self._memory:
                self._models.popitem(last=False)
            loaded = self._load(ref)
            self._models[ref] = (loaded, weight_bytes(loaded.model))
        self._models.move_to_end(ref)
        return self._models[ref][0]

    @property
    def used(self) -> int:
        """Bytes of weights held."""
        return sum(size for _, size in self._models.values())

    def names(self) -> list[str]:
        """Folders of the loaded models, the most recently used last."""
        return [ref.adapter or ref.path for ref in self._models]


def weight_bytes(model: Any) -> int:
    """Bytes of memory that the weights take."""
    return sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())


def _bytes_on_disk(ref: ModelRef) -> int:
    places = [Path(place) for place in (ref.path, ref.adapter) if place]
    return sum(path.stat().st_size for place in places for path in place.glob("*.safetensors"))
