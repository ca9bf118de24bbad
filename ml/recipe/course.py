"""Settings of a training: what is measured and kept on the way, and how the machine is used."""

from __future__ import annotations

from dataclasses import dataclass

from ml.phrases import gettext_noop
from ml.recipe.setting import setting


@dataclass(frozen=True)
class Course:
    """What is measured and kept on the way, and how the machine is used."""

    seed: int = setting(
        0,
        gettext_noop("Seed"),
        gettext_noop("Decides everything that is random: order of the pairs, new weights, dropout."),
        effect=gettext_noop("The same seed on the same machine gives the same model."),
        minimum=0,
        maximum=2**31 - 1,
        advanced=True,
    )
    eval_every: int = setting(
        0,
        gettext_noop("Measure every"),
        gettext_noop("Measure the loss on the develop part after this many steps; 0 measures only before and after."),
        effect=gettext_noop("Shows when the model stops getting better, and costs time."),
        unit="steps",
        minimum=0,
        maximum=1_000_000,
        advanced=True,
    )
    best_by: str = setting(
        "last",
        gettext_noop("Which state becomes the model"),
        gettext_noop("The state after the last step, or the best of those that were measured on the way."),
        effect=gettext_noop(
            "The best one guards against training too long. Comparing answers says more than the loss and takes longer."
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
        effect=gettext_noop("Saves time when nothing more is learned."),
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
        effect=gettext_noop("After a crash, work continues from the last checkpoint."),
        unit="steps",
        minimum=0,
        maximum=1_000_000,
        advanced=True,
    )
    keep_checkpoints: int = setting(
        2,
        gettext_noop("Checkpoints kept"),
        gettext_noop("How many of the newest checkpoints stay on disk while the run goes on."),
        minimum=1,
        maximum=1000,
        advanced=True,
    )
    threads: int = setting(
        0,
        gettext_noop("Processor threads"),
        gettext_noop("How many processor cores the training uses; 0 uses all physical ones."),
        effect=gettext_noop("Fewer threads leave room for other work on the same machine."),
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
        effect=gettext_noop("Needs far less memory for long pairs, and about a third more time."),
        advanced=True,
    )
    precision: str = setting(
        "auto",
        gettext_noop("Number format"),
        gettext_noop("How numbers are kept while computing."),
        effect=gettext_noop("bfloat16 halves memory and is faster where the hardware has it; elsewhere it is slower."),
        choices=(
            ("auto", gettext_noop("What this machine does best")),
            ("float32", gettext_noop("32 bits: exact and slow")),
            ("bfloat16", gettext_noop("16 bits: faster on newer hardware")),
        ),
        advanced=True,
    )
