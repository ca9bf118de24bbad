"""The text checks on a pair: while it is typed, when it is submitted, and by a job after an import."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.core.cache import cache

from curation.choices import PairState
from curation.fingerprints import TEXT_FIELDS, Texts
from curation.models import CheckedText, Dismissal, Finding, GlossaryWord, Pair, Revision, Task
from curation.services.tokens import count_tokens, task_tokenizer
from ml.checks import CheckContext, TypicalLengths, all_checks, run_checks, text_fingerprint
from ml.checks import Finding as Found
from ml.hashing import json_sha256
from ml.prompting import Tokenizer
from ml.words import count_words

LENGTHS_SECONDS = 600
LENGTHS_SAMPLE = 500


@dataclass(frozen=True)
class Surroundings:
    """What the checks need to know besides a pair's texts; made once for many pairs."""

    task: Task
    tokenizer: Tokenizer | None
    lengths: TypicalLengths | None
    glossaries: dict[str, frozenset[str]]

    def context(self, texts: Texts, field: str, tokens: int | None) -> CheckContext:
        """The response answers instruction and input, so their words are accepted in it; it alone has the limits."""
        context = CheckContext(
            language=texts.language, field=field, glossary=self.glossaries.get(texts.language, frozenset())
        )
        if field != "response":
            return context
        prompt = f"{texts.instruction}\n{texts.input}"
        limit = self.task.max_tokens
        return replace(context, prompt=prompt, token_count=tokens, max_tokens=limit, typical_lengths=self.lengths)


@dataclass(frozen=True)
class Checked:
    """What the checks say of one pair. `tokens` is None without a tokenizer; dismissed findings are left out."""

    findings: dict[str, list[Found]]
    tokens: int | None

    @property
    def ids(self) -> list[str]:
        return sorted({found.check for rows in self.findings.values() for found in rows})


def surroundings_of(task: Task) -> Surroundings:
    return Surroundings(task, task_tokenizer(task), typical_lengths(task), glossaries_of(task))


def glossaries_of(task: Task) -> dict[str, frozenset[str]]:
    words: dict[str, set[str]] = {}
    for language, word in GlossaryWord.objects.filter(project=task.project_id).values_list("language", "word"):
        words.setdefault(language, set()).add(word)
    return {language: frozenset(found) for language, found in words.items()}


def typical_lengths(task: Task) -> TypicalLengths | None:
    """How long the newest approved responses are; looked up at most every ten minutes."""
    key = f"lengths-{task.pk}"
    counts = cache.get(key)
    if counts is None:
        newest = Pair.objects.filter(task=task, state=PairState.APPROVED, approved__isnull=False).order_by("-pk")
        responses = newest.values_list("approved__response", flat=True)[:LENGTHS_SAMPLE]
        counts = [count_words(text) for text in responses]
        cache.set(key, counts, LENGTHS_SECONDS)
    return TypicalLengths.of_counts(counts)


def texts_check(texts: Texts, around: Surroundings) -> Checked:
    """Run the checks on a pair's texts as they stand. Nothing is stored."""
    tokens = count_tokens(texts, around.task, around.tokenizer) if around.tokenizer else None
    found = {field: run_on(texts, field, tokens, around) for field in TEXT_FIELDS}
    if not any(found.values()):
        return Checked(found, tokens)
    return Checked(without_dismissed(around.task, texts, found), tokens)


def run_on(texts: Texts, field: str, tokens: int | None, around: Surroundings) -> list[Found]:
    text = getattr(texts, field)
    return run_checks(text, around.context(texts, field, tokens)) if text.strip() else []


def without_dismissed(task: Task, texts: Texts, found: dict[str, list[Found]]) -> dict[str, list[Found]]:
    prints = {field: text_fingerprint(getattr(texts, field)) for field in found}
    dismissed = set(
        Dismissal.objects.filter(project=task.project_id, fingerprint__in=prints.values()).values_list(
            "fingerprint", "check_id", "excerpt"
        )
    )
    return {
        field: [
            row for row in rows if (prints[field], row.check, excerpt_of(getattr(texts, field), row)) not in dismissed
        ]
        for field, rows in found.items()
    }


def excerpt_of(text: str, found: Found) -> str:
    return text[found.start : found.end][:200]


def texts_of(revision: Revision) -> Texts:
    return Texts(
        instruction=revision.instruction,
        response=revision.response,
        input=revision.input,
        system=revision.system,
        turns=revision.turns,
        language=revision.language,
        topic=revision.topic,
    )


def findings_store(checked: Iterable[tuple[Texts, Checked]], around: Surroundings) -> None:
    """Keep the findings by the fingerprint of each text, so that lists, freezes and models' outputs share them.

    A text that was checked under the same parameters before is left alone.
    """
    marks: dict[tuple[str, str, str], list[Finding]] = {}
    for texts, result in checked:
        for field in TEXT_FIELDS:
            text = getattr(texts, field)
            if text.strip():
                key, rows = stored_form(text, field, around.context(texts, field, result.tokens), result)
                marks[key] = rows
    known = set(
        CheckedText.objects.filter(fingerprint__in={key[0] for key in marks}).values_list(
            "fingerprint", "field", "checks"
        )
    )
    fresh = {key: rows for key, rows in marks.items() if key not in known}
    CheckedText.objects.bulk_create(
        [CheckedText(fingerprint=print_, field=field, checks=checks) for print_, field, checks in fresh],
        ignore_conflicts=True,
    )
    Finding.objects.bulk_create([row for rows in fresh.values() for row in rows])


def stored_form(
    text: str, field: str, context: CheckContext, result: Checked
) -> tuple[tuple[str, str, str], list[Finding]]:
    """(fingerprint, field, checks) and the rows of one text."""
    keys = {check.id: (check.version, check.parameters_key(context)) for check in all_checks()}
    print_ = text_fingerprint(text)
    rows = [
        Finding(
            fingerprint=print_,
            field=field,
            check_id=found.check,
            check_version=found.version,
            parameters=keys[found.check][1],
            start=found.start,
            end=found.end,
            severity=found.severity,
            message=found.message[:500],
        )
        for found in result.findings[field]
    ]
    return (print_, field, json_sha256({check: list(key) for check, key in keys.items()})), rows


def finding_json(text: str, found: Found) -> dict[str, Any]:
    return {
        "check": found.check,
        "start": found.start,
        "end": found.end,
        "severity": found.severity,
        "message": found.message,
        "suggestions": list(found.suggestions),
        "excerpt": excerpt_of(text, found),
    }


def findings_json(texts: Texts, checked: Checked) -> dict[str, list[dict[str, Any]]]:
    """By field name, for pages and API."""
    return {
        field: [finding_json(getattr(texts, field), found) for found in rows]
        for field, rows in checked.findings.items()
    }


def checks_known(ids: Collection[str]) -> bool:
    return set(ids) <= {check.id for check in all_checks()}
