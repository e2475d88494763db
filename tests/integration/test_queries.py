"""The reads that need no unit of work."""

from __future__ import annotations

from functools import partial

import pytest

from allocation import bootstrap
from allocation.service_layer import services
from tests.conftest import Fetch
from tests.factories import BatchFactory, OrderLineFactory
from tests.integration.shop import DatabaseShop
from tests.unit.services_contract import JUNE


class TestAllocations:
    def test_are_all_lines_by_order_and_sku(self, shop: DatabaseShop) -> None:
        shop.add("b1", "LAMP", 3)
        shop.order(("o2", "LAMP", 2), ("o1", "LAMP", 2), ("o1", "CHAIR", 1))
        assert list(bootstrap.allocations(shop.alias)) == [
            ("o1", "CHAIR", 1, ""),
            ("o1", "LAMP", 2, ""),
            ("o2", "LAMP", 2, "b1"),
        ]


class TestBackorders:
    @pytest.fixture
    def waiting(self, shop: DatabaseShop) -> DatabaseShop:
        shop.add("b1", "LAMP", 1)
        shop.order(("o3", "LAMP", 2), ("allocated", "LAMP", 1), ("o1", "CHAIR", 1))
        shop.order(("o2", "LAMP", 2))
        return shop

    def test_come_the_oldest_first(self, waiting: DatabaseShop) -> None:
        [page] = bootstrap.backorders(waiting.alias)
        assert page == [("o3", "LAMP"), ("o1", "CHAIR"), ("o2", "LAMP")]

    def test_come_in_pages(self, waiting: DatabaseShop) -> None:
        pages = bootstrap.backorders(waiting.alias, size=2)
        assert [len(page) for page in pages] == [2, 1]

    def test_may_be_those_of_one_sku(self, waiting: DatabaseShop) -> None:
        [page] = bootstrap.backorders(waiting.alias, "LAMP")
        assert page == [("o3", "LAMP"), ("o2", "LAMP")]

    def test_are_none_where_nobody_waits(self, shop: DatabaseShop) -> None:
        assert list(bootstrap.backorders(shop.alias)) == []

    def test_are_those_that_were_there_at_the_beginning(self, waiting: DatabaseShop) -> None:
        """So whoever works through them comes to an end."""
        seen = 0
        for page in bootstrap.backorders(waiting.alias, size=1):
            seen += len(page)
            waiting.order((f"new-{seen}", "LAMP", 2))
        assert seen == 3

    def test_may_be_served_while_they_are_read(self, waiting: DatabaseShop) -> None:
        waiting.add("b2", "LAMP", 4)
        served = []
        for page in bootstrap.backorders(waiting.alias, size=1):
            served += services.reallocate_backorders(page, waiting.uow())
        assert [p.reference for p in served] == ["b2", None, "b2"]


class TestQuantityChanged:
    def test_is_true_once_somebody_did_so(self, shop: DatabaseShop) -> None:
        shop.add("b1", "LAMP", 3)
        shop.add("b2", "LAMP", 3)
        for qty in (2, 3):
            bootstrap.run(
                partial(services.change_batch_quantity, "b1", qty), shop.alias, actor="ann"
            )
        assert bootstrap.quantity_changed("b1", shop.alias)
        assert not bootstrap.quantity_changed("b2", shop.alias)

    def test_is_not_about_the_eta_nor_the_lines(self, shop: DatabaseShop) -> None:
        shop.add("b1", "LAMP", 3)
        for use_case in (
            partial(services.change_batch_eta, "b1", JUNE),
            partial(services.allocate, "o1", "LAMP", 1),
        ):
            bootstrap.run(use_case, shop.alias, actor="ann")
        assert not bootstrap.quantity_changed("b1", shop.alias)


class TestAudit:
    def found(self, alias: str) -> list[tuple[object, ...]]:
        return [(d.reference, d.what, d.stored, d.found) for d in bootstrap.audit(alias)]

    def test_finds_nothing_where_all_is_well(self, shop: DatabaseShop) -> None:
        shop.add("b1", "LAMP", 3)
        shop.add("b2", "LAMP", 3)
        shop.order(("o1", "LAMP", 2), ("o2", "LAMP", 2), ("o3", "LAMP", 2))
        services.deallocate("o2", "LAMP", shop.uow())
        assert self.found(shop.alias) == []

    @pytest.mark.parametrize(("stored", "there"), [(2, 3), (4, 3)])
    def test_finds_a_wrong_allocated_quantity(self, alias: str, stored: int, there: int) -> None:
        batch = BatchFactory.create(
            using=alias, reference="b1", allocated_quantity=stored, lines_taken=2
        )
        for position, qty in enumerate((1, there - 1), 1):
            OrderLineFactory.create(using=alias, batch=batch, position=position, qty=qty)
        assert self.found(alias) == [("b1", "allocated quantity", stored, there)]

    def test_finds_units_allocated_without_lines(self, alias: str) -> None:
        BatchFactory.create(using=alias, reference="b1", allocated_quantity=2)
        assert self.found(alias) == [("b1", "allocated quantity", 2, 0)]

    def test_finds_a_position_that_would_be_given_again(self, alias: str) -> None:
        batch = BatchFactory.create(
            using=alias, reference="b1", allocated_quantity=1, lines_taken=4
        )
        OrderLineFactory.create(using=alias, batch=batch, position=5)
        assert self.found(alias) == [("b1", "lines taken", 4, 5)]

    def test_finds_a_line_of_another_sku(self, alias: str) -> None:
        batch = BatchFactory.create(
            using=alias, reference="b1", allocated_quantity=1, lines_taken=1
        )
        OrderLineFactory.create(using=alias, sku="CHAIR", batch=batch, position=1)
        assert self.found(alias) == [("b1", "lines of another SKU", 0, 1)]

    @pytest.mark.django_db(transaction=True)
    def test_finds_lines_whose_batch_was_deleted_past_the_foreign_key(self, fetch: Fetch) -> None:
        batch = BatchFactory.create(
            using="default", reference="b1", allocated_quantity=2, lines_taken=2
        )
        for position in (1, 2):
            OrderLineFactory.create(using="default", batch=batch, position=position, qty=1)
        fetch("default", "DELETE FROM allocation_batch")  # SQLite by itself does not mind
        try:
            assert self.found("default") == [("b1", "lines of a batch that is not there", 0, 2)]
        finally:
            fetch("default", "DELETE FROM allocation_orderline")
