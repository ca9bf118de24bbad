"""Two runs side by side: in what they differ, and what came of it."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from ml.recipe import Recipe, recipe_fields
from training.models import Run
from training.presets import measured, said
from training.selectors.material import share_told

RESULTS = ("train_loss", "develop_loss_before", "develop_loss_after", "general_loss_before", "general_loss_after")


@dataclass(frozen=True)
class Line:
    label: Any
    left: str
    right: str

    @property
    def differs(self) -> bool:
        return self.left != self.right


def compared(left: Run, right: Run) -> list[Line]:
    """What both were made of, every setting, and the outcome."""
    return [*origins(left, right), *settings_of(left, right)]


def origins(left: Run, right: Run) -> list[Line]:
    def told(run: Run) -> list[str]:
        start = str(run.start) if run.start else _("its beginning")
        excluded = sum(len(ids) for ids in run.excluded.values())
        share = share_told(run) or _("all of it")
        return [str(run.material), run.material.sha256[:12], share, str(run.base), start, str(excluded)]

    names = (_("Learns"), _("Its fingerprint"), _("How much of it"), _("Base model"), _("On from"))
    labels = (*names, _("Pairs left out by hand"))
    return [Line(*found) for found in zip(labels, told(left), told(right), strict=True)]


def settings_of(left: Run, right: Run) -> list[Line]:
    recipes = [Recipe.from_json(run.recipe) for run in (left, right)]
    return [
        Line(
            said(setting.label),
            *(measured(setting, getattr(recipe, setting.name)) for recipe in recipes),
        )
        for setting in recipe_fields()
    ]


def outcomes(left: Run, right: Run) -> list[Line]:
    labels = {
        "train_loss": _("Train loss"),
        "develop_loss_before": _("Develop loss before"),
        "develop_loss_after": _("Develop loss after"),
        "general_loss_before": _("Loss on a general text before"),
        "general_loss_after": _("Loss on a general text after"),
    }
    numbers = [Line(labels[name], number(left, name), number(right, name)) for name in RESULTS]
    return [Line(_("State"), str(left.get_state_display()), str(right.get_state_display())), *numbers]


def number(run: Run, name: str) -> str:
    value = run.result.get(name)
    return "–" if value is None else f"{value:.4f}"
