"""What of each text is compared with others, and where that is kept (models/likeness.py)."""

from collections.abc import Sequence

import numpy as np

from curation.choices import LikeKind
from curation.models import Likeness, LikenessBasis
from ml.containment import Grams
from ml.hashing import text_sha256
from ml.near_duplicates import Common, Unit
from ml.split import comparable, whole_prompt

# Of questions and answers: sketches by words and by letters, the shingles that these leave out, and grams.
SKETCH = {
    (LikeKind.PROMPT, Unit.WORDS): "prompt_sketch",
    (LikeKind.PROMPT, Unit.LETTERS): "prompt_letters",
    (LikeKind.RESPONSE, Unit.WORDS): "response_sketch",
    (LikeKind.RESPONSE, Unit.LETTERS): "response_letters",
}
COMMON = {
    (LikeKind.PROMPT, Unit.WORDS): "prompt_common",
    (LikeKind.PROMPT, Unit.LETTERS): "prompt_common_letters",
    (LikeKind.RESPONSE, Unit.WORDS): "response_common",
    (LikeKind.RESPONSE, Unit.LETTERS): "response_common_letters",
}
GRAMS = {LikeKind.PROMPT: "prompt_grams", LikeKind.RESPONSE: "response_grams"}
Texts = dict[LikeKind, dict[int, tuple[int, str]]]


def text_number(text: str) -> int:
    """64 bits that are equal for texts alike but for case, punctuation and blanks; 0 for a blank one."""
    key = comparable(text)
    return int.from_bytes(bytes.fromhex(text_sha256(key)[:16]), "big", signed=True) if key else 0


def read_texts(revisions: Sequence[int]) -> Texts:
    """By kind and revision: the hash and the text of what is compared, "" where nothing is."""
    found: Texts = {kind: {} for kind in LikeKind}
    names = (
        "input",
        "whole",
        "prompt",
        "response",
        *(f"revision__{name}" for name in ("instruction", "input", "response")),
    )
    rows = Likeness.objects.filter(revision__in=revisions).order_by("revision_id")
    for revision, given, whole, prompt, answer, *texts in rows.values_list("revision_id", *names):
        asked = texts[1] if prompt == given and prompt != whole else whole_prompt(texts[0], texts[1])
        found[LikeKind.PROMPT][revision] = (prompt, asked if prompt else "")
        found[LikeKind.RESPONSE][revision] = (answer, texts[2] if answer else "")
    return found


def common_of(basis: LikenessBasis, kind: LikeKind) -> Common:
    """The shingles that sketches of this kind leave out."""
    return {unit: np.frombuffer(bytes(getattr(basis, COMMON[kind, unit])), dtype=np.uint64) for unit in Unit}


def grams_of(basis: LikenessBasis, texts: Sequence[str]) -> Grams:
    return Grams.of(texts).without(np.frombuffer(bytes(basis.common_grams), dtype=np.uint32))
