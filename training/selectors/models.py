"""What the pages of model versions and base models show."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db.models import F, Max, Q, QuerySet

from core.models import Project
from core.sentences import in_words
from training.choices import ModelState
from training.models import BaseModel, ModelVersion, Run
from training.selectors.refs import folder_of

FACTS = (
    "train_loss",
    "develop_loss_before",
    "develop_loss_after",
    "final_step",
    "tokens_trained",
    "tokens_per_second",
    "seconds",
    "precision",
    "resumed_from",
)


CARD_CHARACTERS = 50_000


@dataclass(frozen=True)
class FileRow:
    name: str
    size: int | None  # None: the file is not there any more
    sha256: str


def base_offered(project: Project) -> int | None:
    """The base model that a launch form has chosen before anybody does: the one of the project's newest run, else the
    one that was registered first, which is the starter."""
    used = Max("runs__pk", filter=Q(runs__project=project))
    ready = BaseModel.objects.filter(state=ModelState.READY).annotate(used=used)
    return ready.order_by(F("used").desc(nulls_last=True), "pk").values_list("pk", flat=True).first()


def models_of(project: Project) -> QuerySet[ModelVersion]:
    return ModelVersion.objects.filter(project=project).select_related("base", "run__version__task")


def bases_all() -> QuerySet[BaseModel]:
    return BaseModel.objects.order_by("name")


def base_readiness() -> dict[str, Any]:
    """Whether a training could start from any base model, and else the one that is being examined now, or the one that
    was refused."""
    first: dict[str, BaseModel] = {}
    for base in BaseModel.objects.order_by("pk"):
        first.setdefault(base.state, base)
    if ModelState.READY in first:
        return {"has_base": True}
    return {
        "has_base": False,
        "base_checked": first.get(ModelState.CHECKING),
        "base_refused": first.get(ModelState.REFUSED),
    }


def model_files(version: ModelVersion) -> list[FileRow]:
    """Files with the digests that the training wrote down."""
    folder = Path(folder_of(version))
    return [file_row(folder, name, digest) for name, digest in sorted(version.run.result.get("sha256", {}).items())]


def base_files(base: BaseModel) -> list[FileRow]:
    folder = Path(folder_of(base))
    names = sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    return [file_row(folder, name, "") for name in names]


def file_row(folder: Path, name: str, digest: str) -> FileRow:
    path = folder / name
    return FileRow(name, path.stat().st_size if path.is_file() else None, digest)


def model_card(model: ModelVersion | BaseModel) -> str:
    """What the model's folder says of it, without the facts for programs at its top."""
    path = Path(folder_of(model)) / "README.md"
    text = path.read_text(encoding="utf-8", errors="replace")[:CARD_CHARACTERS] if path.is_file() else ""
    return text.partition("\n---\n")[2] if text.startswith("---\n") else text


def model_facts(version: ModelVersion) -> dict[str, Any]:
    return {name: version.run.result.get(name) for name in FACTS}


def base_problems(base: BaseModel, *, blocking: bool) -> list[str]:
    """What the examination found, in the reader's language: what forbids the model, or what is only to be known."""
    found = base.report.get("problems", [])
    return [in_words(each["sentence"], each.get("said")) for each in found if each["blocking"] == blocking]


def why_refused(base: BaseModel) -> str:
    """Empty when nothing forbids the model. An examination that could not be done left its reason on the row."""
    return " ".join(base_problems(base, blocking=True)) or base.error


def runs_on(base: BaseModel, project: Project) -> list[Run]:
    return list(Run.objects.filter(base=base, project=project).order_by("-pk")[:20])
