"""The use cases, from async code."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import pytest

from allocation import bootstrap
from allocation.domain.model import OutOfStock
from allocation.service_layer import services
from allocation.uow.django.aio import close_pools
from tests.integration.shop import DatabaseShop
from tests.support.loops import in_loop


@pytest.fixture(autouse=True)
def _no_connection_is_left(shop: DatabaseShop) -> Iterator[None]:
    yield
    close_pools()


@in_loop
async def test_ten_tasks_sell_two_hundred_units_and_no_more(shop: DatabaseShop) -> None:
    await bootstrap.arun(partial(services.add_batch, "b1", "LAMP", 200, None), shop.alias)

    async def buy(who: int) -> int:
        bought = 0
        for number in range(25):
            with suppress(OutOfStock):
                line = partial(services.allocate, f"o{who}-{number}", "LAMP", 1)
                assert await bootstrap.arun(line, shop.alias) == "b1"
                bought += 1
        return bought

    assert sum(await asyncio.gather(*map(buy, range(10)))) == 200
    assert shop.stored().batches == {"b1": (200, 200)}
    shop.stored().require_sound()


@in_loop
async def test_what_a_use_case_raises_comes_through(shop: DatabaseShop) -> None:
    with pytest.raises(services.InvalidSku):
        await bootstrap.arun(partial(services.allocate, "o1", "LAMP", 1), shop.alias)


@in_loop
async def test_a_plain_service_runs_in_an_async_block_unchanged(shop: DatabaseShop) -> None:
    async with bootstrap.async_unit_of_work(shop.alias) as uow:
        assert await uow.run(services.add_batch, "b1", "LAMP", 10, None)
        assert await uow.run(services.allocate, "o1", "LAMP", 3) == "b1"
        batch = await uow.batches.get("b1")
        assert batch.available_quantity == 7
    assert shop.stored().batches == {"b1": (10, 3)}
