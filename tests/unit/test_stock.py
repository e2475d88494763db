"""The batches of some SKUs, and who is waiting."""

from __future__ import annotations

from datetime import date

import pytest

from allocation.domain.model import Batch, LineConflict, OrderLine, OutOfStock
from allocation.domain.stock import Backlog, Outcome, Placement, Stock, UnknownLine

JUNE = date(2026, 6, 1)


def line(orderid: str = "o1", qty: int = 1, sku: str = "LAMP") -> OrderLine:
    return OrderLine(orderid, sku, qty)


def batch(ref: str = "b1", qty: int = 10, eta: date | None = None, sku: str = "LAMP") -> Batch:
    return Batch(ref, sku, qty, eta)


class TestBacklog:
    def test_keeps_its_lines_in_the_order_in_which_they_came(self) -> None:
        backlog = Backlog([line("o2"), line("o1")])
        backlog.add(line("o0"))
        assert [waiting.orderid for waiting in backlog] == ["o2", "o1", "o0"]

    def test_keeps_a_line_once(self) -> None:
        backlog = Backlog([line()])
        backlog.add(line())
        assert list(backlog) == [line()]

    def test_finds_a_line_by_its_key(self) -> None:
        assert Backlog([line()]).line(("o1", "LAMP")) == line()

    def test_tells_lines_apart_by_their_case(self) -> None:
        assert Backlog([line()]).line(("o1", "lamp")) is None

    def test_forgets_a_line(self) -> None:
        backlog = Backlog([line()])
        backlog.discard(line())
        assert list(backlog) == []

    def test_need_not_hold_the_line_that_it_forgets(self) -> None:
        backlog = Backlog([line("o1")])
        backlog.discard(line("o2"))
        assert list(backlog) == [line("o1")]


class TestStock:
    def test_gives_the_batches_of_a_sku_in_the_order_of_their_use(self) -> None:
        late, now, chair = batch("b1", eta=JUNE), batch("b2"), batch("b0", sku="CHAIR")
        stock = Stock([late, chair, now], Backlog())
        assert stock.batches("LAMP") == [now, late]

    def test_has_no_batches_of_an_unknown_sku(self) -> None:
        assert Stock([batch()], Backlog()).batches("lamp") == []

    def test_finds_a_batch_by_its_reference(self) -> None:
        chair = batch("b2", sku="CHAIR")
        stock = Stock([batch("b1"), chair], Backlog())
        assert stock.batch("b2") is chair
        assert stock.batch("b3") is None

    def test_finds_the_holder_of_a_line(self) -> None:
        first, second = batch("b1"), batch("b2")
        second.allocate(line())
        stock = Stock([first, second], Backlog())
        assert stock.holder(("o1", "LAMP")) is second
        assert stock.holder(("o2", "LAMP")) is None


class TestPlace:
    def test_raises_nothing_for_want_of_a_batch(self) -> None:
        assert Stock([], Backlog()).place(line()) == Placement(
            line(), Outcome.BACKORDERED, None, unknown_sku=True
        )

    def test_lets_a_line_wait_for_want_of_room(self) -> None:
        stock = Stock([batch(qty=1)], Backlog())
        assert stock.place(line(qty=2)) == Placement(line(qty=2), Outcome.BACKORDERED)
        assert list(stock.backlog) == [line(qty=2)]

    def test_ends_the_waiting_of_a_line(self) -> None:
        stock = Stock([batch()], Backlog([line()]))
        assert stock.place(line()) == Placement(line(), Outcome.ALLOCATED, "b1")
        assert list(stock.backlog) == []

    def test_leaves_the_known_line_in_a_conflict(self) -> None:
        stock = Stock([batch()], Backlog([line(qty=2)]))
        assert stock.place(line(qty=3)).outcome is Outcome.CONFLICT
        assert list(stock.backlog) == [line(qty=2)]


class TestAllocate:
    def test_shows_the_backorder_and_the_line_in_a_conflict(self) -> None:
        with pytest.raises(LineConflict) as raised:
            Stock([batch()], Backlog([line(qty=2)])).allocate(line(qty=3))
        assert (raised.value.known, raised.value.given) == (line(qty=2), line(qty=3))

    def test_does_not_let_a_line_wait_by_itself(self) -> None:
        stock = Stock([batch(qty=1)], Backlog())
        with pytest.raises(OutOfStock):
            stock.allocate(line(qty=2))
        assert list(stock.backlog) == []


class TestReallocateAway:
    def test_passes_over_the_batch_that_holds_the_line(self) -> None:
        best, other = batch("b1"), batch("b2")
        best.allocate(line())
        assert Stock([best, other], Backlog()).reallocate(line().key, away=True) == "b2"
        assert (best.allocated_quantity, other.allocated_quantity) == (0, 1)

    def test_leaves_the_line_when_there_is_no_other(self) -> None:
        best = batch("b1")
        best.allocate(line())
        with pytest.raises(OutOfStock):
            Stock([best], Backlog()).reallocate(line().key, away=True)
        assert best.line(line().key) == line()

    def test_refuses_an_unknown_line(self) -> None:
        with pytest.raises(UnknownLine, match="Order o1 has no line for sku LAMP"):
            Stock([batch()], Backlog()).reallocate(line().key, away=True)
