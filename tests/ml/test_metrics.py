"""Scores are the published ones, in every language."""

import ast
import math
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from ml import metrics
from ml.metrics import (
    METRICS,
    chrf,
    exact_match,
    length_characters,
    length_words,
    normalise_answer,
    rouge_l,
    score,
    token_f1,
)
from tests.reference.metrics import CHRF, ROUGE_L

TEXTS = st.text(max_size=60) | st.text(alphabet="ab åä.,-'é你 ", max_size=30)


@pytest.mark.parametrize(("reference", "output", "published"), ROUGE_L)
def test_rouge_l_gives_the_published_values(reference, output, published):
    assert rouge_l(output, reference) == pytest.approx(published)


@pytest.mark.parametrize(("output", "reference", "published"), CHRF)
def test_chrf_gives_the_published_values(output, reference, published):
    """Published with a smoothing of 1e-16 that moves the fourth decimal; sacrebleu's default has none."""
    assert chrf(output, reference) == pytest.approx(published, abs=5e-4)


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=80), st.text(alphabet="ab c.-_'9A", max_size=40))
def test_rouge_l_of_ascii_is_that_of_the_package_as_it_comes(output, reference):
    package = RougeScorer(["rougeL"]).score(reference, output)["rougeL"].fmeasure
    assert rouge_l(output, reference) == pytest.approx(package)


def test_rouge_l_sees_swedish_and_chinese_where_the_package_does_not():
    assert rouge_l("Räksmörgås är gott", "Räksmörgås är väldigt gott") == pytest.approx(2 * 3 / 7)
    assert rouge_l("å ä ö", "ö ä å") == pytest.approx(1 / 3)
    assert rouge_l("你好世界", "你好") == pytest.approx(2 / 3)
    assert RougeScorer(["rougeL"]).score("你好世界", "你好")["rougeL"].fmeasure == 0, "why we bring our own tokenizer"


def test_token_f1_is_that_of_squad():
    assert token_f1("The building permit, please!", "a building permit") == pytest.approx(2 * 2 / 5)
    assert token_f1("permit building", "building permit") == 1.0
    assert token_f1("permit permit", "permit") == pytest.approx(2 / 3), "a word counts as often as both have it"
    assert token_f1("no", "yes") == 0.0


def test_token_f1_in_other_scripts():
    assert token_f1("Bygglov krävs!", "bygglov krävs") == 1.0
    assert token_f1("a\u030ar", "år") == 1.0, "decomposed and composed letters are the same"
    assert token_f1("你好世界", "你好") == pytest.approx(2 / 3)
    assert token_f1("«Oui», dit-elle…", "oui ditelle") == 1.0


@pytest.mark.parametrize(
    ("output", "reference", "same"),
    [
        ("The Cat.", "cat", 1.0),
        ("cat", "dog", 0.0),
        ("  Bygglov ", "bygglov", 1.0),
        ("don't", "dont", 1.0),
        ("“Ja”", "ja", 1.0),
        ("", "", 1.0),
        ("", "cat", 0.0),
        ("A", "a", 1.0),
        ("A", "", 0.0),
        ("A", "The", 0.0),
        ("!", "?", 0.0),
        ("1.5", "15", 1.0),
    ],
)
def test_exact_match(output, reference, same):
    """Known weakness of SQuAD's form, kept for comparability: without punctuation 1.5 is 15."""
    assert exact_match(output, reference) == same


def test_normal_form_is_squads():
    assert normalise_answer("  An Apple, a day; the END. ") == "apple day end"
    assert normalise_answer("theatre another") == "theatre another", "articles only as whole words"


def test_lengths():
    assert (length_words("Två ord."), length_characters("  Två ord.\n")) == (2.0, 8.0)
    assert (length_words("", "ignored"), length_characters(" ")) == (0.0, 0.0)


@given(TEXTS, TEXTS)
def test_every_metric_gives_a_finite_number_in_its_range(output, reference):
    for metric_id, value in score(output, reference).items():
        low, high = METRICS[metric_id].range
        assert isinstance(value, float)
        assert math.isfinite(value)
        assert low <= value <= (math.inf if high is None else high + 1e-9)


@given(TEXTS)
def test_the_expected_answer_itself_is_perfect(text):
    assert exact_match(text, text) == token_f1(text, text) == 1.0


def test_blank_outputs_are_scored_as_failures():
    assert score("", "a real answer") == {
        "rouge_l": 0.0, "chrf": 0.0, "token_f1": 0.0, "exact_match": 0.0, "length_words": 0.0, "length_characters": 0.0,
    }  # fmt: skip


def test_the_registry_describes_every_metric():
    assert [metric.id for metric in METRICS.values()] == list(METRICS)
    for metric in METRICS.values():
        assert metric.name
        assert metric.description.endswith(".")
        assert metric.needs_reference == (metric.higher_is_better is not None)
    assert score("a b", "a b", only=["exact_match"]) == {"exact_match": 1.0}
    with pytest.raises(KeyError):
        score("a", "b", only=["bleu"])


def test_every_name_and_description_is_marked_for_the_translators():
    tree = ast.parse(Path(metrics.__file__).read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    marked = {ast.literal_eval(call.args[0]) for call in calls if getattr(call.func, "id", "") == "gettext_noop"}
    assert {text for metric in METRICS.values() for text in (metric.name, metric.description)} == marked


def test_listing_the_metrics_loads_neither_scorer_nor_torch():
    code = (
        "import sys, ml.metrics, ml.stats, ml.rate, ml.agree, ml.split, ml.checks, ml.commands_text\n"
        "heavy = {'torch', 'transformers', 'rouge_score', 'nltk', 'sacrebleu', 'django'} & set(sys.modules)\n"
        "print(*sorted(heavy), end='')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
