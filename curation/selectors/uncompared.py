"""What no job has looked at yet: texts not compared with the others, pairs whose meaning is not compared."""

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from curation.models import EmbeddingLook, Likeness, Suite, Task
from curation.selectors.versions import approved_pairs

# The newest and the approved revision of each pair that is not in the trash count. Both queries go along primary keys,
# so that they stay fast while the planner knows nothing yet of what a big import brought.
MISSING = """
    SELECT DISTINCT counting.id FROM curation_pair pair
    CROSS JOIN LATERAL (VALUES (pair.current_id), (pair.approved_id)) AS counting(id)
    LEFT JOIN curation_likeness kept ON kept.revision_id = counting.id
    WHERE pair.task_id = %(task)s AND pair.state <> 'trashed' AND counting.id IS NOT NULL AND kept.revision_id IS NULL
    ORDER BY counting.id
"""


def newest_suite(task: Task) -> int:
    """The number of the project's newest suite, 0 before the first."""
    suites = Suite.objects.filter(project=task.project_id).order_by("-pk")
    return suites.values_list("pk", flat=True).first() or 0


def likeness_waiting(task: Task) -> int:
    """Revisions that nobody has compared yet with the others, or with the items of a suite."""
    newest = newest_suite(task)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({MISSING}) missing", {"task": task.pk})  # noqa: S608
        missing = int(cursor.fetchone()[0])
    behind = Likeness.objects.filter(Q(compared=False) | Q(suites_upto__lt=newest), task=task)
    return missing + behind.count()


def unmeant(task: Task) -> int:
    """Approved pairs whose meaning was not compared with that of the others and with every suite's items."""
    looked = EmbeddingLook.objects.filter(embedding=OuterRef("pk"), revision_id=OuterRef("approved_id"))
    compared = looked.filter(compared=True, suites_upto__gte=newest_suite(task))
    return approved_pairs(task).exclude(Exists(compared)).count()
