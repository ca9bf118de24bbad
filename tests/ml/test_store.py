"""Only safe folders are opened, and only the model that was promised."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ml.inspection import inspect_model
from ml.loading import ModelError, load_model
from ml.store import FingerprintError, ModelRef, UnsafeModelError, check_safe_folder, fingerprint
from ml.tiny import make_tiny_model


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("made"))


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "model"))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "extra/weights.PT", "modeling_own.py", "x.pkl", "lib.so"])
def test_pickles_and_code_are_refused_by_name(folder: Path, name: str) -> None:
    target = folder / name
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(b"x")
    with pytest.raises(UnsafeModelError, match=name.replace(".", r"\.")):
        check_safe_folder(folder)
    found = inspect_model(folder)
    assert found["ok"] is False
    assert [problem["code"] for problem in found["problems"]] == ["unsafe"]
    with pytest.raises(UnsafeModelError):
        load_model(ModelRef(str(folder), None, "x", "x"))


def test_links_are_refused(folder: Path) -> None:
    (folder / "link.json").symlink_to("/etc/passwd")
    with pytest.raises(UnsafeModelError, match="symbolic link"):
        check_safe_folder(folder)


def test_a_reference_names_the_model_as_it_was(folder: Path) -> None:
    ref = ModelRef.of(folder)
    ref.verify()
    assert ModelRef.from_json(ref.to_json()) == ref
    (folder / "README.md").write_text("A card changes nothing.")
    ref.verify()
    (folder / "config.json").write_text((folder / "config.json").read_text() + " ")
    with pytest.raises(FingerprintError, match="has changed"):
        ref.verify()


def test_the_same_files_elsewhere_have_the_same_fingerprint(folder: Path, made: Path) -> None:
    assert fingerprint(folder) == fingerprint(made)


def test_an_adapter_of_another_model_is_refused(folder: Path, tmp_path: Path) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "apprentice.json").write_text(json.dumps({"base_fingerprint": "another"}))
    ref = ModelRef.of(folder, adapter)
    with pytest.raises(FingerprintError, match="trained for another model"):
        ref.verify()


@pytest.mark.parametrize(
    "value", [{}, {"path": "relative", "fingerprint": "a", "tokenizer_fingerprint": "b"}, {"path": 1}]
)
def test_malformed_references_are_refused(value: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="model reference"):
        ModelRef.from_json(value)


def test_a_folder_that_its_own_files_condemn_is_refused_before_torch_is_loaded(folder: Path) -> None:
    (folder / "weights.pkl").write_bytes(b"x")
    code = "import sys; from ml.cli import main; main(['inspect', sys.argv[1]]); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
    assert "pickled data" in done.stdout
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.slow
def test_a_sound_folder_is_described(folder: Path) -> None:
    found = inspect_model(folder)
    assert found["ok"] is True
    assert found["problems"] == []
    assert found["architecture"] == "LlamaForCausalLM"
    assert found["parameters"] == 31392
    assert found["embedding_rows"] == found["vocabulary"] == 400
    assert found["longest"] == 2048
    assert found["fingerprint"] == ModelRef.of(folder).fingerprint
    assert found["chat_template"] == {"present": True, "passed": True, "refuses": []}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"auto_map": {"AutoModel": "modeling.Own"}}, "remote_code"),
        ({"quantization_config": {"bits": 4}}, "quantized"),
        ({"model_type": "never_heard_of"}, "architecture"),
        ({"num_hidden_layers": 3}, "weights"),
        ({"intermediate_size": 65}, "weights"),
    ],
)
def test_unusable_configurations_are_named(folder: Path, change: dict[str, object], code: str) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    found = inspect_model(folder)
    assert found["ok"] is False
    assert [problem["code"] for problem in found["problems"]] == [code]


def test_a_tokenizer_with_more_tokens_than_embeddings_is_refused(folder: Path, tmp_path: Path) -> None:
    bigger = make_tiny_model(tmp_path / "bigger", vocabulary_size=420)
    shutil.copyfile(bigger / "tokenizer.json", folder / "tokenizer.json")
    found = inspect_model(folder)
    assert [problem["code"] for problem in found["problems"]] == ["vocabulary"]
    with pytest.raises(ModelError, match="do not belong together"):
        load_model(ModelRef.of(folder))


def test_cut_off_weights_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    found = inspect_model(folder)
    assert [problem["code"] for problem in found["problems"]] == ["weights"]


def test_a_folder_without_weights_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    assert "no weights" in inspect_model(folder)["problems"][0]["sentence"]
