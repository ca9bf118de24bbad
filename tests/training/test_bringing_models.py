"""Models to start from that come from elsewhere: archives, packages, the hub; and what is refused on the way."""

import hashlib
import http.server
import json
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from safetensors.numpy import load_file, save_file
from tokenizers import ByteLevelBPETokenizer

from core.denied import ApplicationError
from core.door import DoorClosed
from core.models import Event, Job, User
from ml.archive import unpack_model
from ml.inspection import inspect_model
from ml.store import FingerprintError, ModelRef
from ml.tiny import make_tiny_model
from tests.reference.shared_data import shared_data
from tests.world import run_jobs
from training.choices import ModelState
from training.models import BaseModel
from training.services.bases import base_from_archive, base_from_hub

pytestmark = pytest.mark.django_db(transaction=True)


def packed(folder: Path, target: Path, under: str = "model/") -> SimpleUploadedFile:
    with zipfile.ZipFile(target, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, under + path.name)
    return SimpleUploadedFile(target.name, target.read_bytes())


def ended(base: BaseModel) -> BaseModel:
    run_jobs()
    base.refresh_from_db()
    return base


@pytest.mark.slow
def test_a_package_becomes_a_model_with_its_licence_and_words(
    tiny_folder: Path, tmp_path: Path, admin: User, project: Any, as_user: Callable[[User], Client]
) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "model"))
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A model")
    given = {"name": "Packed", "archive": packed(folder, tmp_path / "a.whl", "pkg/model/")}
    client = as_user(admin)
    url = f"/p/{project.slug}/models/bases/new/?way=archive"
    assert "taken out" in client.get(url).content.decode()
    answer = client.post(url, given)
    base = ended(BaseModel.objects.get(name="Packed"))
    assert answer.headers["Location"].endswith(f"/models/bases/{base.pk}/")
    assert (base.state, base.error, base.licence) == (ModelState.READY, "", "apache-2.0")
    assert base.fingerprint == ModelRef.of(tiny_folder).fingerprint
    assert base.report["trial"]["text"].startswith("The first thing to know is")
    assert base.report["card"] is True
    page = client.get(answer.headers["Location"]).content.decode()
    assert "On trial it said" in page
    assert "<h3>A model</h3>" in page
    assert "license: apache" not in page
    assert client.post(url, {"name": "Bad", "archive": SimpleUploadedFile("a.exe", b"x")}).status_code == 400


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("pytorch_model.bin", b"\x80\x04cposix\nsystem\n", "pickled data"),
        ("modeling_own.py", b"raise SystemExit", "program code"),
        ("../evil", b"x", "leads out of the archive"),
    ],
)
def test_pickles_code_and_escapes_are_refused_and_nothing_of_them_runs(
    tiny_folder: Path, tmp_path: Path, admin: User, name: str, content: bytes, reason: str
) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in tiny_folder.iterdir():
            archive.write(path, path.name)
        archive.writestr(name, content)
    upload = SimpleUploadedFile("a.zip", (tmp_path / "a.zip").read_bytes())
    base = ended(base_from_archive(actor=admin, name="Evil", upload=upload))
    assert base.state == ModelState.REFUSED
    assert reason in base.error


def test_weights_without_numbers_and_stop_tokens_beyond_the_vocabulary_are_refused(tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path / "nan")
    weights = load_file(folder / "model.safetensors")
    save_file({**weights, "model.norm.weight": np.full_like(weights["model.norm.weight"], np.nan)},
              folder / "model.safetensors", metadata={"format": "pt"})  # fmt: skip
    assert [problem["code"] for problem in inspect_model(folder)["problems"]] == ["not_a_number"]
    folder = make_tiny_model(tmp_path / "stop")
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [2, 50_000]}))
    assert [problem["code"] for problem in inspect_model(folder)["problems"]] == ["special_tokens"]


@pytest.mark.slow
def test_a_template_that_loops_is_refused(tmp_path: Path) -> None:
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    folder = make_tiny_model(tmp_path / "loop", chat_template=loop)
    found = inspect_model(folder)
    assert found["ok"] is False
    assert found["problems"][0]["code"] == "chat_template"


@pytest.mark.slow
def test_another_familys_vocabulary_is_refused_with_both_names(tmp_path: Path) -> None:
    """GPT-2's vocabulary beside weights that were trained with another one."""
    data = shared_data("gpt2_bpe")
    base = make_tiny_model(tmp_path / "base")
    (base / "apprentice.json").write_text(json.dumps({"name": "Ours"}))
    reference = ModelRef.of(base)
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    facts = {"base_name": "Ours", "tokenizer_fingerprint": reference.tokenizer_fingerprint}
    (adapter / "apprentice.json").write_text(json.dumps(facts))
    other = Path(shutil.copytree(base, tmp_path / "other"))
    gpt2 = ByteLevelBPETokenizer(str(data / "encoder.json"), str(data / "vocab.bpe"))
    gpt2.add_special_tokens(["<|endoftext|>"])
    gpt2.save(str(other / "tokenizer.json"))
    names = {"eos_token": "<|endoftext|>", "bos_token": "<|endoftext|>"}
    (other / "tokenizer_config.json").write_text(json.dumps(names))
    (other / "apprentice.json").write_text(json.dumps({"name": "GPT-2"}))
    assert inspect_model(other)["problems"][0]["code"] == "vocabulary"
    with pytest.raises(FingerprintError, match=r"for “Ours” with the tokenizer .*but “GPT-2” has the tokenizer"):
        ModelRef.of(other, adapter).verify()
    shutil.copyfile(other / "tokenizer.json", base / "tokenizer.json")
    shutil.copyfile(other / "tokenizer_config.json", base / "tokenizer_config.json")
    with pytest.raises(FingerprintError, match=rf"tokenizer {reference.tokenizer_fingerprint[:12]}…, but “Ours”"):
        reference.verify()


class Hub(http.server.ThreadingHTTPServer):
    """A hub with one model; large files lie at another address, as the real one has it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.folder, self.asked, self.spoil = folder, [], False  # type: ignore[var-annotated]
        self.address = f"127.0.0.1:{self.server_port}"


class HubHandler(http.server.BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path.startswith("/api/models/good/tiny/revision/"):
            self.answer(200, json.dumps(listing(self.server.folder)).encode())
        elif self.path.startswith("/good/tiny/resolve/c0ffee/model.safetensors"):
            self.send_response(302)
            self.send_header("Location", f"http://{self.server.address}/cdn/model.safetensors")
            self.end_headers()
        elif self.path.startswith(("/good/tiny/resolve/c0ffee/", "/cdn/")):
            content = (self.server.folder / self.path.rsplit("/", 1)[1]).read_bytes()
            self.answer(200, content[::-1] if self.server.spoil else content)
        else:
            self.answer(404, b"{}")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


def listing(folder: Path) -> dict[str, Any]:
    files = [*folder.iterdir(), folder / "modeling_evil.py", folder / "pytorch_model.bin"]
    siblings = [
        {"rfilename": path.name, "size": len(content)}
        | ({"lfs": {"sha256": hashlib.sha256(content).hexdigest()}} if path.suffix == ".safetensors" else {})
        for path in files
        for content in [path.read_bytes() if path.exists() else b"evil"]
    ]
    return {"sha": "c0ffee", "siblings": siblings, "cardData": {"license": "mit"}}


@pytest.fixture
def hub(tiny_folder: Path, settings: Any) -> Iterator[Hub]:
    with Hub(tiny_folder) as server:
        settings.HUB, settings.DOOR_ALLOW = f"http://{server.address}", [server.address]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()


@pytest.mark.slow
def test_a_model_of_the_hub_comes_through_the_door(hub: Hub, admin: User) -> None:
    base = ended(base_from_hub(actor=admin, name="From the hub", repository="good/tiny"))
    assert (base.state, base.error, base.licence) == (ModelState.READY, "", "mit")
    assert base.fingerprint == ModelRef.of(hub.folder).fingerprint
    assert not any("evil" in path or ".bin" in path for path in hub.asked)
    sent = Event.objects.filter(action="door.sent")
    assert sent.count() == len(hub.asked)
    assert any(event.summary == "fetch model.safetensors" for event in sent)


def test_what_does_not_arrive_as_it_is_listed_is_refused(hub: Hub, admin: User) -> None:
    hub.spoil = True
    base = ended(base_from_hub(actor=admin, name="Spoilt", repository="good/tiny"))
    assert base.state == ModelState.REFUSED
    missing = ended(base_from_hub(actor=admin, name="None", repository="nobody/nothing"))
    assert "no model “nobody/nothing”" in missing.error


def test_the_door_refuses_and_nothing_leaves(hub: Hub, admin: User, owner: User, settings: Any, project: Any,
                                             as_user: Callable[[User], Client]) -> None:  # fmt: skip
    settings.DOOR_ALLOW = []
    with pytest.raises(DoorClosed, match="the operator can add it to DOOR_ALLOW"):
        base_from_hub(actor=admin, name="A", repository="good/tiny")
    url = f"/p/{project.slug}/models/bases/new/?way=hub"
    answer = as_user(admin).post(url, {"name": "A", "repository": "good/tiny", "revision": "main"})
    assert answer.status_code == 400
    assert "DOOR_ALLOW" in answer.content.decode()
    for repository in ("tiny", "a/b/c", "../etc/passwd", "a b/c"):
        with pytest.raises(ApplicationError, match="owner/name"):
            base_from_hub(actor=admin, name="A", repository=repository)
    assert hub.asked == []
    assert not BaseModel.objects.exists()
    assert not Job.objects.exists()


def test_an_unpacked_model_is_not_unpacked_over_another(tiny_folder: Path, tmp_path: Path) -> None:
    packed(tiny_folder, tmp_path / "a.zip")
    unpack_model(tmp_path / "a.zip", tmp_path / "out")
    assert unpack_model(tmp_path / "a.zip", tmp_path / "out")["files"] == len(list((tmp_path / "out").iterdir()))
