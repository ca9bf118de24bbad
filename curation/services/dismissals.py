"""Findings that a person calls a false alarm. They stay dismissed for that text, however often it is checked again."""

from django.db import transaction
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.models import Project, User
from core.services.events import event_record
from curation.choices import PairState
from curation.fingerprints import text_problem, texts_of
from curation.models import Dismissal, Pair, PairLink
from curation.selectors.checking import Surroundings, checks_known, texts_check
from curation.selectors.links import links_of
from curation.services.check_settings import recheck_ask
from ml.checks import text_fingerprint


@transaction.atomic
def finding_dismiss(
    *, actor: User, project: Project, text: str, check_id: str, excerpt: str, reason: str, pair: Pair | None = None
) -> Dismissal:
    """Call a finding in exactly this text a false alarm. It stays dismissed whenever the checks run again."""
    return dismiss(actor, project, text_fingerprint(text), check_id, excerpt[:200], reason, pair)


@transaction.atomic
def link_dismiss(*, actor: User, link: PairLink, reason: str) -> Dismissal:
    """Say that two pairs may stand beside each other as they are: neither has this finding any more."""
    one, other = link.one.current, link.other.current
    if one is None or other is None or (one.pk, other.pk) != (link.one_revision, link.other_revision):
        raise ApplicationError(_("One of the two pairs was changed since they were compared."))
    found = dismiss(actor, link.one.project, one.fingerprint, link.check_id, other.fingerprint, reason, link.one)
    found_renew(link.other)
    return found


@transaction.atomic
def dismissal_withdraw(*, actor: User, dismissal: Dismissal) -> None:
    """Let the finding count again: at once for pairs that say this text, from the next check on for others."""
    event_record(
        actor=actor, action="finding.recalled", project=dismissal.project, subject=dismissal, check=dismissal.check_id
    )
    project = dismissal.project
    dismissal.delete()
    recheck_ask(actor=actor, project=project)


def dismiss(
    actor: User, project: Project, fingerprint: str, check_id: str, excerpt: str, reason: str, pair: Pair | None
) -> Dismissal:
    if not checks_known([check_id]):
        raise ApplicationError(_("There is no such check."), field="check")
    for text_given in (excerpt, reason):
        if problem := text_problem(text_given):
            raise ApplicationError(problem, field="reason")
    if not reason.strip():
        raise ApplicationError(_("Say in a few words why this is no mistake."), field="reason")
    found, _created = Dismissal.objects.get_or_create(
        project=project,
        fingerprint=fingerprint,
        check_id=check_id,
        excerpt=excerpt,
        defaults={"reason": reason.strip()[:300], "user": actor},
    )
    event_record(actor=actor, action="finding.dismissed", project=project, subject=pair, check=check_id)
    if pair is not None:
        found_renew(pair)
    return found


def found_renew(pair: Pair) -> None:
    """What a pair is said to have, after somebody dismissed something of it."""
    if pair.current is None or pair.state == PairState.TRASHED:
        return
    checked = texts_check(texts_of(pair.current), Surroundings(pair.task))
    ties = {link.check_id for link in links_of(pair)}
    Pair.objects.filter(pk=pair.pk).update(found=sorted({*checked.ids, *ties}))
