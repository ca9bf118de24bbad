from django.db import models
from django.utils.translation import gettext_lazy as _

from core.models import Job, Project, User
from curation.choices import VERSION_TONES, LeakRule, LeftOut, Part, SuiteRole, VersionState
from curation.models.pairs import Pair, Revision
from curation.models.tasks import Task


class DatasetVersion(models.Model):
    """An immutable, content-hashed freeze of approved revisions with its split."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    note = models.CharField(_("note"), max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=VersionState.choices, default=VersionState.BUILDING)
    train_share = models.FloatField()
    leaks = models.CharField(max_length=8, choices=LeakRule.choices, default=LeakRule.EXCLUDE)
    sha256 = models.CharField(max_length=64, blank=True)  # over the ordered salted digests of its pairs
    template = models.JSONField(default=dict)  # the task's template when it was frozen
    system_prompt = models.TextField(blank=True)  # the same; stands where a pair has none of its own
    counts = models.JSONField(default=dict)  # by part, origin, topic, language; unreviewed by a second person; tokens
    erased = models.PositiveIntegerField(default=0)  # rows whose texts are gone: it cannot be rebuilt any more
    error = models.TextField(blank=True)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    verification = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")  # the newest of a large version
    verified_at = models.DateTimeField(null=True)
    verified_same = models.BooleanField(null=True)  # whether the hash came out as it was; None before the first time
    verified_changed = models.PositiveIntegerField(default=0)  # rows whose texts differ
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=("task", "number"), name="one_version_per_number"),)

    def __str__(self) -> str:
        return f"{self.task.name} v{self.number}"

    @property
    def tone(self) -> str:
        return VERSION_TONES[VersionState(self.state)]


class VersionPair(models.Model):
    """One row of a dataset version, in its order."""

    version = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="rows")
    revision = models.ForeignKey(Revision, models.RESTRICT, related_name="in_versions")
    ordinal = models.PositiveIntegerField()
    part = models.CharField(max_length=8, choices=Part.choices)
    group = models.CharField(max_length=64)
    salt = models.CharField(max_length=32)
    digest = models.CharField(max_length=64)  # sha256(salt + canonical texts)
    unreviewed = models.BooleanField(default=False)  # by a second person

    class Meta:
        ordering = ("ordinal",)
        indexes = (models.Index(fields=("version", "part", "ordinal"), name="version_rows_by_part"),)
        constraints = (
            models.UniqueConstraint(fields=("version", "ordinal"), name="one_row_per_ordinal"),
            models.UniqueConstraint(fields=("version", "revision"), name="one_row_per_revision"),
        )

    def __str__(self) -> str:
        return f"{self.version} {self.ordinal}"


class VersionLeftOut(models.Model):
    """An approved pair that a freeze left out, and why."""

    version = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="left_out")
    pair = models.ForeignKey(Pair, models.CASCADE, related_name="+")
    revision = models.ForeignKey(Revision, models.CASCADE, null=True, related_name="+")
    reason = models.CharField(max_length=10, choices=LeftOut.choices)
    detail = models.CharField(max_length=300, blank=True)
    # The item that it gives away, where that is the reason.
    item = models.ForeignKey("SuiteItem", models.SET_NULL, null=True, related_name="+")

    def __str__(self) -> str:
        return f"{self.pair} {self.reason}"


class Suite(models.Model):
    """A frozen set of test items. A dataset version's test and develop parts are suites of their own."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="suites")
    task = models.ForeignKey(Task, models.CASCADE, related_name="suites")
    version = models.ForeignKey(DatasetVersion, models.CASCADE, null=True, related_name="suites")
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=8, choices=SuiteRole.choices, default=SuiteRole.TEST)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("version", "role"), name="one_suite_per_version_and_role"),)

    def __str__(self) -> str:
        return self.name


class SuiteItem(models.Model):
    suite = models.ForeignKey(Suite, models.CASCADE, related_name="items")
    ordinal = models.PositiveIntegerField()
    revision = models.ForeignKey(Revision, models.RESTRICT, null=True, related_name="suite_items")
    fingerprint = models.CharField(max_length=64)

    class Meta:
        ordering = ("ordinal",)
        constraints = (models.UniqueConstraint(fields=("suite", "ordinal"), name="one_item_per_ordinal"),)

    def __str__(self) -> str:
        return f"{self.suite} {self.ordinal}"
