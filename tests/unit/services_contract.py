"""What every service promises, on whatever unit of work it runs.

Subclass `ServicesContract` and give it a fixture `shop`. A test looks at the
shop as a whole: at each batch, and at each line with the place where it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import pytest

from allocation.domain.model import Batch, LineConflict, LineKey, OrderLine, OutOfStock
from allocation.domain.stock import NotAllocated, Outcome, Placement, UnknownLine
from allocation.domain.values import InvalidValue
from allocation.service_layer import services
from allocation.service_layer.services import BatchConflict, InvalidSku, UnknownBatch
from allocation.service_layer.unit_of_work import AbstractUnitOfWork

JUNE = date(2026, 6, 1)
JULY = date(2026, 7, 1)

Batches: TypeAlias = dict[str, tuple[int, int]]
Lines: TypeAlias = dict[LineKey, tuple[int, str | None]]


@dataclass(frozen=True)
class Stored:
    """All there is."""

    batches: Batches
    """Purchased and allocated quantity of each."""
    lines: Lines
    """Quantity and batch of each; None for a backorder."""

    @classmethod
    def of(cls, batches: Iterable[Batch], backlog: Iterable[OrderLine]) -> Stored:
        """Of objects that know everything."""
        stored = cls({}, {line.key: (line.qty, None) for line in backlog})
        for batch in batches:
            stored.batches[batch.reference] = batch.purchased_quantity, batch.allocated_quantity
            for line, _ in batch.lines():
                assert line.key not in stored.lines, "a line in two places"
                stored.lines[line.key] = line.qty, batch.reference
        return stored

    def require_sound(self) -> None:
        """No unit is sold twice: what a batch says of its lines is true, and they fit."""
        for reference, (purchased, allocated) in self.batches.items():
            assert allocated == sum(qty for qty, on in self.lines.values() if on == reference)
            assert 0 <= allocated <= purchased
        assert {on for _, on in self.lines.values()} <= {None, *self.batches}


class Shop(ABC):
    """Somewhere to run services, and to see what they stored."""

    @abstractmethod
    def uow(self) -> AbstractUnitOfWork:
        """A unit of work; all of them on the same store."""

    @abstractmethod
    def stored(self) -> Stored:
        """What is stored, as others see it."""

    def add(self, ref: str, sku: str, qty: int, eta: date | None = None) -> None:
        services.add_batch(ref, sku, qty, eta, self.uow())

    def order(self, *orders: tuple[str, str, int]) -> list[Placement]:
        return services.allocate_lines([OrderLine(*order) for order in orders], self.uow())


def outcomes(placements: Iterable[Placement]) -> list[tuple[str, Outcome, str | None]]:
    return [(p.line.orderid, p.outcome, p.reference) for p in placements]


class ServicesContract:
    """Define a fixture `shop` that returns an empty one."""

    @pytest.fixture
    def unchanged(self, shop: Shop) -> Callable[..., None]:
        """Call a service, which must raise and store nothing."""

        def check(error: type[Exception], service: Callable[..., Any], *arguments: Any) -> None:
            before = shop.stored()
            with pytest.raises(error):
                service(*arguments, shop.uow())
            assert shop.stored() == before

        return check

    # -- add_batch, add_batches ------------------------------------------

    def test_add_batch_stores_a_batch(self, shop: Shop) -> None:
        services.add_batch("b1", "LAMP", 10, None, shop.uow())
        assert shop.stored() == Stored({"b1": (10, 0)}, {})

    def test_add_batch_tells_that_a_batch_is_new(self, shop: Shop) -> None:
        assert services.add_batch("b1", "LAMP", 10, JUNE, shop.uow()) is True

    def test_add_batch_tells_that_a_batch_is_known(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10, JUNE)
        assert services.add_batch("b1", "LAMP", 10, JUNE, shop.uow()) is False

    def test_add_batch_leaves_a_known_batch_as_it_is(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10, JUNE)
        shop.order(("o1", "LAMP", 3))
        shop.add("b1", "LAMP", 10, JUNE)
        assert shop.stored() == Stored({"b1": (10, 3)}, {("o1", "LAMP"): (3, "b1")})

    @pytest.mark.parametrize(
        "other",
        [("LAMP", 11, JUNE), ("lamp", 10, JUNE), ("LAMP", 10, JULY), ("LAMP", 10, None)],
        ids=["quantity", "sku", "eta", "no eta"],
    )
    def test_add_batch_refuses_a_known_reference_with_other_data(
        self, shop: Shop, unchanged: Callable[..., None], other: tuple[str, int, date | None]
    ) -> None:
        shop.add("b1", "LAMP", 10, JUNE)
        unchanged(BatchConflict, services.add_batch, "b1", *other)

    def test_add_batch_shows_both_of_two_batches_in_conflict(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10)
        with pytest.raises(
            BatchConflict,
            match="b1 is already there with 10 of LAMP in the warehouse, "
            "not 11 of LAMP due 2026-06-01",
        ):
            services.add_batch("b1", "LAMP", 11, JUNE, shop.uow())

    @pytest.mark.parametrize("arguments", [("", "LAMP", 1), ("b1", "\0", 1), ("b1", "LAMP", 0)])
    def test_add_batch_refuses_invalid_values(
        self, unchanged: Callable[..., None], arguments: tuple[Any, ...]
    ) -> None:
        unchanged(InvalidValue, services.add_batch, *arguments, None)

    def test_add_batch_tells_references_apart_by_their_case(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10)
        shop.add("B1", "LAMP", 11)
        assert shop.stored().batches == {"b1": (10, 0), "B1": (11, 0)}

    def test_add_batches_stores_what_is_new_and_tells_of_each(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10)
        given = [Batch("b2", "LAMP", 1, None), Batch("b1", "LAMP", 10, None)]
        conflict = Batch("b1", "LAMP", 11, None)
        new, known, refused = services.add_batches([*given, conflict], shop.uow())
        assert (new, known) == (True, False)
        assert isinstance(refused, BatchConflict)
        assert refused.given is conflict
        assert shop.stored().batches == {"b1": (10, 0), "b2": (1, 0)}

    def test_add_batches_compares_those_given_with_each_other(self, shop: Shop) -> None:
        given = [Batch("b1", "LAMP", qty, None) for qty in (1, 1, 2)]
        first, second, third = services.add_batches(given, shop.uow())
        assert (first, second) == (True, False)
        assert isinstance(third, BatchConflict)
        assert shop.stored().batches == {"b1": (1, 0)}

    def test_add_batches_takes_the_same_object_once(self, shop: Shop) -> None:
        batch = Batch("b1", "LAMP", 1, None)
        assert services.add_batches([batch, batch], shop.uow()) == [True, False]

    def test_add_batches_may_have_nothing_to_add(self, shop: Shop) -> None:
        assert services.add_batches([], shop.uow()) == []

    # -- allocate --------------------------------------------------------

    def test_allocate_puts_a_line_on_a_batch(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10)
        assert services.allocate("o1", "LAMP", 3, shop.uow()) == "b1"
        assert shop.stored() == Stored({"b1": (10, 3)}, {("o1", "LAMP"): (3, "b1")})

    def test_allocate_prefers_the_warehouse_then_the_earlier_then_the_reference(
        self, shop: Shop
    ) -> None:
        for ref, eta in [("b4", JULY), ("b3", JUNE), ("b2", JUNE), ("b9", None)]:
            shop.add(ref, "LAMP", 1, eta)
        chosen = [services.allocate(f"o{n}", "LAMP", 1, shop.uow()) for n in range(4)]
        assert chosen == ["b9", "b2", "b3", "b4"]

    def test_allocate_answers_the_same_again_and_changes_nothing(self, shop: Shop) -> None:
        shop.add("late", "LAMP", 3, JUNE)
        services.allocate("o1", "LAMP", 3, shop.uow())
        shop.add("now", "LAMP", 3)
        before = shop.stored()
        assert services.allocate("o1", "LAMP", 3, shop.uow()) == "late"
        assert shop.stored() == before

    def test_allocate_refuses_another_quantity_of_a_line(
        self, shop: Shop, unchanged: Callable[..., None]
    ) -> None:
        shop.add("b1", "LAMP", 10)
        services.allocate("o1", "LAMP", 3, shop.uow())
        unchanged(LineConflict, services.allocate, "o1", "LAMP", 4)

    def test_allocate_refuses_another_quantity_of_a_backorder(
        self, shop: Shop, unchanged: Callable[..., None]
    ) -> None:
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 11))
        unchanged(LineConflict, services.allocate, "o1", "LAMP", 4)

    def test_allocate_refuses_a_sku_without_batches(
        self, shop: Shop, unchanged: Callable[..., None]
    ) -> None:
        shop.add("b1", "LAMP", 10)
        unchanged(InvalidSku, services.allocate, "o1", "lamp", 1)

    def test_allocate_stores_nothing_when_it_is_out_of_stock(
        self, shop: Shop, unchanged: Callable[..., None]
    ) -> None:
        shop.add("b1", "LAMP", 10)
        unchanged(OutOfStock, services.allocate, "o1", "LAMP", 11)

    def test_allocate_never_splits_a_line(self, shop: Shop, unchanged: Callable[..., None]) -> None:
        shop.add("b1", "LAMP", 2)
        shop.add("b2", "LAMP", 2)
        unchanged(OutOfStock, services.allocate, "o1", "LAMP", 3)

    def test_allocate_makes_a_backorder_a_backorder_no_more(self, shop: Shop) -> None:
        shop.order(("o1", "LAMP", 3))
        shop.add("b1", "LAMP", 10)
        assert services.allocate("o1", "LAMP", 3, shop.uow()) == "b1"
        assert shop.stored() == Stored({"b1": (10, 3)}, {("o1", "LAMP"): (3, "b1")})

    @pytest.mark.parametrize("arguments", [(" ", "LAMP", 1), ("o1", "", 1), ("o1", "LAMP", 0)])
    def test_allocate_refuses_invalid_values(
        self, unchanged: Callable[..., None], arguments: tuple[Any, ...]
    ) -> None:
        unchanged(InvalidValue, services.allocate, *arguments)

    def test_allocate_trims(self, shop: Shop) -> None:
        shop.add(" b1 ", "LAMP ", 10)
        services.allocate("o1\n", " LAMP", 3, shop.uow())
        assert shop.stored().lines == {("o1", "LAMP"): (3, "b1")}

    def test_allocate_knows_a_line_by_order_and_sku(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10)
        shop.add("b2", "CHAIR", 10)
        for orderid, sku in [("o1", "LAMP"), ("O1", "LAMP"), ("o1", "CHAIR")]:
            services.allocate(orderid, sku, 1, shop.uow())
        assert shop.stored().batches == {"b1": (10, 2), "b2": (10, 1)}

    @pytest.mark.parametrize("name", ["Stühle", "椅子", "🪑", "I\N{COMBINING DOT ABOVE}"])
    def test_allocate_speaks_every_language(self, shop: Shop, name: str) -> None:
        shop.add(name, name, 10)
        assert services.allocate(name, name, 1, shop.uow()) == name
        assert shop.stored().lines == {(name, name): (1, name)}

    # -- allocate_lines --------------------------------------------------

    def test_allocate_lines_tells_of_each_where_it_went(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 3)
        shop.add("b2", "LAMP", 3, JUNE)
        placements = shop.order(("o1", "LAMP", 2), ("o2", "LAMP", 2), ("o3", "LAMP", 2))
        assert outcomes(placements) == [
            ("o1", Outcome.ALLOCATED, "b1"),
            ("o2", Outcome.ALLOCATED, "b2"),
            ("o3", Outcome.BACKORDERED, None),
        ]

    def test_allocate_lines_keeps_what_is_out_of_stock_as_a_backorder(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 3)
        [placement] = shop.order(("o1", "LAMP", 4))
        assert placement.unknown_sku is False
        assert shop.stored() == Stored({"b1": (3, 0)}, {("o1", "LAMP"): (4, None)})

    def test_allocate_lines_keeps_an_unknown_sku_as_a_backorder(self, shop: Shop) -> None:
        [placement] = shop.order(("o1", "LAMP", 4))
        assert placement.unknown_sku is True
        assert shop.stored() == Stored({}, {("o1", "LAMP"): (4, None)})

    def test_allocate_lines_changes_nothing_when_it_is_run_again(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 3)
        orders = [("o1", "LAMP", 2), ("o2", "LAMP", 2), ("o3", "CHAIR", 1)]
        shop.order(*orders)
        before = shop.stored()
        assert outcomes(shop.order(*orders)) == [
            ("o1", Outcome.ALREADY_ALLOCATED, "b1"),
            ("o2", Outcome.ALREADY_BACKORDERED, None),
            ("o3", Outcome.ALREADY_BACKORDERED, None),
        ]
        assert shop.stored() == before

    def test_allocate_lines_knows_a_line_that_comes_twice(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 3)
        placements = shop.order(("o1", "LAMP", 2), ("o1", "LAMP", 2))
        assert outcomes(placements) == [
            ("o1", Outcome.ALLOCATED, "b1"),
            ("o1", Outcome.ALREADY_ALLOCATED, "b1"),
        ]

    def test_allocate_lines_goes_on_behind_a_conflict(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 9)
        placements = shop.order(("o1", "LAMP", 2), ("o1", "LAMP", 3), ("o2", "LAMP", 3))
        assert outcomes(placements) == [
            ("o1", Outcome.ALLOCATED, "b1"),
            ("o1", Outcome.CONFLICT, None),
            ("o2", Outcome.ALLOCATED, "b1"),
        ]
        assert shop.stored().lines == {("o1", "LAMP"): (2, "b1"), ("o2", "LAMP"): (3, "b1")}

    def test_allocate_lines_gives_the_reason_of_a_conflict(self, shop: Shop) -> None:
        shop.order(("o1", "LAMP", 2))
        [placement] = shop.order(("o1", "LAMP", 3))
        assert placement.reason == (
            "Order o1 already has a line for sku LAMP with quantity 2, not 3."
        )

    def test_allocate_lines_may_have_nothing_to_allocate(self, shop: Shop) -> None:
        assert shop.order() == []

    # -- deallocate ------------------------------------------------------

    def test_deallocate_frees_a_line_and_keeps_it_as_a_backorder(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 3), ("o2", "LAMP", 4))
        assert services.deallocate("o1", "LAMP", shop.uow()) == "b1"
        assert shop.stored() == Stored(
            {"b1": (10, 4)}, {("o1", "LAMP"): (3, None), ("o2", "LAMP"): (4, "b1")}
        )

    def test_deallocate_refuses_an_unknown_line(
        self, shop: Shop, unchanged: Callable[..., None]
    ) -> None:
        shop.add("b1", "LAMP", 10)
        unchanged(UnknownLine, services.deallocate, "o1", "LAMP")

    def test_deallocate_refuses_a_backorder(
        self, shop: Shop, unchanged: Callable[..., None]
    ) -> None:
        shop.order(("o1", "LAMP", 3))
        unchanged(NotAllocated, services.deallocate, "o1", "LAMP")

    def test_deallocate_refuses_invalid_values(self, unchanged: Callable[..., None]) -> None:
        unchanged(InvalidValue, services.deallocate, "o1", "")

    def test_deallocate_trims(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 3))
        assert services.deallocate(" o1", "LAMP ", shop.uow()) == "b1"

    # -- reallocate ------------------------------------------------------

    def test_reallocate_moves_a_line_to_the_batch_that_it_would_get_today(self, shop: Shop) -> None:
        shop.add("late", "LAMP", 10, JULY)
        shop.order(("o1", "LAMP", 3))
        shop.add("now", "LAMP", 10)
        assert services.reallocate("o1", "LAMP", shop.uow()) == "now"
        assert shop.stored() == Stored(
            {"late": (10, 0), "now": (10, 3)}, {("o1", "LAMP"): (3, "now")}
        )

    def test_reallocate_leaves_a_line_where_it_is_best(self, shop: Shop) -> None:
        shop.add("now", "LAMP", 3)
        shop.order(("o1", "LAMP", 3))
        shop.add("late", "LAMP", 10, JULY)
        before = shop.stored()
        assert services.reallocate("o1", "LAMP", shop.uow()) == "now"
        assert shop.stored() == before

    def test_reallocate_leaves_a_line_that_has_nowhere_to_go(self, shop: Shop) -> None:
        shop.add("late", "LAMP", 3, JULY)
        shop.order(("o1", "LAMP", 3))
        shop.add("now", "LAMP", 2)
        before = shop.stored()
        assert services.reallocate("o1", "LAMP", shop.uow()) == "late"
        assert shop.stored() == before

    def test_reallocate_gives_a_backorder_its_batch(self, shop: Shop) -> None:
        shop.order(("o1", "LAMP", 3))
        shop.add("b1", "LAMP", 10)
        assert services.reallocate("o1", "LAMP", shop.uow()) == "b1"
        assert shop.stored().lines == {("o1", "LAMP"): (3, "b1")}

    def test_reallocate_changes_nothing_for_a_backorder_with_nowhere_to_go(
        self, shop: Shop, unchanged: Callable[..., None]
    ) -> None:
        shop.add("b1", "LAMP", 2)
        shop.order(("o1", "LAMP", 3))
        unchanged(OutOfStock, services.reallocate, "o1", "LAMP")

    def test_reallocate_refuses_an_unknown_line(self, unchanged: Callable[..., None]) -> None:
        unchanged(UnknownLine, services.reallocate, "o1", "LAMP")

    def test_reallocate_refuses_invalid_values(self, unchanged: Callable[..., None]) -> None:
        unchanged(InvalidValue, services.reallocate, "\0", "LAMP")

    # -- reallocate_batch ------------------------------------------------

    def test_reallocate_batch_moves_the_first_lines_and_leaves_the_rest(self, shop: Shop) -> None:
        shop.add("late", "LAMP", 10, JUNE)
        shop.order(("o1", "LAMP", 2), ("o2", "LAMP", 4), ("o3", "LAMP", 1), ("o4", "LAMP", 1))
        shop.add("later", "LAMP", 3, JULY)
        moves = services.reallocate_batch("late", shop.uow())
        assert [(line.orderid, to) for line, to in moves] == [
            ("o1", "later"),
            ("o2", None),
            ("o3", "later"),
            ("o4", None),
        ]
        assert shop.stored() == Stored(
            {"late": (10, 5), "later": (3, 3)},
            {
                ("o1", "LAMP"): (2, "later"),
                ("o2", "LAMP"): (4, "late"),
                ("o3", "LAMP"): (1, "later"),
                ("o4", "LAMP"): (1, "late"),
            },
        )

    def test_reallocate_batch_leaves_lines_of_other_batches(self, shop: Shop) -> None:
        shop.add("late", "LAMP", 1, JUNE)
        shop.add("later", "LAMP", 1, JULY)
        shop.order(("o1", "LAMP", 1), ("o2", "LAMP", 1))
        shop.add("now", "LAMP", 10)
        services.reallocate_batch("later", shop.uow())
        assert shop.stored().lines == {("o1", "LAMP"): (1, "late"), ("o2", "LAMP"): (1, "now")}

    def test_reallocate_batch_of_an_empty_batch_moves_nothing(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 1)
        assert services.reallocate_batch("b1", shop.uow()) == []

    def test_reallocate_batch_refuses_an_unknown_batch(
        self, unchanged: Callable[..., None]
    ) -> None:
        unchanged(UnknownBatch, services.reallocate_batch, "b1")

    # -- reallocate_backorders -------------------------------------------

    def test_reallocate_backorders_tries_them_in_the_order_given(self, shop: Shop) -> None:
        shop.order(("o1", "LAMP", 2), ("o2", "LAMP", 2), ("o3", "LAMP", 1))
        shop.add("b1", "LAMP", 3)
        keys = [("o2", "LAMP"), ("o1", "LAMP"), ("o3", "LAMP")]
        placements = services.reallocate_backorders(keys, shop.uow())
        assert outcomes(placements) == [
            ("o2", Outcome.ALLOCATED, "b1"),
            ("o1", Outcome.ALREADY_BACKORDERED, None),
            ("o3", Outcome.ALLOCATED, "b1"),
        ]
        assert shop.stored() == Stored(
            {"b1": (3, 3)},
            {("o1", "LAMP"): (2, None), ("o2", "LAMP"): (2, "b1"), ("o3", "LAMP"): (1, "b1")},
        )

    def test_reallocate_backorders_passes_over_what_waits_no_more(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 3)
        shop.order(("o1", "LAMP", 2))
        before = shop.stored()
        keys = [("o1", "LAMP"), ("never heard of", "LAMP")]
        assert services.reallocate_backorders(keys, shop.uow()) == []
        assert shop.stored() == before

    # -- change_batch_quantity -------------------------------------------

    def test_change_batch_quantity_gives_room(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10)
        assert services.change_batch_quantity("b1", 12, shop.uow()) == []
        assert shop.stored().batches == {"b1": (12, 0)}

    def test_change_batch_quantity_leaves_the_backorders_waiting(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 1)
        shop.order(("o1", "LAMP", 2))
        services.change_batch_quantity("b1", 2, shop.uow())
        assert shop.stored() == Stored({"b1": (2, 0)}, {("o1", "LAMP"): (2, None)})

    def test_change_batch_quantity_takes_the_last_lines_off(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 5), ("o2", "LAMP", 4), ("o3", "LAMP", 1))
        placements = services.change_batch_quantity("b1", 5, shop.uow())
        assert outcomes(placements) == [
            ("o3", Outcome.BACKORDERED, None),
            ("o2", Outcome.BACKORDERED, None),
        ]
        assert shop.stored() == Stored(
            {"b1": (5, 5)},
            {("o1", "LAMP"): (5, "b1"), ("o2", "LAMP"): (4, None), ("o3", "LAMP"): (1, None)},
        )

    def test_change_batch_quantity_places_them_elsewhere(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 5), ("o2", "LAMP", 4))
        shop.add("b2", "LAMP", 10, JUNE)
        placements = services.change_batch_quantity("b1", 5, shop.uow())
        assert outcomes(placements) == [("o2", Outcome.ALLOCATED, "b2")]
        assert shop.stored() == Stored(
            {"b1": (5, 5), "b2": (10, 4)},
            {("o1", "LAMP"): (5, "b1"), ("o2", "LAMP"): (4, "b2")},
        )

    def test_change_batch_quantity_puts_back_what_fits_after_all(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 5), ("o2", "LAMP", 4), ("o3", "LAMP", 1))
        services.change_batch_quantity("b1", 8, shop.uow())
        assert shop.stored() == Stored(
            {"b1": (8, 6)},
            {("o1", "LAMP"): (5, "b1"), ("o2", "LAMP"): (4, None), ("o3", "LAMP"): (1, "b1")},
        )

    @pytest.mark.parametrize("qty", [0, -1, 2**31, 1.5, True])
    def test_change_batch_quantity_refuses_what_is_no_quantity(
        self, shop: Shop, unchanged: Callable[..., None], qty: Any
    ) -> None:
        shop.add("b1", "LAMP", 10)
        unchanged(InvalidValue, services.change_batch_quantity, "b1", qty)

    def test_change_batch_quantity_refuses_an_unknown_batch(
        self, shop: Shop, unchanged: Callable[..., None]
    ) -> None:
        shop.add("b1", "LAMP", 10)
        unchanged(UnknownBatch, services.change_batch_quantity, "B1", 5)
