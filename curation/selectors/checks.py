"""The checks of a project as its page shows them."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from core.models import Project
from core.sentences import phrase_in_words
from curation.models import Dismissal, Task
from curation.selectors.check_settings import ProjectCheck, project_checks
from ml.checks import Check, get_check, known_checks


@dataclass(frozen=True)
class CheckRow:
    setting: ProjectCheck
    name: str
    description: str

    @property
    def id(self) -> str:
        return self.setting.check.id

    @property
    def has_own_parameters(self) -> bool:
        return self.setting.check.parameters != dict(self.setting.check.defaults)

    @property
    def on_texts(self) -> bool:
        """Whether it looks at one text; those over all pairs know nothing yet when a text is submitted."""
        return isinstance(self.setting.check, Check)

    @property
    def share(self) -> float:
        return self.setting.freeze_share


def check_rows(project: Project) -> list[CheckRow]:
    return [
        CheckRow(setting, gettext(setting.check.name), gettext(setting.check.description))
        for setting in project_checks(project.pk)
    ]


def check_row(project: Project, check_id: str) -> CheckRow | None:
    return next((row for row in check_rows(project) if row.id == check_id), None)


def languages_without_dictionary(project: Project) -> list[str]:
    """Sentences about the languages of the project's tasks that misspellings are judged in without a dictionary."""
    languages = Task.objects.filter(project=project).order_by("language").values_list("language", flat=True).distinct()
    reasons = [get_check("misspelling").unavailable_reason(language) for language in languages]
    return [phrase_in_words(reason) for reason in reasons if reason]


def dismissals_in(project: Project) -> list[tuple[str, Dismissal]]:
    """The newest, each with the name of its check."""
    names = {check.id: gettext(check.name) for check in known_checks()}
    rows = Dismissal.objects.filter(project=project).select_related("user").order_by("-pk")[:500]
    return [(names.get(row.check_id, row.check_id), row) for row in rows]


def check_json(row: CheckRow) -> dict[str, Any]:
    setting = row.setting
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "is_on": setting.is_on,
        "parameters": setting.check.parameters,
        "at_freeze": setting.at_freeze,
        "freeze_share": setting.freeze_share,
        "at_submit": setting.at_submit,
    }
