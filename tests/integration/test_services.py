"""The services on both databases: what they say is what the rows are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allocation import bootstrap
from allocation.domain.model import BatchNotEmpty, LinesNotKnown, OrderLine
from allocation.domain.stock import Outcome, Stock
from allocation.service_layer import services
from allocation.service_layer.unit_of_work import AbstractUnitOfWork
from allocation.uow import StaleEntity, UniqueViolation
from tests.conftest import Fetch
from tests.factories import BatchFactory, OrderLineFactory
from tests.integration.shop import DatabaseShop
from tests.unit import operations
from tests.unit.fakes import FakeShop
from tests.unit.services_contract import JUNE, ServicesContract

BATCHES = (
    "SELECT reference, sku, purchased_quantity, allocated_quantity, lines_taken, eta "
    "FROM allocation_batch ORDER BY reference"
)
LINES = "SELECT id, orderid, sku, qty, batch_id, position FROM allocation_orderline ORDER BY id"

REFUSED = OrderLine("new-4711", "LAMP", 1)


class TestOnADatabase(ServicesContract):
    """The same behaviour as in memory; the fixture `shop` is that of the integration tests."""


@pytest.fixture
def rows(alias: str, fetch: Fetch) -> Callable[[], list[Any]]:
    """Every column of every row, through another connection."""
    return lambda: [fetch(alias, sql) for sql in (BATCHES, LINES)]


@given(day=st.lists(operations.operations, max_size=12))
@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # emptied for each example
)
def test_the_database_and_the_fakes_of_the_book_agree(
    shop: DatabaseShop, day: list[operations.Operation]
) -> None:
    shop.empty()
    fake = FakeShop()
    for operation in day:
        assert operations.run(operation, shop) == operations.run(operation, fake)
    assert shop.stored() == fake.stored()
    assert shop.etas() == fake.etas()
    shop.stored().require_sound()
    assert not list(bootstrap.audit(shop.alias))


class TestTheRows:
    def test_of_a_batch_hold_all_of_it(self, shop: DatabaseShop, fetch: Fetch) -> None:
        shop.add("b1", "LAMP", 10, JUNE)
        shop.order(("o1", "LAMP", 3), ("o2", "LAMP", 4))
        [row] = fetch(shop.alias, BATCHES)
        assert (*row[:5], str(row[5])) == ("b1", "LAMP", 10, 7, 2, "2026-06-01")

    def test_of_lines_hold_the_order_in_which_the_batch_took_them(
        self, shop: DatabaseShop, fetch: Fetch
    ) -> None:
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 1), ("o2", "LAMP", 1))
        services.deallocate("o1", "LAMP", shop.uow())
        services.allocate("o1", "LAMP", 1, shop.uow())
        lines = fetch(shop.alias, "SELECT orderid, position FROM allocation_orderline")
        assert sorted(lines) == [("o1", 3), ("o2", 2)]

    def test_of_a_line_stay_the_same_wherever_it_goes(
        self, shop: DatabaseShop, fetch: Fetch
    ) -> None:
        """An order line keeps its age: the oldest backorder is tried first."""
        shop.order(("o1", "LAMP", 1))
        before = fetch(shop.alias, "SELECT id FROM allocation_orderline")
        shop.add("b1", "LAMP", 1)
        services.reallocate("o1", "LAMP", shop.uow())
        services.deallocate("o1", "LAMP", shop.uow())
        assert fetch(shop.alias, "SELECT id FROM allocation_orderline") == before

    def test_of_lines_are_as_old_as_their_place_in_the_orders(
        self, shop: DatabaseShop, fetch: Fetch
    ) -> None:
        """One after the other or all at once: whoever ordered first is served first."""
        shop.add("a", "LAMP", 1)
        shop.add("b", "LAMP", 9, JUNE)
        shop.order(("o1", "LAMP", 2), ("o2", "CHAIR", 1), ("o3", "LAMP", 1))
        lines = fetch(shop.alias, "SELECT orderid FROM allocation_orderline ORDER BY id")
        assert lines == [("o1",), ("o2",), ("o3",)]


class TestAFailureHalfWay:
    """Whatever fails, and however late: every row is as it was."""

    @pytest.fixture
    def stocked(self, shop: DatabaseShop) -> DatabaseShop:
        shop.add("b1", "LAMP", 10)
        shop.add("b2", "LAMP", 10, JUNE)
        shop.order(("o1", "LAMP", 5), ("o2", "LAMP", 5))
        shop.order(("o3", "LAMP", 8), ("old-4711", "LAMP", 1))
        shop.order(("o4", "LAMP", 7), ("late-4711", "LAMP", 6))
        return shop

    @pytest.fixture
    def refusing(self, stocked: DatabaseShop) -> Iterator[DatabaseShop]:
        """The database refuses any change that puts a line with 4711 in its order on a batch."""
        shop = stocked
        shop.add("b3", "LAMP", 70)
        event = "BEFORE {} ON allocation_orderline FOR EACH ROW"
        if shop.alias == "postgresql":
            shop.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "IF NEW.orderid LIKE '%%4711%%' THEN RAISE 'refused' USING ERRCODE = '23000'; "
                "END IF; RETURN NEW; END $$"
            )
            shop.execute(
                f"CREATE TRIGGER refuse {event.format('INSERT OR UPDATE')} "
                "EXECUTE FUNCTION refuse()"
            )
        else:
            for name in ("insert", "update"):
                shop.execute(
                    f"CREATE TRIGGER refuse_{name} {event.format(name)} "
                    "WHEN NEW.orderid LIKE '%%4711%%' BEGIN SELECT RAISE(ABORT, 'refused'); END"
                )
        yield shop
        if shop.alias == "postgresql":
            shop.execute("DROP FUNCTION refuse CASCADE")
        else:
            shop.execute("DROP TRIGGER refuse_insert")
            shop.execute("DROP TRIGGER refuse_update")

    @pytest.mark.parametrize(
        ("service", "arguments"),
        [
            (
                services.allocate_lines,
                ([*(OrderLine(f"new-{n}", "LAMP", 1) for n in range(50)), REFUSED],),
            ),
            (services.allocate, (REFUSED.orderid, REFUSED.sku, REFUSED.qty)),
            (services.deallocate, ("old-4711", "LAMP")),
            (services.reallocate, ("old-4711", "LAMP")),
            (services.reallocate_batch, ("b2",)),
            (services.reallocate_backorders, ([("o4", "LAMP"), ("late-4711", "LAMP")],)),
            (services.change_batch_quantity, ("b2", 7)),
        ],
        ids=lambda value: getattr(value, "__name__", ""),
    )
    def test_at_the_last_line(
        self,
        refusing: DatabaseShop,
        rows: Callable[[], list[Any]],
        service: Callable[..., Any],
        arguments: tuple[Any, ...],
    ) -> None:
        before = rows()
        with pytest.raises(IntegrityError, match="refused"):
            service(*arguments, refusing.uow())
        assert rows() == before

    def test_of_a_line_that_somebody_stored_meanwhile(
        self, stocked: DatabaseShop, rows: Callable[[], list[Any]]
    ) -> None:
        """Behind the back of the locks, as no service would."""
        with bootstrap.unit_of_work(stocked.alias) as uow:
            stock = uow.batches.for_lines([("o8", "LAMP"), ("o9", "CHAIR")])
            stock.place(OrderLine("o8", "LAMP", 2))
            stock.place(OrderLine("o9", "CHAIR", 2))
            OrderLineFactory.create(using=stocked.alias, orderid="o9", sku="CHAIR")
            with pytest.raises(UniqueViolation):
                uow.commit()
        assert [row for row in rows()[1] if row[1] in ("o8", "o9")] == []

    def test_of_a_line_that_somebody_deleted_meanwhile(
        self, stocked: DatabaseShop, rows: Callable[[], list[Any]]
    ) -> None:
        before = rows()
        with bootstrap.unit_of_work(stocked.alias) as uow:
            uow.batches.for_lines([("o1", "LAMP")]).deallocate(("o1", "LAMP"))
            stocked.execute("DELETE FROM allocation_orderline WHERE orderid = %s", "o1")
            with pytest.raises(StaleEntity, match="o1/LAMP"):
                uow.commit()
        assert rows() == before

    def test_of_a_reallocation_with_nowhere_to_go(
        self, stocked: DatabaseShop, rows: Callable[[], list[Any]]
    ) -> None:
        before = rows()
        assert services.reallocate("o3", "LAMP", stocked.uow()) == "b2"
        assert rows() == before


class TestALineThatOthersMoved:
    """Between two looks of one block, which the services never take."""

    @pytest.fixture
    def moved(self, shop: DatabaseShop) -> Iterator[tuple[AbstractUnitOfWork, Stock]]:
        """A block that knows o1 as a backorder, and meanwhile it went to b1."""
        shop.order(("o1", "LAMP", 5))
        with shop.uow() as uow:
            uow.batches.for_lines([("o1", "LAMP")])
            uow.commit()
            with ThreadPoolExecutor(1) as elsewhere:
                elsewhere.submit(self.place, shop).result()
            yield uow, uow.batches.for_lines([("o1", "LAMP")])

    @staticmethod
    def place(shop: DatabaseShop) -> None:
        try:
            shop.add("b1", "LAMP", 10)
            services.reallocate("o1", "LAMP", shop.uow())
        finally:
            connections.close_all()

    def test_is_in_one_place(self, moved: tuple[AbstractUnitOfWork, Stock]) -> None:
        _, stock = moved
        assert stock.backlog.line(("o1", "LAMP")) is None
        holder = stock.holder(("o1", "LAMP"))
        assert holder is not None
        assert holder.reference == "b1"

    def test_is_not_lost(self, shop: DatabaseShop, moved: tuple[AbstractUnitOfWork, Stock]) -> None:
        uow, stock = moved
        assert stock.place(OrderLine("o1", "LAMP", 5)).outcome is Outcome.ALREADY_ALLOCATED
        uow.commit()
        assert shop.stored().lines == {("o1", "LAMP"): (5, "b1")}
        shop.stored().require_sound()


class TestABatchThatWasOnlyGot:
    """As the book does it: get a batch by its reference, and change it."""

    def test_can_take_a_line(self, shop: DatabaseShop) -> None:
        shop.add("b1", "LAMP", 10)
        with shop.uow() as uow:
            uow.batches.get("b1").allocate(OrderLine("o1", "LAMP", 3))
            uow.commit()
        assert shop.stored().lines == {("o1", "LAMP"): (3, "b1")}
        shop.stored().require_sound()

    def test_cannot_take_a_line_that_is_there_already_a_second_time(
        self, shop: DatabaseShop
    ) -> None:
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 3))
        with shop.uow() as uow:
            uow.batches.get("b1").allocate(OrderLine("o1", "LAMP", 3))
            with pytest.raises(UniqueViolation):
                uow.commit()
        shop.stored().require_sound()

    def test_cannot_be_made_smaller_than_its_lines(self, shop: DatabaseShop) -> None:
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 3))
        with shop.uow() as uow, pytest.raises(LinesNotKnown):
            uow.batches.get("b1").change_purchased_quantity(2)
        assert shop.stored().batches == {"b1": (10, 3)}

    def test_cannot_be_removed_with_its_lines(self, shop: DatabaseShop) -> None:
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 3))
        with (
            bootstrap.unit_of_work(shop.alias) as uow,
            pytest.raises(BatchNotEmpty, match="b1 has lines on it"),
        ):
            uow.batches.remove(uow.batches.get("b1"))
        shop.stored().require_sound()

    def test_is_the_same_object_as_in_the_stock(self, alias: str) -> None:
        BatchFactory.create(using=alias, reference="b1")
        with bootstrap.unit_of_work(alias) as uow:
            batch = uow.batches.get("b1")
            stock = uow.batches.for_lines([("o1", "LAMP")])
            assert stock.batches("LAMP")[0] is batch
