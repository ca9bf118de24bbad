"""A model's tokenizer, read from its folder with the `tokenizers` package alone."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import tokenizers

from ml.hashing import json_sha256, text_sha256
from ml.phrases import Phrase, gettext_noop

# Private-use characters that stand around a control token typed by a person; dropped from texts that contain them.
_OPEN, _CLOSE = "\ue0f0", "\ue0f1"
_SPECIAL_NAMES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


class TokenizerError(ValueError):
    """A tokenizer folder cannot be used; the message says which file and why."""

    code = "tokenizer"


@dataclass(frozen=True)
class Tokenizer:
    """Encodes and decodes exactly like the model library, without importing it. Make one with `Tokenizer.load`."""

    chat_template: str
    template_variables: dict[str, str]
    bos_id: int | None
    eos_id: int
    bos_token: str
    eos_token: str
    pad_id: int
    adds_bos: bool
    stop_ids: tuple[int, ...]
    fingerprint: str
    _with_control: tokenizers.Tokenizer = field(repr=False)
    _as_text: tokenizers.Tokenizer = field(repr=False)

    @classmethod
    def load(cls, folder: Path | str) -> Tokenizer:
        """Read `tokenizer.json`, `tokenizer_config.json` and the chat template of a model folder.

        Raises TokenizerError if there is no fast tokenizer or no end-of-text token.
        """
        root = Path(folder)
        path = root / "tokenizer.json"
        if not path.is_file():
            text = gettext_noop("%(folder)s has no tokenizer.json. Only models with a fast tokenizer can be used.")
            raise TokenizerError(Phrase(text, folder=str(root)))
        text = path.read_text(encoding="utf-8")
        config = _read_json(root / "tokenizer_config.json")
        names = _special_tokens(config)
        with_control, as_text = _make(path, text), _make(path, text)
        as_text.encode_special_tokens = True
        bos, eos = names.get("bos_token", ""), names.get("eos_token", "")
        eos_id = with_control.token_to_id(eos) if eos else None
        if eos_id is None:
            text = gettext_noop(
                "The tokenizer in %(folder)s names no end-of-text token (eos_token), so no model could learn where an "
                "answer ends."
            )
            raise TokenizerError(Phrase(text, folder=str(root)))
        bos_id = with_control.token_to_id(bos) if bos else None
        pad_id = with_control.token_to_id(names["pad_token"]) if "pad_token" in names else None
        return cls(
            chat_template=_chat_template(root, config),
            template_variables=names,
            bos_id=bos_id,
            eos_id=eos_id,
            bos_token=bos,
            eos_token=eos,
            pad_id=eos_id if pad_id is None else pad_id,
            adds_bos=bos_id is not None and with_control.encode("a").ids[:1] == [bos_id],
            stop_ids=_stop_ids(root, eos_id),
            fingerprint=_fingerprint(json.loads(text), names),
            _with_control=with_control,
            _as_text=as_text,
        )

    @property
    def vocabulary_size(self) -> int:
        """Number of token ids, added ones included: the highest id plus one."""
        return max(self._with_control.get_vocab(with_added_tokens=True).values()) + 1

    @property
    def template_fingerprint(self) -> str:
        """SHA-256 of the chat template's source."""
        return text_sha256(self.chat_template)

    def token_to_id(self, token: str) -> int | None:
        return self._with_control.token_to_id(token)

    def id_to_token(self, token_id: int) -> str | None:
        return self._with_control.id_to_token(token_id)

    def encode(self, text: str) -> list[int]:
        """Token ids, nothing added. Marked control tokens (see `mark`) become ordinary text, others themselves."""
        if _OPEN not in text and _CLOSE not in text:
            return self._with_control.encode(text, add_special_tokens=False).ids
        ids: list[int] = []
        for number, piece in enumerate(self._marked.split(text)):
            tokenizer = self._as_text if number % 2 else self._with_control
            if piece:
                ids += tokenizer.encode(piece.strip(_OPEN + _CLOSE), add_special_tokens=False).ids
        return ids

    def encode_texts(self, texts: list[str]) -> list[list[int]]:
        """Token ids of plain texts, nothing added; a control token that stands in a text is text."""
        return [found.ids for found in self._as_text.encode_batch_fast(texts, add_special_tokens=False)]

    def count(self, text: str) -> int:
        """Number of tokens of a plain text, control tokens in it counted as text."""
        return len(self.encode(self.mark(text)))

    def decode(self, ids: list[int], *, skip_special: bool = False) -> str:
        return self._with_control.decode(ids, skip_special_tokens=skip_special)

    def mark(self, text: str) -> str:
        """Wrap each control token that stands in a person's text, so that `encode` writes it as text."""
        if _OPEN in text or _CLOSE in text:
            text = text.replace(_OPEN, "").replace(_CLOSE, "")
        return self._control.sub(lambda found: f"{_OPEN}{found.group()}{_CLOSE}", text)

    def has_control(self, text: str) -> bool:
        """Whether a person's text contains one of the model's control tokens."""
        return bool(self._control.search(text))

    def split_at_end(self, text: str) -> tuple[str, str, str]:
        """Cut an answer at its first unmarked control token that ends a turn: (before, end token, after).

        The end token is "" when there is none.
        """
        for found in self._ends.finditer(text):
            if text[found.start() - 1 : found.start()] != _OPEN:
                return text[: found.start()], found.group(), text[found.end() :]
        return text, "", ""

    @cached_property
    def control_tokens(self) -> tuple[str, ...]:
        """The added tokens that are marked special, longest first."""
        added = self._with_control.get_added_tokens_decoder().values()
        return tuple(sorted((token.content for token in added if token.special), key=len, reverse=True))

    @cached_property
    def _control(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self.control_tokens)) or "(?!)")

    @cached_property
    def _ends(self) -> re.Pattern[str]:
        never = {self.bos_token} - {self.eos_token}
        return re.compile("|".join(re.escape(token) for token in self.control_tokens if token not in never) or "(?!)")

    @cached_property
    def _marked(self) -> re.Pattern[str]:
        return re.compile(f"({_OPEN}(?:{self._control.pattern}){_CLOSE})")


def _make(path: Path, text: str) -> tokenizers.Tokenizer:
    try:
        made = tokenizers.Tokenizer.from_str(text)
    except Exception as error:  # the Rust side raises a bare Exception for every malformed file
        text = gettext_noop("%(file)s is not a readable tokenizer file: %(reason)s")
        raise TokenizerError(Phrase(text, file=str(path), reason=str(error))) from error
    made.no_truncation()
    made.no_padding()
    return made


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        text = gettext_noop("%(file)s is not valid JSON: %(reason)s")
        raise TokenizerError(Phrase(text, file=str(path), reason=str(error))) from error
    if not isinstance(value, dict):
        raise TokenizerError(Phrase(gettext_noop("%(file)s must hold a JSON object."), file=str(path)))
    return value


def _special_tokens(config: dict[str, Any]) -> dict[str, str]:
    names: dict[str, str] = {}
    for name in _SPECIAL_NAMES:
        value = config.get(name)
        text = value.get("content") if isinstance(value, dict) else value
        if isinstance(text, str) and text:
            names[name] = text
    return names


def _chat_template(root: Path, config: dict[str, Any]) -> str:
    path = root / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    found = config.get("chat_template")
    if isinstance(found, list):
        named = {entry.get("name"): entry.get("template") for entry in found if isinstance(entry, dict)}
        found = named.get("default")
    return found if isinstance(found, str) else ""


def _stop_ids(root: Path, eos_id: int) -> tuple[int, ...]:
    found = _read_json(root / "generation_config.json").get("eos_token_id")
    listed = found if isinstance(found, list) else [found]
    return tuple(sorted({eos_id, *(value for value in listed if isinstance(value, int))}))


def _fingerprint(tokenizer: dict[str, Any], names: dict[str, str]) -> str:
    # Truncation and padding are how a file was last used, not what the tokenizer is.
    kept = {key: value for key, value in tokenizer.items() if key not in ("truncation", "padding")}
    return json_sha256({"tokenizer": kept, "special_tokens": names})
