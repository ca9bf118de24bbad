"""What may be done about pairs that an audit found at fault: leave them out of a run, or send them to the experts."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.choices import WorkKind
from core.denied import ApplicationError
from core.models import User
from core.services.events import event_record
from core.services.work import work_open
from curation.models import Pair
from curation.subjects import PAIR
from training.choices import AuditState, RunState
from training.models import Run

MOST_SENT = 500


@transaction.atomic
def run_exclude(*, actor: User, run: Run, code: str, exclude: bool = True) -> Run:
    """Leave out of this run every pair that a blocking finding is about, or take them in again.

    It is recorded with the run and its recipe. Raises ApplicationError when there is nothing to leave out.
    """
    run = Run.objects.select_for_update(of=("self",)).select_related("audit", "project").get(pk=run.pk)
    if run.state != RunState.DRAFT:
        raise ApplicationError(_("This run was launched already; its settings never change. Prepare a new one."))
    found = at_fault(run).get(code, [])
    if exclude and not found:
        raise ApplicationError(_("No pair of this run has this problem."))
    kept = {name: ids for name, ids in run.excluded.items() if name != code}
    run.excluded = {**kept, code: found} if exclude else kept
    run.save(update_fields=["excluded"])
    action = "run.pairs_excluded" if exclude else "run.pairs_included"
    event_record(actor=actor, action=action, project=run.project, subject=run, summary=code, count=len(found))
    return run


def at_fault(run: Run) -> dict[str, Any]:
    return run.audit.report.get("at_fault", {}) if run.audit and run.audit.state == AuditState.READY else {}


@transaction.atomic
def pairs_send_back(*, actor: User, run: Run, code: str) -> int:
    """Open a correction for each pair that has a problem, with the problem as its note. Twice is once.

    Returns how many pairs are with the experts now. Raises ApplicationError when no pair has the problem.
    """
    report = run.audit.report if run.audit else {}
    rows = [row for row in report.get("rows", []) if row["code"] == code][:MOST_SENT]
    notes = {int(row["id"]): note_of(row) for row in rows}
    pairs = Pair.objects.filter(project=run.project, pk__in=notes)
    for pair in pairs:
        work_open(
            project=run.project, kind=WorkKind.CORRECT, subject_type=PAIR, subject_id=pair.pk, note=notes[pair.pk]
        )
    if not pairs:
        raise ApplicationError(_("No pair of this run has this problem."))
    count = len(pairs)
    event_record(actor=actor, action="run.pairs_sent", project=run.project, subject=run, summary=code, count=count)
    return count


def note_of(row: dict[str, Any]) -> str:
    """What the expert reads: the problem, and by how much the pair is too long."""
    over = row.get("overflow") or 0
    if not over:
        return _(row["sentence"])
    text = ngettext("%(n)d token too many.", "%(n)d tokens too many.", over) % {"n": over}
    return f"{_(row['sentence'])} {text}"
