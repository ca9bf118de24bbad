"""Writing and correcting pairs. A pair's texts never change in place: each change is a new revision."""

from dataclasses import replace
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.choices import AssignmentState, NoticeKind, WorkKind, WorkState
from core.denied import ApplicationError, Conflict
from core.models import Assignment, Project, User, WorkItem
from core.selectors.work import TAKEN
from core.services.events import event_record
from core.services.inbox import notices_read
from core.services.work import work_close, work_open, work_submit
from curation.choices import Origin, PairState
from curation.fingerprints import MOST_PASTED, NO_TRACES, TEXT_FIELDS, Texts, Traces, text_problem, texts_of
from curation.models import Pair, Passage, Revision, Task
from curation.outputs import evidence_read, texts_fitted
from curation.selectors.checking import Surroundings, texts_check
from curation.selectors.editions import edition_now
from curation.services.findings import findings_keep
from curation.services.ordering import order_of
from curation.services.search import search_update
from curation.services.settling import NOTHING_SEEN, Seen, Submitted, draft_settle
from curation.services.submit_guard import submit_refuse
from curation.subjects import PAIR, PASSAGE, review_batch
from curation.turns import turns_read
from ml.hashing import text_sha256

EDITED_ORIGIN = {
    **dict.fromkeys((Origin.DRAFT_ACCEPTED, Origin.DRAFT_EDITED, Origin.GENERATED), Origin.DRAFT_EDITED),
    Origin.DOCUMENT: Origin.DOCUMENT,  # it still rests on its passage
}


@transaction.atomic
def pair_submit(
    *,
    actor: User,
    task: Task,
    texts: Texts,
    draft_key: str = "",
    origin: Origin = Origin.HUMAN,
    source: str = "",
    note: str = "",
    passage: Passage | None = None,
    traces: Traces = NO_TRACES,
    despite: str | None = "",
    seen: Seen = NOTHING_SEEN,
) -> Pair:
    """Make a pair and ask for its review.

    With a `draft_key`, sending the same page twice makes one pair, and the draft it was typed in is settled, as far as
    the page had `seen` it. Another text under a key that made a pair already raises Conflict.
    `despite` is the reason for submitting in spite of findings; None where that was decided before.
    With a `passage`, the pair rests on it: it is the pair's source, and the work asked for on it is done.
    """
    texts_refuse(texts)
    texts = texts_fitted(task, texts)
    once = once_key(actor, draft_key) if draft_key else ""
    if once:
        page_lock(actor, draft_key)  # the second click on the same page waits here and then finds the first one's pair
        if found := pair_made(actor, task, draft_key):
            if not found.revisions.filter(fingerprint=texts.fingerprint).exists():
                sentence = _("You have submitted another text of this already.")
                theirs = texts_of(revision_of(found)).to_json()
                raise Conflict(sentence, yours=texts.to_json(), theirs=theirs, version=found.version)
            return found
    pair = Pair.objects.create(
        project_id=task.project_id, task=task, author=actor, state=PairState.SUBMITTED, import_key=once, passage=passage
    )
    if passage is not None:
        source = passage.source
        origin = Origin.DOCUMENT if origin == Origin.HUMAN else origin  # a model's draft stays one
        passage_written(actor, passage, task)
    revision_add(
        pair,
        actor=actor,
        texts=texts,
        number=1,
        origin=origin,
        source=source,
        note=note,
        traces=traces,
        despite=despite,
    )
    submitted = Submitted(texts, note, traces.evidence or [])
    draft_settle(actor=actor, task=task, key=draft_key, seen=seen, submitted=submitted, pair=pair)
    review_ask(pair, task.project, writer=actor)
    event_record(actor=actor, action="pair.submitted", project=task.project, subject=pair, origin=origin)
    return pair


def once_key(actor: User, draft_key: str) -> str:
    return text_sha256(f"editor {actor.pk} {draft_key}")


def page_lock(actor: User, draft_key: str) -> None:
    """Until the transaction ends, nobody else does anything with the page of that key."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [once_key(actor, draft_key)])


def pair_made(actor: User, task: Task, draft_key: str) -> Pair | None:
    """The pair that this person's page of that key became: mostly none, which is asked without its parts."""
    found = Pair.objects.filter(task=task, import_key=once_key(actor, draft_key)).values_list("pk", flat=True).first()
    return Pair.objects.select_related("current", "task__project").get(pk=found) if found else None


@transaction.atomic
def pair_revise(
    *,
    actor: User,
    pair: Pair,
    texts: Texts,
    version: int,
    note: str = "",
    draft_key: str = "",
    traces: Traces = NO_TRACES,
    despite: str | None = "",
    mended: bool = False,
    seen: Seen = NOTHING_SEEN,
) -> Pair:
    """Add a revision on top of `version` and ask for its review. `mended`: by the reviewer who held it.

    Raises Conflict when a newer one exists.
    """
    texts_refuse(texts)
    texts = texts_fitted(pair.task, texts)
    pair = pair_lock(pair)
    current = revision_of(pair)
    before = texts_of(current)
    if pair.version != version:
        sentence = _("Somebody saved a newer text of this pair while you were writing. Yours is kept; compare both.")
        base = pair.revisions.filter(number=version).first()
        raise Conflict(
            sentence, yours=texts.to_json(), theirs=before.to_json(), version=pair.version,
            base=texts_of(base).to_json() if base else None,
        )  # fmt: skip
    if before == texts and pair.state not in (PairState.RETURNED, PairState.DRAFT):
        raise ApplicationError(_("Nothing was changed, so there is nothing to submit."))
    if pair.state == PairState.RETURNED:  # what was said of it is done with, whichever way the person came here
        notices_read(user=actor, kind=NoticeKind.RETURNED, subject=(PAIR, pair.pk))
    origin = EDITED_ORIGIN.get(Origin(current.origin), Origin.HUMAN)
    if traces.evidence is None and current.evidence:
        traces = replace(traces, evidence=evidence_read(pair.task, texts.input, current.evidence))
    revision_add(
        pair, actor=actor, texts=texts, number=version + 1, origin=origin, source=current.source, note=note,
        traces=traces, despite=despite,
    )  # fmt: skip
    submitted = Submitted(texts, note, traces.evidence or [])
    draft_settle(actor=actor, task=pair.task, key=draft_key, seen=seen, submitted=submitted, pair=pair)
    review_ask(pair, pair.project, writer=actor)
    told: dict[str, Any] = {"version": pair.version, **({"mended": True} if mended else {})}
    event_record(actor=actor, action="pair.revised", project=pair.project, subject=pair, **told)
    return pair


def pair_lock(pair: Pair) -> Pair:
    # Nothing may be joined here: while we waited for the lock, `current` may have moved to a revision that this
    # statement's snapshot does not hold. It is read afterwards, by a statement of its own.
    locked = Pair.objects.select_for_update().get(pk=pair.pk)
    if locked.state == PairState.TRASHED:
        raise ApplicationError(_("This pair is in the trash; restore it first."))
    return locked


def revision_of(pair: Pair) -> Revision:
    assert pair.current is not None, "a pair has a revision from its first transaction on"
    return pair.current


def texts_refuse(texts: Texts) -> None:
    """Raises ApplicationError, naming the fields, for what cannot be stored or taught."""
    empty = [field for field in ("instruction", "response") if not getattr(texts, field).strip()]
    if empty:
        said = {field: _("The %(field)s is empty.") % {"field": _(field)} for field in empty}
        raise ApplicationError(said[empty[0]], field=empty[0], also=said)
    named = [(field, getattr(texts, field)) for field in ("system", *TEXT_FIELDS)]
    for field, text in [*named, *(("turns", turn["content"]) for turn in turns_read(texts.turns))]:
        if reason := text_problem(text):
            raise ApplicationError(reason, field=field)


def revision_add(
    pair: Pair,
    *,
    actor: User | None,
    texts: Texts,
    number: int,
    origin: str,
    source: str,
    note: str,
    traces: Traces = NO_TRACES,
    despite: str | None = None,
) -> Revision:
    """Store the texts as the pair's newest revision, checked and findable."""
    around = Surroundings(pair.task)
    checked = texts_check(texts, around)
    if despite is not None and (reason := submit_refuse(checked, around, despite)):
        note = f"{note}\n{reason}".strip()
    findings_keep(checked.judged.values(), around.checks)
    edition = edition_now(pair.task_id)
    revision = Revision.objects.create(
        pair=pair,
        number=number,
        origin=origin,
        source=source[:300],
        fingerprint=texts.fingerprint,
        tokens=checked.tokens,
        author=actor,
        note=note[:500],
        pasted=min(traces.pasted, MOST_PASTED),
        evidence=traces.evidence or None,
        guideline=edition or None,
        **texts.to_json(),
    )
    pair.current, pair.version, pair.state, pair.found = revision, number, PairState.SUBMITTED, checked.ids
    pair.edition = edition
    pair.save(update_fields=["current", "version", "state", "found", "edition", "updated_at"])
    search_update([pair.pk])
    pair.topic, pair.language, pair.origin, pair.tokens = texts.topic, texts.language, origin, checked.tokens
    return revision


def review_ask(pair: Pair, project: Project, *, writer: User | None) -> WorkItem:
    """One open piece of work on the newest revision. What was asked about an older one is closed."""
    work_close(kind=WorkKind.REVIEW, subject_type=PAIR, subject_id=pair.pk)
    return work_open(
        project=project,
        kind=WorkKind.REVIEW,
        subject_type=PAIR,
        subject_id=pair.pk,
        batch=review_batch(pair.task_id),
        needed=project.reviewers,
        order=order_of(pair.task, revision_of(pair).topic, PAIR, pair.pk),
        excluded_user=None if project.solo else writer,
    )


def passage_written(actor: User, passage: Passage, task: Task) -> None:
    """A pair was written from the passage: what was asked of it in this task is done, unless somebody else is at it.

    Whose hold on it ran out and went to another has written a pair all the same: a passage may give several.
    """
    asked = WorkItem.objects.filter(
        kind=WorkKind.PASSAGE, subject_type=PASSAGE, subject_id=passage.pk, batch=review_batch(task.pk)
    )
    item = asked.filter(state=WorkState.OPEN).select_for_update().first()
    if item is None:
        return
    held = Assignment.objects.filter(item=item).select_related("item")
    mine = held.filter(user=actor, state=AssignmentState.CLAIMED).first()
    if mine is not None:
        work_submit(assignment=mine)
    elif not held.filter(TAKEN).exists():
        WorkItem.objects.filter(pk=item.pk).update(state=WorkState.DONE)


@transaction.atomic
def pair_trash(*, actor: User, pair: Pair) -> Pair:
    """Take a pair out of lists, reviews and later versions. Frozen versions keep what they hold."""
    pair = pair_lock(pair)
    work_close(kind=WorkKind.REVIEW, subject_type=PAIR, subject_id=pair.pk)
    event_record(actor=actor, action="pair.trashed", project=pair.project, subject=pair, was=pair.state)
    pair.state = PairState.TRASHED
    pair.save(update_fields=["state", "updated_at"])
    return pair


@transaction.atomic
def pair_restore(*, actor: User, pair: Pair) -> Pair:
    """Bring a pair back: approved if its newest revision is the approved one, else waiting for review."""
    pair = Pair.objects.select_for_update().get(pk=pair.pk)
    if pair.state != PairState.TRASHED:
        raise ApplicationError(_("This pair is not in the trash."))
    if revision_of(pair).erased_at is not None:
        raise ApplicationError(_("The texts of this pair were erased for good; nothing can be brought back."))
    approved = pair.approved_id is not None and pair.approved_id == pair.current_id
    pair.state = PairState.APPROVED if approved else PairState.SUBMITTED
    pair.save(update_fields=["state", "updated_at"])
    if not approved:
        review_ask(pair, pair.project, writer=revision_of(pair).author)
    event_record(actor=actor, action="pair.restored", project=pair.project, subject=pair)
    return pair
