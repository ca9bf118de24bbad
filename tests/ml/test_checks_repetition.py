"""Repetition: what models do when they loop, and what people repeat on purpose."""

import json

import pytest

from ml.checks import CheckContext, get_check
from ml.checks.repetition import Repetition
from tests.reference.shared_data import shared_data

PROSE = (
    "The inspector visits the building site twice during construction. After the second visit a final certificate is "
    "issued, and only then may the family move in. "
)
SENTENCES = ["The house needs a permit from the city.", "You must ask the neighbours before you start to build."]
SCATTERED = " ".join(f"{SENTENCES[n % 2]} Case{n} differs." for n in range(10))  # 107 4-grams, 55 of them repeats
SPAM = "Please call our office today. "


def find(text: str):
    return get_check("repetition").find(text, CheckContext())


def test_a_sentence_said_over_and_over_is_an_error_from_its_second_time_on():
    text = PROSE + SPAM * 10
    (finding,) = find(text)
    assert finding.message == "“Please call our office today.” stands here 10 times in a row."
    assert finding.severity == "error"
    assert text[finding.start : finding.end] == ". " + (SPAM * 9).strip()[:-1]
    assert without(text) == PROSE + SPAM


def without(text: str) -> str:
    """The text with the suggestion taken: each block once."""
    (finding,) = find(text)
    return text[: finding.start] + finding.suggestions[0] + text[finding.end :]


def test_a_loop_in_a_long_text_is_a_warning():
    (finding,) = find(PROSE + SPAM * 3)
    assert finding.severity == "warning"
    assert finding.message == "“Please call our office today.” stands here 3 times in a row."


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("and the " * 8, "and the"),
        ("very " * 12, "very"),
        ("Positive Negative\n" * 6, "Positive Negative"),
        ("1. Buy milk now\n2. Buy milk now\n3. Buy milk now\n4. Buy milk now", "Buy milk now 2."),
    ],
)
def test_blocks_of_any_size_are_found(text, block):
    (finding,) = find(text)
    assert finding.message.startswith(f"“{block}” stands here")
    assert without(text).strip(" \n1.") == block.removesuffix(" 2.")


def test_letters_that_never_end_are_an_error():
    (finding,) = find("Yes, h" + "a" * 30)
    assert finding.message == "“a” is repeated 30 times in a row."
    assert without("Yes, h" + "a" * 30) == "Yes, ha"
    (finding,) = find("Well " + "haha" * 8)
    assert finding.message == "“ha” is repeated 16 times in a row."
    (finding,) = find("你好" * 20)
    assert finding.message == "“你好” is repeated 20 times in a row."


def test_the_same_words_scattered_over_the_text_are_found_by_their_share():
    (finding,) = find(SCATTERED)
    assert finding.message == "51% of this text repeats words that were there before; at most 20% is usual."
    assert finding.severity == "error"


def test_a_share_just_above_the_limit_looks_above_it():
    (finding,) = Repetition(share=0.51).find(SCATTERED, CheckContext())
    assert finding.message == "52% of this text repeats words that were there before; at most 51% is usual."


def test_a_quoted_sentence_is_no_repetition():
    assert (
        find(PROSE + "As the handbook says: “a final certificate is issued, and only then may the family move in.”")
        == []
    )


def test_ordinary_prose_is_clean():
    assert find(PROSE) == []


def test_false_positive_a_table():
    rows = "\n".join(f"| item {n} | price on request per piece | not in stock at the moment |" for n in range(12))
    assert find(rows) == []
    assert find("| part | works |\n" + "| yes it does | no it does not |\n" * 12) == []


def test_false_positive_code():
    body = "for row in rows:\n    total = total + row.value\n    count = count + 1\n"
    assert find(f"Here it is:\n```python\n{body * 6}```\nThat is all.") == []


def test_false_positive_code_whose_fence_was_cut_off():
    assert find("Here it is:\n```python\n" + "total = total + row.value\n" * 20) == []


def test_false_positive_a_list_with_a_pattern():
    countries = ["France", "Spain", "Italy", "Norway", "Sweden", "Poland", "Greece", "Malta"]
    assert find("\n".join(f"- The name of the capital of the country of {name} is known" for name in countries)) == []
    said = PROSE.split(". ")
    assert find(f"{PROSE}\n- {said[0]}, as was said\n- {said[1]}, as agreed") == [], "items say what the prose said"


def test_a_list_that_repeats_whole_items_is_found():
    items = ["Wash the floor with warm water", "Dry the floor with a soft cloth", "Open the window for an hour"]
    for order in ("012012012012", "012102202110"):
        text = "\n".join(f"{number + 1}. {items[int(item)]}" for number, item in enumerate(order))
        (finding,) = find(text)
        assert finding.severity == "error"


def test_false_positive_a_song_with_a_refrain():
    refrain = "We sail away at the break of day\nAnd the wind will carry us home\n"
    verses = [
        "The harbour lies in morning grey\nThe gulls are calling loud\n",
        "My father sailed this sea before\nHis father knew it too\n",
        "The lighthouse burns for those who stay\nIts lamp is never out\n",
    ]
    assert find("\n".join(verse + refrain for verse in verses)) == []


def test_false_positive_a_rule_of_dashes_and_zeros():
    assert find("Title\n" + "-" * 80 + "\nText\n" + "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0") == []


def test_false_positive_a_blank_to_fill_in():
    assert find("Your number: xxxxxxxxxx") == []


def test_short_texts_may_repeat_a_little():
    assert find("Ha ha ha ha ha! That was good, that was really good.") == []
    assert find("Ha ha ha ha ha ha ha! That was good.") == []


def test_models_that_loop_are_told_from_models_that_answer():
    """Shares of 252 answers each that this check flags; the raw model loops, the finetuned ones mostly do not."""

    def flagged(model: str) -> float:
        path = shared_data(f"self_instruct/predictions/{model}_predictions.jsonl")
        answers = [json.loads(line)["response"] for line in path.read_text(encoding="utf-8").splitlines()]
        return sum(1 for answer in answers if find(answer)) / len(answers)

    assert flagged("davinci") >= 0.97
    assert flagged("text-davinci-003") <= 0.03
    assert flagged("davinci-t0-ft") <= 0.03
