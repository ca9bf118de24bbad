"""What the editor shows: texts, findings, tokens, guidelines. Looking changes nothing."""

import re
import secrets
from typing import Any

from core.models import User
from curation.choices import PairState
from curation.fingerprints import TEXT_FIELDS, Texts
from curation.models import Draft, Pair, Passage, Review, Task
from curation.selectors.tasks import guideline_of
from curation.services.checking import Checked, findings_json, surroundings_of, texts_check, texts_of
from curation.services.pairs import texts_from

KEY = re.compile(r"[A-Za-z0-9_-]{1,40}")
OF_WORK = "work-"  # drafts of what was asked for begin so; they belong to their work item
FORM_FIELDS = ("instruction", "input", "response", "topic", "language")


def draft_of(user: User, task: Task, key: str) -> Draft | None:
    return Draft.objects.filter(user=user, task=task, key=key).first()


def drafts_open(user: User, task: Task) -> list[Draft]:
    """New pairs that this person began and has not submitted, newest first."""
    found = Draft.objects.filter(user=user, task=task, pair=None, version__gt=0).exclude(key__startswith=OF_WORK)
    return list(found.order_by("-updated_at")[:20])


def is_key(text: str) -> bool:
    """Whether a page may name its draft so: the key stands in addresses."""
    return KEY.fullmatch(text) is not None


def new_key(passage: Passage | None = None) -> str:
    """A key of its own; it names the passage that is to be written from, which is how a draft keeps it."""
    key = secrets.token_urlsafe(9)
    return f"passage-{passage.pk}-{key}" if passage else key


def key_of(pair: Pair) -> str:
    return f"pair-{pair.pk}"


def initial_fields(task: Task, pair: Pair | None, draft: Draft | None) -> dict[str, Any]:
    """The draft if there is one, else the pair's newest texts, else an empty page in the task's language."""
    if pair is not None and pair.current is not None:
        stored = {name: getattr(pair.current, name) for name in FORM_FIELDS}
    else:
        stored = {"language": task.language}
    return {**stored, **(draft.fields if draft else {})}


def texts_typed(fields: dict[str, Any], task: Task, pair: Pair | None = None) -> Texts:
    """The texts as they stand on the page, complete with what the page does not show of the pair."""
    before = texts_of(pair.current) if pair is not None and pair.current is not None else None
    blank = {"instruction": "", "response": "", "language": task.language}
    known = {name: value for name, value in fields.items() if name in FORM_FIELDS and isinstance(value, str)}
    if not known.get("language", "x").strip():
        del known["language"]
    return texts_from({**({} if before else blank), **known}, before)


def look(texts: Texts, task: Task) -> dict[str, Any]:
    """Findings by field and the token count, as the page and its autosave show them."""
    checked = texts_check(texts, surroundings_of(task)) if any_text(texts) else Checked({}, 0)
    return {"findings": findings_json(texts, checked), "tokens": {"used": checked.tokens, "limit": task.max_tokens}}


def any_text(texts: Texts) -> bool:
    return any(getattr(texts, name).strip() for name in TEXT_FIELDS)


def editor_aside(task: Task, pair: Pair | None) -> dict[str, Any]:
    """Guidelines, and why the pair came back if it did."""
    returned = None
    if pair is not None and pair.state == PairState.RETURNED:
        reviews = Review.objects.filter(revision=pair.current_id, decision="return").select_related("reviewer")
        returned = reviews.order_by("-pk").first()
    return {"guideline": guideline_of(task), "returned": returned}
