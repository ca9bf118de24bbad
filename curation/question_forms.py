"""Forms for asking."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from core.registries import AskableModel
from curation.choices import QuestionKind, QuestionState, WorkOrder
from curation.models import Task
from curation.services.drafting import MOST_QUESTIONS
from curation.services.questions import MOST_PEOPLE


class TaskChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


class QuestionsForm(forms.Form):
    task = TaskChoice(Task.objects.none(), label=_("Task"), empty_label=None)
    questions = forms.CharField(
        label=_("Questions"),
        widget=forms.Textarea(attrs={"rows": 8, "dir": "auto"}),
        max_length=500_000,
        help_text=_("One on each line. What was asked before is not asked again."),
    )
    topic = forms.CharField(label=_("Topic"), max_length=120, required=False)
    needed = forms.IntegerField(
        label=_("People who answer each"),
        min_value=1,
        max_value=MOST_PEOPLE,
        initial=1,
        help_text=_("With several, each answers without seeing the others, and an owner chooses or merges."),
    )

    def __init__(self, *args: Any, tasks: QuerySet[Task], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].queryset = tasks  # type: ignore[attr-defined]

    def rows(self) -> list[dict[str, Any]]:
        lines = [line.strip() for line in self.cleaned_data["questions"].splitlines()]
        return [{"instruction": line, "topic": self.cleaned_data["topic"]} for line in lines if line]


class DeclinesForm(forms.Form):
    task = TaskChoice(Task.objects.none(), label=_("Task"), empty_label=None)
    count = forms.IntegerField(label=_("How many"), min_value=1, max_value=1000, initial=20)
    wanted = forms.CharField(
        label=_("The answer that such a question is to get"),
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        max_length=4000,
        help_text=_("For example: I do not know; please ask the building office. Each person may change it."),
    )

    def __init__(self, *args: Any, tasks: QuerySet[Task], **kwargs: Any) -> None:
        kwargs.setdefault("prefix", "decline")
        super().__init__(*args, **kwargs)
        self.fields["task"].queryset = tasks  # type: ignore[attr-defined]


class QuestionFilter(forms.Form):
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("Any")), *QuestionState.choices])
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("Any")), *QuestionKind.choices])


class ModelAskedForm(forms.Form):
    """Which model drafts, how much at most, and whether people see it before they answer."""

    model = forms.ChoiceField(label=_("Model"))
    max_new_tokens = forms.IntegerField(label=_("Longest draft"), min_value=8, max_value=4096, initial=200)
    max_new_tokens.unit = _("tokens")  # type: ignore[attr-defined]
    blind = forms.BooleanField(
        label=_("Blind: people answer first, and see the draft afterwards"),
        required=False,
        help_text=_("Slower, but a draft that is seen first leads people to agree with it."),
    )

    def __init__(self, *args: Any, models: list[AskableModel], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["model"].choices = [(model.key, model.name) for model in models]  # type: ignore[attr-defined]


class DraftingForm(ModelAskedForm):
    task = TaskChoice(Task.objects.none(), label=_("Task"), empty_label=None)
    topic = forms.CharField(
        label=_("Topic"), max_length=120, required=False, help_text=_("Only questions of this topic; empty for all.")
    )
    most = forms.IntegerField(label=_("At most"), min_value=1, max_value=MOST_QUESTIONS, initial=100)
    most.unit = _("questions")  # type: ignore[attr-defined]
    field_order = ("task", "model", "topic", "most", "max_new_tokens", "blind")

    def __init__(self, *args: Any, tasks: QuerySet[Task], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].queryset = tasks  # type: ignore[attr-defined]


class OrderForm(forms.Form):
    order = forms.ChoiceField(label=_("Order"), choices=WorkOrder.choices)
    model = forms.ChoiceField(
        label=_("Model"), required=False, help_text=_("It answers each question four times."),
        widget=forms.Select(attrs={"data-when": f"order {WorkOrder.UNCERTAINTY}"}),
    )  # fmt: skip

    def __init__(self, *args: Any, models: list[AskableModel], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [("", _("None")), *((model.key, model.name) for model in models)]
        self.fields["model"].choices = names  # type: ignore[attr-defined]

    def clean_order(self) -> WorkOrder:
        return WorkOrder(self.cleaned_data["order"])
