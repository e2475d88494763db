"""Lines that come in: allocate and allocate_lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from allocation.domain.model import LineConflict, OutOfStock
from allocation.domain.stock import Outcome
from allocation.domain.values import InvalidValue
from allocation.service_layer import services
from allocation.service_layer.services import InvalidSku
from tests.unit.services_contract.shop import JULY, JUNE, Shop, Stored, outcomes


class Allocating:
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
