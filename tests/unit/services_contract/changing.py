"""Batches that change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from allocation.domain.stock import Outcome
from allocation.domain.values import InvalidValue
from allocation.service_layer import services
from allocation.service_layer.services import BatchChanged, Seen, UnknownBatch
from tests.unit.services_contract.shop import JULY, JUNE, Shop, Stored, outcomes

AUGUST = date(2026, 8, 1)


class Changing:
    """`seen` is what a form showed, and what it is sent back with."""

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

    def test_change_batch_quantity_goes_by_what_was_seen(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10)
        services.change_batch_quantity("b1", 12, shop.uow(), seen=Seen(10, None, 0, 0))
        assert shop.stored().batches == {"b1": (12, 0)}

    def test_change_batch_quantity_refuses_a_batch_with_another_quantity_than_was_seen(
        self, shop: Shop, unchanged: Callable[..., None]
    ) -> None:
        shop.add("b1", "LAMP", 11)
        shop.order(("o1", "LAMP", 11))
        seen = Seen(10, None, 11, 1)
        unchanged(BatchChanged, services.change_batch_quantity, "b1", 5, seen=seen)

    def test_change_batch_quantity_minds_no_other_eta_than_was_seen(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10, JULY)
        services.change_batch_quantity("b1", 12, shop.uow(), seen=Seen(10, JUNE, 0, 0))
        assert shop.stored().batches == {"b1": (12, 0)}

    def test_change_batch_quantity_may_be_sent_twice(self, shop: Shop) -> None:
        """By a double click: the second one finds its own change there."""
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 5), ("o2", "LAMP", 5))
        seen = Seen(10, None, 10, 2)
        assert len(services.change_batch_quantity("b1", 5, shop.uow(), seen=seen)) == 1
        after_the_first = shop.stored()
        assert services.change_batch_quantity("b1", 5, shop.uow(), seen=seen) == []
        assert shop.stored() == after_the_first

    def test_change_batch_quantity_takes_off_the_lines_that_were_seen(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 4), ("o2", "LAMP", 5))
        seen = Seen(10, None, 9, 2)
        [placement] = services.change_batch_quantity("b1", 5, shop.uow(), seen=seen)
        assert placement.line.orderid == "o2"

    def test_change_batch_quantity_refuses_to_take_off_a_line_that_was_not_seen(
        self, shop: Shop, unchanged: Callable[..., None]
    ) -> None:
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 4), ("o2", "LAMP", 5))
        seen = Seen(10, None, 4, 1)
        unchanged(BatchChanged, services.change_batch_quantity, "b1", 5, seen=seen)

    def test_change_batch_quantity_refuses_other_lines_of_the_same_units(
        self, shop: Shop, unchanged: Callable[..., None]
    ) -> None:
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 4), ("o2", "LAMP", 5))
        services.deallocate("o2", "LAMP", shop.uow())
        shop.order(("o3", "LAMP", 5))
        seen = Seen(10, None, 9, 2)
        unchanged(BatchChanged, services.change_batch_quantity, "b1", 5, seen=seen)

    def test_change_batch_quantity_refuses_where_a_line_that_was_seen_has_left(
        self, shop: Shop, unchanged: Callable[..., None]
    ) -> None:
        """Of the others, o3 would have fitted again, and now it would not."""
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 4), ("o2", "LAMP", 5), ("o3", "LAMP", 1))
        services.deallocate("o1", "LAMP", shop.uow())
        seen = Seen(10, None, 10, 3)
        unchanged(BatchChanged, services.change_batch_quantity, "b1", 5, seen=seen)

    @pytest.mark.parametrize("qty", [9, 12])
    def test_change_batch_quantity_minds_no_other_lines_where_all_of_them_fit(
        self, shop: Shop, qty: int
    ) -> None:
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 4), ("o2", "LAMP", 5))
        seen = Seen(10, None, 4, 1)
        assert services.change_batch_quantity("b1", qty, shop.uow(), seen=seen) == []
        assert shop.stored().batches == {"b1": (qty, 9)}

    def test_change_batch_quantity_tells_how_many_units_are_allocated(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 9))
        seen = Seen(10, None, 0, 0)
        with pytest.raises(
            BatchChanged,
            match="it has 10 of LAMP in the warehouse now, and 9 of them are allocated",
        ):
            services.change_batch_quantity("b1", 5, shop.uow(), seen=seen)

    # -- change_batch_eta ------------------------------------------------

    @pytest.mark.parametrize(
        ("before", "after"), [(JUNE, JULY), (JULY, JUNE), (None, JUNE), (JUNE, None)]
    )
    def test_change_batch_eta_lets_a_batch_arrive_on_another_day(
        self, shop: Shop, before: date | None, after: date | None
    ) -> None:
        shop.add("b1", "LAMP", 10, before)
        shop.add("b2", "LAMP", 10, before)
        assert services.change_batch_eta("b1", after, shop.uow()) is True
        assert shop.etas() == {"b1": after, "b2": before}

    @pytest.mark.parametrize("eta", [JUNE, None])
    def test_change_batch_eta_tells_that_nothing_is_new(self, shop: Shop, eta: date | None) -> None:
        shop.add("b1", "LAMP", 10, eta)
        assert services.change_batch_eta("b1", eta, shop.uow()) is False
        assert shop.etas() == {"b1": eta}

    def test_change_batch_eta_leaves_the_lines_where_they_are(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10, JUNE)
        shop.add("b2", "LAMP", 10, JUNE)
        shop.order(("o1", "LAMP", 6), ("o2", "LAMP", 6), ("o3", "LAMP", 6))
        before = shop.stored()
        services.change_batch_eta("b1", JULY, shop.uow())
        assert shop.stored() == before

    def test_change_batch_eta_changes_which_batch_is_used_first(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10, JUNE)
        shop.add("b2", "LAMP", 10, JULY)
        services.change_batch_eta("b2", None, shop.uow())
        assert services.allocate("o1", "LAMP", 1, shop.uow()) == "b2"

    def test_change_batch_eta_takes_the_day_of_a_moment(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10, JUNE)
        moment = datetime(2026, 6, 1, 12, tzinfo=UTC)
        assert services.change_batch_eta("b1", moment, shop.uow()) is False
        assert shop.etas() == {"b1": JUNE}

    def test_change_batch_eta_trims(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10)
        services.change_batch_eta(" b1 ", JUNE, shop.uow())
        assert shop.etas() == {"b1": JUNE}

    @pytest.mark.parametrize("eta", ["2026-06-01", "", 20260601, False])
    def test_change_batch_eta_refuses_what_is_no_date(
        self, shop: Shop, unchanged: Callable[..., None], eta: Any
    ) -> None:
        shop.add("b1", "LAMP", 10, JUNE)
        unchanged(InvalidValue, services.change_batch_eta, "b1", eta)

    def test_change_batch_eta_refuses_an_unknown_batch(
        self, shop: Shop, unchanged: Callable[..., None]
    ) -> None:
        shop.add("b1", "LAMP", 10)
        unchanged(UnknownBatch, services.change_batch_eta, "B1", JUNE)

    def test_change_batch_eta_goes_by_what_was_seen(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10, JUNE)
        assert services.change_batch_eta("b1", None, shop.uow(), seen=Seen(10, JUNE, 0, 0)) is True
        assert shop.etas() == {"b1": None}

    @pytest.mark.parametrize("seen", [JULY, None])
    def test_change_batch_eta_refuses_a_batch_with_another_eta_than_was_seen(
        self, shop: Shop, unchanged: Callable[..., None], seen: date | None
    ) -> None:
        shop.add("b1", "LAMP", 10, JUNE)
        unchanged(BatchChanged, services.change_batch_eta, "b1", AUGUST, seen=Seen(10, seen, 0, 0))

    def test_change_batch_eta_shows_what_a_batch_was_changed_to(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10, JUNE)
        seen = Seen(10, JULY, 0, 0)
        with pytest.raises(
            BatchChanged, match="changed batch b1 meanwhile: it has 10 of LAMP due 2026-06-01 now"
        ) as raised:
            services.change_batch_eta("b1", None, shop.uow(), seen=seen)
        assert (raised.value.known.eta, raised.value.seen) == (JUNE, seen)

    def test_change_batch_eta_minds_no_other_quantity_than_was_seen(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 11, JUNE)
        services.change_batch_eta("b1", JULY, shop.uow(), seen=Seen(10, JUNE, 0, 0))
        assert shop.etas() == {"b1": JULY}

    def test_change_batch_eta_minds_no_other_lines_than_were_seen(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10, JUNE)
        shop.order(("o1", "LAMP", 4))
        services.change_batch_eta("b1", JULY, shop.uow(), seen=Seen(10, JUNE, 0, 0))
        assert shop.etas() == {"b1": JULY}

    def test_change_batch_eta_may_be_sent_twice(self, shop: Shop) -> None:
        """By a double click: the second one finds its own change there."""
        shop.add("b1", "LAMP", 10, JUNE)
        seen = Seen(10, JUNE, 0, 0)
        assert services.change_batch_eta("b1", JULY, shop.uow(), seen=seen) is True
        assert services.change_batch_eta("b1", JULY, shop.uow(), seen=seen) is False
        assert shop.etas() == {"b1": JULY}
