"""Words of the organisation, and findings that a person calls a false alarm."""

from django.db import transaction
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.models import Project, User
from core.services.events import event_record
from curation.choices import PairState
from curation.models import Dismissal, GlossaryWord, Pair
from curation.services.checking import checks_known, surroundings_of, texts_check, texts_of
from curation.services.pairs import text_problem
from ml.checks import text_fingerprint


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


@transaction.atomic
def finding_dismiss(
    *, actor: User, project: Project, text: str, check_id: str, excerpt: str, reason: str, pair: Pair | None = None
) -> Dismissal:
    """Call a finding in exactly this text a false alarm. It stays dismissed whenever the checks run again."""
    if not checks_known([check_id]):
        raise ApplicationError(_("There is no such check."), field="check")
    for text_given in (excerpt, reason):
        if problem := text_problem(text_given):
            raise ApplicationError(problem, field="reason")
    if not reason.strip():
        raise ApplicationError(_("Say in a few words why this is no mistake."), field="reason")
    found, _created = Dismissal.objects.get_or_create(
        project=project,
        fingerprint=text_fingerprint(text),
        check_id=check_id,
        excerpt=excerpt[:200],
        defaults={"reason": reason.strip()[:300], "user": actor},
    )
    event_record(actor=actor, action="finding.dismissed", project=project, subject=pair, check=check_id)
    if pair is not None and pair.current is not None and pair.state != PairState.TRASHED:
        checked = texts_check(texts_of(pair.current), surroundings_of(pair.task))
        Pair.objects.filter(pk=pair.pk).update(found=checked.ids)
    return found
