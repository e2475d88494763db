"""Lines that go elsewhere: deallocate, and all that reallocates."""

from __future__ import annotations

from collections.abc import Callable

from allocation.domain.model import OutOfStock
from allocation.domain.stock import NotAllocated, Outcome, UnknownLine
from allocation.domain.values import InvalidValue
from allocation.service_layer import services
from allocation.service_layer.services import UnknownBatch
from tests.unit.services_contract.shop import JULY, JUNE, Shop, Stored, outcomes


class Reallocating:
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
