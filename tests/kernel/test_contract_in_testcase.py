"""The contract inside the transaction of Django's TestCase, where nothing is ever committed.

What others see is there what the last commit saw. Hooks wait for a commit that
never comes: see TestHooksInTestCase for how Django runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.db import connections

from allocation.uow import Repository, UnitOfWork
from allocation.uow.testing.contract import Subject
from allocation.uow.testing.contract.lifecycle import Lifecycle
from allocation.uow.testing.contract.savepoints import Savepoints
from allocation.uow.testing.contract.tracking import Tracking
from allocation.uow.testing.contract.versions import Versions
from tests.kernel.models import Product
from tests.kernel.shop import ShopUnitOfWork


class RecordingUnitOfWork(ShopUnitOfWork):
    """Notes what there is whenever it has committed."""

    subject: InTestCase

    def commit(self) -> None:
        super().commit()
        self.subject.look()


class InTestCase(Subject):
    """Django model instances, all of them in one transaction of the test's."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.seen: dict[str, int] = {}

    def look(self) -> None:
        self.seen = dict(Product.objects.using(self.alias).values_list("name", "stock"))

    def factory(self, *, join: bool = False) -> UnitOfWork:
        uow = RecordingUnitOfWork(self.alias, join=join)
        uow.subject = self
        return uow

    def repository(self, uow: UnitOfWork) -> Repository[Any]:
        assert isinstance(uow, RecordingUnitOfWork)
        return uow.products

    def make(self, name: str) -> Any:
        return Product(name=name)

    def key(self, entity: Any) -> Any:
        return entity.pk

    def number(self, entity: Any) -> int:
        return int(entity.stock)

    def set_number(self, entity: Any, number: int) -> None:
        entity.stock = number

    def committed(self) -> Mapping[str, int]:
        return self.seen

    def elsewhere(self, work: Callable[[UnitOfWork], object]) -> None:
        """Another connection would see nothing: a unit of work that joins does as well."""
        with self.factory(join=True) as uow:
            work(uow)
            uow.commit()


@pytest.mark.django_db(databases=["default", "postgresql"])
class TestInTestCase(Lifecycle, Tracking, Versions, Savepoints):
    @pytest.fixture
    def subject(self, alias: str) -> Subject:
        assert connections[alias].in_atomic_block
        return InTestCase(alias)
