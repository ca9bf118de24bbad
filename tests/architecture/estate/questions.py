"""Questions with their answers, and a model's draft."""

from django.utils import timezone

from core.choices import WorkKind
from core.models import WorkItem
from core.services.work import work_claim, work_open
from curation.models import Answer, Drafting, ModelDraft, Question, Task
from curation.services.questions import questions_ask
from tests.architecture.estate.one import DIGEST, Estate


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
