import secrets
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.models import Project, Tokenizer, User
from curation.choices import TaskKind, WorkOrder
from ml.outputs import OutputField, outputs_from_json


def default_template() -> dict[str, Any]:
    return {"kind": "chat", "prompt": "{{instruction}}\n\n{{input}}", "before_response": "", "after_response": ""}


def new_salt() -> str:
    return secrets.token_hex(16)


class Task(models.Model):
    """What the model is to do, and how its pairs are written, rendered and split."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="tasks")
    slug = models.SlugField(max_length=60)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=12, choices=TaskKind.choices, default=TaskKind.EXPANSION)
    description = models.TextField(_("description"), blank=True, max_length=4000)
    language = models.CharField(_("language"), max_length=12, default="en")
    system_prompt = models.TextField(_("system prompt"), blank=True, max_length=8000)
    template = models.JSONField(_("prompt template"), default=default_template)
    # What a response holds, for tasks whose response is rendered from fields; see ml.outputs.
    output_fields = models.JSONField(_("output fields"), default=list, blank=True)
    max_tokens = models.PositiveIntegerField(
        _("longest pair"),
        default=1024,
        validators=[MinValueValidator(16), MaxValueValidator(131_072)],
        help_text=_("In tokens, prompt and response together. A longer pair is reported, never cut."),
    )
    target_pairs = models.PositiveIntegerField(_("target"), default=1000, help_text=_("Approved pairs wanted."))
    tokenizer = models.ForeignKey(Tokenizer, models.SET_NULL, null=True, blank=True, related_name="+")

    work_order = models.CharField(
        _("order of work"), max_length=12, choices=WorkOrder.choices, default=WorkOrder.AGE, db_default=WorkOrder.AGE
    )
    salt = models.CharField(max_length=32, default=new_salt, editable=False)  # of the split; never changes
    train_share = models.FloatField(
        _("share for training"), default=0.8, validators=[MinValueValidator(0.05), MaxValueValidator(0.95)]
    )
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=("project", "slug"), name="one_task_slug_per_project"),
            models.CheckConstraint(condition=Q(train_share__gt=0, train_share__lt=1), name="train_share_is_a_share"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def outputs(self) -> list[OutputField]:
        return outputs_from_json(self.output_fields)


class Guideline(models.Model):
    """One edition of a task's guidelines; the newest counts."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="guidelines")
    number = models.PositiveIntegerField()
    text = models.TextField(_("guidelines"), max_length=50_000, blank=True)
    # Work done under an earlier edition has to be looked at again. No for a mere change of wording.
    reflags = models.BooleanField(_("earlier work is to be looked at again"), db_default=False, default=False)
    author = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=("task", "number"), name="one_guideline_per_number"),)

    def __str__(self) -> str:
        return f"{self.task} {self.number}"
