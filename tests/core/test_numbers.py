import pytest

from core.numbers import whole_number, whole_numbers


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("12", 12), (7, 7), ("9" * 18, 10**18 - 1)])
def test_a_number_is_read(text: object, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["", None, "-1", "1.0", " 1", "1_0", "²", "٣", "9" * 19, "9" * 5000, "1\x00", True])
def test_what_is_no_number_of_a_row_is_none(text: object) -> None:
    assert whole_number(text) is None
    assert whole_numbers(["3", text, "4"]) == [3, 4]
