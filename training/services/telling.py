"""A run's event stream into rows, and the newest of it onto the run."""

import time
from typing import Any

from django.db.models import Q

from core.child import child_memory
from core.jobs import JobContext
from core.sentences import in_words
from ml.rundir import RunDir
from training.models import Run, RunEvent

TEXT = ("bits_per_byte", "perplexity")
SHOW_SECONDS = 0.5  # the run's row is rewritten at most this often; every event is stored
STEPPED = ("step", "eval", "checkpoint", "sample")
LIVE = ("loss", "learning_rate", "tokens_per_second", "eta_seconds", "epoch", "tokens")


class EventStore:
    """Stores the events of one job's attempts. Called by the supervisor with each event in order."""

    def __init__(self, run: Run, directory: RunDir, context: JobContext) -> None:
        self.run, self.directory, self.context = run, directory, context
        self.attempt = 0
        self.superseded = True
        self.live: dict[str, Any] = {}
        self.shown = 0.0

    def catch_up(self) -> None:
        """Store what earlier attempts told while nobody listened: their worker died before it read it."""
        for attempt in self.directory.attempts():
            events = self.directory.read_events(attempt)
            RunEvent.objects.bulk_create(
                [event_row(self.run, attempt, event) for event in events], ignore_conflicts=True, batch_size=1000
            )

    def __call__(self, attempt: int, event: dict[str, Any]) -> None:
        if attempt != self.attempt:
            self.attempt, self.superseded, self.live = attempt, False, {}
        RunEvent.objects.bulk_create([event_row(self.run, attempt, event)], ignore_conflicts=True)
        if not self.superseded and event.get("type") in STEPPED:
            self.superseded = True
            supersede(self.run, attempt, event)
        self.note(event)
        due = time.monotonic() - self.shown >= SHOW_SECONDS
        if due or event.get("type") != "step":
            self.show(event)

    def note(self, event: dict[str, Any]) -> None:
        kind = event.get("type")
        if kind == "step":
            self.live |= {name: event.get(name) for name in LIVE}
            self.live |= {"step": event["step"], "steps": event["steps"]}
        elif kind == "eval":
            self.live["develop_loss"] = event.get("loss")
            self.live |= {name: event[name] for name in TEXT if name in event}
        elif kind == "phase":
            self.live |= {"phase": event.get("name"), "message": event.get("message"), "said": event.get("said")}
        elif kind == "isolation":
            self.live |= {"isolation": event.get("name"), "isolation_message": event.get("message")}
            self.live["isolation_said"] = event.get("said")
        elif kind == "checkpoint":
            self.live["checkpoint"] = event.get("step")

    def show(self, event: dict[str, Any]) -> None:
        self.shown = time.monotonic()
        if memory := child_memory(self.directory, self.attempt):  # a child that has just ended holds nothing
            self.live["memory"] = memory
        changes: dict[str, Any] = {"live": self.live, "attempt": self.attempt}
        step, steps = self.live.get("step"), self.live.get("steps")
        if step is not None and steps:
            changes |= {"step": step, "steps": steps}
            eta = self.live.get("eta_seconds") or 0
            rate = (steps - step) / eta if eta else None
            self.context.progress(step, steps, in_words(self.live.get("message"), self.live.get("said")), rate=rate)
        Run.objects.filter(pk=self.run.pk).update(**changes)


def event_row(run: Run, attempt: int, event: dict[str, Any]) -> RunEvent:
    data = {key: value for key, value in event.items() if key not in ("seq", "time", "type", "step")}
    step = event.get("step")
    return RunEvent(
        run=run,
        attempt=attempt,
        seq=event["seq"],
        type=str(event.get("type", ""))[:12],
        step=step if isinstance(step, int) and step >= 0 else None,
        at=float(event.get("time") or 0),
        data=data,
    )


def supersede(run: Run, attempt: int, event: dict[str, Any]) -> None:
    """The first thing a resumed run says about a step tells where it goes on: what was beyond is overtaken."""
    beyond = Q(step__gt=event["step"]) | Q(step=event["step"], type=event["type"])
    RunEvent.objects.filter(beyond, run=run, attempt__lt=attempt, type__in=STEPPED).update(superseded=True)
