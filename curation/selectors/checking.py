"""The text checks on a pair: while it is typed, when it is submitted, and by a job after an import."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from django.core.cache import caches

from curation.choices import AtSubmit, PairState, QuestionKind, TaskKind
from curation.fingerprints import TEXT_FIELDS, Texts
from curation.models import GlossaryWord, Pair, Question, Task, Vocabulary
from curation.selectors.check_settings import project_checks
from curation.selectors.findings import Judged, finding_json, texts_judge
from curation.selectors.tokens import count_tokens, task_tokenizer
from ml.checks import Check, CheckContext, ProjectWords, TypicalLengths, known_checks
from ml.checks import Finding as Found
from ml.prompting import Tokenizer
from ml.split import comparable
from ml.words import count_words

LENGTHS_SECONDS = 600
LENGTHS_SAMPLE = 500
DECLINES_SECONDS = 60
DECLINES_MOST = 500


class Surroundings:
    """What the checks need to know besides a pair's texts; made once for many pairs, and each part looked up with the
    first text that needs it: an empty page needs hardly any."""

    def __init__(self, task: Task) -> None:
        self.task = task
        used = [one for one in project_checks(task.project_id) if one.is_on]
        self.checks = tuple(one.check for one in used if isinstance(one.check, Check))
        # Of the checks whose findings do not just stand beside the text.
        self.at_submit = {one.check.id: one.at_submit for one in used if one.at_submit != AtSubmit.TELL}

    @cached_property
    def tokenizer(self) -> Tokenizer | None:
        return task_tokenizer(self.task)

    @cached_property
    def lengths(self) -> TypicalLengths | None:
        return typical_lengths(self.task)

    @cached_property
    def declines(self) -> frozenset[str]:
        return declines_wanted(self.task)

    @cached_property
    def glossaries(self) -> dict[str, frozenset[str]]:
        return glossaries_of(self.task)

    @cached_property
    def vocabularies(self) -> dict[str, ProjectWords]:
        return vocabularies_of(self.task.project_id)

    def context(self, texts: Texts, field: str, tokens: int | None) -> CheckContext:
        """The response answers instruction and input, so their words are accepted in it; it alone has the limits.
        An extraction says only what its input says."""
        context = CheckContext(
            language=texts.language,
            task_language=self.task.language,
            field=field,
            glossary=self.glossaries.get(texts.language, frozenset()),
            project_words=self.vocabularies.get(texts.language),
        )
        if field != "response":
            return context
        return replace(
            context,
            prompt=f"{texts.instruction}\n{texts.input}",
            instruction=texts.instruction,
            source=texts.input if self.task.kind == TaskKind.EXTRACTION else "",
            token_count=tokens,
            max_tokens=self.task.max_tokens,
            typical_lengths=None if self.turns_down(texts.response) else self.lengths,
        )

    def turns_down(self, response: str) -> bool:
        """Whether it is an answer that was asked for where there is none: as short as it is wanted."""
        return bool(self.declines) and comparable(response) in self.declines

    def judge(self, texts: Sequence[tuple[str, CheckContext]]) -> list[Judged]:
        """What the project's checks say of texts of this task."""
        return texts_judge(self.task.project_id, self.checks, texts)


@dataclass(frozen=True)
class Checked:
    """What the checks say of one pair, by field; blank fields are left out. `tokens` is None without a tokenizer."""

    judged: dict[str, Judged]
    tokens: int | None

    @property
    def ids(self) -> list[str]:
        return sorted({found.check for one in self.judged.values() for found in one.findings})

    def of(self, field: str) -> list[Found]:
        return self.judged[field].findings if field in self.judged else []


def glossaries_of(task: Task) -> dict[str, frozenset[str]]:
    words: dict[str, set[str]] = {}
    for language, word in GlossaryWord.objects.filter(project=task.project_id).values_list("language", "word"):
        words.setdefault(language, set()).add(word)
    return {language: frozenset(found) for language, found in words.items()}


def vocabularies_of(project_id: int) -> dict[str, ProjectWords]:
    """The words of the project's approved texts by language; read again only when they were learned anew."""
    rows = Vocabulary.objects.filter(project=project_id).values_list("language", "pk", "digest")
    return {language: vocabulary_load(key, digest) for language, key, digest in rows}


@lru_cache(maxsize=16)
def vocabulary_load(key: int, _digest: str) -> ProjectWords:
    row = Vocabulary.objects.get(pk=key)
    return ProjectWords(row.counts, row.texts)


def typical_lengths(task: Task) -> TypicalLengths | None:
    """How long the newest approved responses are; looked up at most every ten minutes."""
    near, key = caches["near"], f"lengths-{task.pk}"
    counts = near.get(key)
    if counts is None:
        newest = Pair.objects.filter(task=task, state=PairState.APPROVED, approved__isnull=False).order_by("-pk")
        responses = newest.values_list("approved__response", flat=True)[:LENGTHS_SAMPLE]
        counts = [count_words(text) for text in responses]
        near.set(key, counts, LENGTHS_SECONDS)
    return TypicalLengths.of_counts(counts)


def declines_wanted(task: Task) -> frozenset[str]:
    """The answers that questions without one are to get; looked up at most every minute."""
    near, key = caches["near"], f"declines-{task.pk}"
    found: frozenset[str] | None = near.get(key)
    if found is None:
        asked = Question.objects.filter(task=task, kind=QuestionKind.DECLINE).exclude(wanted="").order_by()
        found = frozenset(map(comparable, asked.values_list("wanted", flat=True).distinct()[:DECLINES_MOST]))
        near.set(key, found, DECLINES_SECONDS)
    return found


def texts_check(texts: Texts, around: Surroundings) -> Checked:
    """Run the checks on a pair's texts as they stand. Nothing is stored."""
    return pairs_check([texts], around)[0]


def pairs_check(pairs: Sequence[Texts], around: Surroundings) -> list[Checked]:
    """The same for many pairs, in order."""
    tokens = [count_tokens(texts, around.task, around.tokenizer) if around.tokenizer else None for texts in pairs]
    places, asked = [], []
    for number, (texts, count) in enumerate(zip(pairs, tokens, strict=True)):
        for field in TEXT_FIELDS:
            if (text := getattr(texts, field)).strip():
                places.append((number, field))
                asked.append((text, around.context(texts, field, count)))
    found: list[dict[str, Judged]] = [{} for _ in pairs]
    for (number, field), judged in zip(places, around.judge(asked), strict=True):
        found[number][field] = judged
    return [Checked(judged, count) for judged, count in zip(found, tokens, strict=True)]


def findings_json(texts: Texts, checked: Checked) -> dict[str, list[dict[str, Any]]]:
    """By field name, for pages and API."""
    return {field: [finding_json(getattr(texts, field), found) for found in checked.of(field)] for field in TEXT_FIELDS}


def checks_known(ids: Collection[str]) -> bool:
    return set(ids) <= {check.id for check in known_checks()}
