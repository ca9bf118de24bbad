"""Another topic for many pairs. The model never sees a topic, so what was judged of the texts goes on holding."""

from collections.abc import Sequence

from curation.fingerprints import texts_of
from curation.models import Pair, Review, Revision
from curation.services.columns import columns_set
from curation.services.pairs import revision_of
from curation.services.search import search_update


def topics_set(changes: Sequence[tuple[Pair, str]], note: str) -> None:
    """A new revision of each locked pair that differs in its topic alone: same texts, same fingerprint, same author.

    Frozen versions keep the revision they hold. The reviews of the text come along, so that an approval still counts.
    """
    if not changes:
        return
    old = [revision_of(pair) for pair, _topic in changes]
    new = Revision.objects.bulk_create(
        Revision(
            pair=pair, number=pair.version + 1, origin=before.origin, source=before.source, tokens=before.tokens,
            fingerprint=before.fingerprint, author_id=before.author_id, note=note[:500], rejected=before.rejected,
            pasted=before.pasted, evidence=before.evidence, guideline=before.guideline,
            **{**texts_of(before).to_json(), "topic": topic},
        )
        for (pair, topic), before in zip(changes, old, strict=True)
    )  # fmt: skip
    followed = {before.pk: after.pk for before, after in zip(old, new, strict=True)}
    reviews_copy(followed)
    columns_set(
        Pair,
        [pair.pk for pair, _topic in changes],
        current=[after.pk for after in new],
        approved=[followed.get(pair.approved_id or 0, pair.approved_id) for pair, _topic in changes],
        version=[pair.version + 1 for pair, _topic in changes],
    )
    search_update([pair.pk for pair, _topic in changes])


def reviews_copy(followed: dict[int, int]) -> None:
    """The judgements of each revision again on the one that follows it with the same texts, with their own times."""
    found = list(Review.objects.filter(revision__in=followed).order_by("pk"))
    copies = Review.objects.bulk_create(
        Review(
            revision_id=followed[review.revision_id], reviewer_id=review.reviewer_id, decision=review.decision,
            basis=review.basis, reason=review.reason, fingerprint=review.fingerprint, guideline=review.guideline,
            adjudicated=review.adjudicated,
        )
        for review in found
    )  # fmt: skip
    if copies:
        columns_set(Review, [copy.pk for copy in copies], created_at=[review.created_at for review in found])
