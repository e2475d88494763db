"""Many lines at once, held against one after the other."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allocation.domain.model import LineConflict, OrderLine, OutOfStock
from allocation.service_layer import services
from tests.factories import OrderLineFactory
from tests.integration.shop import DatabaseShop
from tests.unit import operations

BATCHES = (
    "SELECT reference, purchased_quantity, allocated_quantity, lines_taken "
    "FROM allocation_batch ORDER BY reference"
)
LINES = (
    "SELECT orderid, sku, qty, batch_id, position FROM allocation_orderline ORDER BY orderid, sku"
)
WAITING = "SELECT orderid, sku FROM allocation_orderline WHERE batch_id IS NULL ORDER BY id"

batches = st.lists(
    st.tuples(operations.references, operations.skus, st.integers(1, 12), operations.etas),
    max_size=5,
    unique_by=lambda batch: batch[0],
)
lines = st.lists(operations.lines, max_size=12)


def rows(shop: DatabaseShop) -> list[Any]:
    return [shop.fetch(shop.alias, sql) for sql in (BATCHES, LINES, WAITING)]


def one_after_the_other(shop: DatabaseShop, lines: list[OrderLine]) -> list[str | None]:
    """Where each line goes, by the service that knows one line alone.

    That one keeps no backorders, so they are put in here: what could not be
    allocated waits, unless it does so already.
    """
    references: list[str | None] = []
    for line in lines:
        try:
            references.append(services.allocate(*line.key, line.qty, shop.uow()))
        except LineConflict:
            references.append(None)
        except (services.InvalidSku, OutOfStock):
            references.append(None)
            if line.key not in shop.stored().lines:
                orderid, sku = line.key
                OrderLineFactory.create(using=shop.alias, orderid=orderid, sku=sku, qty=line.qty)
    return references


def opened(
    shop: DatabaseShop, batches: list[tuple[Any, ...]], before: list[OrderLine], freed: int
) -> None:
    """A shop that has been open for a while: some lines are on batches, some are waiting."""
    shop.empty()
    for batch in batches:
        shop.add(*batch)
    services.allocate_lines(before, shop.uow())
    allocated = sorted(key for key, (_, on) in shop.stored().lines.items() if on is not None)
    for key in allocated[:freed]:
        services.deallocate(*key, shop.uow())


@given(batches=batches, before=lines, freed=st.integers(0, 2), given_lines=lines)
@settings(
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # emptied for each example
)
def test_all_at_once_gives_what_one_after_the_other_gives(
    shop: DatabaseShop,
    batches: list[tuple[Any, ...]],
    before: list[OrderLine],
    freed: int,
    given_lines: list[OrderLine],
) -> None:
    opened(shop, batches, before, freed)
    sequential = one_after_the_other(shop, given_lines)
    expected = rows(shop)

    opened(shop, batches, before, freed)
    at_once = services.allocate_lines(given_lines, shop.uow())

    assert [placement.reference for placement in at_once] == sequential
    assert rows(shop) == expected


@given(batches=batches, given_lines=lines, size=st.integers(1, 5))
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # emptied for each example
)
def test_any_size_of_chunks_gives_the_same(
    shop: DatabaseShop, batches: list[tuple[Any, ...]], given_lines: list[OrderLine], size: int
) -> None:
    opened(shop, batches, [], 0)
    placements = services.allocate_lines(given_lines, shop.uow())
    expected = rows(shop)

    opened(shop, batches, [], 0)
    in_chunks = []
    for start in range(0, len(given_lines), size):
        in_chunks += services.allocate_lines(given_lines[start : start + size], shop.uow())

    assert in_chunks == placements
    assert rows(shop) == expected
