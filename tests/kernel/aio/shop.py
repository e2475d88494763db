"""What the tests of the async unit of work have in common."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from allocation.uow.django.aio import AsyncUnitOfWork
from tests.conftest import Fetch
from tests.kernel.models import Product
from tests.kernel.shop import ShopUnitOfWork

Shop = AsyncUnitOfWork[ShopUnitOfWork]

_CONNECTIONS = (
    "SELECT pid, state FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = %s"
)


def names(fetch: Fetch, alias: str) -> list[str]:
    """The products that are stored, as others see them."""
    return [name for (name,) in fetch(alias, "SELECT name FROM kernel_product ORDER BY name")]


def states(fetch: Fetch) -> dict[int, str]:
    """What the connections to PostgreSQL do."""
    return dict(fetch("postgresql", _CONNECTIONS, ("client backend",)))


async def add(uow: Shop, *products: str) -> None:
    for name in products:
        await uow.products.add(Product(name=name))


async def store(alias: str, *products: str) -> None:
    """In a unit of work of its own."""
    async with ShopUnitOfWork.asynchronous(alias) as uow:
        await add(uow, *products)
        await uow.commit()


async def turns(number: int = 20) -> None:
    """Let everybody else have their turn on the event loop."""
    for _ in range(number):
        await asyncio.sleep(0)


def a_product(name: str) -> Callable[[Any], None]:
    """A use case that adds a product, in a block of its own."""

    def use_case(uow: Any) -> None:
        with uow:
            uow.products.add(Product(name=name))
            uow.commit()

    return use_case


class Gate:
    """Where a thread waits until it is let through."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        assert self.open.wait(20)


async def cancelled(task: asyncio.Task[Any]) -> asyncio.CancelledError:
    """Cancel it, see it end by that, and return what it raised."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as raised:
        await task
    return raised.value
