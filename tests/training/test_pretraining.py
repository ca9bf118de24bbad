"""A corpus and a model to a base model: new ones, registered ones, and the finetuning that follows by itself."""

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client

from core.choices import JobState, NoticeKind
from core.denied import ApplicationError
from core.models import Event, Job, Notice, Project, User
from core.registries import lineage_of
from core.scrubbing import SHORTEST
from curation.choices import CorpusState, ErasureScope
from curation.fingerprints import Texts
from curation.models import Corpus, DatasetVersion, Document
from curation.selectors.corpora import corpus_texts
from curation.selectors.erasures import revisions_of_pair
from curation.services.corpora import corpus_delete
from curation.services.erasing_material import SENTENCE
from curation.services.erasures import erasure_ask
from curation.services.pairs import pair_submit
from curation.services.tasks import task_create
from ml.corpus.shapes import TEXTS
from ml.hashing import file_sha256
from ml.store import ModelRef
from ml.train.texts import read_texts
from tests.ml.test_corpus import prose
from tests.world import run_jobs
from training.choices import AuditState, ModelState, RunState
from training.models import Audit, BaseModel, ModelVersion, Run, RunEvent
from training.selectors.gate import launch_refusals
from training.selectors.refs import model_ref
from training.services.chains import chain_launch
from training.services.pretraining import NewModel, Next, OfDocuments, pretraining_prepare
from training.services.runs import run_cancel, run_resume, run_retry_halved
from training.services.scratch import scratch_make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
Sign = Callable[[User], Client]
TINY = {"threads": 1, "precision": "float32", "batch_size": 4, "block_tokens": 32, "max_steps": 4, "save_every": 2}


@pytest.fixture
def corpus(owner: User, project: Project) -> Corpus:
    """A frozen one; tests/curation/test_corpora.py has them made by the job."""
    folder = settings.CORPUS_STORE / f"corpus-{uuid4().hex[:16]}"
    folder.mkdir(parents=True)
    texts = ["\n\n".join(prose(n, 12) for n in range(at, at + 6)) for at in range(0, 60, 6)]
    parts = ["train"] * 9 + ["heldout"]
    rows = [{"id": str(at), "text": text, "part": parts[at]} for at, text in enumerate(texts)]
    path = folder / "texts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Corpus.objects.create(
        project=project, name="Houses", folder=folder.name, state=CorpusState.READY, sha256=file_sha256(path), texts=10,
        licence="CC0", settings={"column": "text"}, report={"texts": {"train": 9, "heldout": 1}, "lengths": {}},
        train_bytes=sum(map(len, texts[:9])), heldout_bytes=len(texts[9]), created_by=owner,
    )  # fmt: skip


@pytest.fixture
def prepare(owner: User, project: Project, corpus: Corpus, tiny_base: BaseModel) -> Callable[..., Run]:
    def make(*, base: Any = tiny_base, changes: dict[str, Any] | None = None, **more: Any) -> Run:
        run = pretraining_prepare(
            actor=owner, project=project, corpus=corpus, base=base, changes={**TINY, **(changes or {})}, **more
        )
        run_jobs()
        return Run.objects.select_related("base", "corpus").get(pk=run.pk)

    return make


def train(run: Run, actor: User) -> Run:
    chain_launch(actor=actor, run=run)
    run_jobs("train")
    run.refresh_from_db()
    return run


def test_a_pretraining_makes_a_registered_base_model(
    prepare: Callable[..., Run], owner: User, project: Project, corpus: Corpus, as_user: Sign
) -> None:
    run = train(prepare(name="Houses on"), owner)
    assert (run.state, run.error, run.step) == (RunState.DONE, "", 4)
    base = BaseModel.objects.get(run=run)
    assert (base.name, base.state, base.corpus, base.licence) == ("Houses on", ModelState.READY, corpus, "CC0")
    reference = ModelRef.from_json(model_ref(base))
    reference.verify()
    assert reference.fingerprint != run.base.fingerprint
    assert reference.tokenizer_fingerprint == run.base.tokenizer_fingerprint
    assert run.result["bits_per_byte_after"] < run.result["bits_per_byte_before"]
    assert run.live["bits_per_byte"] == run.result["bits_per_byte_after"]
    assert RunEvent.objects.filter(run=run, type="step").count() == 4
    provenance = json.loads((settings.MODEL_STORE / base.folder / "lineage.json").read_text())["provenance"]
    assert provenance["corpus"] == "Houses"
    assert not ModelVersion.objects.exists()
    assert Event.objects.filter(action="base_model.made", object_id=str(base.pk)).exists()
    heard = Notice.objects.get(user=owner, kind=NoticeKind.RUN).text
    assert heard == "The pretraining “Houses on” is done: base model “Houses on”."
    assert [entry.label for entry in lineage_of("corpus", corpus)] == ["Houses on", "Houses on"]
    assert [entry.label for entry in lineage_of("run", run)] == ["Houses", "Tiny", "Houses on"]
    client = as_user(owner)
    page = client.get(f"/p/{project.slug}/training/{run.pk}/").content.decode()
    assert "Bits per byte by step" in page
    assert f"/models/bases/{base.pk}/" in page
    assert client.get(f"/p/{project.slug}/models/bases/{base.pk}/").status_code == 200
    assert client.get(f"/p/{project.slug}/training/").status_code == 200
    assert client.get(f"/p/{project.slug}/corpora/{corpus.pk}/").status_code == 200
    with pytest.raises(ApplicationError, match="Runs have learnt"):
        corpus_delete(actor=owner, corpus=corpus)
    text_leaves(run, base, corpus, owner)


def text_leaves(run: Run, base: BaseModel, corpus: Corpus, owner: User) -> None:
    """A short text that stands once in the corpus is erased from it, from the run's copy and from its tokens."""
    lines = corpus_texts(corpus).read_text().splitlines()
    short = re.findall(r"stands by the \w+ \d+", json.loads(lines[3])["text"])[-1]
    assert [short in line for line in lines] == [False] * 3 + [True] + [False] * 6
    assert SHORTEST <= len(short) < SENTENCE
    task = task_create(actor=owner, project=corpus.project, name="Houses")
    pair = pair_submit(actor=owner, task=task, texts=Texts(instruction=short, response="Yes."))
    folder = settings.RUN_STORE / run.folder
    assert list(folder.rglob(TEXTS))
    erasure = erasure_ask(
        actor=owner, project=corpus.project, scope=ErasureScope.PAIR, revisions=revisions_of_pair(pair),
        reason="Request", confirmation=corpus.project.slug,
    )  # fmt: skip
    run_jobs()
    erasure.refresh_from_db()
    assert (erasure.state, erasure.error) == ("done", "")
    assert (erasure.counts["corpus_texts"], erasure.counts["common"]) == (1, 0)
    assert {entry["label"] for entry in erasure.models_touched} == {base.name}
    for place in (settings.CORPUS_STORE, settings.RUN_STORE, settings.MODEL_STORE):
        held = [path for path in place.rglob("*") if path.is_file() and short.encode() in path.read_bytes()]
        assert held == []
    assert not list(folder.rglob("tokens.npy"))
    assert len(list(read_texts(next(folder.rglob(TEXTS)), "train"))) == 8
    corpus.refresh_from_db()
    assert corpus.erased == 1


def test_a_new_model_is_made_and_pretrained(prepare: Callable[..., Run], owner: User) -> None:
    run = prepare(base=NewModel("tiny", 300), changes={"max_steps": 12})
    base = run.base
    assert (base.state, base.error, base.size) == (ModelState.READY, "", "tiny")
    assert base.report["vocabulary"] == 300
    assert base.has_chat_template
    assert run.recipe["method"] == "full"
    assert run.preset == "new-balanced"
    run = train(run, owner)
    assert run.state == RunState.DONE, run.error
    assert run.result["bits_per_byte_after"] < run.result["bits_per_byte_before"] - 0.2


def test_what_follows_a_run_that_is_given_up_never_starts(
    prepare: Callable[..., Run], owner: User, frozen: DatasetVersion
) -> None:
    run = prepare(then=Next(frozen))
    chain_launch(actor=owner, run=run)
    run_cancel(actor=owner, run=run)
    follower = Run.objects.get(after=run)
    assert follower.state == RunState.FAILED
    assert "was given up" in follower.error
    with pytest.raises(ApplicationError, match="begin a new one"):
        run_resume(actor=owner, run=follower)


def test_a_failed_step_keeps_the_next_waiting_with_the_reason(
    prepare: Callable[..., Run], owner: User, project: Project, frozen: DatasetVersion, corpus: Corpus, as_user: Sign
) -> None:
    run = prepare(then=Next(frozen))
    texts = settings.CORPUS_STORE / corpus.folder / "texts.jsonl"
    chain_launch(actor=owner, run=run)
    texts.rename(texts.with_name("away"))
    run_jobs("train")
    run.refresh_from_db()
    follower = Run.objects.get(after=run)
    assert (run.state, follower.state) == (RunState.FAILED, RunState.WAITING)
    page = as_user(owner).get(f"/p/{project.slug}/training/{follower.pk}/").content.decode()
    assert "are not on this machine" in page
    assert "Resume that run, or give this one up." in page
    texts.with_name("away").rename(texts)
    run_resume(actor=owner, run=run)
    run.refresh_from_db()
    follower.refresh_from_db()
    assert (run.state, follower.state) == (RunState.QUEUED, RunState.WAITING)


def run_all_but_the_corpus() -> None:
    """As on a machine on which the corpus takes longer than the examination of the pairs."""
    job = Job.objects.filter(kind="corpus")
    job.update(state=JobState.HELD)
    run_jobs()
    job.update(state=JobState.QUEUED)


def test_documents_become_a_corpus_a_pretrained_and_a_finetuned_model_in_one_launch(
    owner: User, project: Project, frozen: DatasetVersion, tiny_base: BaseModel, as_user: Sign
) -> None:
    client = as_user(owner)
    form = f"/p/{project.slug}/training/pretrain/"
    assert "No text to learn from yet" in client.get(form).content.decode()
    for n in range(12):
        text = "\n\n".join(prose(n * 8 + at, 12) for at in range(8))
        Document.objects.create(project=project, file_name=f"{n}.txt", kind="text", title=str(n), text=text,
                                characters=len(text), sha256=f"{n:064}")  # fmt: skip
    given = {"base": tiny_base.pk, "preset": "quick", **TINY, "then": frozen.pk, "then_preset": "quick"}
    assert client.post(form, {**given, "base": "new-tiny"}).status_code == 400  # its words are not there yet
    answer = client.post(form, given)
    run = Run.objects.get(corpus__name="Documents")
    follower = Run.objects.get(after=run)
    assert (answer.headers["Location"], follower.preset) == (f"/p/{project.slug}/training/{run.pk}/check/", "quick")
    own = f"/p/{project.slug}/training/{follower.pk}/edit/"
    page = client.get(own).content.decode()
    assert "What “Documents · Tiny” makes" in page
    changed = {"version": frozen.pk, "base": tiny_base.pk, "preset": "quick", "max_steps": 2, "max_tokens": 256}
    client.post(own, {**changed, "threads": 1, "precision": "float32"})
    run_all_but_the_corpus()
    page = client.get(answer.headers["Location"]).content.decode()
    assert "The corpus is being made" in page
    client.post(f"/p/{project.slug}/training/{run.pk}/launch/")
    assert set(Run.objects.values_list("state", flat=True)) == {RunState.WAITING}
    page = client.get(f"/p/{project.slug}/training/{run.pk}/").content.decode()
    assert "It begins when this corpus is made:" in page
    page = client.get(f"/p/{project.slug}/training/{follower.pk}/").content.decode()
    assert "It begins from the model that this run makes:" in page
    run_jobs()
    run_jobs("train")
    assert set(Run.objects.values_list("state", "error")) == {(RunState.DONE, "")}
    version = ModelVersion.objects.get()
    assert version.base == BaseModel.objects.get(run=run)
    ModelRef.from_json(model_ref(version.base, version)).verify()
    assert Run.objects.get(pk=run.pk).estimate["source"] == "registered"


def test_a_corpus_that_fails_keeps_the_chain_waiting_and_tells_its_people(
    owner: User, project: Project, frozen: DatasetVersion, tiny_base: BaseModel, as_user: Sign
) -> None:
    Document.objects.create(project=project, file_name="a", kind="text", title="a", text="Short.", sha256="0" * 64,
                            characters=6)  # fmt: skip
    run = pretraining_prepare(
        actor=owner, project=project, corpus=OfDocuments(), base=tiny_base, preset="quick", changes=TINY,
        then=Next(frozen, "quick"),
    )  # fmt: skip
    run_all_but_the_corpus()
    chain_launch(actor=owner, run=run)
    run_jobs()
    corpus = Corpus.objects.get()
    assert corpus.state == CorpusState.FAILED
    assert set(Run.objects.values_list("state", flat=True)) == {RunState.WAITING}
    assert "its corpus could not be made" in Notice.objects.get(user=owner, kind=NoticeKind.RUN).text
    page = as_user(owner).get(f"/p/{project.slug}/training/{run.pk}/").content.decode()
    assert "Make the corpus again, or give this run up." in page
    assert corpus.error in page
    run_cancel(actor=owner, run=run)
    assert list(Run.objects.order_by("pk").values_list("state", flat=True)) == [RunState.CANCELLED, RunState.FAILED]


def test_a_prepared_pretraining_is_changed_and_tried(
    monkeypatch: pytest.MonkeyPatch, prepare: Callable[..., Run], owner: User, project: Project,
    frozen: DatasetVersion, as_user: Sign, api_as: Callable[..., Any],
) -> None:  # fmt: skip
    monkeypatch.setattr("training.jobs.SECONDS", 0.2)
    run, client = prepare(then=Next(frozen)), as_user(owner)
    edit = f"/p/{project.slug}/training/{run.pk}/edit/"
    page = client.get(edit).content.decode()
    assert 'name="block_tokens" value="32"' in page
    given = {"corpus": run.corpus_id, "base": run.base_id, "preset": "quick", "method": "full", **TINY}
    answer = client.post(edit, {**given, "nights": "on", "wanted_by": "2020-01-01T00:00", "tell": "owners"})
    assert answer.status_code == 302
    run.refresh_from_db()
    assert (run.preset, run.recipe["method"], run.nights, run.tell) == ("on-quick", "full", True, "owners")
    assert not Run.objects.filter(after=run).exists()
    client.post(f"/p/{project.slug}/training/{run.pk}/probe/")
    run_jobs("train")
    page = client.get(answer.headers["Location"]).content.decode()
    assert "as prepared" in page
    assert ", by the trial" in page
    body = {"project": project.slug, "corpus": run.corpus_id, "base": run.base_id, "then": frozen.pk, "recipe": TINY}
    changed = api_as(owner).put(f"/api/v1/pretrainings/{run.pk}/", {**body, "then_preset": "quick"}, format="json")
    assert (changed.status_code, changed.json()["recipe"]["method"]) == (200, "lora")
    follower = Run.objects.get(after=run)
    assert follower.preset == "quick"
    assert "its corpus" not in str(launch_refusals(run))
    Run.objects.filter(pk=run.pk).update(state=RunState.CANCELLED)
    clone = f"/p/{project.slug}/training/pretrain/?from={run.pk}"
    assert clone in client.get(f"/p/{project.slug}/training/{run.pk}/").content.decode()
    assert 'name="block_tokens" value="32"' in client.get(clone).content.decode()
    assert api_as(owner).put(f"/api/v1/pretrainings/{run.pk}/", body, format="json").status_code == 400


def test_half_a_batch_takes_the_rest_of_the_chain_along(
    prepare: Callable[..., Run], owner: User, frozen: DatasetVersion
) -> None:
    run = chain_launch(actor=owner, run=prepare(then=Next(frozen)))
    Run.objects.filter(pk=run.pk).update(state=RunState.FAILED)
    twin = run_retry_halved(actor=owner, run=run)
    assert (twin.recipe["batch_size"], twin.recipe["accumulation"]) == (2, 2)
    assert Run.objects.get(after=twin).state == RunState.WAITING


def test_a_follower_is_not_launched_by_itself(prepare: Callable[..., Run], owner: User, project: Project,
                                              frozen: DatasetVersion, as_user: Sign) -> None:  # fmt: skip
    follower = Run.objects.get(after=prepare(then=Next(frozen)))
    client, check = as_user(owner), f"/p/{project.slug}/training/{follower.after_id}/check/"
    client.post(f"/p/{project.slug}/training/{follower.pk}/launch/")
    follower.refresh_from_db()
    assert follower.state == RunState.DRAFT
    assert "Launch both, one after the other" in client.get(check).content.decode()
    Audit.objects.filter(pk=follower.audit_id).update(state=AuditState.FAILED, error="A row is gone.")
    page = client.get(check).content.decode()
    assert ("What is to follow cannot start yet" in page, "Launch both" in page) == (True, False)


def test_what_cannot_be_pretrained_names_the_field(
    prepare: Callable[..., Run], owner: User, project: Project, corpus: Corpus
) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"changes": {"block_tokens": 4096}}, "block_tokens"),
        ({"preset": "endless"}, "preset"),
        ({"base": NewModel("huge")}, "size"),
        ({"base": NewModel("tiny", 5)}, "vocabulary"),
        ({"base": NewModel("tiny"), "method": "lora"}, "method"),
        ({"name": "x" * 200}, "name"),
    ]
    for given, field in cases:
        with pytest.raises(ApplicationError) as refused:
            prepare(**given)
        assert refused.value.field == field
    Corpus.objects.update(state="failed")
    with pytest.raises(ApplicationError, match="not ready"):
        scratch_make(actor=owner, corpus=Corpus.objects.get(), size="tiny")
    assert not Run.objects.exists()


def test_from_the_form_to_the_queue(
    owner: User, project: Project, corpus: Corpus, tiny_base: BaseModel, frozen: DatasetVersion, as_user: Sign
) -> None:
    client = as_user(owner)
    page = client.get(f"/p/{project.slug}/training/pretrain/?corpus={corpus.pk}").content.decode()
    assert "million weights" in page
    assert "Block of text" in page
    assert "Longest pair" not in page
    given = {"corpus": corpus.pk, "base": "new-tiny", "preset": "quick", "then": frozen.pk, "vocabulary": 300}
    answer = client.post(f"/p/{project.slug}/training/pretrain/", {**given, "learning_rate": "0.002"})
    run = Run.objects.get(corpus=corpus)
    check = f"/p/{project.slug}/training/{run.pk}/check/"
    assert answer.headers["Location"] == check
    assert run.recipe["learning_rate"] == 0.002
    assert "is being made" in client.get(check).content.decode()
    run_jobs()
    page = client.get(check).content.decode()
    assert "Launch both, one after the other" in page
    assert "Tokens, about" in page
    follower = Run.objects.select_related("audit", "base", "version__task", "project").get(after=run)
    assert follower.base == run.base  # whose tokenizer the audit asked
    assert follower.audit is not None
    assert (follower.audit.state, launch_refusals(follower)) == ("ready", [])
    client.post(f"/p/{project.slug}/training/{run.pk}/discard/")
    assert not Run.objects.exists()
    bad = client.post(f"/p/{project.slug}/training/pretrain/", {**given, "base": "new-tiny", "epochs": "0"})
    assert bad.status_code == 400


def test_the_api_does_the_same(
    owner: User, project: Project, corpus: Corpus, tiny_base: BaseModel, api_as: Callable[..., Any]
) -> None:
    client = api_as(owner)
    given = {"project": project.slug, "corpus": corpus.pk, "base": tiny_base.pk, "recipe": TINY}
    made = client.post("/api/v1/pretrainings/", given, format="json")
    assert made.status_code == 201, made.json()
    assert made.json()["recipe"]["objective"] == "text"
    run = made.json()["id"]
    prepared = client.get(f"/api/v1/pretrainings/{run}/").json()
    assert (prepared["refusals"], prepared["followers"], prepared["forecast"]["seconds"]) == ([], [], None)
    assert prepared["forecast"]["tokens"] > 100
    assert client.post(f"/api/v1/runs/{run}/launch/").json()["state"] == "queued"
    run_jobs("train")
    found = client.get(f"/api/v1/runs/{run}/").json()
    assert found["state"] == "done"
    assert client.get(f"/api/v1/base-models/{found['base_model']}/").json()["corpus"] == corpus.pk
    both = {**given, "new": {"size": "tiny"}}
    assert client.post("/api/v1/pretrainings/", both, format="json").status_code == 400
    new = client.post(
        "/api/v1/base-models/scratch/", {"project": project.slug, "corpus": corpus.pk, "size": "tiny"}, format="json"
    )
    assert new.status_code == 201
    assert new.json()["state"] == "checking"
