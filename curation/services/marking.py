"""What stands beside a pair's texts, for one pair: its tags, its topic, who is to take care of it."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.choices import NoticeKind
from core.denied import ApplicationError
from core.models import User
from core.services.events import event_record
from core.services.inbox import notice_tell
from curation.choices import BulkKind
from curation.models import Pair
from curation.services.bulk import value_read
from curation.services.bulk_steps import MOST_TAGS
from curation.services.pairs import pair_lock, revision_of
from curation.services.topics import topics_set
from curation.subjects import PAIR, pair_address

AS_IT_IS: Any = object()


@transaction.atomic
def pair_mark(
    *, actor: User, pair: Pair, tags: Sequence[str] | None = None, topic: str | None = None, assignee: Any = AS_IT_IS
) -> Pair:
    """Set all tags, the topic, and the member whose pair it is to be (an id, or None for nobody); what is not given
    stays. A topic is a new revision, as every change of a text's facts; reviews come along.

    Raises ApplicationError, naming the field, for a value that a pair cannot have, and for a pair in the trash.
    """
    pair = pair_lock(pair)
    changed = []
    if tags is not None and (wanted := tags_read(pair, tags)) != pair.tags:
        pair.tags = wanted
        changed.append("tags")
    if assignee is not AS_IT_IS and assignee_read(pair, assignee) != pair.assignee_id:
        pair.assignee_id = assignee
        changed.append("assignee")
    if changed:
        pair.save(update_fields=[*changed, "updated_at"])
    if topic is not None and value_read(BulkKind.TOPIC, topic.strip(), pair.task) != revision_of(pair).topic:
        topics_set([(pair, topic.strip())], _("Topic set by %(who)s") % {"who": actor})
        changed.append("topic")
    if changed:
        event_record(actor=actor, action="pair.marked", project=pair.project, subject=pair, changed=changed)
    if "assignee" in changed and pair.assignee_id:
        notice_tell(
            users=[pair.assignee_id], project=pair.project, kind=NoticeKind.ASSIGNED, actor=actor,
            subject=(PAIR, pair.pk), url=pair_address(pair.project.slug, pair.pk),
            text=revision_of(pair).instruction,
        )  # fmt: skip
    pair.refresh_from_db()
    return pair


def tags_read(pair: Pair, tags: Sequence[str]) -> list[str]:
    """Tags in their order, each once."""
    try:
        found = list(dict.fromkeys(value_read(BulkKind.TAG, tag.strip(), pair.task) for tag in tags if tag.strip()))
    except ApplicationError as error:
        raise ApplicationError(str(error), field="tags") from error
    if len(found) > MOST_TAGS:
        raise ApplicationError(_("A pair has at most %(most)d tags.") % {"most": MOST_TAGS}, field="tags")
    return found


def assignee_read(pair: Pair, assignee: int | None) -> int | None:
    try:
        value_read(BulkKind.ASSIGN, "" if assignee is None else str(assignee), pair.task)
    except ApplicationError as error:
        raise ApplicationError(str(error), field="assignee") from error
    return assignee
