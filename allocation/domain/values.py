"""What a quantity, a name and an ETA may be, for every door of the application."""

from __future__ import annotations

import reprlib
import unicodedata
from datetime import date, datetime
from typing import Final

MAX_LENGTH: Final = 255
MAX_QUANTITY: Final = 2**31 - 1
"""The largest quantity that the integer columns of every database hold."""


class InvalidValue(ValueError):
    """A value breaks the rules for what it is. Carries `name` and `value`."""

    def __init__(self, name: str, value: object, rule: str) -> None:
        self.name = name
        self.value = value
        try:
            shown = reprlib.repr(value)
        except ValueError:  # Python 3.11 writes no number of more than 4,300 digits
            shown = "a number too long to show"
        super().__init__(f"The {name} {rule}, not {shown}.")


def quantity(value: object, name: str = "quantity") -> int:
    """A whole number of units, from 1 to what a column holds. Raises InvalidValue."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidValue(name, value, "must be a whole number of at least 1")
    if value > MAX_QUANTITY:
        raise InvalidValue(name, value, f"must be at most {MAX_QUANTITY}")
    return value


def text(name: str, value: object) -> str:
    """A name, such as a reference or a SKU, trimmed. Case matters. Raises InvalidValue.

    From 1 to 255 characters, none of them a control character.
    """
    if not isinstance(value, str):
        raise InvalidValue(name, value, "must be a text")
    trimmed = value.strip()
    if not trimmed:
        raise InvalidValue(name, value, "must not be empty")
    if len(trimmed) > MAX_LENGTH:
        raise InvalidValue(name, value, f"must have at most {MAX_LENGTH} characters")
    # Printable texts, nearly all of them, need no second look. Surrogates (Cs) are no text.
    if not trimmed.isprintable() and any(
        unicodedata.category(character) in ("Cc", "Cs") for character in trimmed
    ):
        raise InvalidValue(name, value, "must not contain control characters")
    return trimmed


def arrival(value: object) -> date | None:
    """An ETA: the day on which stock arrives, or None where it has arrived. Raises InvalidValue.

    Of a moment, its day.
    """
    if isinstance(value, datetime):
        return value.date()
    if value is not None and not isinstance(value, date):
        raise InvalidValue("eta", value, "must be a date, or None for warehouse stock")
    return value
