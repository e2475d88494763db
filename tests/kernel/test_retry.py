"""Conflicts are tried again, from the top: promise 18."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

import pytest
from django.db import OperationalError, connections

from allocation.uow import ConflictError, HooksFailed, UnitOfWork, retry
from allocation.uow.testing import InMemoryUnitOfWork
from tests.conftest import Fetch
from tests.kernel.models import Product
from tests.kernel.shop import ShopUnitOfWork


class Counting:
    """A use case that fails so many times."""

    def __init__(self, failures: int, error: Callable[[], Exception]) -> None:
        self.failures = failures
        self.error = error
        self.given: list[UnitOfWork] = []

    def __call__(self, uow: UnitOfWork) -> str:
        self.given.append(uow)
        with uow:
            if len(self.given) <= self.failures:
                raise self.error()
            uow.commit()
        return "done"


def conflict() -> Exception:
    return ConflictError("somebody was in the way")


def test_a_conflict_is_tried_again_with_a_fresh_unit_of_work() -> None:
    use_case = Counting(2, conflict)
    assert retry(use_case, InMemoryUnitOfWork, longest_wait=0.01) == "done"
    assert len(set(map(id, use_case.given))) == 3


def test_the_last_error_is_raised_and_tells_how_often_it_was_tried() -> None:
    use_case = Counting(9, conflict)
    with pytest.raises(ConflictError, match="in the way") as raised:
        retry(use_case, InMemoryUnitOfWork, attempts=3, longest_wait=0.01)
    assert raised.value.__notes__ == ["Tried 3 times."]
    assert len(use_case.given) == 3


def test_nothing_else_is_tried_again() -> None:
    use_case = Counting(1, lambda: LookupError("no such thing"))
    with pytest.raises(LookupError):
        retry(use_case, InMemoryUnitOfWork)
    assert len(use_case.given) == 1


def test_what_else_to_try_again_can_be_named() -> None:
    use_case = Counting(1, lambda: LookupError("no such thing"))
    assert retry(use_case, InMemoryUnitOfWork, also=(LookupError,), longest_wait=0.01) == "done"


def test_it_is_never_run_again_once_it_has_committed() -> None:
    calls: list[int] = []

    def use_case(uow: InMemoryUnitOfWork) -> None:
        calls.append(1)
        with uow:
            uow.commit()
            raise conflict()

    with pytest.raises(ConflictError):
        retry(use_case, InMemoryUnitOfWork)
    assert len(calls) == 1


def test_it_is_not_run_again_when_an_earlier_block_has_committed() -> None:
    calls: list[int] = []

    def use_case(uow: InMemoryUnitOfWork) -> None:
        calls.append(1)
        with uow:
            uow.commit()
        with uow:
            raise conflict()

    with pytest.raises(ConflictError):
        retry(use_case, InMemoryUnitOfWork)
    assert len(calls) == 1


def test_a_failed_hook_after_the_commit_is_not_tried_again() -> None:
    calls: list[int] = []

    def fail() -> None:
        raise conflict()

    def use_case(uow: InMemoryUnitOfWork) -> None:
        calls.append(1)
        with uow:
            uow.after_commit(fail)
            uow.commit()

    with pytest.raises(HooksFailed):
        retry(use_case, InMemoryUnitOfWork)
    assert len(calls) == 1


class SerializableUnitOfWork(ShopUnitOfWork):
    """Sees one state of the database, or is refused."""

    def __enter__(self) -> Self:
        entered = super().__enter__()
        with connections[self.using].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        return entered


@pytest.mark.django_db(transaction=True, databases=["postgresql"])
def test_serialization_failures_on_postgresql_are_tried_again(fetch: Fetch) -> None:
    """Eight threads count, without a lock, what each of them changes: only one order is right."""
    Product(name="a").save(using="postgresql")
    tried: list[int] = []

    def increment(uow: SerializableUnitOfWork) -> None:
        tried.append(1)
        with uow:
            [product] = uow.products.list()
            product.stock += 1
            uow.commit()

    together(
        8,
        lambda _: retry(
            increment,
            lambda: SerializableUnitOfWork("postgresql"),
            attempts=100,
            longest_wait=0.05,
        ),
    )
    assert fetch("postgresql", "SELECT stock FROM kernel_product") == [(8,)]
    assert len(tried) > 8


@pytest.mark.django_db(transaction=True, databases=["postgresql"])
def test_deadlocks_on_postgresql_are_tried_again(fetch: Fetch) -> None:
    """Two threads lock two rows, each in an order of its own, and wait for each other."""
    for name in "ab":
        Product(name=name).save(using="postgresql")
    both_hold_one = threading.Barrier(2)
    deadlocked: list[bool] = []

    def lock_both(first: str, second: str) -> Callable[[ShopUnitOfWork], None]:
        attempts: list[int] = []

        def use_case(uow: ShopUnitOfWork) -> None:
            attempts.append(1)
            with uow:
                [one] = uow.products.locked(first)
                if len(attempts) == 1:
                    both_hold_one.wait()
                else:
                    deadlocked.append(True)
                [two] = uow.products.locked(second)
                one.stock += 1
                two.stock += 1
                uow.commit()

        return use_case

    orders = [("a", "b"), ("b", "a")]
    together(2, lambda n: retry(lock_both(*orders[n]), lambda: ShopUnitOfWork("postgresql")))
    assert fetch("postgresql", "SELECT DISTINCT stock FROM kernel_product") == [(2,)]
    assert deadlocked == [True]


@pytest.mark.django_db(transaction=True)
def test_a_locked_sqlite_database_is_a_conflict(fetch: Fetch) -> None:
    locked = threading.Event()
    release = threading.Event()
    errors: list[OperationalError] = []

    def holder() -> None:
        with ShopUnitOfWork() as uow:
            uow.products.add(Product(name="holder"))
            uow.flush()
            locked.set()
            release.wait()
            uow.commit()

    def impatient() -> None:
        locked.wait()
        uow = ShopUnitOfWork()
        with connections["default"].cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 1")

        def use_case(uow: ShopUnitOfWork) -> None:
            try:
                with uow:
                    uow.products.add(Product(name="impatient"))
                    uow.commit()
            except OperationalError as error:
                errors.append(error)
                release.set()
                raise

        retry(use_case, lambda: uow, attempts=100, longest_wait=0.05)

    together(2, lambda n: [holder, impatient][n]())
    assert {name for (name,) in fetch("default", "SELECT name FROM kernel_product")} == {
        "holder",
        "impatient",
    }
    assert errors


def together(threads: int, work: Callable[[int], object]) -> None:
    """Do `work` in so many threads at once; raises what one of them raised."""
    errors: list[BaseException] = []
    start = threading.Barrier(threads)

    def run(number: int) -> None:
        try:
            start.wait()
            work(number)
        except BaseException as error:  # noqa: BLE001  # raised in the test's own thread
            errors.append(error)
        finally:
            connections.close_all()

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if errors:
        raise errors[0]
