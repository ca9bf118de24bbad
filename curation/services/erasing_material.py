"""Erased texts leave what pairs are made from: documents, corpora, files that wait to be imported."""

import json
import shutil
from collections import Counter
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from core.choices import WorkKind
from core.denied import ApplicationError
from core.models import Project
from core.scrubbing import SHORTEST, Needles, digest, lines_change, told_erase
from core.services.work import work_close
from core.tombstones import TOMBSTONE
from curation.choices import STARTABLE, CorpusState, ImportState
from curation.import_reading import read_rows
from curation.import_tables import table_rows
from curation.models import Corpus, Document, DocumentUpload, Import, ImportProblem
from curation.selectors.corpora import corpus_folder, corpus_texts
from curation.selectors.imports import import_path
from curation.services.document_reading import DocumentReader
from curation.services.erased_texts import erased_remember
from curation.subjects import PASSAGE
from ml.corpus.shapes import TEXTS
from ml.words import count_words

SENTENCE = 40  # characters: a shorter text of a pair may stand in documents that have nothing to do with it
COMMON_PLACES = 10  # documents and texts of corpora
ERASED_LINE = b'"erased": true}\n'
PLAIN = (".txt", ".text", ".md", ".markdown", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class Wanted:
    """What is looked for in documents, corpora and files. A pair's text of SENTENCE and more characters counts wherever
    it stands. A shorter one of several words counts as a whole, unless it stands in so many places that it is nobody's
    words: such are left (`common`), and whoever erases is told how many."""

    texts: frozenset[str]
    whole: frozenset[str]
    common: int = 0

    def needles(self, words: str, digests: Collection[str] = ()) -> Needles:
        return Needles(self.texts, words=words, whole=self.whole, digests=digests, shortest=SENTENCE)


def wanted_of(project: Project, texts: Collection[str]) -> Wanted:
    stripped = {text.strip() for text in texts}
    short = {text for text in stripped if SHORTEST <= len(text) < SENTENCE and count_words(text) > 1}
    places: Counter[str] = Counter()
    needles = Needles(whole=short)
    for text in material_texts(project) if short else ():
        places.update(needles.whole_in(text))
    common = {text for text, count in places.items() if count > COMMON_PLACES}
    return Wanted(frozenset(stripped), frozenset(short - common), len(common))


def material_texts(project: Project) -> Iterator[str]:
    """The texts of all documents and finished corpora, one by one."""
    yield from Document.objects.filter(project=project).values_list("text", flat=True).iterator(chunk_size=50)
    for corpus in Corpus.objects.filter(project=project, state=CorpusState.READY):
        path = corpus_texts(corpus)
        if path.is_file():
            with path.open(encoding="utf-8") as file:
                yield from (json.loads(line)["text"] for line in file)


def refuse_under_way(project: Project) -> None:
    """Whatever is being read in now would bring back what is erased meanwhile. Raises ApplicationError."""
    busy = Import.objects.filter(task__project=project).exclude(state__in=(*STARTABLE, "done", "undone"))
    building = Corpus.objects.filter(project=project, state=CorpusState.BUILDING)
    reading = DocumentUpload.objects.filter(Q(files__state="waiting"), project=project)
    if busy.exists() or building.exists() or reading.exists():
        text = _(
            "Files are being read into this project just now. Wait until these jobs end, or stop them; then erase."
        )
        raise ApplicationError(text)


def documents_erase(project: Project, needles: Needles) -> dict[str, int]:
    """Documents lose the paragraphs and passages that hold a text, and every name that does. They stay as they are
    otherwise, but for their digest: brought in again, the whole text is refused."""
    texts = passages = 0
    documents = Document.objects.filter(project=project).prefetch_related("passages")
    for document in documents.iterator(chunk_size=50):
        names = {name: getattr(document, name) for name in ("title", "file_name", "address", "license")}
        held = [passage for passage in document.passages.all() if needles.hold([passage.text, *passage.trail])]
        if not held and not needles.hold([document.text, *names.values()]):
            continue
        if not document.sha256.startswith(TOMBSTONE):
            erased_remember(project.pk, [digest(document.sha256)])
        kept = "\n\n".join(part for part in document.text.split("\n\n") if not needles.in_text(part))
        text = "" if needles.in_text(kept) else kept
        row = f"{TOMBSTONE}{document.pk}"
        changes: dict[str, Any] = {name: needles.without(value) for name, value in names.items()}
        changes["title"] = changes["title"] or row
        Document.objects.filter(pk=document.pk).update(
            **changes, text=text, characters=len(text), sha256=row, erased_at=Now()
        )
        for passage in held:
            work_close(kind=WorkKind.PASSAGE, subject_type=PASSAGE, subject_id=passage.pk)
            document.passages.filter(pk=passage.pk).update(text="", trail=needles.without(passage.trail))
        texts, passages = texts + 1, passages + len(held)
    return {"documents": texts, "passages": passages}


def corpora_holding(project: Project, needles: Needles) -> frozenset[int]:
    """The finished corpora in whose texts one stands."""
    ready = Corpus.objects.filter(project=project, state=CorpusState.READY)
    return frozenset(corpus.pk for corpus in ready if corpus_holds(corpus_texts(corpus), needles))


def corpus_holds(path: Path, needles: Needles) -> bool:
    if not path.is_file():
        return False
    with path.open(encoding="utf-8") as file:
        return any(needles.in_text(json.loads(line)["text"]) for line in file)


def corpora_erase(project: Project, needles: Needles) -> dict[str, int]:
    """Each text that holds one becomes a line that says so; the corpus keeps the digest of all that it was."""
    count = 0
    for corpus in Corpus.objects.filter(project=project):
        changes: dict[str, Any] = {}
        if corpus_forget(corpus_texts(corpus), needles):
            changes["erased"] = lines_erased(corpus_texts(corpus))
            count += changes["erased"] - corpus.erased
        elif corpus.state == CorpusState.FAILED and sources_hold(corpus, needles):
            shutil.rmtree(corpus_folder(corpus), ignore_errors=True)
            changes["error"] = _(
                "Its files held a text that was erased and were removed. Throw it away and make it anew without it."
            )
        for path in sorted(corpus_folder(corpus).rglob("*")):
            if path.name != TEXTS:
                told_erase(path, needles)
        for name in ("report", "files", "source", "licence"):
            if needles.hold(getattr(corpus, name)):
                changes[name] = needles.without(getattr(corpus, name))
        if needles.in_text(corpus.name):
            changes["name"] = f"{TOMBSTONE}{corpus.pk}"
        if changes:
            Corpus.objects.filter(pk=corpus.pk).update(**changes)
    return {"corpus_texts": count}


def corpus_forget(path: Path, needles: Needles) -> int:
    """Make the lines of a corpus file that hold a text say that they were erased; their part stays, so that no count
    changes. Names lose it too. Returns how many lines changed."""

    def change(line: bytes) -> bytes | None:
        row = json.loads(line)
        if needles.in_text(row["text"]):
            row = {"id": "", "text": "", "part": row["part"], "erased": True}
        elif needles.in_text(row["id"]):
            row["id"] = ""
        else:
            return None
        return json.dumps(row, ensure_ascii=False).encode() + b"\n"

    return lines_change(path, change)


def lines_erased(path: Path) -> int:
    with path.open("rb") as file:
        return sum(line.endswith(ERASED_LINE) for line in file)


def sources_hold(corpus: Corpus, needles: Needles) -> bool:
    """Whether a text stands in what a corpus that came to nothing was to be made of."""
    folder = corpus_folder(corpus)
    names = {file["path"]: file["name"].lower() for file in corpus.files}
    with DocumentReader() as reader:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            name = names.get(path.name, path.name)
            if not path.is_file():
                continue
            if name.endswith(PLAIN) or path.name not in names:
                pieces: Generator[Any, None, None] = lines_of(path)
            elif name.endswith(".parquet"):
                pieces = (values for _number, values, _problem in table_rows(path, "parquet", ""))
            else:
                pieces = (said for said in reader.read(path, name))
            with closing(pieces):
                if any(needles.hold(piece) for piece in pieces):
                    return True
    return False


def lines_of(path: Path) -> Generator[str, None, None]:
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from file


def files_holding(project: Project, needles: Needles) -> list[int]:
    """Imports not yet stored in whose file a text stands; one that cannot be read counts, since nobody can tell."""
    waiting = Import.objects.filter(task__project=project, state__in=STARTABLE).order_by("pk")
    return [batch.pk for batch in waiting if import_path(batch).exists() and file_holds(batch, needles)]


def file_holds(batch: Import, needles: Needles) -> bool:
    path = import_path(batch)
    try:
        for table in batch.tables or [""]:
            with closing(read_rows(path, batch.format, table)) as rows:
                if any(needles.hold([row.values, row.excerpt]) for row in rows):
                    return True
    except ApplicationError:
        return True
    return False


def files_erase(project: Project, ids: Sequence[int]) -> int:
    """Files that wait are removed whole; the import says why it cannot be started any more."""
    rows = Import.objects.filter(task__project=project, pk__in=ids)
    for batch in rows:
        transaction.on_commit(partial(import_path(batch).unlink, missing_ok=True))
    reason = _("The file held a text that was erased and was removed; bring it again without it.")
    return rows.update(state=ImportState.FAILED, report={}, error=reason)


def reports_erase(project: Project, needles: Needles) -> int:
    """What imports told about their rows: reports, and the beginnings of rows that were refused."""
    count = 0
    for batch in Import.objects.filter(task__project=project).exclude(report={}):
        if needles.hold(batch.report):
            count += Import.objects.filter(pk=batch.pk).update(report=needles.without(batch.report))
    problems = ImportProblem.objects.filter(batch__task__project=project)
    ids = [row.pk for row in problems.iterator(chunk_size=2_000) if needles.hold([row.reason, row.excerpt])]
    return count + problems.filter(pk__in=ids).update(reason=_("Erased."), excerpt="")
