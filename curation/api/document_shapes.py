"""What the endpoints of documents take and give."""

from rest_framework import serializers

from core.api.shapes import PersonOut
from curation.api.shapes import PairIn
from curation.models import Document, DocumentFile, DocumentUpload, Passage
from curation.selectors.passages import writers_now


class DocumentOut(serializers.ModelSerializer[Document]):
    project: serializers.SlugRelatedField[Document] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    created_by = PersonOut(read_only=True, allow_null=True)

    class Meta:
        model = Document
        fields = (
            "id", "project", "title", "file_name", "kind", "address", "license", "language", "dated", "characters",
            "sha256", "created_by", "created_at",
        )  # fmt: skip


class DocumentTextOut(DocumentOut):
    class Meta(DocumentOut.Meta):
        fields = (*DocumentOut.Meta.fields, "text")  # type: ignore[assignment]


class PassageOut(serializers.ModelSerializer[Passage]):
    trail = serializers.ListField(child=serializers.CharField(), help_text="The headings above it, outermost first.")

    class Meta:
        model = Passage
        fields = ("id", "ordinal", "text", "trail", "page")


class PassageDetailOut(PassageOut):
    writers = serializers.SerializerMethodField(help_text="Names of the others who write from it now.")

    class Meta(PassageOut.Meta):
        fields = (*PassageOut.Meta.fields, "document", "writers")  # type: ignore[assignment]

    def get_writers(self, passage: Passage) -> list[str]:
        found = writers_now(passage.document.project, [passage.pk], self.context["user"])
        return found.get(passage.pk, [])


class PassagePairIn(PairIn):
    """The task is the one that asks; what is not given of the texts is empty."""

    task = None  # type: ignore[assignment]
    passage = None  # type: ignore[assignment]
    key = None  # type: ignore[assignment]


class DocumentFileOut(serializers.ModelSerializer[DocumentFile]):
    problems = serializers.ListField(child=serializers.CharField(), source="sentences")

    class Meta:
        model = DocumentFile
        fields = ("name", "size", "sha256", "state", "documents", "known", "problems")


class DocumentUploadOut(serializers.ModelSerializer[DocumentUpload]):
    project: serializers.SlugRelatedField[DocumentUpload] = serializers.SlugRelatedField(
        slug_field="slug", read_only=True
    )
    files = DocumentFileOut(many=True, read_only=True)

    class Meta:
        model = DocumentUpload
        fields = ("id", "project", "license", "job", "files", "created_at")


class DocumentUploadIn(serializers.Serializer[object]):
    project = serializers.SlugField()
    files = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True, max_length=200), min_length=1, max_length=1000
    )
    license = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)


class PassagesAskIn(serializers.Serializer[object]):
    task = serializers.IntegerField(min_value=1)
    passages = serializers.ListField(
        child=serializers.IntegerField(min_value=1), required=False, max_length=2000,
        help_text="Ids; without them, every passage of the document.",
    )  # fmt: skip


class PassagesAskedOut(serializers.Serializer[object]):
    asked = serializers.IntegerField(help_text="How many pieces of work are new.")
