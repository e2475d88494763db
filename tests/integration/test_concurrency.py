"""Several clients at once, on a real PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from random import Random
from typing import Any, TypeVar

import pytest
from django.db import connections, transaction
from psycopg import IsolationLevel

from allocation import bootstrap
from allocation.domain.model import AllocationError, Batch, OrderLine, OutOfStock
from allocation.domain.stock import Outcome
from allocation.service_layer import services
from allocation.uow import UniqueViolation, retry
from tests.conftest import DatabaseUrl
from tests.integration.shop import DatabaseShop
from tests.support.databases import fetch
from tests.unit.services_contract import JULY, JUNE, Stored

T = TypeVar("T")

pytestmark = pytest.mark.django_db(transaction=True, databases=["postgresql"])

SOON = 20  # seconds: nobody waits that long unless something is wrong


@pytest.fixture
def alias() -> str:
    return "postgresql"


@pytest.fixture(
    params=[IsolationLevel.READ_COMMITTED, IsolationLevel.SERIALIZABLE],
    ids=lambda level: level.name,
)
def isolation(
    request: pytest.FixtureRequest,
    alias: str,
    monkeypatch: pytest.MonkeyPatch,
    django_db_setup: None,
) -> IsolationLevel:
    """The isolation level of the connections opened from now on: those of other threads."""
    level: IsolationLevel = request.param
    monkeypatch.setitem(connections.settings[alias]["OPTIONS"], "isolation_level", level)
    return level


def run(use_case: Callable[[Any], T]) -> T:
    """As the entrypoints do."""
    return bootstrap.run(use_case, "postgresql")


def patiently(use_case: Callable[[Any], T]) -> T:
    """With more attempts than two clients need: at serializable, all but one must run again."""
    factory = partial(bootstrap.unit_of_work, "postgresql")
    return retry(use_case, factory, attempts=100, also=(UniqueViolation,), longest_wait=0.05)


class Clients:
    """Threads, each with a connection of its own that is closed in the end."""

    def __init__(self, pool: ThreadPoolExecutor, alias: str) -> None:
        self._pool = pool
        self._alias = alias

    def start(self, work: Callable[[], T]) -> Future[T]:
        return self._pool.submit(self._run, work)

    def _run(self, work: Callable[[], T]) -> T:
        try:
            return work()
        finally:
            connections[self._alias].close()

    def at_once(self, *works: Callable[[], T]) -> list[T]:
        """Let each begin when all are connected; what they return."""
        barrier = threading.Barrier(len(works), timeout=SOON)

        def begin(work: Callable[[], T]) -> T:
            connections[self._alias].ensure_connection()
            barrier.wait()
            return work()

        started = [self.start(partial(begin, work)) for work in works]
        return [future.result(SOON) for future in started]


@pytest.fixture
def clients(shop: DatabaseShop) -> Iterator[Clients]:
    with ThreadPoolExecutor(max_workers=16) as pool:
        yield Clients(pool, shop.alias)


@pytest.fixture
def until_somebody_waits(alias: str, database_url: DatabaseUrl) -> Callable[[], None]:
    """Return when a connection waits for another's lock. Asking takes a while: no need to sleep."""

    def ask() -> None:
        url = database_url(alias)
        for _ in range(2000):
            [[waiting]] = fetch(
                url,
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            if waiting:
                return
        raise AssertionError("nobody waits")

    return ask


def order(prefix: str, *skus: str) -> list[OrderLine]:
    return [OrderLine(f"{prefix}-{sku}", sku, 1) for sku in skus]


def sold(shop: DatabaseShop) -> list[str]:
    return sorted(orderid for (orderid, _), (_, on) in shop.stored().lines.items() if on)


def test_clients_have_the_isolation_level_that_is_tested(
    alias: str, clients: Clients, isolation: IsolationLevel
) -> None:
    def ask() -> str:
        with transaction.atomic(alias), connections[alias].cursor() as cursor:
            cursor.execute("SHOW transaction_isolation")
            [level] = cursor.fetchone()
            return str(level)

    assert clients.start(ask).result(SOON) == isolation.name.lower().replace("_", " ")


class TestTwoClients:
    def test_wait_for_each_other_on_the_same_sku(
        self,
        shop: DatabaseShop,
        clients: Clients,
        isolation: IsolationLevel,
        until_somebody_waits: Callable[[], None],
    ) -> None:
        """The second one sees what the first one took."""
        shop.add("b1", "LAMP", 1)
        shop.add("b2", "LAMP", 1)
        with bootstrap.unit_of_work(shop.alias) as first:
            first.batches.for_lines([("o1", "LAMP")]).allocate(OrderLine("o1", "LAMP", 1))
            second = clients.start(partial(run, partial(services.allocate, "o2", "LAMP", 1)))
            until_somebody_waits()
            first.commit()
        assert second.result(SOON) == "b2"
        assert shop.stored().lines == {("o1", "LAMP"): (1, "b1"), ("o2", "LAMP"): (1, "b2")}

    def test_who_waited_sees_the_lines_of_the_other_one(
        self, shop: DatabaseShop, clients: Clients, until_somebody_waits: Callable[[], None]
    ) -> None:
        """Lines are read when the batches are locked: nobody needs to try again."""
        shop.add("b1", "LAMP", 2)
        with bootstrap.unit_of_work(shop.alias) as first:
            first.batches.for_lines([("o1", "LAMP")]).allocate(OrderLine("o1", "LAMP", 1))
            second = clients.start(lambda: services.allocate("o1", "LAMP", 1, shop.uow()))
            until_somebody_waits()
            first.commit()
        assert second.result(SOON) == "b1"
        assert shop.stored() == Stored({"b1": (2, 1)}, {("o1", "LAMP"): (1, "b1")})

    def test_do_not_wait_for_each_other_on_different_skus(
        self, shop: DatabaseShop, clients: Clients
    ) -> None:
        shop.add("b1", "LAMP", 1)
        shop.add("b2", "CHAIR", 1)
        with bootstrap.unit_of_work(shop.alias) as first:
            first.batches.for_lines([("o1", "LAMP")]).allocate(OrderLine("o1", "LAMP", 1))
            first.flush()
            second = clients.start(lambda: services.allocate("o2", "CHAIR", 1, shop.uow()))
            assert second.result(SOON) == "b2"
            first.rollback()

    def test_do_not_deadlock_on_the_same_skus_in_opposite_order(
        self, shop: DatabaseShop, clients: Clients
    ) -> None:
        """Without anybody who tries again."""
        skus = [f"sku-{n}" for n in range(20)]
        services.add_batches([Batch(sku, sku, 100, None) for sku in skus], shop.uow())
        for n in range(40):
            lines = order(f"a{n}", *skus), order(f"b{n}", *reversed(skus))
            placed = clients.at_once(
                *(lambda given=given: services.allocate_lines(given, shop.uow()) for given in lines)
            )
            assert {p.outcome for placements in placed for p in placements} == {Outcome.ALLOCATED}
        shop.stored().require_sound()

    def test_may_add_the_same_backorders_of_unknown_skus(
        self, shop: DatabaseShop, clients: Clients, isolation: IsolationLevel
    ) -> None:
        """Nothing is there to be locked: the unique key decides, and the loser runs again."""
        for n in range(20):
            lines = order(f"o{n}", *(f"unknown-{n}" for n in range(50)))
            first, second = clients.at_once(
                *[partial(run, partial(services.allocate_lines, lines))] * 2
            )
            told = {(a.outcome, b.outcome) for a, b in zip(first, second, strict=True)}
            assert told in (
                {(Outcome.BACKORDERED, Outcome.ALREADY_BACKORDERED)},
                {(Outcome.ALREADY_BACKORDERED, Outcome.BACKORDERED)},
            )
        assert len(shop.stored().lines) == 20 * 50

    def test_may_add_the_same_batches(
        self, shop: DatabaseShop, clients: Clients, isolation: IsolationLevel
    ) -> None:
        for n in range(20):
            added = clients.at_once(
                *[partial(run, partial(services.add_batch, f"b{n}", "LAMP", 1, None))] * 2
            )
            assert sorted(added) == [False, True]

    def test_who_only_got_a_batch_do_not_oversell_it(
        self, shop: DatabaseShop, clients: Clients, isolation: IsolationLevel
    ) -> None:
        """As the book does it: nothing is locked, but only one can take the next position."""
        shop.add("b1", "LAMP", 30)

        def allocate(orderid: str, uow: Any) -> None:
            with uow:
                uow.batches.get("b1").allocate(OrderLine(orderid, "LAMP", 1))
                uow.commit()

        for n in range(15):
            clients.at_once(*(partial(run, partial(allocate, f"o{n}-{who}")) for who in "ab"))
        assert shop.stored().batches == {"b1": (30, 30)}
        shop.stored().require_sound()


class TestManyClients:
    def test_sell_what_there_is_and_no_more(
        self, shop: DatabaseShop, clients: Clients, isolation: IsolationLevel
    ) -> None:
        shop.add("b1", "LAMP", 5)
        shop.add("b2", "LAMP", 5, JUNE)

        def buy(who: int) -> int:
            bought = 0
            for n in range(3):
                with suppress(OutOfStock):
                    patiently(partial(services.allocate, f"o{who}-{n}", "LAMP", 1))
                    bought += 1
            return bought

        assert sum(clients.at_once(*(partial(buy, who) for who in range(6)))) == 10
        assert shop.stored().batches == {"b1": (5, 5), "b2": (5, 5)}
        shop.stored().require_sound()

    def test_allocate_the_same_line_once(
        self, shop: DatabaseShop, clients: Clients, isolation: IsolationLevel
    ) -> None:
        shop.add("b1", "LAMP", 10)
        shop.add("b2", "LAMP", 10)
        buy = partial(patiently, partial(services.allocate, "o1", "LAMP", 3))
        assert clients.at_once(*[buy] * 6) == ["b1"] * 6
        assert shop.stored() == Stored({"b1": (10, 3), "b2": (10, 0)}, {("o1", "LAMP"): (3, "b1")})

    def test_leave_the_shop_in_order_whatever_they_do(
        self, shop: DatabaseShop, clients: Clients, isolation: IsolationLevel
    ) -> None:
        skus = ["LAMP", "CHAIR", "DESK"]
        for n in range(12):
            shop.add(f"b{n}", skus[n % 3], 6, [None, JUNE, JULY][n % 3])

        def work(who: int) -> None:
            random = Random(who)  # noqa: S311 - nothing is to be kept secret
            for n in range(25):
                sku = random.choice(skus)
                key = f"o{random.randrange(12)}", sku
                reference = f"b{random.randrange(12)}"
                use_case: Any = random.choice(
                    [
                        partial(services.allocate, *key, 1 + who % 2),
                        partial(services.allocate_lines, order(f"o{who}{n}", *skus)),
                        partial(services.deallocate, *key),
                        partial(services.reallocate, *key),
                        partial(services.reallocate_batch, reference),
                        partial(services.change_batch_quantity, reference, random.randint(1, 9)),
                    ]
                )
                with suppress(AllocationError):
                    patiently(use_case)

        clients.at_once(*(partial(work, who) for who in range(4)))
        shop.stored().require_sound()
        assert not list(bootstrap.audit(shop.alias))


class TestABatchThatComesMeanwhile:
    """Between the look at the batches, where there was none to be locked, and at the lines."""

    @contextmanager
    def before_the_lines_are_read(self, alias: str, work: Callable[[], object]) -> Iterator[None]:
        done: list[object] = []

        def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if "allocation_orderline" in sql and not done:
                done.append(None)
                work()
            return execute(sql, params, many, context)

        with connections[alias].execute_wrapper(watch):
            yield
        assert done

    def sell(self, shop: DatabaseShop, clients: Clients) -> None:
        def work() -> None:
            shop.add("b1", "LAMP", 10)
            services.allocate("o1", "LAMP", 3, shop.uow())

        clients.start(work).result(SOON)

    @pytest.mark.parametrize("before", [[], order("o", "LAMP")])
    def test_and_takes_the_line_is_found(
        self, shop: DatabaseShop, clients: Clients, before: list[OrderLine]
    ) -> None:
        services.allocate_lines(before, shop.uow())
        lines = [OrderLine("o1", "LAMP", 3), OrderLine("o2", "LAMP", 3)]
        with self.before_the_lines_are_read(shop.alias, partial(self.sell, shop, clients)):
            placements = run(partial(services.allocate_lines, lines))
        assert [(p.outcome, p.reference) for p in placements] == [
            (Outcome.ALREADY_ALLOCATED, "b1"),
            (Outcome.ALLOCATED, "b1"),
        ]
