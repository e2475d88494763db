"""Whatever the sync unit of work does, awaited."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from allocation.uow import (
    AlreadyEntered,
    AlreadyLeft,
    DiscardedChangesWarning,
    NotEntered,
    OpenSavepoint,
    WrongThread,
)
from allocation.uow.django.aio import AsyncUnitOfWork, default_pool
from allocation.uow.testing import InMemoryDatabase
from tests.conftest import Fetch
from tests.kernel.aio.shop import Shop, a_product, add, names, store
from tests.kernel.models import Product
from tests.kernel.shop import ShopUnitOfWork
from tests.kernel.test_contract import Thing, ThingUnitOfWork
from tests.support.loops import in_loop


@pytest.fixture
def uow(alias: str) -> Shop:
    return ShopUnitOfWork.asynchronous(alias)


class TestABlock:
    @in_loop
    async def test_stores_what_was_committed_and_no_more(
        self, uow: Shop, alias: str, fetch: Fetch
    ) -> None:
        async with uow:
            await add(uow, "a")
            await uow.commit()
            await add(uow, "b")
            await uow.rollback()
        assert names(fetch, alias) == ["a"]

    @in_loop
    async def test_warns_of_a_forgotten_commit_where_it_stands(self, uow: Shop) -> None:
        with pytest.warns(DiscardedChangesWarning, match="1 new Product discarded") as warned:
            async with uow:
                await add(uow, "a")
        assert warned[0].filename == __file__

    @in_loop
    async def test_has_all_that_the_unit_of_work_has(self, uow: Shop, alias: str) -> None:
        async with uow:
            await add(uow, "a")
            assert [product.name for product in await uow.new] == ["a"]
            assert await uow.using == alias
            assert [product.name for product in await uow.products.sold_out()] == ["a"]
            await uow.rollback()

    @in_loop
    async def test_has_the_store_that_its_repositories_know(self, uow: Shop) -> None:
        def note(uow: ShopUnitOfWork) -> None:
            uow.store.noted = "something"  # type: ignore[attr-defined]  # as an adopter's may

        await uow.run(note)
        assert vars(uow._uow.store)["_store"].noted == "something"
        async with uow:
            assert await uow.store.noted == "something"

    @in_loop
    async def test_tells_at_once_who_mistypes(self, uow: Shop) -> None:
        async with uow:
            with pytest.raises(AttributeError, match="prodcuts"):
                uow.prodcuts.get(1)
            with pytest.raises(AttributeError, match="_tracker"):
                _ = uow._tracker
            with pytest.raises(AttributeError, match="private"):
                _ = uow.products._fetch

    @in_loop
    async def test_is_used_inside_of_it_alone(self, uow: Shop) -> None:
        with pytest.raises(NotEntered, match="has not been entered"):
            await uow.commit()
        async with uow:
            with pytest.raises(AlreadyEntered, match="has been entered"):
                await uow.__aenter__()
        with pytest.raises(AlreadyLeft, match="has been left"):
            await uow.products.list()

    @in_loop
    async def test_cannot_be_entered_by_two_tasks_at_once(self, uow: Shop) -> None:
        entered = await asyncio.gather(uow.__aenter__(), uow.__aenter__(), return_exceptions=True)
        assert sorted(type(result).__name__ for result in entered) == [
            "AlreadyEntered",
            "AsyncUnitOfWork",
        ]
        await uow.products.list()
        await uow.__aexit__(None, None, None)

    def test_belongs_to_the_event_loop_that_entered_it(self, uow: Shop) -> None:
        with asyncio.Runner() as runner:
            runner.run(uow.__aenter__())
            with pytest.raises(WrongThread, match="another event loop"):
                asyncio.run(uow.commit())
            runner.run(uow.__aexit__(None, None, None))

    @in_loop
    async def test_can_be_entered_again(self, uow: Shop, alias: str, fetch: Fetch) -> None:
        for name in "ab":
            async with uow:
                await add(uow, name)
                await uow.commit()
        assert names(fetch, alias) == ["a", "b"]

    @in_loop
    async def test_may_be_used_by_several_tasks_in_turn(self, uow: Shop) -> None:
        async with uow:
            await asyncio.gather(*(add(uow, name) for name in "abc"))
            assert len(await uow.new) == 3
            await uow.rollback()

    @in_loop
    async def test_can_be_in_memory_too(self, alias: str) -> None:
        database = InMemoryDatabase()
        uow = AsyncUnitOfWork(lambda: ThingUnitOfWork(database), pool=default_pool(alias))
        async with uow:
            await uow.things.add(Thing("a"))
            await uow.commit()
        assert list(database.tables["Thing"]) == [(1,)]


class TestASavepoint:
    @in_loop
    async def test_undoes_its_part_alone(self, uow: Shop, alias: str, fetch: Fetch) -> None:
        async with uow:
            async with uow.savepoint():
                await add(uow, "a")
            with suppress(LookupError):
                async with uow.savepoint():
                    await add(uow, "b")
                    raise LookupError
            await uow.commit()
        assert names(fetch, alias) == ["a"]


class TestAPlainFunction:
    """`await uow.run(use_case, ...)`."""

    @in_loop
    async def test_that_opens_the_block_needs_no_other(
        self, uow: Shop, alias: str, fetch: Fetch
    ) -> None:
        def use_case(name: str, uow: ShopUnitOfWork) -> int | None:
            with uow:
                product = Product(name=name)
                uow.products.add(product)
                uow.commit()
            return product.pk

        key = await uow.run(use_case, "a")
        assert fetch(alias, "SELECT id, name FROM kernel_product") == [(key, "a")]
        assert uow.has_committed

    @in_loop
    async def test_warns_of_a_forgotten_commit_where_its_own_block_stands(self, uow: Shop) -> None:
        def forget(uow: ShopUnitOfWork) -> None:
            with uow:
                uow.products.add(Product(name="a"))

        with pytest.warns(DiscardedChangesWarning) as warned:
            await uow.run(forget)
            async with uow:
                await uow.run(forget)
        assert [warning.filename for warning in warned] == [__file__] * 2

    @in_loop
    async def test_in_a_block_is_a_part_of_it(self, uow: Shop, alias: str, fetch: Fetch) -> None:
        await store(alias, "kept")
        async with uow:
            [kept] = await uow.products.list()
            kept.stock = 1
            await uow.run(a_product("a"))
            assert fetch(alias, "SELECT name, stock FROM kernel_product ORDER BY name") == [
                ("a", 0),
                ("kept", 1),
            ]
            kept.stock = 2  # it is watched, still
            await uow.commit()
        assert fetch(alias, "SELECT stock FROM kernel_product WHERE name = 'kept'") == [(2,)]

    @in_loop
    async def test_that_fails_in_a_block_discards_what_was_pending(
        self, uow: Shop, alias: str, fetch: Fetch
    ) -> None:
        def fail(uow: ShopUnitOfWork) -> None:
            with uow:
                uow.flush()
                raise LookupError("on purpose")

        async with uow:
            await add(uow, "a")
            with pytest.raises(LookupError, match="on purpose"):
                await uow.run(fail)
            await add(uow, "b")
            await uow.commit()
        assert names(fetch, alias) == ["b"]

    @in_loop
    async def test_may_do_without_a_block_inside_of_one(self, uow: Shop, alias: str) -> None:
        await store(alias, "a", "b")
        async with uow:
            assert await uow.run(lambda uow: len(uow.products.list())) == 2
        with pytest.raises(AlreadyLeft):
            await uow.run(lambda uow: uow.products.list())

    @in_loop
    async def test_does_not_open_a_block_twice(self, uow: Shop) -> None:
        def twice(uow: ShopUnitOfWork) -> None:
            with uow, uow:
                pytest.fail("it was entered")

        for _ in range(2):
            with pytest.raises(AlreadyEntered):
                await uow.run(twice)
        async with uow:
            with pytest.raises(AlreadyEntered):
                await uow.run(twice)

    @in_loop
    async def test_with_a_block_does_not_go_into_a_savepoint(self, uow: Shop) -> None:
        async with uow:
            with pytest.raises(OpenSavepoint):
                async with uow.savepoint():
                    await uow.run(a_product("a"))
