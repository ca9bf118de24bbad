"""Stores a model's draft in an installation that runs, and a person's answer to the same question:
`python -m tests.e2e.drafted DRAFTING EMAIL` with its environment. Prints the answer's number.

Whether the tiny model writes anything is chance; where it did, its own draft stays.
"""

import sys

import django

django.setup()

from core.models import User, WorkItem  # noqa: E402
from core.services.work import work_claim  # noqa: E402
from curation.fingerprints import Texts  # noqa: E402
from curation.models import Answer, Drafting, ModelDraft, Question  # noqa: E402
from curation.services.answers import answer_submit  # noqa: E402
from curation.services.drafting import draft_store  # noqa: E402
from curation.subjects import QUESTION  # noqa: E402

WRITTEN = "A hanger is held by the nails that its maker names, and by"
ANSWERED = "The nails that the maker of the hanger names, one in every hole."


def answered(drafting: Drafting, actor: User) -> Answer:
    """The answer to the newest question of the drafting's task, given beside a draft that was cut."""
    question = Question.objects.filter(task=drafting.task).latest("pk")
    draft, _made = ModelDraft.objects.get_or_create(question=question, defaults={"drafting": drafting})
    assert draft_store(draft=draft, text=WRITTEN, finish_reason="length")
    held = work_claim(
        user=actor, item=WorkItem.objects.get(subject_type=QUESTION, subject_id=question.pk, state="open")
    )
    assert held is not None
    texts = Texts(instruction=question.instruction, response=ANSWERED, language=question.language)
    return answer_submit(actor=actor, assignment=held, texts=texts)


if __name__ == "__main__":
    print(answered(Drafting.objects.get(pk=sys.argv[1]), User.objects.get(email=sys.argv[2])).pk)
