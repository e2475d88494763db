"""What the tables tell by themselves: numbers that the database derives, and named queries."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pytest

from allocation.models import Batch, BatchQuerySet, HistoryEntry
from allocation.service_layer import services
from tests.conftest import Fetch
from tests.factories import BatchFactory
from tests.integration.shop import DatabaseShop

TODAY = date(2026, 6, 1)
DAY = timedelta(days=1)


def references(batches: Iterable[Batch]) -> set[str]:
    return {batch.reference for batch in batches}


class TestTheFreeQuantity:
    FREE = "SELECT free_quantity FROM allocation_batch"

    def test_is_what_is_purchased_and_not_allocated(self, shop: DatabaseShop, fetch: Fetch) -> None:
        shop.add("b1", "LAMP", 10)
        assert fetch(shop.alias, self.FREE) == [(10,)]

    def test_follows_every_change(self, shop: DatabaseShop, fetch: Fetch) -> None:
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 3), ("o2", "LAMP", 4))
        assert fetch(shop.alias, self.FREE) == [(3,)]
        services.change_batch_quantity("b1", 5, shop.uow())
        assert fetch(shop.alias, self.FREE) == [(2,)]


class TestBatches:
    @pytest.fixture
    def batches(self, alias: str) -> BatchQuerySet:
        etas = {"there": None, "overdue": TODAY - DAY, "today": TODAY, "tomorrow": TODAY + DAY}
        for reference, eta in etas.items():
            BatchFactory.create(using=alias, reference=reference, eta=eta)
        return Batch.objects.using(alias)

    def test_are_in_the_warehouse_without_an_eta(self, batches: BatchQuerySet) -> None:
        assert references(batches.in_warehouse()) == {"there"}

    def test_are_on_their_way_with_one_whenever_that_is(self, batches: BatchQuerySet) -> None:
        assert references(batches.on_its_way()) == {"overdue", "today", "tomorrow"}

    def test_are_late_when_their_day_is_over(self, batches: BatchQuerySet) -> None:
        assert references(batches.late(TODAY)) == {"overdue"}

    def test_are_full_when_nothing_is_free(self, alias: str, batches: BatchQuerySet) -> None:
        for reference, allocated in [("full", 10), ("nearly", 9)]:
            BatchFactory.create(
                using=alias,
                reference=reference,
                purchased_quantity=10,
                allocated_quantity=allocated,
            )
        assert references(batches.full()) == {"full"}

    def test_can_be_asked_for_by_several_names_at_once(self, batches: BatchQuerySet) -> None:
        assert references(batches.on_its_way().late(TODAY)) == {"overdue"}
        assert not batches.in_warehouse().late(TODAY).exists()


class TestTheHistory:
    @pytest.fixture
    def entries(self, alias: str) -> Any:
        entries = HistoryEntry.objects.using(alias)
        for event, batch, from_batch in [
            ("batch added", "b1", None),
            ("allocated", "b1", None),
            ("moved", "b2", "b1"),
            ("backordered", None, "b2"),
            ("backordered", None, None),
        ]:
            entries.create(actor="ann", event=event, batch=batch, from_batch=from_batch, sku="LAMP")
        return entries.order_by("id")

    @pytest.mark.parametrize(
        ("reference", "events"),
        [
            ("b1", ["batch added", "allocated", "moved"]),
            ("b2", ["moved", "backordered"]),
            ("b3", []),
        ],
    )
    def test_of_a_batch_is_of_what_came_to_it_and_left_it(
        self, entries: Any, reference: str, events: list[str]
    ) -> None:
        assert [entry.event for entry in entries.of_batch(reference)] == events

    def test_of_allocations_is_of_lines_that_came_to_a_batch(self, entries: Any) -> None:
        assert [entry.event for entry in entries.allocations()] == ["allocated", "moved"]
