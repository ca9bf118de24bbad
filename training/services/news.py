"""Who hears what became of a run."""

from core.choices import NoticeKind, Role
from core.models import Membership
from core.services.inbox import notice_tell
from core.services.webhooks import mail_tell
from training.choices import Tell
from training.models import Run


def tell_of(run: Run, text: str) -> None:
    """Put it into the inboxes of those whom the run's launch named, and mail it where a mail server is set up."""
    url = f"/p/{run.project.slug}/training/{run.pk}/"
    people = people_told(run)
    notice_tell(
        users=people, project=run.project, kind=NoticeKind.RUN, actor=None, subject=("run", run.pk), url=url, text=text
    )
    mail_tell(
        users=people, asked_by=run.requested_by_id, project=run.project, subject=f"{run.project}: {run.name}",
        text=text, path=url,
    )  # fmt: skip


def people_told(run: Run) -> list[int]:
    """Who is told, by number. An admin may launch in a project without being a member."""
    if run.tell == Tell.REQUESTER:
        return [run.requested_by_id] if run.requested_by_id else []
    members = Membership.objects.filter(project=run.project)
    if run.tell == Tell.OWNERS:
        members = members.filter(role=Role.OWNER)
    elif run.tell == Tell.NOBODY:
        members = members.none()
    return list(members.values_list("user", flat=True))
