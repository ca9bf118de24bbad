"""The steps of an erasure. Rows stay as tombstones, with the digest that a version's hash is made of; texts, salts and
whatever the texts could be guessed from go."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from core import registries
from core.models import Assignment, Event, WorkItem
from core.registries import Erased
from core.scrubbing import Needles, digest
from core.tombstones import TOMBSTONE, tombstone
from curation.choices import PairState
from curation.fingerprints import TEXT_FIELDS
from curation.models import (
    Answer,
    CheckedText,
    ContainedText,
    DatasetVersion,
    Dismissal,
    Embedding,
    Erasure,
    Finding,
    Leak,
    Likeness,
    ModelDraft,
    NearMeaning,
    NearText,
    Pair,
    PairLink,
    Question,
    Review,
    Revision,
    SuiteItem,
    TaskReport,
    VersionPair,
    Vocabulary,
)
from curation.selectors.erasures import drafts_of
from curation.services.erased_texts import erased_remember
from curation.services.erasing_material import (
    SENTENCE,
    corpora_erase,
    corpora_holding,
    documents_erase,
    files_erase,
    reports_erase,
    wanted_of,
)
from curation.services.erasing_words import rows_forget
from curation.services.exports import exports_forget
from curation.subjects import PAIR
from curation.text_places import EMPTY, QUESTION
from ml.checks import text_fingerprint

BEGINNING = 80  # characters of each value that a report of an import shows


@dataclass
class Gone:
    """What an erasure did: how many rows it touched, by name, and what has to be known to do it again."""

    counts: dict[str, int]
    corpora: frozenset[int]
    found: set[str]  # digests of what was found by words
    erased: list[str]  # digests of whole rows and documents


def erase_texts(erasure: Erasure, digests: Collection[str] = ()) -> Gone:
    """In one transaction; run again it finds nothing more to do.

    1. Read the texts once more, to find what was made from them. 2. Copies that higher apps keep. 3. What curation made
    from the texts: findings, likenesses, leaks. 4. Judgements and words about them. 5. Documents, corpora and files
    that hold them too. 6. Frozen rows lose their salts. 7. The texts. `digests` are of what a restored backup has to
    lose whose words nobody knows any more.
    """
    targets, project = erasure.targets, erasure.project
    revisions = list(
        Revision.objects.select_for_update(of=("self",))
        .select_related("pair")
        .filter(pk__in=targets["revisions"], pair__in=targets["pairs"])
    )
    texts = {text for revision in revisions for text in texts_in(revision)}
    near = Needles(texts, words=erasure.words, digests=digests)
    wanted = wanted_of(project, texts)
    far = wanted.needles(erasure.words, digests)
    starts = Needles(
        {text[:BEGINNING] for text in texts},
        words=erasure.words,
        whole=wanted.whole,
        digests=digests,
        shortest=SENTENCE,
    )
    holding = corpora_holding(project, far)
    erased = Erased(
        project=project,
        revisions=frozenset(revision.pk for revision in revisions),
        pairs=frozenset(revision.pair_id for revision in revisions),
        texts=near,
        corpora=holding,
        person=erasure.person,
    )
    remembered = rows_remember(erased, revisions)
    counts: dict[str, int] = {"revisions": len(revisions)}
    for erase in registries.erasers:
        counts |= erase(erased)
    traces_erase(revisions)
    counts |= words_erase(erased)
    counts |= questions_erase(erased)
    counts["places"] = rows_forget(erasure, targets.get("rows", {}))
    counts |= documents_erase(project, far)
    counts |= corpora_erase(project, far)
    counts["files"] = files_erase(project, targets.get("files", ()))
    counts["reports"] = reports_erase(project, starts)
    counts["common"] = wanted.common
    counts |= frozen_erase(erased)
    counts["exports"] = exports_erase(erased)
    counts["pairs"] = pairs_erase(erased)
    rows = Revision.objects.filter(pk__in=erased.revisions)
    rows.update(
        system="", instruction="", input="", response="", rejected="", turns=[], topic="", source="", note="",
        evidence=None, tokens=None, fingerprint=tombstone(), erased_at=Now(),
    )  # fmt: skip
    return Gone(counts, erased.corpora, near.found | far.found | starts.found, remembered)


def rows_remember(erased: Erased, revisions: Collection[Revision]) -> list[str]:
    """A file that brings one of these rows again is told from its digest. Returns the digests."""
    keys = {key for row in revisions for key in (row.fingerprint, row.pair.import_key)}
    digests = sorted(digest(key) for key in keys if key and not key.startswith(TOMBSTONE))
    erased_remember(erased.project.pk, digests)
    return digests


def exports_erase(erased: Erased) -> int:
    """Packed files of every version that holds one of the texts; packed again, they lack it."""
    versions = DatasetVersion.objects.filter(rows__revision__in=erased.revisions).distinct()
    return sum(exports_forget(version=version) for version in versions)


def texts_in(revision: Revision) -> list[str]:
    turns = [turn["content"] for turn in revision.turns]
    texts = (revision.instruction, revision.input, revision.response, revision.rejected)
    return [text for text in (*texts, *turns) if text.strip()]


def traces_erase(revisions: Collection[Revision]) -> None:
    """Whatever is kept by the hash of a text: another row with the same text gets it again when it is looked at."""
    prints = {text_fingerprint(getattr(row, name)) for row in revisions for name in TEXT_FIELDS}
    for model in (Finding, CheckedText, Dismissal):
        model.objects.filter(fingerprint__in=prints).delete()
    wholes = {row.fingerprint for row in revisions}
    Dismissal.objects.filter(Q(fingerprint__in=wholes) | Q(excerpt__in=wholes)).delete()
    ids = [row.pk for row in revisions]
    own = Likeness.objects.filter(revision__in=ids)
    numbers = {number for row in own.values_list("prompt", "whole", "response") for number in row} - {0}
    tasks = set(own.values_list("task", flat=True))
    kept = Likeness.objects.filter(task__in=tasks).exclude(revision__in=ids)
    shared = kept.filter(Q(prompt__in=numbers) | Q(response__in=numbers)).values_list("prompt", "response")
    numbers -= {number for row in shared for number in row}
    NearText.objects.filter(Q(one__in=numbers) | Q(other__in=numbers), task__in=tasks).delete()
    ContainedText.objects.filter(Q(inner__in=numbers) | Q(outer__in=numbers), task__in=tasks).delete()
    NearMeaning.objects.filter(Q(one__in=ids) | Q(other__in=ids), task__in=tasks).delete()
    Leak.objects.filter(Q(revision__in=ids) | Q(fingerprint__in=wholes)).delete()
    own.delete()
    Embedding.objects.filter(revision_id__in=ids).delete()
    PairLink.objects.filter(Q(one_revision__in=ids) | Q(other_revision__in=ids)).delete()
    # The project's words and the numbers of its tasks are counted anew by the next stocktaking, without what went.
    TaskReport.objects.filter(task__in={row.pair.task_id for row in revisions}).delete()
    Vocabulary.objects.filter(project__in={row.pair.project_id for row in revisions}).delete()


def words_erase(erased: Erased) -> dict[str, int]:
    """Drafts, reasons of reviews, notes of work, details of the audit log."""
    drafts, _kinds = drafts_of(erased.project, erased.pairs, erased.person).delete()
    by_person = Q(reviewer=erased.person, revision__pair__project=erased.project) if erased.person else Q()
    about = Q(revision__in=erased.revisions)
    reviews = Review.objects.filter(about | by_person if erased.person else about)
    reasons = reviews.exclude(reason="").count()
    reviews.update(reason="")
    reviews.filter(about).update(fingerprint=tombstone("revision_id"))
    items = WorkItem.objects.filter(subject_type=PAIR, subject_id__in=erased.pairs)
    notes = items.exclude(note="").update(note="")
    holds = Assignment.objects.filter(item__in=items)
    if erased.person:
        holds |= Assignment.objects.filter(user=erased.person, item__project=erased.project)
    notes += holds.exclude(reason="").update(reason="")
    return {"drafts": drafts, "reasons": reasons, "notes": notes, "events": events_erase(erased.pairs)}


def questions_erase(erased: Erased) -> dict[str, int]:
    """Questions that became these pairs, with every answer and model's draft to them; all answers of a person."""
    questions = Question.objects.filter(pair__in=erased.pairs)
    about = Q(question__in=questions) | Q(pair__in=erased.pairs)
    if erased.person:
        about |= Q(author=erased.person, question__project=erased.project)
    answers = Answer.objects.filter(about).exclude(texts=EMPTY)
    answered = answers.update(texts=EMPTY, fingerprint=tombstone(), note="", evidence=None)
    drafts = ModelDraft.objects.filter(question__in=questions).exclude(text="")
    drafted = drafts.update(text="", fingerprint=tombstone())
    asked = questions.exclude(instruction="").update(**QUESTION)
    return {"questions": asked, "answers_given": answered, "model_drafts": drafted}


def events_erase(pairs: Collection[int]) -> int:
    """What the log says of these pairs beyond that it happened. The log allows this one change (core's migration)."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL apprentice.erasing = 'on'")
    found = Event.objects.filter(object_type=PAIR, object_id__in=[str(pair) for pair in pairs])
    count = found.exclude(summary="", data={}).update(summary="", data={"erased": True})
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL apprentice.erasing = 'off'")
    return count


def frozen_erase(erased: Erased) -> dict[str, int]:
    """Salts go, digests stay: the version's hash can still be computed, its texts not guessed."""
    rows = VersionPair.objects.filter(revision__in=erased.revisions).exclude(salt="")
    touched = list(rows.values_list("version_id", flat=True))
    rows.update(salt="")
    for version in DatasetVersion.objects.filter(pk__in=touched):
        version.erased += touched.count(version.pk)
        version.counts = counts_without(version, topics_gone(version, erased))
        version.save(update_fields=["erased", "counts"])
    items = SuiteItem.objects.filter(revision__in=erased.revisions).update(fingerprint=tombstone("revision_id"))
    return {"version_rows": len(touched), "items": items}


def topics_gone(version: DatasetVersion, erased: Erased) -> set[str]:
    """Topics that only erased rows have: a topic may name somebody."""
    own = Revision.objects.filter(in_versions__version=version)
    kept = own.exclude(pk__in=erased.revisions).values("topic")
    gone = own.filter(pk__in=erased.revisions).exclude(topic="").exclude(topic__in=kept)
    return set(gone.values_list("topic", flat=True))


def counts_without(version: DatasetVersion, topics: set[str]) -> dict[str, Any]:
    """A version's numbers with these topics under no name."""
    counts = dict(version.counts)
    named = {name: count for name, count in counts.get("topic", {}).items() if name not in topics}
    unnamed = sum(count for name, count in counts.get("topic", {}).items() if name in topics)
    if unnamed:
        counts["topic"] = {**named, "": named.get("", 0) + unnamed}
        rows = counts.get("strata", {}).get("topic", [])
        counts["strata"]["topic"] = [{**row, "name": ""} if row["name"] in topics else row for row in rows]
    return counts


def pairs_erase(erased: Erased) -> int:
    """A pair whose newest text goes is in the trash for good; one whose approved text goes is approved no longer."""
    pairs = Pair.objects.filter(pk__in=erased.pairs)
    pairs.filter(approved__in=erased.revisions).update(approved=None)
    gone = pairs.filter(current__in=erased.revisions)
    return gone.update(
        state=PairState.TRASHED, search=None, found=[], metadata={}, topic="", tags=[], tokens=None,
        import_key=tombstone(), updated_at=Now(),
    )  # fmt: skip
