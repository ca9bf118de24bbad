from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.models import Job, Project, User
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
    # What it was drafted from by a model: it lies beside the answer, and the pair keeps it.
    passage = models.ForeignKey("Passage", models.SET_NULL, null=True, related_name="+")
    key = models.CharField(max_length=64)  # of kind, texts and passage: asked twice, it is one question
    needed = models.PositiveSmallIntegerField(_("people who answer it"), default=1)
    pair = models.ForeignKey(Pair, models.SET_NULL, null=True, related_name="questions")  # what it became
    uncertainty = models.FloatField(null=True)  # how much a model's answers to it differed, 0 to 1
    # How alike its answers are, 0 to 1, as a mean over all two of them; null: not measured (yet).
    alike_in_words = models.FloatField(null=True)
    alike_in_meaning = models.FloatField(null=True)
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


class Drafting(models.Model):
    """One asking of a registered model: it writes drafts to questions, and people correct them."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="draftings")
    task = models.ForeignKey(Task, models.CASCADE, related_name="+")
    model_key = models.CharField(max_length=40)  # as the registry of models names it
    model_name = models.CharField(max_length=160)
    release = models.PositiveIntegerField(null=True)  # number of the model version; null for a base model
    model_fingerprint = models.CharField(max_length=64)
    blind = models.BooleanField(
        _("blind"), default=False, help_text=_("People see the model’s draft only when they have answered themselves.")
    )
    settings = models.JSONField(default=dict)
    asked = models.PositiveIntegerField(default=0)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.model_name


class ModelDraft(models.Model):
    """What a model wrote to a question. It is nobody's answer until a person commits to it."""

    # A draft from a passage has no question before the model has written one.
    question = models.OneToOneField(Question, models.CASCADE, null=True, related_name="draft")
    passage = models.ForeignKey("Passage", models.CASCADE, null=True, related_name="+")
    drafting = models.ForeignKey(Drafting, models.CASCADE, related_name="drafts")
    text = models.TextField(blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    finish_reason = models.CharField(max_length=16, blank=True)
    written_at = models.DateTimeField(null=True)  # null: the model has not come to it yet

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(question__isnull=False) | Q(passage__isnull=False), name="draft_to_a_question_or_a_passage"
            ),
        )

    def __str__(self) -> str:
        return f"{self.drafting} {self.question}"

    @property
    def cut(self) -> bool:
        """Whether the model came to the longest draft that was asked for, instead of ending by itself."""
        return self.finish_reason == "length"


class Answer(models.Model):
    """What one person said to a question. With one person asked it becomes a pair at once, with several when an owner
    has chosen."""

    question = models.ForeignKey(Question, models.CASCADE, related_name="answers")
    author = models.ForeignKey(User, models.PROTECT, related_name="answers")
    texts = models.JSONField()  # everything of curation.fingerprints.Texts
    fingerprint = models.CharField(max_length=64)
    origin = models.CharField(max_length=16, choices=Origin.choices, default=Origin.HUMAN)
    note = models.CharField(max_length=500, blank=True)
    draft = models.ForeignKey(ModelDraft, models.SET_NULL, null=True, related_name="answers")  # it was given with
    unchanged = models.BooleanField(default=False)  # the draft, word for word
    distance = models.FloatField(null=True)  # from the draft: share of words added, removed or replaced
    seconds = models.FloatField(null=True)  # from the page to its submit; null where a program sent it
    pasted = models.PositiveIntegerField(db_default=0)  # as a revision has it
    evidence = models.JSONField(null=True)
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


class Acceptance(models.Model):
    """Whether somebody who answered the same question would send another's answer, without knowing whose it is."""

    answer = models.ForeignKey(Answer, models.CASCADE, related_name="acceptances")
    judge = models.ForeignKey(User, models.PROTECT, related_name="+")
    ships = models.BooleanField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("answer", "judge"), name="one_acceptance_per_person"),)

    def __str__(self) -> str:
        return f"{self.answer} {self.ships}"
