from curation.models.bulk import BulkAction, BulkRow
from curation.models.checks import CheckSetting, PairLink, Vocabulary
from curation.models.corpora import Corpus
from curation.models.documents import Document, DocumentFile, DocumentUpload, Passage
from curation.models.embeddings import Embedding, EmbeddingLook
from curation.models.erasures import ErasedText, Erasure
from curation.models.exports import Export
from curation.models.findings import CheckedText, Dismissal, Finding, GlossaryWord
from curation.models.imports import Import, ImportProblem
from curation.models.leaks import Leak, Spent
from curation.models.likeness import ContainedText, Likeness, LikenessBasis, NearMeaning, NearText, Place
from curation.models.pairs import Draft, Pair, Review, Revision, SavedView
from curation.models.questions import Acceptance, Answer, Drafting, ModelDraft, Question
from curation.models.reports import TaskReport
from curation.models.tasks import Guideline, Task
from curation.models.versions import DatasetVersion, Suite, SuiteItem, VersionLeftOut, VersionPair

__all__ = [
    "Acceptance",
    "Answer",
    "BulkAction",
    "BulkRow",
    "CheckSetting",
    "CheckedText",
    "ContainedText",
    "Corpus",
    "DatasetVersion",
    "Dismissal",
    "Document",
    "DocumentFile",
    "DocumentUpload",
    "Draft",
    "Drafting",
    "Embedding",
    "EmbeddingLook",
    "ErasedText",
    "Erasure",
    "Export",
    "Finding",
    "GlossaryWord",
    "Guideline",
    "Import",
    "ImportProblem",
    "Leak",
    "Likeness",
    "LikenessBasis",
    "ModelDraft",
    "NearMeaning",
    "NearText",
    "Pair",
    "PairLink",
    "Passage",
    "Place",
    "Question",
    "Review",
    "Revision",
    "SavedView",
    "Spent",
    "Suite",
    "SuiteItem",
    "Task",
    "TaskReport",
    "VersionLeftOut",
    "VersionPair",
    "Vocabulary",
]
