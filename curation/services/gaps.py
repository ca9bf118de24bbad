"""What the data lacks becomes work: questions that writers think up themselves, of the wanted topic and length."""

from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.models import User
from curation.models import Question, Task
from curation.services.questions import questions_ask

MOST = 50


def gap_ask(
    *,
    actor: User,
    task: Task,
    topic: str,
    shortest: int = 0,
    longest: int | None = None,
    count: int = 5,
    about: str = "",
) -> list[Question]:
    """Ask for `count` new pairs about a topic, with so many tokens, or whose texts speak of something (`about`).

    Each is a piece of work whose instruction says what is wanted, and which its writer replaces by a question. Asked
    again, it asks for that many more.
    Raises ApplicationError for a count out of bounds or lengths that contradict each other.
    """
    if not 1 <= count <= MOST:
        raise ApplicationError(_("Between 1 and %(most)d pairs are asked for at once.") % {"most": MOST}, field="count")
    if longest is not None and longest <= shortest:
        raise ApplicationError(_("The longest is not longer than the shortest."), field="longest")
    wish = wish_of(topic, shortest, longest, about.strip())
    before = Question.objects.filter(task=task, topic=topic[:120], instruction__startswith=wish).count()
    rows = [{"instruction": f"{wish} ({number})", "topic": topic} for number in range(before + 1, before + count + 1)]
    return questions_ask(actor=actor, task=task, rows=rows)


def wish_of(topic: str, shortest: int, longest: int | None, about: str = "") -> str:
    values = {"topic": topic or "–", "from": shortest, "to": longest, "about": about}
    if about:
        return _("Write a new question here whose texts speak of %(about)s, and answer it.") % values
    if longest is None and not shortest:
        return _("Write a new question about “%(topic)s” here, and answer it.") % values
    if longest is None:
        return _("Write a new question about “%(topic)s” here; together at least %(from)s tokens.") % values
    return _("Write a new question about “%(topic)s” here; together %(from)s to %(to)s tokens.") % values
