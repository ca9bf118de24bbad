"""What graders judge by."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from core.access import project_access
from core.choices import Need
from core.denied import ApplicationError
from evaluation.services.rubrics import MOST_CRITERIA, rubric_current, rubric_edit

FIELDS = ("label", "low", "high")


def edit(request: HttpRequest, project: str) -> HttpResponse:
    """The rubric with room for more criteria; graders see it on every answer."""
    access = project_access(request, project, Need.OWN)
    rubric = rubric_current(project=access.project)
    rows = [{**dict.fromkeys(FIELDS, ""), **criterion} for criterion in rubric.criteria]
    error = ""
    if request.method == "POST":
        rows = [{name: request.POST.get(f"{name}-{place}", "") for name in FIELDS} for place in range(MOST_CRITERIA)]
        try:
            after = rubric_edit(actor=access.user, project=access.project, criteria=rows)
        except ApplicationError as refusal:
            error = str(refusal)
        else:
            messages.success(request, _("Edition %d of the rubric counts from the next round on.") % after.number)
            return redirect("evaluation:rubric-edit", project)
    rows += [dict.fromkeys(FIELDS, "") for _row in range(MOST_CRITERIA - len(rows))]
    context = {"rubric": rubric, "rows": rows, "error": error}
    return render(request, "evaluation/rubric.html", context, status=400 if error else 200)
