"""Columns of what arrives when."""

from __future__ import annotations

from datetime import date

import pytest

from allocation.adapters.reports import Arrival, Stock
from allocation.entrypoints.charts import columns


def arrival(eta: date | None, units: int = 10, allocated: int = 0) -> Arrival:
    return Arrival(eta, Stock(1, units, allocated))


class TestColumns:
    def test_of_nothing_are_none(self) -> None:
        assert columns([]) == []

    def test_stand_one_on_the_other_up_to_the_highest(self) -> None:
        [low, high] = columns([arrival(date(2030, 1, 1), 5, 1), arrival(date(2030, 1, 2), 10, 10)])

        assert (low.free.y, low.free.height) == ("78.0", "48.0")
        assert (low.allocated.y, low.allocated.height) == ("126.0", "12.0")
        assert (high.free.height, high.allocated.y, high.allocated.height) == (
            "0.0",
            "18.0",
            "120.0",
        )

    def test_name_a_month_where_it_begins(self) -> None:
        days = [None, date(2029, 12, 30), date(2029, 12, 31), date(2030, 1, 1), date(2031, 1, 1)]
        drawn = columns([arrival(day) for day in days])
        assert [(column.day, column.month) for column in drawn] == [
            ("stock", ""),
            ("30", "Dec"),
            ("31", ""),
            ("01", "Jan"),
            ("01", "Jan"),
        ]

    @pytest.mark.parametrize(
        ("units", "shown"),
        [
            (1, "1"),
            (999, "999"),
            (1_000, "1.0k"),
            (9_949, "9.9k"),
            (9_950, "10k"),
            (999_499, "999k"),
            (999_500, "1.0M"),
            (2**31 - 1, "2.1G"),
            (10**13, "10T"),
        ],
    )
    def test_show_their_units_in_few_characters(self, units: int, shown: str) -> None:
        [column] = columns([arrival(None, units)])
        assert column.total == shown
