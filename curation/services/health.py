"""How good, various, real and large the approved data of a task is: counted by a job, kept with the time."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from django.utils import timezone

from curation.choices import PairState
from curation.models import Pair, Review, Task, TaskReport
from curation.selectors.check_settings import finding_counts
from curation.services.embedding import embeddings_of
from ml.checks.language import small_words
from ml.clusters import clusters, flat
from ml.mentions import mentions
from ml.words import words

BOUNDS = (0, 25, 50, 100, 200, 400)  # tokens of a pair: the columns of the coverage table
TOPICS = 40  # the commonest; the others are one row
READ = 20_000  # texts whose mentions are counted, the newest
NAMED = 12
WEEKS = 12
MAPPED = 1_200
MOST_CLUSTERS = 6  # colours that can be told apart
FEWEST_MAPPED = 12
Rows = dict[str, list[int]]  # name of a number -> the pairs that it counts


def health_count(task: Task) -> TaskReport:
    """Count everything anew and keep it. Twice gives the same."""
    rows: Rows = defaultdict(list)
    data = {
        **quality(task, rows), **coverage(task, rows), **named(task, rows), **pace(task, rows),
        "map": meanings(task, rows),
    }  # fmt: skip
    return TaskReport.objects.update_or_create(task=task, defaults={"data": data, "rows": dict(rows)})[0]


def approved_of(task: Task) -> Any:
    return Pair.objects.filter(task=task, state=PairState.APPROVED, approved__isnull=False).order_by()


def quality(task: Task, rows: Rows) -> dict[str, Any]:
    pairs = approved_of(task)
    _count, findings = finding_counts(task)
    rows["alike"] = list(pairs.filter(found__overlap=["duplicate", "near_duplicate"]).values_list("pk", flat=True))
    return {
        "findings": findings,
        "with_finding": pairs.filter(found__len__gt=0).count(),
        "unchecked": pairs.filter(found__isnull=True).count(),
        "alike": len(rows["alike"]),
    }


def coverage(task: Task, kept: Rows) -> dict[str, Any]:
    """Topic × length in tokens (`BOUNDS`; the last column is open), and the origins."""
    table: dict[str, list[int]] = defaultdict(lambda: [0] * len(BOUNDS))
    origins: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    unknown = total = 0
    rows = approved_of(task).values_list(
        "pk", "approved__topic", "approved__tokens", "approved__origin", "approved__language"
    )
    for pair, topic, tokens, origin, language in rows.iterator(chunk_size=5_000):
        total += 1
        origins[origin] += 1
        languages[language] += 1
        if tokens is None:
            unknown += 1
            kept["unmeasured"].append(pair)
        table[topic][column_of(tokens)] += 1
    commonest = sorted(table, key=lambda topic: (-sum(table[topic]), topic))
    return {
        "pairs": total,
        "bounds": list(BOUNDS),
        "coverage": [[topic, table[topic]] for topic in commonest[:TOPICS]],
        "topics": len(commonest),
        "rest": [sum(column) for column in zip(*(table[topic] for topic in commonest[TOPICS:]), strict=True)],
        "unmeasured": unknown,
        "origins": dict(origins.most_common()),
        "languages": dict(languages.most_common()),
    }


def column_of(tokens: int | None) -> int:
    """The column of a length; a pair whose tokens nobody counted stands in the first."""
    return max(index for index, bound in enumerate(BOUNDS) if (tokens or 0) >= bound)


def named(task: Task, kept: Rows) -> dict[str, Any]:
    """Names, genders and regions of the newest texts, each counted once a text."""
    genders, regions, names = Counter[str](), Counter[str](), Counter[str]()
    rows = approved_of(task).order_by("-pk").values_list(
        "pk", "approved__language", "approved__instruction", "approved__input", "approved__response"
    )[:READ]  # fmt: skip
    read = 0
    by_name: Rows = defaultdict(list)
    for pair, language, *texts in rows.iterator(chunk_size=2_000):
        found = mentions("\n".join(texts), language)
        gender = "both" if len(found.genders) == 2 else next(iter(found.genders), "none")
        genders[gender] += 1
        kept[f"gender:{gender}"].append(pair)
        for region in found.regions:
            kept[f"region:{region}"].append(pair)
        for name in found.names:
            by_name[name].append(pair)
        regions.update(found.regions)
        names.update(found.names)
        read += 1
    kept |= {f"name:{name}": by_name[name] for name, _count in names.most_common(NAMED)}
    return {
        "read": read,
        "genders": dict(genders),
        "regions": regions.most_common(),
        "names": names.most_common(NAMED),
    }


def pace(task: Task, kept: Rows) -> dict[str, Any]:
    """Pairs approved by people in each of the last weeks, the oldest first; two reviewers of one pair are one step.
    What came approved by import is no pace."""
    now = timezone.now()
    weeks: list[set[int]] = [set() for _ in range(WEEKS)]
    rows = Review.objects.filter(
        revision__pair__task=task, decision="approve", created_at__gt=now - timedelta(weeks=WEEKS)
    ).exclude(basis="import")
    approvals = rows.order_by().values_list("created_at", "revision__pair_id")
    for moment, pair in approvals.iterator(chunk_size=5_000):
        weeks[WEEKS - 1 - min(WEEKS - 1, (now - moment) // timedelta(weeks=1))].add(pair)
    kept |= {f"week:{number}": sorted(pairs) for number, pairs in enumerate(weeks) if pairs}
    return {"weeks": list(map(len, weeks))}


def meanings(task: Task, kept: Rows) -> dict[str, Any] | None:
    """A flat map of what the pairs mean, with clusters named by their words; None with too few vectors."""
    rows = embeddings_of(task, MAPPED)
    if len(rows) < FEWEST_MAPPED:
        return None
    vectors = np.array([vector for _, vector, _ in rows])
    count = max(2, min(MOST_CLUSTERS, round((len(rows) / 8) ** 0.5)))
    labels, points = clusters(vectors, count), flat(vectors)
    texts = [set(words(instruction)) for _, _, instruction in rows]
    for (pair, _, _), label in zip(rows, labels, strict=True):
        kept[f"group:{int(label)}"].append(pair)
    return {
        "points": [
            [round(float(x), 3), round(float(y), 3), int(label), row[0]]
            for (x, y), label, row in zip(points, labels, rows, strict=True)
        ],
        "clusters": [
            {
                "size": int((labels == cluster).sum()),
                "words": telling_words(texts, labels == cluster),
                "pair": middle(rows, vectors, labels == cluster),
            }
            for cluster in range(count)
        ],
    }


def telling_words(texts: Sequence[set[str]], inside: Any) -> list[str]:
    """Words that most texts of a cluster have and few others: the share within less the share without. Small words,
    such as what and which, tell nothing."""
    within: Counter[str] = Counter()
    without: Counter[str] = Counter()
    for text, belongs in zip(texts, inside, strict=True):
        (within if belongs else without).update(word for word in text if len(word) > 3 and word not in small_words())
    size, rest = int(inside.sum()), len(texts) - int(inside.sum())
    score = {word: count / max(size, 1) - without[word] / max(rest, 1) for word, count in within.items()}
    return sorted(score, key=lambda word: (-score[word], word))[:3]


def middle(rows: Sequence[tuple[int, list[float], str]], vectors: Any, inside: Any) -> int | None:
    """The pair that is nearest to the middle of a cluster."""
    places = np.flatnonzero(inside)
    if not len(places):
        return None
    centre = vectors[places].mean(axis=0)
    return rows[int(places[((vectors[places] - centre) ** 2).sum(axis=1).argmin()])][0]
