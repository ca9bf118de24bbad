"""Models in folders: what a reference to a model is, its fingerprints, and which folders are safe to open."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.hashing import folder_manifest, json_sha256
from ml.phrases import Phrase, gettext_noop
from ml.prompting.tokenizer import Tokenizer

ARCHIVES = (".zip", ".whl", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")  # what ml.archive opens, by ending
_PICKLES = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".npy", ".npz", ".h5", ".msgpack"}
_CODE = {".py", ".pyc", ".so", ".dll", ".sh", ".exe"}
_TOKENIZER_FILES = {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"}
_SETTINGS = {"config.json", "generation_config.json", "adapter_config.json", "model.safetensors.index.json"}


class UnsafeModelError(ValueError):
    """A model folder holds something that could run code or escape the folder; the message names the file."""

    code = "unsafe_model"


class FingerprintError(ValueError):
    """A model or tokenizer is not the one that was promised; the message says which and what to do."""

    code = "fingerprint"


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model by place and fingerprint: `path` holds base weights and tokenizer, `adapter` (or None) a LoRA adapter."""

    path: str
    adapter: str | None
    fingerprint: str
    tokenizer_fingerprint: str

    @classmethod
    def of(cls, path: Path | str, adapter: Path | str | None = None) -> ModelRef:
        """Make a reference from folders, computing both fingerprints."""
        folder = Path(path).resolve()
        place = str(Path(adapter).resolve()) if adapter else None
        return cls(str(folder), place, fingerprint(folder), tokenizer_fingerprint(folder))

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ModelRef:
        """Read the JSON form; raises ValueError if a key is missing or mistyped or a path is not absolute."""
        texts = {key: value.get(key) for key in ("path", "fingerprint", "tokenizer_fingerprint")}
        for key, text in texts.items():
            if not isinstance(text, str) or not text:
                raise ValueError(f"A model reference needs the text {key}.")
        adapter = value.get("adapter")
        if adapter is not None and not isinstance(adapter, str):
            raise ValueError("The adapter of a model reference is a folder or null.")
        for place in (texts["path"], adapter):
            if place is not None and not Path(place).is_absolute():
                raise ValueError(f"A model reference needs absolute folders, but {place} is relative.")
        return cls(adapter=adapter, **texts)  # type: ignore[arg-type]

    def to_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "adapter": self.adapter,
            "fingerprint": self.fingerprint,
            "tokenizer_fingerprint": self.tokenizer_fingerprint,
        }

    def verify(self) -> None:
        """Compare both fingerprints with the folder as it is now; raises FingerprintError or UnsafeModelError."""
        check_safe_folder(self.path)
        if self.adapter:
            check_safe_folder(self.adapter)
            self._verify_adapter(Path(self.adapter))
        found = tokenizer_fingerprint(self.path)
        if found != self.tokenizer_fingerprint:
            text = gettext_noop(
                "This work was prepared with the tokenizer %(expected)s, but %(model)s in %(folder)s has the tokenizer "
                "%(found)s. Restore the model's files or register the changed model as a new one."
            )
            names = {"model": named(self.path), "folder": self.path}
            raise FingerprintError(
                Phrase(text, expected=short(self.tokenizer_fingerprint), found=short(found), **names)
            )
        if fingerprint(self.path) != self.fingerprint:
            text = gettext_noop(
                "The model in %(folder)s has changed since it was registered. "
                "Restore its files or register the changed model as a new one."
            )
            raise FingerprintError(Phrase(text, folder=self.path))

    def _verify_adapter(self, folder: Path) -> None:
        facts = folder / "apprentice.json"
        found = json.loads(facts.read_text(encoding="utf-8")) if facts.is_file() else {}
        for name, expected in (
            ("tokenizer_fingerprint", self.tokenizer_fingerprint), ("base_fingerprint", self.fingerprint)
        ):  # fmt: skip
            theirs = str(found.get(name, expected))
            if theirs != expected:
                values = {"folder": str(folder), "theirs": short(theirs), "ours": short(expected)}
                raise FingerprintError(
                    Phrase(_NOT_ITS_OWN[name], base=_base_of(found), model=named(self.path), **values)
                )


_NOT_ITS_OWN = {
    "tokenizer_fingerprint": gettext_noop(
        "The adapter in %(folder)s was trained for %(base)s with the tokenizer %(theirs)s, but %(model)s has the "
        "tokenizer %(ours)s. Use it with the base model it was trained on."
    ),
    "base_fingerprint": gettext_noop(
        "The adapter in %(folder)s was trained for %(base)s with the weights %(theirs)s, but %(model)s has the "
        "weights %(ours)s. Use it with the base model it was trained on."
    ),
}


def _base_of(facts: dict[str, Any]) -> str:
    return f"“{facts['base_name']}”" if facts.get("base_name") else Phrase(gettext_noop("another model"))


def named(folder: Path | str) -> str:
    """A model by the name that its folder gives itself, in quotes; else by the folder's own."""
    facts = Path(folder) / "apprentice.json"
    found = json.loads(facts.read_text(encoding="utf-8")) if facts.is_file() else {}
    return f"“{found.get('name') or Path(folder).name}”"


def short(digest: str) -> str:
    """Enough of a fingerprint to tell it from another."""
    return f"{digest[:12]}…"


def fingerprint(folder: Path | str) -> str:
    """SHA-256 over the sorted names and digests of weights, configuration and tokenizer. Other files do not count."""
    manifest = folder_manifest(folder, keep=_counts)
    return json_sha256({name: entry["sha256"] for name, entry in manifest.items()})


def tokenizer_fingerprint(folder: Path | str) -> str:
    """SHA-256 of the canonical tokenizer.json and its special tokens; the chat template has its own fingerprint."""
    return Tokenizer.load(folder).fingerprint


def template_fingerprint(folder: Path | str) -> str:
    """SHA-256 of the chat template's source (of the empty text if there is none)."""
    return Tokenizer.load(folder).template_fingerprint


def check_safe_folder(folder: Path | str) -> None:
    """Refuse a folder with pickled weights, code, or links. Raises UnsafeModelError naming the file."""
    root = Path(folder)
    if not root.is_dir():
        raise UnsafeModelError(Phrase(gettext_noop("There is no model folder %(folder)s."), folder=str(root)))
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            text = gettext_noop("%(file)s is a symbolic link. Copy the file itself into the model folder.")
            raise UnsafeModelError(Phrase(text, file=name))
        if path.suffix.lower() in _PICKLES:
            text = gettext_noop(
                "%(file)s may hold pickled data, which can run code when opened. Only safetensors weights are read; "
                "remove the file or convert it elsewhere."
            )
            raise UnsafeModelError(Phrase(text, file=name))
        if path.suffix.lower() in _CODE:
            text = gettext_noop("%(file)s is program code. A model folder must not bring code; remove the file.")
            raise UnsafeModelError(Phrase(text, file=name))


def _counts(name: str) -> bool:
    return "/" not in name and (name.endswith(".safetensors") or name in _TOKENIZER_FILES or name in _SETTINGS)
