from curation.models.corpora import Corpus
from curation.models.findings import CheckedText, Dismissal, Finding, GlossaryWord
from curation.models.imports import Import, ImportProblem
from curation.models.likeness import Likeness, LikenessBasis, NearText, Place
from curation.models.pairs import Draft, Pair, Review, Revision, SavedView
from curation.models.questions import Answer, Question
from curation.models.tasks import Guideline, Task
from curation.models.versions import DatasetVersion, Suite, SuiteItem, VersionLeftOut, VersionPair

__all__ = [
    "Answer",
    "CheckedText",
    "Corpus",
    "DatasetVersion",
    "Dismissal",
    "Draft",
    "Finding",
    "GlossaryWord",
    "Guideline",
    "Import",
    "ImportProblem",
    "Likeness",
    "LikenessBasis",
    "NearText",
    "Pair",
    "Place",
    "Question",
    "Review",
    "Revision",
    "SavedView",
    "Suite",
    "SuiteItem",
    "Task",
    "VersionLeftOut",
    "VersionPair",
]
