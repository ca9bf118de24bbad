"""Numbers that addresses and forms bring as text."""

from collections.abc import Iterable


def whole_number(value: object) -> int | None:
    """Such a number; None for anything else, and for what is larger than a row's number can be."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def whole_numbers(values: Iterable[object]) -> list[int]:
    """Those of the values that are such numbers."""
    return [number for number in map(whole_number, values) if number is not None]
