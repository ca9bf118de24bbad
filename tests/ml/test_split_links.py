"""Which pairs belong together, and why: the same question, nearly the same, one inside the other, the same source."""

from ml.split import Link, PairText, find_links
from tests.ml.pairs_made import pair

ANSWER = (
    "The inspector visits twice, once before "
    "the walls are closed and once when everything is finally finished and clean again."
)


def reasons(*pairs: PairText) -> dict:
    return {link.members: link.reason for link in reversed(find_links(pairs))}


def test_the_same_prompt_belongs_together_whatever_its_case_and_punctuation():
    assert reasons(pair("a", "What is a permit?"), pair("b", "what is  a PERMIT"), pair("c", "Who decides?")) == {
        ("a", "b"): "prompt"
    }
    assert reasons(pair("a", "你好吗？"), pair("b", "你好吗")) == {("a", "b"): "prompt"}
    assert reasons(pair("a", "???"), pair("b", "???"), pair("c", "!!!")) == {("a", "b"): "prompt"}


def test_near_prompts_belong_together():
    found = reasons(
        pair("a", "How long does it take to get a building permit for a garage?"),
        pair("b", "How long does it usually take to get a building permit for a garage?"),
    )
    assert found == {("a", "b"): "near prompt"}


def test_the_same_source_belongs_together():
    assert reasons(pair("a", source="handbook p. 3"), pair("b", source="handbook p. 3"), pair("c", source="")) == {
        ("a", "b"): "source"
    }


def test_long_answers_belong_together_short_ones_do_not():
    near = ANSWER.replace("clean", "tidy")
    assert reasons(pair("a", response=ANSWER), pair("b", response=ANSWER)) == {("a", "b"): "response"}
    assert reasons(pair("a", response=ANSWER), pair("b", response=near)) == {("a", "b"): "near response"}
    assert reasons(pair("a", response="Permits"), pair("b", response="Permits")) == {}


def test_an_instruction_that_many_inputs_share_does_not_tie_them():
    inputs = ["The roof leaks.", "My invoice is wrong.", "When do you open?", "when do you open"]
    pairs = [pair(str(n), "Name the category of the message.", input=text) for n, text in enumerate(inputs)]
    assert reasons(*pairs) == {("2", "3"): "prompt"}
    other = [pair(f"t{n}", "Say it in Swedish, please.", input=text) for n, text in enumerate(inputs[:3])]
    assert reasons(*pairs[:3], *other) == {(str(n), f"t{n}"): "prompt" for n in range(3)}, "the input is what is asked"


def test_a_text_that_stands_inside_another_belongs_to_it():
    question = "How long does it take until a permit for a garage is given"
    inside = f"{ANSWER} A neighbour wrote to us and wants to know: {question}, and who decides about it in the end?"
    assert reasons(pair("a", question), pair("b", inside)) == {("a", "b"): "contained"}
    assert reasons(pair("a", question), pair("b", response=inside)) == {("a", "b"): "contained"}
    assert reasons(pair("a", f"{question} this year"), pair("b", inside)) == {}, "a short one only as a whole"
    assert reasons(pair("a", "Who decides about it in the end?"), pair("b", inside)) == {}, "seven words are too few"


def test_a_long_text_stands_inside_one_that_has_most_of_it():
    changed = ANSWER.replace("finished", "done")
    other = " ".join(f"word{n}" for n in range(40))
    assert reasons(pair("a", response=ANSWER), pair("b", response=f"{other} {changed}")) == {("a", "b"): "contained"}


def test_what_many_texts_have_ties_none_of_them():
    rows = [
        pair(str(n), f"What does the municipality of our town say about the matter of {n}{n} and {n}?")
        for n in range(100, 120)
    ]
    assert [link for link in find_links(rows) if link.reason == "contained"] == []


def test_the_same_question_with_and_without_context_belongs_together():
    found = reasons(
        pair("a", "How long does the permit take in our municipality?"),
        pair("b", "How long does the permit take in our municipality?", input="Helsingborg"),
    )
    assert found == {("a", "b"): "near prompt"}


def test_a_near_duplicate_of_a_repeated_prompt_is_tied_to_all_that_repeat_it():
    question = "How long does it take to get a building permit for a garage?"
    found = find_links([pair("a", question), pair("b", question), pair("c", question.replace("take", "usually take"))])
    assert Link("near prompt", ("a", "b", "c")) in found
