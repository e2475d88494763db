"""What the type checker knows: mypy fails on a wrong `assert_type`, the test run merely imports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_type

from allocation.uow import retry
from allocation.uow.django.aio import AsyncUnitOfWork, aretry
from allocation.uow.testing import InMemoryRepository, InMemoryUnitOfWork
from tests.kernel.models import Order, Product
from tests.kernel.shop import Basket, Products, ShopUnitOfWork


class BasketsInMemory(InMemoryUnitOfWork):
    baskets = InMemoryRepository(Basket)


def of_a_model(uow: ShopUnitOfWork) -> None:
    assert_type(uow.orders.get(1), Order)
    assert_type(uow.orders.list(), Sequence[Order])


def of_a_repository_with_finders(uow: ShopUnitOfWork) -> None:
    assert_type(uow.products, Products)
    assert_type(uow.products.sold_out(), Sequence[Product])


def of_a_mapped_object(uow: ShopUnitOfWork) -> None:
    assert_type(uow.baskets.get(1), Basket)


def in_memory(uow: BasketsInMemory) -> None:
    assert_type(uow.baskets.get(1), Basket)


def of_the_block(uow: ShopUnitOfWork) -> None:
    with uow as entered, entered.savepoint() as part:
        assert_type(entered, ShopUnitOfWork)
        assert_type(part, ShopUnitOfWork)


def of_a_use_case(product_id: int) -> None:
    def use_case(uow: ShopUnitOfWork) -> Product:
        with uow:
            return uow.products.get(product_id)

    assert_type(retry(use_case, ShopUnitOfWork), Product)


async def of_the_async_block() -> None:
    async with ShopUnitOfWork.asynchronous() as uow, uow.savepoint() as part:
        assert_type(uow, AsyncUnitOfWork[ShopUnitOfWork])
        assert_type(part, AsyncUnitOfWork[ShopUnitOfWork])
        assert_type(await uow.orders.get(1), Any)
        assert_type(await uow.run(lambda uow: uow.orders.get(1)), Order)
        assert_type(await uow.run(stock_of, "a", 7), int)


def stock_of(name: str, default: int, uow: ShopUnitOfWork) -> int:
    found = uow.products.locked(name)
    return found[0].stock if found else default


async def of_an_async_use_case() -> None:
    async def use_case(uow: AsyncUnitOfWork[ShopUnitOfWork]) -> Product:
        return await uow.run(lambda uow: uow.products.get(1))

    assert_type(await aretry(use_case, ShopUnitOfWork.asynchronous), Product)


def test_the_types_are_checked_by_mypy() -> None:
    """Nothing of the above is called: `make types` reads it."""
