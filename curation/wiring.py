"""What curation puts into core's registries: its pages, its numbers, its work and its background jobs."""

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core import registries
from core.access import Access
from core.choices import Need, WorkKind
from core.models import Project
from core.registries import LineageEntry, NavEntry, NextAction, Station
from curation import asking, jobs  # noqa: F401  importing them registers the kinds of jobs
from curation.demo import demo_create
from curation.models import DatasetVersion, Pair, VersionPair
from curation.selectors.freeze_guard import freeze_refusals
from curation.selectors.freezing import fresh_count
from curation.selectors.imports import import_arriving
from curation.selectors.pairs import returned_to
from curation.selectors.questions import asked_kinds
from curation.selectors.reviews import reviews_waiting
from curation.selectors.spending import fresh_wanted
from curation.selectors.tasks import TaskRow, tasks_of
from curation.services.counting import counting_due
from curation.services.embedding import embeddings_sometimes
from curation.services.erasures import erasures_again
from curation.services.likeness import likeness_sometimes
from curation.services.reviews import reviews_align
from curation.services.takebacks import undoables_register
from curation.services.talk import talk_erase
from curation.subjects import PAIR, PASSAGE, pair_address, passage_address
from curation.text_places import PLACES

ENOUGH_TO_FREEZE = 20  # approved pairs that no version holds yet: fewer make no visible difference


def wire() -> None:
    """Called once, when Django's models are ready."""
    registries.navigation += [
        NavEntry(10, gettext_lazy("Tasks"), "curation:tasks", TASK_PAGES),
        NavEntry(
            12,
            gettext_lazy("Pairs"),
            "curation:pairs",
            ("curation:pair-d", "curation:import", "curation:document", "curation:passage"),
        ),
        NavEntry(14, gettext_lazy("Write"), "curation:write", WRITE_PAGES, Need.WRITE),
        NavEntry(
            16, gettext_lazy("Review"), "curation:reviews", ("curation:review", "curation:adjudicate"), Need.REVIEW
        ),
        NavEntry(20, gettext_lazy("Versions"), "curation:versions", ("curation:version", "curation:freeze")),
        NavEntry(22, gettext_lazy("Corpora"), "curation:corpora", ("curation:corpus",)),
        NavEntry(70, gettext_lazy("People"), "curation:people", ("curation:people",), apart=True),
    ]
    registries.next_actions.append(next_actions)
    registries.stations.append(stations)
    registries.lineage.setdefault("pair", []).append(pair_lineage)
    registries.lineage.setdefault("dataset_version", []).append(version_lineage)
    registries.subject_urls[PAIR] = pair_address
    registries.subject_urls[PASSAGE] = passage_address
    registries.erasers.append(talk_erase)
    registries.text_places += PLACES
    undoables_register()
    registries.work_urls[WorkKind.REVIEW] = lambda project: reverse("curation:reviews", args=[project.slug])
    registries.work_urls[WorkKind.PASSAGE] = lambda project: reverse("curation:write", args=[project.slug])
    registries.work_urls[WorkKind.WRITE] = lambda project: reverse("curation:write", args=[project.slug])
    registries.work_urls[WorkKind.CORRECT] = lambda project: reverse("curation:write", args=[project.slug])
    registries.guards.setdefault("freeze", []).append(freeze_refusals)
    registries.shots.append(shots)
    registries.chores += [likeness_sometimes, embeddings_sometimes, counting_due]
    registries.after_restore.append(erasures_again)
    registries.first_start.append(demo_create)
    registries.project_changed.append(reviews_align)


TASK_PAGES = (
    "curation:task",
    "curation:guidelines",
    "curation:glossary",
    "curation:question",
    "curation:check",
    "curation:health",
    "curation:drafting",
    "curation:drafting",
    "curation:agreement",
)
WRITE_PAGES = ("curation:pair-new", "curation:pair-edit", "curation:work", "curation:my-work")


def next_actions(access: Access) -> list[NextAction]:
    """The best thing to do in curation for somebody of this role, most urgent first."""
    project, user = access.project, access.user
    rows = tasks_of(project)
    found: list[NextAction] = []
    if access.allows(Need.WRITE) and returned_to(user, project).exists():
        found.append(NextAction(10, _("A pair came back to you"), url("write", project), _("Mend it")))
    if access.allows(Need.REVIEW) and (waiting := reviews_waiting(project, user)):
        text = ngettext("%(count)d pair waits for your review", "%(count)d pairs wait for your review", waiting)
        text = text % {"count": waiting}
        found.append(NextAction(20, text, url("reviews", project), _("Review")))
    if access.allows(Need.WRITE) and (asked := asked_kinds(project, user)):
        text = ngettext(
            "%(count)d piece of work waits for you", "%(count)d pieces of work wait for you", asked[0].waiting
        )
        text = f"{asked[0].label}: {text % {'count': asked[0].waiting}}"
        found.append(NextAction(22, text, url("write", project), _("Go there")))
    if access.allows(Need.OWN) and (waiting := reviews_waiting(project, user, kind=WorkKind.ADJUDICATE)):
        text = ngettext("%(count)d decision waits for you", "%(count)d decisions wait for you", waiting)
        found.append(NextAction(15, text % {"count": waiting}, url("reviews", project), _("Decide")))
    if not any(row.approved for row in rows) and (arriving := import_arriving(project)):
        text, detail = _("Pairs are being brought in"), _("They come all at once, when the last row is stored.")
        return [*found, NextAction(24, text, url("import-detail", project, str(arriving)), _("See how far"), detail)]
    if access.allows(Need.OWN):
        found += owner_actions(project, rows)
    if access.allows(Need.WRITE):
        found += [fresh_action(project, *wanted) for wanted in fresh_wanted(project)]
        wanted = [write_action(row) for row in rows if row.approved < row.task.target_pairs]
        found += (wanted or [more_action(row) for row in rows])[:1]
    return found


def owner_actions(project: Project, rows: list[TaskRow]) -> list[NextAction]:
    if not rows:
        return [NextAction(5, _("Make the first task"), url("task-new", project), _("New task"))]
    fresh = [(row, fresh_count(row.task, row.approved)) for row in rows if row.approved]
    # Where a version is on its way round the loop, the next one can wait until that has come round.
    rank = 45 if DatasetVersion.objects.filter(task__project=project).exists() else 30
    return [
        NextAction(
            rank,
            fresh_text(row, count),
            url("freeze", project, row.task.slug),
            _("Freeze"),
        )
        for row, count in fresh
        if count >= ENOUGH_TO_FREEZE
    ]


def fresh_text(row: TaskRow, count: int) -> str:
    """The number is that of the freeze page: a pair counts whose approved text is new, also where an older one of it
    is in a version; one that a version left out and said why does not."""
    values = {"count": number_format(count, force_grouping=True), "task": row.task.name}
    if row.newest is None:
        return _("%(count)s approved pairs of “%(task)s” can be frozen") % values
    return _("%(count)s approved texts of “%(task)s” are new since its last version") % values


def fresh_action(project: Project, task: str, name: str, count: int) -> NextAction:
    text = ngettext(
        "A test item of “%(task)s” was spent: write a fresh question",
        "%(count)d test items of “%(task)s” were spent: write fresh questions",
        count,
    ) % {"count": count, "task": name}
    detail = _("What was measured with is a lesson now, so something new has to measure.")
    return NextAction(40, text, url("pair-new", project, task), _("Write a pair"), detail)


def write_action(row: TaskRow) -> NextAction:
    left = row.task.target_pairs - row.approved
    text = ngettext(
        "%(count)s more approved pair is wanted for “%(task)s”",
        "%(count)s more approved pairs are wanted for “%(task)s”",
        left,
    ) % {"count": number_format(left, force_grouping=True), "task": row.task.name}
    return NextAction(60, text, url("pair-new", row.task.project, row.task.slug), _("Write a pair"))


def more_action(row: TaskRow) -> NextAction:
    """For whoever writes there is always something to do."""
    text = _("Write a pair for “%(task)s”") % {"task": row.task.name}
    detail = _("Its target is reached. A question that no pair answers yet still teaches the model something.")
    return NextAction(90, text, url("pair-new", row.task.project, row.task.slug), _("Write a pair"), detail)


def stations(project: Project) -> list[Station]:
    """Tasks, pairs, reviewed, versions: the first four stops of the loop."""
    rows = tasks_of(project)
    pairs, approved = sum(row.pairs for row in rows), sum(row.approved for row in rows)
    waiting = sum(row.waiting for row in rows)
    versions = (
        DatasetVersion.objects.filter(task__project=project, state="ready").order_by("-pk").select_related("task")
    )
    newest = versions.first()
    names = ", ".join(row.task.name for row in rows[:2])
    wait_text = ngettext("%(count)d waits for review", "%(count)d wait for review", waiting)
    wait_text = wait_text % {"count": waiting} if waiting else ""
    return [
        Station(10, "task", _("Tasks"), len(rows), url("tasks", project), names, bool(rows)),
        Station(20, "pairs", _("Pairs"), pairs, url("pairs", project), "", bool(pairs)),
        Station(
            30, "review", _("Reviewed"), approved, url("pairs", project) + "?state=approved", wait_text,
            bool(approved),
        ),
        Station(
            40, "versions", _("Versions"), versions.count(), url("versions", project),
            _("Newest: %(name)s") % {"name": newest} if newest else "", newest is not None,
        ),
    ]  # fmt: skip


def pair_lineage(pair: Pair) -> list[LineageEntry]:
    rows = VersionPair.objects.filter(revision__pair=pair).select_related("version__task").order_by("version_id")
    slug = pair.project.slug
    up = []
    if pair.imported_by is not None:
        address = reverse("curation:import-detail", args=[slug, pair.imported_by.pk])
        up.append(LineageEntry("up", _("Import"), pair.imported_by.file_name, address))
    return up + [
        LineageEntry(
            "down", _("Dataset version"), f"{row.version} ({row.get_part_display()})",
            reverse("curation:version-detail", args=[slug, row.version_id]),
        )
        for row in rows
    ]  # fmt: skip


def version_lineage(version: DatasetVersion) -> list[LineageEntry]:
    task = version.task
    return [
        LineageEntry("up", _("Task"), task.name, reverse("curation:task-detail", args=[task.project.slug, task.slug]))
    ]


def shots() -> list[tuple[str, str, str]]:
    """(name, path, role) of curation's main pages, from the demo project if it is there."""
    project = Project.objects.order_by("-is_demo", "pk").first()
    task = project.tasks.first() if project else None
    if project is None or task is None:
        return []
    root = f"/p/{project.slug}"
    found = [
        ("tasks", f"{root}/tasks/", "viewer"),
        ("task", f"{root}/tasks/{task.slug}/", "expert"),
        ("task-edit", f"{root}/tasks/{task.slug}/edit/", "owner"),
        ("guidelines", f"{root}/tasks/{task.slug}/guidelines/", "owner"),
        ("glossary", f"{root}/glossary/", "expert"),
        ("erasures", f"{root}/erasures/", "owner"),
        ("write", f"{root}/write/", "expert"),
        ("editor", f"{root}/tasks/{task.slug}/write/?key=shot", "expert"),
        ("checks", f"{root}/checks/", "viewer"),
        ("task-health", f"{root}/tasks/{task.slug}/health/", "owner"),
        ("task-new", f"{root}/tasks/new/", "owner"),
        ("task-order", f"{root}/tasks/{task.slug}/order/", "owner"),
        ("import-new", f"{root}/tasks/{task.slug}/import/", "expert"),
        ("actions", f"{root}/actions/", "reviewer"),
        ("check", f"{root}/checks/misspelling/", "owner"),
        ("pairs", f"{root}/pairs/", "viewer"),
        ("reviews", f"{root}/review/", "reviewer"),
        ("pairs-bulk", f"{root}/tasks/{task.slug}/bulk/?state=approved", "owner"),
        ("project-people", f"{root}/people/", "owner"),
        ("my-work", f"{root}/work/", "expert"),
        ("questions", f"{root}/questions/", "viewer"),
        ("agreement", f"{root}/agreement/", "owner"),
        ("drafts", f"{root}/drafts/", "owner"),
        ("drafts-new", f"{root}/drafts/new/", "owner"),
        ("questions-ask", f"{root}/questions/ask/", "owner"),
        ("imports", f"{root}/imports/", "expert"),
        ("documents", f"{root}/documents/", "expert"),
        ("document-new", f"{root}/documents/new/", "expert"),
        ("versions", f"{root}/versions/", "viewer"),
        ("corpora", f"{root}/corpora/", "viewer"),
        ("corpus-new", f"{root}/corpora/new/", "owner"),
        ("freeze", f"{root}/tasks/{task.slug}/freeze/", "owner"),
    ]
    if pair := project.pairs.first():
        found.append(("pair", f"{root}/pairs/{pair.pk}/", "viewer"))
        found.append(("pair-alike", f"{root}/pairs/{pair.pk}/alike/", "viewer"))
    if document := project.documents.first():
        found.append(("document", f"{root}/documents/{document.pk}/", "expert"))
        if passage := document.passages.first():
            found.append(("passage", f"{root}/passages/{passage.pk}/", "expert"))
    if version := DatasetVersion.objects.filter(task__project=project, state="ready").first():
        found.append(("version", f"{root}/versions/{version.pk}/", "viewer"))
        found.append(("exports", f"{root}/versions/{version.pk}/exports/", "viewer"))
        found.append(("version-changes", f"{root}/versions/{version.pk}/changes/", "viewer"))
    if batch := task.imports.first():
        found.append(("import", f"{root}/imports/{batch.pk}/", "expert"))
    if corpus := project.corpora.first():
        found.append(("corpus", f"{root}/corpora/{corpus.pk}/", "viewer"))
    return found


def url(name: str, project: Project, *arguments: str) -> str:
    return reverse(f"curation:{name}", args=[project.slug, *arguments])
