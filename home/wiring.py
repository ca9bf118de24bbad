"""What the joining pages put into the core's registries."""

from django.utils.translation import gettext_lazy as _

from core import registries
from core.models import Project
from core.registries import NavEntry


def wire() -> None:
    registries.navigation.append(NavEntry(0, _("Loop"), "project-home", ("project-home", "lineage")))
    registries.shots.append(shots)


def shots() -> list[tuple[str, str, str]]:
    """(name, path, role) of the joining pages."""
    found = [("home", "/", "viewer"), ("guide", "/guide/", "viewer")]
    project = Project.objects.order_by("-is_demo", "pk").first()
    if project is not None:
        found += [(f"loop-{role}", f"/p/{project.slug}/", role) for role in ("owner", "expert", "reviewer", "viewer")]
    return found
