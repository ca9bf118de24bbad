"""Answering questions, and choosing among answers that several people gave without seeing each other's."""

from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from core.choices import AssignmentState, WorkKind, WorkState
from core.denied import ApplicationError, Conflict
from core.models import Assignment, User
from core.services.events import event_record
from core.services.work import work_claim, work_open, work_submit
from curation.choices import Decision, Origin, QuestionKind, QuestionState
from curation.fingerprints import MOST_PASTED, NO_TRACES, Texts, Traces
from curation.models import Answer, ModelDraft, Pair, Question
from curation.selectors.checking import Surroundings, texts_check
from curation.services.agreement import likeness_ask
from curation.services.drafts import draft_follow, drafts_follow
from curation.services.ordering import order_of
from curation.services.pairs import pair_submit, revision_of, texts_refuse
from curation.services.reviews import review_decide
from curation.services.settling import NOTHING_SEEN, Seen, Submitted, draft_settle
from curation.services.submit_guard import submit_refuse
from curation.subjects import OF_SETTLE, OF_WORK, QUESTION, review_batch
from ml.distance import word_distance

GIVEN = "question.answered_by_one"  # of several who are asked
LONGEST_SITTING = 4 * 3600.0  # seconds; beyond that the page lay open and nobody worked


def merge_key(question: Question) -> str:
    """Under which is kept what an owner types who makes one text of several answers."""
    return f"{OF_SETTLE}{question.pk}"


def draft_key(question: Question) -> str:
    """Under which the editor keeps what is typed for a question."""
    return f"{OF_WORK}{question.pk}"


def hold_again(user: User, question: int, *, settling: bool = False) -> Assignment | None:
    """The person's hold on a question that they had begun to answer, or to settle: the one that lasts, or a new one if
    it is free."""
    if not question:
        return None
    kinds = Q(item__kind=WorkKind.ADJUDICATE)
    asked = Assignment.objects.filter(
        kinds if settling else ~kinds,
        item__subject_type=QUESTION, item__subject_id=question, item__state=WorkState.OPEN,
    )  # fmt: skip
    mine = asked.filter(user=user, state__in=(AssignmentState.CLAIMED, AssignmentState.RELEASED))
    held = mine.select_related("item").first()
    return work_claim(user=user, item=held.item) if held else None


@transaction.atomic
def answer_submit(
    *,
    actor: User,
    assignment: Assignment,
    texts: Texts,
    note: str = "",
    seconds: float | None = None,
    traces: Traces = NO_TRACES,
    despite: str = "",
    seen: Seen = NOTHING_SEEN,
) -> Answer:
    """Store a person's answer; the last one that was asked for makes the pair, or asks an owner to choose.

    Sent twice, it is one answer; with another text, Conflict. Raises ApplicationError when the hold went to somebody
    else, when a text is missing, or when a question that is to be turned down was not changed.
    """
    question = Question.objects.select_for_update().get(pk=assignment.item.subject_id)
    given = question.answers.filter(author=actor).first()
    if given is not None:
        assignment.refresh_from_db(fields=["state"])  # it was read before the first of two submits had ended
    if given is not None and assignment.state == AssignmentState.SUBMITTED:
        if Texts(**given.texts).fingerprint != texts.fingerprint:
            said = _("You have answered this already, with another text.")
            raise Conflict(said, yours=texts.to_json(), theirs=given.texts, version=1)
        return given
    texts_refuse(texts)
    if question.kind == QuestionKind.DECLINE and texts.instruction.strip() == question.instruction.strip():
        text = _("Change the question until it cannot be answered; as it stands, this project answers it.")
        raise ApplicationError(text, field="instruction")
    around = Surroundings(question.task)
    if reason := submit_refuse(texts_check(texts, around), around, despite):
        note = f"{note}\n{reason}".strip()
    draft = draft_beside(assignment, question)
    item = work_submit(assignment=assignment)
    values = {
        "texts": texts.to_json(),
        "fingerprint": texts.fingerprint,
        "note": note[:500],
        "seconds": min(max(seconds, 0.0), LONGEST_SITTING) if seconds is not None else None,
        "pasted": min(traces.pasted, MOST_PASTED),
        "evidence": traces.evidence or None,
        **(against_draft(question, texts, draft) if draft else {}),
    }
    answer, _created = Answer.objects.update_or_create(question=question, author=actor, defaults=values)
    submitted = Submitted(texts, note, traces.evidence or [])
    draft_settle(actor=actor, task=question.task, key=draft_key(question), seen=seen, submitted=submitted)
    event_record(
        actor=actor, action="question.answered" if question.needed == 1 else GIVEN, project=question.project,
        subject=question, origin=answer.origin, assignment=assignment.pk,
    )  # fmt: skip
    if question.needed == 1:
        question_settle(question, answer_pair(answer, note))
    elif item.state == WorkState.DONE:
        adjudication_ask(question)
    return answer


def draft_of(question: Question) -> ModelDraft | None:
    """What a model wrote to it, if one has."""
    written = ModelDraft.objects.filter(question=question, written_at__isnull=False)
    return written.select_related("drafting").first()


def draft_beside(assignment: Assignment, question: Question) -> ModelDraft | None:
    """The draft that an answer is given with: the one that was to be corrected, or one that nobody was shown."""
    draft = draft_of(question)
    return draft if draft and (draft.drafting.blind or assignment.item.kind == WorkKind.CORRECT) else None


def against_draft(question: Question, texts: Texts, draft: ModelDraft) -> dict[str, Any]:
    """What the answer made of the model's draft. Who did not see it before answering accepted and edited nothing."""
    unchanged = texts.response.strip() == draft.text.strip()
    same_question = (texts.instruction, texts.input) == (question.instruction, question.input)
    seen = Origin.DRAFT_ACCEPTED if unchanged and same_question else Origin.DRAFT_EDITED
    return {
        "draft": draft,
        "unchanged": unchanged,
        "distance": word_distance(draft.text, texts.response),
        "origin": Origin.HUMAN if draft.drafting.blind else seen,
    }


def answer_pair(answer: Answer, note: str = "") -> Pair:
    """The pair that an answer becomes; its author is who answered. Made once, however often it is asked for."""
    question = answer.question
    pair = pair_submit(
        actor=answer.author,
        task=question.task,
        texts=Texts(**answer.texts),
        draft_key=f"answer-{answer.pk}",
        origin=Origin(answer.origin),
        source=question.source,
        note=note or answer.note,
        passage=question.passage,
        traces=Traces(pasted=answer.pasted, evidence=answer.evidence),
        despite=None,
    )
    answer.pair = pair
    answer.save(update_fields=["pair"])
    draft_follow(answer)
    return pair


def question_settle(question: Question, pair: Pair) -> None:
    question.pair, question.state = pair, QuestionState.ANSWERED
    question.save(update_fields=["pair", "state"])


def adjudication_ask(question: Question) -> None:
    """An owner who answered neither chooses; in a solo project whoever owns it."""
    question.state = QuestionState.TO_SETTLE
    question.save(update_fields=["state"])
    answered = [] if question.project.solo else list(question.answers.values_list("author", flat=True))
    work_open(
        project=question.project,
        kind=WorkKind.ADJUDICATE,
        subject_type=QUESTION,
        subject_id=question.pk,
        batch=review_batch(question.task_id),
        order=order_of(question.task, question.topic, QUESTION, question.pk),
        also_excluded=answered,
    )
    likeness_ask(actor=None, task=question.task)


@transaction.atomic
def answers_choose(*, actor: User, assignment: Assignment, answer: Answer) -> Pair:
    """Take one answer as it stands: it becomes its author's pair, approved by the word of who chose."""
    question = question_to_settle(assignment)
    pair = answer_pair(answer)
    question_settle(question, pair)
    drafts_follow(question, pair)
    # In a solo project the chooser may have answered too; nobody's approval counts there as a second person's.
    review_decide(
        actor=actor, pair=pair, revision_id=revision_of(pair).pk, decision=Decision.APPROVE, assignment=assignment
    )
    event_record(
        actor=actor, action="question.adjudicated", project=question.project, subject=question, chosen=answer.pk
    )
    pair.refresh_from_db()
    return pair


@transaction.atomic
def answers_merge(
    *, actor: User, assignment: Assignment, texts: Texts, note: str = "", seen: Seen = NOTHING_SEEN
) -> Pair:
    """Make one text of several answers. It is the text of who merged, so it waits for another person's review."""
    question = question_to_settle(assignment)
    pair = pair_submit(
        actor=actor,
        task=question.task,
        texts=texts,
        draft_key=f"merge-{question.pk}",
        source=question.source,
        note=note,
        passage=question.passage,
        despite=None,
    )
    submitted = Submitted(texts, note, [])
    draft_settle(actor=actor, task=question.task, key=merge_key(question), seen=seen, submitted=submitted, pair=pair)
    question_settle(question, pair)
    drafts_follow(question, pair)
    work_submit(assignment=assignment)
    event_record(actor=actor, action="question.adjudicated", project=question.project, subject=question, merged=True)
    return pair


def question_to_settle(assignment: Assignment) -> Question:
    question = Question.objects.select_for_update().get(pk=assignment.item.subject_id)
    if question.state != QuestionState.TO_SETTLE:
        raise ApplicationError(_("Somebody has settled this question already; take the next one."))
    return question
