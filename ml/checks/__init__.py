"""Text checks: the same ones run on experts' pairs and on models' outputs. docs/checks.md describes each."""

from ml.checks.base import AnyCheck, Check, CheckContext, Finding, Severity, TypicalLengths, text_fingerprint
from ml.checks.corpus import CorpusCheck, PairTexts, corpus_links, couples_of
from ml.checks.dictionaries import dictionary_languages, suggest, words_unlisted
from ml.checks.project_words import ProjectWords
from ml.checks.registry import all_checks, corpus_checks, default_checks, get_check, known_checks, run_checks

__all__ = [
    "AnyCheck",
    "Check",
    "CheckContext",
    "CorpusCheck",
    "Finding",
    "PairTexts",
    "ProjectWords",
    "Severity",
    "TypicalLengths",
    "all_checks",
    "corpus_checks",
    "corpus_links",
    "couples_of",
    "default_checks",
    "dictionary_languages",
    "get_check",
    "known_checks",
    "run_checks",
    "suggest",
    "text_fingerprint",
    "words_unlisted",
]
