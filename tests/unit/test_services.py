"""The services on fakes as the book writes them, and on a unit of work in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from allocation import uow as kernel
from allocation.domain.model import OrderLine
from allocation.domain.stock import UnknownLine
from allocation.domain.values import InvalidValue
from allocation.service_layer import services
from allocation.uow import DiscardedChangesWarning, StaleEntity
from tests.unit.book.test_services import FakeRepository, FakeUnitOfWork
from tests.unit.fakes import FakeShop
from tests.unit.in_memory import AllocationInMemory, InMemoryShop
from tests.unit.services_contract import JUNE, ServicesContract, Shop, Stored


class TestOnTheFakesOfTheBook(ServicesContract):
    """They roll nothing back, so a service must decide before it changes anything."""

    @pytest.fixture
    def shop(self) -> Shop:
        return FakeShop()


class TestInMemory(ServicesContract):
    @pytest.fixture
    def shop(self) -> Shop:
        return InMemoryShop()


SERVICES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "add_batch": (services.add_batch, ("b2", "LAMP", 1, None)),
    "add_batches": (services.add_batches, ([],)),
    "allocate": (services.allocate, ("o2", "LAMP", 1)),
    "allocate_lines": (services.allocate_lines, ([OrderLine("o2", "LAMP", 1)],)),
    "deallocate": (services.deallocate, ("o1", "LAMP")),
    "reallocate": (services.reallocate, ("o1", "LAMP")),
    "reallocate_batch": (services.reallocate_batch, ("b1",)),
    "reallocate_backorders": (services.reallocate_backorders, ([("o1", "LAMP")],)),
    "change_batch_quantity": (services.change_batch_quantity, ("b1", 5)),
    "change_batch_eta": (services.change_batch_eta, ("b1", JUNE)),
}


class TestEveryService:
    @pytest.fixture
    def uow(self) -> FakeUnitOfWork:
        uow = FakeUnitOfWork()
        services.add_batch("b1", "LAMP", 10, None, uow)
        services.allocate("o1", "LAMP", 3, uow)
        uow.committed = False
        return uow

    @pytest.mark.parametrize("name", SERVICES)
    def test_commits(self, uow: FakeUnitOfWork, name: str) -> None:
        service, arguments = SERVICES[name]
        service(*arguments, uow)
        assert uow.committed

    @pytest.mark.parametrize(
        ("service", "arguments", "error"),
        [
            (services.allocate, ("o2", "CHAIR", 1), services.InvalidSku),
            (services.deallocate, ("o2", "LAMP"), UnknownLine),
            (services.reallocate, ("o2", "LAMP"), UnknownLine),
            (services.reallocate_batch, ("b2",), services.UnknownBatch),
            (services.change_batch_quantity, ("b2", 5), services.UnknownBatch),
            (services.change_batch_eta, ("b2", JUNE), services.UnknownBatch),
        ],
    )
    def test_commits_nothing_when_it_raises(
        self,
        uow: FakeUnitOfWork,
        service: Callable[..., Any],
        arguments: tuple[Any, ...],
        error: type[Exception],
    ) -> None:
        with pytest.raises(error):
            service(*arguments, uow)
        assert not uow.committed

    @pytest.mark.parametrize(
        ("service", "arguments"),
        [
            (services.add_batch, ("b1", "LAMP", 0, None)),
            (services.allocate, ("o1", "LAMP", 0)),
            (services.deallocate, ("", "LAMP")),
            (services.reallocate, ("", "LAMP")),
            (services.reallocate_batch, ("",)),
            (services.change_batch_quantity, ("b1", 0)),
            (services.change_batch_quantity, ("", 1)),
            (services.change_batch_eta, ("b1", "soon")),
            (services.change_batch_eta, ("", JUNE)),
        ],
    )
    def test_refuses_invalid_values(
        self, uow: FakeUnitOfWork, service: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> None:
        with pytest.raises(InvalidValue):
            service(*arguments, uow)

    @pytest.mark.parametrize("name", SERVICES)
    def test_runs_on_a_unit_of_work_that_knows_the_kernel_alone(self, name: str) -> None:
        """Batches with the services' port are all that a unit of work needs for them."""

        class Bare(kernel.AbstractUnitOfWork):
            batches = FakeRepository([])

            def commit(self) -> None:
                self.committed = True

            def rollback(self) -> None:
                pass

        uow: Any = Bare()
        services.add_batch("b1", "LAMP", 10, None, uow)
        services.allocate("o1", "LAMP", 3, uow)
        service, arguments = SERVICES[name]
        service(*arguments, uow)
        assert uow.committed


class TestARollbackInMemory:
    @pytest.fixture
    def shop(self) -> InMemoryShop:
        shop = InMemoryShop()
        shop.add("b1", "LAMP", 10)
        shop.order(("o1", "LAMP", 3), ("o2", "LAMP", 30))
        return shop

    def test_takes_the_batches_and_the_backlog_back(self, shop: InMemoryShop) -> None:
        before = shop.stored()
        with pytest.warns(DiscardedChangesWarning), shop.uow() as uow:
            stock = uow.batches.for_lines([("o1", "LAMP")])
            stock.deallocate(("o1", "LAMP"))
            stock.place(OrderLine("o3", "LAMP", 30))
            uow.flush()
        assert shop.stored() == before

    def test_takes_the_objects_back_too(self, shop: InMemoryShop) -> None:
        with shop.uow() as uow:
            stock = uow.batches.for_lines([("o1", "LAMP")])
            stock.deallocate(("o1", "LAMP"))
            uow.rollback()
            assert Stored.of(stock.batches("LAMP"), stock.backlog) == shop.stored()

    def test_of_an_allocation_and_a_backlog_that_was_not_there_before(self) -> None:
        shop = InMemoryShop()
        with shop.uow() as uow:
            uow.batches.for_lines([("o1", "LAMP")]).place(OrderLine("o1", "LAMP", 3))
            uow.rollback()
            uow.commit()
        assert shop.stored() == Stored({}, {})

    def test_follows_a_failure_in_the_middle_of_a_service(self, shop: InMemoryShop) -> None:
        before = shop.stored()

        class Broken(AllocationInMemory):
            def commit(self) -> None:
                self.flush()
                raise RuntimeError("on purpose")

        with pytest.raises(RuntimeError, match="on purpose"):
            services.change_batch_quantity("b1", 1, Broken(shop.database))
        assert shop.stored() == before

    def test_follows_when_somebody_else_was_faster(self, shop: InMemoryShop) -> None:
        with shop.uow() as uow:
            uow.batches.for_lines([("o1", "LAMP")]).deallocate(("o1", "LAMP"))
            uow.flush()
            services.change_batch_quantity("b1", 4, shop.uow())
            with pytest.raises(StaleEntity):
                uow.commit()
        assert shop.stored().batches == {"b1": (4, 3)}
