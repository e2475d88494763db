"""Threads and connections: bounded, waited for in order, kept, checked, closed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import pytest
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from allocation.uow.django.aio import (
    AsyncUnitOfWork,
    Pool,
    PoolClosed,
    PoolTimeout,
    close_pools,
    default_pool,
)
from allocation.uow.django.aio.lease import PoolThread
from allocation.uow.django.aio.pool import _defaults, using_pool
from tests.conftest import DatabaseUrl, Fetch
from tests.kernel.aio.shop import a_product, add, names, states, turns
from tests.kernel.models import Product
from tests.kernel.shop import ShopUnitOfWork
from tests.support import databases
from tests.support.loops import in_loop

Shop = AsyncUnitOfWork[ShopUnitOfWork]


class Shops:
    """Units of work on a pool of our own."""

    def __init__(self, alias: str, size: int = 1, timeout: float = 20.0) -> None:
        self.alias = alias
        self.pool = Pool(alias, size=size, timeout=timeout)

    def __call__(self) -> Shop:
        return ShopUnitOfWork.asynchronous(self.alias, pool=self.pool)

    async def hold(self, until: asyncio.Event) -> None:
        async with self():
            await until.wait()


class NeverClean(Pool):
    """Its connections cannot be cleaned."""

    def clean(self, thread: PoolThread) -> None:
        super().clean(thread)
        fail()


def fail() -> None:
    raise LookupError("on purpose")


@pytest.fixture
def shops(alias: str) -> Shops:
    return Shops(alias)


class TestAPool:
    @in_loop
    async def test_has_so_many_connections_and_no_more(self, alias: str) -> None:
        shops = Shops(alias, size=3)
        inside, most = 0, 0
        three = asyncio.Barrier(3)

        async def work() -> None:
            nonlocal inside, most
            async with shops() as uow:
                inside += 1
                most = max(most, inside)
                await three.wait()
                await uow.products.list()
                inside -= 1

        async with asyncio.timeout(20):
            await asyncio.gather(*(work() for _ in range(21)))
        assert most == 3

    @in_loop
    async def test_serves_first_who_came_first(self, shops: Shops) -> None:
        leave, served = asyncio.Event(), list[int]()

        async def work(number: int) -> None:
            async with shops():
                served.append(number)

        async with shops():
            waiting = [asyncio.create_task(work(number)) for number in range(5)]
            await turns()
            leave.set()
        await asyncio.gather(*waiting)
        assert served == list(range(5))

    @in_loop
    async def test_tells_who_waits_too_long(self, alias: str) -> None:
        shops = Shops(alias, timeout=0.01)
        async with shops():
            with pytest.raises(PoolTimeout, match="all 1 of its pool are in use") as raised:
                await shops().__aenter__()
            assert (raised.value.size, raised.value.waiting) == (1, 0)
            assert isinstance(raised.value, TimeoutError)
        async with shops() as uow:
            await uow.products.list()

    @in_loop
    async def test_tells_each_when_its_own_time_is_over(self, alias: str) -> None:
        shops = Shops(alias)
        async with shops():
            waiting = []
            for seconds in (0.01, 0.02, 20.0):
                shops.pool.timeout = seconds
                waiting.append(asyncio.create_task(shops().__aenter__()))
                await turns()
            *late, patient = waiting
            for task in late:
                with pytest.raises(PoolTimeout):
                    await task
            assert not patient.done()
        await (await patient).__aexit__(None, None, None)

    @in_loop
    async def test_tells_who_waits_too_long_in_another_loop(self, alias: str) -> None:
        shops = Shops(alias)

        async def enter() -> None:
            await shops().__aenter__()

        async with shops():
            patient = asyncio.create_task(enter())
            await turns()
            shops.pool.timeout = 0.01
            for _ in range(2):  # a loop that is gone leaves nothing behind
                with pytest.raises(PoolTimeout):
                    await asyncio.to_thread(asyncio.run, enter())
            with pytest.raises(PoolTimeout):
                await enter()
            assert not patient.done()
            patient.cancel()

    @in_loop
    async def test_goes_on_when_those_who_wait_are_cancelled(self, shops: Shops) -> None:
        async with shops():
            waiting = [asyncio.create_task(shops().__aenter__()) for _ in range(3)]
            await turns()
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting)
        async with shops() as uow:
            await uow.products.list()

    @in_loop
    async def test_takes_back_what_was_handed_to_who_is_just_being_cancelled(
        self, shops: Shops, alias: str, fetch: Fetch
    ) -> None:
        lease = shops.pool.lease(lambda: None)
        task = asyncio.create_task(shops().run(a_product("a")))
        await turns()
        [waiting] = shops.pool._waiting
        lease.give_back()
        while waiting.thread is None:  # the task, which shares this thread, knows nothing of it
            pass
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        async with shops() as uow:
            assert len(await uow.products.list()) == len(names(fetch, alias))

    @in_loop
    async def test_serves_the_next_though_the_last_could_not_be_ended(
        self, shops: Shops, caplog: pytest.LogCaptureFixture
    ) -> None:
        shops.pool.lease(fail).give_back()
        async with shops() as uow:
            assert await uow.products.list() == []
        [record] = caplog.records
        assert "could not be rolled back" in record.message
        assert "on purpose" in caplog.text

    @in_loop
    async def test_serves_the_next_though_a_connection_could_not_be_cleaned(
        self, shops: Shops, alias: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        shops.pool = NeverClean(alias, size=1)
        async with shops():
            waiting = asyncio.create_task(shops().run(a_product("a")))
            await turns()
        await waiting
        async with shops() as uow:
            assert [product.name for product in await uow.products.list()] == ["a"]
        shops.pool.close()
        told = f"A connection to {alias!r} could not be cleaned."
        assert [record.message for record in caplog.records] == [told] * 3
        assert "on purpose" in caplog.text

    @in_loop
    async def test_does_nothing_for_who_waits_no_more(self, shops: Shops) -> None:
        async with shops():
            lease, future = shops.pool.lease(fail), Future[Any]()
            lease.give_back()
            lease.do(future, fail)
            assert future.cancelled()

    def test_is_needed(self, alias: str) -> None:
        with pytest.raises(ValueError, match="at least one connection, not 0"):
            Pool(alias, size=0)

    @in_loop
    async def test_by_default_has_the_size_of_the_settings(self, settings: Any, alias: str) -> None:
        assert (default_pool(alias).size, default_pool(alias).timeout) == (10, 30)
        close_pools()
        settings.UOW_POOL_SIZE = 2
        settings.UOW_POOL_TIMEOUT = 1.5
        assert (default_pool(alias).size, default_pool(alias).timeout) == (2, 1.5)

    def test_serves_one_event_loop_after_the_other(
        self, alias: str, shops: Shops, fetch: Fetch
    ) -> None:
        async def work(number: int) -> None:
            async with shops() as uow:
                await add(uow, str(number))
                await uow.commit()

        for number in range(10):
            asyncio.run(work(number))
        assert len(names(fetch, alias)) == 10
        assert len(shops.pool._threads) == 1

    def test_serves_several_event_loops_at_once(self, alias: str, fetch: Fetch) -> None:
        shops = Shops(alias, size=2)

        async def work(which: int) -> None:
            for number in range(10):
                async with shops() as uow:
                    await add(uow, f"{which}-{number}")
                    await uow.commit()

        threads = [threading.Thread(target=lambda n=n: asyncio.run(work(n))) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(names(fetch, alias)) == 30


class TestUsingAPool:
    @in_loop
    async def test_gives_back_the_one_that_there_was(self, shops: Shops, alias: str) -> None:
        before = default_pool(alias)
        with using_pool(shops.pool):
            assert default_pool(alias) is shops.pool
        assert default_pool(alias) is before

    @in_loop
    async def test_leaves_none_where_there_was_none(self, shops: Shops, alias: str) -> None:
        _defaults.pop(alias, None)  # of an earlier test
        with using_pool(shops.pool):
            assert default_pool(alias) is shops.pool
        assert alias not in _defaults


@pytest.mark.django_db(transaction=True, databases=[databases.SQLITE])
def test_a_statement_that_cannot_be_interrupted_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    pool, thread = Pool(databases.SQLITE), PoolThread("uow-test")
    thread.connection = connections.create_connection(databases.SQLITE)
    thread.connection.connect()
    thread.connection.connection.close()  # the driver refuses to interrupt it
    pool.interrupt(thread)
    thread.stop()
    [record] = caplog.records
    assert (record.levelname, record.message) == (
        "WARNING",
        "A statement could not be interrupted.",
    )
    assert "ProgrammingError" in caplog.text


class TestAClosedPool:
    @in_loop
    async def test_refuses(self, shops: Shops) -> None:
        shops.pool.close()
        with pytest.raises(PoolClosed, match="is closed"):
            await shops().__aenter__()

    @in_loop
    async def test_refuses_those_who_wait(self, shops: Shops) -> None:
        with pytest.raises(LookupError, match="the first error"):
            async with shops():
                waiting = asyncio.create_task(shops().__aenter__())
                await turns()
                shops.pool.close()
                with pytest.raises(PoolClosed):
                    await waiting
                raise LookupError("the first error")

    @in_loop
    async def test_has_rolled_back_what_was_open(
        self, shops: Shops, alias: str, fetch: Fetch
    ) -> None:
        with pytest.raises(PoolClosed):
            async with shops() as uow:
                await add(uow, "a")
                await uow.flush()
                shops.pool.close()
                assert names(fetch, alias) == []
                with pytest.raises(PoolClosed, match="is closed"):
                    await uow.commit()
        assert names(fetch, alias) == []

    @in_loop
    async def test_lets_nothing_be_committed_any_more(
        self, shops: Shops, alias: str, fetch: Fetch
    ) -> None:
        entered = threading.Event()

        def use_case(uow: ShopUnitOfWork) -> None:
            with uow:
                uow.products.add(Product(name="a"))
                entered.set()
                [lease] = shops.pool._leases
                while lease.refusal is None:
                    pass
                uow.commit()

        task = asyncio.create_task(shops().run(use_case))
        await asyncio.to_thread(entered.wait)
        await asyncio.to_thread(shops.pool.close)
        with pytest.raises(PoolClosed, match="is closed"):
            await task
        assert names(fetch, alias) == []

    @in_loop
    async def test_ends_its_threads(self, shops: Shops) -> None:
        async with shops():
            pass
        before = threading.active_count()
        shops.pool.close()
        assert threading.active_count() == before - 1


class TestAConnection:
    """Its life follows Django's settings."""

    @pytest.fixture
    def alias(self) -> str:
        return databases.POSTGRESQL

    @pytest.fixture
    def setting(self, alias: str) -> Iterator[dict[str, Any]]:
        """The settings of the connections that are opened from now on."""
        settings: dict[str, Any] = connections.settings[alias]
        before = dict(settings)
        yield settings
        settings.clear()
        settings.update(before)

    pytestmark = pytest.mark.django_db(transaction=True, databases=[databases.POSTGRESQL])

    @staticmethod
    async def backend(shops: Shops) -> int:
        """The process of PostgreSQL that serves the only connection."""

        def ask(uow: ShopUnitOfWork) -> int:
            with connections[uow.using].cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                return int(cursor.fetchone()[0])

        async with shops() as uow:
            return await uow.run(ask)

    @in_loop
    async def test_is_kept_as_long_as_conn_max_age_says(
        self, shops: Shops, setting: dict[str, Any]
    ) -> None:
        setting["CONN_MAX_AGE"] = 3600
        assert await self.backend(shops) == await self.backend(shops)

    @in_loop
    async def test_is_opened_anew_without(self, shops: Shops, setting: dict[str, Any]) -> None:
        setting["CONN_MAX_AGE"] = 0
        assert await self.backend(shops) != await self.backend(shops)

    @in_loop
    async def test_is_recycled_when_it_has_grown_old_while_nobody_used_it(
        self, shops: Shops, setting: dict[str, Any]
    ) -> None:
        setting["CONN_MAX_AGE"] = 3600
        first = await self.backend(shops)
        [worker] = shops.pool._threads
        assert isinstance(worker.connection, BaseDatabaseWrapper)
        worker.connection.close_at = 0
        assert await self.backend(shops) != first

    @in_loop
    async def test_that_was_lost_meanwhile_is_replaced(
        self, shops: Shops, setting: dict[str, Any], fetch: Fetch
    ) -> None:
        setting |= {"CONN_MAX_AGE": 3600, "CONN_HEALTH_CHECKS": True}
        first = await self.backend(shops)
        fetch(shops.alias, "SELECT pg_terminate_backend(%s, 5000)", (first,))
        assert await self.backend(shops) != first

    @in_loop
    async def test_that_was_lost_in_a_block_is_replaced(
        self, shops: Shops, setting: dict[str, Any], fetch: Fetch
    ) -> None:
        setting["CONN_MAX_AGE"] = 3600
        first = await self.backend(shops)
        with pytest.raises(LookupError, match="the first error"):
            async with shops() as uow:
                await add(uow, "a")
                await uow.flush()
                fetch(shops.alias, "SELECT pg_terminate_backend(%s, 5000)", (first,))
                raise LookupError("the first error")
        assert await self.backend(shops) != first

    @in_loop
    async def test_in_whose_transaction_somebody_stayed_is_dropped(
        self, shops: Shops, setting: dict[str, Any], fetch: Fetch
    ) -> None:
        setting["CONN_MAX_AGE"] = 3600

        def stay(uow: ShopUnitOfWork) -> None:
            transaction.atomic(using=uow.using).__enter__()
            list(uow.products.objects.all())

        await shops().run(stay)
        async with shops() as uow:
            await add(uow, "a")
            await uow.commit()
        assert names(fetch, shops.alias) == ["a"]
        assert "idle in transaction" not in states(fetch).values()

    @in_loop
    async def test_comes_from_the_pool_of_psycopg_where_that_is_switched_on(
        self, alias: str, setting: dict[str, Any], database_url: DatabaseUrl, fetch: Fetch
    ) -> None:
        setting["CONN_MAX_AGE"] = 0
        setting["OPTIONS"] = setting["OPTIONS"] | {"pool": {"min_size": 1, "max_size": 2}}
        shops = Shops(alias, size=4)

        async def work(number: int) -> None:
            async with shops() as uow:
                await add(uow, f"{number}")
                await uow.flush()
                if number % 2:
                    await uow.commit()
                else:
                    await uow.rollback()

        try:
            await asyncio.gather(*(work(number) for number in range(20)))
            shops.pool.close()
            assert len(names(fetch, alias)) == 10
            assert set(states(fetch).values()) == {"idle"}
        finally:
            close_psycopg_pool(alias)


def close_psycopg_pool(alias: str) -> None:
    connection: Any = connections.create_connection(alias)
    connection.close_pool()
