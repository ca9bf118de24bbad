from django.contrib.postgres.fields import ArrayField
from django.db import models

from core.models import Job, Project, User
from core.sentences import kept_in_words
from curation.choices import FILE_TONES, FileState


class DocumentUpload(models.Model):
    """Files brought in together; a job reads them one after the other."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="document_uploads")
    license = models.CharField(max_length=300, blank=True)  # stands with every document that names none itself
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"#{self.pk}"


class DocumentFile(models.Model):
    """One file of an upload, and what became of it."""

    upload = models.ForeignKey(DocumentUpload, models.CASCADE, related_name="files")
    name = models.CharField(max_length=200)
    path = models.CharField(max_length=100)  # below the uploads folder; the name is ours
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=FileState.choices, default=FileState.WAITING)
    documents = models.PositiveIntegerField(default=0)  # new ones
    known = models.PositiveIntegerField(default=0)  # whose text was there already
    problems = models.JSONField(default=list)  # why the file, or a record of it, gave no text

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.name

    @property
    def tone(self) -> str:
        return FILE_TONES[FileState(self.state)]

    @property
    def sentences(self) -> list[str]:
        return [kept_in_words(problem) for problem in self.problems]


class Document(models.Model):
    """A text of the organisation with where it came from. Its passages become work, its text may become a corpus."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="documents")
    file = models.ForeignKey(DocumentFile, models.SET_NULL, null=True, related_name="+")
    file_name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10)  # as ml.documents names it
    title = models.CharField(max_length=300)
    address = models.CharField(max_length=500, blank=True)
    license = models.CharField(max_length=300, blank=True)
    language = models.CharField(max_length=12, blank=True)
    dated = models.CharField(max_length=40, blank=True)  # as the document itself says
    text = models.TextField()
    characters = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)  # of the text: brought twice, it is one document
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    erased_at = models.DateTimeField(null=True)  # something of it is gone; its sha256 too

    class Meta:
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=("project", "sha256"), name="one_document_per_text"),)

    def __str__(self) -> str:
        return self.title


class Passage(models.Model):
    """A piece of a document as it stands: what pairs are written from."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="passages", db_index=False)
    ordinal = models.PositiveIntegerField()
    text = models.TextField()
    trail = ArrayField(models.CharField(max_length=300), default=list)  # the headings above it
    page = models.PositiveIntegerField(default=0)  # 0: the document has no pages

    class Meta:
        ordering = ("document", "ordinal")
        constraints = (models.UniqueConstraint(fields=("document", "ordinal"), name="one_passage_per_ordinal"),)

    def __str__(self) -> str:
        return f"{self.document_id}.{self.ordinal}"

    @property
    def place(self) -> str:
        """Where in its document it stands, in a few words."""
        return " › ".join(self.trail[-2:])

    @property
    def source(self) -> str:
        """What a pair that rests on it names as its source."""
        where = f"p. {self.page}" if self.page else self.place
        number = f"[{self.document_id}.{self.ordinal}]"
        return f"{self.document.title[:150]}{', ' if where else ''}{where[:120]} {number}"
