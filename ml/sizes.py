"""The sizes a new model can have, in words. Needs neither torch nor transformers: the web's forms read it."""

from __future__ import annotations

from dataclasses import dataclass

CONTEXT = 1024  # positions that a new model holds


@dataclass(frozen=True, slots=True)
class ModelSize:
    """`width`: numbers a token; `inner`: those of the feed-forward part; `heads` of attention; `vocabulary`: tokens."""

    label: str
    remark: str
    width: int
    inner: int
    layers: int
    heads: int
    vocabulary: int

    @property
    def parameters(self) -> int:
        """Weights of a Llama of this shape with tied embeddings and a full vocabulary."""
        layer = 4 * self.width**2 + 3 * self.width * self.inner + 2 * self.width
        return self.vocabulary * self.width + self.layers * layer + self.width


SIZES: dict[str, ModelSize] = {
    "tiny": ModelSize("Tiny", "Learns spelling in a minute.", 128, 352, 4, 4, 1024),
    "small": ModelSize("Small", "Learns words and phrases in minutes on a processor.", 256, 704, 4, 4, 2048),
    "medium": ModelSize(
        "Medium", "Writes sentences after hours on a processor, minutes on a GPU.", 512, 1408, 8, 8, 8192
    ),
    "large": ModelSize("Large", "Needs a GPU and hundreds of megabytes of text.", 768, 2048, 12, 12, 16384),
}
