"""`python -m ml …`: training, generation and everything around it, without the web application."""

from __future__ import annotations

import os

# Before any import that might read them: nothing here talks to a hub or sends telemetry, and no setting can change it.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["DO_NOT_TRACK"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ["TRANSFORMERS_NO_ADVISORY_WARNINGS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# Threads that wait for each other sleep instead of spinning: the web and the workers share these cores. Measured with
# seven other busy processes on two cores: matrix products three times faster, for a third of the processor time.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import sys

from ml.cli import main

# The model library's Trainer imports `datasets`, with pandas and Arrow, to ask whether our batches are of its kind,
# for a tenth of a training's start and 80 MB. None says that it is not there.
sys.modules["datasets"] = None  # type: ignore[assignment]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
