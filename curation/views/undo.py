"""A person's last actions, and taking them back."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core import registries
from core.access import Access, project_access
from core.denied import ApplicationError
from core.registries import TakenBack
from core.views.telling import wants_json
from curation.access import refuse_onlookers
from curation.selectors.actions import ActionRow, actions_last
from curation.services.undo import action_undo


def undo_access(request: HttpRequest, project: str) -> Access:
    """Whoever may write or review has actions to take back."""
    access = project_access(request, project)
    refuse_onlookers(access)
    return access


@require_GET
def actions(request: HttpRequest, project: str) -> HttpResponse:
    """The last twenty, newest first, each with what it was about and a button."""
    access = undo_access(request, project)
    return render(request, "curation/actions.html", {"rows": actions_last(access.user, access.project)})


@require_POST
def undo(request: HttpRequest, project: str) -> HttpResponse:
    """Take back the newest action, or the one that `event` names, and go where it can be done differently."""
    access = undo_access(request, project)
    rows = actions_last(access.user, access.project)
    wanted = request.POST.get("event", "")
    row = next((row for row in rows if not wanted or str(row.event.pk) == wanted), None)
    try:
        undone = undo_row(access, row)
    except ApplicationError as error:
        if wants_json(request):
            return JsonResponse({"detail": str(error)}, status=400)
        messages.error(request, str(error))
        return redirect("curation:actions", project)
    said = _("Taken back: %(action)s") % {"action": row.label if row else ""}
    if wants_json(request):
        return JsonResponse({"said": said, "url": undone.url})
    messages.success(request, said)
    return redirect(undone.url)


def undo_row(access: Access, row: ActionRow | None) -> TakenBack:
    if row is None:
        raise ApplicationError(_("There is nothing to take back."))
    if not access.allows(registries.undoable[row.event.action].need(row.event)):
        raise ApplicationError(_("Your role no longer lets you do this."))
    return action_undo(actor=access.user, project=access.project, event=row.event)
