from dataclasses import dataclass

from django.db.models import QuerySet

from core.access import Access
from core.choices import Role
from core.models import Membership, Project, User
from core.registries import NextAction, Station
from home.selectors.stations import next_actions, stations_of

MOST_CARDS = 24


@dataclass(frozen=True)
class ProjectCard:
    project: Project
    role: str
    role_label: str
    stations: list[Station]
    action: NextAction | None


def project_cards(projects: QuerySet[Project], user: User) -> list[ProjectCard]:
    """A card for each project, those with most members' work first come as their names do; at most 24."""
    roles = dict(Membership.objects.filter(user=user).values_list("project", "role"))
    return [card_of(project, user, roles.get(project.pk, "")) for project in projects.order_by("name")[:MOST_CARDS]]


def card_of(project: Project, user: User, role: str) -> ProjectCard:
    acting = "admin" if user.is_admin else role
    actions = next_actions(Access(project, user, acting))
    label = str(Role(role).label) if role else ""
    return ProjectCard(project, acting, label, stations_of(project), actions[0] if actions else None)
