from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken

from core.choices import LinkKind, MailWish, Role


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_superuser=True, **fields)


class User(AbstractUser):  # type: ignore[django-manager-missing]  # knox, which has no stubs, names its way back
    """A person. People are deactivated, never deleted: their work stays theirs."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=150)
    single_keys = models.BooleanField(_("single-key shortcuts"), default=True)
    mails = models.CharField(
        _("news of trainings by mail"), max_length=4, choices=MailWish.choices, default=MailWish.ALL,
        db_default=MailWish.ALL,
    )  # fmt: skip

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def is_admin(self) -> bool:
        return self.is_active and self.is_superuser

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self)


class Project(models.Model):
    slug = models.SlugField(unique=True, max_length=60)
    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("description"), blank=True, max_length=4000)
    language = models.CharField(_("main language"), max_length=12, default="en")
    solo = models.BooleanField(
        _("solo"),
        default=False,
        help_text=_(
            "One person may approve their own pairs; such pairs are marked as not reviewed by a second person."
        ),
    )
    reviewers = models.PositiveSmallIntegerField(
        _("reviewers"), default=1, db_default=1, choices=((1, _("One person")), (2, _("Two people")))
    )
    attribution = models.TextField(_("attribution"), blank=True, max_length=2000)
    # Since when times are measured for each person; null: they are not. Only an admin may turn it on, and it is told.
    speeds_since = models.DateTimeField(null=True, blank=True, editable=False)
    is_demo = models.BooleanField(default=False)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    role = models.CharField(_("role"), max_length=12, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("project", "user"), name="one_membership_per_project"),)

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"


class OneTimeLink(models.Model):
    """An invitation, a password reset or the first admin's way in. Only the hash of its secret is kept."""

    kind = models.CharField(max_length=12, choices=LinkKind.choices)
    secret_hash = models.CharField(max_length=64, unique=True)
    email = models.EmailField(blank=True)
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="+")
    role = models.CharField(max_length=12, choices=Role.choices, blank=True)
    makes_admin = models.BooleanField(default=False)
    note = models.CharField(max_length=120, blank=True, default="", db_default="")  # to know it again by
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    used_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.email}"


class ApiToken(AbstractAuthToken):
    """An API token: one project or all of its owner's, reading only or writing too. Only its hash is kept."""

    name = models.CharField(_("name"), max_length=80)
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="+")
    may_write = models.BooleanField(_("may write"), default=False)

    def __str__(self) -> str:
        return self.name
