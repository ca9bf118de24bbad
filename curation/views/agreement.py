"""How much people agree, and the verdicts on each other's answers that say so."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core import registries
from core.access import project_access
from core.choices import Need
from core.views.telling import refusal_on, refusal_told
from curation.access import task_access
from curation.models import Answer
from curation.question_forms import OrderForm
from curation.selectors.agreement import agreement_of, reviews_agreement, to_judge
from curation.services.agreement import acceptance_give, likeness_ask
from curation.services.ordering import work_order_set


@require_GET
def agreement(request: HttpRequest, project: str) -> HttpResponse:
    access = project_access(request, project)
    waiting = to_judge(access.project, access.user)[:100].count() if access.allows(Need.WRITE) else 0
    context = {
        "answers": agreement_of(access.project),
        "reviews": reviews_agreement(access.project),
        "waiting": waiting,
        "may_own": access.allows(Need.OWN),
    }
    return render(request, "curation/agreement.html", context)


@require_POST
def measure(request: HttpRequest, project: str) -> HttpResponse:
    access = project_access(request, project, Need.OWN)
    for task in access.project.tasks.select_related("project"):
        likeness_ask(actor=access.user, task=task)
    messages.success(request, _("The answers are being compared; reload this page in a moment."))
    return redirect("curation:agreement", project)


@require_GET
def judge(request: HttpRequest, project: str) -> HttpResponse:
    """One answer of somebody else, without a name."""
    access = project_access(request, project, Need.WRITE)
    found = to_judge(access.project, access.user)
    answer = found.first()
    return render(request, "curation/judge.html", {"answer": answer, "waiting": found[:100].count()})


@require_POST
def judged(request: HttpRequest, project: str, answer: int) -> HttpResponse:
    access = project_access(request, project, Need.WRITE)
    found = get_object_or_404(
        Answer.objects.select_related("question__project"), pk=answer, question__project=access.project
    )
    with refusal_told(request):
        acceptance_give(actor=access.user, answer=found, ships=request.POST.get("ships") == "yes")
    return redirect("curation:judge", project)


def work_order(request: HttpRequest, project: str, task: str) -> HttpResponse:
    """In which order people get what waits of a task."""
    access, found = task_access(request, project, task, Need.OWN)
    models = registries.models_to_ask(access.project)
    form = OrderForm(request.POST or None, models=models, initial={"order": found.work_order})
    if request.method == "POST" and form.is_valid():
        with refusal_on(form):
            work_order_set(
                actor=access.user, task=found, order=form.cleaned_data["order"], model_key=form.cleaned_data["model"]
            )
            messages.success(request, _("The order is chosen; what waits is being brought into it."))
            return redirect("curation:task-detail", project, task)
    status = 400 if form.errors else 200
    return render(request, "curation/work_order.html", {"form": form, "task": found}, status=status)
