"""Hundreds of tasks at once, none of which sees anything of another's transaction."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from random import Random
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections, transaction

from allocation.uow.django.aio import Pool
from tests.conftest import Fetch
from tests.kernel.aio.shop import Shop, add, names, states, store
from tests.kernel.models import Product
from tests.kernel.shop import ShopUnitOfWork
from tests.support.databases import POSTGRESQL
from tests.support.loops import in_loop

TASKS = 500


class Rejected(Exception):  # no error, but a wish
    """Rolls back."""


class Way(ABC):
    """A way for async code to have transactions."""

    def __init__(self, alias: str) -> None:
        self.alias = alias

    @abstractmethod
    def block(self) -> AbstractAsyncContextManager[Any]:
        """All or nothing, like `atomic`."""

    @abstractmethod
    async def add(self, block: Any, name: str) -> None: ...


class ByUnitOfWork(Way):
    def __init__(self, alias: str) -> None:
        super().__init__(alias)
        self.pool = Pool(alias, size=10)

    @asynccontextmanager
    async def block(self) -> AsyncIterator[Shop]:
        async with ShopUnitOfWork.asynchronous(self.alias, pool=self.pool) as uow:
            yield uow
            await uow.commit()

    async def add(self, block: Shop, name: str) -> None:
        await add(block, name)
        await block.flush()


class BySyncToAsync(Way):
    """What one is tempted to write: `atomic`, step by step on the thread that Django uses."""

    @asynccontextmanager
    async def block(self) -> AsyncIterator[None]:
        atomic = transaction.atomic(using=self.alias)
        await sync_to_async(atomic.__enter__)()
        try:
            yield None
        except BaseException as error:
            await sync_to_async(atomic.__exit__)(type(error), error, error.__traceback__)
            raise
        await sync_to_async(atomic.__exit__)(None, None, None)

    async def add(self, block: None, name: str) -> None:
        await Product(name=name).asave(using=self.alias)


async def run_all(way: Way) -> list[str]:
    """Each task adds a product, and every third one rolls back; who was told that it is stored."""
    told: list[str] = []

    async def work(number: int) -> None:
        async with way.block() as block:
            await way.add(block, f"{number:03}")
            await asyncio.sleep(0)
            if number % 3 == 1:
                raise Rejected
        told.append(f"{number:03}")

    done = await asyncio.gather(*map(work, range(TASKS)), return_exceptions=True)
    assert {type(result) for result in done} == {type(None), Rejected}
    return sorted(told)


@in_loop
async def test_what_was_told_to_be_stored_is(alias: str, fetch: Fetch) -> None:
    told = await run_all(ByUnitOfWork(alias))
    assert len(told) == 333
    assert names(fetch, alias) == told


@in_loop
async def test_with_sync_to_async_and_atomic_the_rollback_of_one_takes_the_rows_of_all_others(
    alias: str, fetch: Fetch
) -> None:
    """Why this exists. All tasks share one connection, hence one transaction.

    Each step of all tasks is done before the next of any: the first one begins
    the transaction, the others find it open, and the last one, which is rejected,
    ends it for all.
    """
    try:
        told = await run_all(BySyncToAsync(alias))
    finally:
        await sync_to_async(connections.close_all)()
    assert len(told) == 333
    assert names(fetch, alias) == []


@pytest.mark.django_db(transaction=True, databases=[POSTGRESQL])
class TestRandomCancellations:
    """On a pool of ten: some are rejected, some cancelled, wherever they are."""

    @pytest.fixture
    def alias(self) -> str:
        return POSTGRESQL

    @pytest.fixture
    def pool(self, alias: str, monkeypatch: pytest.MonkeyPatch, django_db_setup: None) -> Pool:
        monkeypatch.setitem(connections.settings[alias], "CONN_MAX_AGE", 60)
        return Pool(alias, size=10, timeout=60)

    @pytest.mark.parametrize("seed", [1, 2])
    @in_loop
    async def test_leave_exactly_what_was_reported(
        self, seed: int, alias: str, pool: Pool, fetch: Fetch
    ) -> None:
        await store(alias, "counter")
        random = Random(seed)  # noqa: S311 - nothing is to be kept secret
        uows: dict[str, Shop] = {}

        async def work(name: str) -> None:
            uow = uows[name] = ShopUnitOfWork.asynchronous(alias, pool=pool)
            async with uow:
                [counter] = await uow.products.locked("counter")
                await add(uow, name)
                counter.stock += 1
                await asyncio.sleep(random.choice([0, 0.001]))
                if random.random() < 0.3:
                    raise Rejected
                if random.random() < 0.5:
                    await uow.flush()
                await uow.commit()
                await asyncio.sleep(random.choice([0, 0.001]))

        tasks = [asyncio.create_task(work(f"{number:03}")) for number in range(TASKS)]
        loop = asyncio.get_running_loop()
        for task in random.sample(tasks, TASKS // 2):
            loop.call_later(random.uniform(0, 2), task.cancel)
        ended = await asyncio.gather(*tasks, return_exceptions=True)

        expected = (type(None), Rejected, asyncio.CancelledError)
        assert [repr(result) for result in ended if not isinstance(result, expected)] == []
        assert {type(result) for result in ended} == set(expected)
        reported = sorted(name for name, uow in uows.items() if uow.has_committed)
        assert names(fetch, alias) == [*reported, "counter"]
        [(counted,)] = fetch(alias, "SELECT stock FROM kernel_product WHERE name = 'counter'")
        assert counted == len(reported)
        assert "idle in transaction" not in states(fetch).values()
        await self.require_all_ten(alias, pool)

    @staticmethod
    async def require_all_ten(alias: str, pool: Pool) -> None:
        """None of them was lost."""
        barrier = asyncio.Barrier(10)

        async def meet() -> None:
            async with ShopUnitOfWork.asynchronous(alias, pool=pool) as uow:
                await uow.products.list()
                async with asyncio.timeout(30):
                    await barrier.wait()

        await asyncio.gather(*(meet() for _ in range(10)))
