"""Tasks: what the model is to do, and the guidelines for the people who write for it."""

from copy import copy

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import project_access
from core.choices import Need
from core.markdown import render_markdown
from core.views.telling import refusal_on
from curation.access import task_access
from curation.forms import GuidelineForm, TaskForm
from curation.selectors.preview import template_preview
from curation.selectors.tasks import example_pair, guideline_of, task_row, tasks_of
from curation.services.tasks import guideline_save, task_create, task_update


@require_GET
def tasks(request: HttpRequest, project: str) -> HttpResponse:
    access = project_access(request, project)
    return render(
        request, "curation/tasks.html", {"rows": tasks_of(access.project), "may_own": access.allows(Need.OWN)}
    )


def task_new(request: HttpRequest, project: str) -> HttpResponse:
    access = project_access(request, project, Need.OWN)
    form = TaskForm(request.POST or None, initial={"language": access.project.language, "prompt": "{{instruction}}"})
    if request.method == "POST" and form.is_valid():
        with refusal_on(form):
            task = task_create(actor=access.user, project=access.project, **form.values())
        if not form.errors:
            messages.success(request, _("The task is made. Write its guidelines, or begin with pairs."))
            return redirect("curation:task-detail", project, task.slug)
    return render(request, "curation/task_form.html", {"form": form}, status=400 if form.errors else 200)


def task_edit(request: HttpRequest, project: str, task: str) -> HttpResponse:
    access, found = task_access(request, project, task, Need.OWN)
    # A copy: the form writes what was typed into its instance, and the service must see what was before.
    form = TaskForm(request.POST or None, instance=copy(found))
    if request.method == "POST" and form.is_valid():
        with refusal_on(form):
            task_update(actor=access.user, task=found, **form.values())
        if not form.errors:
            messages.success(request, _("The task is saved. Versions that are frozen already stay as they were."))
            return redirect("curation:task-detail", project, task)
    context = {"form": form, "task": found, "example": example_pair(found)}
    return render(request, "curation/task_form.html", context, status=400 if form.errors else 200)


@require_GET
def task_detail(request: HttpRequest, project: str, task: str) -> HttpResponse:
    access, found = task_access(request, project, task)
    guideline = guideline_of(found)
    context = {
        "task": found,
        "row": task_row(found),
        "guideline": guideline,
        "guidelines_html": render_markdown(guideline.text) if guideline else "",
        "preview": template_preview(found, found.template, example_pair(found)),
        "may_write": access.allows(Need.WRITE),
        "may_own": access.allows(Need.OWN),
    }
    return render(request, "curation/task.html", context)


def guidelines(request: HttpRequest, project: str, task: str) -> HttpResponse:
    """The newest edition and the older ones; owners write the next."""
    need = Need.OWN if request.method == "POST" else Need.VIEW
    access, found = task_access(request, project, task, need)
    newest = guideline_of(found)
    number = newest.number if newest else 0
    initial = {"text": newest.text if newest else "", "number": number}
    form = GuidelineForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        with refusal_on(form):
            guideline_save(actor=access.user, task=found, **form.cleaned_data)
        if not form.errors:
            messages.success(request, _("Saved as a new edition. Writers see it at once."))
            return redirect("curation:guidelines", project, task)
        form.data = {**request.POST.dict(), "number": number}
    context = {
        "task": found,
        "form": form,
        "newest": newest,
        "html": render_markdown(newest.text) if newest else "",
        "editions": found.guidelines.select_related("author")[:50],
        "may_own": access.allows(Need.OWN),
    }
    return render(request, "curation/guidelines.html", context, status=400 if form.errors else 200)


@require_POST
def preview(request: HttpRequest, project: str) -> HttpResponse:
    """What a template makes of a real pair; the task form asks for it while somebody types."""
    access = project_access(request, project, Need.OWN)
    form = TaskForm(request.POST)
    form.is_valid()
    task = access.project.tasks.filter(slug=request.POST.get("slug", "")).first()
    template = form.template() if "template_choice" in form.cleaned_data and "prompt" in form.cleaned_data else None
    system = form.cleaned_data.get("system_prompt") or ""
    found = template_preview(task, template, example_pair(task) if task else None, system=system)
    return render(request, "curation/template_preview.html", {"preview": found})
