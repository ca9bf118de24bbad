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

import sys

from ml.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
