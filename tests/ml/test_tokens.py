"""Pairs become tokens once, by as many processes as there are cores, and always the same ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.hashing import file_sha256
from ml.prompting import Template, Tokenizer
from ml.tiny import write_tiny_tokenizer
from ml.train import data, tokens
from ml.train.data import load_data
from ml.train.tokens import CACHE_VARIABLE, Encoder, Tokens, cached, encode_all
from tests.ml.runs import make_examples, write_examples


@pytest.fixture
def encode(tmp_path: Path) -> Encoder:
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    write_tiny_tokenizer(folder)
    return Encoder(Template(), Tokenizer.load(folder), 60)


def test_pairs_become_tokens_once(encode: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "kept"))
    made: list[str] = []

    def make() -> Tokens:
        made.append("again")
        return encode_all(iter(make_examples(30)), encode)

    first, second = cached(["a"], make), cached(["a"], make)
    assert (first, made) == (second, ["again"])
    assert first.train.samples()[0].ids == second.train.samples()[0].ids
    assert "too_long" in first.left_out
    cached(["b"], make)
    assert len(made) == 2
    for kept in (tmp_path / "kept").iterdir():
        kept.write_bytes(b"not what was written")
    assert cached(["a"], make) == first
    assert len(made) == 3
    for n in range(12):
        cached([n], Tokens)
    assert len(list((tmp_path / "kept").iterdir())) == 8  # the newest


def test_a_training_on_the_same_pairs_takes_the_tokens_that_are_there(
    encode: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "kept"))
    path = tmp_path / "pairs.jsonl"
    write_examples(path, make_examples(30))
    made: list[int] = []
    monkeypatch.setattr(data, "encode_all", lambda *given: made.append(1) or encode_all(*given))
    loaded = [load_data(path, file_sha256(path), encode.template, encode.tokenizer, limit) for limit in (60, 60, 50)]
    assert len(made) == 2, "another limit is another question"
    assert [sample.ids for sample in loaded[0].train] == [sample.ids for sample in loaded[1].train]


def test_many_processes_give_the_tokens_of_one(encode: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = encode(make_examples(50))
    monkeypatch.setattr(tokens, "_ALONE", 10)
    monkeypatch.setattr(tokens, "_CHUNK", 15)
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: {0, 1})
    assert encode_all(iter(make_examples(50)), encode) == alone
