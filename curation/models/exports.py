from django.db import models

from core.models import Job, User
from curation.models.versions import DatasetVersion


class Export(models.Model):
    """A version packed as a file by a job, kept until it is thrown away. Its digest says that it is complete."""

    version = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="exports")
    shape = models.CharField(max_length=12)  # of the rows
    kind = models.CharField(max_length=10)  # of the file
    size = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("version", "shape", "kind"), name="one_export_per_version_shape_and_kind"),
        )

    def __str__(self) -> str:
        return self.file_name

    @property
    def file_name(self) -> str:
        """Under which it is taken away; the same name lies in the exports folder below the version's number."""
        return f"{self.version.task.slug}-v{self.version.number}-{self.shape}-{self.kind}.zip"
