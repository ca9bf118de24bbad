"""Programs do what people do, through the same services and with the same refusals."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from core.models import Project, User
from curation.fingerprints import Texts
from curation.models import DatasetVersion, Pair, Revision, Task
from curation.services.pairs import pair_revise, pair_submit
from curation.services.tasks import task_create
from tests.world import api_client, run_jobs

pytestmark = pytest.mark.django_db
ApiAs = Callable[..., APIClient]
ROOT = "/api/v1"


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


@pytest.fixture
def pair(task: Task, expert: User) -> Pair:
    return pair_submit(actor=expert, task=task, texts=Texts(instruction="How high?", response="1.1 metres."))


def test_owners_make_and_change_tasks(project: Project, owner: User, expert: User, api_as: ApiAs) -> None:
    body = {"project": project.slug, "name": "Sort", "kind": "extraction", "train_share": 0.7}
    assert api_as(expert).post(f"{ROOT}/tasks/", body, format="json").status_code == 403
    made = api_as(owner).post(f"{ROOT}/tasks/", body, format="json")
    assert (made.status_code, made.json()["slug"], made.json()["train_share"]) == (201, "sort", 0.7)
    path = f"{ROOT}/tasks/{made.json()['id']}/"
    assert api_as(owner).patch(path, {"template": {"kind": "chat", "prompt": "no"}}, format="json").status_code == 400
    assert api_as(owner).patch(path, {"max_tokens": 256}, format="json").json()["max_tokens"] == 256
    assert Task.objects.get().max_tokens == 256


def test_pairs_are_written_listed_and_corrected(task: Task, expert: User, viewer: User, api_as: ApiAs) -> None:
    client = api_as(expert)
    body = {"task": task.pk, "instruction": "How high?", "response": "  1.1 metres.\n", "key": "a"}
    made = client.post(f"{ROOT}/pairs/", body, format="json")
    assert made.status_code == 201
    assert client.post(f"{ROOT}/pairs/", body, format="json").json()["id"] == made.json()["id"]
    assert made.json()["current"]["response"] == "  1.1 metres.\n"
    assert api_as(viewer).post(f"{ROOT}/pairs/", body, format="json").status_code == 403
    path = f"{ROOT}/pairs/{made.json()['id']}/"
    assert client.get(path)["ETag"] == '"1"'
    assert client.post(f"{path}revisions/", {"response": "Under PBL."}, format="json").status_code == 400
    revised = client.post(f"{path}revisions/", {"response": "Under PBL.", "version": 1}, format="json")
    assert (revised.status_code, revised.json()["version"]) == (201, 2)
    assert revised.json()["current"]["instruction"] == "How high?"
    listed = client.get(f"{ROOT}/pairs/?task={task.pk}&q=pbl").json()["results"]
    assert [row["id"] for row in listed] == [made.json()["id"]]
    assert client.get(f"{ROOT}/pairs/").status_code == 400
    history = client.get(f"{path}revisions/").json()["results"]
    assert [row["number"] for row in history] == [2, 1]


def test_a_stale_write_gets_409_or_412_and_both_texts(pair: Pair, expert: User, owner: User, api_as: ApiAs) -> None:
    pair_revise(actor=owner, pair=pair, texts=Texts(instruction="How high?", response="Theirs."), version=1)
    path = f"{ROOT}/pairs/{pair.pk}/revisions/"
    answer = api_as(expert).post(path, {"response": "Mine.", "version": 1}, format="json")
    assert answer.status_code == 409
    assert (answer.json()["yours"]["response"], answer.json()["theirs"]["response"]) == ("Mine.", "Theirs.")
    assert answer.json()["version"] == 2
    answer = api_as(expert).post(path, {"response": "Mine."}, format="json", HTTP_IF_MATCH='"1"')
    assert answer.status_code == 412
    assert Revision.objects.count() == 2
    assert api_as(expert).post(path, {"response": "Mine."}, format="json", HTTP_IF_MATCH='"2"').status_code == 201


def test_a_review_is_claimed_kept_and_decided(pair: Pair, expert: User, reviewer: User, api_as: ApiAs) -> None:
    client = api_as(reviewer)
    body = {"project": pair.project.slug}
    assert api_as(expert).post(f"{ROOT}/work-items/claim/", body, format="json").status_code == 403
    held = client.post(f"{ROOT}/work-items/claim/", body, format="json").json()
    assert held["pair"]["id"] == pair.pk
    path = f"{ROOT}/work-items/{held['id']}"
    assert client.post(f"{path}/renew/").json()["lease_until"] >= held["lease_until"]
    assert api_as(expert).post(f"{path}/renew/").status_code == 404
    decision = {"revision": pair.current_id, "decision": "return", "reason": ""}
    assert client.post(f"{path}/submit/", decision, format="json").status_code == 400
    decided = client.post(f"{path}/submit/", {**decision, "decision": "approve"}, format="json")
    assert (decided.status_code, decided.json()["basis"]) == (201, "second_person")
    assert client.post(f"{ROOT}/work-items/claim/", body, format="json").status_code == 204
    assert client.get(f"{ROOT}/work-items/?project={pair.project.slug}").json()["results"] == []


def test_a_text_is_written_returned_corrected_and_approved_by_programs_alone(
    task: Task, expert: User, reviewer: User, api_as: ApiAs
) -> None:
    writer, judge, body = api_as(expert), api_as(reviewer), {"project": task.project.slug}

    def decide(decision: str, reason: str = "") -> Any:
        held = judge.post(f"{ROOT}/work-items/claim/", body, format="json").json()
        said = {"revision": held["pair"]["current"]["id"], "decision": decision, "reason": reason}
        return judge.post(f"{ROOT}/work-items/{held['id']}/submit/", said, format="json").status_code

    typed = {"task": task.pk, "instruction": "How high?", "response": "1.1."}
    made = writer.post(f"{ROOT}/pairs/", typed, format="json").json()
    assert decide("return", "Say the unit.") == 201
    [told] = writer.get(f"{ROOT}/inbox/").json()["results"]
    assert (told["kind"], told["text"]) == ("returned", "Say the unit.")
    [back] = writer.get(f"{ROOT}/pairs/?task={task.pk}&state=returned").json()["results"]
    assert back["id"] == made["id"]
    change = {"version": back["version"], "response": "1.1 metres.", "note": "With its unit."}
    assert writer.post(f"{ROOT}/pairs/{made['id']}/revisions/", change, format="json").status_code == 201
    assert decide("approve") == 201
    done = writer.get(f"{ROOT}/pairs/{made['id']}/").json()
    assert (done["state"], done["current"]["response"], done["version"]) == ("approved", "1.1 metres.", 2)


def test_a_pair_is_reviewed_by_its_number(pair: Pair, owner: User, expert: User, api_as: ApiAs) -> None:
    body = {"revision": pair.current_id, "decision": "approve"}
    assert api_as(expert).post(f"{ROOT}/pairs/{pair.pk}/review/", body, format="json").status_code == 403
    assert api_as(owner).post(f"{ROOT}/pairs/{pair.pk}/review/", body, format="json").status_code == 201
    pair.refresh_from_db()
    assert pair.state == "approved"


@pytest.mark.django_db(transaction=True)
def test_a_file_is_brought_in_frozen_and_exported(
    task: Task, owner: User, expert: User, api_as: ApiAs, settings: Any, tmp_path: Any
) -> None:
    settings.UPLOADS = tmp_path
    client = api_as(owner)
    text = (
        "".join(f'{{"prompt": "Question {n} {n * 7919}", "completion": "Answer {n}"}}\n' for n in range(20))
        + "broken\n"
    )
    upload = SimpleUploadedFile("p.jsonl", text.encode())
    batch = client.post(f"{ROOT}/imports/", {"task": task.pk, "file": upload}, format="multipart").json()
    path = f"{ROOT}/imports/{batch['id']}/"
    assert batch["mapping"]["columns"]["instruction"] == "prompt"
    assert api_as(expert).post(f"{path}start/", {"approve": True}, format="json").status_code == 403
    wrong = {"mapping": {"columns": {"instruction": "nix", "response": "completion"}}}
    assert client.post(f"{path}start/", wrong, format="json").status_code == 400
    assert client.post(f"{path}start/", {"approve": True}, format="json").status_code == 202
    run_jobs()
    done = client.get(path).json()
    assert (done["state"], done["rows"], done["accepted"], done["refused"]) == ("done", 21, 20, 1)
    assert client.get(f"{path}problems/").json()["results"][0]["row"] == 21
    version = client.post(f"{ROOT}/dataset-versions/", {"task": task.pk, "train_share": 0.7}, format="json")
    assert version.status_code == 202
    run_jobs()
    path = f"{ROOT}/dataset-versions/{version.json()['id']}/"
    frozen = client.get(path).json()
    assert (frozen["state"], frozen["counts"]["pairs"]) == ("ready", 20)
    told = {"same": True, "sha256": frozen["sha256"], "changed": 0, "job": None}
    assert client.post(f"{path}verify/").json() == told
    tests = client.get(f"{path}rows/?part=test").json()["results"]
    assert len(tests) == frozen["counts"]["parts"]["test"]
    exported = client.get(f"{ROOT}/exports/?version={frozen['id']}&shape=messages&part=test")
    assert len(b"".join(exported.streaming_content).splitlines()) == len(tests)
    suite = next(row for row in client.get(f"{ROOT}/suites/").json()["results"] if row["role"] == "test")
    items = client.get(f"{ROOT}/suites/{suite['id']}/items/").json()["results"]
    assert [item["revision"]["id"] for item in items] == [row["revision"]["id"] for row in tests]


def test_strangers_and_tokens_of_another_project_see_nothing(
    pair: Pair, task: Task, stranger: User, expert: User, make_user: Any, api_as: ApiAs
) -> None:
    paths = [f"/tasks/{task.pk}/", f"/pairs/{pair.pk}/", f"/pairs/{pair.pk}/revisions/", f"/pairs/?task={task.pk}"]
    for client in (api_as(stranger), api_as(stranger, project=Project.objects.exclude(pk=task.project_id).get())):
        assert [client.get(ROOT + path).status_code for path in paths] == [404] * len(paths)
        assert client.get(f"{ROOT}/tasks/").json()["results"] == []
        assert client.post(f"{ROOT}/pairs/{pair.pk}/trash/").status_code == 404
    reader = api_as(expert, may_write=False)
    assert reader.get(f"{ROOT}/pairs/{pair.pk}/").status_code == 200
    assert reader.post(f"{ROOT}/pairs/{pair.pk}/trash/").status_code == 403
    pair.refresh_from_db()
    assert pair.state == "submitted"
    assert not DatasetVersion.objects.exists()


def test_a_program_looks_keeps_drafts_and_takes_back_as_the_editor_does(task: Task, expert: User, owner: User) -> None:
    client = api_client(expert)
    found = client.post(f"/api/v1/tasks/{task.pk}/look/", {"response": "A fense."}, format="json").json()
    assert [finding["check"] for finding in found["findings"]["response"]] == ["misspelling"]
    path = f"/api/v1/tasks/{task.pk}/drafts/mine/"
    kept = client.put(path, {"version": 0, "fields": {"response": "half a"}}, format="json").json()
    assert (kept["version"] > 0, kept["fields"]) == (True, {"response": "half a"})
    begun = f"/api/v1/begun/?project={task.project.slug}"
    [lying] = client.get(begun).json()["results"]
    assert (lying["task"], lying["key"], lying["pair"], lying["fields"]) == (task.pk, "mine", None, kept["fields"])
    assert api_client(owner).get(begun).json()["results"] == []
    stale = client.put(path, {"version": 0, "fields": {"response": "other"}}, format="json")
    assert (stale.status_code, stale.json()["theirs"]) == (409, {"response": "half a"})
    assert api_client(owner).get(path).json() == {"version": 0, "fields": {}}
    late = client.delete(f"{path}?version=7")
    assert (late.status_code, late.json()["theirs"]) == (409, {"response": "half a"})
    assert client.delete(f"{path}?version=x").status_code == 400
    assert client.delete(f"{path}?version={kept['version']}").status_code == 204
    assert client.delete(path).status_code == 204
    body = {"task": task.pk, "instruction": "How high?", "response": "One metre."}
    pair = client.post("/api/v1/pairs/", body, format="json").json()["id"]
    [action] = client.get(f"/api/v1/actions/?project={task.project.slug}").json()
    assert (action["action"], action["text"]) == ("pair.submitted", "How high?")
    assert action["url"].endswith(f"/pairs/{pair}/")
    undone = client.post("/api/v1/actions/undo/", {"project": task.project.slug}, format="json").json()
    assert undone == {
        "event": action["event"],
        "pair": pair,
        "state": "draft",
        "assignment": None,
        "url": f"/p/{task.project.slug}/pairs/{pair}/edit/",
    }
    again = client.post("/api/v1/actions/undo/", {"project": task.project.slug}, format="json")
    assert again.status_code == 400
    similar = client.post(f"/api/v1/tasks/{task.pk}/similar/", {"instruction": "How high?"}, format="json").json()
    assert similar == []


def test_guidelines_words_and_own_work_are_read_and_written(
    task: Task, pair: Pair, expert: User, owner: User, reviewer: User, api_as: ApiAs
) -> None:
    project, path = task.project.slug, f"/api/v1/tasks/{task.pk}/guidelines/"
    assert api_as(expert).post(path, {"number": 0, "text": "Be brief."}, format="json").status_code == 403
    known = len(api_as(expert).get(path).json()["results"])
    asked = {"number": known, "text": "Be brief.", "reflags": True}
    assert api_as(owner).post(path, asked, format="json").json()["number"] == known + 1
    refused = api_as(owner).post(path, asked, format="json")
    assert (refused.status_code, "meanwhile" in refused.content.decode()) == (400, True)
    assert api_as(expert).get(path).json()["results"][0]["text"] == "Be brief."
    word = {"project": project, "language": "en", "word": "bygglov"}
    [made, again] = [api_as(expert).post("/api/v1/glossary/", word, format="json").json() for _ in range(2)]
    assert (made["word"], again["id"]) == ("bygglov", made["id"])
    assert [row["word"] for row in api_as(owner).get(f"/api/v1/glossary/?project={project}").json()["results"]] == [
        "bygglov"
    ]
    assert api_as(expert).delete(f"/api/v1/glossary/{made['id']}/").status_code == 403
    assert api_as(owner).delete(f"/api/v1/glossary/{made['id']}/").status_code == 204
    held = api_as(reviewer).post("/api/v1/work-items/claim/", {"project": project}, format="json").json()
    api_as(reviewer).post(f"/api/v1/work-items/{held['id']}/skip/", {"reason": "Not mine"}, format="json")
    [row] = api_as(reviewer).get(f"/api/v1/work-items/mine/?project={project}&state=skipped").json()["results"]
    assert (row["id"], row["reason"], row["item"]["kind"]) == (held["id"], "Not mine", "review")
    assert api_as(owner).get(f"/api/v1/work-items/mine/?project={project}").json()["results"] == []


def test_programs_have_what_helps_people_while_they_type(
    task: Task, expert: User, owner: User, viewer: User, api_as: ApiAs
) -> None:
    """A template tried out, a pair as the model sees it, two drafts put together, suggestions, a false alarm."""
    root, client = f"{ROOT}/tasks/{task.pk}/", api_as(expert)
    typed = {"instruction": "How high?", "response": "1.1 metres."}
    seen = client.post(f"{root}seen/", typed, format="json").json()
    assert "".join(part["text"] for part in seen["segments"] if part["kind"] == "trained").startswith("1.1 metres.")
    sides = {
        "base": {"response": "A fence. Ask."},
        "yours": {"response": "An oak fence. Ask."},
        "theirs": {"response": "A fence. Ask first."},
    }
    merged = client.post(f"{root}merge/", sides, format="json").json()
    assert merged == {"fields": {"response": "An oak fence. Ask first."}, "conflicts": 0}
    asked = f"{ROOT}/suggestions/?project={task.project.slug}&word=fense&language=en"
    assert "fence" in client.get(asked).json()["suggestions"]
    template = {"kind": "text", "prompt": "Q: {{instruction}}\nA: ", "before_response": "", "after_response": ""}
    tried = api_as(owner).post(f"{root}template-preview/", {"template": template}, format="json").json()
    assert tried["segments"][0]["text"].startswith("Q: ")
    bad = api_as(owner).post(f"{root}template-preview/", {"template": {"kind": "none"}}, format="json")
    refused = client.post(f"{root}template-preview/", {"template": template}, format="json")
    assert (bad.status_code, refused.status_code) == (400, 403)
    alarm = {
        "project": task.project.slug,
        "text": "A fense.",
        "check": "misspelling",
        "excerpt": "fense",
        "reason": "Ours",
    }
    assert client.post(f"{ROOT}/dismissals/", alarm, format="json").status_code == 201
    assert api_as(viewer).post(f"{ROOT}/dismissals/", alarm, format="json").status_code == 403
    assert client.get(f"{ROOT}/answers/to-judge/?project={task.project.slug}").json() == []
    measure = f"{ROOT}/projects/{task.project.slug}/agreement/"
    assert (client.post(measure).status_code, api_as(owner).post(measure).status_code) == (403, 202)
