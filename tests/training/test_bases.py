"""services/bases.py: models are examined by a job before anything may use them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from core.denied import ApplicationError
from core.models import Event, Job, Project, Tokenizer, User
from curation.models import Task
from tests.world import run_jobs
from training.choices import ModelState
from training.models import BaseModel
from training.selectors.models import why_refused
from training.services.bases import base_inspect, base_register, base_remove, folders_unregistered, starter_register

pytestmark = pytest.mark.django_db(transaction=True)


def examined(base: BaseModel) -> BaseModel:
    run_jobs()
    base.refresh_from_db()
    return base


@pytest.mark.slow
def test_a_good_folder_becomes_ready_and_tasks_take_its_tokenizer(tiny_folder: Path, advice: Task, owner: User) -> None:
    base = examined(base_register(actor=owner, name="Tiny", folder="base/tiny"))
    assert (base.state, base.error) == (ModelState.READY, "")
    assert base.architecture == "LlamaForCausalLM"
    assert base.parameters > 10_000
    assert (base.context_length, base.has_chat_template) == (2048, True)
    assert len(base.fingerprint) == len(base.tokenizer_fingerprint) == 64
    advice.refresh_from_db()
    assert advice.tokenizer == Tokenizer.objects.get(fingerprint=base.tokenizer_fingerprint, folder="base/tiny")
    assert Event.objects.filter(action="base_model.ready", object_id=str(base.pk)).exists()


@pytest.mark.slow
def test_a_folder_with_a_pickle_is_refused_with_the_file_and_can_be_examined_again(
    spoilt_folder: Path, owner: User, admin: User, project: Project, as_user: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (spoilt_folder / "weights.bin").write_bytes(b"\x80\x04")
    base = base_register(actor=owner, name="Spoilt", folder=str(spoilt_folder))
    live, asked = f"/p/{project.slug}/models/bases/{base.pk}/live/", {"HX-Request": "true"}
    assert "every 2s" in as_user(admin).get(live, headers=asked).content.decode()
    base = examined(base)
    assert base.state == ModelState.REFUSED
    assert "weights.bin" in base.error
    with monkeypatch.context() as swedish:
        swedish.setattr("core.sentences.gettext", lambda text: f"Sv: {text}")
        assert why_refused(base).startswith("Sv: weights.bin may hold pickled data")
    assert not Tokenizer.objects.exists()
    remove = f"/p/{project.slug}/models/bases/{base.pk}/remove/"
    assert as_user(owner).post(remove).status_code == 404
    page = as_user(admin).get(f"/p/{project.slug}/models/bases/{base.pk}/").content.decode()
    assert "Take it off the list" in page
    assert as_user(admin).get(live, headers=asked).headers["HX-Refresh"] == "true"
    assert "0 tokens" not in as_user(admin).get(f"/p/{project.slug}/models/").content.decode()
    examine = f"/p/{project.slug}/models/bases/{base.pk}/examine/"
    assert as_user(owner).post(examine).status_code == 404
    for _twice in range(2):
        assert "Looking into the files" in as_user(admin).post(examine, follow=True).content.decode()
    assert Job.objects.filter(kind="inspect").count() == 2, "pressed twice it is examined once"
    assert "weights.bin" in examined(base).error
    assert as_user(admin).post(remove).status_code == 302
    assert not BaseModel.objects.exists()
    assert (spoilt_folder / "config.json").is_file(), "a folder of the operator's own stays"
    (spoilt_folder / "weights.bin").unlink()
    again = examined(base_register(actor=owner, name="Spoilt", folder=str(spoilt_folder)))
    assert again.state == ModelState.READY
    with pytest.raises(ApplicationError, match="that was refused"):
        base_remove(actor=admin, base=again)


@pytest.mark.parametrize("folder", ["", "/etc", "../elsewhere", "base/../../..", "base/nothing-here"])
def test_only_folders_inside_the_store_are_taken(tiny_folder: Path, owner: User, folder: str) -> None:
    with pytest.raises(ApplicationError) as caught:
        base_register(actor=owner, name="Other", folder=folder)
    assert caught.value.field == "folder"
    assert not BaseModel.objects.exists()
    assert not Job.objects.exists()


def test_a_ready_model_is_neither_registered_nor_examined_twice(tiny_base: BaseModel, owner: User) -> None:
    with pytest.raises(ApplicationError, match="registered already"):
        base_register(actor=owner, name="Twin", folder=tiny_base.folder)
    with pytest.raises(ApplicationError, match="is ready"):
        base_inspect(actor=owner, base=tiny_base)
    assert tiny_base.folder not in folders_unregistered()


def test_the_starter_is_registered_at_the_first_start_when_it_is_there(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "STARTER_MODEL", settings.MODEL_STORE / "base" / "missing")
    starter_register()
    assert not BaseModel.objects.exists()
    monkeypatch.setattr(settings, "STARTER_MODEL", tiny_folder)
    starter_register()
    starter_register()
    assert BaseModel.objects.get().folder == "base/tiny"


@pytest.mark.slow
def test_the_page_registers_for_admins_only(
    as_user: Callable[[User], Client], admin: User, owner: User, project: Project, tiny_folder: Path
) -> None:
    path = f"/p/{project.slug}/models/bases/new/"
    body = {"folder": "base/tiny", "name": "Tiny", "licence": "Apache-2.0"}
    assert as_user(owner).post(path, body).status_code == 404
    assert not BaseModel.objects.exists()
    answer = as_user(admin).post(path, body, follow=True)
    assert "Looking into the files" in answer.content.decode()
    run_jobs()
    base = BaseModel.objects.get()
    page = as_user(owner).get(f"/p/{project.slug}/models/bases/{base.pk}/").content.decode()
    assert base.fingerprint in page
    assert "Apache-2.0" in page
    assert "every 2s" not in page


@pytest.mark.slow
def test_what_a_folder_says_of_itself_fills_the_card(spoilt_folder: Path, owner: User) -> None:
    about = {"licence": "MIT", "source": "a package", "remark": "restored from 4-bit"}
    (spoilt_folder / "apprentice.json").write_text(json.dumps(about))
    base = examined(base_register(actor=owner, name="Told", folder=str(spoilt_folder)))
    assert (base.licence, base.source, base.note) == ("MIT", "a package", "restored from 4-bit")
