"""Decisions about pairs. The two-person rule and the number of reviewers stand in the database; here they get their
sentences."""

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Subquery
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from core.choices import AssignmentState, NoticeKind, WorkKind, WorkState
from core.denied import ApplicationError, Conflict, Denied
from core.models import Assignment, Project, User, WorkItem
from core.services.events import event_record
from core.services.inbox import notice_tell
from core.services.work import work_claim, work_close, work_open, work_submit
from curation.choices import Decision, PairState, ReviewBasis
from curation.fingerprints import NO_TRACES, Texts, Traces, texts_of
from curation.models import Pair, Review, Revision
from curation.selectors.editions import edition_now
from curation.selectors.reviews import may_approve, pair_held
from curation.services.pairs import pair_lock, pair_revise, review_ask, revision_of
from curation.services.settling import NOTHING_SEEN, Seen
from curation.subjects import PAIR, pair_address, review_batch

EVENTS = {Decision.RETURN: "pair.returned", Decision.ESCALATE: "pair.escalated"}


def pair_waiting(assignment: Assignment) -> Pair | None:
    """The pair of a review that is held; None when it does not wait for a review, and then its item is closed."""
    pair = pair_held(assignment)
    if pair is not None and pair.current is not None and pair.state == PairState.SUBMITTED:
        return pair
    WorkItem.objects.filter(pk=assignment.item_id, state=WorkState.OPEN).update(state=WorkState.CLOSED)
    return None


def basis_for(user: User, revision: Revision) -> ReviewBasis:
    return ReviewBasis.SOLO if revision.author_id == user.pk else ReviewBasis.SECOND_PERSON


@transaction.atomic
def review_decide(
    *,
    actor: User,
    pair: Pair,
    revision_id: int,
    decision: Decision,
    reason: str = "",
    assignment: Assignment | None = None,
) -> Review:
    """Approve, return or escalate exactly the revision that was read.

    An approval counts when as many people as the project asks for have given one, or when it settles an escalation.
    Raises Conflict when a newer revision came meanwhile, ApplicationError when the pair does not wait for a review,
    when the two-person rule forbids the approval, or when a return or an escalation has no reason.
    """
    pair = pair_locked_as_read(pair)
    revision = revision_of(pair)
    if revision.pk != revision_id:
        sentence = _("The text was changed while you were reading it. Read the newer one and decide again.")
        theirs = texts_of(revision).to_json()
        raise Conflict(sentence, yours=None, theirs=theirs, version=pair.version)
    adjudicates = assignment is not None and assignment.item.kind == WorkKind.ADJUDICATE
    refuse(actor, pair, decision, reason, adjudicates)
    edition = edition_now(pair.task_id)
    review = Review.objects.create(
        revision=revision,
        reviewer=actor,
        decision=decision,
        basis=basis_for(actor, revision),
        reason=reason.strip(),
        adjudicated=adjudicates,
        fingerprint=revision.fingerprint,
        guideline=edition or None,
    )
    enough = decision != Decision.APPROVE or approved_enough(pair, review)
    before = pair.approved_id
    item_settle(actor, pair, assignment, enough, adjudicates)
    if decision == Decision.ESCALATE:
        adjudication_ask(pair, revision, reason)
    elif enough:
        pair_settle(actor, pair, review, edition)
    action = EVENTS.get(decision, "pair.approved" if enough else "pair.approved_by_one")
    event_record(
        actor=actor, action=action, project=pair.project, subject=pair, version=pair.version, basis=review.basis,
        approved_before=before,
    )  # fmt: skip
    return review


def pair_settle(actor: User, pair: Pair, review: Review, edition: int) -> None:
    """What a decision that suffices makes of the pair; whose text came back finds it in the inbox."""
    revision, decision, reason = review.revision, review.decision, review.reason
    if decision == Decision.APPROVE:
        pair.state, pair.approved = PairState.APPROVED, revision
    else:
        pair.state = PairState.RETURNED
        if pair.approved_id == revision.pk:
            pair.approved = None  # it was sent back to review after its approval, which ends with this
        if revision.author_id:
            notice_tell(
                users=[revision.author_id], project=pair.project, kind=NoticeKind.RETURNED, actor=actor,
                subject=(PAIR, pair.pk), url=pair_address(pair.project.slug, pair.pk), text=reason,
            )  # fmt: skip
    pair.edition = edition
    pair.save(update_fields=["state", "approved", "edition", "updated_at"])


@transaction.atomic
def review_ask_again(*, actor: User, pair: Pair) -> Pair:
    """Ask for another look at an approved text as it stands, such as under new guidelines. The approval holds until the
    reviewer says otherwise. Raises ApplicationError for a text that no approval stands on."""
    pair = pair_lock(pair)
    if pair.state == PairState.SUBMITTED:
        return pair
    if pair.state != PairState.APPROVED:
        raise ApplicationError(_("Only an approved text is reviewed anew; this one waits for its author."))
    pair.state = PairState.SUBMITTED
    pair.save(update_fields=["state", "updated_at"])
    review_ask(pair, pair.project, writer=revision_of(pair).author)
    event_record(actor=actor, action="pair.review_asked", project=pair.project, subject=pair)
    return pair


def pair_locked_as_read(pair: Pair) -> Pair:
    """The pair, locked. What the caller has read of it is kept where it still holds, so that nothing is read twice."""
    locked = pair_lock(pair)
    if locked.current_id == pair.current_id and "current" in pair._state.fields_cache:
        locked.current = pair.current
    if "project" in pair._state.fields_cache:
        locked.project = pair.project
    return locked


def refuse(actor: User, pair: Pair, decision: Decision, reason: str, adjudicates: bool) -> None:
    if pair.state != PairState.SUBMITTED:
        raise ApplicationError(_("Somebody has decided about this pair already; take the next one."))
    if decision == Decision.RETURN and not reason.strip():
        raise ApplicationError(_("Say what is wrong, so that the author can mend it."), field="reason")
    if decision == Decision.ESCALATE and adjudicates:
        raise ApplicationError(_("This was escalated already: approve it or return it."))
    if decision == Decision.ESCALATE and not reason.strip():
        raise ApplicationError(_("Say what you cannot decide, so that an owner can."), field="reason")
    allowed = may_approve(actor, pair)
    if decision == Decision.APPROVE and isinstance(allowed, Denied):
        raise ApplicationError(str(allowed))


def approved_enough(pair: Pair, review: Review) -> bool:
    """Whether with this approval the pair has as many as its project asks for."""
    if review.adjudicated or review.basis != ReviewBasis.SECOND_PERSON or pair.project.reviewers == 1:
        return True
    given = Review.objects.filter(revision=review.revision, decision=Decision.APPROVE)
    if given.filter(reviewer=review.reviewer).exclude(pk=review.pk).exists():
        raise ApplicationError(_("You approved this text already; a second person has to approve it too."))
    return given.values("reviewer").distinct().count() >= pair.project.reviewers


def item_settle(actor: User, pair: Pair, assignment: Assignment | None, enough: bool, adjudicates: bool) -> None:
    """The work item of this decision is done by this person; when nothing more is to decide, the review is closed."""
    if assignment is None and not enough:
        # Decided on the pair's own page: the slot is this person's all the same.
        item = WorkItem.objects.filter(
            kind=WorkKind.REVIEW, subject_type=PAIR, subject_id=pair.pk, state=WorkState.OPEN
        ).first()
        assignment = work_claim(user=actor, item=item) if item else None
    done = assignment is not None and work_submit(assignment=assignment).state == WorkState.DONE
    if enough and (adjudicates or not done):
        work_close(kind=WorkKind.REVIEW, subject_type=PAIR, subject_id=pair.pk)


def adjudication_ask(pair: Pair, revision: Revision, reason: str) -> None:
    """An owner decides; not the author, unless the project is solo."""
    work_open(
        project=pair.project,
        kind=WorkKind.ADJUDICATE,
        subject_type=PAIR,
        subject_id=pair.pk,
        batch=review_batch(pair.task_id),
        excluded_user=None if pair.project.solo else revision.author,
        note=reason.strip()[:4000],
    )


@transaction.atomic
def review_fix(
    *,
    actor: User,
    pair: Pair,
    texts: Texts,
    version: int,
    note: str = "",
    draft_key: str = "",
    assignment: Assignment | None = None,
    traces: Traces = NO_TRACES,
    despite: str = "",
    seen: Seen = NOTHING_SEEN,
) -> tuple[Pair, bool]:
    """The reviewer mends the text instead of returning it. Returns the pair and whether it is approved by that.

    The mended text is the reviewer's own, so in a project of several it waits for another person's review; in a solo
    project it is approved at once and marked so.
    """
    pair = pair_revise(
        actor=actor,
        pair=pair,
        texts=texts,
        version=version,
        note=note,
        draft_key=draft_key,
        traces=traces,
        despite=despite,
        mended=True,
        seen=seen,
    )
    if assignment is not None:
        work_submit(assignment=assignment)
    if not pair.project.solo:
        return pair, False
    review_decide(actor=actor, pair=pair, revision_id=revision_of(pair).pk, decision=Decision.APPROVE)
    pair.refresh_from_db()
    return pair, True


def reviews_align(project: Project, changed: frozenset[str]) -> None:
    """Bring reviews that wait in line with the project's changed settings: who may take them, how many must.

    Pairs that by the new number have been approved by enough people already are approved.
    """
    waiting = WorkItem.objects.filter(project=project, kind=WorkKind.REVIEW, state=WorkState.OPEN, subject_type=PAIR)
    if "solo" in changed and project.solo:
        waiting.update(excluded_user=None)
    elif "solo" in changed:
        writer = Pair.objects.filter(pk=OuterRef("subject_id")).values("current__author")
        waiting.update(excluded_user=Subquery(writer))
        own = Assignment.objects.filter(item__in=waiting, user=F("item__excluded_user"), state=AssignmentState.CLAIMED)
        own.update(state=AssignmentState.RELEASED, ended_at=Now())
    if "reviewers" in changed:
        waiting.update(needed=project.reviewers)
        given = Review.objects.filter(revision=OuterRef("current"), decision=Decision.APPROVE)
        pairs = Pair.objects.filter(project=project, state=PairState.SUBMITTED).filter(Exists(given))
        for pair in pairs.select_related("current") if project.reviewers == 1 else ():
            pair.state, pair.approved = PairState.APPROVED, pair.current
            pair.save(update_fields=["state", "approved", "updated_at"])
            work_close(kind=WorkKind.REVIEW, subject_type=PAIR, subject_id=pair.pk)
