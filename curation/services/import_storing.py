"""Rows into tables, fast, and all of them or none.

Everything an import adds is written by COPY on a connection of its own, in one transaction: until its commit nobody
sees a row, a cancelled or failed import leaves nothing, and a killed worker's transaction is rolled back by the
database. Progress is told on the ordinary connection meanwhile. Rows that are there already are found by their key in
each batch, so the same file twice adds nothing; imports into one task wait for each other.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db import connection

from core.denied import ApplicationError
from curation.choices import Decision, ReviewBasis
from curation.import_mapping import Problem, Ready
from curation.models import Import
from curation.outputs import texts_fitted
from curation.selectors.editions import edition_now
from curation.services.erased_texts import Forgotten
from curation.subjects import PAIR, review_batch

BATCH = 4_000
MOST_PROBLEMS = 10_000  # kept with their reasons; beyond that they are only counted
PAIR_COLUMNS = (
    "id, project_id, task_id, state, version, current_id, approved_id, author_id, metadata, import_key, "
    "imported_by_id, created_at, updated_at, topic, language, origin, edition"
)  # fmt: skip
REVISION_COLUMNS = (
    "id, pair_id, number, system, instruction, input, response, rejected, turns, language, topic, origin, source, "
    "fingerprint, author_id, note, created_at"
)
REVIEW_COLUMNS = "revision_id, reviewer_id, decision, basis, reason, fingerprint, created_at"
WORK_COLUMNS = (
    "project_id, kind, subject_type, subject_id, batch, state, needed, \"order\", excluded_user_id, note, created_at"
)  # fmt: skip
PROBLEM_COLUMNS = 'batch_id, "row", "column", reason, excerpt'


ENCODE = json.JSONEncoder(ensure_ascii=False).encode  # made once: `json.dumps` would make one for each row


def printable(text: str, most: int) -> str:
    """What a list of problems shows of a row: what no text can hold becomes a question mark."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:most])


@dataclass
class Counts:
    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    problems: list[Problem] = field(default_factory=list)


@contextmanager
def own_connection() -> Iterator["psycopg.Connection[Any]"]:
    """A second connection to the same database; without a commit, everything on it is rolled back."""
    parameters = {
        name: value
        for name, value in connection.get_connection_params().items()
        if name not in ("cursor_factory", "context", "prepare_threshold", "server_side_binding")
    }
    bulk = psycopg.connect(**parameters)
    try:
        yield bulk
    finally:
        bulk.close()


@dataclass
class Storing:
    """One import's writing: feed it batches, then let the caller commit."""

    bulk: "psycopg.Connection[Any]"
    batch: Import
    counts: Counts = field(default_factory=Counts)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    edition: int = field(init=False)  # of the guidelines that the rows come in under
    same: tuple[Any, ...] = field(init=False)  # what every row has, read once: project, task, author, import, moment
    asked: tuple[tuple[Any, ...], tuple[Any, ...]] = field(init=False)  # a work item before and after its pair
    forgotten: Forgotten = field(init=False)

    def __post_init__(self) -> None:
        batch, project, moment = self.batch, self.batch.task.project, self.now.isoformat()
        self.edition, self.source = edition_now(batch.task_id), batch.source
        self.forgotten = Forgotten(project.pk)
        self.same = (project.pk, batch.task_id, batch.created_by_id, batch.pk, moment)
        excluded = None if project.solo else batch.created_by_id
        self.asked = (
            (project.pk, "review", PAIR),
            (review_batch(batch.task_id), "open", project.reviewers, 0, excluded, "", moment),
        )

    def lock(self) -> bool:
        """Only one import writes into a task at a time; False while another does."""
        key = f"import-{self.batch.task_id}"
        row = self.bulk.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [key]).fetchone()
        # Keys are looked up batch by batch, while the reader reads on, instead of all of them at the commit.
        self.bulk.execute("SET CONSTRAINTS ALL IMMEDIATE")
        return bool(row and row[0])

    def add(self, rows: Iterable[Ready | Problem]) -> None:
        """Store what is new of a batch; count duplicates (in the file or in the task) and refused rows."""
        fresh: dict[str, Ready] = {}
        for row in self.forgotten.refused([self.fitted(row) for row in rows]):
            self.counts.rows += 1
            if isinstance(row, Problem):
                self.counts.refused += 1
                if len(self.counts.problems) < MOST_PROBLEMS:
                    self.counts.problems.append(row)
            else:
                fresh.setdefault(row.key, row)
        found = self.bulk.execute(
            "SELECT import_key FROM curation_pair WHERE task_id = %s AND import_key <> '' AND import_key = ANY(%s)",
            [self.batch.task_id, list(fresh)],
        ).fetchall()
        for (key,) in found:
            del fresh[key]
        self.counts.accepted += len(fresh)
        self.counts.duplicates = self.counts.rows - self.counts.accepted - self.counts.refused
        if fresh:
            self.copy(fresh)

    def fitted(self, row: Ready | Problem) -> Ready | Problem:
        """The row with its response written as the task's output fields demand, or why it does not fit them."""
        if isinstance(row, Problem) or not self.batch.task.output_fields:
            return row
        try:
            return replace(row, texts=texts_fitted(self.batch.task, row.texts))
        except ApplicationError as error:
            return Problem(row.number, error.field, str(error), row.texts.response[:300])

    def copy(self, fresh: dict[str, Ready]) -> None:
        pair_ids, revision_ids = self.ids("curation_pair", len(fresh)), self.ids("curation_revision", len(fresh))
        items = list(zip(pair_ids, revision_ids, fresh.items(), strict=True))
        self.write("curation_pair", PAIR_COLUMNS, (self.pair(*item) for item in items))
        self.write("curation_revision", REVISION_COLUMNS, (self.revision(*item) for item in items))
        if self.batch.approve:
            self.write("curation_review", REVIEW_COLUMNS, (self.review(revision, item) for _, revision, item in items))
        else:
            self.write("core_workitem", WORK_COLUMNS, (self.work(pair) for pair, _, _ in items))

    def ids(self, table: str, count: int) -> list[int]:
        query = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
        return [row[0] for row in self.bulk.execute(query, [table, count])]

    def write(self, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
        with self.bulk.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def pair(self, pair: int, revision: int, item: tuple[str, Ready]) -> tuple[Any, ...]:
        key, row = item
        project, task, author, batch, now = self.same
        texts = row.texts
        approved, state = (revision, "approved") if self.batch.approve else (None, "submitted")
        metadata = ENCODE(row.metadata) if row.metadata else "{}"
        return (
            pair, project, task, state, 1, revision, approved, author, metadata, key, batch, now, now, texts.topic,
            texts.language, "imported", self.edition,
        )  # fmt: skip

    def revision(self, pair: int, revision: int, item: tuple[str, Ready]) -> tuple[Any, ...]:
        key, row = item
        _project, _task, author, _batch, now = self.same
        texts = row.texts
        turns = ENCODE(texts.turns) if texts.turns else "[]"
        return (
            revision, pair, 1, texts.system, texts.instruction, texts.input, texts.response, row.rejected, turns,
            texts.language, texts.topic, "imported", row.source or self.source,
            key if not row.rejected else texts.fingerprint, author, "", now,
        )  # fmt: skip

    def review(self, revision: int, item: tuple[str, Ready]) -> tuple[Any, ...]:
        key, row = item
        _project, _task, author, _batch, now = self.same
        fingerprint = row.texts.fingerprint if row.rejected else key
        return (revision, author, Decision.APPROVE.value, ReviewBasis.IMPORT.value, "", fingerprint, now)

    def work(self, pair: int) -> tuple[Any, ...]:
        before, after = self.asked
        return (*before, pair, *after)

    def finish(self, hold: Callable[["psycopg.Connection[Any]"], None]) -> None:
        """Write the problems and the import's result beside the rows, make sure the job is still ours, commit."""
        counts = self.counts
        rows = [
            (
                self.batch.pk,
                row.number,
                printable(row.column, 80),
                printable(row.reason, 400),
                printable(row.excerpt, 300),
            )
            for row in counts.problems
        ]
        self.write("curation_importproblem", PROBLEM_COLUMNS, rows)
        self.bulk.execute(
            "UPDATE curation_import SET state = 'done', rows = %s, accepted = %s, duplicates = %s, refused = %s, "
            "error = '' WHERE id = %s",
            [counts.rows, counts.accepted, counts.duplicates, counts.refused, self.batch.pk],
        )
        hold(self.bulk)
        self.bulk.commit()
