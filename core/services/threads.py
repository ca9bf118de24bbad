"""Threads: people talk about one thing, and whoever is named with an @ finds it in the inbox."""

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from core.choices import NoticeKind, ThreadState
from core.denied import ApplicationError
from core.models import Comment, Project, Thread, User
from core.selectors.threads import mention_pattern, names_of
from core.services.events import event_record
from core.services.inbox import notice_tell

LONGEST = 4_000


@transaction.atomic
def comment_add(*, actor: User, project: Project, subject: tuple[str, int], url: str, body: str) -> Comment:
    """Say something about a thing. Who is mentioned is told, and so are those who spoke before.

    A settled thread is open again. Raises ApplicationError for an empty or too long text.
    """
    body = body.replace("\r\n", "\n").strip()
    refuse_body(body)
    thread, _made = Thread.objects.get_or_create(
        subject_type=subject[0], subject_id=subject[1], defaults={"project": project}
    )
    Thread.objects.filter(pk=thread.pk).update(state=ThreadState.OPEN)
    before = set(Comment.objects.filter(thread=thread).values_list("author", flat=True))
    comment = Comment.objects.create(thread=thread, author=actor, body=body)
    names = names_of(project)
    pattern = mention_pattern(names)
    meant = {name.lower(): pk for name, pk in names.items()}
    said = [name.lower() for name in pattern.findall(body)] if pattern else []
    named = {meant[name] for name in said if name in meant}  # ſ is found as an s, and in lower case it is none
    comment.mentioned.set(named)
    for kind, users in ((NoticeKind.MENTIONED, named), (NoticeKind.ANSWERED, before - named)):
        notice_tell(users=users, project=project, kind=kind, actor=actor, subject=subject, url=url, text=body)
    event_record(actor=actor, action="comment.added", project=project, subject=thread, mentioned=sorted(named))
    return comment


def refuse_body(body: str) -> None:
    if not body:
        raise ApplicationError(_("Write something first."), field="body")
    if len(body) > LONGEST:
        raise ApplicationError(_("A comment has at most %(most)d characters.") % {"most": LONGEST}, field="body")
    if "\x00" in body:
        raise ApplicationError(_("The comment contains a NUL character; remove it."), field="body")


@transaction.atomic
def comment_remove(*, actor: User, comment: Comment) -> None:
    """Take a comment back: its place stays, its text goes."""
    Comment.objects.filter(pk=comment.pk, removed_at=None).update(body="", removed_at=Now())
    event_record(actor=actor, action="comment.removed", project=comment.thread.project, subject=comment.thread)


@transaction.atomic
def thread_settle(*, actor: User, thread: Thread, settled: bool) -> None:
    state = ThreadState.SETTLED if settled else ThreadState.OPEN
    if Thread.objects.filter(pk=thread.pk).exclude(state=state).update(state=state):
        event_record(actor=actor, action=f"thread.{state}", project=thread.project, subject=thread)
