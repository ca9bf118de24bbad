"""Every part of the pages in each of its states, for people who build pages. The texts are samples; nothing is kept."""

from types import SimpleNamespace
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.access import require_admin
from core.charts import Chart, Series, line_chart
from core.choices import JOB_ENDED, JOB_TONES, JobState

STATIONS = (
    ("task", "Tasks", 2, "Answer questions, sort questions"),
    ("pairs", "Pairs", 503, "12 written this week"),
    ("review", "Reviewed", 487, "16 wait for a reviewer"),
    ("versions", "Versions", 3, "Newest: 400 train, 99 test"),
    ("training", "Runs", 5, "One is training now"),
    ("models", "Models", 4, "Best: lora-balanced-3"),
    ("outputs", "Outputs", 1188, "From 4 models on 99 items"),
    ("grades", "Grades", 0, "Nobody has graded yet"),
)
STEPS = (
    ("Write your first pair", "An instruction and the answer you would give.", True),
    ("Review somebody else's pair", "Approve it, or return it with a reason.", True),
    ("Freeze a dataset version", "It fixes the pairs and splits them into train, develop and test.", False),
    ("Train a model", "The Quick preset takes about four minutes on this machine.", False),
    ("Grade its answers blind", "You will not see which model said what.", False),
)
DIFF = (
    ("equal", "The warranty covers "),
    ("delete", "all parts"),
    ("insert", "the compressor and the seals"),
    ("equal", " for 24 months after delivery"),
    ("insert", ", if the unit was installed by a certified fitter"),
    ("equal", "."),
)
SEGMENTS = (
    ("<|im_start|>user\nWhen is the warranty void?<|im_end|>\n<|im_start|>assistant\n", "context"),
    ("The warranty is void when the seal was broken by anyone but a certified fitter.", "trained"),
    ("<|im_end|>", "trained"),
    (" See also chapter 7 of the handbook.", "cut"),
)
TEXT = "The warrenty covers the compressor and the seals for 24 months."
FINDINGS = (
    {"start": 4, "end": 12, "message": "“warrenty” may be misspelled.", "severity": "warning", "excerpt": "warrenty"},
    {
        "start": 20,
        "end": 34,
        "message": "Preferred term: “compressor unit”.",
        "severity": "info",
        "excerpt": "the compressor",
    },
)
PEOPLE = ("Ada Lovelace", "Grace Hopper", "Katherine Johnson", "Alan Turing")


class SampleForm(forms.Form):
    name = forms.CharField(label="Name", help_text="Shown in lists and in the audit log.")
    kind = forms.ChoiceField(label="Kind", choices=(("extraction", "Extraction"), ("expansion", "Expansion")))
    rate = forms.DecimalField(
        label="Learning rate", help_text="Higher learns faster and forgets more.", initial="0.0002"
    )
    prompt = forms.CharField(label="System prompt", widget=forms.Textarea(attrs={"rows": 4}), required=False)
    share = forms.ChoiceField(
        label="Split",
        choices=(("80", "80 / 20"), ("70", "70 / 30")),
        widget=forms.RadioSelect,
        help_text="Train and test.",
    )
    solo = forms.BooleanField(
        label="One person may approve their own pairs", required=False, help_text="Shown as unreviewed."
    )
    file = forms.FileField(label="File", required=False, help_text="JSONL or CSV, at most 2 GB.")


def sample_job(state: JobState, done: int, message: str, error: str = "") -> SimpleNamespace:
    return SimpleNamespace(
        pk=state,
        state=str(state),
        tone=JOB_TONES[state],
        subject="Training lora-balanced-4",
        share=done / 100,
        eta_seconds=187 if state == JobState.RUNNING else None,
        message=message,
        error=error,
        is_open=state not in JOB_ENDED,
        get_state_display=state.label,
    )


def sample_chart() -> Chart:
    points = [(float(step), 1 + 2 * 0.86**step) for step in range(20)]
    return line_chart(title="Loss by step", x_label="Step", y_label="Loss", series=[Series("Loss", points)])


def sample_context() -> dict[str, Any]:
    invalid = SampleForm({"name": "", "kind": "expansion", "rate": "fast", "share": "80"})
    invalid.is_valid()
    return {
        "stations": [
            dict(zip(("key", "label", "value", "detail", "url"), (*row, "#"), strict=True)) for row in STATIONS
        ],
        "steps": [dict(zip(("label", "text", "done", "url"), (*row, "#"), strict=True)) for row in STEPS],
        "diff": DIFF,
        "segments": SEGMENTS,
        "found_text": TEXT,
        "findings": [
            SimpleNamespace(**finding, suggestions=["warranty"] if finding["start"] == 4 else [])
            for finding in FINDINGS
        ],
        "people": PEOPLE,
        "tones": ("ok", "warn", "bad", "info", "accent", "muted"),
        "form": SampleForm(auto_id="free_%s"),
        "invalid": invalid,
        "jobs": [
            sample_job(JobState.QUEUED, 0, "Third in the queue, starts in about 6 minutes"),
            sample_job(JobState.RUNNING, 42, "Step 21 of 50, loss 2.31"),
            sample_job(JobState.DONE, 100, "50 steps in 5 min 12 s"),
            sample_job(
                JobState.FAILED,
                30,
                "",
                "The disk is full: 120 MB are free, 540 MB are needed. Free some space and start again.",
            ),
        ],
        "chart": sample_chart(),
        "crumbs": [{"label": "Versions", "url": "#"}, {"label": "Version 3", "url": "#"}, {"label": "Run 5"}],
        "tabs": [
            {"label": "Overview", "url": "#", "active": True},
            {"label": "Items", "url": "#", "count": 99},
            {"label": "Lineage", "url": "#"},
        ],
        "scale": ((1, "wrong"), (2, "weak"), (3, "usable"), (4, "good"), (5, "perfect")),
        "rows": PAIRS,
    }


PAIRS = (
    ("When is the warranty void?", "Approved", "ok", "Ada Lovelace", 42, "human"),
    (
        "How do I bleed the radiators after the summer, if the pump has been off for months?",
        "In review",
        "info",
        "Grace Hopper",
        118,
        "imported",
    ),
    ("ما هي مدة الضمان على الضاغط؟", "Returned", "warn", "Katherine Johnson", 31, "model draft edited"),
)


def styleguide(request: HttpRequest) -> HttpResponse:
    require_admin(request)
    return render(request, "styleguide.html", sample_context())
