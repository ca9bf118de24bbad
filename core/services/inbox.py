"""The inbox: what a person should know, told once, in the transaction of what happened."""

from collections.abc import Collection

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from core.choices import NoticeKind
from core.models import Membership, Notice, Project, User

# A second telling of the same thing before the first was read becomes the same line, with the newest words.
TELL = """
INSERT INTO core_notice (user_id, project_id, kind, actor_id, subject_type, subject_id, url, text, count, created_at)
SELECT unnest(%s::bigint[]), %s, %s, %s, %s, %s, %s, %s, %s, now()
ON CONFLICT (user_id, kind, subject_type, subject_id) WHERE read_at IS NULL DO UPDATE SET
    actor_id = EXCLUDED.actor_id, url = EXCLUDED.url, text = EXCLUDED.text, created_at = EXCLUDED.created_at,
    count = core_notice.count + EXCLUDED.count
"""


@transaction.atomic
def notice_tell(
    *,
    users: Collection[int],
    project: Project,
    kind: NoticeKind,
    actor: User | None,
    subject: tuple[str, int],
    url: str,
    text: str = "",
    count: int = 1,
) -> None:
    """Put a line into the inboxes of those of `users` who may see the project; nobody is told what they did
    themselves."""
    wanted = set(users) - {actor.pk if actor else None}
    found = [user.pk for user in who_may_see(project, wanted)] if wanted else []
    if found:
        tell(found, project.pk, kind.value, actor.pk if actor else None, *subject, url[:300], text[:300], count)


def account_tell(*, user: User, kind: NoticeKind, actor: User | None, url: str, text: str) -> None:
    """Put a line about a person's own account into their inbox, whatever projects they are in."""
    tell([user.pk], None, kind.value, actor.pk if actor else None, "user", user.pk, url, text[:300], 1)


def tell(*values: str | int | list[int] | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(TELL, values)


def who_may_see(project: Project, users: Collection[int]) -> list[User]:
    """Those of `users` who are members of the project, or admins, who may see every project."""
    members = Membership.objects.filter(project=project).values("user")
    found = User.objects.filter(Q(pk__in=members) | Q(is_superuser=True), pk__in=users, is_active=True)
    return list(found.order_by("pk"))


def notices_read(
    *, user: User, ids: Collection[int] | None = None, kind: str = "", subject: tuple[str, int] | None = None
) -> int:
    """Mark lines of a person's own inbox as read: those named, those of a kind or about one thing, or all. Returns
    how many."""
    found = Notice.objects.filter(user=user, read_at=None)
    if ids is not None:
        found = found.filter(pk__in=ids)
    if kind:
        found = found.filter(kind=kind)
    if subject is not None:
        found = found.filter(subject_type=subject[0], subject_id=subject[1])
    return found.update(read_at=Now())
