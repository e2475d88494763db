"""From what people type, into a cell or on a command line, to values of the domain."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from allocation.domain.values import InvalidValue, quantity

# Stricter than int(), which takes 1_000 and the digits of every script. No more
# digits than int() converts whatever the interpreter's limit is set to.
_WHOLE_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,640}")
# Stricter than date.fromisoformat(), which takes 20110117 and 2011-W03-1.
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_whole_number(cell: str) -> int | None:
    """A whole number, of digits and maybe a sign; None for anything else."""
    trimmed = cell.strip()
    return int(trimmed) if _WHOLE_NUMBER.fullmatch(trimmed) else None


def read_quantity(cell: str) -> int:
    """A whole number that is a quantity. Raises InvalidValue."""
    number = read_whole_number(cell)
    return quantity(cell if number is None else number)


def read_eta(cell: str) -> date | None:
    """A date as YYYY-MM-DD; None for an empty cell, stock in the warehouse. Raises InvalidValue."""
    trimmed = cell.strip()
    if not trimmed:
        return None
    try:
        if _DATE.fullmatch(trimmed):
            return date.fromisoformat(trimmed)
    except ValueError:
        pass  # 2011-02-30
    raise InvalidValue("eta", cell, "must be a date as YYYY-MM-DD")
