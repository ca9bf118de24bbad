"""Decisions about pairs. The two-person rule stands in the database; here it gets its sentence."""

from django.db import transaction
from django.utils.translation import gettext as _

from core.choices import WorkKind
from core.denied import ApplicationError, Conflict, Denied
from core.models import Assignment, User
from core.services.events import event_record
from core.services.work import work_close, work_submit
from curation.choices import Decision, PairState, ReviewBasis
from curation.fingerprints import Texts
from curation.models import Pair, Review, Revision
from curation.services.checking import texts_of
from curation.services.pairs import SUBJECT, pair_lock, pair_revise, revision_of


def may_approve(user: User, pair: Pair) -> bool | Denied:
    """Whether this person's approval of the newest revision would count; the role is checked at the door."""
    if pair.state != PairState.SUBMITTED:
        return Denied(_("This pair is not waiting for a review."))
    if revision_of(pair).author_id == user.pk and not pair.project.solo:
        return Denied(_("You wrote this text, so somebody else has to approve it."))
    return True


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
    """Approve or return exactly the revision that was read.

    Raises Conflict when a newer revision came meanwhile, ApplicationError when the pair does not wait for a review,
    when the two-person rule forbids the approval, or when a return has no reason.
    """
    pair = pair_lock(pair)
    revision = revision_of(pair)
    if revision.pk != revision_id:
        sentence = _("The text was changed while you were reading it. Read the newer one and decide again.")
        theirs = texts_of(revision).to_json()
        raise Conflict(sentence, yours=None, theirs=theirs, version=pair.version)
    refuse(actor, pair, decision, reason)
    if assignment is not None:
        work_submit(assignment=assignment)
    work_close(kind=WorkKind.REVIEW, subject_type=SUBJECT, subject_id=pair.pk)
    review = Review.objects.create(
        revision=revision,
        reviewer=actor,
        decision=decision,
        basis=basis_for(actor, revision),
        reason=reason.strip(),
        fingerprint=revision.fingerprint,
    )
    if decision == Decision.APPROVE:
        pair.state, pair.approved = PairState.APPROVED, revision
    else:
        pair.state = PairState.RETURNED
    pair.save(update_fields=["state", "approved", "updated_at"])
    event_record(
        actor=actor, action=f"pair.{pair.state}", project=pair.project, subject=pair, version=pair.version,
        basis=review.basis,
    )  # fmt: skip
    return review


def refuse(actor: User, pair: Pair, decision: Decision, reason: str) -> None:
    if pair.state != PairState.SUBMITTED:
        raise ApplicationError(_("Somebody has decided about this pair already; take the next one."))
    if decision == Decision.RETURN and not reason.strip():
        raise ApplicationError(_("Say what is wrong, so that the author can mend it."), field="reason")
    allowed = may_approve(actor, pair)
    if decision == Decision.APPROVE and isinstance(allowed, Denied):
        raise ApplicationError(str(allowed))


@transaction.atomic
def review_fix(
    *, actor: User, pair: Pair, texts: Texts, version: int, note: str = "", draft_key: str = ""
) -> tuple[Pair, bool]:
    """The reviewer mends the text instead of returning it. Returns the pair and whether it is approved by that.

    The mended text is the reviewer's own, so in a project of several it waits for another person's review; in a solo
    project it is approved at once and marked so.
    """
    pair = pair_revise(actor=actor, pair=pair, texts=texts, version=version, note=note, draft_key=draft_key)
    if not pair.project.solo:
        return pair, False
    review_decide(actor=actor, pair=pair, revision_id=revision_of(pair).pk, decision=Decision.APPROVE)
    pair.refresh_from_db()
    return pair, True
