"""States and kinds of curation, each with its label and tone in one place."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from core.choices import Need


class TaskKind(TextChoices):
    EXTRACTION = "extraction", _("Extraction: text in, less text out")
    EXPANSION = "expansion", _("Expansion: text in, more text out")


class PairState(TextChoices):
    """Life of a pair. `approved` speaks of the revision in `Pair.approved`; a newer revision may be on its way."""

    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("Waiting for review")
    RETURNED = "returned", _("Returned")
    APPROVED = "approved", _("Approved")
    TRASHED = "trashed", _("In the trash")


PAIR_TONES = {
    PairState.DRAFT: "muted",
    PairState.SUBMITTED: "info",
    PairState.RETURNED: "warn",
    PairState.APPROVED: "ok",
    PairState.TRASHED: "bad",
}


class Origin(TextChoices):
    HUMAN = "human", _("Human")
    IMPORTED = "imported", _("Imported")
    DOCUMENT = "document", _("Document")
    DRAFT_ACCEPTED = "draft_accepted", _("Model draft accepted")
    DRAFT_EDITED = "draft_edited", _("Model draft edited")
    GENERATED = "generated", _("Generated")

    @classmethod
    def real(cls) -> tuple["Origin", ...]:
        """Those that a person wrote, corrected or took from a document."""
        return (cls.HUMAN, cls.IMPORTED, cls.DOCUMENT, cls.DRAFT_EDITED)


class Decision(TextChoices):
    APPROVE = "approve", _("Approve")
    RETURN = "return", _("Return")
    ESCALATE = "escalate", _("Escalate")


class ReviewBasis(TextChoices):
    """Why an approval counts. Only `second_person` is a review by somebody else."""

    SECOND_PERSON = "second_person", _("Reviewed by a second person")
    SOLO = "solo", _("Approved by its author (solo project)")
    IMPORT = "import", _("Approved by import")


class ImportState(TextChoices):
    UPLOADED = "uploaded", _("Columns to choose")
    CHECKING = "checking", _("Being looked through")
    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    UNDOING = "undoing", _("Being undone")
    UNDONE = "undone", _("Undone")


STARTABLE = (ImportState.UPLOADED, ImportState.FAILED, ImportState.CANCELLED)  # of imports

IMPORT_TONES = {
    ImportState.UPLOADED: "warn",
    ImportState.CHECKING: "info",
    ImportState.WAITING: "info",
    ImportState.RUNNING: "info",
    ImportState.DONE: "ok",
    ImportState.FAILED: "bad",
    ImportState.CANCELLED: "muted",
    ImportState.UNDOING: "info",
    ImportState.UNDONE: "muted",
}


class FileState(TextChoices):
    """Of one document file."""

    WAITING = "waiting", _("Waiting")
    READ = "read", _("Read")
    REFUSED = "refused", _("Not read")


FILE_TONES = {FileState.WAITING: "info", FileState.READ: "ok", FileState.REFUSED: "bad"}


class Part(TextChoices):
    TRAIN = "train", _("Train")
    DEVELOP = "develop", _("Develop")
    TEST = "test", _("Test")


PART_NOTES = {
    Part.TRAIN: _("what the model learns from"),
    Part.DEVELOP: _("watched while it learns"),
    Part.TEST: _("kept aside to measure with"),
}


class LikeKind(TextChoices):
    """Which texts of two pairs are alike."""

    PROMPT = "prompt", _("Question")
    RESPONSE = "response", _("Answer")


class Difference(TextChoices):
    """How a pair differs between two versions."""

    ADDED = "added", _("Added")
    CHANGED = "changed", _("Changed")
    REMOVED = "removed", _("Removed")
    MOVED = "moved", _("In another part")

    @property
    def tone(self) -> str:
        return {"added": "ok", "changed": "info", "removed": "bad", "moved": "muted"}[self.value]


class LeakMethod(TextChoices):
    """How a pair gives a test item away, the surest first."""

    EXACT = "exact", _("The same text")
    NEAR = "near", _("Nearly the same text")
    GRAMS = "grams", _("Contains its word sequences")
    MEANING = "meaning", _("Says the same in other words")


class LeakRule(TextChoices):
    """What a freeze does with pairs of train or develop that give test items away."""

    EXCLUDE = "exclude", _("Leave such pairs out and list them")
    BLOCK = "block", _("Do not freeze while there are any")


class VersionState(TextChoices):
    BUILDING = "building", _("Building")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")


VERSION_TONES = {VersionState.BUILDING: "info", VersionState.READY: "ok", VersionState.FAILED: "bad"}


class LeftOut(TextChoices):
    BRIDGE = "bridge", _("Would connect a train group with a test group")
    LEAK = "leak", _("Gives a test item away")
    FINDING = "finding", _("Has a blocking finding")


class SuiteRole(TextChoices):
    """Develop suites may teach; test suites may not."""

    DEVELOP = "develop", _("Develop")
    TEST = "test", _("Test")


class QuestionKind(TextChoices):
    ANSWER = "answer", _("To be answered")
    DECLINE = "decline", _("Not to be answered")


class QuestionState(TextChoices):
    OPEN = "open", _("Waits for answers")
    TO_SETTLE = "to_settle", _("Waits for adjudication")
    ANSWERED = "answered", _("Answered")
    CLOSED = "closed", _("Withdrawn")


QUESTION_TONES = {
    QuestionState.OPEN: "info",
    QuestionState.TO_SETTLE: "warn",
    QuestionState.ANSWERED: "ok",
    QuestionState.CLOSED: "muted",
}


class CorpusState(TextChoices):
    BUILDING = "building", _("Being made")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")


CORPUS_TONES = {CorpusState.BUILDING: "info", CorpusState.READY: "ok", CorpusState.FAILED: "bad"}


class AtFreeze(TextChoices):
    """What a freeze does when more pairs than allowed have a finding of a check."""

    PASS = "pass", _("Pass")
    WARN = "warn", _("Warn")
    BLOCK = "block", _("Refuse")


class AtSubmit(TextChoices):
    """What happens when somebody submits a text with a finding of a check."""

    TELL = "tell", _("Tell")
    ASK = "ask", _("Ask for a reason")
    BLOCK = "block", _("Refuse")


class ErasureScope(TextChoices):
    """Whose texts an erasure takes away."""

    PAIR = "pair", _("One pair")
    PERSON = "person", _("What one person wrote")
    WORDS = "words", _("Everything that contains certain words")


class ErasureState(TextChoices):
    WAITING = "waiting", _("Under way")
    DONE = "done", _("Erased")
    FAILED = "failed", _("Failed")


ERASURE_TONES = {ErasureState.WAITING: "info", ErasureState.DONE: "ok", ErasureState.FAILED: "bad"}


class WorkOrder(TextChoices):
    """In which order people are given what waits."""

    AGE = "age", _("Oldest first")
    TOPIC = "topic", _("Topics with the fewest approved pairs first")
    RANDOM = "random", _("Mixed, always the same mixture")
    UNCERTAINTY = "uncertainty", _("What a model is least sure of first")


class BulkKind(TextChoices):
    """What can be done to every pair of a filter at once."""

    TAG = "tag", _("Add a tag")
    UNTAG = "untag", _("Take a tag away")
    RECHECK = "recheck", _("Check again")
    TOPIC = "topic", _("Set the topic")
    ASSIGN = "assign", _("Assign to a person")
    REVIEW = "review", _("Send to review")
    TRASH = "trash", _("Move to the trash")
    RESTORE = "restore", _("Restore from the trash")


BULK_NEEDS = {BulkKind.TAG: Need.WRITE, BulkKind.UNTAG: Need.WRITE, BulkKind.RECHECK: Need.WRITE}  # the others: OWN
