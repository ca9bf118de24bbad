from django.db import models

from core.models import Job, User
from curation.choices import IMPORT_TONES, ImportState
from curation.models.tasks import Task


class Import(models.Model):
    """One file brought in by a job: every row accepted, known already, or reported with its number and reason."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="imports")
    file_name = models.CharField(max_length=200)
    path = models.CharField(max_length=300)  # below the uploads folder; the name is ours
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    format = models.CharField(max_length=12)
    encoding = models.CharField(max_length=12, blank=True)  # of a text file as it came; kept as UTF-8
    tables = models.JSONField(default=list)  # sheets of a workbook or splits of a dataset
    table = models.CharField(max_length=200, blank=True)  # the one that is read; "" where the file is one table
    mapping = models.JSONField(default=dict)  # field of a pair -> column of the file
    report = models.JSONField(default=dict)  # what a look through the whole file found, before anything is stored
    approve = models.BooleanField(default=False)
    source = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=ImportState.choices, default=ImportState.UPLOADED)
    rows = models.PositiveIntegerField(default=0)
    accepted = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.file_name

    @property
    def tone(self) -> str:
        return IMPORT_TONES[ImportState(self.state)]


class ImportProblem(models.Model):
    """Why a row was not taken."""

    batch = models.ForeignKey(Import, models.CASCADE, related_name="problems")
    row = models.PositiveIntegerField()  # counted from 1 as the person's editor shows lines or records
    column = models.CharField(max_length=80, blank=True)
    reason = models.CharField(max_length=400)
    excerpt = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("row", "id")
        constraints = (models.UniqueConstraint(fields=("batch", "row", "column"), name="one_problem_per_cell"),)

    def __str__(self) -> str:
        return f"{self.row}: {self.reason}"
