"""What was erased from a project is not brought in again by a file."""

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from core.scrubbing import digest
from curation.import_mapping import Problem, Ready
from curation.models import ErasedText


class Forgotten:
    """Tells rows that were erased before; costs nothing where nothing was."""

    def __init__(self, project_id: int) -> None:
        self.texts = ErasedText.objects.filter(project=project_id)
        self.any = self.texts.exists()

    def known(self, key: str) -> bool:
        return self.any and self.texts.filter(digest=digest(key)).exists()

    def refused(self, rows: Sequence[Ready | Problem]) -> Sequence[Ready | Problem]:
        """The rows, with a problem in the place of each that was erased."""
        if not self.any:
            return rows
        digests = [digest(row.key) for row in rows if isinstance(row, Ready)]
        found = set(self.texts.filter(digest__in=digests).values_list("digest", flat=True))
        if not found:
            return rows
        reason = _("This row was erased for good from this project; it is not taken in again.")
        return [
            Problem(row.number, "", reason) if isinstance(row, Ready) and digest(row.key) in found else row
            for row in rows
        ]


def erased_remember(project_id: int, digests: Iterable[str]) -> None:
    rows = [ErasedText(project_id=project_id, digest=each) for each in dict.fromkeys(digests)]
    ErasedText.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2_000)
