"""What the batches give out: as few lines as will do, under locks in one order."""

from __future__ import annotations

import re

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from allocation.domain.model import Batch
from tests.integration.shop import DatabaseShop


@pytest.fixture
def stocked(shop: DatabaseShop) -> DatabaseShop:
    """Two lamps a line, five lines, on one batch."""
    shop.add("b1", "LAMP", 10)
    shop.add("b2", "CHAIR", 10)
    shop.order(*((f"o{n}", "LAMP", 2) for n in range(5)))
    return shop


def known(batch: Batch | None) -> list[str]:
    assert batch is not None
    return [line.orderid for line, _ in batch.lines()]


class TestForLines:
    def test_knows_the_lines_that_were_asked_for_and_no_others(self, stocked: DatabaseShop) -> None:
        with stocked.uow() as uow:
            stock = uow.batches.for_lines([("o1", "LAMP"), ("o3", "LAMP"), ("o2", "CHAIR")])
            assert known(stock.batch("b1")) == ["o1", "o3"]
            assert known(stock.batch("b2")) == []

    def test_has_the_batches_of_their_skus_and_no_others(self, stocked: DatabaseShop) -> None:
        with stocked.uow() as uow:
            stock = uow.batches.for_lines([("o1", "LAMP")])
            assert stock.batch("b2") is None


class TestForBatch:
    @pytest.mark.parametrize(
        ("leaving", "orderids"),
        [
            (10, []),
            (9, ["o4"]),
            (8, ["o4"]),
            (7, ["o3", "o4"]),
            (1, ["o0", "o1", "o2", "o3", "o4"]),
        ],
    )
    def test_knows_as_many_of_the_last_lines_as_it_must(
        self, stocked: DatabaseShop, leaving: int, orderids: list[str]
    ) -> None:
        with stocked.uow() as uow:
            assert known(uow.batches.for_batch("b1", leaving=leaving).batch("b1")) == orderids

    def test_has_the_other_batches_of_the_sku(self, stocked: DatabaseShop) -> None:
        stocked.add("b3", "LAMP", 1)
        with stocked.uow() as uow:
            stock = uow.batches.for_batch("b1")
            assert [batch.reference for batch in stock.batches("LAMP")] == ["b1", "b3"]

    def test_is_empty_when_there_is_no_such_batch(self, stocked: DatabaseShop) -> None:
        with stocked.uow() as uow:
            assert uow.batches.for_batch("B1").batch("B1") is None


class TestAmong:
    def test_gives_those_that_there_are(self, stocked: DatabaseShop) -> None:
        with stocked.uow() as uow:
            assert uow.batches.among(["b2", "b2", "b9"]) == [Batch("b2", "CHAIR", 1, None)]


@pytest.mark.django_db(transaction=True, databases=["postgresql"])
@pytest.mark.parametrize("alias", ["postgresql"])
def test_locks_are_taken_in_one_order(shop: DatabaseShop) -> None:
    """See Note [Lock order]. Rows come in some order anyway, so only the statement can tell."""
    with CaptureQueriesContext(connections[shop.alias]) as captured:
        shop.order(("o1", "LAMP", 1), ("o1", "CHAIR", 1))
    [lock] = [query["sql"] for query in captured if "FOR UPDATE" in query["sql"]]
    order = r' ORDER BY (2|\S+"sku") ASC, (1|\S+"reference") ASC FOR UPDATE$'
    assert re.search(order, lock), lock
