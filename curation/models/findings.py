from django.db import models

from core.models import Project, User


class Finding(models.Model):
    """What a check found in a text. Keyed by the text's fingerprint, so that pairs and outputs share it."""

    fingerprint = models.CharField(max_length=64)
    field = models.CharField(max_length=16)  # instruction, input, response
    check_id = models.CharField(max_length=40)
    check_version = models.PositiveSmallIntegerField()
    parameters = models.CharField(max_length=64, blank=True)  # key of what else it depended on
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    severity = models.CharField(max_length=8)
    template = models.CharField(max_length=500)  # the sentence, with the names of its values
    values = models.JSONField(default=dict)

    class Meta:
        indexes = (models.Index(fields=("fingerprint", "check_id"), name="finding_by_text"),)

    def __str__(self) -> str:
        return f"{self.check_id}: {self.template}"


class CheckedText(models.Model):
    """That a text was checked, by which checks and with what parameters: no finding then means clean."""

    fingerprint = models.CharField(max_length=64)
    field = models.CharField(max_length=16)
    checks = models.CharField(max_length=64)  # hash of the checks' ids, versions and parameters
    checked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("fingerprint", "field", "checks"), name="one_checking_per_text"),
        )

    def __str__(self) -> str:
        return self.fingerprint


class Dismissal(models.Model):
    """A finding that a person calls a false alarm. It survives re-runs because it names the exact text."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    fingerprint = models.CharField(max_length=64)
    check_id = models.CharField(max_length=40)
    excerpt = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=300)
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("project", "fingerprint", "check_id", "excerpt"), name="one_dismissal_per_finding"
            ),
        )

    def __str__(self) -> str:
        return f"{self.check_id}: {self.reason}"


class GlossaryWord(models.Model):
    """A word of this organisation that the misspelling check accepts."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="glossary")
    language = models.CharField(max_length=12)
    word = models.CharField(max_length=80)
    added_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("project", "language", "word"), name="one_glossary_word"),)

    def __str__(self) -> str:
        return self.word
