from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.models import Project, User
from curation.choices import QUESTION_TONES, Origin, QuestionKind, QuestionState
from curation.models.pairs import Pair
from curation.models.tasks import Task


class Question(models.Model):
    """An instruction that waits for an answer. It is no pair and counts nowhere until a person has answered it."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="questions")
    task = models.ForeignKey(Task, models.CASCADE, related_name="questions")
    kind = models.CharField(max_length=8, choices=QuestionKind.choices, default=QuestionKind.ANSWER)
    state = models.CharField(max_length=10, choices=QuestionState.choices, default=QuestionState.OPEN)
    system = models.TextField(blank=True)
    instruction = models.TextField(_("instruction"))
    input = models.TextField(_("input"), blank=True)
    wanted = models.TextField(_("answer wanted"), blank=True)  # where the right answer is that there is none
    language = models.CharField(max_length=12)
    topic = models.CharField(max_length=120, blank=True)
    source = models.CharField(max_length=300, blank=True)
    key = models.CharField(max_length=64)  # of kind and texts: asked twice, it is one question
    needed = models.PositiveSmallIntegerField(_("people who answer it"), default=1)
    pair = models.ForeignKey(Pair, models.SET_NULL, null=True, related_name="questions")  # what it became
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("task", "state", "-id"), name="question_by_state"),)
        constraints = (models.UniqueConstraint(fields=("task", "key"), name="one_question_per_text"),)

    def __str__(self) -> str:
        return f"?{self.pk}"

    @property
    def tone(self) -> str:
        return QUESTION_TONES[QuestionState(self.state)]


class Answer(models.Model):
    """What one person said to a question. With one person asked it becomes a pair at once, with several when an owner
    has chosen."""

    question = models.ForeignKey(Question, models.CASCADE, related_name="answers")
    author = models.ForeignKey(User, models.PROTECT, related_name="answers")
    texts = models.JSONField()  # everything of curation.fingerprints.Texts
    fingerprint = models.CharField(max_length=64)
    origin = models.CharField(max_length=16, choices=Origin.choices, default=Origin.HUMAN)
    note = models.CharField(max_length=500, blank=True)
    seconds = models.FloatField(null=True)  # from the page to its submit; null where a program sent it
    pair = models.ForeignKey(Pair, models.SET_NULL, null=True, related_name="answers")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("author", "-id"), name="answer_by_author"),)
        constraints = (models.UniqueConstraint(fields=("question", "author"), name="one_answer_per_person"),)

    def __str__(self) -> str:
        return f"{self.question} · {self.author}"

    @property
    def response(self) -> Any:
        return self.texts["response"]
