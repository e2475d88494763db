"""What is told, exactly."""

from __future__ import annotations

import io
from functools import partial
from typing import Any

import pytest

from allocation import bootstrap
from allocation.adapters.unit_of_work import AllocationUnitOfWork
from allocation.domain.model import OrderLine
from allocation.service_layer import bulk, services
from allocation.service_layer.csv_files import CsvFile
from tests.conftest import Fetch
from tests.integration.history.conftest import AUTHORS, Act, History
from tests.integration.shop import DatabaseShop
from tests.unit.services_contract import JULY, JUNE


class TestTheHistoryOf:
    """Each service, exactly. What was there before was made by nobody, and is not told."""

    @pytest.mark.parametrize(
        ("qty", "eta", "detail"),
        [(10, None, "10 units, in the warehouse"), (1, JUNE, "1 unit, due 2026-06-01")],
    )
    def test_add_batch(self, act: Act, history: History, qty: int, eta: Any, detail: str) -> None:
        act(services.add_batch, "b1", "LAMP", qty, eta)
        assert history() == [("batch added", "b1", None, None, "LAMP", detail)]

    def test_allocate(self, shop: DatabaseShop, act: Act, history: History) -> None:
        shop.add("b1", "LAMP", 10)
        act(services.allocate, "o1", "LAMP", 3)
        assert history() == [("allocated", "b1", None, "o1", "LAMP", "3 units")]

    def test_allocate_of_a_backorder(self, shop: DatabaseShop, act: Act, history: History) -> None:
        shop.order(("o1", "LAMP", 1))
        shop.add("b1", "LAMP", 10)
        act(services.allocate, "o1", "LAMP", 1)
        assert history() == [("allocated", "b1", None, "o1", "LAMP", "1 unit")]

    def test_allocate_lines(self, shop: DatabaseShop, act: Act, history: History) -> None:
        """New lines in the order in which they came in, then those that had been waiting."""
        shop.order(("o0", "LAMP", 1))
        shop.add("b1", "LAMP", 4)
        orders = [("o3", "LAMP", 9), ("o2", "CHAIR", 1), ("o0", "LAMP", 1), ("o1", "LAMP", 3)]
        act(services.allocate_lines, [OrderLine(*order) for order in orders])
        assert history() == [
            ("backordered", None, None, "o3", "LAMP", "9 units"),
            ("backordered", None, None, "o2", "CHAIR", "1 unit"),
            ("allocated", "b1", None, "o1", "LAMP", "3 units"),
            ("allocated", "b1", None, "o0", "LAMP", "1 unit"),
        ]

    def test_deallocate(self, shop: DatabaseShop, act: Act, history: History) -> None:
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 3))
        act(services.deallocate, "o1", "LAMP")
        assert history() == [("backordered", None, "b1", "o1", "LAMP", "3 units")]

    def test_reallocate(self, shop: DatabaseShop, act: Act, history: History) -> None:
        shop.add("late", "LAMP", 10, JULY)
        shop.order(("o1", "LAMP", 3))
        shop.add("now", "LAMP", 10)
        act(services.reallocate, "o1", "LAMP")
        assert history() == [("moved", "now", "late", "o1", "LAMP", "3 units")]

    def test_reallocate_batch(self, shop: DatabaseShop, act: Act, history: History) -> None:
        shop.add("late", "LAMP", 10, JUNE)
        shop.order(("o1", "LAMP", 2), ("o2", "LAMP", 4), ("o3", "LAMP", 1))
        shop.add("later", "LAMP", 3, JULY)
        act(services.reallocate_batch, "late")
        assert history() == [
            ("moved", "later", "late", "o1", "LAMP", "2 units"),
            ("moved", "later", "late", "o3", "LAMP", "1 unit"),
        ]

    def test_reallocate_backorders(self, shop: DatabaseShop, act: Act, history: History) -> None:
        shop.order(("o1", "LAMP", 2), ("o2", "LAMP", 2), ("o3", "LAMP", 1))
        shop.add("b1", "LAMP", 3)
        act(services.reallocate_backorders, [("o2", "LAMP"), ("o1", "LAMP"), ("o3", "LAMP")])
        assert history() == [
            ("allocated", "b1", None, "o2", "LAMP", "2 units"),
            ("allocated", "b1", None, "o3", "LAMP", "1 unit"),
        ]

    def test_change_batch_quantity(self, shop: DatabaseShop, act: Act, history: History) -> None:
        """One line stays, one is taken off and put back, one moves, and one waits."""
        shop.add("b1", "LAMP", 12)
        shop.order(("o1", "LAMP", 5), ("o2", "LAMP", 4), ("o3", "LAMP", 2), ("back", "LAMP", 1))
        shop.add("b2", "LAMP", 4, JUNE)
        shop.order(("full", "LAMP", 1))
        act(services.change_batch_quantity, "b1", 6)
        assert shop.stored().lines == {
            ("o1", "LAMP"): (5, "b1"),
            ("o2", "LAMP"): (4, None),
            ("o3", "LAMP"): (2, "b2"),
            ("back", "LAMP"): (1, "b1"),
            ("full", "LAMP"): (1, "b2"),
        }
        assert history() == [
            ("quantity changed", "b1", None, None, "LAMP", "12 → 6 units"),
            ("moved", "b2", "b1", "o3", "LAMP", "2 units"),
            ("backordered", None, "b1", "o2", "LAMP", "4 units"),
        ]

    @pytest.mark.parametrize(
        ("before", "after", "detail"),
        [
            (JUNE, JULY, "due 2026-06-01 → due 2026-07-01"),
            (JUNE, None, "due 2026-06-01 → in the warehouse"),
            (None, JUNE, "in the warehouse → due 2026-06-01"),
        ],
    )
    def test_change_batch_eta(
        self,
        shop: DatabaseShop,
        act: Act,
        history: History,
        before: Any,
        after: Any,
        detail: str,
    ) -> None:
        shop.add("b1", "LAMP", 10, before)
        shop.order(("o1", "LAMP", 3))
        act(services.change_batch_eta, "b1", after)
        assert history() == [("ETA changed", "b1", None, None, "LAMP", detail)]

    def test_an_import(self, alias: str, fetch: Fetch, history: History) -> None:
        run = partial(bootstrap.run, using=alias, actor="ann")
        batches = b"reference,sku,qty,eta\nb1,LAMP,2,\nb1,LAMP,3,\nb2,LAMP,1,2026-06-01\n"
        orders = b"orderid,sku,qty\no1,LAMP,2\no2,LAMP,2\no3,LAMP,1\n"
        bulk.import_batches(CsvFile(io.BytesIO(batches)), run, reject=lambda _: None, chunk_size=1)
        bulk.allocate_orders(CsvFile(io.BytesIO(orders)), run, reject=lambda _: None, chunk_size=2)
        assert history() == [
            ("batch added", "b1", None, None, "LAMP", "2 units, in the warehouse"),
            ("batch added", "b2", None, None, "LAMP", "1 unit, due 2026-06-01"),
            ("allocated", "b1", None, "o1", "LAMP", "2 units"),
            ("backordered", None, None, "o2", "LAMP", "2 units"),
            ("allocated", "b2", None, "o3", "LAMP", "1 unit"),
        ]
        expected = [("ann", "add_batches")] * 2 + [("ann", "allocate_lines")] * 3
        assert fetch(alias, AUTHORS) == expected


class TestTheHistoryOfRows:
    """What a unit of work can do and no service does is told, too."""

    def test_tells_of_a_batch_that_was_removed(
        self, shop: DatabaseShop, uow: AllocationUnitOfWork, history: History
    ) -> None:
        shop.add("b1", "LAMP", 10)
        with uow:
            uow.batches.remove(uow.batches.get("b1"))
            uow.commit()
        assert history() == [("batch removed", "b1", None, None, "LAMP", "10 units")]

    def test_tells_of_lines_that_were_removed(
        self, shop: DatabaseShop, uow: AllocationUnitOfWork, history: History
    ) -> None:
        shop.add("b1", "LAMP", 3)
        shop.order(("o1", "LAMP", 3), ("o2", "LAMP", 1))
        with uow:
            stock = uow.batches.for_lines([("o1", "LAMP"), ("o2", "LAMP")])
            [batch] = stock.batches("LAMP")
            batch.deallocate(OrderLine("o1", "LAMP", 3))
            stock.backlog.discard(OrderLine("o2", "LAMP", 1))
            uow.commit()
        assert shop.stored().lines == {}
        assert sorted(history(), key=lambda entry: entry[3] or "") == [
            ("line removed", None, "b1", "o1", "LAMP", "3 units"),
            ("line removed", None, None, "o2", "LAMP", "1 unit"),
        ]

    def test_tells_all_that_changed_of_a_batch(
        self, shop: DatabaseShop, uow: AllocationUnitOfWork, history: History
    ) -> None:
        shop.add("b1", "LAMP", 10)
        with uow:
            batch = uow.batches.get("b1")
            batch.change_purchased_quantity(1)
            batch.change_eta(JUNE)
            uow.commit()
        assert history() == [
            ("quantity changed", "b1", None, None, "LAMP", "10 → 1 unit"),
            ("ETA changed", "b1", None, None, "LAMP", "in the warehouse → due 2026-06-01"),
        ]

    def test_tells_of_every_flush_in_its_order(
        self, shop: DatabaseShop, uow: AllocationUnitOfWork, history: History
    ) -> None:
        shop.add("b1", "LAMP", 3)
        key = ("o1", "LAMP")
        with uow:
            stock = uow.batches.for_lines([key])
            stock.allocate(OrderLine(*key, 3))
            uow.flush()
            stock.deallocate(key)
            uow.commit()
            stock = uow.batches.for_lines([key])
            stock.reallocate(key)
            uow.commit()
        assert [entry[:3] for entry in history()] == [
            ("allocated", "b1", None),
            ("backordered", None, "b1"),
            ("allocated", "b1", None),
        ]
