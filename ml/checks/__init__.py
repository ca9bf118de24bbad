"""Text checks: the same ones run on experts' pairs and on models' outputs. docs/checks.md describes each."""

from ml.checks.base import Check, CheckContext, Finding, Severity, TypicalLengths, text_fingerprint
from ml.checks.misspelling import suggest
from ml.checks.registry import all_checks, get_check, run_checks

__all__ = [
    "Check",
    "CheckContext",
    "Finding",
    "Severity",
    "TypicalLengths",
    "all_checks",
    "get_check",
    "run_checks",
    "suggest",
    "text_fingerprint",
]
