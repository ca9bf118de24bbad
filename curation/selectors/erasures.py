"""What an erasure would take away, before it does."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from core import registries
from core.denied import ApplicationError
from core.models import Membership, Project, User
from core.registries import LineageEntry
from curation.choices import STARTABLE, ErasureScope, Origin
from curation.models import (
    Corpus,
    DatasetVersion,
    Document,
    Draft,
    Erasure,
    Import,
    Pair,
    Revision,
    SuiteItem,
    Task,
    VersionPair,
)
from curation.selectors.named_rows import words_count

SHOWN = 20
SHORTEST = 3  # characters of words to look for
MOST = 20_000  # revisions of one erasure
FIELDS = ("instruction", "input", "response", "rejected", "system", "topic", "source", "note")


@dataclass(frozen=True)
class ErasurePreview:
    """`trashed` pairs lose their newest text and go; `imported_kept` rows the person only brought in by a file."""

    revisions: list[int]
    pairs: list[int]
    trashed: int
    drafts: int
    version_rows: int
    items: int
    versions: list[DatasetVersion]
    models: list[LineageEntry]
    examples: list[Revision]
    imported_kept: int = 0
    documents: int = 0
    places: int = 0  # rows beside the pairs in which the words stand
    looked: int = 0  # corpora and waiting files that are looked through when it is done

    @property
    def nothing(self) -> bool:
        return not (self.revisions or self.drafts or self.documents or self.places or self.looked)


@dataclass(frozen=True)
class Chosen:
    revisions: QuerySet[Revision]
    person: User | None = None
    words: str = ""


def chosen_revisions(project: Project, given: Mapping[str, Any]) -> Chosen:
    """By `scope` and the `pair` number, `person` id or `words` that go with it. Raises ApplicationError."""
    scope = given["scope"]
    if scope == ErasureScope.PAIR:
        pair = Pair.objects.filter(project=project, pk=given["pair"]).first()
        if pair is None:
            raise ApplicationError(_("This project has no pair of this number."), field="pair")
        return Chosen(revisions_of_pair(pair))
    if scope == ErasureScope.PERSON:
        person = User.objects.filter(pk=given["person"]).first()
        if person is None or person not in people_of(project):
            raise ApplicationError(_("This person wrote nothing in this project."), field="person")
        return Chosen(revisions_of_person(project, person), person)
    words = " ".join(given["words"].split())
    return Chosen(revisions_with_words(project, words), words=words)


def revisions_of_pair(pair: Pair) -> QuerySet[Revision]:
    return Revision.objects.filter(pair=pair, erased_at__isnull=True)


def revisions_of_person(project: Project, person: User) -> QuerySet[Revision]:
    """What they wrote. Rows that they imported are somebody else's words."""
    own = Revision.objects.filter(pair__project=project, author=person, erased_at__isnull=True)
    return own.exclude(origin=Origin.IMPORTED)


def revisions_with_words(project: Project, words: str) -> QuerySet[Revision]:
    """All revisions of the pairs in which the words stand, in any case of letters. Raises ApplicationError."""
    words = words.strip()
    if len(words) < SHORTEST:
        raise ApplicationError(_("Give at least %d characters to look for.") % SHORTEST, field="words")
    named = Q(turns_text__icontains=words)
    for name in FIELDS:
        named |= Q(**{f"{name}__icontains": words})
    found = Revision.objects.annotate(turns_text=Cast("turns", TextField())).filter(named, pair__project=project)
    return Revision.objects.filter(pair__in=found.values("pair"), erased_at__isnull=True)


def erasure_preview(
    project: Project, revisions: QuerySet[Revision], person: User | None = None, words: str = ""
) -> ErasurePreview:
    rows = list(revisions.order_by("pk").values_list("pk", "pair_id")[: MOST + 1])
    if len(rows) > MOST:
        raise ApplicationError(_("This would erase more than %d texts; narrow it.") % MOST, field="words")
    ids, pairs = [row[0] for row in rows], sorted({row[1] for row in rows})
    held = VersionPair.objects.filter(revision__in=ids)
    imported = Revision.objects.filter(pair__project=project, author=person, origin=Origin.IMPORTED)
    return ErasurePreview(
        revisions=ids,
        pairs=pairs,
        trashed=Pair.objects.filter(pk__in=pairs, current__in=ids).count(),
        drafts=drafts_of(project, pairs, person).count(),
        version_rows=held.count(),
        items=SuiteItem.objects.filter(revision__in=ids).count(),
        versions=list(DatasetVersion.objects.filter(pk__in=held.values("version")).select_related("task")),
        models=models_that_saw(ids),
        examples=list(Revision.objects.filter(pk__in=ids).order_by("-pk")[:SHOWN]),
        imported_kept=imported.count() if person else 0,
        **(words_preview(project, words) if words else {}),
    )


def words_preview(project: Project, words: str) -> dict[str, int]:
    """What the words concern beside pairs, as far as the database can tell at once."""
    named = Q(passages__text__icontains=words)
    for name in ("title", "file_name", "address", "license", "text"):
        named |= Q(**{f"{name}__icontains": words})
    corpora = Corpus.objects.filter(project=project).count()
    files = Import.objects.filter(task__project=project, state__in=STARTABLE).count()
    return {
        "documents": Document.objects.filter(named, project=project).distinct().count(),
        "places": words_count(project, words),
        "looked": corpora + files,
    }


def drafts_of(project: Project, pairs: Collection[int], person: User | None) -> QuerySet[Draft]:
    own = Q(user=person) if person else Q()
    drafts = Draft.objects.filter(task__project=project)
    return drafts.filter(own | Q(pair__in=pairs)) if person else drafts.filter(pair__in=pairs)


def models_that_saw(revisions: Collection[int], corpora: Collection[int] = ()) -> list[LineageEntry]:
    ids, texts = frozenset(revisions), frozenset(corpora)
    return [entry for find in registries.seen_by for entry in find(ids, texts)] if ids or texts else []


def erasures_of(project: Project) -> QuerySet[Erasure]:
    return Erasure.objects.filter(project=project).select_related("asked_by", "person", "job")


def people_of(project: Project) -> list[Any]:
    """Everybody who wrote in the project or brought a file, members or not: each looked up, for there are fewer people
    than texts."""
    begun = Pair.objects.filter(task__in=list(Task.objects.filter(project=project)), author=OuterRef("pk"))
    wrote = Revision.objects.filter(pair__project=project, author=OuterRef("pk")).exclude(origin=Origin.IMPORTED)
    joined = Membership.objects.filter(project=project, user=OuterRef("pk"))
    return list(User.objects.filter(Exists(joined) | Exists(begun) | Exists(wrote)).order_by("name"))


COUNT_NAMES = {
    "revisions": _l("Texts"),
    "pairs": _l("Pairs in the trash for good"),
    "drafts": _l("Drafts"),
    "questions": _l("Questions"),
    "answers_given": _l("Answers of people"),
    "model_drafts": _l("Drafts by models"),
    "comments_said": _l("Comments"),
    "exports": _l("Packed exports"),
    "reasons": _l("Reasons of reviews"),
    "notes": _l("Notes of work"),
    "events": _l("Details in the audit log"),
    "version_rows": _l("Rows of dataset versions"),
    "documents": _l("Documents that lost text"),
    "passages": _l("Passages"),
    "corpus_texts": _l("Texts of corpora"),
    "files": _l("Files that waited to be imported"),
    "reports": _l("Reports of imports"),
    "common": _l("Short texts left in documents and corpora, because they stand in more than ten of these"),
    "places": _l("Other rows in which the words stood"),
    "items": _l("Items of suites"),
    "training": _l("Lines in run directories and audits"),
    "answers": _l("Answers of models"),
    "comments": _l("Comments of graders"),
    "evaluation": _l("Lines in directories of evaluations"),
}


def counts_shown(erasure: Erasure) -> list[tuple[Any, int]]:
    return [(COUNT_NAMES.get(name, name), count) for name, count in erasure.counts.items()]
