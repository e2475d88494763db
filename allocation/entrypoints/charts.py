"""Stacked columns of what arrives when, to be drawn as SVG.

All sizes stand in attributes, as the content security policy forbids styles in
a page. Those across are percentages of the width: the chart fits every screen,
and its texts stay as large as those around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.dateformat import format as format_date

from allocation.bootstrap import Arrival

DAYS: Final = 12
"""How many days fit on a phone."""

_TOP, _HEIGHT = 18, 120
"""Pixels above the highest column, and those of it."""


@dataclass(frozen=True)
class Bar:
    """A part of a column: pixels from the top, and pixels high."""

    y: str
    height: str


@dataclass(frozen=True)
class Column:
    """What is there or comes on one day."""

    arrival: Arrival
    x: str
    middle: str
    width: str
    allocated: Bar
    free: Bar
    total: str
    total_y: str
    day: str
    month: str
    """Empty where it is that of the column before."""


def columns(arrivals: Sequence[Arrival]) -> list[Column]:
    """The columns of as many arrivals as fit."""
    shown = arrivals[: DAYS + 1]
    slot = 100 / max(len(shown), 1)
    highest = max((arrival.stock.units for arrival in shown), default=0)
    before = [None, *(arrival.eta for arrival in shown)]
    return [
        _column(arrival, index * slot, slot, _HEIGHT / highest, before[index])
        for index, arrival in enumerate(shown)
    ]


def _column(
    arrival: Arrival, left: float, slot: float, scale: float, before: date | None
) -> Column:
    stock, eta = arrival.stock, arrival.eta
    free = _TOP + _HEIGHT - stock.units * scale
    allocated = _TOP + _HEIGHT - stock.allocated * scale
    return Column(
        arrival,
        x=_percent(left + slot * 0.15),
        middle=_percent(left + slot * 0.5),
        width=_percent(slot * 0.7),
        allocated=Bar(_pixels(allocated), _pixels(stock.allocated * scale)),
        free=Bar(_pixels(free), _pixels(stock.free * scale)),
        total=_short(stock.units),
        total_y=_pixels(free - 4),
        day="stock" if eta is None else f"{eta:%d}",
        month=_month(eta, before),
    )


def _month(eta: date | None, before: date | None) -> str:
    if eta is None or (before and (eta.year, eta.month) == (before.year, before.month)):
        return ""
    return format_date(eta, "M")


def _short(units: int) -> str:
    """In at most four characters."""
    amount, digits = float(units), 0
    for unit in ("", "k", "M", "G"):
        if amount < 999.5:  # noqa: PLR2004  # what is rounded to 1,000
            return f"{amount:.{digits if amount < 9.95 else 0}f}{unit}"  # noqa: PLR2004  # to 10
        amount, digits = amount / 1000, 1
    return f"{amount:.0f}T"


def _percent(share: float) -> str:
    return f"{share:.2f}%"


def _pixels(size: float) -> str:
    return f"{size:.1f}"
