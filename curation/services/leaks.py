"""Which pairs of a task give away items of the project's suites: found as pairs and suites come, kept, read by freezes.

Three looks at each new pair and item: the same text, nearly the same text (the sketches of services/likeness.py), and
the item's word sequences inside the pair's texts (ml/containment.py). In a suite of another task the same question with
another answer gives nothing away.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from curation.choices import LeakMethod, LikeKind
from curation.models import Leak, Likeness, LikenessBasis, Suite, SuiteItem, Task
from curation.selectors.compared_texts import SKETCH, common_of
from curation.services.likeness import Tell, task_held, text_number
from ml.containment import GramIndex, Grams
from ml.near_duplicates import SKETCH_BYTES, THRESHOLD, Unit, proposed, similarities, sketches
from ml.split import ANSWER_WORDS, comparable, whole_prompt
from ml.words import count_words

BATCH = 10_000
Sketched = tuple["Text", dict[tuple[LikeKind, Unit], bytes]]
RANK = {LeakMethod.EXACT: 0, LeakMethod.NEAR: 1, LeakMethod.GRAMS: 2}


@dataclass(frozen=True, slots=True)
class Text:
    """An item or a row: what is compared of it. `answer` is "" where it is too short to make anything alike."""

    key: str  # an item's fingerprint, a row's revision
    pair_id: int | None
    task_id: int
    question: str
    answer: str
    response: str

    def text(self, kind: LikeKind) -> str:
        return self.question if kind == LikeKind.PROMPT else self.answer


@dataclass(frozen=True, slots=True)
class Hit:
    row: int
    item: int
    method: LeakMethod
    field: LikeKind
    score: float


def leaks_update(task: Task, tell: Tell) -> None:
    """Look at what is new: pairs that no suite was compared with, suites that came since. Each batch is complete."""
    with task_held(task, tell):
        suites = list(Suite.objects.filter(project=task.project_id).order_by("pk").values_list("pk", flat=True))
        newest = suites[-1] if suites else 0
        behind = Likeness.objects.filter(task=task, compared=True, suites_upto__lt=newest).order_by("suites_upto")
        for upto in list(behind.values_list("suites_upto", flat=True).distinct()):
            items = new_items(task, suites, upto)
            ids = list(behind.filter(suites_upto=upto).order_by("revision").values_list("revision_id", flat=True))
            look_through(task, ids, items, newest, tell)


def look_through(task: Task, ids: list[int], items: list[Text], newest: int, tell: Tell) -> None:
    basis = LikenessBasis.objects.get(task=task)
    asked = Grams.of([item.text(kind) for kind in LikeKind for item in items])
    grams = GramIndex(asked.without(asked.common()))
    for start in range(0, len(ids), BATCH):
        tell(start, len(ids), _("Looking for pairs that give test items away"))
        part = ids[start : start + BATCH]
        found = leaks_among(task, basis, row_texts(part), items, grams) if items else []
        with transaction.atomic():
            Leak.objects.bulk_create(found, ignore_conflicts=True, batch_size=5_000)
            Likeness.objects.filter(revision__in=part).update(suites_upto=newest)


def new_items(task: Task, suites: Sequence[int], upto: int) -> list[Text]:
    """Items of suites after `upto` whose texts stand in none before, each text once."""
    templates = template_instructions(task)
    known = SuiteItem.objects.filter(suite__in=[pk for pk in suites if pk <= upto])
    fresh = SuiteItem.objects.filter(suite__in=[pk for pk in suites if pk > upto], revision__isnull=False)
    fresh = fresh.exclude(fingerprint__in=known.values("fingerprint")).order_by("fingerprint", "pk")
    rows = fresh.distinct("fingerprint").values_list(
        "fingerprint", "revision__pair_id", "suite__task_id",
        *(f"revision__{name}" for name in ("instruction", "input", "response")),
    )  # fmt: skip
    return [item_text(row, templates) for row in rows.iterator(chunk_size=BATCH)]


def template_instructions(task: Task) -> set[int]:
    rows = Likeness.objects.filter(task=task).exclude(prompt=F("whole")).order_by()
    return set(rows.values_list("instruction", flat=True).distinct())


def item_text(row: tuple[str, int, int, str, str, str], templates: set[int]) -> Text:
    key, pair, task, instruction, given, response = row
    by_input = given.strip() and text_number(instruction) in templates
    return text_of(key, pair, task, given if by_input else whole_prompt(instruction, given), response)


def text_of(key: str, pair: int, task: int, question: str, response: str) -> Text:
    answer = response if count_words(response) >= ANSWER_WORDS else ""
    return Text(key, pair, task, question if comparable(question) else "", answer, response)


def row_texts(revisions: Sequence[int]) -> list[Sketched]:
    """Rows with their stored sketches, ordered by revision."""
    names = ("revision_id", "revision__pair_id", "task_id", "input", "whole", "prompt")
    texts = ("revision__instruction", "revision__input", "revision__response")
    rows = Likeness.objects.filter(revision__in=revisions).order_by("revision")
    found = []
    for row in rows.values_list(*names, *texts, *SKETCH.values()):
        revision, pair, task, given, whole, prompt, instruction, input_, response, *kept = row
        question = input_ if prompt == given and prompt != whole else whole_prompt(instruction, input_)
        text = text_of(str(revision), pair, task, question, response)
        found.append((text, dict(zip(SKETCH, map(bytes, kept), strict=True))))
    return found


def leaks_among(
    task: Task, basis: LikenessBasis, rows: list[Sketched], items: list[Text], grams: GramIndex
) -> list[Leak]:
    """The surest hit of each row and item. A pair does not give itself away: a changed ratio moves it as a whole."""
    texts = [row for row, _sketches in rows]
    best: dict[tuple[int, int], Hit] = {}
    for hit in (*exact_hits(texts, items), *near_hits(basis, rows, items), *gram_hits(texts, items, grams)):
        row, item = texts[hit.row], items[hit.item]
        if row.pair_id == item.pair_id or not counts(row, item, hit.field):
            continue
        kept = best.setdefault((hit.row, hit.item), hit)
        if (RANK[hit.method], -hit.score) < (RANK[kept.method], -kept.score):
            best[hit.row, hit.item] = hit
    return [
        Leak(
            task=task, revision_id=int(texts[hit.row].key), fingerprint=items[hit.item].key, method=hit.method,
            field=hit.field, score=hit.score,
        )
        for hit in best.values()
    ]  # fmt: skip


def counts(row: Text, item: Text, field: LikeKind) -> bool:
    if row.task_id == item.task_id or field == LikeKind.RESPONSE:
        return True
    return comparable(row.response) == comparable(item.response)


def exact_hits(rows: list[Text], items: list[Text]) -> Iterator[Hit]:
    for kind in LikeKind:
        places: dict[str, list[int]] = {}
        for place, item in enumerate(items):
            if text := item.text(kind):
                places.setdefault(comparable(text), []).append(place)
        for number, row in enumerate(rows):
            for place in places.get(comparable(row.text(kind)), ()):
                yield Hit(number, place, LeakMethod.EXACT, kind, 1.0)


def near_hits(basis: LikenessBasis, rows: list[Sketched], items: list[Text]) -> Iterator[Hit]:
    for kind, unit in SKETCH:
        common = common_of(basis, kind)
        made = sketches([item.text(kind) for item in items], unit, common[unit])
        shelf = [*zip(items, made, strict=True), *((row, kept[kind, unit]) for row, kept in rows)]
        filled = [place for place, (_text, sketch) in enumerate(shelf) if sketch]
        joined = b"".join(shelf[place][1] for place in filled)
        fresh = np.array([place < len(items) for place in filled], dtype=np.bool_)
        pairs = proposed(np.frombuffer(joined, dtype=np.uint8).reshape(-1, SKETCH_BYTES), fresh)
        crossing = [(filled[i], filled[j]) for i, j in pairs.tolist() if filled[i] < len(items) <= filled[j]]
        used = sorted({place for pair in crossing for place in pair})
        index = {place: n for n, place in enumerate(used)}
        texts = [shelf[place][0].text(kind) for place in used]
        found = similarities(texts, [(index[i], index[j]) for i, j in crossing], common)
        for (i, j), similarity in zip(crossing, found, strict=True):
            if similarity >= THRESHOLD:
                yield Hit(j - len(items), i, LeakMethod.NEAR, kind, similarity)


def gram_hits(rows: list[Text], items: list[Text], grams: GramIndex) -> Iterator[Hit]:
    for row, place, share in grams.inside(Grams.of([f"{row.question}\n{row.response}" for row in rows])):
        kind = list(LikeKind)[place // len(items)]
        yield Hit(row, place % len(items), LeakMethod.GRAMS, kind, share)
