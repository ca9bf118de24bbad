"""Which edition of this program and its libraries reads and answers with models.

What was answered or measured by another edition is not taken for what this one would do. It is the digest of the
sources themselves, so that nobody has to remember to raise a number.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from pathlib import Path

from ml.hashing import json_sha256, text_sha256

_LIBRARIES = ("torch", "transformers", "tokenizers")
_HERE = Path(__file__).parent


@cache
def edition() -> str:
    """SHA-256 over the sources of ml that have to do with models and prompts, and the libraries' versions."""
    sources = sorted([*_HERE.glob("*.py"), *(_HERE / "prompting").glob("*.py")])
    texts = {path.relative_to(_HERE).as_posix(): text_sha256(path.read_text(encoding="utf-8")) for path in sources}
    return json_sha256({**texts, **{name: version(name) for name in _LIBRARIES}})
