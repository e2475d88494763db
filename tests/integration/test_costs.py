"""What a service costs: how many statements, and what the database does for each."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from allocation import bootstrap
from allocation.domain.model import Batch, OrderLine
from allocation.domain.stock import Outcome
from allocation.service_layer import services
from allocation.service_layer.unit_of_work import AbstractUnitOfWork
from tests.integration.shop import DatabaseShop
from tests.unit.services_contract import JULY, JUNE

UseCase = Callable[[AbstractUnitOfWork], Any]

TRANSACTION = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


def statements(shop: DatabaseShop, use_case: UseCase, *, actor: str | None = None) -> int:
    """How many it sends, but for those that begin and end transactions."""
    with CaptureQueriesContext(connections[shop.alias]) as captured:
        bootstrap.run(use_case, shop.alias, actor=actor)
    return sum(not query["sql"].startswith(TRANSACTION) for query in captured)


def insert(shop: DatabaseShop, count: int, into: str, select: str) -> None:
    """Insert `count` rows, each made of its number `n`."""
    if shop.alias == "postgresql":
        numbers = "generate_series(1, %s) AS numbers (n)"
    else:
        numbers = (
            "(WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT %s) "
            "SELECT n FROM c)"
        )
    if count:
        shop.execute(f"INSERT INTO {into} SELECT {select} FROM {numbers}", count)


def add_others(shop: DatabaseShop, count: int) -> None:
    """As many batches of as many other SKUs."""
    insert(
        shop,
        count,
        "allocation_batch (reference, sku, purchased_quantity, allocated_quantity, lines_taken)",
        "'other-' || n, 'sku-' || n, 10, 0, 0",
    )


def add_busy_batch(shop: DatabaseShop, lines: int) -> None:
    """A batch of lamps with so many lines of one unit, and room for ten more."""
    shop.add("busy", "LAMP", lines + 10)
    shop.execute(
        "UPDATE allocation_batch SET allocated_quantity = %s, lines_taken = %s "
        "WHERE reference = 'busy'",
        lines,
        lines,
    )
    insert(
        shop,
        lines,
        "allocation_orderline (orderid, sku, qty, batch_id, position)",
        "'old-' || n, 'LAMP', 1, 'busy', n",
    )


def add_backorders(shop: DatabaseShop, count: int) -> None:
    insert(
        shop, count, "allocation_orderline (orderid, sku, qty)", "'waiting-' || n, 'sku-' || n, 1"
    )


# What each service sends, and what more to tell who did it: one INSERT, where it did something.
every_service = pytest.mark.parametrize(
    ("count", "told", "use_case"),
    [
        pytest.param(2, 1, partial(services.add_batch, "b", "LAMP", 1, None), id="add_batch"),
        pytest.param(
            1, 0, partial(services.add_batch, "now", "LAMP", 9, JUNE), id="add_batch again"
        ),
        pytest.param(4, 1, partial(services.allocate, "new", "LAMP", 1), id="allocate"),
        pytest.param(2, 0, partial(services.allocate, "o1", "LAMP", 2), id="allocate again"),
        pytest.param(
            4, 1, partial(services.allocate, "waiting", "LAMP", 9), id="allocate a backorder"
        ),
        pytest.param(4, 1, partial(services.deallocate, "o1", "LAMP"), id="deallocate"),
        pytest.param(4, 1, partial(services.reallocate, "o1", "LAMP"), id="reallocate"),
        pytest.param(
            4, 1, partial(services.reallocate, "waiting", "LAMP"), id="reallocate a backorder"
        ),
        pytest.param(5, 1, partial(services.reallocate_batch, "late"), id="reallocate_batch"),
        pytest.param(
            4,
            1,
            partial(services.reallocate_backorders, [("huge", "LAMP"), ("waiting", "LAMP")]),
            id="reallocate_backorders",
        ),
        pytest.param(
            3, 1, partial(services.change_batch_quantity, "late", 12), id="more in a batch"
        ),
        pytest.param(
            5, 1, partial(services.change_batch_quantity, "late", 1), id="less in a batch"
        ),
        pytest.param(3, 1, partial(services.change_batch_eta, "late", JUNE), id="change_batch_eta"),
        pytest.param(
            2, 0, partial(services.change_batch_eta, "late", JULY), id="change_batch_eta again"
        ),
    ],
)


class TestAService:
    @pytest.fixture
    def open_shop(self, shop: DatabaseShop) -> DatabaseShop:
        shop.add("late", "LAMP", 10, JULY)
        shop.order(("o1", "LAMP", 2), ("o2", "LAMP", 2), ("o3", "LAMP", 2))
        shop.order(("huge", "LAMP", 100), ("waiting", "LAMP", 9))
        shop.add("now", "LAMP", 9, JUNE)
        return shop

    @every_service
    def test_sends_so_many_statements(
        self, open_shop: DatabaseShop, count: int, told: int, use_case: UseCase
    ) -> None:
        assert statements(open_shop, use_case) == count

    @every_service
    def test_sends_one_more_to_tell_who_did_it(
        self, open_shop: DatabaseShop, count: int, told: int, use_case: UseCase
    ) -> None:
        assert statements(open_shop, use_case, actor="ann") == count + told

    def test_of_many_batches_sends_as_many_as_for_one(self, shop: DatabaseShop) -> None:
        batches = [Batch(f"b{n}", "LAMP", 1, None) for n in range(1000)]
        assert statements(shop, partial(services.add_batches, batches)) == 2

    def test_of_many_batches_tells_of_all_at_once(self, shop: DatabaseShop) -> None:
        batches = [Batch(f"b{n}", "LAMP", 1, None) for n in range(1000)]
        assert statements(shop, partial(services.add_batches, batches), actor="ann") == 3


class TestAllocateLines:
    @pytest.mark.parametrize(("lines", "skus"), [(10, 2), (3000, 500)])
    def test_sends_as_many_statements_for_many_lines_as_for_few(
        self, shop: DatabaseShop, lines: int, skus: int
    ) -> None:
        """Half of them are there already, some of these waiting; some are of an unknown SKU."""
        batches = [Batch(f"a-{n}", f"sku-{n}", 2, None) for n in range(skus)]
        services.add_batches(batches, shop.uow())
        orders = [OrderLine(f"o{n}", f"sku-{n % (skus + 1)}", 2) for n in range(lines)]
        services.allocate_lines(orders[: lines // 2], shop.uow())
        services.add_batches([Batch("b", "sku-0", lines, JUNE)], shop.uow())

        # Batches and lines are read; batches updated; lines inserted, and updated; and it is told.
        assert statements(shop, partial(services.allocate_lines, orders), actor="ann") == 6
        assert statements(shop, partial(services.allocate_lines, orders)) == 2

    @pytest.mark.django_db(transaction=True, databases=["default"])
    @pytest.mark.parametrize("alias", ["default"])
    def test_is_split_where_the_database_limits_the_parameters(self, shop: DatabaseShop) -> None:
        services.add_batches([Batch(f"b{n}", f"sku-{n}", 1, None) for n in range(50)], shop.uow())
        orders = [OrderLine(f"o{n}", f"sku-{n % 60}", 1) for n in range(100)]
        connection = connections[shop.alias].connection
        limit = connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 20)
        try:
            placements = services.allocate_lines(orders, shop.uow())
        finally:
            connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, limit)
        assert sum(p.outcome is Outcome.ALLOCATED for p in placements) == 50
        assert len(shop.stored().lines) == 100
        shop.stored().require_sound()


class TestAllocate:
    @pytest.mark.parametrize("others", [10, 100_000])
    @pytest.mark.parametrize("lines", [0, 1_000, 100_000])
    def test_sends_four_statements_however_much_there_is(
        self, shop: DatabaseShop, lines: int, others: int
    ) -> None:
        add_others(shop, others)
        add_busy_batch(shop, lines)
        assert statements(shop, partial(services.allocate, "new", "LAMP", 1)) == 4


INDEXED = {"Index Scan", "Index Only Scan"}


def scans(plan: dict[str, Any]) -> Iterator[str]:
    """The ways in which the tables of a plan are read."""
    if "Relation Name" in plan and "Scan" in plan["Node Type"]:
        yield plan["Node Type"]
    for part in plan.get("Plans", ()):
        yield from scans(part)


@pytest.mark.django_db(transaction=True, databases=["postgresql"])
class TestPlans:
    """With many rows that PostgreSQL knows of, none of them read but those that are asked for."""

    @pytest.fixture
    def alias(self) -> str:
        return "postgresql"

    @pytest.fixture
    def crowded(self, shop: DatabaseShop) -> DatabaseShop:
        add_others(shop, 20_000)
        add_busy_batch(shop, 20_000)
        add_backorders(shop, 20_000)
        shop.execute("ANALYZE allocation_batch, allocation_orderline")
        return shop

    def plans(self, shop: DatabaseShop, run: Callable[[], object]) -> list[dict[str, Any]]:
        """The plans of the statements that `run` sends, as they would be now."""
        sent: list[tuple[str, Any]] = []

        def record(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if not sql.startswith(TRANSACTION):
                sent.append((sql, params))
            return execute(sql, params, many, context)

        connection = connections[shop.alias]
        with connection.execute_wrapper(record):
            run()
        plans = []
        for sql, params in sent:
            with transaction.atomic(shop.alias), connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
                [[explained]] = cursor.fetchall()
                plans.append(explained[0]["Plan"])
        return plans

    @pytest.mark.parametrize(
        ("count", "use_case"),
        [
            pytest.param(4, partial(services.allocate, "new", "LAMP", 1), id="allocate"),
            pytest.param(4, partial(services.deallocate, "old-500", "LAMP"), id="deallocate"),
            pytest.param(
                5,
                partial(services.change_batch_quantity, "busy", 19_995),
                id="change_batch_quantity",
            ),
        ],
    )
    def test_of_a_service_use_indexes(
        self, crowded: DatabaseShop, count: int, use_case: UseCase
    ) -> None:
        plans = self.plans(crowded, lambda: use_case(crowded.uow()))
        assert len(plans) == count
        for plan in plans:
            assert set(scans(plan)) <= INDEXED, json.dumps(plan, indent=1)

    @pytest.mark.parametrize(
        ("sku", "index"), [(None, "backorder_by_age"), ("sku-7", "backorder_by_sku")]
    )
    def test_of_the_backorders_pass_over_the_lines_on_batches(
        self, crowded: DatabaseShop, sku: str | None, index: str
    ) -> None:
        plans = self.plans(crowded, lambda: list(bootstrap.backorders(crowded.alias, sku)))
        used = [re.findall(r'"Index Name": "(\w+)"', json.dumps(plan)) for plan in plans]
        assert used[0] == [index]
        for plan, names in zip(plans, used, strict=True):
            assert set(scans(plan)) <= INDEXED, json.dumps(plan, indent=1)
            assert names in (["backorder_by_age"], ["backorder_by_sku"])
