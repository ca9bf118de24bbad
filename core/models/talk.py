from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.choices import NoticeKind, ThreadState
from core.models.people import Project, User


class Thread(models.Model):
    """What people say about one thing, named by type and id, so that core knows no higher app."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="threads")
    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=ThreadState.choices, default=ThreadState.OPEN)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("subject_type", "subject_id"), name="one_thread_per_subject"),)

    def __str__(self) -> str:
        return f"{self.subject_type} {self.subject_id}"


class Comment(models.Model):
    """One contribution to a thread. Taken back, it leaves its place without its text."""

    thread = models.ForeignKey(Thread, models.CASCADE, related_name="comments")
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    body = models.TextField(_("comment"), max_length=4000, blank=True)
    mentioned = models.ManyToManyField(User, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.author}: {self.body[:40]}"


class Notice(models.Model):
    """A line in a person's inbox. What happens again to the same thing before it was read is told in the same line."""

    user = models.ForeignKey(User, models.CASCADE, related_name="notices", db_index=False)
    project = models.ForeignKey(Project, models.CASCADE, null=True, related_name="+")  # null: about their account
    kind = models.CharField(max_length=12, choices=NoticeKind.choices)
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    url = models.CharField(max_length=300)  # the page to go to, a path of ours
    text = models.CharField(max_length=300, blank=True)  # the beginning of what was said
    count = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("user", "-id"), name="notices_of_a_person"),)
        constraints = (
            models.UniqueConstraint(
                fields=("user", "kind", "subject_type", "subject_id"),
                condition=Q(read_at=None),
                name="one_unread_notice_per_subject",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_type} {self.subject_id}"

    @property
    def tone(self) -> str:
        return NoticeKind(self.kind).tone
