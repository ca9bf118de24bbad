"""Answers equal the model library's, whatever the batch; stops, samples, scores and resumes as told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GenerationConfig, MistralConfig, MistralForCausalLM
from transformers.cache_utils import DynamicLayer

from ml.cache import RoomyLayer
from ml.decoding import Decoder, Request, shared_length
from ml.generate import answer, answer_text, cut_at_stop, make_request, run_generation
from ml.loading import LoadedModel, load_model
from ml.prompting import Example, Template, encode_pair, encode_prompt
from ml.rundir import GenerateSettings, RunDir
from ml.store import ModelRef
from ml.tiny import make_tiny_model
from ml.train.stopping import Stopper
from tests.ml.runs import events, finish, make_examples, make_generation, start

EXAMPLES = make_examples(9)


@pytest.fixture(scope="module")
def ref(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    return ModelRef.of(make_tiny_model(tmp_path_factory.mktemp("model"), hidden_size=48, seed=11))


@pytest.fixture(scope="module")
def loaded(ref: ModelRef) -> LoadedModel:
    model = load_model(ref)
    # Sharper than random weights are: answers vary, and some end by themselves.
    with torch.no_grad():
        for parameter in model.model.parameters():
            parameter.mul_(6)
    return model


def ask(loaded: LoadedModel, examples: list[Example], stops: tuple[int, ...] = (), **settings: Any) -> list[Request]:
    chosen = GenerateSettings(**{"max_new_tokens": 24, **settings})
    ends = frozenset(stops or (loaded.tokenizer.eos_id,))
    requests = [make_request(loaded, Template(), example, chosen, ends) for example in examples]
    answer(loaded, requests, chosen.stop)
    return requests


def library_answer(loaded: LoadedModel, example: Example, stops: list[int]) -> list[int]:
    prompt = torch.tensor([encode_prompt(example, Template(), loaded.tokenizer)])
    settings = GenerationConfig(max_new_tokens=24, do_sample=False, eos_token_id=stops, pad_token_id=0)
    found = loaded.model.generate(prompt, attention_mask=torch.ones_like(prompt), generation_config=settings)
    return found[0, prompt.shape[1] :].tolist()


@pytest.mark.slow
def test_greedy_answers_equal_the_librarys_in_any_batch(loaded: LoadedModel) -> None:
    free = [library_answer(loaded, example, [2]) for example in EXAMPLES]
    assert shared_length([encode_prompt(example, Template(), loaded.tokenizer) for example in EXAMPLES]) > 2
    # Let a token that some answers contain be an end token, so that rows leave the batch at different times.
    stop = max({token for ids in free for token in ids}, key=lambda t: sum(0 < i.index(t) < 20 for i in free if t in i))
    expected = [library_answer(loaded, example, [2, stop]) for example in EXAMPLES]
    ended = [stop in ids for ids in expected]
    assert any(ended)
    assert not all(ended)
    for size in (1, 4, 9):
        for start_at in range(0, len(EXAMPLES), size):
            found = ask(loaded, EXAMPLES[start_at : start_at + size], stops=(2, stop))
            for request, ids in zip(found, expected[start_at : start_at + size], strict=True):
                without_end = ids[:-1] if ids[-1] in (2, stop) else ids
                assert request.new_ids == without_end
                assert request.finish_reason == ("stop" if ids[-1] in (2, stop) else "length")


@pytest.mark.parametrize(
    ("prompts", "length"),
    [
        ([[5, 6, 7]], 0),
        ([[5, 6, 7], [5, 6, 8], [5, 6, 7, 9]], 2),
        ([[5, 6, 7], [5, 6, 7]], 2),
        ([[5], [5, 6]], 0),
        ([[4, 6], [5, 6]], 0),
    ],
)
def test_what_prompts_share_leaves_each_a_token_of_its_own(prompts: list[list[int]], length: int) -> None:
    assert shared_length(prompts) == length


def test_a_model_that_looks_back_only_so_far_answers_like_the_library() -> None:
    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, sliding_window=6, bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    model = MistralForCausalLM(config).eval()
    settings = GenerationConfig(max_new_tokens=12, do_sample=False, pad_token_id=0)
    prompts = [[5, 6, *range(7, 7 + length)] for length in (1, 4, 9, 20)]
    requests = [Request(prompt=prompt, max_new_tokens=12, stop_ids=frozenset()) for prompt in prompts]
    decoder = Decoder(model, requests, pad_id=0)
    while decoder.active:
        decoder.step()
    for request in requests:
        ids = torch.tensor([request.prompt])
        found = model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=settings)
        assert request.new_ids == found[0, len(request.prompt) :].tolist()


def test_a_token_is_written_behind_the_others_and_rows_can_leave() -> None:
    torch.manual_seed(0)
    start = torch.randn(3, 2, 5, 4)
    roomy, plain = RoomyLayer(start, start + 1), DynamicLayer()
    plain.update(start, start + 1)
    for count in (1, 80, 1):
        new = torch.randn(roomy.keys.shape[0], 2, count, 4)
        for got, expected in zip(roomy.update(new, new + 1), plain.update(new, new + 1), strict=True):
            assert torch.equal(got, expected)
        for layer in (roomy, plain):
            layer.batch_select_indices(torch.tensor([layer.keys.shape[0] - 1, 0]))
    before = roomy.update(new, new)[0].data_ptr()
    assert roomy.update(new, new)[0].data_ptr() == before


@pytest.mark.slow
def test_sampling_depends_on_seed_and_item_not_on_the_batch(loaded: LoadedModel) -> None:
    settings = {"temperature": 1.0, "top_p": 0.9, "seed": 3}
    together = [request.new_ids for request in ask(loaded, EXAMPLES, **settings)]
    alone = [ask(loaded, [example], **settings)[0].new_ids for example in EXAMPLES]
    assert together == alone
    assert together != [request.new_ids for request in ask(loaded, EXAMPLES, **{**settings, "seed": 4})]


@pytest.mark.slow
def test_sampling_stays_within_the_nucleus(loaded: LoadedModel) -> None:
    greedy = ask(loaded, EXAMPLES[:3])
    narrow = ask(loaded, EXAMPLES[:3], temperature=1.0, top_p=0.0)
    assert [request.new_ids for request in narrow] == [request.new_ids for request in greedy]


def test_a_stop_text_ends_an_answer_and_is_left_out(loaded: LoadedModel) -> None:
    (whole,) = ask(loaded, EXAMPLES[:1])
    text = answer_text(whole, loaded.tokenizer, ())
    stop = text[4:6]
    (cut,) = ask(loaded, EXAMPLES[:1], stop=(stop,))
    assert cut.finish_reason == "stop"
    assert answer_text(cut, loaded.tokenizer, (stop,)) == text[: text.index(stop)]
    assert len(cut.new_ids) < len(whole.new_ids)


def test_a_prompt_that_fills_the_model_is_not_asked(loaded: LoadedModel) -> None:
    (request,) = ask(loaded, [Example(id="1", instruction="wall " * 3000)])
    assert request.finish_reason == "too_long"
    assert request.new_ids == []


def test_text_is_cut_at_the_first_stop() -> None:
    assert cut_at_stop("one END two STOP", ("STOP", "END", "")) == ("one ", True)
    assert cut_at_stop("one", ("END",)) == ("one", False)


def run(directory: RunDir, attempt: int = 1) -> dict[str, Any]:
    with directory.start_attempt(attempt) as current:
        return run_generation(directory, current, Stopper())


def rows(directory: RunDir, attempt: int = 1) -> list[dict[str, Any]]:
    path = directory.attempt_path(attempt) / "outputs.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_outputs_come_in_the_items_order_with_reference_losses(ref: ModelRef, tmp_path: Path) -> None:
    examples = [*EXAMPLES, Example(id="no reference", instruction="What?")]
    directory = make_generation(tmp_path / "run", ref, examples, batch_size=4, score_references=True)
    result = run(directory)
    found = rows(directory)
    assert [row["id"] for row in found] == [example.id for example in examples]
    assert found[-1]["reference_loss"] is None
    assert result["items"] == 10
    assert result["result"] == "attempt-1/outputs.jsonl"
    plain = load_model(ref)
    for example, row in zip(EXAMPLES, found, strict=False):
        pair = encode_pair(example, Template(), plain.tokenizer, 9999)
        loss = plain.model(input_ids=torch.tensor([pair.ids]), labels=torch.tensor([pair.labels])).loss
        assert row["reference_loss"] == pytest.approx(loss.item(), abs=1e-4)
        assert row["reference_tokens"] == pair.n_trained
        assert row["prompt_tokens"] == pair.n_prompt
        assert row["finish_reason"] in ("stop", "length")
        assert row["truncated_prompt"] is False
    progress = events(directory, 1, "progress")
    assert [event["done"] for event in progress] == [4, 8, 10]
    assert progress[-1]["eta_seconds"] == 0


def test_a_second_attempt_answers_only_what_is_missing(ref: ModelRef, tmp_path: Path) -> None:
    directory = make_generation(tmp_path / "run", ref, EXAMPLES, batch_size=2)
    run(directory)
    whole = rows(directory)
    first = directory.attempt_path(1) / "outputs.jsonl"
    marked = [json.dumps({**row, "text": "kept"}) for row in whole[:3]]
    first.write_text("\n".join(marked) + '\n{"id": "4", "te')  # killed in the middle of a line

    run(directory, 2)

    found = rows(directory, 2)
    assert [row["text"] for row in found] == ["kept"] * 3 + [row["text"] for row in whole[3:]]
    assert events(directory, 2, "progress")[0]["done"] == 5


@pytest.mark.slow
def test_the_command_writes_done_last(ref: ModelRef, tmp_path: Path) -> None:
    directory = make_generation(tmp_path / "run", ref, EXAMPLES[:2])
    assert finish(start("generate", directory, 1)) == 0
    done = directory.read_done()
    assert done is not None
    assert done["items"] == 2
    kinds = [event["type"] for event in directory.read_events(1)]
    assert kinds[0] == "isolation"
    assert kinds[-1] == "done"
