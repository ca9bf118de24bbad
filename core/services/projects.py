import re
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils.text import slugify
from django.utils.translation import gettext as _

from core import registries
from core.choices import NoticeKind, Role
from core.denied import ApplicationError
from core.models import Membership, Project, User
from core.services.events import event_record
from core.services.inbox import notice_tell

EDITABLE = ("name", "description", "language", "solo", "reviewers", "attribution")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")


@transaction.atomic
def project_create(
    *,
    actor: User | None,
    name: str,
    description: str = "",
    language: str = "en",
    solo: bool = False,
    attribution: str = "",
    is_demo: bool = False,
) -> Project:
    """Make a project with its maker as owner."""
    refuse_language(language)
    project = Project(
        slug=free_slug(name),
        name=name,
        description=description,
        language=language,
        solo=solo,
        attribution=attribution,
        is_demo=is_demo,
        created_by=actor,
    )
    project.full_clean(exclude=["created_by"])  # the system makes projects too
    project.save()
    if actor is not None:
        Membership.objects.create(project=project, user=actor, role=Role.OWNER)
    event_record(actor=actor, action="project.created", project=project, subject=project, summary=name)
    return project


def refuse_language(language: str) -> None:
    if not LANGUAGE.fullmatch(language):
        text = _("“%(language)s” is no language that is known here; write its code, such as en, sv or pt-BR.")
        raise ApplicationError(text % {"language": language}, field="language")


def free_slug(name: str) -> str:
    stem = slugify(name)[:50] or "project"
    taken = set(Project.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    return next(slug for slug in (stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 3))) if slug not in taken)


@transaction.atomic
def project_update(*, actor: User, project: Project, **changes: Any) -> Project:
    """Change the project's settings; the audit log keeps what they were. Work that waits is brought in line."""
    refuse_language(changes.get("language", project.language))
    before = {name: getattr(project, name) for name in changes if name in EDITABLE}
    for name in before:
        setattr(project, name, changes[name])
    project.full_clean(exclude=["created_by"])
    project.save(update_fields=[*before])
    changed = {name: [str(old), str(changes[name])] for name, old in before.items() if old != changes[name]}
    event_record(actor=actor, action="project.changed", project=project, subject=project, changed=changed)
    for follow in registries.project_changed:
        follow(project, frozenset(changed))
    return project


@transaction.atomic
def speeds_set(*, actor: User, project: Project, on: bool) -> None:
    """Measure times for each person from now on, or no longer. Everybody in the project is told in the inbox."""
    if on == (project.speeds_since is not None):
        return
    Project.objects.filter(pk=project.pk).update(speeds_since=Now() if on else None)
    project.refresh_from_db(fields=["speeds_since"])
    event_record(actor=actor, action="project.speeds", project=project, subject=project, on=on)
    notice_tell(
        users=list(project.memberships.values_list("user", flat=True)), project=project, kind=NoticeKind.SPEEDS,
        actor=actor, subject=("project", project.pk), url=f"/p/{project.slug}/people/",
    )  # fmt: skip


@transaction.atomic
def project_remove_demo(*, actor: User, project: Project) -> None:
    """Take the demo project away with everything in it. Only the demo can be removed by one click."""
    if not project.is_demo:
        raise ApplicationError(_("Only the demo project can be removed this way."))
    event_record(actor=actor, action="project.demo_removed", subject=project, summary=project.name)
    project.delete()
