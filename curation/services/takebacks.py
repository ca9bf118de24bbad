"""How curation's actions are taken back: submissions, answers, decisions, skips, the trash."""

from collections.abc import Callable
from functools import partial

from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import registries
from core.choices import AssignmentState, Need, WorkKind, WorkState
from core.denied import ApplicationError
from core.models import Assignment, Event, Project, User, WorkItem
from core.registries import TakenBack, Undoable
from core.services.work import SKIPPED, work_claim, work_close, work_undo
from curation.access import NEEDS
from curation.choices import PairState, QuestionState
from curation.fingerprints import Traces, texts_of
from curation.models import Answer, Draft, Pair, Passage, Question, Review
from curation.selectors.editor import new_key, outputs_stored
from curation.services.answers import GIVEN, draft_key
from curation.services.pairs import pair_lock, pair_restore, pair_trash, review_ask, revision_add, revision_of
from curation.services.topics import reviews_copy
from curation.subjects import PAIR, PASSAGE, QUESTION, pair_address

PairUndo = Callable[[User, Pair, Event], TakenBack]
Said = dict[int, tuple[str, str]]  # number -> a text and its page
LEFT = {
    "pair.approved": {PairState.APPROVED},
    "pair.approved_by_one": {PairState.SUBMITTED},
    "pair.returned": {PairState.RETURNED},
    "pair.escalated": {PairState.SUBMITTED},
}
WRITING = (WorkKind.WRITE, WorkKind.CORRECT, WorkKind.DECLINE, WorkKind.PASSAGE)


def undoables_register() -> None:
    """Called once, when Django's models are ready."""
    write, review = need_of(Need.WRITE), need_of(Need.REVIEW)
    registries.undoable |= {
        "pair.submitted": Undoable(gettext_lazy("submitted"), write, of_pair(submission_undo), pairs_about),
        "pair.revised": Undoable(gettext_lazy("corrected"), revision_need, of_pair(revision_undo), pairs_about),
        GIVEN: Undoable(gettext_lazy("answered"), write, answer_undo, questions_about),
        "pair.approved": Undoable(gettext_lazy("approved"), review, of_pair(decision_undo), pairs_about),
        "pair.approved_by_one": Undoable(
            gettext_lazy("approved, one more is needed"), review, of_pair(decision_undo), pairs_about
        ),
        "pair.returned": Undoable(gettext_lazy("returned"), review, of_pair(decision_undo), pairs_about),
        "pair.escalated": Undoable(gettext_lazy("passed on to an owner"), review, of_pair(decision_undo), pairs_about),
        "pair.trashed": Undoable(gettext_lazy("moved to the trash"), write, of_pair(trash_undo), pairs_about),
        "pair.restored": Undoable(gettext_lazy("restored"), write, of_pair(restore_undo), pairs_about),
        SKIPPED: Undoable(gettext_lazy("skipped"), skip_need, skip_undo, skips_about),
    }


def need_of(need: str) -> Callable[[Event], str]:
    return lambda _event: need


def revision_need(event: Event) -> str:
    return Need.REVIEW if "mended" in event.data else Need.WRITE


def skip_need(event: Event) -> str:
    return NEEDS[WorkKind(event.data["kind"])]


def of_pair(undo: PairUndo) -> Callable[[User, Project, Event], TakenBack]:
    def found(actor: User, project: Project, event: Event) -> TakenBack:
        pair = Pair.objects.filter(project=project, pk=event.object_id).first()
        if pair is None:
            raise ApplicationError(_("This pair no longer exists."))
        return undo(actor, pair, event)

    return found


def submission_undo(actor: User, pair: Pair, event: Event) -> TakenBack:
    """The text is its writer's again: a draft, as long as nobody has judged it."""
    pair = pair_as_left(pair, event)
    if pair.state != PairState.SUBMITTED or Review.objects.filter(revision=pair.current).exists():
        raise ApplicationError(_("Somebody has reviewed this text by now; it cannot be taken back."))
    work_close(kind=WorkKind.REVIEW, subject_type=PAIR, subject_id=pair.pk)
    pair.state = PairState.DRAFT
    pair.save(update_fields=["state", "updated_at"])
    return TakenBack(reverse("curation:pair-edit", args=[pair.project.slug, pair.pk]), pair=pair.pk)


def revision_undo(actor: User, pair: Pair, event: Event) -> TakenBack:
    return (mend_undo if "mended" in event.data else submission_undo)(actor, pair, event)


def mend_undo(actor: User, pair: Pair, event: Event) -> TakenBack:
    """The text stands again as its writer left it, theirs as before, and waits in the hands of who mended it."""
    pair = pair_as_left(pair, event)
    before = pair.revisions.filter(number=pair.version - 1, erased_at=None).first()
    if before is None or pair.state != PairState.SUBMITTED or Review.objects.filter(revision=pair.current).exists():
        raise ApplicationError(_("Others have gone on with this pair by now; it cannot be taken back."))
    again = revision_add(
        pair, actor=before.author, texts=texts_of(before), number=pair.version + 1, origin=before.origin,
        source=before.source, note=_("As it was before it was mended."),
        traces=Traces(pasted=before.pasted, evidence=before.evidence),
    )  # fmt: skip
    reviews_copy({before.pk: again.pk})
    return review_again(pair, work_claim(user=actor, item=review_ask(pair, pair.project, writer=before.author)))


def answer_undo(actor: User, project: Project, event: Event) -> TakenBack:
    """One of several answers is its writer's draft again, as long as the others are not in."""
    question = Question.objects.select_for_update().filter(project=project, pk=event.object_id).first()
    answer = Answer.objects.filter(question=question, author=actor).first()
    if question is None or answer is None or question.state != QuestionState.OPEN:
        raise ApplicationError(_("All answers to this question are in by now; yours cannot be taken back."))
    assignment = work_undo(assignment=Assignment.objects.get(pk=event.data["assignment"], user=actor))
    outputs = outputs_stored(question.task, answer.response, answer.evidence)
    fields = {**answer.texts, "note": answer.note, **({"outputs": outputs} if outputs else {})}
    typed_since = Draft.objects.filter(user=actor, task=question.task, key=draft_key(question))
    typed_since.update(key=new_key())  # another text than the answer's: it goes on as a pair of its own
    Draft.objects.update_or_create(
        user=actor, task=question.task, key=draft_key(question), defaults={"fields": fields, "version": 1}
    )
    answer.delete()
    return TakenBack(reverse("curation:work", args=[project.slug, assignment.pk]), assignment.pk)


def decision_undo(actor: User, pair: Pair, event: Event) -> TakenBack:
    """The review stays in the history, marked as withdrawn; the pair waits again, in the hands of the same person."""
    pair = pair_as_left(pair, event)
    review = Review.objects.filter(revision=pair.current, reviewer=actor).order_by("-pk").first()
    if review is None or pair.state not in LEFT[event.action]:
        raise ApplicationError(_("Others have gone on with this pair by now; it cannot be taken back."))
    Review.objects.filter(pk=review.pk).update(withdrawn_at=Now())
    work_close(kind=WorkKind.ADJUDICATE, subject_type=PAIR, subject_id=pair.pk)
    if pair.state != PairState.SUBMITTED:
        pair.state, pair.approved_id = PairState.SUBMITTED, event.data.get("approved_before", pair.approved_id)
        pair.save(update_fields=["state", "approved", "updated_at"])
    done = Assignment.objects.filter(
        user=actor, item__subject_type=PAIR, item__subject_id=pair.pk, state=AssignmentState.SUBMITTED,
        item__kind=WorkKind.ADJUDICATE if review.adjudicated else WorkKind.REVIEW,
    ).order_by("-ended_at")  # fmt: skip
    if (assignment := done.first()) is not None:
        return review_again(pair, work_undo(assignment=assignment))
    return review_again(
        pair, work_claim(user=actor, item=review_ask(pair, pair.project, writer=revision_of(pair).author))
    )


def review_again(pair: Pair, held: Assignment | None) -> TakenBack:
    if held is None:
        return TakenBack(pair_address(pair.project.slug, pair.pk), pair=pair.pk)
    return TakenBack(reverse("curation:review", args=[pair.project.slug, held.pk]), held.pk, pair.pk)


def skip_undo(actor: User, project: Project, event: Event) -> TakenBack:
    """What was passed over is held again, as long as it still waits for somebody."""
    skipped = Assignment.objects.select_related("item").filter(
        pk=event.data["assignment"], user=actor, state=AssignmentState.SKIPPED, item__project=project,
        item__state=WorkState.OPEN,
    ).first()  # fmt: skip
    if skipped is None:
        raise ApplicationError(_("This waits for nobody any more."))
    held = work_undo(assignment=skipped)
    kind = WorkKind(skipped.item.kind)
    if skipped.item.subject_type == PAIR:
        return review_again(Pair.objects.get(pk=skipped.item.subject_id), held)
    url = reverse("curation:work", args=[project.slug, held.pk]) if kind in WRITING else page_of(kind, project, held)
    return TakenBack(url, held.pk)


def page_of(kind: WorkKind, project: Project, held: Assignment) -> str:
    if kind == WorkKind.ADJUDICATE:
        return reverse("curation:adjudicate", args=[project.slug, held.pk])
    return registries.work_urls[kind](project)


def trash_undo(actor: User, pair: Pair, event: Event) -> TakenBack:
    pair_restore(actor=actor, pair=pair)
    return TakenBack(pair_address(pair.project.slug, pair.pk), pair=pair.pk)


def restore_undo(actor: User, pair: Pair, event: Event) -> TakenBack:
    pair_trash(actor=actor, pair=pair)
    return TakenBack(pair_address(pair.project.slug, pair.pk), pair=pair.pk)


def pair_as_left(pair: Pair, event: Event) -> Pair:
    """The pair, locked, if it still has the text that the action was about."""
    pair = pair_lock(pair)
    if pair.version != event.data.get("version", 1):
        raise ApplicationError(_("This pair has a newer text by now; it cannot be taken back."))
    return pair


def pair_texts(project: Project, ids: set[int]) -> Said:
    rows = Pair.objects.filter(project=project, pk__in=ids).values_list("pk", "current__instruction")
    return {pair: (text or "", pair_address(project.slug, pair)) for pair, text in rows}


def question_texts(project: Project, ids: set[int]) -> Said:
    rows = Question.objects.filter(project=project, pk__in=ids).values_list("pk", "instruction")
    return {pk: (text, reverse("curation:question", args=[project.slug, pk])) for pk, text in rows}


def passage_texts(project: Project, ids: set[int]) -> Said:
    rows = Passage.objects.filter(document__project=project, pk__in=ids).values_list("pk", "text")
    return {pk: (text, reverse("curation:passage-detail", args=[project.slug, pk])) for pk, text in rows}


def pairs_about(project: Project, events: list[Event]) -> Said:
    return about(events, partial(pair_texts, project))


def questions_about(project: Project, events: list[Event]) -> Said:
    return about(events, partial(question_texts, project))


def about(events: list[Event], texts_of_ids: Callable[[set[int]], Said]) -> Said:
    """By event the text and the page of what it was about; what is gone is left out."""
    wanted = {event.pk: int(event.object_id) for event in events}
    texts = texts_of_ids(set(wanted.values()))
    return {event: texts[subject] for event, subject in wanted.items() if subject in texts}


TEXTS = {PAIR: pair_texts, QUESTION: question_texts, PASSAGE: passage_texts}


def skips_about(project: Project, events: list[Event]) -> Said:
    """Of work whose subject is not curation's, only the kind is told: an answer to grade stays nameless."""
    items = WorkItem.objects.filter(project=project).in_bulk([int(event.object_id) for event in events])
    ids: dict[str, set[int]] = {}
    for item in items.values():
        ids.setdefault(item.subject_type, set()).add(item.subject_id)
    texts = {kind: find(project, ids[kind]) for kind, find in TEXTS.items() if kind in ids}
    found: Said = {}
    for event in events:
        skipped = items.get(int(event.object_id))
        if skipped is None:
            continue
        if skipped.subject_type not in TEXTS:
            url = registries.work_urls[WorkKind(skipped.kind)](project)
            found[event.pk] = (str(skipped.get_kind_display()), url)
        elif skipped.subject_id in texts[skipped.subject_type]:
            found[event.pk] = texts[skipped.subject_type][skipped.subject_id]
    return found
