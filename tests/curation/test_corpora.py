"""Corpora from files to the frozen texts: pages, API, and what is refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core.denied import ApplicationError
from core.models import Event, Job, Project, User
from curation.choices import CorpusState
from curation.models import Corpus, Document
from curation.selectors.corpora import corpus_texts, problems_of
from curation.services.corpora import corpus_again, corpus_delete, corpus_make
from ml.corpus.shapes import CorpusError, Report
from ml.hashing import file_sha256
from ml.phrases import gettext_noop
from tests.ml.test_corpus import prose
from tests.world import run_jobs

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
Sign = Callable[[User], Client]


def upload(name: str, text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode())


def make(owner: User, project: Project, **changes: Any) -> Corpus:
    files = [upload("a.md", "\n\n".join(prose(n, 12) for n in range(80))), upload("b.txt", prose(500))]
    made = corpus_make(actor=owner, project=project, **{"name": "Handbook", "uploads": files, **changes})
    run_jobs()
    made.refresh_from_db()
    return made


def test_files_become_a_frozen_corpus(owner: User, project: Project, as_user: Sign) -> None:
    files = [upload("a.md", "\n\n".join(prose(n, 12) for n in range(80))), upload("short.txt", "No.")]
    client = as_user(owner)
    given = {"name": "Handbook", "sources": files, "similar": "0.8", "least": "40", "share": "0.1", "column": "text"}
    answer = client.post(f"/p/{project.slug}/corpora/new/", given)
    corpus = Corpus.objects.get()
    assert answer.headers["Location"] == f"/p/{project.slug}/corpora/{corpus.pk}/"
    assert corpus.state == CorpusState.BUILDING
    assert b"hx-get" in client.get(answer.headers["Location"]).content
    run_jobs()
    corpus.refresh_from_db()
    assert corpus.state == CorpusState.READY, corpus.error
    rows = [json.loads(line) for line in corpus_texts(corpus).read_text().splitlines()]
    assert corpus.sha256 == file_sha256(corpus_texts(corpus))
    assert corpus.texts == len(rows)
    assert corpus.train_bytes == sum(len(row["text"].encode()) for row in rows if row["part"] == "train")
    page = client.get(answer.headers["Location"]).content.decode()
    assert "Too short to learn from." in page
    assert "short.txt#0" in page
    assert rows[0]["text"][:40] in page
    held = client.get(answer.headers["Location"] + "?part=heldout").content.decode()
    assert rows[0]["text"][:40] not in held
    folder = settings.CORPUS_STORE / corpus.folder
    assert [path.name for path in folder.glob("source-*")] == []
    assert Event.objects.filter(action="corpus.frozen", object_id=str(corpus.pk)).exists()
    assert "Handbook" in client.get(f"/p/{project.slug}/corpora/").content.decode()


def test_the_documents_of_a_project_become_one(owner: User, project: Project, as_user: Sign) -> None:
    for n in range(3):
        Document.objects.create(
            project=project, file_name=f"{n}.md", kind="markdown", title=f"Page <{n}>", text=prose(n, 12),
            characters=10, sha256=str(n) * 64,
        )  # fmt: skip
    given = {"name": "Handbook", "documents": "on", "similar": "0.8", "least": "40", "share": "0.1", "column": "body"}
    assert as_user(owner).post(f"/p/{project.slug}/corpora/new/", given).status_code == 302
    run_jobs()
    corpus = Corpus.objects.get()
    assert corpus.state == CorpusState.READY, corpus.error
    assert corpus.counts == {"train": 2, "heldout": 1}
    assert json.loads(corpus_texts(corpus).read_text().splitlines()[0])["id"] == "documents.jsonl:1 Page <0>#0"


def test_what_is_refused_leaves_nothing(owner: User, project: Project) -> None:
    make(owner, project)
    before = sorted(path.name for path in settings.CORPUS_STORE.iterdir())
    for changes, sentence in (
        ({}, "this name already"),
        ({"name": "  "}, "Give the corpus a name"),
        ({"name": "B", "uploads": [upload("a.exe", "x")]}, "none of the kinds"),
        ({"name": "B", "uploads": []}, "nothing to make a corpus of"),
        ({"name": "B", "share": 0.9}, "share must lie between"),
    ):
        with pytest.raises(ApplicationError, match=sentence):
            make(owner, project, **changes)
    assert Corpus.objects.count() == Job.objects.filter(kind="corpus").count() == 1
    assert sorted(path.name for path in settings.CORPUS_STORE.iterdir()) == before


def test_one_that_fails_says_why_and_can_be_made_again_or_thrown_away(owner: User, project: Project) -> None:
    corpus = make(owner, project, uploads=[upload("a.txt", "No.")])
    assert (corpus.state, corpus.sha256) == (CorpusState.FAILED, "")
    assert "Nothing is left to learn from. Texts left out: 1. Too short to learn from. Loosen" in corpus.error
    corpus_again(actor=owner, corpus=corpus)
    corpus.refresh_from_db()
    assert corpus.state == CorpusState.BUILDING
    with pytest.raises(ApplicationError, match="stop its job first"):
        corpus_delete(actor=owner, corpus=corpus)
    run_jobs()
    corpus_delete(actor=owner, corpus=corpus)
    assert not Corpus.objects.exists()
    assert not (settings.CORPUS_STORE / corpus.folder).exists()


def test_what_could_not_be_read_is_said_in_the_readers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    report = Report(problems=["As it was written before."])
    report.problem(CorpusError(gettext_noop("There is no text in “%(column)s”."), column="text").at("a.jsonl, line 3"))
    kept = json.loads(json.dumps(report.to_json()))
    monkeypatch.setattr("core.sentences.gettext", lambda text: text.replace("There is no text in", "Ingen text i"))
    assert problems_of(kept) == ["As it was written before.", "a.jsonl, line 3: Ingen text i “text”."]


def test_hostile_names_and_texts_are_data(owner: User, project: Project, as_user: Sign) -> None:
    nasty = "<script>alert(1)</script> {{ 7*7 }} ../../etc/passwd"
    rows = "\n".join(json.dumps({"text": f"{nasty} {prose(n)}", "id": nasty}) for n in range(5))
    corpus = make(owner, project, name=nasty, uploads=[upload("../../x.jsonl", rows)])
    page = as_user(owner).get(f"/p/{project.slug}/corpora/{corpus.pk}/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert corpus.files[0]["name"] == "x.jsonl"


def test_the_api_does_the_same(owner: User, project: Project, viewer: User, api_as: Callable[..., Any]) -> None:
    client = api_as(owner)
    text = "\n\n".join(prose(n, 12) for n in range(80))
    given = {"project": project.slug, "name": "Texts", "files": [upload("a.md", text)], "licence": "CC0"}
    made = client.post("/api/v1/corpora/", given, format="multipart")
    assert made.status_code == 201, made.json()
    run_jobs()
    url = f"/api/v1/corpora/{made.json()['id']}/"
    found = client.get(url).json()
    assert (found["state"], found["licence"], found["settings"]["column"]) == ("ready", "CC0", "text")
    texts = client.get(url + "texts/?part=heldout").json()
    assert {row["part"] for row in texts} == {"heldout"}
    assert api_as(viewer).delete(url).status_code == 403
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404
