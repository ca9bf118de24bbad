"""What the pages of runs show."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.child import output_path, tail
from core.choices import Queue
from core.models import Project
from core.selectors.forecasts import expected_starts
from core.selectors.jobs import job_position
from core.sentences import in_words
from ml.recipe import Recipe, recipe_fields
from ml.rundir import RunDir
from training.choices import RUN_OPEN, RUN_RESUMABLE, RUN_STOPPABLE, RunState
from training.models import BaseModel, ModelVersion, Run, RunEvent
from training.presets import measured, preset_recipe, preset_value, said
from training.selectors.curves import bits_chart, loss_chart
from training.selectors.diagnoses import diagnoses
from training.selectors.material import share_told

SAMPLES_SHOWN = 12
SMOOTHED = 10  # steps; ml.train.run takes as many
LIVE_SHOWN = (
    "loss",
    "develop_loss",
    "bits_per_byte",
    "tokens_per_second",
    "eta_seconds",
    "memory",
    "checkpoint",
    "message",
)
LOSS_OF_ANSWERS = gettext_lazy(
    "How surprised the model is by the right answer, in nats a token: 0 is certain, 0.7 more is half as sure. "
    "When the develop loss rises while the train loss falls, the model "
    "learns by heart."
)
LOSS_OF_TEXT = gettext_lazy(
    "How surprised the model is by the text, in nats a token: 0 is certain, 0.7 more is half as sure. "
    "When the loss on held-out text rises while the train loss falls, the model "
    "learns by heart."
)


@dataclass(frozen=True)
class Setting:
    label: str
    value: str
    changed: bool  # from what the preset says
    usual: bool  # as the preset has it, and no more to look at


def runs_of(project: Project) -> QuerySet[Run]:
    return Run.objects.filter(project=project).select_related(
        "version__task", "corpus", "base", "requested_by", "model_version", "base_made"
    )


def run_live(run: Run) -> dict[str, Any]:
    """What changes while a run goes on: the parts of the page that are asked for again and again."""
    live = {**dict.fromkeys(LIVE_SHOWN), **run.live}  # filters in templates cannot take what is missing
    recent, beginning = smoothed(run)
    live["loss"] = live["loss"] if recent is None else recent
    live["message"] = in_words(live["message"], live.get("said"))
    live["isolation_message"] = in_words(live.get("isolation_message"), live.get("isolation_said"))
    step, steps = run.step or 0, run.steps or 0
    found = diagnoses(run)
    return {
        "run": run,
        "live": live,
        "memory": filesizeformat(live["memory"]) if live["memory"] else "–",
        "open": run.state in (*RUN_OPEN, RunState.WAITING),
        "loss_note": loss_note(run, beginning),
        "overdue": overdue(run),
        "share": step / steps if steps else None,
        "steps_note": _("of %(steps)d") % {"steps": steps} if steps else "",
        "position": job_position(run.job) if run.job and run.state == RunState.QUEUED else None,
        "may_stop": run.state in RUN_STOPPABLE,
        "may_cancel": run.state in (*RUN_OPEN, *RUN_RESUMABLE, RunState.WAITING),
        "may_resume": run.state in RUN_RESUMABLE,
        "chart": loss_chart(run),
        "loss_text": LOSS_OF_TEXT if run.corpus_id else LOSS_OF_ANSWERS,
        "samples": samples(run),
        "warnings": warnings(run),
        "diagnoses": found,
        "explained": any(diagnosis.tone == "bad" for diagnosis in found),
        "retry": any(diagnosis.retry for diagnosis in found),
        "starts_at": expected_starts(Queue.TRAIN).get(run.job_id or 0) if run.state == RunState.QUEUED else None,
        "may_finish": run.state == RunState.RUNNING and step > 0,
        "made": ModelVersion.objects.filter(run=run).first() if run.state == RunState.DONE else None,
        "base_made": BaseModel.objects.filter(run=run).first() if run.state == RunState.DONE else None,
        "text": run.corpus_id is not None,
        "bits_chart": bits_chart(run) if run.corpus_id else None,
        "before": run.after if run.state == RunState.WAITING else None,
        "awaited": run.corpus if run.state == RunState.WAITING else None,
        "followers": list(run.followers.exclude(state=RunState.DRAFT)),
        "how_much": share_told(run),
        "by_hand": sum(map(len, run.excluded.values())),
        "foretold": foretold(run),
    }


def loss_note(run: Run, beginning: float | None) -> str:
    if beginning is not None:
        return _("mean of the last steps; %(loss).3f over the first") % {"loss": beginning}
    return _("on text it learns from") if run.corpus_id else _("on pairs it learns from")


def smoothed(run: Run) -> tuple[float | None, float | None]:
    """The mean train loss of the last steps, as the model version's page has it, and of the first ones."""
    rows = RunEvent.objects.filter(run=run, type="step", superseded=False, data__loss__isnull=False)
    ends = [list(rows.order_by(order).values_list("data__loss", flat=True)[:SMOOTHED]) for order in ("-step", "step")]
    last, first = (sum(losses) / len(losses) if losses else None for losses in ends)
    return last, first if run.step > SMOOTHED else None


def overdue(run: Run) -> bool:
    """Whether it takes more than twice as long as was foretold."""
    expected = run.estimate.get("seconds")
    if run.state != RunState.RUNNING or not expected or run.started_at is None:
        return False
    left = run.live.get("eta_seconds") or 0
    return (timezone.now() - run.started_at).total_seconds() + left > 2 * expected


def foretold(run: Run) -> dict[str, Any] | None:
    """How long the run was expected to take, how long it took, and how far the estimate was off; None before the end,
    and for a run that ended before its last step."""
    expected, actual = run.estimate.get("seconds"), run.result.get("seconds")
    if not expected or not actual or run.result.get("ended_early"):
        return None
    return {"expected": expected, "actual": actual, "error": (expected - actual) / actual}


def samples(run: Run) -> list[dict[str, Any]]:
    """How the fixed questions were answered, the newest step first."""
    rows = RunEvent.objects.filter(run=run, type="sample", superseded=False).order_by("-step", "seq")[:SAMPLES_SHOWN]
    return [{"step": row.step, "prompt": row.data.get("prompt", ""), "text": row.data.get("text", "")} for row in rows]


def warnings(run: Run) -> list[str]:
    rows = RunEvent.objects.filter(run=run, type="warning", superseded=False).values_list("data", flat=True)
    return list(dict.fromkeys(in_words(row.get("message"), row.get("said")) for row in rows[:50]))


def recipe_rows(run: Run) -> list[Setting]:
    """Every setting in words; those that differ from the preset are marked. The method and they come first."""
    recipe, preset = Recipe.from_json(run.recipe), preset_recipe(run.preset, run.project)
    rows = []
    for setting in recipe_fields(recipe.objective):
        if setting.only_for and recipe.method not in setting.only_for:
            continue
        value = getattr(recipe, setting.name)
        usual = preset_value(preset, recipe.method, setting.name) if preset else value
        changed = value != usual and setting.name != "method"
        told = (said(setting.label), measured(setting, value))
        rows.append(
            Setting(*told, changed=changed, usual=preset is not None and not changed and setting.name != "method")
        )
    return sorted(rows, key=lambda row: row.usual)


def log_tail(run: Run) -> str:
    """The end of what the newest attempt wrote, if it lies on this machine."""
    directory = RunDir(settings.RUN_STORE / run.folder) if run.folder else None
    if directory is None or not run.attempt:
        return ""
    return tail(output_path(directory, run.attempt))


def run_events(run: Run, *, after: tuple[int, int] = (0, 0), limit: int = 500) -> Iterable[RunEvent]:
    """Events beyond (attempt, seq), in order."""
    attempt, seq = after
    rows = RunEvent.objects.filter(run=run).order_by("attempt", "seq")
    return (rows.filter(attempt=attempt, seq__gt=seq) | rows.filter(attempt__gt=attempt))[:limit]
