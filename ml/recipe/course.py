"""Settings of a training: what is measured and kept on the way, and how the machine is used."""

from __future__ import annotations

from dataclasses import dataclass

from ml.phrases import gettext_noop
from ml.recipe.setting import SAME, setting


@dataclass(frozen=True)
class Course:
    """What is measured and kept on the way, and how the machine is used."""

    seed: int = setting(
        0,
        gettext_noop("Seed"),
        gettext_noop("Decides everything that is random: order of the pairs, new weights, dropout."),
        time=SAME,
        memory=SAME,
        quality=gettext_noop(
            "The same seed on the same machine gives the same model; another one shows how much is chance."
        ),
        minimum=0,
        maximum=2**31 - 1,
        advanced=True,
    )
    eval_every: int = setting(
        0,
        gettext_noop("Measure every"),
        gettext_noop("Measure the loss on the develop part after this many steps; 0 measures only before and after."),
        time=gettext_noop("Each measurement reads the develop part once."),
        memory=SAME,
        quality=gettext_noop("Shows when the model stops getting better."),
        unit="steps",
        minimum=0,
        maximum=1_000_000,
        advanced=True,
    )
    best_by: str = setting(
        "last",
        gettext_noop("Which state becomes the model"),
        gettext_noop("The state after the last step, or the best of those that were measured on the way."),
        time=gettext_noop("Comparing answers takes longer than the loss."),
        memory=gettext_noop("The same; one checkpoint more on the disk."),
        quality=gettext_noop(
            "The best one guards against training too long. Comparing answers says more than the loss."
        ),
        choices=(
            ("last", gettext_noop("The last one")),
            ("develop_loss", gettext_noop("The one with the lowest develop loss")),
            ("answers", gettext_noop("The one whose answers to develop questions are nearest to people's (chrF)")),
        ),
        advanced=True,
    )
    patience: int = setting(
        0,
        gettext_noop("Patience"),
        gettext_noop("End early after so many measurements without a better one; 0 always trains to the end."),
        time=gettext_noop("Saves time when nothing more is learned."),
        memory=SAME,
        quality=gettext_noop("Too little patience ends a training before it has learned what it could."),
        unit="measurements",
        minimum=0,
        maximum=1000,
        advanced=True,
    )
    save_every: int = setting(
        0,
        gettext_noop("Save every"),
        gettext_noop(
            "Save a checkpoint after this many steps; 0 saves up to ten times a run, while that costs little time."
        ),
        time=gettext_noop("Each checkpoint takes as long as the disk needs."),
        memory=SAME,
        quality=gettext_noop("The same; after a crash, work continues from the last checkpoint."),
        unit="steps",
        minimum=0,
        maximum=1_000_000,
        advanced=True,
    )
    keep_checkpoints: int = setting(
        2,
        gettext_noop("Checkpoints kept"),
        gettext_noop("How many of the newest checkpoints stay on disk while the run goes on."),
        time=SAME,
        memory=gettext_noop("The same; each takes room on the disk."),
        quality=gettext_noop("The same; older ones are there to go back to."),
        unit="checkpoints",
        minimum=1,
        maximum=1000,
        advanced=True,
    )
    threads: int = setting(
        0,
        gettext_noop("Processor threads"),
        gettext_noop("How many processor cores the training uses; 0 uses all physical ones."),
        time=gettext_noop("Fewer take longer, and leave room for other work on the same machine."),
        memory=SAME,
        quality=SAME,
        unit="threads",
        minimum=0,
        maximum=1024,
        advanced=True,
    )
    gradient_checkpointing: bool = setting(
        False,
        gettext_noop("Compute again instead of remembering"),
        gettext_noop(
            "Forget what each layer computed and compute it again when it is needed (gradient checkpointing)."
        ),
        time=gettext_noop("About a third more."),
        memory=gettext_noop("Far less for long pairs."),
        quality=SAME,
        advanced=True,
    )
    precision: str = setting(
        "auto",
        gettext_noop("Number format"),
        gettext_noop("How numbers are kept while computing."),
        time=gettext_noop("16 bits are quicker where the hardware has them, slower elsewhere."),
        memory=gettext_noop("16 bits need half as much."),
        quality=gettext_noop("32 bits are exact; the difference is rarely to be seen."),
        choices=(
            ("auto", gettext_noop("What this machine does best")),
            ("float32", gettext_noop("32 bits: exact and slow")),
            ("bfloat16", gettext_noop("16 bits: faster on newer hardware")),
        ),
        advanced=True,
    )
