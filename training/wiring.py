"""What training puts into the core's registries."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import registries
from core.access import Access
from core.choices import Need
from core.models import Project, User
from core.registries import AskableModel, LineageEntry, NavEntry, NextAction, Panel, Station
from core.under_way import time_left, under_way
from curation.choices import CorpusState, Part, VersionState
from curation.models import Corpus, DatasetVersion, Pair
from training.choices import RUN_OPEN, RUN_RESUMABLE, ModelState, RunState
from training.models import BaseModel, ModelVersion, Run
from training.selectors.material import material_told
from training.selectors.refs import model_ref
from training.services.bases import starter_register
from training.services.chains import corpus_ended
from training.services.erasing import PLACES, models_that_saw, trainings_erase
from training.services.speeds import speeds_due

LINEAGE_SHOWN = 20
MODEL_PAGES = ("training:model-", "training:base-", "training:stage")


def wire() -> None:
    registries.navigation += [
        NavEntry(40, gettext_lazy("Training"), "training:run-list", ("training:run-", "training:pretrain-")),
        NavEntry(45, gettext_lazy("Models"), "training:model-list", MODEL_PAGES),
    ]
    registries.next_actions.append(next_actions)
    registries.stations.append(stations)
    registries.first_start.append(starter_register)
    registries.askable_models.append(askable_models)
    registries.shots.append(shots)
    registries.chores.append(speeds_due)
    registries.erasers.append(trainings_erase)
    registries.text_places += PLACES
    registries.job_ended.append(corpus_ended)
    registries.seen_by.append(models_that_saw)
    registries.lineage.setdefault("dataset_version", []).append(from_dataset_version)
    registries.lineage.setdefault("pair", []).append(from_pair)
    registries.lineage.setdefault("corpus", []).append(from_corpus)
    registries.panels.setdefault("corpus", []).append(corpus_panel)
    registries.panels.setdefault("dataset_version", []).append(version_panel)
    registries.lineage.setdefault("run", []).append(from_run)
    registries.lineage.setdefault("model_version", []).append(from_model_version)


def askable_models(project: Project) -> list[AskableModel]:
    versions = ModelVersion.objects.filter(project=project).select_related("base").order_by("-number")
    bases = BaseModel.objects.filter(state=ModelState.READY).order_by("name")
    return [
        *(
            AskableModel(
                f"version-{model.pk}", label(model), model.number, model.fingerprint, model_ref(model.base, model),
                dict(model.template) or None,
            )
            for model in versions
        ),
        *(
            AskableModel(f"base-{base.pk}", base.name, None, base.fingerprint, model_ref(base), None)
            for base in bases
        ),
    ]  # fmt: skip


def next_actions(access: Access) -> list[NextAction]:
    """For who may launch: go on with what lies about, or train on a version that no run has used."""
    if not access.allows(Need.OWN):
        return []
    project = access.project
    runs = Run.objects.filter(project=project)
    found = []
    if going := runs.filter(state__in=RUN_OPEN).order_by("pk").first():
        text = _("The training “%(name)s” is under way") % {"name": going.name}
        found.append(NextAction(27, text, run_url(going), _("See how far"), time_left(going.live.get("eta_seconds"))))
    if waiting := runs.filter(state__in=RUN_RESUMABLE).first():
        text = _("“%(name)s” stopped before its end.") % {"name": waiting.name}
        found.append(NextAction(25, text, run_url(waiting), _("Look at it"), waiting.error[:200]))
    if draft := runs.filter(state=RunState.DRAFT).first():
        text = _("“%(name)s” is prepared and waits to be launched.") % {"name": draft.name}
        found.append(NextAction(20, text, run_url(draft), _("Check and launch")))
        return found
    versions = DatasetVersion.objects.filter(task__project=project, state=VersionState.READY)
    fresh = versions.exclude(pk__in=runs.values("version")).select_related("task").order_by("-pk").first()
    if fresh is not None and BaseModel.objects.filter(state=ModelState.READY).exists():
        text = _("Train a model on %(version)s.") % {"version": fresh}
        url = reverse("training:run-new", args=[project.slug]) + f"?version={fresh.pk}"
        found.append(NextAction(20, text, url, _("Train"), _("No run has used this dataset version yet.")))
    return found


def stations(project: Project) -> list[Station]:
    runs = Run.objects.filter(project=project).exclude(state=RunState.DRAFT)
    going = list(runs.filter(state__in=RUN_OPEN).order_by("pk"))
    models = ModelVersion.objects.filter(project=project).count()
    count = runs.count()
    detail = under_way(len(going), going[0].live.get("eta_seconds")) if going else ""
    urls = [reverse(name, args=[project.slug]) for name in ("training:run-list", "training:model-list")]
    return [
        Station(50, "run", _("Runs"), count, urls[0], detail, count > 0, bool(going)),
        Station(60, "model", _("Model versions"), models, urls[1], "", models > 0),
    ]


# --- lineage: from any object a person can walk both ways ---------------------------------------------------------


def from_dataset_version(version: DatasetVersion) -> list[LineageEntry]:
    runs = Run.objects.filter(version=version).exclude(state=RunState.DRAFT).select_related("project")
    return down_from_runs(runs[:LINEAGE_SHOWN])


def from_pair(pair: Pair) -> list[LineageEntry]:
    """Runs whose version holds a revision of this pair in what they learned from."""
    learned = DatasetVersion.objects.filter(rows__revision__pair=pair, rows__part=Part.TRAIN)
    runs = Run.objects.filter(version__in=learned).exclude(state=RunState.DRAFT).select_related("project")
    return down_from_runs(runs[:LINEAGE_SHOWN])


def down_from_runs(runs: Any) -> list[LineageEntry]:
    found = list(runs)
    models = ModelVersion.objects.filter(run__in=found).select_related("project")
    return [
        *(LineageEntry("down", gettext_lazy("Run"), run.name, run_url(run)) for run in found),
        *(LineageEntry("down", gettext_lazy("Model version"), label(model), model_url(model)) for model in models),
    ]


def from_run(run: Run) -> list[LineageEntry]:
    models = ModelVersion.objects.filter(run=run).select_related("project")
    return [
        *origins(run),
        *(LineageEntry("down", gettext_lazy("Model version"), label(model), model_url(model)) for model in models),
        *bases_made([run]),
        *(LineageEntry("down", gettext_lazy("Run that follows"), each.name, run_url(each)) for each in followers(run)),
    ]


def followers(run: Run) -> Any:
    return run.followers.exclude(state=RunState.DRAFT).select_related("project")[:LINEAGE_SHOWN]


def bases_made(runs: list[Run]) -> list[LineageEntry]:
    """The base models that pretrainings made, as pages of the projects that made them."""
    found = BaseModel.objects.filter(run__in=runs).select_related("run__project")
    return [
        LineageEntry(
            "down", gettext_lazy("Base model"), base.name,
            reverse("training:base-detail", args=[base.run.project.slug, base.pk]),
        )
        for base in found if base.run is not None
    ]  # fmt: skip


def from_corpus(corpus: Corpus) -> list[LineageEntry]:
    runs = list(corpus.runs.exclude(state=RunState.DRAFT).select_related("project")[:LINEAGE_SHOWN])
    return [*(LineageEntry("down", gettext_lazy("Run"), run.name, run_url(run)) for run in runs), *bases_made(runs)]


def corpus_panel(corpus: Corpus, user: User) -> list[Panel]:
    """On the page of a corpus: the way to a pretraining."""
    if corpus.state == CorpusState.FAILED:
        return []
    return [Panel(10, "training/corpus_panel.html", {"corpus": corpus})]


def version_panel(version: DatasetVersion, user: User) -> list[Panel]:
    """On the page of a dataset version: the way to a training."""
    return [Panel(10, "training/version_panel.html", {"version": version})]


def from_model_version(version: ModelVersion) -> list[LineageEntry]:
    run = version.run
    return [LineageEntry("up", gettext_lazy("Run"), run.name, run_url(run)), *origins(run)]


def origins(run: Run) -> list[LineageEntry]:
    slug = run.project.slug
    base = reverse("training:base-detail", args=[slug, run.base_id])
    if run.corpus_id:
        data = reverse("curation:corpus-detail", args=[slug, run.corpus_id])
        material = LineageEntry("up", gettext_lazy("Corpus"), str(run.corpus), data)
    else:
        data = reverse("curation:version-detail", args=[slug, run.version_id])
        material = LineageEntry("up", gettext_lazy("Dataset version"), material_told(run), data)
    return [
        material,
        LineageEntry("up", gettext_lazy("Base model"), run.base.name, base),
    ]


def label(version: ModelVersion) -> str:
    return f"{version.number} · {version.name}"


def run_url(run: Run) -> str:
    return reverse("training:run-detail", args=[run.project.slug, run.pk])


def model_url(version: ModelVersion) -> str:
    return reverse("training:model-detail", args=[version.project.slug, version.pk])


def shots() -> list[tuple[str, str, str]]:
    """(name, path, role) of training's main pages."""
    project = Project.objects.order_by("-is_demo", "pk").first()
    if project is None:
        return []
    start = f"/p/{project.slug}"
    found = [
        ("runs", f"{start}/training/", "viewer"),
        ("run-new", f"{start}/training/new/", "owner"),
        ("pretrain-new", f"{start}/training/pretrain/", "owner"),
        ("models", f"{start}/models/", "viewer"),
        ("stages", f"{start}/models/stages/", "viewer"),
        ("base-new", f"{start}/models/bases/new/", "admin"),
        ("recipe", f"{start}/training/recipe/", "owner"),
        ("compare", f"{start}/training/compare/", "viewer"),
    ]
    if run := Run.objects.filter(project=project).exclude(state=RunState.DRAFT).first():
        found += [("run", run_url(run), "owner"), ("run-check", f"{run_url(run)}check/", "owner")]
        found.append(("run-curves", f"{run_url(run)}curves/", "viewer"))
    if version := ModelVersion.objects.filter(project=project).select_related("project").first():
        found.append(("model", model_url(version), "expert"))
    if base := BaseModel.objects.first():
        found.append(("base-model", reverse("training:base-detail", args=[project.slug, base.pk]), "viewer"))
    return found
