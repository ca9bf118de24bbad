"""A task with its pairs and what was said of them, files that came in, a frozen version."""

from core.choices import WorkKind
from core.models import Thread, User
from core.services.work import work_claim, work_open
from curation.choices import CorpusState, Part, SuiteRole, VersionState
from curation.models import (
    BulkAction,
    Corpus,
    DatasetVersion,
    Dismissal,
    Document,
    DocumentUpload,
    Erasure,
    Export,
    GlossaryWord,
    Guideline,
    Import,
    Pair,
    PairLink,
    Passage,
    Place,
    Revision,
    SavedView,
    Suite,
    SuiteItem,
    Task,
    VersionPair,
)
from curation.services.exports import export_path
from tests.architecture.estate.one import DIGEST, Estate
from tests.architecture.estate.questions import add_questions

OF_TASK = (
    "task", "health", "gaps", "guidelines", "freeze-preview", "leaks", "task-order", "look", "similar", "seen", "merge",
    "template-preview", "draft",
)  # fmt: skip


def add_curation(estate: Estate) -> None:
    task = Task.objects.create(project=estate.project, slug="advice", name="Advice", created_by=estate.people["owner"])
    estate.values |= {"task": task.slug, "task_id": task.pk, "curation/key": "k1", "api-draft/key": "k1"}
    estate.values |= {f"api-{name}/task": task.pk for name in OF_TASK}
    pair = make_pair(task, estate.people["expert"], "What is a beam?")
    add_review(estate, task, pair)
    add_remarks(estate, task, pair)
    add_files(estate, task)
    add_version(estate, task, pair)
    add_questions(estate, task)


def make_pair(task: Task, author: User, text: str) -> Pair:
    pair = Pair.objects.create(project=task.project, task=task, author=author, state="approved")
    revision = Revision.objects.create(
        pair=pair, number=1, instruction=text, response=f"About {text}", author=author, fingerprint=DIGEST
    )
    pair.current = pair.approved = revision
    pair.save()
    return pair


def add_review(estate: Estate, task: Task, pair: Pair) -> None:
    """A pair that is approved, and one that a reviewer holds; they contradict each other."""
    expert = estate.people["expert"]
    waiting = make_pair(task, expert, "What is a joist?")
    Pair.objects.filter(pk=waiting.pk).update(state="submitted", approved=None)
    link = PairLink.objects.create(
        task=task, check_id="conflict", one=pair, other=waiting, one_revision=pair.current_id or 0,
        other_revision=waiting.current_id or 0, similarity=0.5,
    )  # fmt: skip
    work = work_open(
        project=task.project, kind=WorkKind.REVIEW, subject_type="pair", subject_id=waiting.pk, excluded_user=expert
    )
    assignment = work_claim(user=estate.people["reviewer"], item=work)
    estate.values |= {
        "pair": pair.pk,
        "waiting_revision": waiting.current_id,
        "curation:review-claim/pair": waiting.pk,
        "api-pair-review/pair": waiting.pk,
        "link": link.pk,
        "assignment": assignment.pk if assignment else None,
        "work_item": work.pk,
        "lineage/kind": "pair",
        "lineage/number": pair.pk,
        "api-lineage/kind": "pair",
        "api-lineage/number": pair.pk,
    }


def add_remarks(estate: Estate, task: Task, pair: Pair) -> None:
    """What people set down about a task and its pairs, and what they did to many at once."""
    owner, project = estate.people["owner"], estate.project
    Guideline.objects.create(task=task, number=1, text="Be brief.", author=owner)
    Thread.objects.create(project=project, subject_type="pair", subject_id=pair.pk)
    dismissal = Dismissal.objects.create(
        project=project, fingerprint=DIGEST, check_id="misspelling", excerpt="beem", reason="A brand", user=owner
    )
    erasure = Erasure.objects.create(project=project, scope="pair", reason="Request 1", asked_by=owner, state="done")
    word = GlossaryWord.objects.create(project=project, language="en", word="bygglov", added_by=owner)
    view = SavedView.objects.create(task=task, user=owner, name="To mend", query={"state": "returned"})
    action = BulkAction.objects.create(task=task, kind="tag", value="old", key="k", changed=1, created_by=owner)
    estate.values |= {
        "word": word.pk,
        "action": action.pk,
        "view": view.pk,
        "check": "misspelling",
        "dismissal": dismissal.pk,
        "erasure": erasure.pk,
    }


def add_files(estate: Estate, task: Task) -> None:
    """What was brought in: rows, documents, a corpus."""
    owner, project = estate.people["owner"], estate.project
    batch = Import.objects.create(
        task=task,
        file_name="rows.jsonl",
        path="rows.jsonl",
        size=1,
        sha256=DIGEST,
        format="jsonl",
        mapping={"form": "alpaca", "columns": {}, "conversation": "", "metadata": []},
        created_by=owner,
    )
    corpus = Corpus.objects.create(
        project=project, name="Handbook", folder="corpus-estate", state=CorpusState.READY, sha256=DIGEST, texts=2,
        settings={"column": "text"}, report={"texts": {"train": 1, "heldout": 1}, "lengths": {}}, created_by=owner,
    )  # fmt: skip
    upload = DocumentUpload.objects.create(project=project, created_by=owner)
    document = Document.objects.create(
        project=project,
        file_name="a.txt",
        kind="text",
        title="Beams",
        text="A beam carries.",
        characters=15,
        sha256=DIGEST,
    )
    passage = Passage.objects.create(document=document, ordinal=0, text=document.text)
    Thread.objects.create(project=project, subject_type="passage", subject_id=passage.pk)
    estate.values |= {
        "batch": batch.pk,
        "upload": upload.pk,
        "document": document.pk,
        "passage": passage.pk,
        "corpus": corpus.pk,
    }


def add_version(estate: Estate, task: Task, pair: Pair) -> None:
    """A version with one pair, packed, and the suite of its test items."""
    version = DatasetVersion.objects.create(
        task=task, number=1, state=VersionState.READY, train_share=0.8, sha256=DIGEST, template=task.template,
        counts={"pairs": 1, "groups": 1, "parts": {}, "origin": {}, "language": {}, "topic": {}, "unreviewed": 0},
    )  # fmt: skip
    export = Export.objects.create(version=version, shape="messages", kind="parquet", sha256=DIGEST)
    export_path(export).parent.mkdir(parents=True, exist_ok=True)
    export_path(export).write_bytes(b"PK")
    VersionPair.objects.create(
        version=version, revision=pair.current, ordinal=0, part=Part.TEST, group="g", salt="s", digest=DIGEST
    )
    Place.objects.create(pair=pair, task=task, group="g", position=0.9)
    suite = Suite.objects.create(
        project=task.project, task=task, version=version, name="Test", role=SuiteRole.TEST, sha256=DIGEST, size=1
    )
    item = SuiteItem.objects.create(suite=suite, ordinal=0, revision=pair.current, fingerprint=DIGEST)
    estate.values |= {
        "export": export.pk,
        "version": version.pk,
        "suite": suite.pk,
        "item": item.pk,
        "format": "apprentice",
    }
