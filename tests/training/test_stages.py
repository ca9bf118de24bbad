"""Three stages of a model on the same words, through a real model server."""

import html
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client

from core.model_server import ModelServerDown, health
from core.models import Project, User
from curation.models import DatasetVersion
from training.choices import ModelState, RunState
from training.models import BaseModel, ModelVersion, Run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def address(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("s") / "model.sock"
    words = [sys.executable, "-m", "ml", "serve", "--socket", str(path), "--store", str(configured.MODEL_STORE)]
    process = subprocess.Popen([*words, "--threads", "1"])
    yield f"unix:{path}"
    process.terminate()
    process.wait(20)


@pytest.fixture
def server(address: str, settings: Any) -> None:
    settings.MODEL_SERVER = address
    for _ in range(600):
        try:
            health()
        except ModelServerDown:
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def models(tiny_base: BaseModel, project: Project, owner: User, frozen: DatasetVersion) -> dict[str, Any]:
    """An untrained one, one that was pretrained, and a version of that: all with the same tiny weights."""
    same = {name: getattr(tiny_base, name) for name in
            ("folder", "fingerprint", "tokenizer_fingerprint", "context_length")}  # fmt: skip
    fresh = BaseModel.objects.create(name="Fresh", state=ModelState.READY, size="tiny", **same)
    run = Run.objects.create(project=project, version=frozen, base=tiny_base, name="R", recipe={}, state=RunState.DONE)
    version = ModelVersion.objects.create(
        project=project, run=run, base=tiny_base, number=1, name="Taught", folder=tiny_base.folder, method="full",
        fingerprint=tiny_base.fingerprint, tokenizer_fingerprint=tiny_base.tokenizer_fingerprint,
        template=frozen.template,
    )  # fmt: skip
    return {"fresh": fresh, "version": version}


@pytest.mark.slow
@pytest.mark.usefixtures("server")
def test_three_columns_ask_for_themselves(
    models: dict[str, Any], project: Project, viewer: User, as_user: Callable[[User], Client], tiny_base: BaseModel
) -> None:
    client = as_user(viewer)
    nasty = "<script>alert(1)</script>"
    page = client.get(f"/p/{project.slug}/models/stages/", {"prompt": ["A roof", nasty]}).content.decode()
    assert "<script>alert" not in page
    start = f"/p/{project.slug}/models/stages"
    keys = (f"b{models['fresh'].pk}", f"b{tiny_base.pk}", f"v{models['version'].pk}")
    for key in keys:
        url = f"{start}/answer/?model={key}&prompt=A%20roof"
        assert html.escape(url) in page
        answer = client.get(url).content.decode()
        assert "data-tone" not in answer, answer
        assert "A roof" in answer
    tokens = client.get(f"{start}/tokens/?model={keys[1]}&prompt=A%20roof").content.decode()
    assert "Likeliest next" in tokens
    assert tokens.count("<tr>") >= 3
    assert client.get(f"{start}/answer/?model=b999999&prompt=A").status_code == 404
    assert "Write from 1 to" in client.get(f"{start}/answer/?model={keys[0]}&prompt=").content.decode()


@pytest.mark.usefixtures("server")
def test_the_api_does_the_same(
    models: dict[str, Any], project: Project, owner: User, api_as: Callable[..., Any]
) -> None:
    client = api_as(owner)
    asked = {"project": project.slug, "base": models["fresh"].pk, "prompt": "A roof"}
    said = client.post("/api/v1/completions/", {**asked, "new_tokens": 3}, format="json")
    assert said.status_code == 200, said.json()
    assert set(said.json()) == {"text", "seconds"}
    tokens = client.post("/api/v1/next-tokens/", asked, format="json").json()
    assert all(len(token["likeliest"]) == 5 for token in tokens)
    both = {**asked, "version": models["version"].pk}
    assert client.post("/api/v1/next-tokens/", both, format="json").status_code == 400


def test_without_models_and_without_a_server_the_page_says_what_to_do(
    project: Project, owner: User, as_user: Callable[[User], Client], settings: Any, tmp_path: Path,
    tiny_base: BaseModel,
) -> None:  # fmt: skip
    settings.MODEL_SERVER = f"unix:{tmp_path / 'nobody'}"
    client = as_user(owner)
    page = client.get(f"/p/{project.slug}/models/stages/").content.decode()
    assert "prepare a pretraining of one" in page
    assert "No run of this project has made a model version yet." in page
    answer = client.get(f"/p/{project.slug}/models/stages/answer/?model=b{tiny_base.pk}&prompt=A").content.decode()
    assert "The model server does not answer." in answer
