"""Tasks and their guidelines."""

from typing import Any

from django.db import transaction
from django.db.models import Max
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _

from core.choices import NoticeKind
from core.denied import ApplicationError
from core.models import Project, User
from core.services.events import event_record
from core.services.inbox import notice_tell
from curation.choices import PairState
from curation.models import Guideline, Pair, Task
from curation.output_rows import outputs_definition
from ml.prompting import Template, TemplateError

EDITABLE = (
    "name", "kind", "description", "language", "system_prompt", "template", "output_fields", "max_tokens",
    "target_pairs", "train_share", "tokenizer",
)  # fmt: skip


@transaction.atomic
def task_create(*, actor: User | None, project: Project, guidelines: str = "", **fields: Any) -> Task:
    """Make a task. Its salt, drawn here, decides for good which groups of pairs are trained on and which test."""
    refuse_template(fields.get("template"))
    if "output_fields" in fields:
        fields["output_fields"] = outputs_definition(fields["output_fields"])
    task = Task(project=project, slug=free_slug(project, fields["name"]), created_by=actor, **fields)
    task.full_clean(exclude=["created_by"])
    task.save()
    event_record(actor=actor, action="task.created", project=project, subject=task, summary=task.name)
    if guidelines.strip():
        guideline_save(actor=actor, task=task, text=guidelines, number=0)
    return task


@transaction.atomic
def task_update(*, actor: User, task: Task, **changes: Any) -> Task:
    """Change a task. No pair is touched: one that does not fit changed output fields is mended when next edited.

    Frozen versions keep the template and the system prompt they were frozen with."""
    refuse_template(changes.get("template"))
    if "output_fields" in changes:
        changes["output_fields"] = outputs_definition(changes["output_fields"])
    task = Task.objects.select_for_update(of=("self",)).get(pk=task.pk)
    before = {name: getattr(task, name) for name in changes if name in EDITABLE}
    for name in before:
        setattr(task, name, changes[name])
    task.full_clean(exclude=["created_by"])
    task.save(update_fields=[*before])
    changed = sorted(name for name, old in before.items() if old != changes[name])
    event_record(actor=actor, action="task.changed", project=task.project, subject=task, changed=changed)
    return task


def refuse_template(template: Any) -> None:
    if template is None:
        return
    try:
        Template.from_json(template)
    except TemplateError as error:
        raise ApplicationError(str(error), field="prompt") from error


def free_slug(project: Project, name: str) -> str:
    stem = slugify(name)[:50] or "task"
    taken = set(Task.objects.filter(project=project, slug__startswith=stem).values_list("slug", flat=True))
    reserved = {"new", "template-preview"}
    names = (stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 4)))
    return next(slug for slug in names if slug not in taken | reserved)


def affected_tell(actor: User | None, task: Task, number: int) -> None:
    """A line into the inbox of whoever wrote or reviewed a pair that has to be looked at again under this edition."""
    below = Pair.objects.filter(task=task, edition__lt=number).exclude(state=PairState.TRASHED)
    for role, people in (
        ("author", below.order_by().values_list("author", flat=True).distinct()),
        ("reviewer", User.objects.filter(reviews__revision__pair__in=below).values_list("pk", flat=True).distinct()),
    ):
        notice_tell(
            users={pk for pk in people if pk}, project=task.project, kind=NoticeKind.GUIDELINES, actor=actor,
            subject=(f"guidelines_{role}", task.pk), text=task.name,
            url=f"{reverse('curation:pairs', args=[task.project.slug])}?task={task.slug}&edition=older&{role}=me",
        )  # fmt: skip


@transaction.atomic
def guideline_save(*, actor: User | None, task: Task, text: str, number: int, reflags: bool = False) -> Guideline:
    """Write the next edition of the guidelines on top of edition `number`; earlier ones stay readable.

    With `reflags`, what was written or reviewed before is to be looked at again under it.
    """
    Task.objects.select_for_update(of=("self",)).get(pk=task.pk)
    newest = task.guidelines.aggregate(newest=Max("number"))["newest"] or 0
    if newest != number:
        sentence = _("Somebody saved edition %(number)d meanwhile. Your text is still in the field; compare and save.")
        raise ApplicationError(sentence % {"number": newest}, field="text")
    guideline = Guideline(task=task, number=newest + 1, text=text.replace("\r\n", "\n"), author=actor, reflags=reflags)
    guideline.full_clean(exclude=["author"])
    guideline.save()
    event_record(
        actor=actor,
        action="guidelines.saved",
        project=task.project,
        subject=task,
        number=guideline.number,
        reflags=reflags,
    )
    if reflags:
        affected_tell(actor, task, guideline.number)
    return guideline
