"""What work items, threads and inbox lines of this app are about: names of the kinds, their pages, their batches."""

from django.urls import reverse

from core.numbers import whole_number

PAIR = "pair"
QUESTION = "question"
PASSAGE = "passage"
OF_PAIR = "pair-"  # drafts of a correction begin so
OF_WORK = "work-"  # and those of what was asked for; they belong to their work item
OF_SETTLE = "settle-"  # and those of one text that is made of several answers


def pair_address(project: str, pair: int) -> str:
    """The page of a pair, for lines in inboxes."""
    return reverse("curation:pair-detail", args=[project, pair])


def passage_address(project: str, passage: int) -> str:
    """The page of a passage, for lines in inboxes."""
    return reverse("curation:passage-detail", args=[project, passage])


def review_batch(task_id: int) -> str:
    """The batch of all work items of a task."""
    return f"task-{task_id}"


def question_of_key(key: str, kind: str = OF_WORK) -> int:
    """The question that a draft's key names; 0 when it names none."""
    return (whole_number(key.removeprefix(kind)) or 0) if key.startswith(kind) else 0
