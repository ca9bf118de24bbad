"""What workers do for training: examine a model, audit pairs, supervise a run."""

import shutil
import time
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from core.child import supervise
from core.choices import JobState
from core.errands import errand
from core.jobs import JobContext, JobFailed, JobRunner, JobStopped, LeaseLost, job_kind
from core.models import Job
from curation.selectors.corpora import corpus_texts
from ml.recipe import Recipe
from ml.rundir import RunDir
from training.choices import RunState
from training.models import Audit, BaseModel, Probe, Run
from training.selectors.estimates import disk_need
from training.selectors.refs import folder_of
from training.services.audits import SHOWN, audit_failed, audit_folder, audit_store, drafts_examine
from training.services.bases import base_examined, base_refused
from training.services.directories import learnt, run_write, spec_write, text_spec_write
from training.services.hub import hub_fetch, hub_model
from training.services.probes import SECONDS, methods_tried, probe_clear, probe_failed, probe_folder, probe_store
from training.services.runs import run_begin, run_ended
from training.services.scratch import scratch_words
from training.services.speeds import KIND, speed_store
from training.services.states import run_move
from training.services.telling import EventStore
from training.slots import device_slot

INSPECT_SECONDS = 900
SCRATCH_SECONDS = 3600
UNPACK_SECONDS = 3600
TELL_SECONDS = 0.5
AUDIT_SECONDS = 3600
PROBE_SECONDS = 900
TOKEN_CACHE = "APPRENTICE_TOKEN_CACHE"  # ml/train/tokens.py reads it


class ModelJob(JobRunner):
    """Work after which a model is examined in a child; the worker itself never opens the weights. Where it fails, the
    model is refused with the reason."""

    queue = "default"

    def examine(self, context: JobContext, base: BaseModel) -> dict[str, Any]:
        report = errand(context, ["inspect", folder_of(base)], timeout=INSPECT_SECONDS)
        base_examined(base=base, job=context.job, report=report)
        return {"state": base.state}

    def ended(self, job: Job) -> None:
        base = BaseModel.objects.filter(pk=job.arguments["base"]).first()
        if base is not None and job.state != JobState.DONE:
            base_refused(base=base, reason=job.error or job.message)


@job_kind
class InspectJob(ModelJob):
    """Examine a model folder."""

    kind, title = "inspect", _("Examine a model")

    def run(self, context: JobContext) -> dict[str, Any]:
        return self.examine(context, BaseModel.objects.get(pk=context.arguments["base"]))


@job_kind
class MeasureJob(JobRunner):
    """Measure in a child how fast a model reads and answers here."""

    kind, queue, title = KIND, "default", _("Measure a model's speed")

    def run(self, context: JobContext) -> dict[str, Any]:
        base = BaseModel.objects.get(pk=context.arguments["base"])
        speed = errand(context, ["measure", folder_of(base)], timeout=INSPECT_SECONDS)
        speed_store(base=base.pk, speed=speed)
        return {"reading": speed.get("reading")}

    def ended(self, job: Job) -> None:
        if job.state != JobState.DONE:
            speed_store(base=job.arguments["base"], speed={})


class BringJob(ModelJob):
    """Bring a model's files into its folder, then examine it."""

    def bring(self, context: JobContext, base: BaseModel) -> None:
        raise NotImplementedError

    def run(self, context: JobContext) -> dict[str, Any]:
        base = BaseModel.objects.get(pk=context.arguments["base"])
        self.bring(context, base)
        return self.examine(context, base)


@job_kind
class UnpackJob(BringJob):
    """Take a model out of an uploaded archive, in a child without network."""

    kind, title = "unpack", _("Take a model out of an archive")

    def bring(self, context: JobContext, base: BaseModel) -> None:
        archive = settings.UPLOADS / context.arguments["archive"]
        if not (settings.MODEL_STORE / base.folder).is_dir():
            errand(context, ["unpack", str(archive), folder_of(base)], timeout=UNPACK_SECONDS)
        archive.unlink(missing_ok=True)

    def ended(self, job: Job) -> None:
        super().ended(job)
        (settings.UPLOADS / job.arguments["archive"]).unlink(missing_ok=True)


@job_kind
class HubJob(BringJob):
    """Fetch a model from the hub through the door; files that are whole are not fetched again."""

    kind, title = "hub", _("Fetch a model from the hub")

    def bring(self, context: JobContext, base: BaseModel) -> None:
        actor = context.job.requested_by
        if actor is None:
            raise JobFailed(_("Nobody asked for this."))
        asked = context.arguments
        model = hub_model(actor=actor, repository=asked["repository"], revision=asked["revision"])
        folder = settings.MODEL_STORE / base.folder

        told = 0.0

        def tell(done: int, total: int, name: str) -> None:
            nonlocal told
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                context.checkpoint()
                context.progress(done, total, name)

        hub_fetch(actor=actor, model=model, folder=folder, tell=tell)
        BaseModel.objects.filter(pk=base.pk, licence="").update(licence=model.licence)
        base.refresh_from_db()


@job_kind
class ScratchJob(ModelJob):
    """Make a new model from a corpus in a child, then examine it like any other. Made again, it is the same."""

    kind, title = "scratch", _("Make a new model")

    def run(self, context: JobContext) -> dict[str, Any]:
        base = BaseModel.objects.select_related("corpus").get(pk=context.arguments["base"])
        if base.corpus is None or not corpus_texts(base.corpus).is_file():
            raise JobFailed(_("The corpus that the model was to be made from is gone."))
        asked = {name: int(context.arguments[name]) for name in ("vocabulary", "seed")}
        errand(context, scratch_words(base, str(corpus_texts(base.corpus)), **asked), timeout=SCRATCH_SECONDS)
        state = self.examine(context, base)
        drafts_examine(base=base)
        return state


@job_kind
class AuditJob(JobRunner):
    """Show what each pair becomes. Reads with the very functions that training uses."""

    kind, queue, title = "audit", "default", _("Examine pairs before a training")

    def run(self, context: JobContext) -> dict[str, Any]:
        audit = Audit.objects.select_related("version__task", "base").get(pk=context.arguments["audit"])
        directory = RunDir(audit_folder(audit))
        shutil.rmtree(directory.path, ignore_errors=True)
        try:
            recipe = Recipe(max_tokens=audit.max_tokens)
            spec_write(directory, run_id=f"audit-{audit.pk}", version=audit.version, base=audit.base, recipe=recipe)
            words = ["audit", str(directory.path / "spec.json"), "--show-first", str(SHOWN)]
            report = errand(context, words, timeout=AUDIT_SECONDS)
        finally:
            shutil.rmtree(directory.path, ignore_errors=True)
        audit_store(audit=audit, report=report)
        return {"launchable": report["launchable"]}

    def ended(self, job: Job) -> None:
        audit = Audit.objects.filter(pk=job.arguments["audit"]).first()
        if audit is not None and job.state != JobState.DONE:
            audit_failed(audit=audit, reason=job.error or job.message)


@job_kind
class ProbeJob(JobRunner):
    """Try a prepared run by several methods, each in a process of its own: what one needs must not hide the next."""

    kind, queue, title = "probe", "train", _("Try a training on this machine")

    def run(self, context: JobContext) -> dict[str, Any]:
        parts = ("version__task", "base", "project", "start", "corpus", "requested_by")
        probe = Probe.objects.select_related(*(f"run__{part}" for part in parts)).get(pk=context.arguments["probe"])
        directory = RunDir(probe_folder(probe))
        probe_clear(probe)
        methods = methods_tried(probe.run)
        trials = []
        try:
            self.spec(directory, probe)
            for number, method in enumerate(methods):
                context.progress(number, len(methods), str(_("Trying %(method)s") % {"method": method}))
                trials.append(self.trial(context, directory, method))
        finally:
            probe_clear(probe)
        probe_store(probe=probe, key=context.arguments["key"], trials=trials)
        return {"methods": methods}

    def spec(self, directory: RunDir, probe: Probe) -> None:
        run = probe.run
        if run.corpus is not None:
            text_spec_write(directory, run, run.corpus)
            return
        spec_write(
            directory,
            run_id=f"probe-{probe.pk}",
            version=run.version,
            base=run.base,
            start=run.start,
            recipe=Recipe.from_json(run.recipe),
            **learnt(run),
        )

    def trial(self, context: JobContext, directory: RunDir, method: str) -> dict[str, Any]:
        words = ["probe", str(directory.path), "--method", method, "--seconds", str(SECONDS)]
        try:
            return errand(context, words, timeout=PROBE_SECONDS)
        except JobFailed as failure:
            return {"method": method, "error": str(failure)}

    def ended(self, job: Job) -> None:
        probe = Probe.objects.filter(pk=job.arguments["probe"]).first()
        if probe is not None and job.state != JobState.DONE:
            probe_failed(probe=probe, key=job.arguments["key"], reason=job.error or job.message)

    @classmethod
    def expected_seconds(cls, job: Job) -> float | None:
        return 4 * SECONDS


@job_kind
class TrainJob(JobRunner):
    """Supervise the training of a run in a child process over its run directory."""

    kind, queue, title = "train", "train", _("Train a model")

    def run(self, context: JobContext) -> dict[str, Any]:
        parts = ("version__task", "base", "project", "requested_by", "start", "corpus", "follows")
        run = Run.objects.select_related(*parts).get(pk=context.arguments["run"])
        run_begin(run=run, job=context.job)
        refuse_full_disk(run)
        directory = run_write(run)
        store = EventStore(run, directory, context)
        store.catch_up()
        grace = settings.STOP_GRACE_SECONDS * 0.75  # the rest is for writing down that the job waits again
        try:
            with device_slot() as device:
                environment = {**device, TOKEN_CACHE: str(settings.RUN_STORE / "tokens")}
                return supervise(
                    context, directory=directory.path, command="train", on_event=store, grace=grace,
                    environment=environment,
                )  # fmt: skip
        except (JobStopped, JobFailed, LeaseLost):
            raise
        except BaseException:
            self.left(context, run)
            raise

    @classmethod
    def expected_seconds(cls, job: Job) -> float | None:
        return Run.objects.filter(pk=job.arguments["run"]).values_list("estimate__seconds", flat=True).first()

    def left(self, context: JobContext, run: Run) -> None:
        """The worker shuts down or the child died: the run waits until a worker takes it up again."""
        run.refresh_from_db()
        if run.state == RunState.RUNNING and run.job_id == context.job.pk and not context.lost.is_set():
            run_move(run=run, to=RunState.QUEUED)

    def ended(self, job: Job) -> None:
        run = Run.objects.select_related("base", "version", "corpus", "project").filter(pk=job.arguments["run"]).first()
        if run is not None:
            run_ended(run=run, job=job)


def refuse_full_disk(run: Run) -> None:
    need = disk_need(run.base, Recipe.from_json(run.recipe))
    if not need.enough:
        raise JobFailed(
            _("The disk is short: %(needed)d MB are needed, %(free)d MB are free at %(where)s. Free some and resume.")
            % {"needed": need.needed >> 20, "free": need.free >> 20, "where": need.where},
            code="disk_full",
        )
