"""An erasure is asked for by page or program, with the project's name and a reason, or not at all."""

import pytest

from core.denied import ApplicationError
from core.models import User
from curation.choices import ErasureScope
from curation.models import DatasetVersion, Erasure, Pair, Revision, Task
from curation.selectors.erasures import revisions_of_pair
from curation.services.erasures import erasure_ask
from tests.curation.erasing.world import NAME, QUESTION
from tests.world import api_client, run_jobs, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def test_nothing_goes_without_the_typed_name_a_reason_and_something_to_erase(
    secret: Pair, owner: User, task: Task
) -> None:
    def ask(**changes: object) -> None:
        values = {"reason": "Request", "confirmation": task.project.slug, "revisions": revisions_of_pair(secret)}
        erasure_ask(actor=owner, project=task.project, scope=ErasureScope.PAIR, **{**values, **changes})

    for changes, sentence in (
        ({"confirmation": "yes"}, "Type building-advice"),
        ({"reason": " "}, "Say why"),
        ({"revisions": Revision.objects.none()}, "nothing of this kind"),
    ):
        with pytest.raises(ApplicationError, match=sentence):
            ask(**changes)
    assert not Erasure.objects.exists()
    assert secret.current is not None
    assert Revision.objects.get(pk=secret.current_id).instruction == QUESTION


def test_the_page_shows_first_and_erases_only_with_the_name(
    secret: Pair, version: DatasetVersion, owner: User, task: Task
) -> None:
    client, url = sign_in(owner), f"/p/{task.project.slug}/erasures/"
    page = client.get(f"{url}?scope=pair&pair={secret.pk}").content.decode()
    assert "can no longer be rebuilt" in page
    assert "Erase for good" in page
    assert "What would go" not in client.get(f"{url}?scope=words&words={NAME}").content.decode(), "not by an address"
    wrong = client.post(
        url, {"scope": "pair", "pair": secret.pk, "erase": "1", "reason": "Request", "confirmation": "no"}
    )
    assert wrong.status_code == 400
    assert "Type building-advice to confirm" in wrong.content.decode()
    assert not Erasure.objects.exists()
    assert client.post(url, {"scope": "words", "words": "", "preview": "1"}).status_code == 400
    right = client.post(
        url,
        {"scope": "words", "words": NAME, "erase": "1", "reason": "Request", "confirmation": task.project.slug},
    )
    run_jobs()
    erasure = Erasure.objects.get()
    assert right["Location"] == f"{url}{erasure.pk}/"
    assert "Rows of dataset versions" in client.get(right["Location"]).content.decode()
    assert NAME not in client.get(url).content.decode()


@pytest.mark.slow
def test_the_api_does_the_same(secret: Pair, version: DatasetVersion, owner: User, expert: User, task: Task) -> None:
    client = api_client(owner)
    choice = {"project": task.project.slug, "scope": "pair", "pair": secret.pk}
    seen = client.post("/api/v1/erasures/preview/", choice, format="json").json()
    assert (seen["revisions"], seen["versions"]) == ([secret.current_id], [version.pk])
    refused = client.post("/api/v1/erasures/", {**choice, "reason": "R", "confirmation": "no"}, format="json")
    assert refused.status_code == 400
    assert client.post("/api/v1/erasures/preview/", {**choice, "scope": "person"}, format="json").status_code == 400
    asked = {**choice, "reason": "R", "confirmation": task.project.slug}
    assert api_client(expert).post("/api/v1/erasures/", asked, format="json").status_code == 403
    made = client.post("/api/v1/erasures/", asked, format="json")
    assert made.status_code == 202
    run_jobs()
    done = client.get(f"/api/v1/erasures/{made.json()['id']}/").json()
    assert (done["state"], done["counts"]["version_rows"]) == ("done", 1)
    listed = client.get(f"/api/v1/erasures/?project={task.project.slug}").json()["results"]
    assert [row["id"] for row in listed] == [done["id"]]
