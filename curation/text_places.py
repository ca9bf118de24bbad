"""Where words that an owner wants erased may stand in what curation keeps, beside pairs, documents and corpora."""

from core.registries import TextPlace
from core.tombstones import tombstone
from curation.fingerprints import Texts
from curation.models import (
    Answer,
    BulkAction,
    DatasetVersion,
    Dismissal,
    DocumentFile,
    DocumentUpload,
    Draft,
    Erasure,
    GlossaryWord,
    Import,
    ImportProblem,
    ModelDraft,
    Pair,
    Question,
    Review,
    SavedView,
    VersionLeftOut,
)

EMPTY = Texts(instruction="", response="").to_json()
NO_MAPPING = {"form": "columns", "columns": {}, "conversation": "", "metadata": []}
QUESTION = {"system": "", "instruction": "", "input": "", "wanted": "", "topic": "", "source": "", "key": tombstone()}
PLACES = [
    TextPlace(
        lambda project: Question.objects.filter(project=project),
        ("system", "instruction", "input", "wanted", "topic", "source"),
        QUESTION,
    ),
    TextPlace(
        lambda project: Answer.objects.filter(question__project=project),
        ("texts", "note"),
        {"texts": EMPTY, "note": "", "evidence": None, "fingerprint": tombstone()},
    ),
    TextPlace(
        lambda project: ModelDraft.objects.filter(question__project=project),
        ("text",),
        {"text": "", "fingerprint": tombstone()},
    ),
    TextPlace(lambda project: Draft.objects.filter(task__project=project), ("fields",)),
    TextPlace(lambda project: Review.ever.filter(revision__pair__project=project), ("reason",), {"reason": ""}),
    TextPlace(
        lambda project: Pair.objects.filter(project=project),
        ("metadata", "tags"),
        {"metadata": {}, "tags": []},
    ),
    TextPlace(lambda project: Dismissal.objects.filter(project=project), ("reason", "excerpt")),
    TextPlace(lambda project: GlossaryWord.objects.filter(project=project), ("word",)),
    TextPlace(lambda project: SavedView.objects.filter(task__project=project), ("name", "query")),
    TextPlace(
        lambda project: BulkAction.objects.filter(task__project=project),
        ("value", "query"),
        {"value": "", "query": {}},
    ),
    TextPlace(
        lambda project: Import.objects.filter(task__project=project),
        ("file_name", "source", "error", "mapping", "tables", "table", "report"),
        {
            "file_name": tombstone(),
            "source": "",
            "error": "",
            "mapping": NO_MAPPING,
            "tables": [],
            "table": "",
            "report": {},
        },
    ),
    TextPlace(
        lambda project: ImportProblem.objects.filter(batch__task__project=project),
        ("column", "reason", "excerpt"),
        {"column": tombstone(), "reason": "", "excerpt": ""},
    ),
    TextPlace(
        lambda project: DocumentFile.objects.filter(upload__project=project),
        ("name", "problems"),
        {"name": tombstone(), "problems": []},
    ),
    TextPlace(lambda project: DocumentUpload.objects.filter(project=project), ("license",), {"license": ""}),
    TextPlace(
        lambda project: DatasetVersion.objects.filter(task__project=project),
        ("note", "error"),
        {"note": "", "error": ""},
    ),
    TextPlace(
        lambda project: VersionLeftOut.objects.filter(version__task__project=project), ("detail",), {"detail": ""}
    ),
    TextPlace(
        lambda project: Erasure.objects.filter(project=project), ("reason", "error"), {"reason": "", "error": ""}
    ),
]
