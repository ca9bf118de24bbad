"""A thread as a page shows it, and whom its words may name."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core.models import Comment, Membership, Project, Thread


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


def names_of(project: Project) -> dict[str, int]:
    """What may follow an @, with whom it means: whole names, and first names that only one of them has."""
    members = Membership.objects.filter(project=project, user__is_active=True).select_related("user")
    people = {member.user_id: str(member.user) for member in members}
    first = {pk: name.split()[0] for pk, name in people.items() if name.split()}
    times = Counter(name.lower() for name in first.values())
    alone = {name: pk for pk, name in first.items() if times[name.lower()] == 1}
    return {**alone, **{name: pk for pk, name in people.items()}}


def mention_pattern(names: Iterable[str]) -> "re.Pattern[str] | None":
    """Finds the longest name after an @ that does not stand inside a word, such as an address."""
    longest = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<!\w)@({'|'.join(map(re.escape, longest))})(?!\w)", re.IGNORECASE) if longest else None
