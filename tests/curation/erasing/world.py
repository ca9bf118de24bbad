"""What is to be erased, with all that the product makes of it, and the looking whether it is anywhere still."""

from pathlib import Path

from django.conf import settings
from django.db import connection

from core.models import Comment, Event, Notice, Project, Thread, User, WorkItem
from curation.choices import Decision, ErasureScope
from curation.fingerprints import Texts
from curation.models import Answer, DatasetVersion, Erasure, Pair, Question, Task
from curation.services.dismissals import finding_dismiss
from curation.services.drafts import draft_save
from curation.services.erasures import erasure_ask
from curation.services.likeness import likeness_due
from curation.services.pairs import pair_submit
from curation.services.reviews import review_decide
from curation.services.versions import version_freeze
from tests.world import run_jobs

NAME = "Zyxander Qvorbit"
QUESTION = f"Where does {NAME} of Hemlok lane 4711 keep the keys of the old house by the lake in winter and in summer?"
ANSWER = f"{NAME} keeps them with a neighbour whose nummber is 0551-998877, behind the third door on the left."


def approve(reviewer: User, pair: Pair, reason: str = "") -> None:
    pair.refresh_from_db()
    review_decide(actor=reviewer, pair=pair, revision_id=pair.current_id or 0, decision=Decision.APPROVE, reason=reason)


def subject_of(pair: Pair) -> dict[str, object]:
    return {"subject_type": "pair", "subject_id": pair.pk}


def secret_pair(task: Task, expert: User, reviewer: User, owner: User) -> Pair:
    """A pair about somebody, with everything around it that the product makes of it."""
    texts = Texts(
        instruction=QUESTION, response=ANSWER, topic=NAME, turns=[{"role": "user", "content": f"About {NAME}"}]
    )
    pair = pair_submit(actor=expert, task=task, texts=texts, source=f"letter of {NAME}", note=f"told by {NAME}")
    approve(reviewer, pair, reason=f"{NAME} agrees")
    draft_save(actor=expert, task=task, key="k", fields={"response": f"{ANSWER} Yes."}, version=0, pair=pair, base=1)
    place = [{"field": "part", "start": 0, "end": len(NAME), "text": NAME}]
    pair.revisions.update(evidence=place)
    finding_dismiss(
        actor=expert, project=task.project, text=ANSWER, check_id="misspelling", excerpt="nummber",
        reason=f"{NAME} writes so", pair=pair,
    )  # fmt: skip
    WorkItem.objects.filter(subject_type="pair", subject_id=pair.pk).update(note=f"Ask {NAME}")
    Event.objects.create(
        action="pair.seen", object_type="pair", object_id=str(pair.pk), summary=NAME, data={"by": NAME}
    )
    Pair.objects.filter(pk=pair.pk).update(metadata={"customer": NAME})
    asked = Question.objects.create(
        project=task.project, task=task, instruction=QUESTION, wanted=NAME, language="en", key=NAME, pair=pair
    )
    thread = Thread.objects.create(project=task.project, subject_type="pair", subject_id=pair.pk)
    Comment.objects.create(thread=thread, author=expert, body=f"{NAME} called")
    Notice.objects.create(user=owner, project=task.project, kind="answered", url="/", text=NAME, **subject_of(pair))
    Answer.objects.create(
        question=asked, author=expert, texts=texts.to_json(), fingerprint="f", note=NAME, pair=pair, evidence=place
    )
    for number in range(8):
        other = pair_submit(
            actor=expert, task=task, texts=Texts(instruction=f"q{number} r{number}", response=f"a{number}")
        )
        approve(reviewer, other)
    twin = pair_submit(actor=owner, task=task, texts=Texts(instruction="Short", response=ANSWER + " Always."))
    approve(reviewer, twin)
    likeness_due()
    run_jobs()
    return pair


def version_of(task: Task, owner: User) -> DatasetVersion:
    made = version_freeze(actor=owner, task=task)
    run_jobs()
    made.refresh_from_db()
    assert made.state == "ready", made.error
    return made


def erase(owner: User, project: Project, scope: ErasureScope = ErasureScope.PAIR, **chosen: object) -> Erasure:
    erasure = erasure_ask(
        actor=owner, project=project, scope=scope, reason="Request 12", confirmation=project.slug, **chosen
    )
    run_jobs()
    erasure.refresh_from_db()
    return erasure


def tables_with(*needles: str) -> list[str]:
    """Every table in which one of these stands, in whatever column."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            for needle in needles:
                cursor.execute(f'SELECT count(*) FROM "{table}" line_ WHERE line_::text ILIKE %s', [f"%{needle}%"])
                if cursor.fetchone()[0]:
                    found.append(table)
    return sorted(set(found))


def files_with(*needles: str) -> list[str]:
    """Every file of the stores in which one of these stands, by its name."""
    stores = (settings.UPLOADS, settings.CORPUS_STORE, settings.RUN_STORE, settings.MODEL_STORE, settings.EXPORTS)
    paths = [path for store in stores for path in sorted(Path(store).rglob("*")) if path.is_file()]
    held = [path for path in paths if any(needle.encode() in path.read_bytes() for needle in needles)]
    return [path.name for path in held]
