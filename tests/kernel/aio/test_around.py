"""Context variables, hooks, participants and records reach the thread, and come back."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextvars import ContextVar

import pytest
from django.utils import translation

from allocation.uow import HooksFailed, Reentered, UndoFailed, correlation_id
from allocation.uow.testing.contract.around import Recorder
from tests.conftest import Fetch
from tests.kernel.aio.shop import Shop, add, names
from tests.kernel.models import Product
from tests.kernel.shop import ShopUnitOfWork
from tests.support.loops import in_loop

user = ContextVar("user", default="nobody")


@pytest.fixture
def uow(alias: str) -> Shop:
    return ShopUnitOfWork.asynchronous(alias)


class TestContextVariables:
    @in_loop
    async def test_reach_the_thread(self, uow: Shop) -> None:
        user.set("Ann")
        with translation.override("de"):
            async with uow:
                assert await uow.run(lambda _: (user.get(), translation.get_language())) == (
                    "Ann",
                    "de",
                )

    @in_loop
    async def test_set_there_come_back(self, uow: Shop) -> None:
        def set_both(_: object) -> None:
            user.set("Ben")
            translation.activate("fr")

        language = translation.get_language()
        await uow.run(set_both)
        assert (user.get(), translation.get_language()) == ("Ben", "fr")
        translation.activate(language)

    @in_loop
    async def test_of_one_task_are_not_seen_by_another(self, alias: str) -> None:
        async def who(name: str) -> str:
            user.set(name)
            async with ShopUnitOfWork.asynchronous(alias) as uow:
                await asyncio.sleep(0)
                return await uow.run(lambda _: user.get())

        ann, ben = await asyncio.gather(who("Ann"), who("Ben"))
        assert (ann, ben) == ("Ann", "Ben")
        assert user.get() == "nobody"

    @in_loop
    async def test_are_in_the_records(self, uow: Shop, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, logger="allocation.uow")
        correlation_id.set("request 7")
        async with uow:
            await add(uow, "a")
            await uow.commit()
        [record] = caplog.records
        assert record.__dict__["correlation_id"] == "request 7"
        assert record.getMessage().startswith("ShopUnitOfWork")


class TestHooks:
    @in_loop
    async def test_may_be_plain_functions_which_run_on_the_thread(self, uow: Shop) -> None:
        ran: list[tuple[str, bool]] = []
        here = threading.get_ident()

        def hook(name: str) -> None:
            ran.append((name, threading.get_ident() == here))

        async with uow:
            await uow.before_commit(lambda: hook("before"))
            await uow.after_commit(lambda: hook("after"))
            await uow.commit()
            await uow.on_rollback(lambda: hook("rollback"))
        assert ran == [("before", False), ("after", False), ("rollback", False)]

    @in_loop
    async def test_may_be_async_functions_which_run_on_the_event_loop(self, uow: Shop) -> None:
        loop, ran = asyncio.get_running_loop(), list[str]()

        async def hook(name: str) -> None:
            await asyncio.sleep(0)
            assert asyncio.get_running_loop() is loop
            ran.append(f"{name} {user.get()} {translation.get_language()}")

        user.set("Ann")
        with translation.override("de"):
            async with uow:
                await uow.before_commit(lambda: hook("before"))
                await uow.after_commit(lambda: hook("after"))
                await uow.commit()
                await uow.on_rollback(lambda: hook("rollback"))
        assert ran == ["before Ann de", "after Ann de", "rollback Ann de"]

    @in_loop
    async def test_before_the_commit_may_use_the_unit_of_work(
        self, uow: Shop, alias: str, fetch: Fetch
    ) -> None:
        async def hook() -> None:
            await uow.products.add(Product(name="b"))
            await uow.run(lambda uow: uow.products.add(Product(name="c")))

        async with uow:
            await add(uow, "a")
            await uow.before_commit(hook)
            await uow.commit()
        assert names(fetch, alias) == ["a", "b", "c"]

    @in_loop
    async def test_may_start_tasks_that_use_it_when_the_hook_is_over(self, uow: Shop) -> None:
        go, started = asyncio.Event(), list[asyncio.Task[None]]()

        async def later() -> None:
            await go.wait()
            await uow.products.add(Product(name="b"))

        async def hook() -> None:
            started.append(asyncio.create_task(later()))

        async with uow:
            await uow.before_commit(hook)
            await uow.commit()
            go.set()
            await started[0]
            assert len(await uow.new) == 1
            await uow.rollback()

    @in_loop
    async def test_before_the_commit_use_its_transaction_when_they_ask_django(
        self, uow: Shop, alias: str
    ) -> None:
        seen: list[int] = []

        async def hook() -> None:
            seen.append(await Product.objects.using(alias).acount())

        async with uow:
            await add(uow, "a")
            await uow.flush()
            await uow.before_commit(hook)
            await uow.commit()
        assert seen == [1]

    @in_loop
    async def test_after_the_commit_need_a_unit_of_work_of_their_own(
        self, uow: Shop, alias: str, fetch: Fetch
    ) -> None:
        async def wrong() -> None:
            await uow.products.list()

        async def right() -> None:
            async with ShopUnitOfWork.asynchronous(alias) as other:
                await add(other, "b")
                await other.commit()

        async with uow:
            await add(uow, "a")
            await uow.after_commit(wrong)
            await uow.after_commit(right)
            with pytest.raises(HooksFailed) as raised:
                await uow.commit()
        assert [type(error) for error in raised.value.exceptions] == [Reentered]
        assert names(fetch, alias) == ["a", "b"]

    @in_loop
    async def test_that_fail_are_told(self, uow: Shop, alias: str, fetch: Fetch) -> None:
        async def fail() -> None:
            raise LookupError("not today")

        async with uow:
            await add(uow, "a")
            await uow.after_commit(fail)
            with pytest.raises(HooksFailed) as raised:
                await uow.commit()
            assert [str(error) for error in raised.value.exceptions] == ["not today"]
            await uow.on_rollback(fail)
            with pytest.raises(UndoFailed):
                await uow.rollback()
        assert names(fetch, alias) == ["a"]

    @in_loop
    async def test_run_after_a_commit_in_a_plain_function(self, uow: Shop) -> None:
        ran: list[str] = []

        async def hook() -> None:
            ran.append("after")

        def use_case(uow: ShopUnitOfWork) -> None:
            with uow:
                uow.commit()

        async with uow:
            await uow.after_commit(hook)
            await uow.run(use_case)
        assert ran == ["after"]


class TestParticipants:
    @in_loop
    async def test_take_part(self, uow: Shop) -> None:
        told: list[str] = []
        async with uow:
            await uow.enlist(Recorder("a", told))
            await uow.commit()
            await uow.enlist(Recorder("b", told))
            await uow.rollback()
        assert told == ["prepare a", "commit a", "rollback b"]
