"""What the guide says under «What to know», as far as no other test is about it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.db import IntegrityError
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save

from tests.conftest import Fetch
from tests.kernel.models import Line, Order, Product
from tests.kernel.shop import ShopUnitOfWork


@pytest.fixture
def order(alias: str) -> Order:
    """An order with one line of a product."""
    order = Order(customer="Ann")
    order.save(using=alias)
    product = Product(name="chair")
    product.save(using=alias)
    Line(order=order, product=product, qty=1).save(using=alias)
    return order


@pytest.fixture
def signals() -> Iterator[list[Any]]:
    """What was told by signals."""
    told: list[Any] = []

    def tell(instance: object, **_: object) -> None:
        told.append(instance)

    kinds = (pre_save, post_save, pre_delete, post_delete)
    for signal in kinds:
        signal.connect(tell)
    yield told
    for signal in kinds:
        signal.disconnect(tell)


def test_signals_are_not_sent(alias: str, signals: list[Any]) -> None:
    with ShopUnitOfWork(alias) as uow:
        product = Product(name="chair")
        uow.products.add(product)
        uow.commit()
        product.stock = 1
        uow.commit()
        uow.products.remove(product)
        uow.commit()
    assert signals == []


def test_save_and_full_clean_are_not_called(
    alias: str, monkeypatch: pytest.MonkeyPatch, fetch: Fetch
) -> None:
    for name in ("save", "save_base", "full_clean", "delete"):
        monkeypatch.setattr(Product, name, lambda *_: pytest.fail("it was called"))
    with ShopUnitOfWork(alias) as uow:
        uow.products.add(Product(name=""))  # no form would take this
        uow.commit()
    assert fetch(alias, "SELECT name FROM kernel_product") == [("",)]


class TestDeleting:
    """It deletes what was removed, and nothing else."""

    def test_a_parent_does_not_delete_its_children_and_fails_at_the_commit(
        self, alias: str, order: Order, fetch: Fetch
    ) -> None:
        with ShopUnitOfWork(alias) as uow:
            uow.orders.remove(uow.orders.get(order.pk))
            uow.flush()
            with pytest.raises(IntegrityError):
                uow.commit()
        assert fetch(alias, "SELECT COUNT(*) FROM kernel_line") == [(1,)]

    def test_a_parent_together_with_its_children_works(
        self, alias: str, order: Order, fetch: Fetch
    ) -> None:
        with ShopUnitOfWork(alias) as uow:
            uow.orders.remove(uow.orders.get(order.pk))
            for line in uow.lines.list():
                uow.lines.remove(line)
            uow.commit()
        assert fetch(alias, "SELECT COUNT(*) FROM kernel_order") == [(0,)]


class TestWhatNoRepositoryGaveOut:
    """It is not tracked."""

    def test_behind_a_foreign_key(self, alias: str, order: Order, fetch: Fetch) -> None:
        with ShopUnitOfWork(alias) as uow:
            [line] = uow.lines.find(uow.lines.objects.select_related("product"))
            product = line.product
            assert product is not None
            product.stock = 7
            assert uow.products.get(product.pk) is not product
            uow.commit()
        assert fetch(alias, "SELECT stock FROM kernel_product") == [(0,)]

    def test_of_a_related_manager(self, alias: str, order: Order, fetch: Fetch) -> None:
        with ShopUnitOfWork(alias) as uow:
            [line] = uow.orders.get(order.pk).lines.all()
            line.qty = 7
            uow.commit()
        assert fetch(alias, "SELECT qty FROM kernel_line") == [(1,)]


def test_what_a_custom_manager_hides_is_not_found(alias: str) -> None:
    with ShopUnitOfWork(alias) as uow:
        hidden = uow.discontinued.mapper.entity_type(name="x", hidden=True)
        uow.discontinued.add(hidden)
        uow.commit()
        with pytest.raises(LookupError):
            uow.discontinued.get(hidden.pk)


def test_refreshing_an_object_counts_as_a_change(alias: str, order: Order, fetch: Fetch) -> None:
    with ShopUnitOfWork(alias) as uow:
        [product] = uow.products.list()
        uow.products.objects.update(stock=7)
        product.refresh_from_db()
        assert list(uow.dirty) == [product]
        uow.rollback()


@pytest.mark.django_db(transaction=True)
def test_async_code_is_refused() -> None:
    async def use() -> None:
        with ShopUnitOfWork():
            pytest.fail("it was entered")

    with pytest.raises(SynchronousOnlyOperation):
        asyncio.run(use())
