"""The editor: one page on which pairs are written and corrected. Everything works as a plain form too."""

import json
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.access import project_access
from core.choices import Need
from core.denied import ApplicationError, Conflict
from core.markdown import render_markdown
from core.models import Assignment, User
from core.numbers import whole_number
from core.views.telling import error_tell, first_error, wants_json
from curation.access import pair_access, refuse_onlookers, task_access
from curation.choices import PairState
from curation.fingerprints import LONGEST, Texts
from curation.forms import PairForm
from curation.models import Draft, Pair, Passage, Task
from curation.selectors import editor
from curation.selectors.conflicts import merge_rows, merge_typed, merged_fields
from curation.selectors.pairs import returned_to, taken_back
from curation.selectors.passages import hold_of_key, passage_of, passage_of_key, passages_waiting, writers_now
from curation.selectors.questions import asked_kinds, pair_answered, pair_settled
from curation.selectors.tasks import tasks_of
from curation.services.answers import hold_again
from curation.services.drafts import draft_drop, draft_merge, draft_save
from curation.services.pairs import pair_made, pair_revise, pair_submit
from curation.services.settling import Submitted
from curation.subjects import OF_SETTLE, question_of_key
from curation.views.ahead import AHEAD
from curation.views.aside import kept_aside, known_version, left_told, seen_by, to_draft


@require_GET
def write(request: HttpRequest, project: str) -> HttpResponse:
    """Where a writer begins: what came back, what was begun, and the tasks that want pairs."""
    access = project_access(request, project, Need.WRITE)
    begun = list(editor.drafts_begun(access.user, access.project).order_by("-updated_at")[: editor.MOST_BEGUN + 1])
    context = {
        "rows": tasks_of(access.project),
        "returned": returned_to(access.user, access.project).order_by("-pk")[:50],
        "taken_back": taken_back(access.user, access.project).order_by("-pk")[:50],
        "drafts": begun[: editor.MOST_BEGUN],
        "more_begun": len(begun) > editor.MOST_BEGUN,
        "kinds": asked_kinds(access.project, access.user),
        "passages": passages_waiting(access.project, access.user),
        "may_own": access.allows(Need.OWN),
    }
    return render(request, "curation/write.html", context)


def pair_new(request: HttpRequest, project: str, task: str) -> HttpResponse:
    """Write a pair. The address carries the draft's key, so that a reload finds what was typed."""
    access, found = task_access(request, project, task, Need.WRITE)
    if request.method == "POST":
        return submit_new(request, found)
    key = request.GET.get("key", "")
    if not editor.is_key(key):
        passage = passage_of(access.project, request.GET.get("passage"))
        drafts = [] if "new" in request.GET or passage else editor.drafts_open(access.user, found)[:1]
        key = drafts[0].key if drafts else editor.new_key(passage)
        done = {"done": request.GET["done"]} if "done" in request.GET else {}
        return redirect(f"{request.path}?{urlencode({'key': key, **done})}")
    if held := hold_of_key(access.user, key) or hold_again(access.user, question_of_key(key)):
        return redirect("curation:work", project, held.pk)
    settling = question_of_key(key, OF_SETTLE)
    if settling and access.allows(Need.OWN) and (held := hold_again(access.user, settling, settling=True)):
        return redirect("curation:adjudicate", project, held.pk)
    made = made_meanwhile(access.user, found, key)
    kept = editor.draft_of(access.user, found, key) if made is not None else None  # beside a draft of the pair itself
    if made is not None and made.state != PairState.TRASHED and not kept:
        return to_draft(found, made, key)  # back on a page that was submitted: what is typed now corrects that
    begun = editor.drafts_open(access.user, found)
    draft = editor.draft_among(begun, access.user, found, key)
    form = PairForm(initial={**editor.initial_fields(found, None, draft), "key": key, "base": 0})
    return editor_page(request, found, form, draft=draft, drafts=begun)


def made_meanwhile(user: User, task: Task, key: str) -> Pair | None:
    """The pair that the person's page or answer of this key became, or the question that they were to settle."""
    made = pair_made(user, task, key) or pair_answered(user, question_of_key(key))
    return made or pair_settled(task, question_of_key(key, OF_SETTLE))


def submit_new(request: HttpRequest, task: Task) -> HttpResponse:
    form = PairForm(request.POST)
    try:
        pair = pair_typed(request, task, form)
    except Conflict:
        return late(request, task, form)
    if pair is not None:
        name = editor.copy_name(task, None, form.cleaned_data["key"])
        said = _("Submitted. Here is the next one.")
        left = left_told(request, task, form.cleaned_data["key"], pair)
        if wants_json(request):
            return JsonResponse({"said": said, "done": name, **left})
        messages.success(request, said)
        query = {"new": "1", "done": name, **({"passage": pair.passage_id} if pair.passage_id else {})}
        return redirect(f"{reverse('curation:pair-new', args=[task.project.slug, task.slug])}?{urlencode(query)}")
    if wants_json(request):
        return JsonResponse({"detail": first_error(form)}, status=400)
    return editor_page(request, task, form, status=400)


def late(request: HttpRequest, task: Task, form: PairForm) -> HttpResponse:
    """Another window of the same key was submitted before, with another text."""
    key = form.cleaned_data["key"]
    return kept_aside(request, task, form, pair_made(request.user, task, key), key)  # type: ignore[arg-type]


def pair_typed(request: HttpRequest, task: Task, form: PairForm) -> Pair | None:
    """The pair of what was typed, from the passage that its draft's key names; None: the form says what is wrong.

    Raises Conflict when this page's key made a pair of another text before.
    """
    if not form.is_valid():
        return None
    values = form.cleaned_data
    try:
        texts = editor.texts_typed(form.texts(), task)
        return pair_submit(
            actor=request.user,  # type: ignore[arg-type]
            task=task,
            texts=texts,
            draft_key=values["key"],
            note=values["note"],
            passage=passage_of_key(task.project, values["key"]),
            traces=editor.traces_typed(values, task, texts),
            despite=values["despite"],
            seen=seen_by(request.POST),
        )
    except Conflict:
        raise
    except ApplicationError as error:
        error_tell(form, error)
    return None


@require_POST
def pair_ahead(request: HttpRequest, project: str, task: str) -> JsonResponse:
    """Where the next empty pages are, so that they can be loaded before they are wanted (JSON)."""
    task_access(request, project, task, Need.WRITE)
    page = reverse("curation:pair-new", args=[project, task])
    keys = [editor.new_key() for _ahead in range(AHEAD)]
    return JsonResponse({"items": [{"id": key, "url": f"{page}?{urlencode({'key': key})}"} for key in keys]})


def pair_edit(request: HttpRequest, project: str, pair: int) -> HttpResponse:
    """Correct a pair: the same page, filled with its newest texts or with the draft on top of them."""
    access, found = pair_access(request, project, pair, Need.WRITE)
    if request.method == "POST":
        return submit_edit(request, found)
    draft, initial = editor.correction(access.user, found)
    key = request.GET.get(
        "of", ""
    )  # the page that became this pair: what its copy in the browser still holds belongs here
    former = editor.copy_name(found.task, None, key) if editor.is_key(key) else ""
    return editor_page(request, found.task, PairForm(initial=initial), pair=found, draft=draft, former=former)


def submit_edit(request: HttpRequest, pair: Pair) -> HttpResponse:
    form = PairForm(request.POST)
    if form.is_valid():
        texts = editor.texts_typed(form.texts(), pair.task, pair)
        try:
            pair_revise(
                actor=request.user,  # type: ignore[arg-type]
                pair=pair,
                texts=texts,
                traces=editor.traces_typed(form.cleaned_data, pair.task, texts),
                version=form.cleaned_data["base"] or 0,
                note=form.cleaned_data["note"],
                draft_key=editor.key_of(pair),
                despite=form.cleaned_data["despite"],
                seen=seen_by(request.POST),
            )
        except Conflict as conflict:
            return conflict_page(request, pair, form, conflict)
        except ApplicationError as error:
            error_tell(form, error)
        if not form.errors:
            messages.success(request, _("Submitted for review."))
            left_told(request, pair.task, editor.key_of(pair), pair)
            name = editor.copy_name(pair.task, pair, "")
            return redirect(f"{reverse('curation:pair-detail', args=[pair.project.slug, pair.pk])}?done={name}")
    return editor_page(request, pair.task, form, pair=pair, status=400)


def conflict_page(request: HttpRequest, pair: Pair, form: PairForm, conflict: Conflict, **extra: Any) -> HttpResponse:
    """409: what both changed, put together in the form and kept; submitting it stores it on top of the newer text."""
    rows = merge_rows(conflict)
    values = {**form.cleaned_data, **merged_fields(rows), "base": conflict.version}
    draft = draft_merge(
        actor=request.user,  # type: ignore[arg-type]
        pair=pair,
        key=editor.key_of(pair),
        fields=values,
        base=conflict.version,
        seen=seen_by(request.POST),
        submitted=Submitted(Texts(**conflict.yours), values["note"], []),
    )
    ancestor = conflict.theirs if draft.base_version == conflict.version else conflict.base
    context: dict[str, Any] = {
        "conflict": conflict,
        "merge_base": json.dumps(ancestor or {}),
        "rows": rows,
        "undecided": sum(row.conflicts for row in rows),
        "theirs_url": reverse("curation:draft-drop", args=[pair.project.slug, pair.task.slug, editor.key_of(pair)]),
    }
    form = PairForm(initial=values)
    return editor_page(request, pair.task, form, pair=pair, draft=draft, status=409, **context, **extra)


@require_POST
def merge(request: HttpRequest, project: str, task: str) -> JsonResponse:
    """Put two windows' drafts together (JSON): {"base", "yours", "theirs"} in, {"fields", "conflicts"} out."""
    refuse_onlookers(task_access(request, project, task)[0])
    try:
        body = json.loads(request.body)
        base, yours, theirs = (dict(body[name]) for name in ("base", "yours", "theirs"))
        if max(len(text) for side in (base, yours, theirs) for text in map(str, side.values())) > LONGEST:
            raise ValueError("too long")
    except (ValueError, TypeError, KeyError, RecursionError):
        return JsonResponse({"detail": _("This could not be read; reload the page.")}, status=400)
    fields, conflicts = merge_typed(base, yours, theirs)
    return JsonResponse({"fields": fields, "conflicts": conflicts})


def editor_page(
    request: HttpRequest,
    task: Task,
    form: PairForm,
    *,
    pair: Pair | None = None,
    draft: Draft | None = None,
    status: int = 200,
    **extra: Any,
) -> HttpResponse:
    project = task.project.slug
    given = str(form["key"].value() or "")
    key = given if editor.is_key(given) else editor.new_key()
    fields = {name: form[name].value() or "" for name in editor.FORM_FIELDS if name not in form.errors}
    unkept = form.is_bound or "conflict" in extra
    known = draft.version if draft else 0
    if draft is None and unkept:
        draft = editor.draft_of(request.user, task, key)  # type: ignore[arg-type]
        known = known_version(request, draft)
    aside = editor.editor_aside(task, pair)
    passage = pair.passage if pair else passage_of_key(task.project, key)
    look = editor.look(editor.texts_typed(fields, task, pair), task)
    context = {
        "task": task,
        "pair": pair,
        "form": form,
        "draft": draft,
        "known": known,
        "draft_name": editor.copy_name(task, pair, key),
        "draft_url": reverse("curation:draft", args=[project, task.slug, key]),
        "page_url": page_of(task, pair, key, extra.get("mending")),
        "unkept": unkept,
        "look": look,
        "ahead_url": "" if pair or passage else reverse("curation:pair-ahead", args=[project, task.slug]),
        "unfit": editor.unfit_response(task, pair.current.response) if pair and pair.current else "",
        "outputs": editor.output_rows(task, form["outputs"].value() or [], look["outputs"]),
        "guidelines_html": render_markdown(aside["guideline"].text) if aside["guideline"] else "",
        "passage": passage,
        "writers": passage_writers(request, task, passage) if passage and pair is None else [],
        **aside,
        **extra,
    }
    return render(request, "curation/editor.html", context, status=status)


def page_of(task: Task, pair: Pair | None, key: str, mending: Assignment | None = None) -> str:
    """Where a text is written on that only a browser has; a new page's address leads on to what became of it."""
    project = task.project.slug
    if mending is not None:
        return reverse("curation:review-mend", args=[project, mending.pk])
    if pair is not None:
        return reverse("curation:pair-edit", args=[project, pair.pk])
    return f"{reverse('curation:pair-new', args=[project, task.slug])}?{urlencode({'key': key})}"


def passage_writers(request: HttpRequest, task: Task, passage: Passage) -> list[str]:
    """Who else writes from it now, so that nobody does so unknowing."""
    found = writers_now(task.project, [passage.pk], request.user)  # type: ignore[arg-type]
    return found.get(passage.pk, [])


@require_http_methods(["GET", "POST", "PUT"])
def draft(request: HttpRequest, project: str, task: str, key: str) -> HttpResponse:
    """Keep what was typed (JSON). GET gives the draft back."""
    access, found = task_access(request, project, task)
    refuse_onlookers(access)
    if not editor.is_key(key):
        raise Http404
    pair = editor.pair_of_key(access.project, key)
    if request.method == "GET":
        if pair is None and (pair := made_meanwhile(access.user, found, key)) is not None:
            key = editor.key_of(pair)  # another window has submitted this page: what is typed now corrects that
        kept = editor.draft_of(access.user, found, key)
        return JsonResponse({"version": kept.version if kept else 0, "fields": kept.fields if kept else {}})
    try:
        body = json.loads(request.body)
        fields, version = dict(body["fields"]), range(2**31 - 1).index(int(body["version"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return JsonResponse({"detail": _("This could not be read; reload the page.")}, status=400)
    try:
        known = editor.draft_of(access.user, found, key)
        saved = draft_save(
            actor=access.user, task=found, key=key, fields=fields, version=version, window=seen_by(body).window,
            pair=pair, base=base_of(body, pair, known),
        )  # fmt: skip
    except Conflict as conflict:
        answer = {"detail": str(conflict), "theirs": conflict.theirs, "version": conflict.version}
        return JsonResponse(answer, status=409)
    except ApplicationError as error:
        return JsonResponse({"detail": str(error), "field": error.field}, status=400)
    return JsonResponse({"version": saved.version})


def base_of(body: dict[str, Any], pair: Pair | None, known: Draft | None) -> int:
    """Which version of the pair a saved text stands on: the page's, the draft's or the newest, whichever is oldest.
    A page that was open before somebody submitted a newer one has not seen that."""
    if pair is None:
        return 0
    told = whole_number(body.get("base"))
    return min(base for base in (told, known.base_version if known else 0, pair.version) if base)


@require_POST
def draft_discard(request: HttpRequest, project: str, task: str, key: str) -> HttpResponse:
    """Throw away what was typed and not submitted."""
    access, found = task_access(request, project, task)
    refuse_onlookers(access)
    pair = editor.pair_of_key(access.project, key)
    if draft_drop(actor=access.user, task=found, key=key, seen=seen_by(request.POST)):
        messages.success(request, _("The draft is discarded."))
    else:
        said = _("What this page held is discarded. The newer text that another window of yours saved stays.")
        begun = reverse("curation:begun", args=[project])
        messages.warning(request, format_html('{} <a href="{}">{}</a>', said, begun, _("What you have begun")))
    name = editor.copy_name(found, pair, key)
    if pair is not None:
        return redirect(f"{reverse('curation:pair-detail', args=[project, pair.pk])}?done={name}")
    return redirect(f"{reverse('curation:write', args=[project])}?done={name}")
