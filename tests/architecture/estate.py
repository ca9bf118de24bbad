"""One of everything in one project, made directly in the tables: what the URLs of the matrix point at."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from core.choices import LinkKind, WorkKind
from core.models import (
    Comment,
    Delivery,
    Heartbeat,
    Job,
    Membership,
    Notice,
    OneTimeLink,
    Project,
    Thread,
    User,
    Webhook,
    WorkItem,
)
from core.services.invitations import link_create
from core.services.people import token_create
from core.services.work import work_claim, work_open
from curation.choices import CorpusState, Part, SuiteRole, VersionState
from curation.models import (
    Answer,
    BulkAction,
    Corpus,
    DatasetVersion,
    Dismissal,
    Document,
    DocumentUpload,
    Drafting,
    Erasure,
    Export,
    GlossaryWord,
    Guideline,
    Import,
    ModelDraft,
    Pair,
    PairLink,
    Passage,
    Place,
    Question,
    Revision,
    SavedView,
    Suite,
    SuiteItem,
    Task,
    VersionPair,
)
from curation.services.exports import export_path
from curation.services.questions import questions_ask
from evaluation.choices import EvaluationState
from evaluation.models import Candidate, Evaluation, GradingRound, Output, Rubric
from training.choices import AuditState, ModelState, RunState
from training.models import Audit, BaseModel, ModelVersion, OwnPreset, Run

DIGEST = "0" * 64


@dataclass
class Estate:
    project: Project
    elsewhere: Project
    people: dict[str, User]
    values: dict[str, Any] = field(default_factory=dict)

    def value(self, name: str, parameter: str) -> Any:
        """What a URL's parameter stands for; `app:parameter` or `url name:parameter` go before the plain name."""
        app = name.split(":")[0] if ":" in name else name.split("-")[0]
        for key in (f"{name}/{parameter}", f"{app}/{parameter}", parameter):
            if key in self.values:
                return self.values[key]
        raise KeyError(f"the estate has nothing for {parameter!r} of {name}; add it to tests/architecture/estate.py")


def build_estate(people: dict[str, User]) -> Estate:
    project = Project.objects.get(slug="building-advice")
    elsewhere = Project.objects.get(slug="elsewhere")
    estate = Estate(project, elsewhere, people, {"project": project.slug})
    add_core(estate)
    add_curation(estate)
    add_training(estate)
    add_evaluation(estate)
    return estate


def add_core(estate: Estate) -> None:
    owner, project = estate.people["owner"], estate.project
    job = Job.objects.create(
        kind="import", project=project, subject="rows.jsonl", arguments={"import": 0}, requested_by=owner
    )
    path = link_create(actor=owner, kind=LinkKind.INVITE, project=project, role="expert")
    token, _plain = token_create(actor=owner, name="script", project=project, may_write=False, days=1)
    Heartbeat.objects.create(name="worker-default@here", queue="default", seen_at=timezone.now())
    Membership.objects.get(project=project, user=owner)
    webhook = Webhook.objects.create(url="https://example.org/", events=["job.done"], created_by=estate.people["admin"])
    delivery = Delivery.objects.create(webhook=webhook, event="ping", body="{}", next_at=timezone.now())
    estate.values |= {
        "webhook": webhook.pk,
        "delivery": delivery.pk,
    }
    thread = Thread.objects.create(project=project, subject_type="pair", subject_id=0)
    notice = Notice.objects.create(
        user=owner,
        project=project,
        kind="mentioned",
        subject_type="pair",
        subject_id=0,
        url="/p/x/",
    )
    estate.values |= {
        "comment": Comment.objects.create(thread=thread, author=owner, body="So it is.").pk,
        "notice": notice.pk,
        "job": job.pk,
        "secret": path.strip("/").split("/")[-1],
        "invitation": OneTimeLink.objects.latest("pk").pk,
        "user": estate.people["viewer"].pk,
        "key": token.token_key,
    }


def make_pair(task: Task, author: User, text: str) -> Pair:
    pair = Pair.objects.create(project=task.project, task=task, author=author, state="approved")
    revision = Revision.objects.create(
        pair=pair, number=1, instruction=text, response=f"About {text}", author=author, fingerprint=DIGEST
    )
    pair.current = pair.approved = revision
    pair.save()
    return pair


def add_curation(estate: Estate) -> None:
    owner, expert, project = estate.people["owner"], estate.people["expert"], estate.project
    task = Task.objects.create(project=project, slug="advice", name="Advice", created_by=owner)
    Guideline.objects.create(task=task, number=1, text="Be brief.", author=owner)
    pair = make_pair(task, expert, "What is a beam?")
    waiting = make_pair(task, expert, "What is a joist?")
    Pair.objects.filter(pk=waiting.pk).update(state="submitted", approved=None)
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
        project=project, task=task, version=version, name="Test", role=SuiteRole.TEST, sha256=DIGEST, size=1
    )
    item = SuiteItem.objects.create(suite=suite, ordinal=0, revision=pair.current, fingerprint=DIGEST)
    link = PairLink.objects.create(
        task=task, check_id="conflict", one=pair, other=waiting, one_revision=pair.current_id or 0,
        other_revision=waiting.current_id or 0, similarity=0.5,
    )  # fmt: skip
    dismissal = Dismissal.objects.create(
        project=project, fingerprint=DIGEST, check_id="misspelling", excerpt="beem", reason="A brand", user=owner
    )
    erasure = Erasure.objects.create(project=project, scope="pair", reason="Request 1", asked_by=owner, state="done")
    word = GlossaryWord.objects.create(project=project, language="en", word="bygglov", added_by=owner)
    view = SavedView.objects.create(task=task, user=owner, name="To mend", query={"state": "returned"})
    action = BulkAction.objects.create(task=task, kind="tag", value="old", key="k", changed=1, created_by=owner)
    work = work_open(
        project=project, kind=WorkKind.REVIEW, subject_type="pair", subject_id=waiting.pk, excluded_user=expert
    )
    assignment = work_claim(user=estate.people["reviewer"], item=work)
    add_questions(estate, task)
    Thread.objects.create(project=project, subject_type="pair", subject_id=pair.pk)
    estate.values |= {
        "task": task.slug,
        "task_id": task.pk,
        "api-task/task": task.pk,
        "api-health/task": task.pk,
        "api-gaps/task": task.pk,
        "api-guidelines/task": task.pk,
        "api-freeze-preview/task": task.pk,
        "api-leaks/task": task.pk,
        "api-task-order/task": task.pk,
        "api-look/task": task.pk,
        "api-similar/task": task.pk,
        "api-seen/task": task.pk,
        "api-merge/task": task.pk,
        "api-template-preview/task": task.pk,
        "api-draft/task": task.pk,
        "api-draft/key": "k1",
        "waiting_revision": waiting.current_id,
        "pair": pair.pk,
        "curation:review-claim/pair": waiting.pk,
        "api-pair-review/pair": waiting.pk,
        "batch": batch.pk,
        "upload": upload.pk,
        "document": document.pk,
        "passage": passage.pk,
        "export": export.pk,
        "version": version.pk,
        "corpus": corpus.pk,
        "suite": suite.pk,
        "item": item.pk,
        "word": word.pk,
        "action": action.pk,
        "view": view.pk,
        "check": "misspelling",
        "link": link.pk,
        "dismissal": dismissal.pk,
        "erasure": erasure.pk,
        "assignment": assignment.pk if assignment else None,
        "work_item": work.pk,
        "format": "apprentice",
        "curation/key": "k1",
        "lineage/kind": "pair",
        "lineage/number": pair.pk,
        "api-lineage/kind": "pair",
        "api-lineage/number": pair.pk,
    }


def add_questions(estate: Estate, task: Task) -> None:
    """A question that an expert holds, and one whose two answers an owner holds."""
    owner, expert = estate.people["owner"], estate.people["expert"]
    [asked] = questions_ask(actor=owner, task=task, rows=[{"instruction": "What is a rafter?"}])
    item = WorkItem.objects.get(subject_type="question", subject_id=asked.pk)
    held = work_claim(user=expert, item=item)
    [twice] = questions_ask(actor=owner, task=task, rows=[{"instruction": "What is a purlin?"}], needed=2)
    WorkItem.objects.filter(subject_type="question", subject_id=twice.pk).update(state="done")
    Question.objects.filter(pk=twice.pk).update(state="to_settle")
    answers = [
        Answer.objects.create(
            question=twice,
            author=estate.people[name],
            texts={"instruction": "What is a purlin?", "response": f"A beam, says {name}.", "input": "", "system": ""}
            | {"turns": [], "language": "en", "topic": ""},
            fingerprint=DIGEST,
        )
        for name in ("expert", "viewer")
    ]
    choice = work_open(
        project=task.project, kind=WorkKind.ADJUDICATE, subject_type="question", subject_id=twice.pk, batch="x"
    )
    chosen = work_claim(user=owner, item=choice)
    drafting = Drafting.objects.create(
        project=task.project, task=task, model_key="base-1", model_name="Tiny", model_fingerprint=DIGEST, asked=1
    )
    written = ModelDraft.objects.create(question=twice, drafting=drafting, text="A beam.", written_at=timezone.now())
    Answer.objects.filter(pk=answers[0].pk).update(draft=written, distance=0.5)
    assert held is not None
    assert chosen is not None
    names = (
        "curation:work",
        "curation:work-skip",
        "curation:work-ahead",
        "curation:work-renew",
        "api-work-answer",
        "api-work-pair",
    )
    estate.values |= {f"{name}/assignment": held.pk for name in names}
    names = ("curation:adjudicate", "curation:adjudicate-choose", "curation:adjudicate-merge", "api-work-settle")
    estate.values |= {f"{name}/assignment": chosen.pk for name in names}
    estate.values |= {"question": asked.pk, "answer": answers[0].pk, "drafting": drafting.pk}


def add_training(estate: Estate) -> None:
    owner, project = estate.people["owner"], estate.project
    base = BaseModel.objects.create(
        name="Tiny", folder="base/tiny", state=ModelState.READY, fingerprint=DIGEST, tokenizer_fingerprint=DIGEST
    )
    run = Run.objects.create(
        project=project,
        version_id=estate.values["version"],
        base=base,
        name="First run",
        recipe={},
        state=RunState.DONE,
        requested_by=owner,
        ended_at=timezone.now() + timedelta(minutes=1),
    )
    made = ModelVersion.objects.create(
        project=project,
        run=run,
        base=base,
        number=1,
        name="First run",
        folder="versions/1",
        method="lora",
        fingerprint=DIGEST,
        tokenizer_fingerprint=DIGEST,
    )
    audit = Audit.objects.create(
        version_id=estate.values["version"], base=base, max_tokens=64, template_sha256=DIGEST, state=AuditState.READY
    )
    estate.values |= {
        "audit": audit.pk,
        "preset": OwnPreset.objects.create(project=project, name="Ours", recipe={"method": "lora"}).pk,
        "api-model-version/version": made.pk,
        "api-model-version-chat/version": made.pk,
        "base": base.pk,
        "run": run.pk,
        "code": "too_long",
        "model_version": made.pk,
        "training/version": made.pk,
    }


def add_evaluation(estate: Estate) -> None:
    owner, project = estate.people["owner"], estate.project
    evaluation = Evaluation.objects.create(
        project=project,
        suite_id=estate.values["suite"],
        name="Base against finetuned",
        settings={"answers": 1, "max_new_tokens": 8, "batch_size": 1, "seed": 0},
        state=EvaluationState.DONE,
        requested_by=owner,
    )
    candidate = Candidate.objects.create(
        evaluation=evaluation, base_id=estate.values["base"], ordinal=0, state=EvaluationState.DONE
    )
    output = Output.objects.create(
        candidate=candidate, item_id=estate.values["item"], text="A beam.", fingerprint=DIGEST
    )
    criteria = [{"key": "correct", "label": "Correct", "low": "wrong", "high": "right"}]
    rubric = Rubric.objects.create(project=project, number=1, criteria=criteria, created_by=owner)
    # Answers stay hidden while a round is open, so the round belongs to an evaluation of its own.
    graded = Evaluation.objects.create(
        project=project, suite_id=estate.values["suite"], name="Graded", settings=evaluation.settings, state="done"
    )
    grading_round = GradingRound.objects.create(evaluation=graded, rubric=rubric, seed=1, items=1, created_by=owner)
    to_grade = work_open(
        project=project, kind=WorkKind.GRADE, subject_type="output", subject_id=output.pk, batch=grading_round.batch
    )
    grading = work_claim(user=estate.people["reviewer"], item=to_grade)
    assert grading is not None
    estate.values |= {f"evaluation:grade-{name}/assignment": grading.pk for name in ("hold", "ahead", "renew")}
    estate.values |= {
        "evaluation": evaluation.pk,
        "candidate": candidate.pk,
        "output": output.pk,
        "grading_round": grading_round.pk,
        "rubric": rubric.pk,
    }
