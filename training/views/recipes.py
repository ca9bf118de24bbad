"""Recipes beyond one launch: as a file, from a file, kept as a preset, and two runs compared."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import project_access
from core.choices import Need
from core.numbers import whole_number
from core.views.telling import refusal_told
from ml.presets import PRESETS
from ml.recipe import Recipe
from training.access import run_access
from training.forms import LaunchForm, RecipeForm, differing
from training.models import OwnPreset
from training.selectors.comparison import compared, outcomes
from training.selectors.models import base_readiness
from training.selectors.runs import runs_of
from training.services.presets import preset_drop, preset_keep


@require_GET
def download(request: HttpRequest, project: str, run: int) -> HttpResponse:
    """A run's recipe as YAML."""
    _access, found = run_access(request, project, run)
    text = Recipe.from_json(found.recipe).to_yaml()
    name = f"recipe-{found.pk}.yaml"
    return HttpResponse(
        text, content_type="application/yaml", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def upload(request: HttpRequest, project: str) -> HttpResponse:
    """Read a recipe from YAML into the launch form."""
    access = project_access(request, project, Need.OWN)
    form = RecipeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        recipe: Recipe = form.cleaned_data["recipe"]
        usual = PRESETS["balanced"]
        filled = LaunchForm(project=access.project, initial=differing(recipe.to_json(), usual))
        context = {"form": filled, **base_readiness(), "action": reverse("training:run-new", args=[project])}
        return render(request, "training/run_form.html", context)
    status = 400 if form.is_bound else 200
    return render(request, "training/recipe_form.html", {"form": form}, status=status)


@require_POST
def keep(request: HttpRequest, project: str, run: int) -> HttpResponse:
    """Keep a run's recipe as a preset of the project."""
    access, found = run_access(request, project, run, Need.OWN)
    with refusal_told(request, _("The preset is in the launch form now.")):
        preset_keep(actor=access.user, run=found, name=request.POST.get("name", ""))
    return redirect("training:run-detail", project, run)


@require_POST
def drop(request: HttpRequest, project: str, preset: int) -> HttpResponse:
    access = project_access(request, project, Need.OWN)
    found = get_object_or_404(OwnPreset, project=access.project, pk=preset)
    with refusal_told(request, _("The preset is gone.")):
        preset_drop(actor=access.user, project=access.project, preset=found)
    return redirect("training:run-list", project)


@require_GET
def compare(request: HttpRequest, project: str) -> HttpResponse:
    """Two runs side by side."""
    access = project_access(request, project)
    runs = runs_of(access.project).select_related("start")
    asked = [request.GET.get(name, "") for name in ("a", "b")]
    found = [runs.filter(pk=whole_number(key) or 0).first() for key in asked]
    if any(key and run is None for key, run in zip(asked, found, strict=True)):
        raise Http404
    left, right = found
    lines = compared(left, right) if left and right else []
    context = {
        "runs": runs[:100],
        "left": left,
        "right": right,
        "differences": [line for line in lines if line.differs],
        "same": [line for line in lines if not line.differs],
        "outcomes": outcomes(left, right) if left and right else [],
    }
    return render(request, "training/compare.html", context)
