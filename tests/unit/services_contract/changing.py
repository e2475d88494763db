"""Batches that change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from allocation.domain.stock import Outcome
from allocation.domain.values import InvalidValue
from allocation.service_layer import services
from allocation.service_layer.services import UnknownBatch
from tests.unit.services_contract.shop import JUNE, Shop, Stored, outcomes


class Changing:
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
