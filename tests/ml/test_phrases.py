"""Sentences that travel with what they were made of."""

import ast
import json
from pathlib import Path

import pytest

from ml.loading import ModelError
from ml.phrases import Phrase, beside, sentence_of

ML = Path(__file__).parents[2] / "ml"


def test_a_phrase_is_its_english_sentence_and_comes_back_from_json() -> None:
    why = Phrase("It is %(size)d tokens long.", size=3)
    phrase = Phrase("Left out: %(count)d. %(why)s", count=2, why=why)
    assert phrase == "Left out: 2. It is 3 tokens long."
    again = Phrase.from_json(json.loads(json.dumps(phrase.to_json())))
    assert (again, again.values["why"].values) == (phrase, {"size": 3})
    assert beside(phrase) == {"said": phrase.to_json()}
    assert (beside("100 % plain"), beside(None)) == ({}, {})


def test_an_error_says_the_phrase_it_was_raised_with() -> None:
    phrase = Phrase("No %(what)s.", what="luck")
    assert sentence_of(ModelError(phrase)) is phrase
    assert sentence_of(OSError(28, "No space left")) == "[Errno 28] No space left"
    assert sentence_of(ValueError()) == "ValueError"


@pytest.mark.parametrize("path", sorted(ML.rglob("*.py")), ids=lambda path: str(path.relative_to(ML)))
def test_what_phrases_are_made_of_is_marked_for_the_translators(path: Path) -> None:
    """The first argument of a phrase is a name, or a literal within `gettext_noop`; each literal fits its values."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
        if name in ("Phrase", "DocumentError", "CorpusError", "TableError"):
            assert not isinstance(node.args[0], (ast.Constant, ast.JoinedStr, ast.BinOp))
        if name == "gettext_noop":
            assert isinstance(ast.literal_eval(node.args[0]), str)
