"""Forms of the evaluation pages. They parse; what may be done is decided by the services."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.models import Project
from curation.models import Suite
from evaluation.choices import RoundKind
from evaluation.selectors.suites import suite_for, suites_of
from training.choices import ModelState
from training.models import BaseModel, ModelVersion

GRADERS_MOST = 9


class NewEvaluation(forms.Form):
    """One model version against its base or another one, on a suite."""

    model = forms.ModelChoiceField(
        label=_("Model"), queryset=ModelVersion.objects.none(), empty_label=None, help_text=_("The newest comes first.")
    )
    against = forms.ChoiceField(
        label=_("Compared with"),
        help_text=_("The base model answers the question whether finetuning helped."),
    )
    suite = forms.ModelChoiceField(
        label=_("Suite"),
        queryset=Suite.objects.none(),
        required=False,
        empty_label=_("The model's own test part (recommended)"),
        help_text=_("What was kept aside for testing. An item that the model was trained on is refused."),
    )
    answers = forms.IntegerField(
        label=_("Answers a model"),
        initial=30,
        min_value=0,
        max_value=100_000,
        help_text=_("How many items each model answers; 0 for all. The loss is measured on every item anyway."),
    )
    max_new_tokens = forms.IntegerField(
        label=_("Longest answer"),
        initial=200,
        min_value=1,
        max_value=8192,
        help_text=_("An answer that reaches it is cut and counted as such."),
    )
    batch_size = forms.IntegerField(
        label=_("Answers at a time"),
        initial=8,
        min_value=1,
        max_value=256,
        help_text=_("More is faster and needs more memory."),
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = ModelVersion.objects.filter(project=project).select_related("base").order_by("-pk")
        bases = BaseModel.objects.filter(state=ModelState.READY)
        fields: dict[str, Any] = self.fields
        fields["model"].queryset = versions
        fields["suite"].queryset = suites_of(project)
        fields["max_new_tokens"].unit = _("tokens")
        fields["against"].choices = [
            ("", _("Its base model (recommended)")),
            *((f"base-{base.pk}", str(base)) for base in bases),
            *((f"version-{version.pk}", str(version)) for version in versions),
        ]
        fields["against"].required = False
        self.versions, self.bases = versions, bases

    def clean(self) -> dict[str, Any]:
        """Fill in what was left to us: the base to compare with and the suite that was kept from the model."""
        found = super().clean() or {}
        model = found.get("model")
        if model is not None:
            found["models"] = [self.chosen(found.get("against", "")) or model.base, model]
            found["suite"] = found.get("suite") or suite_for(model)
            if found["suite"] is None:
                self.add_error("suite", _("The version this model was trained on has no test part; choose a suite."))
        return found

    def chosen(self, key: str) -> BaseModel | ModelVersion | None:
        kind, _dash, number = key.partition("-")
        rows: Any = {"base": self.bases, "version": self.versions}.get(kind)
        return rows.filter(pk=number).first() if rows is not None else None


class NewRound(forms.Form):
    kind = forms.ChoiceField(
        label=_("What people do"),
        choices=RoundKind.choices,
        initial=RoundKind.GRADES,
        required=False,
        help_text=_(
            "Grades judge each answer by the rubric. Votes show two models' answers side by side; those on a develop "
            "suite become preferences that a training can learn from."
        ),
    )
    items = forms.IntegerField(
        label=_("Questions"),
        min_value=1,
        max_value=10_000,
        help_text=_("Every model's answer to each of them is judged, mixed and without names."),
    )
    graders = forms.IntegerField(
        label=_("People for each answer"),
        initial=1,
        min_value=1,
        max_value=GRADERS_MOST,
        help_text=_("With two or more the page also says how well they agree."),
    )

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or RoundKind.GRADES
