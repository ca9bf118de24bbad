"""The door to what belongs to training, on top of core.access: an object is found within its project or not at all."""

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404

from core.access import Access, person, project_access
from core.choices import Need
from curation.access import by_id
from training.models import BaseModel, ModelVersion, Run

RUN_PARTS = ("project", "version__task", "corpus", "after", "base", "start", "audit__job", "job", "requested_by")
VERSION_PARTS = ("project", "base", "run__version__task", "run__requested_by")


def run_access(request: Any, project: str, run: int, need: str = Need.VIEW) -> tuple[Access, Run]:
    access = project_access(request, project, need)
    return access, get_object_or_404(Run.objects.select_related(*RUN_PARTS), project=access.project, pk=run)


def model_access(request: Any, project: str, version: int, need: str = Need.VIEW) -> tuple[Access, ModelVersion]:
    access = project_access(request, project, need)
    rows = ModelVersion.objects.select_related(*VERSION_PARTS)
    return access, get_object_or_404(rows, project=access.project, pk=version)


def base_access(request: Any, project: str, base: int) -> tuple[Access, BaseModel]:
    """Base models belong to the installation: every member of any project sees them."""
    access = project_access(request, project)
    return access, get_object_or_404(BaseModel.objects.select_related("job", "created_by", "corpus", "run"), pk=base)


# --- the API names objects by id alone --------------------------------------------------------------------------------


def run_by_id(request: Any, run: int, need: str = Need.VIEW) -> tuple[Access, Run]:
    return by_id(request, Run.objects.select_related(*RUN_PARTS), run, need, "project")


def model_by_id(request: Any, version: int, need: str = Need.VIEW) -> tuple[Access, ModelVersion]:
    return by_id(request, ModelVersion.objects.select_related(*VERSION_PARTS), version, need, "project")


def base_by_id(request: Any, base: int) -> BaseModel:
    person(request)
    found = BaseModel.objects.select_related("job", "created_by").filter(pk=base).first()
    if found is None:
        raise Http404
    return found
