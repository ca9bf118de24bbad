"""Settings of a training: how pairs and texts are read."""

from __future__ import annotations

from dataclasses import dataclass

from ml.phrases import gettext_noop
from ml.recipe.learning import OF_PAIRS, TEXT
from ml.recipe.setting import SAME, setting


@dataclass(frozen=True)
class Reading:
    """How pairs and texts are read."""

    max_tokens: int = setting(
        512,
        gettext_noop("Longest pair"),
        gettext_noop("Pairs with more tokens, prompt and response together, are left out and listed: nothing is cut."),
        time=gettext_noop("Longer pairs take longer."),
        memory=gettext_noop("The longest pairs decide how much is needed."),
        quality=gettext_noop("What is longer teaches nothing: too low a limit leaves good pairs out."),
        unit="tokens",
        minimum=16,
        maximum=131_072,
        objectives=OF_PAIRS,
    )
    block_tokens: int = setting(
        256,
        gettext_noop("Block of text"),
        gettext_noop(
            "The corpus is read as one stream of tokens and cut into blocks of this many; nothing is left out."
        ),
        time=gettext_noop("A longer block takes a little longer."),
        memory=gettext_noop("Grows with the length."),
        quality=gettext_noop("A longer block lets the model look back further."),
        unit="tokens",
        minimum=8,
        maximum=131_072,
        objectives=(TEXT,),
    )
    heldout_bytes: int = setting(
        100_000,
        gettext_noop("Held-out text measured"),
        gettext_noop("How much of the text that is kept apart is measured for perplexity and bits per byte."),
        time=gettext_noop("More takes longer at each measurement."),
        memory=SAME,
        quality=gettext_noop("The model stays the same; the number gets steadier."),
        unit="bytes",
        minimum=100,
        maximum=100_000_000,
        advanced=True,
        objectives=(TEXT,),
    )
    packing: bool = setting(
        True,
        gettext_noop("Pack pairs together"),
        gettext_noop(
            "Put the pairs of a batch into one row, each seeing only itself, instead of padding them to equal length."
        ),
        time=gettext_noop("Quicker where pairs differ in length."),
        memory=gettext_noop("Less, since nothing is padded."),
        quality=gettext_noop("The same: each run tries first whether its model can do it, and pads if not."),
        advanced=True,
        objectives=OF_PAIRS,
    )
