"""The audit log in plain words, for people who want to know what happened and not how it is called."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.choices import Role
from core.models import Event, Project, User

SHOWN = 12
WORDS: dict[str, Any] = {
    "project.created": _("made the project"),
    "project.changed": _("changed the project's settings"),
    "membership.set": _("gave somebody a role"),  # or, where it is known, whom and which
    "task.created": _("made a task"),
    "task.changed": _("changed a task"),
    "guidelines.saved": _("wrote guidelines"),
    "pair.revised": _("wrote a pair"),
    "pair.submitted": _("submitted a pair for review"),
    "pair.approved": _("approved a pair"),
    "pair.returned": _("returned a pair with a reason"),
    "pair.review_asked": _("had a pair reviewed anew"),
    "import.started": _("imported a file"),
    "version.asked": _("asked for a version to be frozen"),
    "version.frozen": _("froze a version"),
    "run.launched": _("launched a training"),
    "run.failed": _("a training failed"),
    "model_version.made": _("made a model version"),
    "evaluation.created": _("asked for an evaluation"),
    "evaluation.done": _("finished an evaluation"),
    "evaluation.failed": _("an evaluation failed"),
    "grading.opened": _("opened a grading round"),
    "grading.unblinded": _("closed a grading round and showed the names"),
    "grade.given": _("graded answers"),
    "rubric.edited": _("changed the rubric"),
}


@dataclass(frozen=True)
class Happening:
    """Something that happened, perhaps several times in a row."""

    event: Event
    words: Any
    times: int


def recent_activity(project: Project) -> list[Happening]:
    """The newest events that people care about; the same person doing the same again is one line with a count."""
    rows = Event.objects.filter(project=project, action__in=WORDS).select_related("actor").order_by("-pk")
    events = list(rows[: SHOWN * 20])
    people = User.objects.in_bulk([event.data["user"] for event in events if "user" in event.data])
    found: list[Happening] = []
    for event in events:
        said, last = said_of(event, people), found[-1] if found else None
        if last is not None and (last.words, last.event.actor_id) == (said, event.actor_id):
            found[-1] = Happening(last.event, said, last.times + 1)
        elif len(found) == SHOWN:
            break
        else:
            found.append(Happening(event, said, 1))
    return found


def said_of(event: Event, people: dict[int, User]) -> str:
    who = people.get(event.data.get("user", 0))
    if event.action != "membership.set" or who is None:
        return str(WORDS[event.action])
    return gettext("gave %(name)s the role %(role)s") % {"name": who, "role": Role(event.data["role"]).label}
