"""The command line's words. Each command imports what it needs when it runs: `audit` and `rate` never load torch."""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from ml.lifeline import VARIABLE as LIFELINE
from ml.phrases import Phrase, beside
from ml.priority import give_way

Command = Callable[[list[str]], int]

# Modules with a table COMMANDS: name -> function(arguments) returning the exit code.
_MODULES = {
    "train": "ml.commands_run",
    "generate": "ml.commands_run",
    "audit": "ml.audit",
    "inspect": "ml.commands_run",
    "measure": "ml.commands_run",
    "unpack": "ml.archive",
    "try-template": "ml.template_trial",
    "pack": "ml.tables.packing",
    "rows": "ml.tables.command",
    "starter": "ml.starter",
    "starter-embedder": "ml.starter",
    "embed": "ml.embed",
    "extract": "ml.documents.command",
    "probe": "ml.commands_run",
    "tiny": "ml.tiny",
    "scratch": "ml.scratch",
    "corpus": "ml.corpus.command",
    "serve": "ml.serve.command",
    "check": "ml.commands_text",
    "rate": "ml.commands_text",
    "agree": "ml.commands_text",
}


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code: 0 done, 1 failed with a sentence, 2 wrong use."""
    parser = argparse.ArgumentParser(prog="python -m ml", description="Train, ask and examine models.")
    parser.add_argument("command", choices=sorted(_MODULES))
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    chosen = parser.parse_args(arguments[:1])
    if LIFELINE in os.environ and chosen.command != "serve":  # a worker's child; the model server answers people
        give_way()
    # Each command belongs to a module with a cost of its own; torch takes seconds to import.
    commands: dict[str, Command] = load(_MODULES[chosen.command]).COMMANDS
    return commands[chosen.command](list(arguments[1:]))


def load(module: str) -> ModuleType:
    """The module, imported now. Torch and transformers bring a million objects that stay: the garbage collector, which
    would walk over them again and again, is told to leave them alone. Saves a fifth of a child's start."""
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        gc.freeze()
        gc.enable()


def print_json(value: Any) -> None:
    """Print a result for programs."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def fail(message: str) -> int:
    """Print a sentence to the error output, and for programs what a phrase was made of; returns exit code 1."""
    sys.stderr.write(f"{message}\n")
    if isinstance(message, Phrase):
        print_json({"error": message, **beside(message)})
    return 1
