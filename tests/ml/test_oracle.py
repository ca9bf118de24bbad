"""Labels and loss equal those of TRL's SFTTrainer, up to and including the answer's first end token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset, disable_progress_bars
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer

from ml.prompting import Example, Template, Tokenizer, Turn, encode_pair
from ml.sample import Sample
from ml.score import TokenLoss, pad_right, score_samples
from ml.tiny import make_tiny_model
from tests.ml.runs import LIBRARY_WARNINGS, make_examples

pytestmark = [pytest.mark.filterwarnings(*LIBRARY_WARNINGS), pytest.mark.filterwarnings("ignore::FutureWarning")]
disable_progress_bars()

EXAMPLES = [
    *make_examples(20),
    Example(id="system", instruction="What?", response="A roof.", system="Be brief."),
    Example(id="turns", instruction="And?", response="No.", turns=(Turn("user", "a"), Turn("assistant", "b"))),
    Example(id="odd", instruction="مرحبا 🏠", response="{% x %} ünïcödé\n\n1234"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model"), hidden_size=64)


def prepared_by_trl(folder: Path, rows: list[dict[str, Any]], out: Path) -> list[dict[str, list[int]]]:
    arguments = SFTConfig(output_dir=str(out), use_cpu=True, bf16=False, report_to="none", disable_tqdm=True)
    trainer = SFTTrainer(
        model=LlamaForCausalLM.from_pretrained(folder),
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=PreTrainedTokenizerFast.from_pretrained(folder),
    )
    return [dict(row) for row in trainer.train_dataset]


def until_end(row: dict[str, list[int]], end: int) -> tuple[list[int], list[int]]:
    """TRL also trains what the template writes behind the end token: the one known difference."""
    first = next(place for place, label in enumerate(row["labels"]) if label == end)
    return row["input_ids"][: first + 1], row["labels"][: first + 1]


def test_chat_labels_equal_trls(folder: Path, tmp_path: Path) -> None:
    rows = []
    for example in EXAMPLES:
        system = [{"role": "system", "content": example.system}] if example.system else []
        question = {"role": "user", "content": example.instruction}
        rows.append(
            {
                "prompt": [*system, *(turn.to_json() for turn in example.turns), question],
                "completion": [{"role": "assistant", "content": example.response}],
            }
        )
    tokenizer = Tokenizer.load(folder)

    theirs = prepared_by_trl(folder, rows, tmp_path)

    assert len(theirs) == len(EXAMPLES)
    for example, row in zip(EXAMPLES, theirs, strict=True):
        ours = encode_pair(example, Template(), tokenizer, 1000)
        assert (ours.ids, ours.labels) == until_end(row, tokenizer.eos_id)


def test_text_labels_equal_trls(folder: Path, tmp_path: Path) -> None:
    template = Template(kind="text", prompt="Question: {{instruction}}", before_response="\nAnswer:")
    plain = [example for example in EXAMPLES if not example.system and not example.turns]
    rows = [{"prompt": f"Question: {e.instruction}\nAnswer:", "completion": e.response} for e in plain]
    tokenizer = Tokenizer.load(folder)
    for example, row in zip(plain, prepared_by_trl(folder, rows, tmp_path), strict=True):
        ours = encode_pair(example, template, tokenizer, 1000)
        assert (ours.ids, ours.labels) == until_end(row, tokenizer.eos_id)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.slow
def test_loss_equals_the_model_librarys(tmp_path: Path, tied: bool) -> None:
    model = LlamaForCausalLM.from_pretrained(make_tiny_model(tmp_path, tie_embeddings=tied))
    tokenizer = Tokenizer.load(tmp_path)
    encoded = [encode_pair(example, Template(), tokenizer, 1000) for example in EXAMPLES]
    samples = [Sample(pair.ids, pair.labels) for pair in encoded]
    inputs, labels = pad_right(samples[:6], tokenizer.pad_id)
    token_loss = TokenLoss(model)

    ours = token_loss(inputs, labels)

    assert token_loss.skips_unlabelled
    theirs = model(**inputs, labels=labels).loss
    assert ours.mean().item() == pytest.approx(theirs.item(), abs=1e-5)
    scores = score_samples(model, samples, pad_id=tokenizer.pad_id, batch_size=4)
    for sample, score, pair in zip(samples, scores, encoded, strict=True):
        alone = model(input_ids=torch.tensor([sample.ids]), labels=torch.tensor([sample.labels])).loss
        assert score.mean == pytest.approx(alone.item(), abs=1e-4)
        assert score.tokens == pair.n_trained


def test_a_model_with_more_than_a_linear_head_is_asked_the_ordinary_way(folder: Path) -> None:
    class Capped(LlamaForCausalLM):
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            output = super().forward(*args, **kwargs)
            output.logits = torch.tanh(output.logits) * 0.01
            return output

    model = Capped.from_pretrained(folder)
    token_loss = TokenLoss(model)
    assert not token_loss.skips_unlabelled
    inputs, labels = pad_right([Sample([5, 6, 7], [-100, 6, 7])], 2)
    expected = torch.nn.functional.cross_entropy(model(**inputs).logits[0, :-1], labels[0, 1:], reduction="none")
    assert torch.allclose(token_loss(inputs, labels), expected)
