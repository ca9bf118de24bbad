"""What of a task's pairs and of suites' items is compared with one another (services/leaks.py).

Both are taken down once. Items wait in a file meanwhile: a version of a million pairs has hundreds of thousands.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from django.db.models import Exists, F, OuterRef
from numpy.typing import NDArray

from curation.choices import LikeKind
from curation.models import Likeness, LikenessBasis, SuiteItem, Task
from curation.selectors.columns import Whole, numbers_read
from curation.selectors.compared_texts import SKETCH, common_of, text_number
from ml.containment import Grams
from ml.near_duplicates import SKETCH_BYTES, Sketches, sketches
from ml.split import ANSWER_WORDS, comparable, whole_prompt
from ml.words import count_words

BATCH = 5_000
KINDS, KEYS = tuple(LikeKind), tuple(SKETCH)
TEXTS = tuple(f"revision__{name}" for name in ("instruction", "input", "response"))


@dataclass(frozen=True, slots=True)
class Text:
    """A pair's or an item's. `answer` is "" where it is too short to make anything alike."""

    question: str
    answer: str
    response: str
    fingerprint: str = ""  # of an item

    @classmethod
    def of(cls, question: str, response: str, fingerprint: str = "") -> Text:
        answer = response if count_words(response) >= ANSWER_WORDS else ""
        return cls(question if comparable(question) else "", answer, response, fingerprint)

    def of_kind(self, kind: LikeKind) -> str:
        return self.question if kind == LikeKind.PROMPT else self.answer


@dataclass(frozen=True)
class Compared:
    """Pairs by revision, or items by their own number, with what is compared of them.

    `gram_values` and `gram_sizes` are `ml.containment.Grams`: a pair's texts together are one text; of items all
    questions come first, then all answers.
    """

    ids: Whole
    pairs: Whole
    tasks: Whole
    numbers: Whole  # (KINDS, texts); 0 where nothing is compared
    sketched: NDArray[np.bool_]  # (KEYS, texts)
    sketches: NDArray[np.uint8]  # (KEYS, texts, 128)
    gram_values: NDArray[np.uint32]
    gram_sizes: Whole

    @classmethod
    def of(
        cls, owners: Sequence[Any], numbers: Sequence[Any], kept: Sequence[Sequence[bytes]], grams: Grams
    ) -> Compared:
        """`owners` are (id, pair, task); `kept` are the sketches of each key, empty ones too."""
        sketched = np.array([[len(sketch) > 0 for sketch in row] for row in kept], dtype=np.bool_)
        made = np.zeros((*sketched.shape, SKETCH_BYTES), dtype=np.uint8)
        made[sketched] = np.frombuffer(b"".join(map(b"".join, kept)), dtype=np.uint8).reshape(-1, SKETCH_BYTES)
        ids, pairs, tasks = np.array(owners, dtype=np.int64).reshape(-1, 3).T
        of_kinds = np.array(numbers, dtype=np.int64).reshape(-1, len(KINDS)).T
        return cls(ids, pairs, tasks, of_kinds, sketched, made, grams.values, grams.sizes)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Pairs, one after the other."""
        columns = ([getattr(part, field.name) for part in parts] for field in fields(cls))
        axes = (0, 0, 0, 1, 1, 1, 0, 0)
        return cls(*(np.concatenate(column, axis=axis) for column, axis in zip(columns, axes, strict=True)))

    @property
    def grams(self) -> Grams:
        return Grams(self.gram_values, self.gram_sizes)

    def of_key(self, key: int) -> tuple[Whole, Sketches]:
        """The places of the texts that have such a sketch, and the sketches."""
        return np.flatnonzero(self.sketched[key]), self.sketches[key][self.sketched[key]]


def pairs_compared(revisions: Sequence[int]) -> Compared:
    """With their stored sketches, ordered by revision."""
    names = ("revision_id", "revision__pair_id", "task_id", *KINDS, *SKETCH.values(), "input", "whole", *TEXTS)
    rows = Likeness.objects.filter(revision__in=revisions).order_by("revision_id")
    owners, numbers, kept, texts = [], [], [], []
    for row in rows.values_list(*names):
        owners.append(row[:3])
        numbers.append(row[3:5])
        kept.append([bytes(sketch) for sketch in row[5:9]])
        text = pair_text(row[3], *row[9:])
        texts.append(f"{text.question}\n{text.response}")
    return Compared.of(owners, numbers, list(zip(*kept, strict=True)) or [()] * len(KEYS), Grams.of(texts))


def pair_texts(revisions: Collection[int]) -> dict[int, Text]:
    names = ("revision_id", "prompt", "input", "whole", *TEXTS)
    rows = Likeness.objects.filter(revision__in=revisions).values_list(*names)
    return {revision: pair_text(*row) for revision, *row in rows}


def pair_text(prompt: int, given: int, whole: int, instruction: str, input_: str, response: str) -> Text:
    by_input = prompt == given and prompt != whole
    return Text.of(input_ if by_input else whole_prompt(instruction, input_), response)


def items_compared(task: Task, basis: LikenessBasis, items: Sequence[int], templates: set[int]) -> Compared:
    """What is kept of the task's own pairs is not taken down again: nearly all items of its suites are such."""
    rows = SuiteItem.objects.filter(pk__in=items).order_by("pk")
    owners = list(rows.values_list("pk", "revision__pair_id", "suite__task_id", "revision_id"))
    texts = item_texts([item for item, *_rest in owners], templates)
    kept = kept_of(task, [revision for *_rest, revision in owners])
    new = {revision: texts[item] for item, *_rest, revision in owners if revision not in kept}
    made = [
        sketches([text.of_kind(kind) for text in new.values()], unit, common_of(basis, kind)[unit])
        for kind, unit in KEYS
    ]
    for (revision, text), *sketched in zip(new.items(), *made, strict=True):
        kept[revision] = [text_number(text.of_kind(kind)) for kind in KINDS], sketched
    numbers, sketched_rows = zip(*(kept[revision] for *_rest, revision in owners), strict=True)
    grams = Grams.of([text.of_kind(kind) for kind in KINDS for text in texts.values()])
    return Compared.of([owner[:3] for owner in owners], numbers, list(zip(*sketched_rows, strict=True)), grams)


def kept_of(task: Task, revisions: Sequence[int]) -> dict[int, tuple[Sequence[int], Sequence[bytes]]]:
    """Numbers and sketches of those that the task compares with one another."""
    rows = Likeness.objects.filter(task=task, sketched=True, revision__in=revisions)
    return {
        revision: (row[: len(KINDS)], list(map(bytes, row[len(KINDS) :])))
        for revision, *row in rows.values_list("revision_id", *KINDS, *SKETCH.values())
    }


def item_texts(items: Collection[int], templates: set[int]) -> dict[int, Text]:
    """By item, in their order."""
    rows = SuiteItem.objects.filter(pk__in=items).order_by("pk").values_list("pk", "fingerprint", *TEXTS)
    return {item: item_text(templates, *row) for item, *row in rows}


def item_text(templates: set[int], fingerprint: str, instruction: str, given: str, response: str) -> Text:
    by_input = templates and given.strip() and text_number(instruction) in templates
    return Text.of(given if by_input else whole_prompt(instruction, given), response, fingerprint)


def template_instructions(task: Task) -> set[int]:
    """Of questions that are compared by their inputs alone."""
    rows = Likeness.objects.filter(task=task).exclude(prompt=F("whole")).order_by()
    return set(rows.values_list("instruction", flat=True).distinct())


def new_items(task: Task, upto: int) -> Whole:
    """Items of the project's suites after `upto` whose texts stand in none before, of each text the first."""
    items = SuiteItem.objects.filter(suite__project=task.project_id)
    known = items.filter(suite__lte=upto, fingerprint=OuterRef("fingerprint"))
    fresh = items.filter(suite__gt=upto, revision__isnull=False).exclude(Exists(known))
    (found,) = numbers_read(fresh.order_by("fingerprint", "pk").distinct("fingerprint"), "pk")
    return found
