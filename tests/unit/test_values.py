"""What a quantity, a name and an ETA may be."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocation.domain.model import Batch, OrderLine
from allocation.domain.values import MAX_LENGTH, MAX_QUANTITY, InvalidValue, arrival, quantity, text


class TestQuantity:
    @pytest.mark.parametrize("value", [1, 2, MAX_QUANTITY], ids=ascii)
    def test_is_a_whole_number_that_fits_the_column(self, value: int) -> None:
        assert quantity(value) == value

    @pytest.mark.parametrize(
        "value",
        [0, -1, True, False, 1.0, 1.5, float("nan"), float("inf"), "1", b"1", None, [1]],
        ids=ascii,
    )
    def test_is_nothing_else(self, value: object) -> None:
        with pytest.raises(InvalidValue, match="must be a whole number of at least 1"):
            quantity(value)

    def test_is_not_more_than_the_column_holds(self) -> None:
        with pytest.raises(InvalidValue, match="must be at most 2147483647, not 2147483648"):
            quantity(MAX_QUANTITY + 1)

    def test_may_be_refused_though_it_is_too_long_to_be_shown(self) -> None:
        with pytest.raises(InvalidValue, match="must be at most 2147483647"):
            quantity(10 ** (sys.get_int_max_str_digits() + 1))

    def test_is_called_by_its_name_when_it_is_refused(self) -> None:
        with pytest.raises(InvalidValue, match=r"^The stock must be") as raised:
            quantity(0, "stock")
        assert (raised.value.name, raised.value.value) == ("stock", 0)


class TestText:
    @pytest.mark.parametrize(
        "value",
        [
            "a",
            "Österreich",
            "赤い椅子",
            "🪑",
            "e\N{COMBINING ACUTE ACCENT}",
            "with a space",
            "x" * 255,
        ],
        ids=ascii,
    )
    def test_may_be_any_text(self, value: str) -> None:
        assert text("sku", value) == value

    @pytest.mark.parametrize("value", [" a", "a ", "\ta\n", "\r\na\N{NO-BREAK SPACE}"], ids=ascii)
    def test_is_trimmed(self, value: str) -> None:
        assert text("sku", value) == "a"

    def test_is_measured_after_it_was_trimmed(self) -> None:
        assert text("sku", f" {'x' * MAX_LENGTH} ") == "x" * MAX_LENGTH

    def test_keeps_its_case(self) -> None:
        assert text("sku", "aBc") == "aBc"

    @pytest.mark.parametrize("value", ["", " ", "\t\n", "\N{NO-BREAK SPACE}"], ids=ascii)
    def test_is_not_empty(self, value: str) -> None:
        with pytest.raises(InvalidValue, match="The sku must not be empty"):
            text("sku", value)

    def test_is_not_longer_than_the_column(self) -> None:
        with pytest.raises(InvalidValue, match="must have at most 255 characters"):
            text("sku", "x" * (MAX_LENGTH + 1))

    @pytest.mark.parametrize(
        "value", ["a\0b", "\0", "a\nb", "a\tb", "a\x1bb", "a\x7fb", "a\x85b"], ids=ascii
    )
    def test_holds_no_control_character(self, value: str) -> None:
        with pytest.raises(InvalidValue, match="must not contain control characters"):
            text("sku", value)

    @pytest.mark.parametrize("value", ["\ud800", "a\udfffb"], ids=ascii)
    def test_holds_no_lone_surrogate(self, value: str) -> None:
        with pytest.raises(InvalidValue, match="must not contain control characters"):
            text("sku", value)

    @pytest.mark.parametrize("value", [None, 1, b"a", ["a"]], ids=ascii)
    def test_is_a_text(self, value: object) -> None:
        with pytest.raises(InvalidValue, match="The sku must be a text"):
            text("sku", value)

    def test_is_shown_in_part_when_it_is_long(self) -> None:
        with pytest.raises(InvalidValue) as raised:
            text("sku", "x" * 10_000)
        assert len(str(raised.value)) < 150

    @given(st.text())
    def test_is_refused_or_is_good_for_every_database(self, value: str) -> None:
        try:
            accepted = text("sku", value)
        except InvalidValue:
            return
        assert accepted.encode()
        assert "\0" not in accepted
        assert 1 <= len(accepted) <= MAX_LENGTH

    @given(st.text(min_size=1))
    def test_stays_what_it_is_when_it_is_checked_again(self, value: str) -> None:
        try:
            accepted = text("sku", value)
        except InvalidValue:
            return
        assert text("sku", accepted) == accepted


class TestArrival:
    @pytest.mark.parametrize("value", [None, date.min, date(2026, 6, 1), date.max], ids=ascii)
    def test_is_a_day_or_nothing(self, value: date | None) -> None:
        assert arrival(value) == value

    @pytest.mark.parametrize("zone", [None, UTC, timezone(timedelta(hours=14))], ids=ascii)
    def test_is_the_day_of_a_moment_where_that_is_told(self, zone: timezone | None) -> None:
        found = arrival(datetime(2026, 6, 1, 23, 59, tzinfo=zone))
        assert (type(found), found) == (date, date(2026, 6, 1))

    @pytest.mark.parametrize("value", ["", "2026-06-01", 0, 20260601, False, [None]], ids=ascii)
    def test_is_nothing_else(self, value: object) -> None:
        with pytest.raises(InvalidValue, match="The eta must be a date, or None") as raised:
            arrival(value)
        assert (raised.value.name, raised.value.value) == ("eta", value)


class TestWhoIsChecked:
    @pytest.mark.parametrize(
        ("arguments", "name"),
        [
            (("", "a", 1), "order id"),
            (("o", "a\0", 1), "sku"),
            (("o", "a", 0), "quantity"),
            (("o", "a", 2.0), "quantity"),
        ],
    )
    def test_an_order_line_is(self, arguments: tuple[Any, ...], name: str) -> None:
        with pytest.raises(InvalidValue) as raised:
            OrderLine(*arguments)
        assert raised.value.name == name

    @pytest.mark.parametrize(
        ("arguments", "name"),
        [
            (("", "a", 1, None), "reference"),
            (("b", " ", 1, None), "sku"),
            (("b", "a", True, None), "quantity"),
            (("b", "a", 1, "2026-06-01"), "eta"),
        ],
    )
    def test_a_batch_is(self, arguments: tuple[Any, ...], name: str) -> None:
        with pytest.raises(InvalidValue) as raised:
            Batch(*arguments)
        assert raised.value.name == name

    def test_an_order_line_is_trimmed(self) -> None:
        assert OrderLine(" o ", "\ta", 1) == OrderLine("o", "a", 1)

    def test_a_batch_is_trimmed(self) -> None:
        batch = Batch(" b ", "a\n", 1, None)
        assert (batch.reference, batch.sku) == ("b", "a")
