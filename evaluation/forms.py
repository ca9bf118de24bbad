"""Forms of the evaluation pages. They parse; what may be done is decided by the services."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from core.models import Project
from core.numbers import whole_number
from core.templatetags.parts import about
from curation.models import Suite
from evaluation.choices import RoundKind
from evaluation.selectors.amounts import QUICK_LOOK, Amount, amounts_of
from evaluation.selectors.estimates import BATCH
from evaluation.selectors.suites import suite_for, suites_of
from training.choices import ModelState
from training.models import BaseModel, ModelVersion

GRADERS_MOST = 9
DETAILS = ("answers", "max_new_tokens", "batch_size")


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
        label=_("Questions"),
        queryset=Suite.objects.none(),
        required=False,
        empty_label=_("The model's own test part (recommended)"),
        help_text=_(
            "The suite: a fixed set of questions with their right answers, kept aside for testing. One that the model "
            "was trained on is refused."
        ),
    )
    amount = forms.ChoiceField(label=_("How thorough"), widget=forms.RadioSelect, required=False)
    answers = forms.IntegerField(
        label=_("Answers a model"),
        required=False,
        min_value=0,
        max_value=100_000,
        help_text=_("A number of your own instead of the choice above; 0 for all."),
    )
    max_new_tokens = forms.IntegerField(
        label=_("Longest answer"),
        required=False,
        min_value=1,
        max_value=8192,
        help_text=_(
            "An answer that reaches it is cut and counted as such. Left empty, a quarter more than the longest right "
            "answer."
        ),
    )
    batch_size = forms.IntegerField(
        label=_("Answers at a time"),
        initial=BATCH,
        min_value=1,
        max_value=256,
        help_text=_("At most; fewer where questions are long. More is faster and needs more memory."),
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = ModelVersion.objects.filter(project=project).select_related("base").order_by("-pk")
        bases = BaseModel.objects.filter(state=ModelState.READY)
        fields: dict[str, Any] = self.fields
        fields["model"].queryset = versions
        fields["suite"].queryset = suites_of(project)
        fields["max_new_tokens"].unit = _("tokens")
        self.versions, self.bases = versions, bases
        fields["against"].choices = self.others()
        fields["against"].required = False
        self.amounts = self.offered()
        fields["amount"].choices = [(each.key, each.label) for each in self.amounts]
        fields["amount"].initial = self.amounts[0].key if self.amounts else ""

    def others(self) -> list[tuple[str, Any]]:
        """What the chosen model can be compared with: all but itself. Sent all the same, it is told why not."""
        itself = f"version-{model.pk}" if (model := self.model_now()) else ""
        if self.is_bound and self.asked_for("against") == itself:
            itself = ""
        named = [(f"version-{version.pk}", str(version)) for version in self.versions]
        return [
            ("", _("Its base model (recommended)")),
            *((f"base-{base.pk}", str(base)) for base in self.bases),
            *(choice for choice in named if choice[0] != itself),
        ]

    def model_now(self) -> ModelVersion | None:
        return self.row("model", self.versions) or self.versions.first()

    def offered(self) -> list[Amount]:
        """The amounts for what is chosen at the moment, with the time that each will take."""
        fields: dict[str, Any] = self.fields
        model = self.model_now()
        suite = self.row("suite", fields["suite"].queryset) or (suite_for(model) if model else None)
        if model is None or suite is None:
            return []
        against = self.chosen(str(self.asked_for("against")))
        return amounts_of(suite, [against if against and against != model else model.base, model])

    def row(self, name: str, rows: QuerySet[Any]) -> Any:
        return rows.filter(pk=whole_number(self.asked_for(name)) or 0).first()

    def asked_for(self, name: str) -> Any:
        return (self.data if self.is_bound else self.initial).get(name) or ""

    def cards(self) -> list[dict[str, Any]]:
        chosen = self["amount"].value()
        keys = [each.key for each in self.amounts]
        return [
            {"amount": each, "chosen": each.key == chosen or (chosen not in keys and each is self.amounts[0])}
            for each in self.amounts
        ]

    def clean(self) -> dict[str, Any]:
        """Fill in what was left to us: the base to compare with and the suite that was kept from the model."""
        found = super().clean() or {}
        model = found.get("model")
        if model is not None:
            found["models"] = [self.chosen(found.get("against", "")) or model.base, model]
            found["suite"] = found.get("suite") or suite_for(model)
            if found["suite"] is None:
                self.add_error("suite", _("The version this model was trained on has no test part; choose a suite."))
        if found.get("answers") is None:
            amount = next((each for each in self.amounts if each.key == found.get("amount")), None)
            found["answers"] = amount.answers if amount else QUICK_LOOK
        return found

    def changed_details(self) -> bool:
        """Whether the details should be open: something in them was set or is wrong."""
        return any(self[name].errors or self[name].value() not in (None, "", BATCH, str(BATCH)) for name in DETAILS)

    def details(self) -> list[forms.BoundField]:
        return [self[name] for name in DETAILS]

    def chosen(self, key: str) -> BaseModel | ModelVersion | None:
        kind, _dash, number = key.partition("-")
        rows: Any = {"base": self.bases, "version": self.versions}.get(kind)
        return rows.filter(pk=whole_number(number) or 0).first() if rows is not None else None


FEW, MANY = 5, 20  # questions of a round, where one person grades them all, and where there are more
SECONDS_AN_ANSWER = 30


class NewRound(forms.Form):
    kind = forms.ChoiceField(
        label=_("What people do"),
        choices=RoundKind.choices,
        initial=RoundKind.GRADES,
        required=False,
        help_text=_(
            "Grades judge each answer by the rubric. Votes show two models' answers side by side; those on a develop "
            "suite, whose questions may become lessons, are preferences that a training can learn from."
        ),
    )
    items = forms.IntegerField(
        label=_("Questions"),
        min_value=1,
        max_value=10_000,
    )
    graders = forms.IntegerField(
        label=_("People for each answer"),
        initial=1,
        min_value=1,
        max_value=GRADERS_MOST,
        help_text=_("With two or more the page also says how well they agree."),
    )

    def __init__(self, *args: Any, models: int, alone: bool, answered: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["items"].initial = usual = min(FEW if alone else MANY, answered) or 1
        values = {"answers": usual * models, "time": about(usual * models * SECONDS_AN_ANSWER)}
        text = (
            _(
                "Every model's answer to each of them is judged: %(answers)d answers as filled in, about %(time)s for "
                "one person, few because you work alone here."
            )
            if alone
            else _(
                "Every model's answer to each of them is judged: %(answers)d answers as filled in, about %(time)s of "
                "work that several people share."
            )
        )
        self.fields["items"].help_text = text % values

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or RoundKind.GRADES
