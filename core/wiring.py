"""What the core itself puts into its registries."""

from django.utils.translation import gettext_lazy as _

from core import registries
from core.choices import Need
from core.models import Job, Project, Webhook
from core.registries import NavEntry
from core.services.webhooks import deliveries_due, deliveries_prune, job_told
from core.text_places import PLACES

SETTINGS_PAGES = ("project-settings", "project-invite", "project-audit")


def wire() -> None:
    registries.navigation += [
        NavEntry(80, _("Jobs"), "project-jobs", ("project-jobs", "jobs-"), apart=True),
        NavEntry(90, _("Settings"), "project-settings", SETTINGS_PAGES, Need.OWN, apart=True),
    ]
    registries.job_ended.append(job_told)
    registries.chores += [deliveries_due, deliveries_prune]
    registries.shots.append(shots)
    registries.text_places += PLACES


def shots() -> list[tuple[str, str, str]]:
    """(name, path, role) of the core's main pages."""
    found = [
        ("login", "/accounts/login/", ""),
        ("people", "/people/", "admin"),
        ("jobs", "/jobs/", "admin"),
        ("audit", "/audit/", "admin"),
        ("webhooks", "/webhooks/", "admin"),
        ("project-new", "/projects/new/", "admin"),
        ("profile", "/profile/", "expert"),
        ("inbox", "/inbox/", "expert"),
        ("health", "/health/", "admin"),
        ("styleguide", "/styleguide/", "admin"),
        ("password", "/accounts/password/change/", "expert"),
        ("second-factor", "/accounts/2fa/", "expert"),
        ("sessions", "/accounts/sessions/", "expert"),
    ]
    project = Project.objects.order_by("-is_demo", "pk").first()
    if project is not None:
        found += [
            ("project-settings", f"/p/{project.slug}/settings/", "owner"),
            ("project-jobs", f"/p/{project.slug}/jobs/", "viewer"),
            ("project-audit", f"/p/{project.slug}/audit/", "owner"),
        ]
        if job := Job.objects.filter(project=project).order_by("-pk").first():
            found.append(("job", f"/jobs/{job.pk}/", "owner"))
    if webhook := Webhook.objects.order_by("-pk").first():
        found.append(("webhook", f"/webhooks/{webhook.pk}/", "admin"))
    return found
