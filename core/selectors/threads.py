"""A thread as a page shows it."""

from dataclasses import dataclass
from typing import Any

from core.models import Comment, Project, Thread
from core.services.threads import mention_pattern, names_of


@dataclass(frozen=True)
class Said:
    comment: Comment
    parts: list[tuple[bool, str]]  # (whether it names a person, text)


def thread_page(project: Project, subject: tuple[str, int]) -> dict[str, Any]:
    """The thread of a thing with its comments, oldest first, and whom one may mention."""
    thread = Thread.objects.filter(subject_type=subject[0], subject_id=subject[1]).first()
    names = names_of(project)
    pattern = mention_pattern(names)
    comments = Comment.objects.filter(thread=thread).select_related("author").order_by("pk") if thread else []
    said = [Said(comment, mentions_marked(comment.body, pattern)) for comment in comments]
    shortest = {pk: name for name, pk in sorted(names.items(), key=lambda item: -len(item[0]))}
    return {"thread": thread, "said": said, "mentionable": sorted(shortest.values())}


def mentions_marked(body: str, pattern: Any) -> list[tuple[bool, str]]:
    if pattern is None:
        return [(False, body)]
    parts, at = [], 0
    for found in pattern.finditer(body):
        parts += [(False, body[at : found.start()]), (True, found.group())]
        at = found.end()
    return [part for part in (*parts, (False, body[at:])) if part[1]]
