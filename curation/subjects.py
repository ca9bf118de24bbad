"""What work items, threads and inbox lines of this app are about: names of the kinds, their pages, their batches."""

from django.urls import reverse

PAIR = "pair"
QUESTION = "question"
PASSAGE = "passage"


def pair_address(project: str, pair: int) -> str:
    """The page of a pair, for lines in inboxes."""
    return reverse("curation:pair-detail", args=[project, pair])


def passage_address(project: str, passage: int) -> str:
    """The page of a passage, for lines in inboxes."""
    return reverse("curation:passage-detail", args=[project, passage])


def review_batch(task_id: int) -> str:
    """The batch of all work items of a task."""
    return f"task-{task_id}"
