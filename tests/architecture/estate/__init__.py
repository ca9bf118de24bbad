"""One of everything in one project, made directly in the tables: what the URLs of the matrix point at."""

from core.models import Project, User
from tests.architecture.estate.core import add_core
from tests.architecture.estate.curation import add_curation
from tests.architecture.estate.learning import add_evaluation, add_training
from tests.architecture.estate.one import Estate

__all__ = ["Estate", "build_estate"]


def build_estate(people: dict[str, User]) -> Estate:
    project = Project.objects.get(slug="building-advice")
    elsewhere = Project.objects.get(slug="elsewhere")
    estate = Estate(project, elsewhere, people, {"project": project.slug})
    add_core(estate)
    add_curation(estate)
    add_training(estate)
    add_evaluation(estate)
    return estate
