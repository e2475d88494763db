import builtins
from collections.abc import Iterable

import pytest

from allocation.domain.model import Batch
from allocation.service_layer import repository, services, unit_of_work


class FakeRepository(repository.AbstractRepository):
    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = set(batches)

    def add(self, batch: Batch) -> None:
        self._batches.add(batch)

    def get(self, reference: str) -> Batch:
        return next(b for b in self._batches if b.reference == reference)

    def list(self) -> builtins.list[Batch]:
        return list(self._batches)


class FakeUnitOfWork(unit_of_work.AbstractUnitOfWork):
    def __init__(self) -> None:
        self.batches = FakeRepository([])
        self.committed = False

    def commit(self) -> None:
        self.committed = True

    def rollback(self) -> None:
        pass


def test_add_batch() -> None:
    uow = FakeUnitOfWork()
    services.add_batch("b1", "STURDY-ROCKER", 50, None, uow)
    assert uow.batches.get("b1") is not None
    assert uow.committed


def test_allocate_returns_allocation() -> None:
    uow = FakeUnitOfWork()
    services.add_batch("batch1", "MODEST-LANTERN", 50, None, uow)
    result = services.allocate("o1", "MODEST-LANTERN", 8, uow)
    assert result == "batch1"


def test_allocate_errors_for_invalid_sku() -> None:
    uow = FakeUnitOfWork()
    services.add_batch("b1", "SOLD-HERE", 50, None, uow)

    with pytest.raises(services.InvalidSku, match="Invalid sku NOT-SOLD-HERE"):
        services.allocate("o1", "NOT-SOLD-HERE", 8, uow)


def test_allocate_commits() -> None:
    uow = FakeUnitOfWork()
    services.add_batch("b1", "GLOOMY-WINDOW", 50, None, uow)
    services.allocate("o1", "GLOOMY-WINDOW", 8, uow)
    assert uow.committed
