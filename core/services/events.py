from typing import Any

from core.models import Event, Project, User


def event_record(
    *,
    actor: User | None,
    action: str,
    project: Project | None = None,
    subject: Any = None,
    summary: str = "",
    **data: Any,
) -> Event:
    """Write one line of the audit log, in the transaction of what it tells.

    `subject` is a model instance; texts do not belong into `data`, only ids, counts, states and hashes.
    """
    return Event.objects.create(
        actor=actor,
        project=project,
        action=action,
        object_type=subject._meta.model_name if subject is not None else "",
        object_id=str(subject.pk) if subject is not None else "",
        summary=summary[:300],
        data=data,
    )
