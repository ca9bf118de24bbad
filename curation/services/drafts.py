"""What a person types, kept on the server before it is submitted. A draft is not an answer: nobody else reads it."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.denied import ApplicationError, Conflict
from core.models import User
from curation.fingerprints import text_problem
from curation.models import Draft, Pair, Task
from curation.output_rows import output_rows_read
from curation.turns import turns_read

FIELDS = ("system", "instruction", "input", "response", "topic", "language", "note", "pasted")


@transaction.atomic
def draft_save(
    *, actor: User, task: Task, key: str, fields: dict[str, Any], version: int, pair: Pair | None = None, base: int = 0
) -> Draft:
    """Keep what was typed. `version` is the number of saves that the page knows of.

    Another tab's newer save raises Conflict with both texts, unless it says the same.
    """
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
    kept |= {"outputs": outputs} if outputs else {}
    Draft.objects.bulk_create(
        [Draft(user=actor, task=task, key=key, pair=pair, base_version=base)], ignore_conflicts=True
    )
    draft = Draft.objects.select_for_update().get(user=actor, task=task, key=key)
    # Only a page that knows of saves can be behind them: after a submit the draft is gone and counts anew.
    if draft.version > version and draft.fields != kept:
        sentence = _("Another window saved a newer draft of this text.")
        raise Conflict(sentence, yours=kept, theirs=draft.fields, version=draft.version)
    draft.fields, draft.version, draft.base_version = kept, max(draft.version, version) + 1, base or draft.base_version
    draft.save(update_fields=["fields", "version", "base_version", "updated_at"])
    return draft


def draft_drop(*, actor: User, task: Task, key: str) -> None:
    Draft.objects.filter(user=actor, task=task, key=key).delete()
