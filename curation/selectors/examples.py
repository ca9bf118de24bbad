"""A frozen version's rows as the models see them. Training, evaluation and exports all read them here."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from curation.choices import Part
from curation.models import DatasetVersion, Suite, SuiteItem, Task, VersionPair
from curation.selectors.spending import without_spent
from curation.selectors.subsets import Subset, subset_ordinals

CHUNK = 2000
COLUMNS = ("system", "instruction", "input", "response", "turns", "language")


def version_examples(
    version: DatasetVersion, parts: Collection[str] | None = None, subset: Subset | None = None
) -> Iterator[dict[str, Any]]:
    """The rows of a version in its order, or those of some parts, in the shape of ml.prompting.Example.

    With a `subset`, only its share of the train part. Rows whose texts were erased are left out.

    `id` is the pair's number as text. A pair without a system prompt of its own has the one that its task had when
    the version was frozen. Read as a stream: memory does not grow with the version.
    """
    rows = VersionPair.objects.filter(version=version, revision__erased_at__isnull=True).order_by("ordinal")
    if parts is not None:
        rows = rows.filter(part__in=list(parts))
    taken = subset_ordinals(version, subset) if subset and not subset.whole else None
    for pair_id, part, ordinal, *texts in stream(rows, "revision__pair_id", "part", "ordinal"):
        if taken is None or part != Part.TRAIN or ordinal in taken:
            yield example(str(pair_id), part, texts, version.system_prompt)


def suite_examples(suite: Suite, *, at: datetime | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """(item id, example) of a suite in its order. The example's `id` is the item's id as text, its part the role.

    Without the items that were given up as lessons before `at`, the moment of the comparison, if it is given.
    """
    fallback = suite.version.system_prompt if suite.version else suite.task.system_prompt
    rows = SuiteItem.objects.filter(suite=suite, revision__erased_at__isnull=True, revision__isnull=False)
    rows = (without_spent(rows, at) if at else rows).order_by("ordinal")
    for item_id, *texts in stream(rows, "pk"):
        yield item_id, example(str(item_id), suite.role, texts, fallback)


def task_template(subject: Task | DatasetVersion) -> dict[str, Any]:
    """The prompt template of a task as it is now, or of a version as it was frozen: see ml.prompting.Template."""
    return dict(subject.template)


def stream(rows: QuerySet[Any], *names: str) -> Iterator[tuple[Any, ...]]:
    return rows.values_list(*names, *(f"revision__{name}" for name in COLUMNS)).iterator(chunk_size=CHUNK)


def example(key: str, part: str, texts: list[Any], fallback: str) -> dict[str, Any]:
    system, instruction, given, response, turns, language = texts
    return {
        "id": key,
        "part": part,
        "system": system or fallback,
        "instruction": instruction,
        "input": given,
        "response": response,
        "turns": turns,
        "language": language,
    }
