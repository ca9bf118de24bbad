"""The project's own words: what its approved texts say, learned by a job, so that the glossary grows by itself."""

from collections import Counter, defaultdict

from django.db import transaction

from core.models import Project
from curation.choices import PairState
from curation.models import Pair, Vocabulary
from curation.services.check_settings import recheck_ask
from ml.checks import ProjectWords, words_unlisted

READ = 20_000  # the newest approved texts
KEPT = 50_000  # words of a language, the commonest


def vocabulary_learn(project: Project) -> list[str]:
    """Count the words that no dictionary has in the newest approved texts; returns the languages that changed.

    Where something changed, pairs with a misspelling are checked again: their words may be accepted by now.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    texts: Counter[str] = Counter()
    approved = Pair.objects.filter(task__project=project, approved__isnull=False).exclude(state=PairState.TRASHED)
    rows = approved.order_by("-pk").values_list(
        "approved__language", "approved__instruction", "approved__input", "approved__response"
    )
    for language, *parts in rows[:READ].iterator(chunk_size=2000):
        counts[language].update(words_unlisted("\n".join(parts), language))
        texts[language] += 1
    changed = []
    for language, found in counts.items():
        kept = {word: count for word, count in sorted(found.most_common(KEPT)) if count > 1 and len(word) <= 80}
        if vocabulary_store(project, language, ProjectWords(kept, texts[language])):
            changed.append(language)
    gone = Vocabulary.objects.filter(project=project).exclude(language__in=counts)
    if gone.delete()[0] or changed:
        recheck_ask(actor=None, project=project, check_id="misspelling")
    return changed


@transaction.atomic
def vocabulary_store(project: Project, language: str, words: ProjectWords) -> bool:
    """Keep what was learned; False if no word counts otherwise than before."""
    row = Vocabulary.objects.select_for_update().filter(project=project, language=language).first()
    if row is not None and row.digest == words.digest:
        return False
    values = {"counts": words.counts, "texts": words.texts, "digest": words.digest}
    Vocabulary.objects.update_or_create(project=project, language=language, defaults=values)
    return words.counts != (row.counts if row else {})
