"""Which suites there are to be answered, and which of their items a model was taught."""

from django.db.models import Q, QuerySet

from core.models import Project
from curation.choices import Part, SuiteRole, VersionState
from curation.models import Suite, VersionPair
from evaluation.models import Vote
from ml.hashing import text_sha256
from training.models import ModelVersion


def suites_of(project: Project) -> QuerySet[Suite]:
    """Suites of finished versions, test suites first, the newest first."""
    found = Suite.objects.filter(project=project, size__gt=0).exclude(version__state=VersionState.BUILDING)
    return found.select_related("task", "version").order_by("-role", "-pk")


def suite_for(model: ModelVersion) -> Suite | None:
    """The test suite of the version that this model was trained on."""
    return Suite.objects.filter(version_id=model.run.version_id, role=SuiteRole.TEST).first()


def taught_items(suite: Suite, model: ModelVersion) -> int:
    """How many items of the suite lie in the train part of what the model was trained on, or were voted on, if it was
    trained on votes."""
    taught = VersionPair.objects.filter(version_id=model.run.version_id, part=Part.TRAIN).values("revision__pair_id")
    found = Q(revision__pair_id__in=taught)
    if model.run.recipe.get("objective") == "preferences":
        voted = Vote.objects.filter(
            created_at__lt=model.created_at, comparison__grading_round__evaluation__suite__role=SuiteRole.DEVELOP
        )
        found |= Q(revision__pair_id__in=voted.values("comparison__left__item__revision__pair_id"))
    return suite.items.filter(found).count()


def in_order_of_asking(ids: list[int], seed: int) -> list[int]:
    """The items in an order drawn once by the seed, so that asking 30 and later 60 asks the same 30 again."""
    return sorted(ids, key=lambda item: text_sha256(f"{seed}:{item}"))
