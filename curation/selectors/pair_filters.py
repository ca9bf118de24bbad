"""Narrowing the list of pairs. Every filter is answered from the pair's own row or an index, never by a join of all.

What may be asked is the form in curation/pair_filter.py; here its answers become conditions.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Exists, F, Func, JSONField, OuterRef, Q, QuerySet, Value
from django.utils import timezone

from core.models import Thread
from curation.choices import Origin, PairState, Part, VersionState
from curation.models import Pair, Review, Task, TaskReport, VersionPair
from curation.selectors.searching import with_words
from ml.split import DEVELOP_SHARE

Pairs = QuerySet[Pair]


def pairs_filtered(task: Task, query: Mapping[str, Any]) -> Pairs:
    """The task's pairs, narrowed by all filters that `query` answers. Trash shows only when its state is asked for."""
    pairs = Pair.objects.filter(task=task)
    if not query.get("state"):
        pairs = pairs.exclude(state=PairState.TRASHED)
    for name, narrow in NARROW.items():
        if query.get(name) not in (None, ""):
            pairs = narrow(pairs, query[name])
    if counted := query.get("counted"):
        pairs = pairs.filter(pk__in=counted_pairs(task, counted))
    version, part = query.get("version"), query.get("part")
    if version == "none":
        pairs = in_no_version(pairs, task)
    elif version:
        pairs = in_version(pairs, version, part or "")
    elif part:
        pairs = placed_in(pairs, part, task.train_share)
    return pairs


def counted_pairs(task: Task, name: str) -> list[int]:
    """The pairs behind a number of the health page, as they were when it was counted."""
    # Not Django's lookup by key, which takes a name of digits for a number.
    rows = Func(F("rows"), Value(name), function="jsonb_extract_path", output_field=JSONField())
    found = TaskReport.objects.filter(task=task).values_list(rows, flat=True).first()
    return list(found or ())


def with_finding(pairs: Pairs, finding: str) -> Pairs:
    if finding == "unchecked":
        return pairs.filter(found__isnull=True)
    if finding == "none":
        return pairs.filter(found=[])
    pairs = pairs.filter(found__len__gt=0)
    return pairs.filter(found__contains=[finding]) if finding != "any" else pairs


def with_tag(pairs: Pairs, tag: str) -> Pairs:
    return pairs.filter(tags__len__gt=0, tags__contains=[tag])


def with_metadata(pairs: Pairs, asked: str) -> Pairs:
    """“column=value”: the value as text, as a number or truth value, or one of a list. “column” alone: any value."""
    column, _sign, value = (part.strip() for part in asked.partition("="))
    pairs = pairs.exclude(metadata={})
    if not value:
        return pairs.filter(metadata__has_key=column)
    fits = Q(metadata__contains={column: value}) | Q(metadata__contains={column: [value]})
    if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?|true|false", value):  # as JSON writes them
        fits |= Q(metadata__contains={column: json.loads(value)})
    return pairs.filter(fits)


def reviewed_by(pairs: Pairs, reviewer: int) -> Pairs:
    return pairs.filter(Exists(Review.objects.filter(reviewer=reviewer, revision__pair=OuterRef("pk"))))


def with_thread(pairs: Pairs, state: str) -> Pairs:
    threads = Thread.objects.filter(subject_type="pair", subject_id=OuterRef("pk"))
    return pairs.filter(Exists(threads if state == "any" else threads.filter(state=state)))


def since(pairs: Pairs, day: date) -> Pairs:
    return pairs.filter(created_at__gte=midnight(day))


def until(pairs: Pairs, day: date) -> Pairs:
    return pairs.filter(created_at__lt=midnight(day + timedelta(days=1)))


def midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def in_version(pairs: Pairs, version: int, part: str) -> Pairs:
    """In a frozen version with any of its revisions, perhaps in one part."""
    rows = VersionPair.objects.filter(version=version, revision__pair=OuterRef("pk"))
    return pairs.filter(Exists(rows.filter(part=part) if part else rows))


def in_no_version(pairs: Pairs, task: Task) -> Pairs:
    """Approved texts that no version holds yet."""
    held = VersionPair.objects.filter(version__task=task, version__state=VersionState.READY)
    return pairs.filter(approved__isnull=False).exclude(Exists(held.filter(revision=OuterRef("approved"))))


def placed_in(pairs: Pairs, part: str, train_share: float) -> Pairs:
    """Where a freeze would put the pair; only pairs that an earlier freeze gave a place."""
    develop = train_share * DEVELOP_SHARE
    within = {
        Part.DEVELOP: Q(place__position__lt=develop),
        Part.TRAIN: Q(place__position__gte=develop, place__position__lt=train_share),
        Part.TEST: Q(place__position__gte=train_share),
    }
    return pairs.filter(Q(place__pinned=part) | (Q(place__pinned="") & within[Part(part)]))


NARROW: dict[str, Callable[[Pairs, Any], Pairs]] = {
    "state": lambda pairs, state: pairs.filter(state=state),
    "origin": lambda pairs, origin: pairs.filter(origin__in=Origin.real() if origin == "real" else [origin]),
    "topic": lambda pairs, topic: pairs.filter(topic=topic),
    "language": lambda pairs, language: pairs.filter(language=language),
    "author": lambda pairs, user: pairs.filter(author=user),
    "assigned": lambda pairs, user: pairs.filter(assignee=user),
    "reviewer": reviewed_by,
    "finding": with_finding,
    "tag": with_tag,
    "since": since,
    "until": until,
    "shortest": lambda pairs, tokens: pairs.filter(tokens__gte=tokens),
    "longest": lambda pairs, tokens: pairs.filter(tokens__lte=tokens),
    "batch": lambda pairs, batch: pairs.filter(imported_by=batch),
    "passage": lambda pairs, passage: pairs.filter(passage=passage),
    "below_edition": lambda pairs, number: pairs.filter(edition__lt=number),
    "thread": with_thread,
    "metadata": with_metadata,
    "q": with_words,
}
