"""What the findings of the approved pairs mean for a freeze: the owner's thresholds, warning or refusing."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from core.denied import Denied
from curation.choices import AtFreeze
from curation.models import Task
from curation.selectors.check_settings import ProjectCheck, finding_counts, project_checks


@dataclass(frozen=True)
class Threshold:
    """A check whose findings matter to a freeze: how many approved pairs have one, and how many may."""

    setting: ProjectCheck
    count: int
    pairs: int

    @property
    def allowed(self) -> int:
        return int(self.setting.freeze_share * self.pairs)

    @property
    def is_over(self) -> bool:
        return self.count > self.allowed

    @property
    def sentence(self) -> str:
        text = _("%(count)d of %(pairs)d approved pairs have the finding “%(check)s”; at most %(allowed)d may.")
        values = {
            "count": self.count, "pairs": self.pairs, "check": _(self.setting.check.name), "allowed": self.allowed,
        }  # fmt: skip
        return text % values


def thresholds_of(task: Task) -> list[Threshold]:
    """The thresholds that the project has set, as things stand. Three queries, none if nothing is set."""
    watched = [one for one in project_checks(task.project_id) if one.is_on and one.at_freeze != AtFreeze.PASS]
    if not watched:
        return []
    pairs, counts = finding_counts(task)
    return [Threshold(one, counts.get(one.check.id, 0), pairs) for one in watched]


def freeze_refusals(task: Task) -> list[Denied]:
    """Why this task cannot be frozen now: for the registry of guards."""
    over = [one for one in thresholds_of(task) if one.is_over and one.setting.at_freeze == AtFreeze.BLOCK]
    cure = _("Mend or dismiss them, or change what the project allows.")
    return [Denied(one.sentence, cure) for one in over]


def freeze_warnings(task: Task) -> list[str]:
    return [one.sentence for one in thresholds_of(task) if one.is_over and one.setting.at_freeze == AtFreeze.WARN]
