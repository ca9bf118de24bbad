"""What becomes of a draft when a page is submitted that it may or may not have been typed on."""

from dataclasses import dataclass
from typing import Any

from core.models import User
from curation.fingerprints import Texts, texts_from
from curation.models import Draft, Pair, Task
from curation.output_rows import marks_of
from curation.outputs import evidence_read, response_typed
from curation.subjects import OF_PAIR


@dataclass(frozen=True)
class Seen:
    """What a page knows of its draft: the number of the last save it heard of, and the window whose saves are its own,
    heard of or not."""

    version: int = 0
    window: str = ""


NOTHING_SEEN = Seen()


@dataclass(frozen=True)
class Submitted:
    texts: Texts
    note: str
    evidence: list[dict[str, Any]]


def says(task: Task, kept: dict[str, Any], submitted: Submitted) -> bool:
    """Whether a page's fields say what was submitted; what they leave open counts as said."""
    typed, evidence = dict(kept), submitted.evidence
    if task.output_fields and (rows := typed.get("outputs")):
        typed["response"] = response_typed(task, [row["value"] for row in rows])
        evidence = evidence_read(task, submitted.texts.input, marks_of(rows, task.outputs))
    same_texts = texts_from(typed, submitted.texts) == submitted.texts
    return same_texts and evidence == submitted.evidence and kept.get("note", "").strip() in submitted.note


def unseen(draft: Draft, seen: Seen, submitted: Submitted) -> bool:
    """Whether another window of its writer saved it since, with words that were not submitted."""
    return draft.version > 0 and not knows(draft, seen) and not says(draft.task, draft.fields, submitted)


def knows(draft: Draft, seen: Seen) -> bool:
    """Whether the draft's last save is the one that the page heard of, or the page's own."""
    return draft.version == seen.version or bool(seen.window and draft.window == seen.window)


def draft_settle(
    *, actor: User, task: Task, key: str, seen: Seen, submitted: Submitted, pair: Pair | None = None
) -> None:
    """Drop the draft that was submitted. What the submitting page never saw of it stays, as a correction of `pair`."""
    draft = Draft.objects.select_for_update().filter(user=actor, task=task, key=key).first() if key else None
    if draft is None:
        return
    draft.task = task
    if not unseen(draft, seen, submitted):
        draft.delete()
    elif pair is not None:
        draft_corrects(draft, pair)


def draft_corrects(draft: Draft, pair: Pair) -> None:
    """From now on it is a correction of the pair, unless it was one or its writer has begun another."""
    key = f"{OF_PAIR}{pair.pk}"
    if draft.pair_id is None and not Draft.objects.filter(user=draft.user_id, task=draft.task_id, key=key).exists():
        Draft.objects.filter(pk=draft.pk).update(key=key, pair=pair, base_version=pair.version)
