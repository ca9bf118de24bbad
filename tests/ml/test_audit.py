"""The audit shows what training will do, with the same function, and refuses a launch that cannot work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ml.audit import audit_pairs, quantiles
from ml.prompting import Example, Template, Tokenizer, encode_pair
from ml.tiny import make_tiny_model, write_tiny_tokenizer
from tests.ml.runs import ROOT, make_examples, make_training


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    write_tiny_tokenizer(tmp_path)
    return Tokenizer.load(tmp_path)


def test_numbers_are_those_of_the_pairs_that_will_be_trained(tokenizer: Tokenizer) -> None:
    examples = [*make_examples(20), Example(id="long", instruction="x", response="wall " * 300)]
    found = audit_pairs(examples, Template(), tokenizer, 200).to_json()
    trained = [encode_pair(example, Template(), tokenizer, 200) for example in examples if example.part == "train"]
    usable = [pair for pair in trained if pair.usable]
    assert found["counts"] == {"train": 17, "develop": 4, "test": 0}
    assert found["usable"] == {"train": 16, "develop": 4, "test": 0}
    assert found["tokens"]["trained"] == sum(pair.n_trained for pair in usable)
    assert found["tokens"]["total"] == sum(len(pair.ids) for pair in usable)
    assert found["share_trained"] == found["tokens"]["trained"] / found["tokens"]["total"]
    assert found["quantiles"]["total"]["100"] == max(len(pair.ids) for pair in usable)
    (row,) = [row for row in found["rows"] if row["code"] != "at_limit"]
    assert (row["id"], row["code"], row["leaves_out"]) == ("long", "too_long", True)
    assert row["overflow"] == row["tokens"] - 200
    assert found["launchable"] is True
    assert found["at_fault"] == {}


def test_segments_are_coloured_and_complete(tokenizer: Tokenizer) -> None:
    example = Example(id="1", instruction="Who?", response="Me.")
    found = audit_pairs(
        [example, Example(id="2", instruction="a", response="b")], Template(), tokenizer, 200, show=["1"]
    )
    assert found.to_json()["segments"] == {
        "1": [["<|im_start|>user\nWho?<|im_end|>\n<|im_start|>assistant\n", "context"], ["Me.<|im_end|>", "trained"]]
    }


def test_only_pairs_that_are_learned_from_are_shown_as_such(tokenizer: Tokenizer) -> None:
    parts = ("test", "train", "develop", "train", "train")
    examples = [Example(id=str(n), instruction=f"{n}?", response="b", part=part) for n, part in enumerate(parts)]
    assert list(audit_pairs(examples, Template(), tokenizer, 200, show_first=2).shown) == ["1", "3"]


def test_a_question_in_train_and_test_blocks_the_launch(tokenizer: Tokenizer) -> None:
    examples = [
        Example(id="1", instruction="Who  goes?", response="a", part="train"),
        Example(id="again", instruction="Who goes?", response="c", part="train"),
        Example(id="2", instruction="Who goes?", response="b", part="test"),
        Example(id="3", instruction="Who else?", response="c", part="train"),
        Example(id="left out", instruction="Who goes?", response="", part="train"),
    ]
    report = audit_pairs(examples, Template(), tokenizer, 200)
    assert report.at_fault == {"shared_across_parts": ["1", "again"]}
    assert report.blocking == ["shared_across_parts"]
    found = report.to_json()
    rows = [row for row in found["rows"] if row["code"] == "shared_across_parts"]
    assert [(row["id"], row["part"]) for row in rows] == [("1", "train"), ("again", "train"), ("2", "test")]
    assert all(row["tokens"] > 5 for row in rows)
    assert [(problem["code"], problem["count"]) for problem in found["blocking"]] == [("shared_across_parts", 3)]
    kept = [example for example in examples if example.id not in report.at_fault["shared_across_parts"]]
    without = audit_pairs(kept, Template(), tokenizer, 200)
    assert without.blocking == []


def test_what_is_worth_knowing_is_told_apart_from_what_is_left_out(tokenizer: Tokenizer) -> None:
    long = Example(id="long", instruction="Who?", response="a wall " * 60)
    limit = len(encode_pair(long, Template(), tokenizer, 1000).ids)
    examples = [
        long,
        Example(id="context", instruction="a wall " * 70, response="b"),
        Example(id="first", instruction="a", response="b"),
        Example(id="again", instruction="a", response="b "),
        Example(id="held out", instruction="a", response="c", part="train"),
    ]
    found = audit_pairs(examples, Template(), tokenizer, limit + 200).to_json()
    noted = {(row["id"], row["code"]) for row in found["rows"]}
    assert noted == {("again", "repeated"), ("context", "little_trained")}
    at_limit = audit_pairs([long], Template(), tokenizer, limit).to_json()
    assert [(row["id"], row["code"], row["leaves_out"]) for row in at_limit["rows"]] == [("long", "at_limit", False)]
    assert at_limit["launchable"] is True


def test_nothing_usable_blocks_the_launch(tokenizer: Tokenizer) -> None:
    report = audit_pairs([Example(id="1", instruction="a", response="")], Template(), tokenizer, 200)
    assert report.blocking == ["nothing_to_train"]
    assert report.to_json()["share_trained"] == 0.0


def test_quantiles_are_nearest_ranks() -> None:
    found = quantiles(list(range(101)))
    assert found == {"0": 0, "25": 25, "50": 50, "75": 75, "90": 90, "95": 95, "99": 99, "100": 100}
    assert quantiles([]) == {}


def test_the_command_prints_json_without_torch(tmp_path: Path) -> None:
    run = make_training(tmp_path / "run", make_tiny_model(tmp_path / "base"))
    command = [
        sys.executable,
        "-X",
        "importtime",
        "-m",
        "ml",
        "audit",
        str(run.path / "spec.json"),
        "--show-first",
        "2",
    ]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    assert len(json.loads(done.stdout)["segments"]) == 2
    assert b"| torch" not in done.stderr.replace(b"|   ", b"| ")
    missing = subprocess.run([*command[:-3], "/nowhere.json"], capture_output=True, cwd=ROOT, timeout=60, check=False)
    assert missing.returncode == 1
