"""Words of the organisation."""

from django.db import transaction
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.models import Project, User
from core.services.events import event_record
from curation.models import GlossaryWord
from ml.checks import suggest


@transaction.atomic
def glossary_add(*, actor: User, project: Project, language: str, word: str) -> GlossaryWord:
    """Accept a word (or a phrase) in this project from now on. Twice is once."""
    word = " ".join(word.split())
    if not word or len(word) > 80:
        raise ApplicationError(_("A glossary word has between 1 and 80 characters."), field="word")
    if "\x00" in word:
        raise ApplicationError(_("This word contains a NUL character; remove it."), field="word")
    found, created = GlossaryWord.objects.get_or_create(
        project=project, language=language[:12], word=word, defaults={"added_by": actor}
    )
    if created:
        event_record(actor=actor, action="glossary.added", project=project, subject=found, summary=word)
    return found


@transaction.atomic
def glossary_remove(*, actor: User, word: GlossaryWord) -> None:
    event_record(actor=actor, action="glossary.removed", project=word.project, subject=word, summary=word.word)
    word.delete()


def words_suggest(project: Project, word: str, language: str = "") -> list[str]:
    """What a misspelled word may have been meant to be, best first; the project's own words among it."""
    language = (language or project.language)[:12].replace("\x00", "")
    words = GlossaryWord.objects.filter(project=project, language=language).values_list("word", flat=True)
    return list(suggest(word[:40], language, glossary=set(words)))
