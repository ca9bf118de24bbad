"""A project's own presets."""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.models import Project, User
from core.services.events import event_record
from training.models import OwnPreset, Run

NAME_LENGTH = 60
MOST = 50


@transaction.atomic
def preset_keep(*, actor: User, run: Run, name: str) -> OwnPreset:
    """Keep a run's recipe under a name, for the launch form. Raises ApplicationError."""
    name = name.strip()
    if not name or len(name) > NAME_LENGTH:
        raise ApplicationError(_("Give the preset a name of at most %d characters.") % NAME_LENGTH, field="name")
    if OwnPreset.objects.filter(project=run.project).count() >= MOST:
        raise ApplicationError(_("A project has at most %d presets of its own; delete one first.") % MOST)
    try:
        with transaction.atomic():
            preset = OwnPreset.objects.create(project=run.project, name=name, recipe=run.recipe, created_by=actor)
    except IntegrityError as error:
        raise ApplicationError(_("There is a preset “%(name)s” already.") % {"name": name}, field="name") from error
    event_record(actor=actor, action="preset.kept", project=run.project, subject=preset, summary=name)
    return preset


@transaction.atomic
def preset_drop(*, actor: User, project: Project, preset: OwnPreset) -> None:
    """Delete a preset. Runs that were made from it keep their recipe."""
    event_record(actor=actor, action="preset.dropped", project=project, summary=preset.name)
    preset.delete()
