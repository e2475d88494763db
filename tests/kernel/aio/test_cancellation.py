"""Cancelled in any await, it rolls back; a commit that has begun is awaited to its end."""

from __future__ import annotations

import asyncio
import gc
import threading
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from itertools import count
from typing import Any, ClassVar

import pytest
from django.db import OperationalError

from allocation.uow.django import DjangoRepository, DjangoStore, DjangoUnitOfWork
from allocation.uow.django.aio import AsyncUnitOfWork, Pool, PoolClosed
from allocation.uow.django.aio.worker import Call, settle
from tests.conftest import DatabaseUrl, Fetch
from tests.kernel.aio.shop import Gate, Shop, add, cancelled, names, states, store, turns
from tests.kernel.models import Product
from tests.kernel.shop import ShopUnitOfWork
from tests.support.databases import POSTGRESQL, until_somebody_waits
from tests.support.loops import in_loop


class GatedStore(DjangoStore):
    """Commits when it is let."""

    gate: ClassVar[Gate]

    def commit(self) -> None:
        self.gate()
        super().commit()


class GatedUnitOfWork(DjangoUnitOfWork):
    store_type = GatedStore

    products = DjangoRepository(Product, version="version")


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate = Gate()
    monkeypatch.setattr(GatedStore, "gate", gate, raising=False)
    return gate


@pytest.fixture
def uow(alias: str) -> Shop:
    return ShopUnitOfWork.asynchronous(alias)


class TestInTheBlock:
    @in_loop
    async def test_what_was_written_is_gone_when_the_task_has_ended(
        self, uow: Shop, alias: str, fetch: Fetch
    ) -> None:
        flushed = asyncio.Event()

        async def work() -> None:
            async with uow:
                await add(uow, "a")
                await uow.flush()
                flushed.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await flushed.wait()
        await cancelled(task)
        assert names(fetch, alias) == []
        if alias == POSTGRESQL:
            assert "idle in transaction" not in states(fetch).values()

    @in_loop
    async def test_while_a_thread_works_the_task_ends_after_it(
        self, uow: Shop, alias: str, fetch: Fetch
    ) -> None:
        gate = Gate()

        async def work() -> None:
            async with uow:
                await add(uow, "a")
                await uow.run(lambda _: gate())
                await uow.commit()

        task = asyncio.create_task(work())
        await asyncio.to_thread(gate.reached.wait)
        for _ in range(3):  # impatience changes nothing
            task.cancel()
            await turns()
            assert not task.done()
        gate.open.set()
        await cancelled(task)
        assert names(fetch, alias) == []

    @in_loop
    async def test_a_plain_function_does_not_commit_any_more(
        self, uow: Shop, alias: str, fetch: Fetch
    ) -> None:
        gate = Gate()
        after: list[str] = []

        def use_case(uow: ShopUnitOfWork) -> None:
            with uow:
                uow.products.add(Product(name="a"))
                gate()
                uow.commit()
            after.append("went on")

        task = asyncio.create_task(uow.run(use_case))
        await asyncio.to_thread(gate.reached.wait)
        task.cancel()
        await turns()
        gate.open.set()
        await cancelled(task)
        assert (after, names(fetch, alias)) == ([], [])
        assert not uow.has_committed

    @in_loop
    async def test_its_undo_is_not_cut_short(self, uow: Shop) -> None:
        gate, undone = Gate(), list[str]()

        async def work() -> None:
            async with uow:
                await uow.on_rollback(lambda: undone.append("undone"))
                await uow.on_rollback(gate)
                raise LookupError("the reason")

        task = asyncio.create_task(work())
        await asyncio.to_thread(gate.reached.wait)
        task.cancel()
        await turns()
        gate.open.set()
        await cancelled(task)
        assert undone == ["undone"]

    @in_loop
    async def test_what_waits_behind_another_call_never_begins(self, uow: Shop) -> None:
        gate, ran = Gate(), list[str]()
        async with uow:
            first = asyncio.create_task(uow.run(lambda _: gate()))
            await asyncio.to_thread(gate.reached.wait)
            second = asyncio.create_task(uow.run(lambda _: ran.append("second")))
            await turns()
            await cancelled(second)
            gate.open.set()
            await first
        assert ran == []

    @in_loop
    async def test_the_error_of_the_thread_is_the_cause(self, uow: Shop) -> None:
        gate = Gate()

        def fail(_: object) -> None:
            gate()
            raise LookupError("on purpose")

        task = asyncio.create_task(uow.run(fail))
        await asyncio.to_thread(gate.reached.wait)
        task.cancel()
        await turns()
        gate.open.set()
        assert isinstance((await cancelled(task)).__cause__, LookupError)


class TestWhileItCommits:
    @in_loop
    async def test_the_commit_is_awaited_and_told(
        self, gate: Gate, alias: str, fetch: Fetch
    ) -> None:
        uow = GatedUnitOfWork.asynchronous(alias)
        followed: list[str] = []

        async def work() -> None:
            async with uow:
                await uow.products.add(Product(name="a"))
                await uow.after_commit(lambda: followed.append("hook"))
                await uow.commit()
                followed.append("went on")

        task = asyncio.create_task(work())
        await asyncio.to_thread(gate.reached.wait)
        task.cancel()
        await turns()
        assert not task.done()
        gate.open.set()
        error = await cancelled(task)
        assert names(fetch, alias) == ["a"]
        assert uow.has_committed
        assert error.__notes__ == ["The unit of work has committed."]
        assert followed == ["hook"]

    @in_loop
    async def test_a_plain_function_is_told_at_its_next_commit(
        self, gate: Gate, alias: str, fetch: Fetch
    ) -> None:
        uow = GatedUnitOfWork.asynchronous(alias)

        def twice(uow: GatedUnitOfWork) -> None:
            with uow:
                for name in "ab":
                    uow.products.add(Product(name=name))
                    uow.commit()

        task = asyncio.create_task(uow.run(twice))
        await asyncio.to_thread(gate.reached.wait)
        task.cancel()
        await turns()
        gate.open.set()
        await cancelled(task)
        assert names(fetch, alias) == ["a"]
        assert uow.has_committed

    @in_loop
    async def test_hooks_before_it_are_no_part_of_it(
        self, uow: Shop, alias: str, fetch: Fetch
    ) -> None:
        waits = asyncio.Event()

        async def hook() -> None:
            waits.set()
            await asyncio.Event().wait()

        async def work() -> None:
            async with uow:
                await add(uow, "a")
                await uow.before_commit(hook)
                await uow.commit()

        task = asyncio.create_task(work())
        await waits.wait()
        await cancelled(task)
        assert names(fetch, alias) == []
        assert not uow.has_committed

    @in_loop
    async def test_hooks_after_it_are(self, uow: Shop, alias: str, fetch: Fetch) -> None:
        waits, go, sent = asyncio.Event(), asyncio.Event(), list[str]()

        async def hook() -> None:
            waits.set()
            await go.wait()
            sent.append("mail")

        async def work() -> None:
            async with uow:
                await add(uow, "a")
                await uow.after_commit(hook)
                await uow.commit()

        task = asyncio.create_task(work())
        await waits.wait()
        task.cancel()
        await turns()
        go.set()
        await cancelled(task)
        assert (sent, names(fetch, alias)) == (["mail"], ["a"])


@types.coroutine
def _cancelling(
    coroutine: Coroutine[Any, Any, None], suspension: int
) -> Generator[Any, None, None]:
    """Run `coroutine`, and cancel the task when it waits for the so many-th time."""
    error: BaseException | None = None
    waits = 0
    while True:
        try:
            waited_for = coroutine.send(None) if error is None else coroutine.throw(error)
        except StopIteration:
            return
        waits += 1
        if waits == suspension:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
        error = None
        try:
            yield waited_for
        except BaseException as raised:  # noqa: BLE001  # handed on
            error = raised


class TestAnyAwait:
    """Cancelled in the first, the second, the third, ..., until there is none any more."""

    @in_loop
    async def test_leaves_what_is_reported_and_the_connection_clean(
        self, pool: Pool, alias: str, fetch: Fetch
    ) -> None:
        async def work(uow: Shop, name: str) -> None:
            async with uow:
                await uow.products.list()
                await add(uow, name)
                async with uow.savepoint():
                    await uow.flush()
                await asyncio.sleep(0)
                await uow.before_commit(turns)
                await uow.after_commit(turns)
                await uow.commit()
                await uow.products.list()

        reported: list[str] = []
        cancelled = 0
        for suspension in count(1):
            name = f"{suspension:02}"
            uow = ShopUnitOfWork.asynchronous(alias, pool=pool)
            task = asyncio.create_task(_run(_cancelling(work(uow, name), suspension)))
            await asyncio.wait([task])
            if uow.has_committed:
                reported.append(name)
            assert names(fetch, alias) == reported
            if not task.cancelled():
                break
            cancelled += 1
        assert cancelled > 10
        assert len(reported) > 2  # in the commit, after it, and not at all


async def _run(coroutine: Awaitable[None]) -> None:
    await coroutine


class TestAStatementThatWaits:
    """On PostgreSQL it is stopped: here it waits for a lock that is never released."""

    @pytest.fixture
    def alias(self) -> str:
        return POSTGRESQL

    pytestmark = pytest.mark.django_db(transaction=True, databases=[POSTGRESQL])

    @in_loop
    async def test_is_stopped_by_a_cancellation(
        self, uow: Shop, alias: str, database_url: DatabaseUrl
    ) -> None:
        await store(alias, "a")
        holder = ShopUnitOfWork.asynchronous(alias)

        async def work() -> None:
            async with uow:
                await uow.products.locked("a")

        async with holder:
            await holder.products.locked("a")
            task = asyncio.create_task(work())
            await asyncio.to_thread(until_somebody_waits, database_url(alias))
            await cancelled(task)
            await holder.commit()

    @in_loop
    async def test_is_stopped_when_the_pool_is_closed(
        self, alias: str, database_url: DatabaseUrl
    ) -> None:
        await store(alias, "a")
        pool = Pool(alias)
        holder = ShopUnitOfWork.asynchronous(alias)

        def work(uow: ShopUnitOfWork) -> None:
            with uow:
                uow.products.locked("a")

        async with holder:
            await holder.products.locked("a")
            task = asyncio.create_task(ShopUnitOfWork.asynchronous(alias, pool=pool).run(work))
            await asyncio.to_thread(until_somebody_waits, database_url(alias))
            await asyncio.to_thread(pool.close)
            with pytest.raises(PoolClosed, match="is closed") as raised:
                await task
            assert isinstance(raised.value.__cause__, OperationalError)

    @in_loop
    async def test_is_stopped_by_a_timeout(self, uow: Shop, alias: str) -> None:
        await store(alias, "a")
        holder = ShopUnitOfWork.asynchronous(alias)
        async with holder:
            await holder.products.locked("a")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1), uow:
                    await uow.products.locked("a")

    @in_loop
    async def test_in_a_savepoint_is_undone_and_the_block_goes_on(
        self, uow: Shop, alias: str, fetch: Fetch
    ) -> None:
        await store(alias, "a")
        holder = ShopUnitOfWork.asynchronous(alias)
        async with holder:
            await holder.products.locked("a")
            async with uow:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1), uow.savepoint():
                        await uow.products.locked("a")
                await add(uow, "b")
                await uow.commit()
        assert names(fetch, alias) == ["a", "b"]

    @in_loop
    async def test_in_a_plain_function_is_stopped(self, alias: str, uow: Shop) -> None:
        await store(alias, "a")
        holder = ShopUnitOfWork.asynchronous(alias)

        def use_case(uow: ShopUnitOfWork) -> None:
            with uow:
                uow.products.locked("a")
                pytest.fail("it was locked")

        async with holder:
            await holder.products.locked("a")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await uow.run(use_case)


@pytest.fixture
def pool(alias: str) -> Pool:
    """One connection: who does not give it back stops everybody."""
    return Pool(alias, size=1, timeout=20)


async def _wait_in(uow: AsyncUnitOfWork[Any], entered: asyncio.Event) -> None:
    async with uow:
        await uow.products.add(Product(name="a"))
        await uow.flush()
        entered.set()
        await asyncio.Event().wait()


def _left_behind(wait_in: Callable[[Shop, asyncio.Event], Any], uow: Shop) -> asyncio.Task[Any]:
    """A task in an event loop that was closed while the task was in a block."""
    loop = asyncio.new_event_loop()
    entered = asyncio.Event()
    task = loop.create_task(wait_in(uow, entered))
    loop.run_until_complete(entered.wait())
    loop.close()
    return task


class TestAnEventLoopThatEnds:
    """As `asyncio.run` ends it: all tasks are cancelled, and waited for."""

    def test_while_tasks_are_in_their_blocks(self, pool: Pool, alias: str, fetch: Fetch) -> None:
        async def main() -> None:
            entered = asyncio.Event()
            uow = ShopUnitOfWork.asynchronous(alias, pool=pool)
            tasks.append(asyncio.create_task(_wait_in(uow, entered)))
            await entered.wait()

        tasks: list[asyncio.Task[None]] = []
        asyncio.run(main())
        assert tasks[0].cancelled()
        assert names(fetch, alias) == []

    def test_while_a_thread_works(self, pool: Pool, alias: str, fetch: Fetch) -> None:
        gate = Gate()
        uow = ShopUnitOfWork.asynchronous(alias, pool=pool)

        def open_when_cancelled() -> None:
            [lease] = pool._leases
            [call] = lease._calls
            while not call.cancelled:
                pass
            gate.open.set()

        async def work() -> None:
            async with uow:
                await add(uow, "a")
                await uow.run(lambda _: gate())
                await uow.commit()

        async def main() -> None:
            tasks.append(asyncio.create_task(work()))
            await asyncio.to_thread(gate.reached.wait)
            threading.Thread(target=open_when_cancelled).start()

        tasks: list[asyncio.Task[None]] = []
        asyncio.run(main())
        assert tasks[0].cancelled()
        assert names(fetch, alias) == []
        TestAnEventLoopThatIsClosed.use(pool, alias)

    @in_loop
    async def test_what_cannot_begin_any_more_is_not_waited_for(
        self, pool: Pool, alias: str
    ) -> None:
        with pytest.raises(asyncio.CancelledError):
            async with ShopUnitOfWork.asynchronous(alias, pool=pool) as uow:
                [thread] = pool._threads
                thread.submit(pool.quit)
                thread.stop()
                await uow.products.list()


class TestAnEventLoopThatIsClosed:
    def test_leaves_no_connection_behind(self, pool: Pool, alias: str, fetch: Fetch) -> None:
        uow = ShopUnitOfWork.asynchronous(alias, pool=pool)
        task = _left_behind(_wait_in, uow)
        del task
        gc.collect()
        self.use(pool, alias)
        assert names(fetch, alias) == ["b"]

    def test_leaves_none_when_its_tasks_are_still_known(
        self, pool: Pool, alias: str, fetch: Fetch
    ) -> None:
        uow = ShopUnitOfWork.asynchronous(alias, pool=pool)
        task = _left_behind(_wait_in, uow)
        self.use(pool, alias)
        assert names(fetch, alias) == ["b"]
        del task
        gc.collect()
        self.use(pool, alias, "c")

    def test_while_a_thread_works(self, pool: Pool, alias: str, fetch: Fetch) -> None:
        gate = Gate()

        async def work(uow: Shop, entered: asyncio.Event) -> None:
            def use_case(uow: ShopUnitOfWork) -> None:
                with uow:
                    uow.products.add(Product(name="a"))
                    gate()
                    uow.commit()

            entered.set()
            await uow.run(use_case)

        async def reach() -> None:
            await asyncio.to_thread(gate.reached.wait)

        loop = asyncio.new_event_loop()
        uow = ShopUnitOfWork.asynchronous(alias, pool=pool)
        task = loop.create_task(work(uow, asyncio.Event()))
        loop.run_until_complete(reach())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        del task
        gc.collect()
        gate.open.set()
        self.use(pool, alias)
        assert names(fetch, alias) == ["b"]

    def test_while_somebody_waits_for_a_connection(self, pool: Pool, alias: str) -> None:
        loop = asyncio.new_event_loop()

        async def hold_and_wait() -> None:
            await ShopUnitOfWork.asynchronous(alias, pool=pool).__aenter__()
            waiting.append(asyncio.create_task(self.enter(pool, alias)))
            await turns()

        waiting: list[asyncio.Task[None]] = []
        loop.run_until_complete(hold_and_wait())
        loop.close()
        self.use(pool, alias)
        waiting.clear()
        gc.collect()
        self.use(pool, alias, "c")

    @staticmethod
    async def enter(pool: Pool, alias: str) -> None:
        async with ShopUnitOfWork.asynchronous(alias, pool=pool):
            pytest.fail("it was entered")

    @staticmethod
    def use(pool: Pool, alias: str, name: str = "b") -> None:
        async def use() -> None:
            async with ShopUnitOfWork.asynchronous(alias, pool=pool) as uow:
                await add(uow, name)
                await uow.commit()

        asyncio.run(use())

    def test_an_async_generator_that_is_closed_gives_its_connection_back(
        self, pool: Pool, alias: str, fetch: Fetch
    ) -> None:
        async def flushed() -> Any:
            async with ShopUnitOfWork.asynchronous(alias, pool=pool) as uow:
                await add(uow, "a")
                await uow.flush()
                yield "a"

        async def look() -> None:
            generator = flushed()
            assert await anext(generator) == "a"
            await generator.aclose()

        asyncio.run(look())
        self.use(pool, alias)
        assert names(fetch, alias) == ["b"]


class TestAnInterrupt:
    """Stops the statement of one call, never that of the next one on the same connection."""

    @in_loop
    async def test_that_comes_too_late_hits_nobody(self, alias: str) -> None:
        stopped: list[str] = []
        call = Call(lambda: None)
        call()
        call.interrupt(lambda: stopped.append("somebody"))
        assert stopped == []

    @in_loop
    async def test_is_over_before_the_thread_goes_on(self, alias: str) -> None:
        gate, order = Gate(), list[str]()
        call = Call(gate)

        def work() -> None:
            settle(call.outcome, call)
            order.append("went on")

        thread = threading.Thread(target=work)
        thread.start()
        gate.reached.wait()

        def stop() -> None:
            gate.open.set()
            call.outcome.add_done_callback(lambda _: order.append("done"))
            order.append("stopped")

        call.interrupt(stop)
        thread.join()
        assert order == ["stopped", "done", "went on"]
