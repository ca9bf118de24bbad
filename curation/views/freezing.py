"""Before a freeze: what the next version would hold, what it would leave out and why, and the button."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from core.access import Access
from core.choices import Need
from core.denied import ApplicationError, Refused
from core.views.telling import refusal_on
from curation.access import task_access
from curation.choices import LeakRule
from curation.forms import FreezeForm
from curation.models import DatasetVersion, Task
from curation.selectors.leaks import leaks_shown
from curation.services.previewing import preview_see
from curation.services.versions import version_freeze

SHOWN = 100


def freeze(request: HttpRequest, project: str, task: str) -> HttpResponse:
    """The preview at the ratio asked for, and the button that freezes it."""
    access, found = task_access(request, project, task, Need.OWN)
    asked: dict[str, Any] = {"split": split_asked(request, found), "leaks": LeakRule.EXCLUDE}
    form = FreezeForm(request.POST or None, initial=asked)
    values = form.cleaned_data if form.is_valid() else asked
    share = values["split"] / 100
    if request.method == "POST" and form.is_valid() and "preview" not in request.POST:
        with refusal_on(form):
            version = freeze_asked(access, found, share, values)
        if not form.errors:
            return redirect("curation:version-detail", project, version.pk)
    seen = preview_see(actor=access.user, task=found, train_share=share, rule=values["leaks"])
    context = {
        "task": found,
        "form": form,
        "seen": seen,
        "preview": seen.preview,
        "split": values["split"],
        "left_out_url": reverse("curation:freeze-left-out", args=[project, task]) + f"?split={values['split']}",
        "ratios": (80, 70),
    }
    return render(request, "curation/freeze.html", context, status=400 if form.errors else 200)


def freeze_asked(access: Access, task: Task, share: float, values: dict[str, Any]) -> DatasetVersion:
    """What a guard refuses stands on the form, with the note that was typed: whoever came here may freeze."""
    try:
        return version_freeze(
            actor=access.user, task=task, note=values["note"], train_share=share, leaks=values["leaks"]
        )
    except Refused as refused:
        raise ApplicationError(str(refused)) from refused


@require_GET
def left_out(request: HttpRequest, project: str, task: str) -> HttpResponse:
    """Every pair that the freeze would leave out, one by one; for a leak with both texts."""
    access, found = task_access(request, project, task, Need.OWN)
    split = split_asked(request, found)
    preview = preview_see(actor=access.user, task=found, train_share=split / 100).preview
    facts = preview.facts if preview else None
    leaks = leaks_shown(found, facts.leaks[:SHOWN]) if facts else []
    bridges = [row for row in facts.left_out if row.leak is None] if facts else []
    context = {"task": found, "split": split, "facts": facts, "leaks": leaks, "bridges": bridges, "shown": SHOWN}
    return render(request, "curation/freeze_left_out.html", context)


def split_asked(request: HttpRequest, task: Task) -> int:
    """The share for training in percent, from the address; a wrong one counts as none."""
    asked = request.GET.get("split", "")
    fits = asked.isascii() and asked.isdigit() and len(asked) < 3 and 5 <= int(asked) <= 95
    return int(asked) if fits else round(task.train_share * 100)
