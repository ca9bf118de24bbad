"""Which models the page of three stages offers, and which it takes first."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from core.models import Project
from core.numbers import whole_number
from training.choices import ModelState
from training.models import BaseModel, ModelVersion

OFFERED = 50
PROMPTS = ("What is a roof for?", "The first thing to know is")


@dataclass(frozen=True)
class Stage:
    """A column of the page: the model chosen for it, if there is one to choose."""

    key: str
    label: str
    text: str
    name: str  # of the model, with its address in the page
    model: str  # b12 for a base model, v3 for a model version; "" for none


def untrained() -> Any:
    return BaseModel.objects.filter(state=ModelState.READY, run=None).exclude(size="")


def pretrained() -> Any:
    return BaseModel.objects.filter(state=ModelState.READY).exclude(size__gt="", run=None)


def stages(project: Project, asked: dict[str, str]) -> list[Stage]:
    """The three columns: what is asked for, else models that come from one another, the newest first."""
    version = chosen(ModelVersion.objects.filter(project=project).select_related("base__run__base"), asked, "finetuned")
    family = version.base if version is not None else None
    read = chosen(pretrained().select_related("run__base"), asked, "pretrained", family)
    before = read.run.base if read is not None and read.run is not None else None
    fresh = chosen(untrained(), asked, "untrained", before if before is not None and before.size else None)
    return [
        Stage("untrained", _("Untrained"), _("Knows nothing yet"), str(fresh or ""), f"b{fresh.pk}" if fresh else ""),
        Stage("pretrained", _("Pretrained"), _("Goes on with a text"), str(read or ""), f"b{read.pk}" if read else ""),
        Stage(
            "finetuned", _("Finetuned"), _("Answers"), str(version or ""), f"v{version.pk}" if version else ""
        ),
    ]  # fmt: skip


def chosen(rows: Any, asked: dict[str, str], key: str, usual: Any = None) -> Any:
    """The row that is asked for, else the usual one, else the newest."""
    found = rows.filter(pk=whole_number(asked.get(key)) or 0).first()
    return found or usual or rows.order_by("-pk").first()


def stage_model(project: Project, key: str) -> BaseModel | ModelVersion | None:
    """The model behind a column's key, if this project may ask it."""
    kind, number = key[:1], whole_number(key[1:]) or 0
    if kind == "v":
        rows = ModelVersion.objects.select_related("base", "run__version")
        return rows.filter(project=project, pk=number).first()
    return BaseModel.objects.filter(state=ModelState.READY, pk=number).first() if kind == "b" else None
