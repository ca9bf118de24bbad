"""What a person types, kept on the server before it is submitted. A draft is not an answer: nobody else reads it."""

from dataclasses import replace
from secrets import randbelow
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.choices import AssignmentState, WorkState
from core.denied import ApplicationError, Conflict
from core.models import Assignment, User
from curation.fingerprints import Texts, text_problem, texts_of
from curation.models import Answer, Draft, Pair, Question, Task
from curation.output_rows import output_rows_read
from curation.services.pairs import page_lock, pair_made, revision_of
from curation.services.settling import Seen, Submitted, draft_corrects, knows, says, unseen
from curation.subjects import OF_PAIR, OF_SETTLE, OF_WORK, QUESTION, question_of_key
from curation.turns import turns_read

KEPT = ("fields", "version", "window", "base_version", "updated_at")
FIELDS = ("system", "instruction", "input", "response", "topic", "language", "note", "pasted")
WORDS = {*FIELDS} - {"language", "pasted"}
FIRST = 2**30  # the first save's number is below this


@transaction.atomic
def draft_save(
    *,
    actor: User,
    task: Task,
    key: str,
    fields: dict[str, Any],
    version: int,
    window: str = "",
    pair: Pair | None = None,
    base: int = 0,
) -> Draft:
    """Keep what was typed in `window`. `version` is the number of the last save that it knows of.

    1. A submit of the same text that is on its way goes first: this save may have been overtaken by it. Under the key
    of a page or of a question that made a pair meanwhile, the text is a correction of that pair.
    2. Another tab's newer save raises Conflict with both texts, unless it says the same.
    3. What says the same as the text that was submitted is no draft, and neither is a new page without a word.
    """
    kept = readable(fields)
    question = 0 if pair else question_of_key(key)
    answer = answer_given(actor, task, question) if question else None
    if pair is None and (pair := page_pair(actor, task, key, answer)) is not None:
        key, base = f"{OF_PAIR}{pair.pk}", pair.version
    submitted = [*([as_answered(answer, kept)] if answer else []), *([as_stored(pair)] if pair else [])]
    mine = Draft.objects.filter(user=actor, task=task, key=key)
    said = any(says(task, kept, one) for one in submitted) or (pair is None and not any_word(kept))
    if said and not mine.exists():
        return Draft(user=actor, task=task, key=key, fields=kept, version=version + 1)
    Draft.objects.bulk_create(
        [Draft(user=actor, task=task, key=key, pair=pair, base_version=base)], ignore_conflicts=True
    )
    draft = mine.select_for_update().get()
    # After a submit the draft is gone: then there is no save yet, or one that this page never saw.
    if draft.version not in (0, version) and draft.fields != kept:
        sentence = _("Another window saved a newer draft of this text.")
        raise Conflict(sentence, yours=kept, theirs=draft.fields, version=draft.version)
    draft.fields, draft.version, draft.base_version = kept, next_save(draft), base or draft.base_version
    draft.window = window
    draft.save(update_fields=KEPT)
    return draft


@transaction.atomic
def draft_merge(
    *, actor: User, pair: Pair, key: str, fields: dict[str, Any], base: int, seen: Seen, submitted: Submitted
) -> Draft:
    """Keep a person's text put together with the newer one of the pair. It stands on that one, `base`, from now on.

    What another window saved that the page never saw stays as it is; the page asks about it with its next save.
    """
    Draft.objects.bulk_create([Draft(user=actor, task=pair.task, key=key, pair=pair)], ignore_conflicts=True)
    draft = Draft.objects.select_for_update().get(user=actor, task=pair.task, key=key)
    if unseen(draft, seen, submitted):
        draft.version = seen.version  # as the page knows it
        return draft
    draft.fields, draft.version, draft.base_version = readable(fields), next_save(draft), base
    draft.window = seen.window
    draft.save(update_fields=KEPT)
    return draft


def next_save(draft: Draft) -> int:
    """Its number. The first one of a draft is by chance: a window that knows a draft that was submitted or discarded
    meanwhile must not take the one begun after it for that one."""
    return (draft.version or randbelow(FIRST)) + 1


def readable(fields: dict[str, Any]) -> dict[str, Any]:
    """What a draft keeps of a page's fields. Raises ApplicationError for what no text can hold."""
    kept: dict[str, Any] = {name: text for name in FIELDS if isinstance(text := fields.get(name), str)}
    turns = turns_read(fields["turns"]) if "turns" in fields else []
    for name, text in [*kept.items(), *(("turns", turn["content"]) for turn in turns)]:
        if reason := text_problem(text):
            raise ApplicationError(reason, field=name)
    outputs = output_rows_read(fields["outputs"]) if "outputs" in fields else []
    for row in outputs:
        if reason := text_problem(f"{row['value']}{row['evidence']}"):
            raise ApplicationError(reason, field="outputs")
    kept |= {"turns": turns} if "turns" in fields else {}
    return kept | ({"outputs": outputs} if outputs else {})


def any_word(kept: dict[str, Any]) -> bool:
    """Whether a person has typed anything: every page has a language."""
    rows = [row["value"] for row in kept.get("outputs", [])]
    return bool(kept.get("turns")) or any(text.strip() for name, text in kept.items() if name in WORDS) or any(rows)


def page_pair(actor: User, task: Task, key: str, answer: Answer | None) -> Pair | None:
    """What the page of this key was submitted as, once a submit that is on its way has ended."""
    if answer is not None and answer.pair is not None:
        return answer.pair
    if settled := question_of_key(key, OF_SETTLE):
        found = Question.objects.select_for_update(no_key=True).filter(task=task, pk=settled).first()
        if found and found.pair:
            return found.pair
    page_lock(actor, key)
    made = pair_made(actor, task, key)
    # What was typed for a question that went to somebody else may have become a pair of its own, and the question may
    # have come back since: then this is about the question.
    return None if made and held_now(actor, question_of_key(key) or settled) else made


def held_now(actor: User, question: int) -> bool:
    held = Assignment.objects.filter(user=actor, state=AssignmentState.CLAIMED, item__state=WorkState.OPEN)
    return held.filter(item__subject_type=QUESTION, item__subject_id=question).exists() if question else False


def answer_given(actor: User, task: Task, question: int) -> Answer | None:
    """The person's answer, once a submit of it that is on its way has ended."""
    found = Question.objects.select_for_update(no_key=True).filter(task=task, pk=question).first()
    return Answer.objects.filter(question=found, author=actor).select_related("pair").first() if found else None


def as_answered(answer: Answer, kept: dict[str, Any]) -> Submitted:
    """The answer's own texts, whatever became of them since."""
    texts = Texts(**answer.texts)
    if not kept.get("system"):
        texts = replace(texts, system="")  # left empty on the page, it is the question's own
    return Submitted(texts, answer.note, answer.evidence or [])


def as_stored(pair: Pair) -> Submitted:
    """The pair's newest texts, once a submit that is on its way has ended."""
    revision = revision_of(Pair.objects.select_for_update(no_key=True).get(pk=pair.pk))
    return Submitted(texts_of(revision), revision.note, revision.evidence or [])


def draft_follow(answer: Answer) -> None:
    """What its writer typed after an answer was given corrects the pair that the answer became."""
    assert answer.pair is not None
    late = Draft.objects.filter(user=answer.author, task=answer.question.task, key=f"{OF_WORK}{answer.question_id}")
    if (draft := late.first()) is not None:
        draft_corrects(draft, answer.pair)


def drafts_follow(question: Question, pair: Pair) -> None:
    """What owners typed to make one text of its answers corrects the pair that was made or chosen in the end."""
    for draft in Draft.objects.filter(task=question.task, key=f"{OF_SETTLE}{question.pk}"):
        draft_corrects(draft, pair)


@transaction.atomic
def draft_drop(*, actor: User, task: Task, key: str, seen: Seen | None = None) -> bool:
    """Throw away what a page that has `seen` it shows; without a page, whatever there is. False: what another window
    saved since stays."""
    draft = Draft.objects.select_for_update().filter(user=actor, task=task, key=key).first()
    if draft is None:
        return True
    if seen is not None and not knows(draft, seen):
        return False
    draft.delete()
    return True
