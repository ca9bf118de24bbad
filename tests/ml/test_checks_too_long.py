"""Too long: over the limit in tokens, or far longer than the expected or the accepted answers."""

from ml.checks import CheckContext, TypicalLengths, get_check

TYPICAL = TypicalLengths(median=20, high=40, count=100)


def find(text: str, **context):
    return get_check("too_long").find(text, CheckContext(**context))


def test_over_the_token_limit_is_an_error_on_the_whole_text():
    (finding,) = find("some text", token_count=1104, max_tokens=1024)
    assert (finding.start, finding.end, finding.severity) == (0, 9, "error")
    assert finding.message == "1,104 tokens; the limit is 1,024, so 80 must go."


def test_exactly_the_limit_is_allowed():
    assert find("some text", token_count=1024, max_tokens=1024) == []


def test_nothing_is_said_without_a_count_a_limit_or_something_to_compare_with():
    text = "word " * 5000
    assert find(text) == []
    assert find(text, max_tokens=10) == []
    assert find(text, token_count=10) == []


def test_longer_than_the_accepted_texts_is_a_warning_from_where_the_usual_length_ends():
    text = "word " * 61
    (finding,) = find(text, typical_lengths=TYPICAL)
    assert finding.severity == "warning"
    assert (finding.start, finding.end) == (60 * 5, 61 * 5 - 1)
    assert finding.message == "61 words; 19 of 20 accepted texts of this task have at most 40 (half of them 20)."
    assert find("word " * 60, typical_lengths=TYPICAL) == []


def test_a_few_accepted_texts_say_nothing_about_what_is_typical():
    assert find("word " * 500, typical_lengths=TypicalLengths(5, 9, count=19)) == []
    assert len(find("word " * 500, typical_lengths=TypicalLengths(5, 9, count=20))) == 1


def test_the_expected_answer_counts_before_the_typical_length():
    reference = "word " * 100
    assert find("word " * 300, reference=reference, typical_lengths=TYPICAL) == []
    (finding,) = find("word " * 301, reference=reference, typical_lengths=TYPICAL)
    assert finding.message == "301 words; the expected answer has 100."


def test_false_positive_a_sentence_around_a_one_word_answer():
    assert find("The capital of France, as everybody knows, is of course Paris.", reference="Paris") == []
    assert len(find("Paris. " * 40, reference="Paris")) == 1


def test_a_text_without_blanks_is_counted_by_its_characters():
    assert len(find("漢字" * 40, typical_lengths=TYPICAL)) == 1
    assert find("漢字" * 30, typical_lengths=TYPICAL) == []
