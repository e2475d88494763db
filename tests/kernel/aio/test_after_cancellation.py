"""What a cancellation reaches, and what it leaves behind in the task: nothing."""

from __future__ import annotations

import asyncio
import contextvars
import traceback

import pytest
from django.utils import translation

from allocation.uow.django.aio import Pool, PoolTimeout
from tests.conftest import Fetch
from tests.kernel.aio.shop import Gate, Shop, add, cancelled, names, turns
from tests.kernel.models import Product
from tests.kernel.shop import ShopUnitOfWork
from tests.support.loops import in_loop

user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")


@pytest.fixture
def pool(alias: str) -> Pool:
    return Pool(alias, size=1, timeout=20)


@pytest.fixture
def uow(alias: str, pool: Pool) -> Shop:
    return ShopUnitOfWork.asynchronous(alias, pool=pool)


@in_loop
async def test_what_the_thread_sets_for_a_while_does_not_stay(uow: Shop) -> None:
    gate, found = Gate(), list[str | None]()

    def work(_: ShopUnitOfWork) -> None:
        token = user.set("Ann")
        try:
            with translation.override("fr"):
                gate()
        finally:
            user.reset(token)

    async def call() -> None:
        try:
            await uow.run(work)
        finally:
            found.extend([user.get(), translation.get_language()])

    task = asyncio.create_task(call())
    await asyncio.to_thread(gate.reached.wait)
    task.cancel()
    await turns()
    gate.open.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert found == ["nobody", translation.get_language()]


@in_loop
async def test_who_cancels_again_and_again_costs_no_memory(uow: Shop, pool: Pool) -> None:
    gate = Gate()
    task = asyncio.create_task(uow.run(lambda _: gate()))
    await asyncio.to_thread(gate.reached.wait)
    for _ in range(100):
        task.cancel()
        await asyncio.sleep(0)
    [lease] = pool._leases
    [call] = lease._calls
    assert len(vars(call.outcome)["_done_callbacks"]) < 5
    gate.open.set()
    with pytest.raises(asyncio.CancelledError):
        await task


def fail() -> None:
    raise LookupError


class TestAnError:
    @in_loop
    async def test_that_leaves_the_block_keeps_its_traceback(self, uow: Shop) -> None:
        with pytest.raises(LookupError) as raised:
            async with uow:
                raise LookupError
        frames = traceback.extract_tb(raised.value.__traceback__)
        assert [frame.name for frame in frames] == [
            "test_that_leaves_the_block_keeps_its_traceback"
        ]

    @in_loop
    async def test_that_is_being_handled_keeps_it_too(self, uow: Shop) -> None:
        before = after = None
        async with uow:
            try:
                fail()
            except LookupError as error:
                before = traceback.extract_tb(error.__traceback__)
                for _ in range(3):
                    await uow.products.list()
                after = traceback.extract_tb(error.__traceback__)
        assert after == before is not None


class TestAHookBeforeTheCommit:
    @in_loop
    async def test_is_cancelled_when_another_has_used_the_unit_of_work(self, uow: Shop) -> None:
        waits = asyncio.Event()

        async def first() -> None:
            await uow.products.list()

        async def second() -> None:
            waits.set()
            await asyncio.Event().wait()

        async def work() -> None:
            async with uow:
                await add(uow, "a")
                await uow.before_commit(first)
                await uow.before_commit(second)
                await uow.commit()

        task = asyncio.create_task(work())
        await waits.wait()
        await cancelled(task)

    @in_loop
    async def test_may_be_cancelled_again_while_it_tidies_up(self, uow: Shop) -> None:
        waits, tidies = asyncio.Event(), asyncio.Event()

        async def hook() -> None:
            waits.set()
            try:
                await asyncio.Event().wait()
            finally:
                tidies.set()
                await asyncio.Event().wait()

        async def work() -> None:
            async with uow:
                await uow.before_commit(hook)
                await uow.commit()

        task = asyncio.create_task(work())
        await waits.wait()
        task.cancel()
        await tidies.wait()
        await cancelled(task)

    @pytest.mark.parametrize("awaitable", ["coroutine", "future"])
    @in_loop
    async def test_does_not_begin_when_the_call_was_cancelled_before(
        self, uow: Shop, alias: str, fetch: Fetch, awaitable: str
    ) -> None:
        gate, began = Gate(), list[str]()
        never = asyncio.get_running_loop().create_future()

        async def hook() -> None:
            began.append("hook")
            await never

        async def work() -> None:
            async with uow:
                await add(uow, "a")
                await uow.before_commit(gate)
                await uow.before_commit(hook if awaitable == "coroutine" else lambda: never)
                await uow.commit()

        task = asyncio.create_task(work())
        await asyncio.to_thread(gate.reached.wait)
        task.cancel()
        await turns()
        gate.open.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert began == []
        assert names(fetch, alias) == []


@in_loop
async def test_what_is_more_than_a_cancellation_is_raised_instead(uow: Shop) -> None:
    class Stop(BaseException):
        pass

    gate = Gate()

    def work(_: ShopUnitOfWork) -> None:
        gate()
        raise Stop

    task = asyncio.create_task(uow.run(work))
    await asyncio.to_thread(gate.reached.wait)
    task.cancel()
    await turns()
    gate.open.set()
    with pytest.raises(Stop):
        await task


@in_loop
async def test_a_hook_that_undoes_is_not_cut_short(uow: Shop) -> None:
    ran, began, go_on = list[str](), asyncio.Event(), asyncio.Event()

    async def undo() -> None:
        began.set()
        await go_on.wait()
        ran.append("undone")

    def use_case(uow: ShopUnitOfWork) -> None:
        with uow:
            uow.products.add(Product(name="a"))
            raise LookupError

    async def work() -> None:
        async with uow:
            await uow.on_rollback(undo)
            await uow.run(use_case)

    task = asyncio.create_task(work())
    await began.wait()
    task.cancel()
    await turns()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ran == ["undone"]


class TestACoroutineThatIsClosed:
    """Nobody continues it, and nobody can be told."""

    def test_commits_nothing(self, uow: Shop, pool: Pool, alias: str, fetch: Fetch) -> None:
        gate = Gate()

        def use_case(uow: ShopUnitOfWork) -> None:
            with uow:
                uow.products.add(Product(name="a"))
                gate()
                uow.commit()

        async def main() -> None:
            coroutine = uow.run(use_case)
            coroutine.send(None)
            await asyncio.to_thread(gate.reached.wait)
            coroutine.close()
            gate.open.set()
            async with ShopUnitOfWork.asynchronous(alias, pool=pool) as other:
                await other.products.list()  # when the thread is free

        asyncio.run(main())
        assert names(fetch, alias) == []

    def test_in_a_savepoint_undoes_all(
        self, uow: Shop, pool: Pool, alias: str, fetch: Fetch
    ) -> None:
        entered = asyncio.Event()

        async def wait() -> None:
            async with uow:
                await add(uow, "a")
                async with uow.savepoint():
                    entered.set()
                    await asyncio.Event().wait()

        async def use() -> None:
            async with ShopUnitOfWork.asynchronous(alias, pool=pool) as other:
                await other.products.list()  # when the thread is free

        loop = asyncio.new_event_loop()
        coroutine = wait()
        task = loop.create_task(coroutine)
        loop.run_until_complete(entered.wait())
        coroutine.close()
        loop.run_until_complete(asyncio.wait([task], timeout=0))
        task.cancel()
        with pytest.raises(RuntimeError, match="already awaited"):
            loop.run_until_complete(task)
        loop.close()
        asyncio.run(use())
        assert names(fetch, alias) == []

    def test_sets_nothing_for_who_closes_it(self, uow: Shop, pool: Pool, alias: str) -> None:
        gate = Gate()

        async def other() -> None:
            user.set("Ann")
            await uow.run(lambda _: gate())

        async def main() -> None:
            coroutine = other()
            contextvars.copy_context().run(coroutine.send, None)
            await asyncio.to_thread(gate.reached.wait)
            coroutine.close()
            assert user.get() == "nobody"
            gate.open.set()
            async with ShopUnitOfWork.asynchronous(alias, pool=pool):
                pass  # when the thread is free

        asyncio.run(main())


@in_loop
async def test_a_shorter_timeout_is_heeded_while_somebody_waits_longer(
    alias: str, uow: Shop, pool: Pool
) -> None:
    async with uow:
        patient = asyncio.create_task(ShopUnitOfWork.asynchronous(alias, pool=pool).__aenter__())
        await turns()
        pool.timeout = 0.01
        with pytest.raises(PoolTimeout):
            await ShopUnitOfWork.asynchronous(alias, pool=pool).__aenter__()
        await cancelled(patient)
