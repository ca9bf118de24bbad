"""What the page of a prepared pretraining shows of the runs that follow it."""

from dataclasses import dataclass

from core.denied import Denied
from training.choices import AuditState, ModelState, RunState
from training.models import Run
from training.selectors.gate import launch_refusals


@dataclass(frozen=True)
class Follower:
    run: Run
    examining: bool
    refusals: list[Denied]


def followers_of(run: Run) -> list[Follower]:
    """The finetunings that begin when it is done, each with what still forbids it."""
    found = []
    for each in run.followers.select_related("version__task", "base", "audit", "project"):
        examining = each.audit is None or each.audit.state == AuditState.RUNNING
        asked = each.state == RunState.DRAFT and not examining and each.base.state == ModelState.READY
        found.append(Follower(each, examining, launch_refusals(each) if asked else []))
    return found
