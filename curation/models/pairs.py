from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.models import Project, User
from curation.choices import PAIR_TONES, Decision, Origin, PairState, ReviewBasis
from curation.models.tasks import Task
from curation.subjects import OF_PAIR


class Pair(models.Model):
    """An instruction with its response. Its texts lie in revisions; `version` is the number of the newest."""

    # Every index is paid for by each imported row, so only those that a page asks for stand here.
    project = models.ForeignKey(Project, models.CASCADE, related_name="pairs", db_index=False)
    task = models.ForeignKey(Task, models.CASCADE, related_name="pairs", db_index=False)
    state = models.CharField(max_length=10, choices=PairState.choices, default=PairState.DRAFT)
    version = models.PositiveIntegerField(default=1)
    # Without a database constraint: a revision never outlives its pair, and the circle would be checked row by row.
    current = models.ForeignKey(
        "Revision", models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    approved = models.ForeignKey(
        "Revision", models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    author = models.ForeignKey(User, models.PROTECT, null=True, related_name="pairs", db_index=False)
    metadata = models.JSONField(default=dict, blank=True)
    search = SearchVectorField(null=True)  # of the newest revision
    # Checks that found something in the newest revision and were not dismissed; null: not checked yet.
    found = ArrayField(models.CharField(max_length=40), null=True)
    # What lists ask of the newest revision, kept here so that they need not join a million rows (services/search.py).
    topic = models.CharField(max_length=120, default="", db_default="", blank=True)
    language = models.CharField(max_length=12, default="", db_default="", blank=True)
    origin = models.CharField(max_length=16, choices=Origin.choices, default="", db_default="", blank=True)
    tokens = models.PositiveIntegerField(null=True)
    edition = models.PositiveIntegerField(
        default=0, db_default=0
    )  # of the guidelines, at the newest revision or its review
    tags = ArrayField(models.CharField(max_length=40), default=list, db_default=[], blank=True)
    assignee = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)

    # What it was written from, if a document's passage was before the writer's eyes.
    passage = models.ForeignKey("Passage", models.SET_NULL, null=True, related_name="pairs", db_index=False)

    # Hash of an imported row or of an editor's page: brought in or sent twice, it is one pair.
    import_key = models.CharField(max_length=64, blank=True)
    imported_by = models.ForeignKey("Import", models.SET_NULL, null=True, related_name="pairs", db_index=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = (
            models.Index(fields=("task", "state", "-id"), name="pair_by_state"),
            models.Index(fields=("task", "-id"), condition=~Q(state=PairState.TRASHED), name="pair_by_task"),
            models.Index(fields=("task", "author", "-id"), name="pair_by_author"),
            models.Index(  # with what tells which of them no version holds, so that the rows need not be read
                fields=("task", "id"),
                include=("approved", "state"),
                condition=Q(approved__isnull=False),
                name="pair_approved",
            ),
            models.Index(fields=("task", "id"), condition=Q(found__isnull=True), name="pair_unchecked"),
            models.Index(fields=("task", "-id"), condition=Q(found__len__gt=0), name="pair_with_finding"),
            models.Index(fields=("imported_by", "-id"), condition=Q(imported_by__isnull=False), name="pair_by_import"),
            models.Index(fields=("passage", "id"), condition=Q(passage__isnull=False), name="pair_by_passage"),
            GinIndex(fields=("search",), condition=Q(search__isnull=False), name="pair_search"),
            models.Index(fields=("task", "topic", "-id"), condition=~Q(topic=""), name="pair_by_topic"),
            # Few values, many rows each: PostgreSQL stores such an index in a few bytes a row. It is for the rare ones.
            models.Index(fields=("task", "language", "origin", "edition"), name="pair_by_kind"),
            models.Index(fields=("task", "tokens"), condition=Q(tokens__isnull=False), name="pair_by_tokens"),
            models.Index(fields=("assignee", "-id"), condition=Q(assignee__isnull=False), name="pair_by_assignee"),
            GinIndex(fields=("tags",), condition=Q(tags__len__gt=0), name="pair_by_tag"),
            GinIndex(
                fields=("metadata",), opclasses=("jsonb_path_ops",), condition=~Q(metadata={}), name="pair_by_metadata"
            ),
            BrinIndex(fields=("created_at",), pages_per_range=32, autosummarize=True, name="pair_by_time"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("task", "import_key"), condition=~Q(import_key=""), name="one_pair_per_imported_row"
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def tone(self) -> str:
        return PAIR_TONES[PairState(self.state)]


class Revision(models.Model):
    """The texts of a pair at one moment. Never changed; every change is a new revision."""

    pair = models.ForeignKey(Pair, models.CASCADE, related_name="revisions", db_index=False)
    number = models.PositiveIntegerField()
    system = models.TextField(blank=True)
    instruction = models.TextField(_("instruction"))
    input = models.TextField(_("input"), blank=True)
    response = models.TextField(_("response"), blank=True)
    rejected = models.TextField(blank=True, default="", db_default="")  # a worse answer, for training by preference
    turns = models.JSONField(default=list, blank=True)  # [{"role": "user" | "assistant", "content": text}]
    language = models.CharField(_("language"), max_length=12, default="en")
    topic = models.CharField(_("topic"), max_length=120, blank=True)
    origin = models.CharField(max_length=16, choices=Origin.choices, default=Origin.HUMAN)
    source = models.CharField(max_length=300, blank=True)  # the passage or document it rests on
    fingerprint = models.CharField(max_length=64)  # of the texts: findings and judgements hang on it
    tokens = models.PositiveIntegerField(null=True)  # prompt and response by the task's tokenizer
    author = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    note = models.CharField(max_length=500, blank=True)
    pasted = models.PositiveIntegerField(db_default=0)  # characters of it that were pasted while it was written
    evidence = models.JSONField(null=True)  # where an output field is read off: [{"field", "start", "end", "text"}]
    guideline = models.PositiveIntegerField(null=True)  # the edition of the task's guidelines that it was written by
    created_at = models.DateTimeField(auto_now_add=True)
    erased_at = models.DateTimeField(null=True)  # its texts are gone; the row says that it was there

    class Meta:
        ordering = ("-number",)
        indexes = (
            models.Index(fields=("fingerprint",), name="revision_by_text"),
            models.Index(
                fields=("author", "created_at"), condition=~Q(origin=Origin.IMPORTED), name="revision_by_author"
            ),
        )
        constraints = (models.UniqueConstraint(fields=("pair", "number"), name="one_revision_per_number"),)

    def __str__(self) -> str:
        return f"#{self.pair_id} r{self.number}"

    @property
    def pasted_share(self) -> float:
        """Of the characters that a person writes."""
        whole = len(self.system) + len(self.instruction) + len(self.input) + len(self.response)
        return min(1.0, self.pasted / whole) if whole else 0.0

    def texts(self) -> dict[str, Any]:
        """What the model sees of it, in the shape of ml.prompting.Example."""
        return {
            "system": self.system,
            "instruction": self.instruction,
            "input": self.input,
            "response": self.response,
            "turns": self.turns,
            "language": self.language,
        }


class StandingReviews(models.Manager["Review"]):
    """Those that were not taken back."""

    def get_queryset(self) -> models.QuerySet["Review"]:
        return super().get_queryset().filter(withdrawn_at=None)


class Review(models.Model):
    """A decision on one revision. Database triggers hold the two-person rule (migration 0002) and the number of
    reviewers that the project asks for (migration 0004)."""

    revision = models.ForeignKey(Revision, models.CASCADE, related_name="reviews")
    reviewer = models.ForeignKey(User, models.PROTECT, null=True, related_name="reviews")
    decision = models.CharField(max_length=8, choices=Decision.choices)
    basis = models.CharField(max_length=16, choices=ReviewBasis.choices, default=ReviewBasis.SECOND_PERSON)
    reason = models.TextField(_("reason"), blank=True, max_length=4000)
    adjudicated = models.BooleanField(default=False, db_default=False)  # settles an escalation: one such is enough
    fingerprint = models.CharField(max_length=64)  # of the exact texts that were judged
    guideline = models.PositiveIntegerField(null=True)  # the edition of the task's guidelines that it was judged by
    withdrawn_at = models.DateTimeField(null=True)  # taken back by its reviewer: it counts for nothing, but it was
    created_at = models.DateTimeField(auto_now_add=True)

    ever = models.Manager["Review"]()  # with those taken back: the history shows them
    objects = StandingReviews()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.decision} {self.revision}"


class SavedView(models.Model):
    """A filter of the list of pairs under a name, for its owner alone or for the whole project."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="views")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    name = models.CharField(_("name"), max_length=80)
    query = models.JSONField(default=dict)  # filter -> value, as in the address of the list
    shared = models.BooleanField(_("for everybody in the project"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name", "id")
        constraints = (models.UniqueConstraint(fields=("task", "user", "name"), name="one_view_per_name"),)

    def __str__(self) -> str:
        return self.name


class Draft(models.Model):
    """What a person has typed and not submitted. A draft is not an answer: nothing but its writer's editor reads it."""

    user = models.ForeignKey(User, models.PROTECT, related_name="drafts")
    task = models.ForeignKey(Task, models.CASCADE, related_name="+")
    pair = models.ForeignKey(Pair, models.CASCADE, null=True, related_name="drafts")  # None: a new pair
    key = models.CharField(max_length=40)  # tells several new pairs apart
    base_version = models.PositiveIntegerField(default=0)  # of the pair that it started from
    version = models.PositiveIntegerField(default=0)  # of the last save: two tabs cannot overwrite each other unseen
    window = models.CharField(max_length=24, default="")  # which saved last, as it names itself; "": none that says so
    fields = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "task", "key"), name="one_draft_per_key"),)

    def __str__(self) -> str:
        return f"{self.user} {self.key}"

    @property
    def opening(self) -> str:
        """The words by which its writer knows it again; "" for none."""
        texts = (str(self.fields.get(name, "")).strip() for name in ("instruction", "response", "input"))
        return next(filter(None, texts), "")

    @property
    def copy_name(self) -> str:
        """Under which the browser keeps its own copy of what is typed."""
        return f"{OF_PAIR}{self.pair_id}" if self.pair_id else f"task-{self.task_id}-{self.key}"
