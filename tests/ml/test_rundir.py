"""Files as the contract: events that survive a kill, checkpoints that are whole or not there, one worker at a time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.atomic import new_folder, write_json, write_text
from ml.prompting import Template
from ml.recipe import Recipe
from ml.rundir import (
    DataRef,
    EventReader,
    EventWriter,
    GenerateSettings,
    RunBusyError,
    RunDir,
    RunSpec,
    SpecError,
    verify_manifest,
    write_manifest,
)
from ml.store import ModelRef

REF = ModelRef("/models/base", None, "f", "t")
TRAIN = RunSpec("train", "7", REF, Template(), recipe=Recipe(), data=DataRef(counts={"train": 3}), store="/store/7")
GENERATE = RunSpec("generate", "8", REF, Template(), generate=GenerateSettings(stop=("END",), score_references=True))


@pytest.mark.parametrize("spec", [TRAIN, GENERATE], ids=["train", "generate"])
def test_a_specification_survives_the_file(tmp_path: Path, spec: RunSpec) -> None:
    run = RunDir(tmp_path / "run")
    run.write_spec(spec)
    assert run.read_spec() == spec
    run.write_spec(spec)
    with pytest.raises(SpecError, match="never changes"):
        run.write_spec(replace(spec, run_id="other"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "format"),
        ({"kind": "dance"}, "train or generate"),
        ({"model": {}}, "model reference"),
        ({"recipe": {"epochs": -1}}, "epochs"),
        ({"recipe": {"colour": "red"}}, "colour"),
        ({"data": {"pairs": "../pairs.jsonl"}}, r"data\.pairs"),
        ({"network": "sometimes"}, "network"),
        ({"store": "relative"}, "store"),
        ({"template": {"kind": "text", "prompt": "none"}}, "prompt"),
    ],
)
def test_a_malformed_specification_names_the_field(change: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        RunSpec.from_json({**TRAIN.to_json(), **change})


@pytest.mark.parametrize(
    "change", [{"max_new_tokens": 0}, {"batch_size": True}, {"temperature": -1}, {"top_p": "x"}, {"items": "/etc/x"}]
)
def test_generation_settings_have_bounds(change: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        RunSpec.from_json({**GENERATE.to_json(), **change})


def test_missing_or_broken_specifications_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be read"):
        RunDir(tmp_path).read_spec()
    (tmp_path / "spec.json").write_text("{")
    with pytest.raises(SpecError, match="not valid JSON"):
        RunDir(tmp_path).read_spec()


def test_events_rise_and_go_on_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    writer = EventWriter(path)
    writer.write("step", step=1, loss=float("nan"))
    writer.write("step", step=2, loss=0.5)
    writer.close()
    with path.open("a") as file:
        file.write('{"seq": 3, "type": "st')  # killed here
    again = EventWriter(path)
    again.write("step", step=3)
    again.close()
    found = EventReader(path).read()
    assert [(event["seq"], event["step"]) for event in found] == [(1, 1), (2, 2), (3, 3)]
    assert found[0]["loss"] is None
    assert [event["seq"] for event in EventReader(path, after_seq=2).read()] == [3]


def test_a_reader_waits_for_the_end_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    reader = EventReader(path)
    assert reader.read() == []
    path.write_text('{"seq": 1}\n{"seq"')
    assert reader.read() == [{"seq": 1}]
    with path.open("a") as file:
        file.write(": 2}\n")
    assert reader.read() == [{"seq": 2}]
    assert reader.read() == []


def test_one_worker_at_a_time(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    with run.start_attempt(1), pytest.raises(RunBusyError), run.start_attempt(2):
        pass
    with run.start_attempt(2):
        assert run.attempts() == [1, 2]


def make_checkpoint(run: RunDir, step: int) -> Path:
    with new_folder(run.checkpoint_path(step)) as folder:
        (folder / "weights").write_bytes(bytes([step] * 100))
        write_manifest(folder, {"tokens_seen": step * 10})
    return run.checkpoint_path(step)


@pytest.mark.parametrize("damage", ["manifest", "shorter", "changed", "missing", "garbage"])
def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path, damage: str) -> None:
    run = RunDir(tmp_path)
    make_checkpoint(run, 9)
    newest = make_checkpoint(run, 10)
    found = run.latest_complete_checkpoint()
    assert found is not None
    assert (found.step, found.facts["tokens_seen"]) == (10, 100)
    weights = newest / "weights"
    match damage:
        case "manifest":
            (newest / "manifest.json").unlink()
        case "shorter":
            weights.write_bytes(weights.read_bytes()[:-1])
        case "changed":
            weights.write_bytes(bytes([11] * 100))
        case "missing":
            weights.unlink()
        case "garbage":
            (newest / "manifest.json").write_text('{"files": 3}')
    found = run.latest_complete_checkpoint()
    assert found is not None
    assert found.step == 9


def test_rotation_never_deletes_the_only_complete_checkpoint(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    for step in (2, 4, 6):
        make_checkpoint(run, step)
    (run.checkpoint_path(8)).mkdir()
    run.rotate_checkpoints(2)
    assert sorted(path.name for path in run.checkpoints_path.iterdir()) == ["checkpoint-4", "checkpoint-6"]
    (run.checkpoint_path(6) / "manifest.json").unlink()
    run.rotate_checkpoints(0)
    assert [path.name for path in run.checkpoints_path.iterdir()] == ["checkpoint-4"]


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail_halfway() -> None:
        with new_folder(tmp_path / "out") as folder:
            (folder / "half").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert list(tmp_path.iterdir()) == []
    with new_folder(tmp_path / "out") as folder:
        (folder / "one").write_text("1")
    with new_folder(tmp_path / "out") as folder:
        (folder / "two").write_text("2")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["two"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text()) == {"a": 1}
    write_text(path, "é")
    assert path.read_bytes() == "é".encode()
    assert [found.name for found in tmp_path.iterdir()] == ["x.json"]


@given(files=st.dictionaries(st.sampled_from("abcdef"), st.binary(max_size=50), min_size=1))
def test_a_manifest_confirms_what_it_was_written_for(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("manifest")
    for name, content in files.items():
        (folder / name).write_bytes(content)
    written = write_manifest(folder, {"step": 3})
    assert verify_manifest(folder) == written


def test_done_is_read_back_without_infinities(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    assert run.read_done() is None
    run.write_done({"loss": float("inf"), "nested": [1.5, float("nan")]})
    assert run.read_done() == {"loss": None, "nested": [1.5, None]}
