from collections.abc import Sequence
from typing import TypedDict

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.models import Project, User
from core.services.events import event_record
from evaluation.models import Rubric

MOST_CRITERIA = 6


class Criterion(TypedDict):
    """One question of the rubric, with what 1 and 5 mean."""

    key: str
    label: str
    low: str
    high: str


def default_criteria() -> list[Criterion]:
    return [
        {"key": "correct", "label": _("Correct"), "low": _("wrong or made up"), "high": _("everything is right")},
        {"key": "complete", "label": _("Complete"), "low": _("misses the point"), "high": _("nothing is missing")},
        {"key": "clear", "label": _("Clear"), "low": _("hard to follow"), "high": _("could be sent as it is")},
    ]


@transaction.atomic
def rubric_current(*, project: Project) -> Rubric:
    """The newest edition of the project's rubric; the first one is made from the default."""
    Project.objects.select_for_update().get(pk=project.pk)
    found = Rubric.objects.filter(project=project).order_by("-number").first()
    return found or Rubric.objects.create(project=project, number=1, criteria=default_criteria())


@transaction.atomic
def rubric_edit(*, actor: User, project: Project, criteria: Sequence[dict[str, str]]) -> Rubric:
    """Make a new edition of the rubric. Rounds under way keep theirs: grades of two editions are never mixed."""
    before = rubric_current(project=project)
    kept = {criterion["label"]: criterion["key"] for criterion in before.criteria}
    after = cleaned(criteria, kept)
    if after == before.criteria:
        return before
    rubric = Rubric.objects.create(project=project, number=before.number + 1, criteria=after, created_by=actor)
    event_record(actor=actor, action="rubric.edited", project=project, subject=rubric, number=rubric.number)
    return rubric


def cleaned(criteria: Sequence[dict[str, str]], kept: dict[str, str]) -> list[Criterion]:
    """Rows without a label fall away; a label that stays keeps its key, so that editions can be compared."""
    found: list[Criterion] = []
    for row in criteria:
        label = str(row.get("label", "")).strip()
        if not label:
            continue
        key = kept.get(label) or slugify(label)[:40] or f"criterion-{len(found) + 1}"
        if any(key == other["key"] for other in found):
            raise ApplicationError(_("“%s” is there twice; each criterion needs a name of its own.") % label)
        found.append(
            {
                "key": key,
                "label": label[:60],
                "low": str(row.get("low", ""))[:80],
                "high": str(row.get("high", ""))[:80],
            }
        )
    if not 1 <= len(found) <= MOST_CRITERIA:
        raise ApplicationError(_("A rubric needs one to %d criteria.") % MOST_CRITERIA)
    return found
