"""Forms of the curation pages. They parse; what may be done is decided by the services."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.denied import ApplicationError
from core.languages import LanguageField
from core.merge import is_undecided
from curation.check_labels import parameter_label
from curation.choices import AtFreeze, AtSubmit, BulkKind, LeakRule, TaskKind
from curation.models import Guideline, Task
from curation.output_rows import output_definition_read, output_row, output_rows_read
from curation.turns import turns_read
from ml.checks import AnyCheck

SPLITS = (("0.8", _("80 / 20: 80 % for training, 20 % for testing")), ("0.7", _("70 / 30")), ("other", _("Other")))
PAIR_FIELDS = ("system", "turns", "instruction", "input", "response", "outputs", "topic", "language")
OUTPUT_PARTS = {
    "name": "out_name",
    "kind": "out_kind",
    "choices": "out_choices",
    "many": "out_many",
    "required": "out_required",
}
TEMPLATES: dict[str, dict[str, str]] = {
    "chat": {"kind": "chat", "prompt": "{{instruction}}\n\n{{input}}", "before_response": "", "after_response": ""},
    "question": {
        "kind": "text",
        "prompt": "Question: {{instruction}}\n\n{{input}}",
        "before_response": "\n\nAnswer: ",
        "after_response": "",
    },
    "instruction": {
        "kind": "text",
        "prompt": "### Instruction:\n{{instruction}}\n\n### Input:\n{{input}}",
        "before_response": "\n\n### Response:\n",
        "after_response": "",
    },
}
TEMPLATE_CHOICES = (
    ("chat", _("Chat: the model's own chat format, for models that were taught to chat")),
    ("question", _("Question and answer, as plain text")),
    ("instruction", _("Instruction, input, response, as plain text")),
    ("own", _("My own")),
)


def text_area(rows: int, **attrs: Any) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "dir": "auto", **attrs})


class RowsWidget(forms.Widget):
    """Rows that people add and remove: `parts` names the list of values that each part of a row is sent in."""

    def __init__(self, parts: dict[str, str]) -> None:
        super().__init__()
        self.parts = parts

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[dict[str, str]]:
        # A form that is drawn again from a plain dict of values holds its rows as they are.
        if not hasattr(data, "getlist"):
            return list(data.get(name, []))
        columns = zip(*(data.getlist(sent) for sent in self.parts.values()), strict=False)
        return [dict(zip(self.parts, values, strict=True)) for values in columns]


class RowsField(forms.Field):
    """`read` makes of the rows what the services take, or raises ApplicationError."""

    def __init__(self, *, parts: dict[str, str], read: Callable[[Any], Any], **kwargs: Any) -> None:
        super().__init__(widget=RowsWidget(parts), required=False, **kwargs)
        self.read = read

    def to_python(self, value: Any) -> Any:
        try:
            return self.read(value or [])
        except ApplicationError as error:
            raise forms.ValidationError(str(error)) from error


class TaskForm(forms.ModelForm):
    language = LanguageField(
        label=_("Language"),
        max_length=60,
        help_text=_(
            "What a pair is written in unless it says otherwise. Choose it by its name, or write a code such as pt-BR."
        ),
    )
    template_choice = forms.ChoiceField(
        label=_("Prompt template"), choices=TEMPLATE_CHOICES, widget=forms.RadioSelect, initial="chat"
    )
    template_kind = forms.ChoiceField(
        label=_("Form of my own template"), choices=(("text", _("Plain text")), ("chat", _("Chat"))), required=False
    )
    prompt = forms.CharField(
        label=_("What the model is given"),
        widget=text_area(4, spellcheck="false"),
        required=False,
        strip=False,
        max_length=8000,
        help_text=_(
            "Write {{instruction}} and {{input}} where the pair's texts belong. An empty input takes its line with it."
        ),
    )
    before_response = forms.CharField(
        label=_("Before the response"), widget=text_area(2, spellcheck="false"), required=False, strip=False,
        max_length=2000,
    )  # fmt: skip
    output_fields = RowsField(label=_("Output fields"), parts=OUTPUT_PARTS, read=output_definition_read)
    split = forms.ChoiceField(
        label=_("Split"),
        choices=SPLITS,
        widget=forms.RadioSelect,
        initial="0.8",
        help_text=_("A tenth of the training share is set aside to develop with. Test pairs are never trained on."),
    )
    other_split = forms.IntegerField(
        label=_("Share for training"), min_value=5, max_value=95, required=False,
        help_text=_("The rest is for testing."),
        widget=forms.NumberInput(attrs={"data-when": "split other"}),
    )  # fmt: skip
    other_split.unit = "%"  # type: ignore[attr-defined]

    class Meta:
        model = Task
        fields: tuple[str, ...] = (
            "name", "kind", "description", "language", "system_prompt", "max_tokens", "target_pairs", "tokenizer",
        )  # fmt: skip
        widgets = {"kind": forms.RadioSelect, "description": text_area(2), "system_prompt": text_area(4)}
        help_texts = {
            "description": _("One or two sentences for the people who write."),
            "system_prompt": _("Stands before every conversation of this task. A pair may have its own instead."),
            "target_pairs": _("Approved pairs wanted. About 1,000 good ones make a visible difference."),
            "tokenizer": _("Counts the tokens while people write."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = TaskKind.choices  # type: ignore[attr-defined]
        self.fields["tokenizer"].empty_label = _("The starter model's")  # type: ignore[attr-defined]
        for name in ("template_kind", "prompt", "before_response"):
            self.fields[name].widget.attrs["data-when"] = "template_choice own"
        if self.instance.pk and not self.is_bound:
            self.initial.update(initial_of(self.instance))

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        if found.get("split") == "other" and not found.get("other_split") and "other_split" not in self.errors:
            self.add_error("other_split", _("Say which share of the pairs is for training."))
        if found.get("template_choice") == "own" and not (found.get("prompt") or "").strip():
            self.add_error("prompt", _("Write the template, or choose one of the others."))
        return found

    def template(self) -> dict[str, str]:
        choice = self.cleaned_data["template_choice"]
        if choice != "own":
            return TEMPLATES[choice]
        kind = self.cleaned_data["template_kind"] or "text"
        before = self.cleaned_data["before_response"] if kind == "text" else ""
        texts = {"prompt": self.cleaned_data["prompt"], "before_response": before, "after_response": ""}
        return {"kind": kind, **{name: text.replace("\r\n", "\n") for name, text in texts.items()}}

    def values(self) -> dict[str, Any]:
        """What the services take."""
        split = self.cleaned_data["split"]
        share = self.cleaned_data["other_split"] / 100 if split == "other" else float(split)
        plain = {name: self.cleaned_data[name] for name in self.Meta.fields}
        rendered = {"template": self.template(), "output_fields": self.cleaned_data["output_fields"]}
        return {**plain, **rendered, "train_share": share}


def initial_of(task: Task) -> dict[str, Any]:
    share = f"{task.train_share:g}"
    known = share in ("0.8", "0.7")
    own = {name: task.template.get(name, "") for name in ("prompt", "before_response")}
    return {
        "template_choice": next((name for name, value in TEMPLATES.items() if value == task.template), "own"),
        "template_kind": task.template.get("kind", "text"),
        **own,
        "split": share if known else "other",
        "other_split": None if known else round(task.train_share * 100),
        "output_fields": [output_row(field) for field in task.outputs],
    }


class GuidelineForm(forms.ModelForm):
    number = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    class Meta:
        model = Guideline
        fields = ("text", "reflags")
        widgets = {"text": text_area(16)}
        help_texts = {
            "text": _("Markdown: # heading, - list, **bold**. Every save is a new edition."),
            "reflags": _("Flags every pair written or reviewed so far, until somebody corrects or reviews it anew."),
        }


class PairForm(forms.Form):
    """The editor. Texts keep every blank and line end that was typed."""

    system = forms.CharField(label=_("System prompt"), widget=text_area(2), strip=False, required=False)
    turns = RowsField(label=_("Earlier turns"), parts={"role": "turn_role", "content": "turn_content"}, read=turns_read)
    instruction = forms.CharField(label=_("Instruction"), widget=text_area(3), strip=False, required=False)
    input = forms.CharField(label=_("Input"), widget=text_area(3), strip=False, required=False)
    response = forms.CharField(label=_("Response"), widget=text_area(8), strip=False, required=False)
    outputs = RowsField(
        label=_("Response"), parts={"value": "output", "evidence": "output_evidence"}, read=output_rows_read
    )
    pasted = forms.IntegerField(min_value=0, required=False)
    topic = forms.CharField(label=_("Topic"), max_length=120, required=False)
    language = forms.RegexField(
        r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$",
        label=_("Language"),
        max_length=12,
        error_messages={"invalid": _("Write a language code such as en, sv or pt-BR.")},
    )
    note = forms.CharField(label=_("What did you change, and why?"), max_length=500, required=False)
    despite = forms.CharField(
        label=_("Why it is right in spite of the findings"),
        max_length=300,
        required=False,
        help_text=_("Only where the checks found something that this project wants a reason for."),
    )
    base = forms.IntegerField(widget=forms.HiddenInput, min_value=0, required=False)
    key = forms.RegexField(r"^[A-Za-z0-9_-]{1,40}$", widget=forms.HiddenInput, required=False)

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        found["pasted"] = found.get("pasted") or 0
        for name in ("system", "instruction", "input", "response"):
            if is_undecided(found.get(name) or ""):
                self.add_error(name, _("A place is left where you have not chosen between the two texts."))
        return found

    def texts(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in PAIR_FIELDS}


class ViewForm(forms.Form):
    name = forms.CharField(label=_("Name of the view"), max_length=80)
    shared = forms.BooleanField(label=_("For everybody in the project"), required=False)


class BulkForm(forms.Form):
    """What to do with all pairs of a filter. Which value counts depends on the action."""

    kind = forms.ChoiceField(label=_("Do this with all of them"), widget=forms.RadioSelect)
    tag = forms.CharField(
        label=_("Tag"), max_length=40, required=False, help_text=_("For adding a tag or taking one away.")
    )
    topic = forms.CharField(
        label=_("Topic"), max_length=120, required=False, help_text=_("For setting the topic; empty takes it away.")
    )
    person = forms.ChoiceField(label=_("Person"), required=False, help_text=_("For assigning."))
    key = forms.RegexField(r"^[A-Za-z0-9-]{8,64}$", widget=forms.HiddenInput)

    def __init__(self, *args: Any, kinds: list[tuple[str, Any]], people: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = kinds  # type: ignore[attr-defined]
        for name, needed_by in {"tag": "tag untag", "topic": "topic", "person": "assign"}.items():
            self.fields[name].widget.attrs["data-when"] = f"kind {needed_by}"
        offered = [("", _("Nobody")), *((str(pk), name) for pk, name in people)]
        self.fields["person"].choices = offered  # type: ignore[attr-defined]
        if not any(kind == BulkKind.ASSIGN for kind, _label in kinds):
            del self.fields["person"], self.fields["topic"]

    def value(self) -> str:
        field = {BulkKind.TOPIC: "topic", BulkKind.ASSIGN: "person"}.get(self.cleaned_data["kind"], "tag")
        return str(self.cleaned_data[field])


class MarksForm(forms.Form):
    """What stands beside a pair's texts. Who may not own the project assigns nobody."""

    tags = forms.CharField(label=_("Tags"), max_length=1300, required=False, help_text=_("Separated by commas."))
    topic = forms.CharField(label=_("Topic"), max_length=120, required=False)
    assignee = forms.ChoiceField(label=_("Assigned to"), required=False)

    def __init__(self, *args: Any, people: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [("", _("Nobody")), *((str(pk), name) for pk, name in people)]
        self.fields["assignee"].choices = offered  # type: ignore[attr-defined]
        if not people:
            del self.fields["assignee"]

    def changes(self) -> dict[str, Any]:
        """As the service takes them."""
        found = {"tags": self.cleaned_data["tags"].split(","), "topic": self.cleaned_data["topic"]}
        if "assignee" in self.fields:
            found["assignee"] = int(self.cleaned_data["assignee"]) if self.cleaned_data["assignee"] else None
        return found


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=4000, required=False, widget=text_area(3))
    revision = forms.IntegerField(widget=forms.HiddenInput)


class FreezeForm(forms.Form):
    note = forms.CharField(
        label=_("Note"), max_length=300, required=False, help_text=_("What is new in it, for those who train.")
    )
    split = forms.IntegerField(label=_("Share for training"), min_value=5, max_value=95)
    split.unit = "%"  # type: ignore[attr-defined]
    leaks = forms.ChoiceField(
        label=_("Pairs that give a test item away"), choices=LeakRule.choices, widget=forms.RadioSelect
    )


class GlossaryForm(forms.Form):
    word = forms.CharField(label=_("Word or phrase"), max_length=80)
    language = forms.CharField(label=_("Language"), max_length=12)


class CheckForm(forms.Form):
    """One check of a project: on or off, its parameters, what it means for a freeze."""

    is_on = forms.BooleanField(label=_("On in this project"), required=False)
    at_freeze = forms.ChoiceField(
        label=_("At a freeze"),
        choices=AtFreeze.choices,
        widget=forms.RadioSelect,
        help_text=_("When more approved pairs than allowed have such a finding."),
    )
    at_submit = forms.ChoiceField(
        label=_("When a text with such a finding is submitted"),
        choices=AtSubmit.choices,
        widget=forms.RadioSelect,
        initial=AtSubmit.TELL,
        required=False,
    )
    freeze_share = forms.FloatField(label=_("Allowed share of pairs"), min_value=0, max_value=100)
    freeze_share.unit = "%"  # type: ignore[attr-defined]

    def __init__(self, *args: Any, check: AnyCheck, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = list(check.defaults)
        for name, value in check.defaults.items():
            self.fields[f"parameter_{name}"] = forms.FloatField(
                label=parameter_label(check.id, name), min_value=0, max_value=1_000_000, initial=value,
                help_text=_("Usually %(value)s.") % {"value": f"{value:,g}"},
            )  # fmt: skip

    @property
    def parameter_fields(self) -> list[forms.BoundField]:
        return [self[f"parameter_{name}"] for name in self.names]

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "is_on": given["is_on"],
            "at_freeze": AtFreeze(given["at_freeze"]),
            "freeze_share": given["freeze_share"] / 100,
            "at_submit": AtSubmit(given["at_submit"] or AtSubmit.TELL),
            "parameters": {name: given[f"parameter_{name}"] for name in self.names},
        }


class GapForm(forms.Form):
    """What is wanted where the data has a hole."""

    topic = forms.CharField(max_length=120, required=False)
    about = forms.CharField(max_length=80, required=False)
    shortest = forms.IntegerField(min_value=0, required=False)
    longest = forms.IntegerField(min_value=1, required=False)
    count = forms.IntegerField(min_value=1)

    def clean_shortest(self) -> int:
        return self.cleaned_data["shortest"] or 0
