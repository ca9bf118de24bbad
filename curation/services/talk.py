"""What people said about pairs, when the pairs or the people's words are to be erased."""

from django.db.models import Q
from django.db.models.functions import Now

from core.models import Comment, Notice, Thread
from core.registries import Erased
from curation.models import BulkRow
from curation.subjects import PAIR


def talk_erase(erased: Erased) -> dict[str, int]:
    """Threads about erased pairs, lines in inboxes that quote them, and what a person said anywhere."""
    about = Q(subject_type=PAIR, subject_id__in=erased.pairs)
    comments = Comment.objects.filter(thread__in=Thread.objects.filter(about)).count()
    Thread.objects.filter(about).delete()
    quoting = about | (Q(actor=erased.person) if erased.person else Q())
    if erased.person:
        own = Comment.objects.filter(author=erased.person, thread__project=erased.project).exclude(body="")
        comments += own.update(body="", removed_at=Now())
    Notice.objects.filter(quoting, project=erased.project).update(text="")
    BulkRow.objects.filter(pair__in=erased.pairs).delete()  # they hold earlier topics; nothing of these is undone
    return {"comments": comments}
