"""A text that came too late: another window submitted another one, or the work went to somebody else. It is kept."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from core.denied import ApplicationError, Conflict
from core.models import User
from core.numbers import whole_number
from core.views.telling import wants_json
from curation.choices import PairState
from curation.forms import PairForm
from curation.models import Draft, Pair, Task
from curation.selectors import editor
from curation.services.drafts import draft_save
from curation.services.settling import Seen

TEXTS = ("system", "instruction", "input", "response", "turns")
LONGEST_NAME = 24  # of a window


def seen_by(page: Mapping[str, Any]) -> Seen:
    """What a page tells of the draft that it knows: a form that is sent, or a save. What cannot be read is nothing."""
    return Seen(whole_number(page.get("version")) or 0, str(page.get("window") or "")[:LONGEST_NAME])


def known_version(request: HttpRequest, draft: Draft | None) -> int:
    """Of the saves of the draft that a page is drawn with. A submit that comes back knows no more than it did when it
    was sent: what another window saved since must not be overwritten unasked."""
    seen = seen_by(request.POST)
    if draft is not None and (request.method != "POST" or (seen.window and draft.window == seen.window)):
        return draft.version
    return seen.version


def left_told(request: HttpRequest, task: Task, key: str, pair: Pair | None) -> dict[str, str]:
    """Tell, after a submit, that another window of the person had saved words that were no part of it. For a page that
    went on to the next item it is what it shows: a sentence and a way there."""
    if not editor.draft_left(request.user, task, key, pair):  # type: ignore[arg-type]
        return {}
    said = _("Submitted. Another window of yours had saved a newer text, which was no part of this. It is kept.")
    link = {"url": reverse("curation:begun", args=[task.project.slug]), "link": _("What you have begun")}
    if not wants_json(request):
        messages.warning(request, format_html('{} <a href="{}">{}</a>', said, link["url"], link["link"]))
    return {"said": said, **link}


def kept_aside(request: HttpRequest, task: Task, form: PairForm, pair: Pair | None, key: str) -> HttpResponse:
    """Keep what was typed under `key` as the draft of a correction of the pair that the other window made of it.

    The answer leads there: 409 with a sentence for a page that went on to the next item. The browser's copy is needed
    no more, unless a third text stands in the draft's place.
    """
    actor: User = request.user  # type: ignore[assignment]
    fields = {**form.texts(), "note": form.cleaned_data["note"], "outputs": form.cleaned_data["outputs"]}
    place, base = (editor.key_of(pair), pair.version) if pair else (key, 0)
    seen = seen_by(request.POST)
    said = _("You had submitted another text of this already, from another window. This one is kept as a draft.")
    done = {"done": editor.copy_name(task, None, key)}
    try:
        draft_save(
            actor=actor, task=task, key=place, fields=fields, version=seen.version, window=seen.window, pair=pair,
            base=base,
        )  # fmt: skip
    except Conflict as third:
        if {name: third.theirs.get(name) for name in TEXTS} != {name: fields[name] for name in TEXTS}:
            said, done = _("You had submitted another text of this already. This one is kept in this browser."), {}
    if wants_json(request):
        return JsonResponse({"detail": said, **done}, status=409)
    messages.warning(request, said)
    return to_draft(task, pair, key, **done)


def typed_keep(request: HttpRequest, task: Task, form: PairForm, key: str) -> None:
    """Keep a refused text on the server too; where a newer one stands already, the browser's copy remains."""
    fields = {**form.texts(), "note": form.cleaned_data["note"], "outputs": form.cleaned_data["outputs"]}
    actor: User = request.user  # type: ignore[assignment]
    seen = seen_by(request.POST)
    with suppress(ApplicationError):
        draft_save(actor=actor, task=task, key=key, fields=fields, version=seen.version, window=seen.window)


def to_draft(task: Task, pair: Pair | None, key: str, **query: str) -> HttpResponse:
    """To the editor on what was typed: on the pair that came of it, else on a pair of its own."""
    if pair is not None:
        url, query = reverse("curation:pair-edit", args=[task.project.slug, pair.pk]), {"of": key, **query}
    else:
        url, query = reverse("curation:pair-new", args=[task.project.slug, task.slug]), {"key": key, **query}
    return redirect(f"{url}?{urlencode(query)}")


def gone(request: HttpRequest, task: Task, pair: Pair | None, key: str, draft: Draft | None) -> HttpResponse:
    """From the page of a hold that is the person's no more: to the pair they made in it, or to what they had typed."""
    if pair is not None and pair.state != PairState.TRASHED:
        return to_draft(task, pair, key)
    if draft is not None and draft.version:
        said = _("This is done or went to somebody else. Here is what you had typed, as a pair of its own.")
        messages.warning(request, said)
        return to_draft(task, None, key)
    messages.info(request, _("This piece of work is done or went to somebody else."))
    return redirect("curation:my-work", task.project.slug)
