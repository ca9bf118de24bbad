"""Saved views: a filter of the list of pairs under a name."""

from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.models import User
from core.services.events import event_record
from curation.models import SavedView, Task


@transaction.atomic
def view_save(*, actor: User, task: Task, name: str, query: Mapping[str, str], shared: bool = False) -> SavedView:
    """Keep a filter under a name; one of your own of that name is replaced."""
    if not name.strip():
        raise ApplicationError(_("Give the view a name."), field="name")
    if not query:
        raise ApplicationError(_("Set a filter first; without one the list needs no view."), field="name")
    try:
        view, _made = SavedView.objects.update_or_create(
            task=task, user=actor, name=name.strip()[:80], defaults={"query": dict(query), "shared": shared}
        )
    except IntegrityError as error:
        raise ApplicationError(_("This view was saved at the same moment; reload the page."), field="name") from error
    event_record(actor=actor, action="view.saved", project=task.project, subject=view, shared=shared)
    return view


@transaction.atomic
def view_remove(*, actor: User, view: SavedView) -> None:
    event_record(actor=actor, action="view.removed", project=view.task.project, subject=view)
    view.delete()
