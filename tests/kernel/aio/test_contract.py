"""The contract of all units of work, kept in async form: the same tests, not their twins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from allocation.uow import Repository, UnitOfWork
from allocation.uow.testing.contract import Subject, UnitOfWorkContract
from tests.conftest import Fetch
from tests.kernel.shop import ShopUnitOfWork
from tests.kernel.test_contract import ModelInstances, PlainObjects
from tests.support import driven


class DrivenProducts(driven.Driven):
    """Its products are under test."""


class DrivenBaskets(driven.Driven):
    """Its baskets are under test."""


# Not in the bodies of the classes, where they would get other names.
DrivenProducts.declared = ShopUnitOfWork.products
DrivenBaskets.declared = ShopUnitOfWork.baskets


class AsyncModelInstances(ModelInstances):
    """The entity is a Django model instance."""

    def factory(self) -> UnitOfWork:
        return cast("UnitOfWork", DrivenProducts(ShopUnitOfWork.asynchronous(self.alias)))

    def repository(self, uow: Any) -> Repository[Any]:
        return cast("Repository[Any]", uow.repository("products"))

    def release(self) -> None:
        driven.close()


class AsyncPlainObjects(PlainObjects):
    """The entity is a plain object that a mapper spreads over two tables."""

    def factory(self) -> UnitOfWork:
        return cast("UnitOfWork", DrivenBaskets(ShopUnitOfWork.asynchronous(self.alias)))

    def repository(self, uow: Any) -> Repository[Any]:
        return cast("Repository[Any]", uow.repository("baskets"))

    def release(self) -> None:
        driven.close()


class TestModelInstances(UnitOfWorkContract):
    @pytest.fixture
    def subject(self, alias: str, fetch: Fetch) -> Iterator[Subject]:
        subject = AsyncModelInstances(alias, fetch)
        yield subject
        subject.release()


class TestPlainObjects(UnitOfWorkContract):
    @pytest.fixture
    def subject(self, alias: str, fetch: Fetch) -> Iterator[Subject]:
        subject = AsyncPlainObjects(alias, fetch)
        yield subject
        subject.release()
