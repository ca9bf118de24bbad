from django.db import models
from django.utils.translation import gettext_lazy as _

from core.models import Job, User
from curation.models import Corpus
from training.choices import MODEL_TONES, ModelState


class BaseModel(models.Model):
    """Registered weights with their tokenizer. Shared by all projects; known by its fingerprint."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    folder = models.CharField(max_length=500)  # relative to the model store
    source = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=ModelState.choices, default=ModelState.CHECKING)
    fingerprint = models.CharField(max_length=64, blank=True)
    tokenizer_fingerprint = models.CharField(max_length=64, blank=True)
    architecture = models.CharField(max_length=80, blank=True)
    parameters = models.BigIntegerField(default=0)
    context_length = models.PositiveIntegerField(default=0)
    has_chat_template = models.BooleanField(default=False)
    licence = models.CharField(max_length=80, blank=True)
    note = models.CharField(max_length=300, blank=True)
    size = models.CharField(max_length=10, blank=True)  # of a new model, as ml.sizes names it
    corpus = models.ForeignKey(Corpus, models.SET_NULL, null=True, related_name="+")  # whose words its tokenizer learnt
    run = models.OneToOneField(
        "training.Run", models.SET_NULL, null=True, related_name="base_made"
    )  # that pretrained it
    report = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def tone(self) -> str:
        return MODEL_TONES[ModelState(self.state)]
