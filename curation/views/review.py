"""Reviewing: one pair at a time, approve, return with a reason, or mend it; the next comes by itself."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from core.access import Access, project_access
from core.choices import AssignmentState, Need, WorkKind, WorkState
from core.denied import ApplicationError, Conflict
from core.markdown import render_markdown
from core.models import Assignment
from core.numbers import whole_number, whole_numbers
from core.services.work import work_claim, work_release, work_renew, work_renew_all, work_skip
from core.views.telling import error_tell, first_error, refusal_told, wants_json
from curation.access import assignment_access, pair_access, refuse_onlookers
from curation.choices import Decision
from curation.forms import PairForm, ReasonForm
from curation.models import Pair
from curation.selectors import editor
from curation.selectors.reviews import MOST_SHOWN, pair_held, review_item, review_page, reviews_waiting
from curation.selectors.tasks import guideline_of, tasks_of
from curation.services.reviews import pair_waiting, review_ask_again, review_decide, review_fix
from curation.subjects import QUESTION
from curation.views.ahead import AHEAD, in_other_hands, items_ahead, next_held
from curation.views.aside import left_told, seen_by
from curation.views.write import conflict_page, editor_page


@require_GET
def reviews(request: HttpRequest, project: str) -> HttpResponse:
    """How many wait in which task, and the button that begins."""
    access = project_access(request, project, Need.REVIEW)
    rows = [row for row in tasks_of(access.project) if row.waiting]
    context = {
        "rows": rows,
        "mine": reviews_waiting(access.project, access.user),
        "all": sum(row.waiting for row in rows),
        "escalated": reviews_waiting(access.project, access.user, kind=WorkKind.ADJUDICATE)
        if access.allows(Need.OWN)
        else 0,
    }
    return render(request, "curation/reviews.html", context)


@require_POST
def review_start(request: HttpRequest, project: str) -> HttpResponse:
    escalated = request.POST.get("kind") == WorkKind.ADJUDICATE
    access = project_access(request, project, Need.OWN if escalated else Need.REVIEW)
    kind = WorkKind.ADJUDICATE if escalated else WorkKind.REVIEW
    return to_next(request, access, kind, request.POST.get("batch", ""))


def to_next(request: HttpRequest, access: Access, kind: WorkKind, batch: str = "", done: str = "") -> HttpResponse:
    """The page of the next item; that page looks whether its pair still waits. `done` names a draft that is settled."""
    held = next_held(request, access, kind, batch)
    query = f"?done={done}" if done else ""
    if held is None:
        messages.info(request, in_other_hands(access, kind) or _("Nothing waits for your review now."))
        return redirect(reverse("curation:reviews", args=[access.project.slug]) + query)
    return redirect(reverse(address_of(held), args=[access.project.slug, held.pk]) + query)


def address_of(held: Assignment) -> str:
    """An owner settles escalated pairs and several answers to one question, in the order in which they came."""
    return "curation:adjudicate" if held.item.subject_type == QUESTION else "curation:review"


@require_GET
def review(request: HttpRequest, project: str, assignment: int) -> HttpResponse:
    access, held = assignment_access(request, project, assignment, Need.REVIEW)
    if held.state != AssignmentState.CLAIMED or held.item.state != WorkState.OPEN:
        messages.info(request, _("This review is done or went to somebody else."))
        return redirect("curation:pair-detail", project, held.item.subject_id)
    pair = pair_waiting(held)
    if pair is None:
        return to_next(request, access, WorkKind(held.item.kind), held.item.batch)
    form = ReasonForm(initial={"revision": pair.current_id})
    return decision_page(request, access, work_renew(assignment=held), pair, form)


def decision_page(
    request: HttpRequest, access: Access, held: Assignment, pair: Pair, form: ReasonForm, status: int = 200
) -> HttpResponse:
    guideline = guideline_of(pair.task)
    pair.project = access.project
    context = {
        **review_page(pair, access.user),
        "assignment": held,
        "escalated": held.item.kind == WorkKind.ADJUDICATE,
        "form": form,
        "guidelines_html": render_markdown(guideline.text) if guideline else "",
        "waiting": still_waiting(request, access, WorkKind(held.item.kind)),
        "most_shown": MOST_SHOWN,
    }
    return render(request, "curation/review.html", context, status=status)


def still_waiting(request: HttpRequest, access: Access, kind: WorkKind) -> int:
    """How many wait when the page is seen: one that is loaded ahead says how many are decided before."""
    before = min(whole_number(request.headers.get("X-Before")) or 0, AHEAD + 1)
    return max(1, reviews_waiting(access.project, access.user, MOST_SHOWN + before, kind) - before)


def pair_of(access: Access, held: Assignment) -> Pair:
    pair = pair_held(held)
    if pair is None:
        raise Http404
    pair.project = access.project
    return pair


@require_POST
def review_approve(request: HttpRequest, project: str, assignment: int) -> HttpResponse:
    return decide(request, project, assignment, Decision.APPROVE)


@require_POST
def review_return(request: HttpRequest, project: str, assignment: int) -> HttpResponse:
    return decide(request, project, assignment, Decision.RETURN)


@require_POST
def review_escalate(request: HttpRequest, project: str, assignment: int) -> HttpResponse:
    return decide(request, project, assignment, Decision.ESCALATE)


SAID = {
    Decision.APPROVE: gettext_lazy("Approved."),
    Decision.RETURN: gettext_lazy("Returned to its author."),
    Decision.ESCALATE: gettext_lazy("Passed on to an owner."),
}


def decide(request: HttpRequest, project: str, assignment: int, decision: Decision) -> HttpResponse:
    access, held = assignment_access(request, project, assignment, Need.REVIEW)
    if wants_json(request) and held.state == AssignmentState.SUBMITTED:
        return JsonResponse({"said": ""})  # sent again, because the first answer got lost
    pair = pair_of(access, held)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return (
            refused_in_passing(form) if wants_json(request) else decision_page(request, access, held, pair, form, 400)
        )
    try:
        review_decide(
            actor=access.user, pair=pair, revision_id=form.cleaned_data["revision"], decision=decision,
            reason=form.cleaned_data["reason"], assignment=held,
        )  # fmt: skip
    except ApplicationError as error:
        error_tell(form, error)
        stale = isinstance(error, Conflict)
        held.refresh_from_db(fields=["state"])
        if wants_json(request) and held.state == AssignmentState.SUBMITTED:
            return JsonResponse({"said": ""})  # it came again while the first was on its way
        if wants_json(request):
            return refused_in_passing(form, 409 if stale else 400)
        pair = pair_of(access, held)  # as it is now: the newer text is shown, and a second decision is about it
        form.data = {**request.POST.dict(), "revision": pair.current_id}
        return decision_page(request, access, held, pair, form, 409 if stale else 400)
    if wants_json(request):
        return JsonResponse({"said": SAID[decision]})
    messages.success(request, SAID[decision])
    return to_next(request, access, WorkKind(held.item.kind), held.item.batch)


@require_POST
def review_skip(request: HttpRequest, project: str, assignment: int) -> HttpResponse:
    access, held = assignment_access(request, project, assignment, Need.REVIEW)
    work_skip(assignment=held, reason=request.POST.get("reason", ""))
    if wants_json(request):
        return JsonResponse({"said": _("Skipped.")})
    return to_next(request, access, WorkKind(held.item.kind), held.item.batch)


def refused_in_passing(form: ReasonForm, status: int = 400) -> JsonResponse:
    """For a page that has gone on to the next item already: the sentence, and it leads back."""
    return JsonResponse({"detail": first_error(form)}, status=status)


@require_POST
def review_ahead(request: HttpRequest, project: str, assignment: int) -> JsonResponse:
    """Claim the next ones and say where they are, so that the page can load them before they are wanted (JSON)."""
    access, held = assignment_access(request, project, assignment, Need.REVIEW)
    return JsonResponse({"items": items_ahead(access, held, "curation:review")})


@require_POST
def review_release(request: HttpRequest, project: str) -> HttpResponse:
    """Give back what was claimed ahead; sent by a page that is being left."""
    access = project_access(request, project, Need.REVIEW)
    work_release(user=access.user, assignments=whole_numbers(request.POST.getlist("assignment")[:50]))
    return HttpResponse(status=204)


@require_POST
def review_renew(request: HttpRequest, project: str, assignment: int) -> HttpResponse:
    """Keep the hold while the page is open, and those claimed ahead; asked for by the page every few minutes."""
    access, held = assignment_access(request, project, assignment, Need.REVIEW)
    work_renew_all(user=access.user, project=access.project, kind=WorkKind(held.item.kind))
    return HttpResponse(status=204)


@require_POST
def review_claim(request: HttpRequest, project: str, pair: int) -> HttpResponse:
    """Review this one pair, for people who came to it by its page."""
    access, found = pair_access(request, project, pair, Need.REVIEW)
    item = review_item(found)
    held = work_claim(user=access.user, item=item) if item else None
    if held is None:
        messages.error(request, _("Somebody else is reviewing this pair, or it waits for no review."))
        return redirect("curation:pair-detail", project, pair)
    return redirect("curation:review", project, held.pk)


@require_POST
def review_anew(request: HttpRequest, project: str, pair: int) -> HttpResponse:
    """Ask for another look at an approved text. Whoever may give it has it before them at once."""
    access, found = pair_access(request, project, pair)
    refuse_onlookers(access)
    with refusal_told(request):
        asked = review_ask_again(actor=access.user, pair=found)
        item = review_item(asked)
        if access.allows(Need.REVIEW) and item and (held := work_claim(user=access.user, item=item)):
            return redirect("curation:review", project, held.pk)
        messages.success(request, _("It waits for a review again. Until then its approval holds."))
    return redirect("curation:pair-detail", project, pair)


def review_mend(request: HttpRequest, project: str, assignment: int) -> HttpResponse:
    """Correct the text instead of returning it. What is typed is kept, as where the same person corrects the pair."""
    access, held = assignment_access(request, project, assignment, Need.REVIEW)
    pair = pair_of(access, held)
    if request.method != "POST":
        draft, initial = editor.correction(access.user, pair)
        return mend_page(request, held, pair, PairForm(initial=initial), draft=draft)
    form = PairForm(request.POST)
    if not form.is_valid():
        return mend_page(request, held, pair, form, status=400)
    try:
        texts = editor.texts_typed(form.texts(), pair.task, pair)
        _pair, approved = review_fix(
            actor=access.user, pair=pair, texts=texts, version=form.cleaned_data["base"] or 0,
            note=form.cleaned_data["note"], traces=editor.traces_typed(form.cleaned_data, pair.task, texts),
            assignment=held, draft_key=editor.key_of(pair), despite=form.cleaned_data["despite"],
            seen=seen_by(request.POST),
        )  # fmt: skip
    except Conflict as conflict:
        return conflict_page(request, pair_of(access, held), form, conflict, mending=held, back_url=back_to(held))
    except ApplicationError as error:
        error_tell(form, error)
        return mend_page(request, held, pair, form, status=400)
    later = _("Mended. The new text is yours, so somebody else reviews it now.")
    messages.success(request, _("Mended and approved, not reviewed by a second person.") if approved else later)
    left_told(request, pair.task, editor.key_of(pair), pair)
    done = editor.copy_name(pair.task, pair, "")
    return to_next(request, access, WorkKind(held.item.kind), held.item.batch, done=done)


def mend_page(request: HttpRequest, held: Assignment, pair: Pair, form: PairForm, **how: Any) -> HttpResponse:
    return editor_page(request, pair.task, form, pair=pair, mending=held, back_url=back_to(held), **how)


def back_to(held: Assignment) -> str:
    return reverse("curation:review", args=[held.item.project.slug, held.pk])
