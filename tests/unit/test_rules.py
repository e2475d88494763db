"""What holds whatever happens: no line is ever lost, and no unit is ever sold twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from allocation.domain.model import Batch, OrderLine, OutOfStock, allocate
from allocation.domain.stock import Backlog, Outcome, Stock
from allocation.service_layer import services
from tests.unit import operations
from tests.unit.fakes import FakeShop
from tests.unit.in_memory import InMemoryShop
from tests.unit.services_contract import Shop


class Days(RuleBasedStateMachine):
    """Any services in any order, with what must be true after each."""

    shop: Shop

    def __init__(self) -> None:
        super().__init__()
        self.ordered: dict[tuple[str, str], int] = {}

    @initialize()
    def open(self) -> None:
        self.shop = FakeShop()

    @rule(operation=operations.operations)
    def work(self, operation: operations.Operation) -> None:
        service, arguments = operation
        result = operations.run(operation, self.shop)
        if service is services.allocate_lines:
            self._take(*arguments)
        elif service is services.allocate and isinstance(result, str):
            orderid, sku, qty = arguments
            self._take([OrderLine(orderid, sku, qty)])

    def _take(self, lines: Sequence[OrderLine]) -> None:
        for line in lines:
            self.ordered.setdefault(line.key, line.qty)

    @invariant()
    def no_line_is_lost_and_none_is_made_up(self) -> None:
        assert {key: qty for key, (qty, _) in self.shop.stored().lines.items()} == self.ordered

    @invariant()
    def no_unit_is_sold_twice(self) -> None:
        self.shop.stored().require_sound()

    @invariant()
    def lines_stand_on_batches_of_their_sku(self) -> None:
        assert isinstance(self.shop, FakeShop)
        for batch in self.shop.fake.batches.list():
            assert {line.sku for line, _ in batch.lines()} <= {batch.sku}


def test_no_line_is_lost_and_no_unit_is_sold_twice() -> None:
    run_state_machine_as_test(Days, settings=settings(max_examples=100, stateful_step_count=20))


@given(days=st.lists(operations.operations, max_size=12))
def test_the_fakes_of_the_book_and_the_unit_of_work_in_memory_agree(
    days: list[operations.Operation],
) -> None:
    fake, memory = FakeShop(), InMemoryShop()
    for operation in days:
        assert operations.run(operation, fake) == operations.run(operation, memory)
        assert fake.stored() == memory.stored()
        assert fake.etas() == memory.etas()


batches = st.lists(
    st.tuples(operations.references, operations.skus, operations.quantities, operations.etas),
    max_size=6,
    unique_by=lambda batch: batch[0],
)


@given(batches=batches, lines=st.lists(operations.lines), random=st.randoms())
def test_the_order_in_which_batches_are_given_does_not_matter(
    batches: list[tuple[Any, ...]], lines: list[OrderLine], random: Any
) -> None:
    shuffled = random.sample(batches, len(batches))
    first = Stock([Batch(*batch) for batch in batches], Backlog())
    second = Stock([Batch(*batch) for batch in shuffled], Backlog())
    assert [first.place(line) for line in lines] == [second.place(line) for line in lines]


@given(batches=batches, line=operations.lines)
def test_a_line_gets_the_first_batch_that_has_room(
    batches: list[tuple[Any, ...]], line: OrderLine
) -> None:
    there = [Batch(*batch) for batch in batches]
    possible = [
        (eta is not None, eta, ref)
        for ref, sku, qty, eta in batches
        if sku == line.sku and qty >= line.qty
    ]
    try:
        chosen = allocate(line, there)
    except OutOfStock:
        assert not possible
    else:
        assert chosen == min(possible)[2]


@given(batches=batches, lines=st.lists(operations.lines))
def test_placing_lines_again_changes_nothing(
    batches: list[tuple[Any, ...]], lines: list[OrderLine]
) -> None:
    stock = Stock([Batch(*batch) for batch in batches], Backlog())
    first = [stock.place(line) for line in lines]
    again = [stock.place(line) for line in lines]
    assert [p.reference for p in again] == [p.reference for p in first]
    assert not {p.outcome for p in again} & {Outcome.ALLOCATED, Outcome.BACKORDERED}


@given(lines=st.lists(operations.lines), qty=operations.quantities)
def test_a_change_of_quantity_takes_off_the_last_lines_and_no_more_than_it_must(
    lines: list[OrderLine], qty: int
) -> None:
    holder = Batch("b", "LAMP", 50, None)
    for line in {line.key: line for line in lines if line.sku == "LAMP"}.values():
        holder.allocate(line)
    before = [line for line, _ in holder.lines()]

    taken = holder.change_purchased_quantity(qty)

    left = [line for line, _ in holder.lines()]
    assert left + taken[::-1] == before
    assert holder.allocated_quantity == sum(line.qty for line in left) <= qty
    if taken:
        assert holder.allocated_quantity + taken[-1].qty > qty
