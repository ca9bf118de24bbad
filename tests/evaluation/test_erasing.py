"""What models said to an erased question goes with it; the scores stay."""

from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from core.models import Project, User
from curation.choices import ErasureScope
from curation.selectors.erasures import revisions_of_pair
from curation.services.erasures import erasure_ask
from evaluation.models import Evaluation, Output, Score
from tests.world import run_jobs, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_answers_and_files_lose_it_and_the_result_page_still_opens(
    evaluated: Evaluation, owner: User, project: Project
) -> None:
    item, other = evaluated.suite.items.select_related("revision__pair")[:2]
    assert item.revision is not None
    assert other.revision is not None
    question, pair = item.revision.instruction, item.revision.pair
    folder = Path(settings.RUN_STORE) / "x-0" / "attempt-1"
    folder.mkdir(parents=True, exist_ok=True)
    texts = [(item.pk, question), (other.pk, other.revision.instruction)]
    lines = [f'{{"id": "{key}", "instruction": "{text}"}}\n' for key, text in texts]
    (folder.parent / "items.jsonl").write_text("".join(lines))
    (folder / "outputs.jsonl").write_text(f'{{"id": "{item.pk}", "text": "Mend it."}}\n{{"id": "{other.pk}"}}\n')
    scores = Score.objects.filter(output__item=item).count()
    Output.objects.update(asked="f" * 64)
    erasure = erasure_ask(
        actor=owner, project=project, scope=ErasureScope.PAIR, revisions=revisions_of_pair(pair), reason="Request",
        confirmation=project.slug,
    )  # fmt: skip
    run_jobs()
    erasure.refresh_from_db()
    assert erasure.state == "done", erasure.error
    assert set(Output.objects.filter(item=item).values_list("text", flat=True)) == {""}
    assert set(Output.objects.filter(item=item).values_list("asked", flat=True)) == {""}, "nor can it be guessed"
    assert not Output.objects.filter(item=other, text="").exists()
    assert not Output.objects.filter(item=other, asked="").exists()
    assert Score.objects.filter(output__item=item).count() == scores
    assert question not in (folder.parent / "items.jsonl").read_text()
    assert (folder.parent / "items.jsonl").read_text() == lines[1]
    assert (folder / "outputs.jsonl").read_text() == f'{{"id": "{other.pk}"}}\n'
    page = reverse("evaluation:evaluation-detail", args=[project.slug, evaluated.pk])
    assert sign_in(owner).get(page).status_code == 200
