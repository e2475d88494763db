"""Conflicts of async use cases are tried again, from the top."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from allocation.uow import ConflictError
from allocation.uow.django.aio import Pool, aretry
from tests.conftest import Fetch
from tests.kernel.aio.shop import Shop, a_product, add, names, store
from tests.kernel.shop import ShopUnitOfWork
from tests.support.loops import in_loop


@in_loop
async def test_a_conflict_is_tried_again_with_a_fresh_unit_of_work(
    alias: str, fetch: Fetch
) -> None:
    given: list[Shop] = []

    async def use_case(uow: Shop) -> str:
        given.append(uow)
        async with uow:
            await add(uow, "a")
            if len(given) < 3:
                raise ConflictError("somebody was in the way")
            await uow.commit()
        return "done"

    factory = partial(ShopUnitOfWork.asynchronous, alias)
    assert await aretry(use_case, factory, longest_wait=0.01) == "done"
    assert len(set(map(id, given))) == 3
    assert names(fetch, alias) == ["a"]


@in_loop
async def test_the_last_error_tells_how_often_it_was_tried(alias: str) -> None:
    async def use_case(uow: Shop) -> None:
        async with uow:
            raise ConflictError("somebody was in the way")

    with pytest.raises(ConflictError) as raised:
        await aretry(
            use_case,
            lambda: ShopUnitOfWork.asynchronous(alias),
            attempts=3,
            longest_wait=0.01,
        )
    assert raised.value.__notes__ == ["Tried 3 times."]


@in_loop
async def test_nothing_is_tried_again_once_it_has_committed(alias: str, fetch: Fetch) -> None:
    async def use_case(uow: Shop) -> None:
        async with uow:
            await add(uow, "a")
            await uow.commit()
            raise ConflictError("too late")

    with pytest.raises(ConflictError):
        await aretry(use_case, lambda: ShopUnitOfWork.asynchronous(alias))
    assert names(fetch, alias) == ["a"]


@in_loop
async def test_a_cancellation_is_no_conflict(alias: str) -> None:
    tried: list[int] = []

    async def use_case(uow: Shop) -> None:
        async with uow:
            tried.append(1)
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await aretry(use_case, lambda: ShopUnitOfWork.asynchronous(alias))
    assert tried == [1]


@in_loop
async def test_a_plain_use_case_is_tried_again_too(alias: str, fetch: Fetch) -> None:
    """Two read the same version at once; whoever is second runs again."""
    await store(alias, "a")
    pool = Pool(alias, size=4)

    def increment(uow: ShopUnitOfWork) -> None:
        with uow:
            [product] = uow.products.list()
            product.stock += 1
            uow.commit()

    async def work() -> None:
        await aretry(
            lambda uow: uow.run(increment),
            lambda: ShopUnitOfWork.asynchronous(alias, pool=pool),
            attempts=100,
            longest_wait=0.05,
        )

    await asyncio.gather(*(work() for _ in range(8)))
    assert fetch(alias, "SELECT stock FROM kernel_product") == [(8,)]


@in_loop
async def test_several_plain_use_cases_run_in_one_event_loop(alias: str, fetch: Fetch) -> None:
    factory = partial(ShopUnitOfWork.asynchronous, alias)
    await asyncio.gather(*(factory().run(a_product(name)) for name in "abc"))
    assert names(fetch, alias) == ["a", "b", "c"]
