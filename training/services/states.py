"""The one place where a run changes its state."""

from typing import Any

from django.utils.translation import gettext as _

from core.denied import ApplicationError
from training.choices import RUN_MOVES, RunState
from training.models import Run


def run_move(*, run: Run, to: RunState, **changes: Any) -> Run:
    """Move a run to another state if RUN_MOVES allows it from where it is now. Raises ApplicationError otherwise.

    A conditional update: of two that come at once, the second finds the run moved.
    """
    sources = [state for state, targets in RUN_MOVES.items() if to in targets]
    moved = Run.objects.filter(pk=run.pk, state__in=sources).update(state=to, **changes)
    run.refresh_from_db()
    if not moved:
        raise ApplicationError(refusal(run, to))
    return run


def refusal(run: Run, to: RunState) -> str:
    return _("A run that is “%(now)s” cannot become “%(then)s”; reload the page to see its state.") % {
        "now": RunState(run.state).label,
        "then": to.label,
    }
