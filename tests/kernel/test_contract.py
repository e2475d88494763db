"""The contract, kept in memory and on both databases, for both ways to persist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections

from allocation.uow import Repository, StaleEntity, UnitOfWork
from allocation.uow.testing import InMemoryDatabase, InMemoryRepository, InMemoryUnitOfWork
from allocation.uow.testing.contract import Subject, UnitOfWorkContract
from tests.kernel.models import Product
from tests.kernel.shop import Basket, ShopUnitOfWork

if TYPE_CHECKING:
    from tests.conftest import Fetch


@dataclass(eq=False)
class Thing:
    """An entity of the in-memory unit of work."""

    name: str
    number: int = 0
    id: int | None = None
    version: int = 0


class ThingUnitOfWork(InMemoryUnitOfWork):
    """A unit of work in memory."""

    things = InMemoryRepository(Thing, unique=[["name"]], version="version")


class InMemory(Subject):
    """Plain objects in memory."""

    def __init__(self) -> None:
        self.database = InMemoryDatabase()

    def factory(self) -> UnitOfWork:
        return ThingUnitOfWork(self.database)

    def repository(self, uow: UnitOfWork) -> Repository[Any]:
        assert isinstance(uow, ThingUnitOfWork)
        return uow.things

    def make(self, name: str) -> Any:
        return Thing(name)

    def key(self, entity: Any) -> Any:
        return entity.id

    def number(self, entity: Any) -> int:
        return int(entity.number)

    def set_number(self, entity: Any, number: int) -> None:
        entity.number = number

    def committed(self) -> Mapping[str, int]:
        return {
            row[-1]["name"]: row[-1]["number"] for row in self.database.tables["Thing"].values()
        }


class TestInMemory(UnitOfWorkContract):
    """The unit of work for tests is no guess: it keeps the same promises."""

    @pytest.fixture
    def subject(self) -> Subject:
        return InMemory()


def test_in_memory_the_second_of_two_who_change_the_same_object_is_refused() -> None:
    database = InMemoryDatabase()
    with ThingUnitOfWork(database) as uow:
        uow.things.add(Thing("a"))
        uow.commit()
    with ThingUnitOfWork(database) as first, ThingUnitOfWork(database) as second:
        [mine], [theirs] = first.things.list(), second.things.list()
        theirs.number = 5
        second.commit()
        mine.number = 7
        with pytest.raises(StaleEntity):
            first.commit()
    assert [row[-1]["number"] for row in database.tables["Thing"].values()] == [5]


class OnDjango(Subject):
    """What the two ways to persist have in common."""

    def __init__(self, alias: str, fetch: Fetch) -> None:
        self.alias = alias
        self.fetch = fetch

    def factory(self) -> UnitOfWork:
        return ShopUnitOfWork(self.alias)

    def key(self, entity: Any) -> Any:
        return entity.id

    def release(self) -> None:
        connections[self.alias].close()


class ModelInstances(OnDjango):
    """The entity is a Django model instance."""

    def repository(self, uow: Any) -> Repository[Any]:
        repository: Repository[Any] = uow.products
        return repository

    def make(self, name: str) -> Any:
        return Product(name=name)

    def number(self, entity: Any) -> int:
        return int(entity.stock)

    def set_number(self, entity: Any, number: int) -> None:
        entity.stock = number

    def committed(self) -> Mapping[str, int]:
        return dict(self.fetch(self.alias, "SELECT name, stock FROM kernel_product"))


class PlainObjects(OnDjango):
    """The entity is a plain object that a mapper spreads over two tables."""

    def repository(self, uow: Any) -> Repository[Any]:
        repository: Repository[Any] = uow.baskets
        return repository

    def make(self, name: str) -> Any:
        return Basket(name, {"screws": 0})

    def number(self, entity: Any) -> int:
        return int(entity.items["screws"])

    def set_number(self, entity: Any, number: int) -> None:
        entity.items["screws"] = number

    def committed(self) -> Mapping[str, int]:
        return dict(
            self.fetch(
                self.alias,
                "SELECT owner, qty FROM kernel_basketrow JOIN kernel_itemrow "
                "ON kernel_itemrow.basket_id = kernel_basketrow.id",
            )
        )


class TestModelInstances(UnitOfWorkContract):
    """A Django model instance as the entity."""

    @pytest.fixture
    def subject(self, alias: str, fetch: Fetch) -> Subject:
        return ModelInstances(alias, fetch)


class TestPlainObjects(UnitOfWorkContract):
    """A plain domain object through a mapper."""

    @pytest.fixture
    def subject(self, alias: str, fetch: Fetch) -> Subject:
        return PlainObjects(alias, fetch)
