"""Order lines, batches, and the rule by which the one goes to the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import permutations

import pytest

from allocation.domain.model import (
    Batch,
    LineConflict,
    LinesNotKnown,
    OrderLine,
    OutOfStock,
    allocate,
)
from allocation.domain.values import InvalidValue

JUNE = date(2026, 6, 1)
JULY = date(2026, 7, 1)


def line(orderid: str = "o1", qty: int = 1, sku: str = "LAMP") -> OrderLine:
    return OrderLine(orderid, sku, qty)


def batch(ref: str = "b1", qty: int = 10, eta: date | None = None, sku: str = "LAMP") -> Batch:
    return Batch(ref, sku, qty, eta)


def loaded(*lines: tuple[OrderLine, int], qty: int = 10, allocated: int = 8) -> Batch:
    """A batch as it comes from a store that was asked for these lines."""
    return Batch.reconstitute(
        "b1", "LAMP", qty, None, allocated=allocated, lines_taken=8, lines=lines
    )


def lines_of(holder: Batch) -> list[OrderLine]:
    return [held for held, _ in holder.lines()]


class TestOrderLine:
    def test_is_a_value(self) -> None:
        assert line() == line()
        assert len({line(), line()}) == 1

    def test_with_another_quantity_is_another_line(self) -> None:
        assert line(qty=1) != line(qty=2)

    def test_cannot_be_changed(self) -> None:
        with pytest.raises(dataclasses.FrozenInstanceError):
            line().qty = 2  # type: ignore[misc]  # what is tried

    def test_is_known_by_its_order_and_sku(self) -> None:
        assert line(qty=1).key == line(qty=2).key == ("o1", "LAMP")


class TestBatch:
    def test_is_known_by_its_reference(self) -> None:
        assert batch(qty=1) == batch(qty=2)
        assert len({batch(qty=1), batch(qty=2)}) == 1

    def test_is_nothing_but_a_batch(self) -> None:
        assert batch() != "b1"

    def test_tells_its_numbers(self) -> None:
        holder = batch(qty=10)
        holder.allocate(line(qty=3))
        assert (
            holder.purchased_quantity,
            holder.allocated_quantity,
            holder.available_quantity,
        ) == (10, 3, 7)

    def test_takes_the_day_of_a_moment_as_its_eta(self) -> None:
        assert batch(eta=datetime(2026, 6, 1, 12, tzinfo=UTC)).eta == JUNE

    def test_counts_the_lines_that_it_took(self) -> None:
        holder = batch()
        holder.allocate(line("o1"))
        holder.deallocate(line("o1"))
        holder.allocate(line("o2"))
        assert list(holder.lines()) == [(line("o2"), 2)]

    def test_shows_its_reference_to_who_debugs(self) -> None:
        assert repr(batch("late")) == "<Batch late>"


class TestBatchAllocate:
    def test_refuses_what_does_not_fit(self) -> None:
        holder = batch(qty=2)
        with pytest.raises(OutOfStock) as raised:
            holder.allocate(line(qty=3))
        assert raised.value.sku == "LAMP"
        assert holder.allocated_quantity == 0

    def test_refuses_another_sku(self) -> None:
        with pytest.raises(OutOfStock, match="CHAIR"):
            batch().allocate(line(sku="CHAIR"))

    def test_tells_skus_apart_by_their_case(self) -> None:
        assert not batch(sku="LAMP").can_allocate(line(sku="lamp"))

    def test_takes_a_line_once(self) -> None:
        holder = batch()
        holder.allocate(line(qty=3))
        holder.allocate(line(qty=3))
        assert (holder.allocated_quantity, holder.lines_taken) == (3, 1)

    def test_takes_a_line_again_though_it_is_full(self) -> None:
        holder = batch(qty=3)
        holder.allocate(line(qty=3))
        holder.allocate(line(qty=3))
        assert holder.allocated_quantity == 3

    def test_refuses_another_quantity_of_a_line_and_shows_both(self) -> None:
        holder = batch()
        holder.allocate(line(qty=3))
        with pytest.raises(LineConflict, match="with quantity 3, not 4") as raised:
            holder.allocate(line(qty=4))
        assert (raised.value.known, raised.value.given) == (line(qty=3), line(qty=4))
        assert holder.allocated_quantity == 3


class TestBatchDeallocate:
    def test_gives_the_units_back(self) -> None:
        holder = batch()
        holder.allocate(line("o1", 3))
        holder.allocate(line("o2", 4))
        holder.deallocate(line("o1", 3))
        assert (holder.allocated_quantity, lines_of(holder)) == (4, [line("o2", 4)])

    def test_of_a_line_that_is_not_there_changes_nothing(self) -> None:
        holder = batch()
        holder.allocate(line("o1", 3))
        holder.deallocate(line("o2", 3))
        assert holder.allocated_quantity == 3

    def test_refuses_another_quantity_of_a_line_and_shows_both(self) -> None:
        """Taken at its word, it would give back units that were never taken."""
        holder = batch()
        holder.allocate(line(qty=3))
        with pytest.raises(LineConflict, match="with quantity 3, not 4") as raised:
            holder.deallocate(line(qty=4))
        assert (raised.value.known, raised.value.given) == (line(qty=3), line(qty=4))
        assert (holder.allocated_quantity, lines_of(holder)) == (3, [line(qty=3)])


class TestChangePurchasedQuantity:
    @pytest.fixture
    def full(self) -> Batch:
        holder = batch(qty=10)
        for orderid, qty in [("o1", 5), ("o2", 4), ("o3", 1)]:
            holder.allocate(line(orderid, qty))
        return holder

    def test_gives_room(self, full: Batch) -> None:
        assert full.change_purchased_quantity(12) == []
        assert full.available_quantity == 2

    def test_leaves_the_lines_that_fit(self, full: Batch) -> None:
        assert full.change_purchased_quantity(10) == []

    def test_takes_the_last_line_off_first(self, full: Batch) -> None:
        assert full.change_purchased_quantity(9) == [line("o3", 1)]
        assert lines_of(full) == [line("o1", 5), line("o2", 4)]

    def test_takes_lines_off_until_the_rest_fits(self, full: Batch) -> None:
        assert full.change_purchased_quantity(8) == [line("o3", 1), line("o2", 4)]
        assert (full.allocated_quantity, full.available_quantity) == (5, 3)

    def test_can_take_all_lines_off(self, full: Batch) -> None:
        full.change_purchased_quantity(1)
        assert (full.allocated_quantity, lines_of(full)) == (0, [])

    def test_takes_a_line_as_last_that_came_back_last(self, full: Batch) -> None:
        full.deallocate(line("o1", 5))
        full.allocate(line("o1", 5))
        assert full.change_purchased_quantity(9) == [line("o1", 5)]

    @pytest.mark.parametrize("qty", [0, -1, 2**31])
    def test_refuses_what_is_no_quantity(self, full: Batch, qty: int) -> None:
        with pytest.raises(InvalidValue):
            full.change_purchased_quantity(qty)
        assert full.purchased_quantity == 10


class TestChangeEta:
    @pytest.mark.parametrize("eta", [JULY, None])
    def test_lets_a_batch_arrive_on_another_day(self, eta: date | None) -> None:
        holder = batch(eta=JUNE)
        holder.change_eta(eta)
        assert holder.eta == eta

    def test_takes_the_day_of_a_moment(self) -> None:
        holder = batch(eta=JUNE)
        holder.change_eta(datetime(2026, 7, 1, 12, tzinfo=UTC))
        assert holder.eta == JULY

    def test_refuses_what_is_no_date(self) -> None:
        holder = batch(eta=JUNE)
        with pytest.raises(InvalidValue, match="The eta must be a date"):
            holder.change_eta("2026-07-01")  # type: ignore[arg-type]  # what is tried
        assert holder.eta == JUNE


class TestABatchThatKnowsSomeOfItsLines:
    def test_keeps_the_units_of_the_others(self) -> None:
        holder = loaded((line(qty=3), 5))
        holder.deallocate(line(qty=3))
        assert holder.allocated_quantity == 5

    def test_does_not_guess_whether_it_holds_a_line(self) -> None:
        with pytest.raises(LinesNotKnown, match="Batch b1 was loaded without") as raised:
            loaded((line(qty=3), 5)).deallocate(line("o2"))
        assert raised.value.reference == "b1"

    def test_does_not_shrink_below_the_lines_it_does_not_know(self) -> None:
        holder = loaded((line(qty=3), 5))
        with pytest.raises(LinesNotKnown):
            holder.change_purchased_quantity(1)
        assert (holder.purchased_quantity, holder.allocated_quantity) == (10, 8)
        assert [known for known, _ in holder.lines()] == [line(qty=3)]

    def test_knows_that_there_is_no_other_when_the_units_add_up(self) -> None:
        holder = loaded((line(qty=8), 5))
        holder.deallocate(line("o2"))
        assert holder.allocated_quantity == 8

    def test_gives_new_lines_a_position_behind_all_that_it_ever_took(self) -> None:
        holder = loaded((line(qty=3), 5))
        holder.allocate(line("o2"))
        assert list(holder.lines()) == [(line(qty=3), 5), (line("o2"), 9)]

    def test_takes_off_the_last_of_those_it_knows(self) -> None:
        holder = loaded((line("o7", 3), 7), (line("o8", 2), 8))
        assert holder.change_purchased_quantity(6) == [line("o8", 2)]
        assert holder.allocated_quantity == 6


class TestOrder:
    BATCHES = (
        batch("z", eta=None),
        batch("a", eta=JUNE),
        batch("b", eta=JUNE),
        batch("A", eta=JULY),
    )

    @pytest.mark.parametrize("given", list(permutations(BATCHES)))
    def test_is_warehouse_then_eta_then_reference(self, given: tuple[Batch, ...]) -> None:
        assert [b.reference for b in sorted(given)] == ["z", "a", "b", "A"]

    def test_of_references_is_that_of_their_characters(self) -> None:
        """The same on every database and in every language."""
        given = [batch("é"), batch("b"), batch("B"), batch("10"), batch("9")]
        assert [b.reference for b in sorted(given)] == ["10", "9", "B", "b", "é"]

    def test_puts_the_earliest_possible_eta_behind_the_warehouse(self) -> None:
        assert batch("z", eta=None) < batch("a", eta=date.min)


class TestAllocate:
    def test_goes_to_the_first_batch_that_has_room_for_all_of_the_line(self) -> None:
        small, large = batch("b1", 2), batch("b2", 5)
        assert allocate(line(qty=3), [small, large]) == "b2"
        assert small.allocated_quantity == 0

    def test_passes_over_batches_of_other_skus(self) -> None:
        assert allocate(line(), [batch("b1", sku="CHAIR"), batch("b2")]) == "b2"

    def test_answers_the_same_again_and_changes_nothing(self) -> None:
        first, second = batch("b1", 3), batch("b2")
        batches = [first, second]
        assert [allocate(line(qty=3), batches) for _ in range(3)] == ["b1"] * 3
        assert (first.allocated_quantity, second.allocated_quantity) == (3, 0)

    def test_answers_the_same_though_a_better_batch_came(self) -> None:
        late = batch("late", eta=JULY)
        allocate(line(), [late])
        assert allocate(line(), [late, batch("early", eta=JUNE)]) == "late"

    def test_refuses_another_quantity_of_a_line_wherever_it_is(self) -> None:
        holder = batch("b2", eta=JULY)
        holder.allocate(line(qty=3))
        with pytest.raises(LineConflict) as raised:
            allocate(line(qty=4), [batch("b1"), holder])
        assert (raised.value.known, raised.value.given) == (line(qty=3), line(qty=4))

    @pytest.mark.parametrize("batches", [list, lambda: [batch(sku="CHAIR")]])
    def test_is_out_of_stock_without_a_batch(self, batches: Callable[[], list[Batch]]) -> None:
        with pytest.raises(OutOfStock, match="LAMP"):
            allocate(line(), batches())

    def test_takes_any_iterable(self) -> None:
        assert allocate(line(), iter([batch("b1")])) == "b1"
